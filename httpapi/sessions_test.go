package httpapi

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
)

// fakeRooms remembers the last call, with whom it was for and what it said.
type fakeRooms struct {
	mu     sync.Mutex // a long poll has a goroutine of its own
	last   string
	status muster.PlacementStatus
	err    error
	wait   func(ctx context.Context) error
}

func (f *fakeRooms) call(format string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = fmt.Sprintf(format, args...)
	return f.err
}

func (f *fakeRooms) placed() muster.SessionPlacementView {
	return muster.SessionPlacementView{ID: "room-1", Status: f.status}
}

func (f *fakeRooms) CreateSession(_ context.Context, me muster.PlayerID, req muster.SessionRequest) (muster.SessionPlacementView, error) {
	return f.placed(), f.call("%s creates %+v", me, req)
}

func (f *fakeRooms) WaitPlacement(ctx context.Context, me muster.PlayerID, id muster.PlacementID, after int64, wait time.Duration) (muster.SessionPlacementView, error) {
	if f.wait != nil && wait > 0 {
		return f.placed(), f.wait(ctx)
	}
	return f.placed(), f.call("%s waits for %s after %d for %v", me, id, after, wait)
}

func (f *fakeRooms) CancelPlacement(_ context.Context, me muster.PlayerID, id muster.PlacementID) (muster.SessionPlacementView, error) {
	return f.placed(), f.call("%s cancels %s", me, id)
}

func (f *fakeRooms) OpenSessions(_ context.Context, q muster.SessionQuery) (muster.SessionPage, error) {
	return muster.SessionPage{}, f.call("lists %+v", q)
}

func (f *fakeRooms) Session(_ context.Context, me muster.PlayerID, id muster.SessionID) (muster.SessionView, error) {
	return muster.SessionView{ID: id}, f.call("%s reads %s", me, id)
}

func (f *fakeRooms) JoinSession(_ context.Context, me muster.PlayerID, id muster.SessionID, req muster.JoinRequest) (muster.SeatView, error) {
	return exampleSeat(), f.call("%s joins %s %+v", me, id, req)
}

func (f *fakeRooms) JoinByCode(_ context.Context, me muster.PlayerID, req muster.JoinRequest) (muster.SeatView, error) {
	return exampleSeat(), f.call("%s joins by code %+v", me, req)
}

func (f *fakeRooms) LeaveSession(_ context.Context, me muster.PlayerID) error {
	return f.call("%s leaves", me)
}

func (f *fakeRooms) CreateServerSession(_ context.Context, req muster.SessionRequest, key string) (muster.SessionPlacementView, bool, error) {
	return f.placed(), key != "used", f.call("a server creates %+v", req)
}

func (f *fakeRooms) ServerPlacement(_ context.Context, id muster.PlacementID) (muster.SessionPlacementView, error) {
	return f.placed(), f.call("a server reads %s", id)
}

func (f *fakeRooms) ServerSession(_ context.Context, id muster.SessionID) (muster.ServerSessionView, error) {
	return muster.ServerSessionView{ID: id}, f.call("a server reads session %s", id)
}

func (f *fakeRooms) UpdateSession(_ context.Context, id muster.SessionID, u muster.SessionUpdate) (muster.ServerSessionView, error) {
	locked := "as it is"
	if u.Locked != nil {
		locked = fmt.Sprint(*u.Locked)
	}
	return muster.ServerSessionView{ID: id}, f.call("a server updates %s: locked %s, %v, ended %t", id, locked, u.Properties, u.Ended)
}

func (f *fakeRooms) RemovePlayer(_ context.Context, id muster.SessionID, p muster.PlayerID) error {
	return f.call("a server removes %s from %s", p, id)
}

func (f *fakeRooms) StartBackfill(_ context.Context, id muster.SessionID, req muster.BackfillRequest) (muster.BackfillView, error) {
	return muster.BackfillView{SessionID: id}, f.call("a server backfills %s with %v", id, req.Players)
}

func (f *fakeRooms) StopBackfill(_ context.Context, id muster.SessionID) error {
	return f.call("a server stops the backfill of %s", id)
}

// arnPath is an ARN as one segment of a path.
const arnPath = "arn:aws:gamelift:us-west-2::gamesession%2Ffleet-1%2Fcustom-home%2Fx"

const arn = "arn:aws:gamelift:us-west-2::gamesession/fleet-1/custom-home/x"

type roomCall struct {
	method, target, body string
	status               int
	heard                string
}

// roomCalls is every route of sessions for players, with what the rules hear.
var roomCalls = []roomCall{
	{"POST", "/v1/sessions", `{"mode":"lobby","private":true,"properties":{"map":"x"}}`, 202, "p-ada creates {Mode:lobby Name: Private:true Properties:map[map:x] MaxPlayers:0 LatencyInMs:map[] Team:}"},
	{"GET", "/v1/placements/room-1", ``, 200, "p-ada waits for room-1 after -1 for 0s"},
	{"GET", "/v1/placements/room-1?wait=3&after=7", ``, 200, "p-ada waits for room-1 after 7 for 3s"},
	{"DELETE", "/v1/placements/room-1", ``, 202, "p-ada cancels room-1"},
	{"GET", "/v1/sessions?mode=lobby", ``, 200, "lists {Mode:lobby Location: Properties:map[] HasRoom:false After: Limit:20}"},
	{"GET", "/v1/sessions?mode=lobby&location=custom-home&hasRoom=true&property.map=x&property.round=1&limit=5&after=c", ``, 200, "lists {Mode:lobby Location:custom-home Properties:map[map:x round:1] HasRoom:true After:c Limit:5}"},
	{"GET", "/v1/sessions/" + arnPath, ``, 200, "p-ada reads " + arn},
	{"POST", "/v1/sessions/" + arnPath + "/players", ``, 200, "p-ada joins " + arn + " {Code: Role: Team:}"},
	{"POST", "/v1/sessions/" + arnPath + "/players", `{"code":"k","role":"spectator","team":"red"}`, 200, "p-ada joins " + arn + " {Code:k Role:spectator Team:red}"},
	{"POST", "/v1/sessions/join", `{"code":"K7QM2-XWD4B"}`, 200, "p-ada joins by code {Code:K7QM2-XWD4B Role: Team:}"},
	{"DELETE", "/v1/players/me/session", ``, 204, "p-ada leaves"},
}

// serverRoomCalls is every route of sessions for game servers.
var serverRoomCalls = []roomCall{
	{"POST", "/v1/server/sessions", `{"mode":"lobby","name":"n"}`, 202, "a server creates {Mode:lobby Name:n Private:false Properties:map[] MaxPlayers:0 LatencyInMs:map[] Team:}"},
	{"GET", "/v1/server/placements/room-1", ``, 200, "a server reads room-1"},
	{"GET", "/v1/server/sessions/" + arnPath, ``, 200, "a server reads session " + arn},
	{"PATCH", "/v1/server/sessions/" + arnPath, `{"locked":false,"properties":{"a":"b"}}`, 200, "a server updates " + arn + ": locked false, map[a:b], ended false"},
	{"PATCH", "/v1/server/sessions/" + arnPath, `{"ended":true}`, 200, "a server updates " + arn + ": locked as it is, map[], ended true"},
	{"DELETE", "/v1/server/sessions/" + arnPath + "/players/p-ada", ``, 204, "a server removes p-ada from " + arn},
	{"POST", "/v1/server/sessions/" + arnPath + "/backfill", `{"players":[{"playerId":"p-ada","team":"red"}]}`, 202, "a server backfills " + arn + " with [{p-ada red}]"},
	{"DELETE", "/v1/server/sessions/" + arnPath + "/backfill", ``, 204, "a server stops the backfill of " + arn},
}

func TestSessionCallsReachTheRulesInTheCallersName(t *testing.T) {
	r := newRig(t, nil)
	for token, calls := range map[string][]roomCall{"ada": roomCalls, "msk_good": serverRoomCalls} {
		for _, c := range calls {
			t.Run(c.method+" "+c.target, func(t *testing.T) {
				r.t = t
				if a := r.do(c.method, c.target, token, c.body); a.status != c.status || r.rooms.last != c.heard {
					t.Errorf("%d %s, the rules heard %q; want %d and %q", a.status, a.body, r.rooms.last, c.status, c.heard)
				}
			})
		}
	}
	if a := r.do("POST", "/v1/sessions", "ada", `{"mode":"lobby"}`); a.header.Get("Location") != "/v1/placements/room-1" {
		t.Errorf("Location %q", a.header.Get("Location"))
	}
	if a := r.do("GET", "/v1/sessions?mode=lobby", "ada", ""); a.body != "{\"sessions\":[]}\n" {
		t.Errorf("no sessions are %s", a.body)
	}
	if a := r.do("POST", "/v1/server/sessions", "msk_good", `{"mode":"lobby"}`, "Idempotency-Key", "new"); a.status != 202 || a.header.Get("Location") != "/v1/server/placements/room-1" {
		t.Errorf("with a new key: %d, Location %q", a.status, a.header.Get("Location"))
	}
	if a := r.do("POST", "/v1/server/sessions", "msk_good", `{"mode":"lobby"}`, "Idempotency-Key", "used"); a.status != 200 || a.header.Get("Location") != "" {
		t.Errorf("with a key that was used: %d, Location %q", a.status, a.header.Get("Location"))
	}
	r.rooms.status = muster.PlacementCancelled
	if a := r.do("DELETE", "/v1/placements/room-1", "ada", ""); a.status != 200 {
		t.Errorf("a request that is over is answered with %d", a.status)
	}
}

func TestSessionCallsAreForThoseTheyAreFor(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range roomCalls {
		r.wantCallers(c, map[string]int{"": 401, "expired": 401, "msk_good": 403, "mak_good": 403, "guest": c.status})
	}
	for _, c := range serverRoomCalls {
		r.wantCallers(c, map[string]int{"": 401, "expired": 401, "ada": 403, "guest": 403, "mak_good": 403, "msk_bad": 401})
	}
}

// wantCallers sends a call with every token and checks the status.
func (r *rig) wantCallers(c roomCall, statuses map[string]int) {
	r.t.Helper()
	for token, status := range statuses {
		if a := r.do(c.method, c.target, token, c.body); a.status != status {
			r.t.Errorf("%s %s with token %q: %d %s, want %d", c.method, c.target, token, a.status, a.code(), status)
		}
	}
}

func TestSessionRequestsThatAreRefusedUnheard(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range []struct{ name, method, target, token, body string }{
		{"a list without a mode", "GET", "/v1/sessions", "ada", ""},
		{"too long a page", "GET", "/v1/sessions?mode=m&limit=51", "ada", ""},
		{"a property twice", "GET", "/v1/sessions?mode=m&property.a=1&property.a=2", "ada", ""},
		{"too many properties", "GET", "/v1/sessions?mode=m" + manyProperties(17), "ada", ""},
		{"a role that is none", "POST", "/v1/sessions/x/players", "ada", `{"role":"owner"}`},
		{"a session without a mode", "POST", "/v1/sessions", "ada", `{}`},
		{"a backfill of nobody", "POST", "/v1/server/sessions/x/backfill", "msk_good", `{"players":[]}`},
		{"too long a wait", "GET", "/v1/placements/room-1?wait=31", "ada", ""},
		{"a placement id that is too long", "GET", "/v1/placements/" + strings.Repeat("x", 49), "ada", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t, r.rooms.last = t, ""
			if a := r.do(c.method, c.target, c.token, c.body); a.status != 400 || r.rooms.last != "" {
				t.Errorf("%d %s, the rules heard %q", a.status, a.body, r.rooms.last)
			}
		})
	}
}

func manyProperties(n int) string {
	var q strings.Builder
	for i := range n {
		fmt.Fprintf(&q, "&property.k%d=v", i)
	}
	return q.String()
}

func TestAWaitForAPlacementEndsWhenTheServerStops(t *testing.T) {
	stopping := make(chan struct{})
	r := newRig(t, func(o *Options) { o.Stopping = stopping })
	r.rooms.wait = func(ctx context.Context) error {
		close(stopping)
		<-ctx.Done()
		return ctx.Err()
	}
	if a := r.do("GET", "/v1/placements/room-1?wait=30", "ada", ""); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestWithoutRoomsThereAreNoSuchCalls(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Rooms, o.ServerRooms = nil, nil })
	if a := r.do("GET", "/v1/sessions?mode=m", "ada", ""); a.status != 404 {
		t.Errorf("%d", a.status)
	}
	if a := r.do("GET", "/v1/server/sessions/x", "msk_good", ""); a.status != 404 {
		t.Errorf("%d", a.status)
	}
}
