package muster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
)

func TestPrivateSessions(t *testing.T) {
	r, ctx := lobby(nil), context.Background()
	ann, bob, eve := r.guest("ann"), r.guest("bob"), r.guest("eve")
	made := r.open(t, ann, muster.SessionRequest{Private: true})
	id, code := made.SessionID, made.Code
	if len(code) != 10 {
		t.Fatalf("the code is %q", code)
	}
	if got := r.listed(t, muster.SessionQuery{}); len(got) != 0 {
		t.Errorf("a private session is listed: %v", got)
	}
	_, unknown := r.JoinSession(ctx, eve, id+"x", muster.JoinRequest{Code: code})
	for name, try := range map[string]func() error{
		"without a code": func() error { _, err := r.JoinSession(ctx, eve, id, muster.JoinRequest{}); return err },
		"with a wrong one": func() error {
			_, err := r.JoinSession(ctx, eve, id, muster.JoinRequest{Code: "2345678934"})
			return err
		},
		"with part of it": func() error { _, err := r.JoinSession(ctx, eve, id, muster.JoinRequest{Code: code[:9]}); return err },
		"to watch": func() error {
			_, err := r.JoinSession(ctx, eve, id, muster.JoinRequest{Role: muster.Spectator})
			return err
		},
		"by a wrong code alone": func() error { _, err := r.JoinByCode(ctx, eve, muster.JoinRequest{Code: "2345678934"}); return err },
		"by no code":            func() error { _, err := r.JoinByCode(ctx, eve, muster.JoinRequest{}); return err },
		"reading it":            func() error { _, err := r.Session(ctx, eve, id); return err },
	} {
		if err := try(); fmt.Sprint(err) != fmt.Sprint(unknown) {
			t.Errorf("%s: %v differs from the answer for no session: %v", name, err, unknown)
		}
	}
	spelled := strings.ToLower(code[:5]) + " - " + code[5:]
	must[muster.SeatView](t)(r.JoinByCode(ctx, bob, muster.JoinRequest{Code: spelled}))
	if v := must[muster.SessionView](t)(r.Session(ctx, bob, id)); v.Code != code {
		t.Errorf("a member sees the code %q, want %q", v.Code, code)
	}
	if err := r.LeaveSession(ctx, bob); err != nil {
		t.Fatal(err)
	}
	_, err := r.Session(ctx, bob, id)
	wantError(t, err, muster.NotFound, "session.not_found")
	must[muster.ServerSessionView](t)(r.UpdateSession(ctx, id, muster.SessionUpdate{Ended: true}))
	_, err = r.JoinByCode(ctx, eve, muster.JoinRequest{Code: code})
	wantError(t, err, muster.NotFound, "session.not_found")
	_, err = r.JoinByCode(ctx, eve, muster.JoinRequest{Code: code})
	for muster.KindOf(err) == muster.NotFound {
		_, err = r.JoinByCode(ctx, eve, muster.JoinRequest{Code: "2222222222"})
	}
	wantError(t, err, muster.Exhausted, "session.too_many_codes")
	r.clock.advance(time.Minute)
	_, err = r.JoinByCode(ctx, eve, muster.JoinRequest{Code: code})
	wantError(t, err, muster.NotFound, "session.not_found")
	_ = r.store.Scan(ctx, func(page []muster.Record) error {
		for _, rec := range page {
			if strings.Contains(rec.Partition+rec.Sort, code) {
				t.Errorf("the code stands in the key %s / %s", rec.Partition, rec.Sort)
			}
		}
		return nil
	})
}

// TestTheLastPlaceGoesToOne lets 64 players join at once where one place is left.
func TestTheLastPlaceGoesToOne(t *testing.T) {
	r, ctx := lobby(func(o *muster.SessionOptions) { o.MaxPlayers, o.Spectators = 2, 0 }), context.Background()
	id := r.open(t, r.guest("ann"), muster.SessionRequest{}).SessionID
	var wg sync.WaitGroup
	var mu sync.Mutex
	var seats []muster.SeatView
	for i := range 64 {
		p := r.guest(fmt.Sprint("guest-", i))
		wg.Go(func() {
			seat, err := r.JoinSession(ctx, p, id, muster.JoinRequest{})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				seats = append(seats, seat)
			case muster.KindOf(err) != muster.Conflict && muster.KindOf(err) != muster.Unavailable:
				t.Errorf("player %s: %v", p, err)
			}
		})
	}
	wg.Wait()
	if len(seats) != 1 {
		t.Fatalf("%d players got the last place", len(seats))
	}
	if v := must[muster.ServerSessionView](t)(r.ServerSession(ctx, id)); len(v.Players) != 2 {
		t.Errorf("the roster is %+v", v.Players)
	}
	if got := r.listed(t, muster.SessionQuery{}); len(got) != 0 {
		t.Errorf("a full session is listed: %v", got)
	}
	if err := r.RemovePlayer(ctx, id, r.lift.seats[seats[0].PlayerSessionID].Player); err != nil {
		t.Fatal(err)
	}
	if got := r.listed(t, muster.SessionQuery{HasRoom: true}); len(got) != 1 {
		t.Errorf("a session with a free place is not listed: %v", got)
	}
}

// TestOnePlayerJoinsOneSession lets one player do everything at once.
func TestOnePlayerJoinsOneSession(t *testing.T) {
	r, ctx := lobby(nil), context.Background()
	ann := r.guest("ann")
	var ids []muster.SessionID
	for i := range 8 {
		ids = append(ids, r.open(t, r.guest(fmt.Sprint("host-", i)), muster.SessionRequest{}).SessionID)
	}
	var wg sync.WaitGroup
	for _, id := range ids {
		for _, role := range []muster.SeatRole{"", muster.Spectator} {
			wg.Go(func() { _, _ = r.JoinSession(ctx, ann, id, muster.JoinRequest{Role: role}) }) // who won shows below
		}
	}
	wg.Wait()
	in := 0
	for _, id := range ids {
		for _, p := range must[muster.ServerSessionView](t)(r.ServerSession(ctx, id)).Players {
			if p.PlayerID == ann && !p.Left {
				in++
			}
		}
	}
	if in != 1 {
		t.Errorf("ann is in %d sessions", in)
	}
}

func TestAJoinIsSettledWhateverGameLiftAnswers(t *testing.T) {
	ctx := context.Background()
	begin := func(t *testing.T) (*rig, muster.PlayerID, muster.SessionID) {
		r := lobby(nil)
		return r, r.guest("bob"), r.open(t, r.guest("ann"), muster.SessionRequest{}).SessionID
	}
	join := func(r *rig, p muster.PlayerID, id muster.SessionID) (muster.SeatView, error) {
		return r.JoinSession(ctx, p, id, muster.JoinRequest{})
	}
	t.Run("a lost answer keeps the place, and the seat is found", func(t *testing.T) {
		r, bob, id := begin(t)
		r.lift.reserveErr = func() (bool, error) { return true, errDown }
		_, err := join(r, bob, id)
		wantError(t, err, muster.Unavailable, "gamelift.unavailable")
		_, err = r.Seat(ctx, bob)
		wantError(t, err, muster.Conflict, "session.joining")
		_, _, err = r.StartTicket(ctx, bob, duel(), "")
		wantError(t, err, muster.Conflict, "session.joining")
		r.clock.advance(11 * time.Second)
		if seat := must[muster.SeatView](t)(r.Seat(ctx, bob)); seat.SessionID != id || r.lift.seats[seat.PlayerSessionID].Player != bob {
			t.Errorf("the seat is %+v", seat)
		}
	})
	t.Run("a lost request gives the place back", func(t *testing.T) {
		r, bob, id := begin(t)
		r.lift.reserveErr = func() (bool, error) { return false, errDown }
		_, err := join(r, bob, id)
		wantError(t, err, muster.Unavailable, "gamelift.unavailable")
		r.clock.advance(11 * time.Second)
		_, err = r.Seat(ctx, bob)
		wantError(t, err, muster.NotFound, "session.none")
		if v := must[muster.ServerSessionView](t)(r.ServerSession(ctx, id)); len(v.Players) != 1 {
			t.Errorf("the roster is %+v, want ann alone", v.Players)
		}
	})
	t.Run("a lost answer to a player who never asks again", func(t *testing.T) {
		r, bob, id := begin(t)
		r.lift.reserveErr = func() (bool, error) { return false, errDown }
		_, _ = join(r, bob, id) // it is lost
		r.sweep(t, 5*time.Minute)
		if v := must[muster.SessionView](t)(r.Session(ctx, bob, id)); v.PlayerCount != 1 {
			t.Errorf("the session is %+v, want the place given up", v)
		}
	})
	t.Run("a session that is full at GameLift", func(t *testing.T) {
		r, bob, id := begin(t)
		r.lift.capacity[id] = 1
		_, err := join(r, bob, id)
		wantError(t, err, muster.Conflict, "session.full")
		r.start(t, bob, duel())
	})
	t.Run("a session that is over at GameLift ends here, too", func(t *testing.T) {
		r, bob, id := begin(t)
		r.lift.sessions[id].Live = false
		_, err := join(r, bob, id)
		wantError(t, err, muster.Conflict, "session.refused")
		if got := r.listed(t, muster.SessionQuery{}); len(got) != 0 {
			t.Errorf("listed are %v", got)
		}
		r.start(t, bob, duel())
		r.start(t, r.guest("ann"), duel())
	})
	t.Run("who returns while GameLift keeps the seat gets that one", func(t *testing.T) {
		r, bob, id := begin(t)
		first := must[muster.SeatView](t)(join(r, bob, id))
		if err := r.LeaveSession(ctx, bob); err != nil {
			t.Fatal(err)
		}
		if again := must[muster.SeatView](t)(join(r, bob, id)); again.PlayerSessionID != first.PlayerSessionID {
			t.Errorf("the seats are %+v and %+v", first, again)
		}
	})
	t.Run("an answer that comes after the join was given up", func(t *testing.T) {
		r, bob, id := begin(t)
		r.lift.reserveErr = func() (bool, error) {
			r.lift.mu.Unlock()
			defer r.lift.mu.Lock()
			r.clock.advance(11 * time.Second)
			_, _ = r.Seat(ctx, bob) // gives it up
			return true, nil
		}
		_, err := join(r, bob, id)
		wantError(t, err, muster.Conflict, "session.overtaken")
		if v := must[muster.SessionView](t)(r.Session(ctx, bob, id)); v.PlayerCount != 1 {
			t.Errorf("the session is %+v", v)
		}
	})
}

func TestSessionsEndAndPlacesAreGivenUpWithoutAWord(t *testing.T) {
	ctx := context.Background()
	r := lobby(nil)
	ann, bob, cyd := r.guest("ann"), r.guest("bob"), r.guest("cyd")
	id := r.open(t, ann, muster.SessionRequest{}).SessionID
	must[muster.SeatView](t)(r.JoinSession(ctx, bob, id, muster.JoinRequest{}))
	r.lift.endSeats(func(s muster.SeatState) bool { return s.Player == bob })
	r.sweep(t, 5*time.Minute)
	if v := must[muster.SessionView](t)(r.Session(ctx, cyd, id)); v.PlayerCount != 1 {
		t.Errorf("the session is %+v, want bob's place given up", v)
	}
	r.start(t, bob, duel())
	r.lift.sessions[id].Live = false
	r.sweep(t, 5*time.Minute)
	if got := r.listed(t, muster.SessionQuery{}); len(got) != 0 {
		t.Errorf("a session that is over is listed: %v", got)
	}
	_, err := r.Seat(ctx, ann)
	wantError(t, err, muster.NotFound, "session.none")
	r.leavesNothing(t, "DUE#session", "OPEN#")
}

func TestASessionThatLastsForWeeksIsKept(t *testing.T) {
	r := lobby(nil)
	id := r.open(t, r.guest("ann"), muster.SessionRequest{}).SessionID
	for range 21 * 4 {
		r.clock.advance(6 * time.Hour)
		if err := r.Reconcile(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.listed(t, muster.SessionQuery{}); len(got) != 1 || got[0] != id {
		t.Errorf("after three weeks listed are %v", got)
	}
}

func TestGameServersAndTheirSessions(t *testing.T) {
	ctx := context.Background()
	begin := func(t *testing.T) (*rig, muster.PlayerID, muster.SessionID) {
		r := lobby(nil)
		ann := r.guest("ann")
		return r, ann, r.open(t, ann, muster.SessionRequest{}).SessionID
	}
	yes, no := true, false
	t.Run("a locked session is not listed and takes nobody", func(t *testing.T) {
		r, _, id := begin(t)
		must[muster.ServerSessionView](t)(r.UpdateSession(ctx, id, muster.SessionUpdate{Locked: &yes}))
		_, err := r.JoinSession(ctx, r.guest("bob"), id, muster.JoinRequest{})
		wantError(t, err, muster.Conflict, "session.locked")
		if got := r.listed(t, muster.SessionQuery{}); len(got) != 0 {
			t.Errorf("listed are %v", got)
		}
		must[muster.ServerSessionView](t)(r.UpdateSession(ctx, id, muster.SessionUpdate{Locked: &no}))
		must[muster.SeatView](t)(r.JoinSession(ctx, r.guest("bob"), id, muster.JoinRequest{}))
	})
	t.Run("a property that the mode does not list is refused", func(t *testing.T) {
		r, _, id := begin(t)
		_, err := r.UpdateSession(ctx, id, muster.SessionUpdate{Properties: map[string]string{"x": "y"}})
		wantError(t, err, muster.Invalid, "session.property")
		_, err = r.UpdateSession(ctx, id, muster.SessionUpdate{Properties: map[string]string{"map": "moon"}})
		wantError(t, err, muster.Invalid, "session.property")
	})
	t.Run("a player who went is free, once and again", func(t *testing.T) {
		r, ann, id := begin(t)
		for range 2 {
			if err := r.RemovePlayer(ctx, id, ann); err != nil {
				t.Fatal(err)
			}
		}
		r.start(t, ann, duel())
		if err := r.RemovePlayer(ctx, id, ann); err != nil {
			t.Fatal(err)
		}
		if me := must[muster.PlayerView](t)(r.Me(ctx, ann)); me.Activity == nil || me.Activity.Kind != "ticket" {
			t.Errorf("ann's new ticket was lost: %+v", me.Activity)
		}
		wantError(t, r.RemovePlayer(ctx, id, r.guest("eve")), muster.NotFound, "session.player_unknown")
	})
	t.Run("an unknown session is not found", func(t *testing.T) {
		r, ann, _ := begin(t)
		for _, id := range []muster.SessionID{"", "arn:aws:gamelift:none", muster.SessionID(strings.Repeat("x", 2000)), "\xff"} {
			_, err := r.ServerSession(ctx, id)
			wantError(t, err, muster.NotFound, "session.not_found")
			_, err = r.UpdateSession(ctx, id, muster.SessionUpdate{Ended: true})
			wantError(t, err, muster.NotFound, "session.not_found")
			wantError(t, r.RemovePlayer(ctx, id, ann), muster.NotFound, "session.not_found")
		}
	})
	t.Run("a match's session is ended, but has no lock", func(t *testing.T) {
		r := newRig(false)
		ann, bob := r.guest("ann"), r.guest("bob")
		r.start(t, ann, duel())
		r.start(t, bob, duel())
		r.mustDeliver(t)
		id := must[muster.SeatView](t)(r.Seat(ctx, ann)).SessionID
		_, err := r.UpdateSession(ctx, id, muster.SessionUpdate{Locked: &yes})
		wantError(t, err, muster.Conflict, "session.not_open")
		_, err = r.JoinSession(ctx, r.guest("eve"), id, muster.JoinRequest{})
		wantError(t, err, muster.NotFound, "session.not_found")
		_, err = r.Session(ctx, r.guest("eve"), id)
		wantError(t, err, muster.NotFound, "session.not_found")
		if v := must[muster.SessionView](t)(r.Session(ctx, ann, id)); len(v.Players) != 2 {
			t.Errorf("ann sees %+v", v)
		}
		must[muster.ServerSessionView](t)(r.UpdateSession(ctx, id, muster.SessionUpdate{Ended: true}))
		r.start(t, ann, duel())
		r.start(t, bob, duel())
	})
}

func TestBrowsingPagesThroughEverythingOnce(t *testing.T) {
	r, ctx := lobby(nil), context.Background()
	want := map[muster.SessionID]bool{}
	for i := range 60 {
		r.clock.advance(time.Second)
		req := muster.SessionRequest{Properties: map[string]string{"map": []string{"harbour", "tower"}[i%2]}}
		id := r.open(t, r.guest(fmt.Sprint("host-", i)), req).SessionID
		if i%2 == 0 {
			want[id] = true
		}
	}
	q := muster.SessionQuery{Mode: "lobby", Limit: 7, Properties: map[string]string{"map": "harbour"}}
	var last time.Time
	pages := 0
	for more := true; more; pages++ {
		page := must[muster.SessionPage](t)(r.OpenSessions(ctx, q))
		for _, s := range page.Sessions {
			if !want[s.ID] || !last.IsZero() && s.CreatedAt.After(last) {
				t.Errorf("session %s of %s is out of place", s.ID, s.CreatedAt)
			}
			delete(want, s.ID)
			last = s.CreatedAt
		}
		q.After, more = page.Next, page.Next != ""
	}
	if len(want) != 0 || pages > 6 {
		t.Errorf("%d sessions were not listed on %d pages", len(want), pages)
	}
	for name, bad := range map[string]muster.SessionQuery{
		"session.limit": {Mode: "lobby", Limit: 51}, "mode.unknown": {Mode: "x", Limit: 1},
		"session.cursor": {Mode: "lobby", Limit: 1, After: "\xff"}, "session.matchmaking_only": {Mode: "duel", Limit: 1},
	} {
		_, err := r.OpenSessions(ctx, bad)
		if e, ok := err.(*muster.Error); !ok || e.Code != name { //nolint:errorlint // the rules return it unwrapped
			t.Errorf("%+v: %v, want %s", bad, err, name)
		}
	}
}

// TestNobodySeesTheSeatOfAnother looks through all that is shown for seats.
func TestNobodySeesTheSeatOfAnother(t *testing.T) {
	r, ctx := lobby(nil), context.Background()
	ann, bob, eve := r.guest("ann"), r.guest("bob"), r.guest("eve")
	made := r.open(t, ann, muster.SessionRequest{})
	must[muster.SeatView](t)(r.JoinSession(ctx, bob, made.SessionID, muster.JoinRequest{}))
	shown := map[muster.PlayerID][]any{}
	for _, p := range []muster.PlayerID{ann, bob, eve} {
		page := must[muster.SessionPage](t)(r.OpenSessions(ctx, muster.SessionQuery{Mode: "lobby", Limit: 10}))
		session := must[muster.SessionView](t)(r.Session(ctx, p, made.SessionID))
		snapshot := must[muster.Snapshot](t)(r.Snapshot(ctx, p))
		shown[p] = append(shown[p], page, session, snapshot)
	}
	for _, n := range r.inbox.take() {
		shown[n.Player] = append(shown[n.Player], n.Data)
	}
	for p, all := range shown {
		body, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		for id, seat := range r.lift.seats {
			if seat.Player != p && strings.Contains(string(body), string(id)) {
				t.Errorf("%s is shown the seat of %s", p, seat.Player)
			}
		}
	}
}

func TestAResultEndsALobby(t *testing.T) {
	r, ctx := lobby(nil), context.Background()
	ann, bob, cyd, dan := r.guest("ann"), r.guest("bob"), r.guest("cyd"), r.guest("dan")
	id := r.open(t, ann, muster.SessionRequest{}).SessionID
	for _, p := range []muster.PlayerID{bob, cyd} {
		must[muster.SeatView](t)(r.JoinSession(ctx, p, id, muster.JoinRequest{}))
	}
	must[muster.SeatView](t)(r.JoinSession(ctx, dan, id, muster.JoinRequest{Role: muster.Spectator}))
	if err := r.LeaveSession(ctx, cyd); err != nil {
		t.Fatal(err)
	}
	report := func(players ...muster.PlayerID) muster.ResultReport {
		all := muster.ResultReport{}
		for i, p := range players {
			all.Players = append(all.Players, muster.ResultPlace{ResultPlayer: muster.ResultPlayer{PlayerID: p}, Rank: i + 1})
		}
		return all
	}
	_, err := r.ReportResult(ctx, id, report(ann))
	wantError(t, err, muster.Invalid, "result.incomplete")
	_, err = r.ReportResult(ctx, id, report(ann, bob, dan))
	wantError(t, err, muster.Invalid, "result.stranger")
	must[muster.ResultView](t)(r.ReportResult(ctx, id, report(ann, bob)))
	for _, p := range []muster.PlayerID{ann, bob, dan} {
		_, err := r.Seat(ctx, p)
		wantError(t, err, muster.NotFound, "session.none")
	}
	if v := must[muster.ServerSessionView](t)(r.ServerSession(ctx, id)); v.EndedAt == nil {
		t.Errorf("the session is %+v", v)
	}
}
