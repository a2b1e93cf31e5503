package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"muster"
)

// Rooms is sessions that players make, find and join by themselves; *muster.Backend has
// it.
type Rooms interface {
	CreateSession(ctx context.Context, me muster.PlayerID, req muster.SessionRequest) (muster.SessionPlacementView, error)
	// WaitPlacement answers as soon as the version exceeds after (negative: that at the
	// time of the call), or unchanged once wait is over.
	WaitPlacement(ctx context.Context, me muster.PlayerID, id muster.PlacementID, after int64, wait time.Duration) (muster.SessionPlacementView, error)
	CancelPlacement(ctx context.Context, me muster.PlayerID, id muster.PlacementID) (muster.SessionPlacementView, error)

	OpenSessions(ctx context.Context, q muster.SessionQuery) (muster.SessionPage, error)
	Session(ctx context.Context, me muster.PlayerID, id muster.SessionID) (muster.SessionView, error)
	JoinSession(ctx context.Context, me muster.PlayerID, id muster.SessionID, req muster.JoinRequest) (muster.SeatView, error)
	JoinByCode(ctx context.Context, me muster.PlayerID, req muster.JoinRequest) (muster.SeatView, error)
	LeaveSession(ctx context.Context, me muster.PlayerID) error
}

type sessionRequest struct {
	Mode        muster.ModeName   `json:"mode" minLength:"1" maxLength:"128" doc:"A mode whose sessions can be created" example:"lobby"`
	Name        string            `json:"name,omitempty" maxLength:"256" doc:"For people; at most 64 characters" example:"Ada's place"`
	Private     bool              `json:"private,omitempty" doc:"It is not listed, and joining takes the code"`
	Properties  map[string]string `json:"properties,omitempty" maxProperties:"16" doc:"Of those that the mode lists"`
	MaxPlayers  int               `json:"maxPlayers,omitempty" minimum:"0" maximum:"200" doc:"0: as many as the mode allows"`
	LatencyInMs map[string]int    `json:"latencyInMs,omitempty" maxProperties:"100" doc:"Milliseconds to each location that was measured"`
	Team        string            `json:"team,omitempty" maxLength:"128" doc:"Where the caller plays; absent: the smallest team"`
}

type sessionJoin struct {
	Code string          `json:"code,omitempty" maxLength:"40" doc:"Of a private session" example:"K7QM2XWD4B"`
	Role muster.SeatRole `json:"role,omitempty" enum:"spectator" doc:"Absent: to play"`
	Team string          `json:"team,omitempty" maxLength:"128" doc:"Absent: the smallest team"`
}

type joinInput struct {
	ID   muster.SessionID `path:"id" minLength:"1" maxLength:"1024" doc:"The session's id, an ARN, percent-encoded as one path segment"`
	Body *sessionJoin
}

type placementPath struct {
	ID muster.PlacementID `path:"id" minLength:"1" maxLength:"48" doc:"Id of my request for a session" example:"room-0199c0de-0000-7000-8000-00000000d001"`
}

type placementPoll struct {
	ID    muster.PlacementID `path:"id" minLength:"1" maxLength:"48" doc:"Id of my request for a session" example:"room-0199c0de-0000-7000-8000-00000000d001"`
	Wait  int                `query:"wait" minimum:"0" maximum:"30" doc:"Seconds to wait for news; 0: answer at once"`
	After int64              `query:"after" minimum:"-1" default:"-1" doc:"The version that is known; -1: the version of now"`
}

// sessionsQuery says which open sessions are wanted. Every property.KEY=VALUE of the
// query narrows the list.
type sessionsQuery struct {
	Mode     muster.ModeName `query:"mode" required:"true" minLength:"1" maxLength:"128" doc:"Name of a mode"`
	Location string          `query:"location" maxLength:"128" doc:"Where the session runs; absent: anywhere"`
	HasRoom  bool            `query:"hasRoom" doc:"Only where one more can play; others can be watched"`
	After    string          `query:"after" maxLength:"1024" doc:"The cursor next of the page before"`
	Limit    int             `query:"limit" minimum:"1" maximum:"50" default:"20" doc:"How many at most"`

	properties map[string]string
}

// maxPropertyFilters bounds how many properties a query may name, as many as a session
// has.
const maxPropertyFilters = 16

// Resolve implements huma.Resolver: it reads the members of the query whose names are
// the caller's.
func (q *sessionsQuery) Resolve(ctx huma.Context) []error {
	at := ctx.URL()
	q.properties = make(map[string]string)
	for name, values := range at.Query() {
		key, isProperty := strings.CutPrefix(name, "property.")
		if !isProperty {
			continue
		}
		if len(values) != 1 || len(q.properties) == maxPropertyFilters {
			return []error{&huma.ErrorDetail{Location: "query.property", Message: "each property once, and at most 16"}}
		}
		q.properties[key] = values[0]
	}
	return nil
}

type placementBody struct {
	Body muster.SessionPlacementView
}

type placementAnswer struct {
	Status   int
	Location string `header:"Location" doc:"Where the request is read; when it is new"`
	Body     muster.SessionPlacementView
}

type seatBody struct{ Body muster.SeatView }

func (s *server) sessionRoutes() {
	if s.Rooms == nil {
		return
	}
	s.placementRoutes()
	s.roomRoutes()
}

// placementRoutes ask for sessions.
func (s *server) placementRoutes() {
	handle(s, operation{
		method: http.MethodPost, path: "/v1/sessions", id: "createSession", tag: "sessions",
		summary: "Ask for a session",
		description: "The answer is a request that is under way: follow it, or wait for `placement` on the socket. The caller gets the first seat. " +
			"409 while queued (ticketId), placed (placementId) or seated (seat). 403 session.create_denied where players create none. 429 session.too_many while as many sessions of the mode as it allows, which the caller created, are running.",
		need: needPlayer, status: http.StatusAccepted, refusals: []int{http.StatusNotFound, http.StatusConflict}, bodyLimit: s.BodyLimit, strict: true,
		requestExample: sessionRequest{Mode: "lobby", Name: "Ada's place", Private: true, Properties: map[string]string{"map": "harbour"}},
		example:        examplePlacement(muster.PlacementPending),
	}, func(ctx context.Context, in *struct{ Body sessionRequest }) (*placementAnswer, error) {
		v, err := s.Rooms.CreateSession(ctx, me(ctx), muster.SessionRequest(in.Body))
		return &placementAnswer{Status: http.StatusAccepted, Location: "/v1/placements/" + url.PathEscape(string(v.ID)), Body: v}, err
	})
	handle(s, operation{
		method: http.MethodGet, path: "/v1/placements/{id}", id: "placement", tag: "sessions",
		summary:     "Read my request for a session, now or when it changes",
		description: "With wait the answer comes as soon as the version exceeds after, or unchanged when the time is over. The code is that of a private session: whoever has it can join.",
		need:        needPlayer, refusals: []int{http.StatusNotFound}, example: examplePlacement(muster.PlacementFulfilled),
	}, s.placement)
	handle(s, operation{
		method: http.MethodDelete, path: "/v1/placements/{id}", id: "cancelPlacement", tag: "sessions",
		summary:     "Stop asking for a session",
		description: "202 while the cancellation is under way, 200 when the request is over, perhaps with a seat. 409 placement.starting when the session is starting already.",
		need:        needPlayer, status: http.StatusAccepted, alsoStatus: map[int]string{http.StatusOK: "The request is over"},
		refusals: []int{http.StatusNotFound, http.StatusConflict}, example: examplePlacement(muster.PlacementPending),
	}, func(ctx context.Context, in *placementPath) (*placementAnswer, error) {
		v, err := s.Rooms.CancelPlacement(ctx, me(ctx), in.ID)
		status := http.StatusAccepted
		if v.Status.Final() {
			status = http.StatusOK
		}
		return &placementAnswer{Status: status, Body: v}, err
	})
}

// placement answers at once or waits, as for a ticket.
func (s *server) placement(ctx context.Context, in *placementPoll) (*placementBody, error) {
	player := me(ctx)
	if s.Stopping == nil || in.Wait == 0 {
		v, err := s.Rooms.WaitPlacement(ctx, player, in.ID, in.After, patience(ctx, in.Wait))
		return &placementBody{v}, err
	}
	wait, end := context.WithCancel(ctx)
	defer end()
	go func() {
		select {
		case <-s.Stopping:
			end()
		case <-wait.Done():
		}
	}()
	v, err := s.Rooms.WaitPlacement(wait, player, in.ID, in.After, patience(ctx, in.Wait))
	if err != nil && wait.Err() != nil && ctx.Err() == nil { // we stop: the answer is what is known
		v, err = s.Rooms.WaitPlacement(ctx, player, in.ID, in.After, 0)
	}
	return &placementBody{v}, err
}

// roomRoutes find and join sessions.
func (s *server) roomRoutes() {
	handle(s, operation{
		method: http.MethodGet, path: "/v1/sessions", id: "sessions", tag: "sessions",
		summary: "List open sessions, newest first",
		description: "Those that are not private and can be joined. Each property.KEY=VALUE of the query narrows the list. A page may be short and still have a next. " +
			"403 session.browse_denied where sessions are not listed.",
		need: needPlayer, refusals: []int{http.StatusNotFound}, example: muster.SessionPage{Sessions: []muster.SessionView{exampleRoom(false)}},
	}, func(ctx context.Context, in *sessionsQuery) (*struct{ Body muster.SessionPage }, error) {
		page, err := s.Rooms.OpenSessions(ctx, muster.SessionQuery{
			Mode: in.Mode, Location: in.Location, Properties: in.properties, HasRoom: in.HasRoom, After: in.After, Limit: in.Limit,
		})
		page.Sessions = notNil(page.Sessions)
		return &struct{ Body muster.SessionPage }{page}, err
	})
	handle(s, operation{
		method: http.MethodGet, path: "/v1/sessions/{id}", id: "session", tag: "sessions",
		summary:     "Read a session",
		description: "Who is in it sees who else is, and the code of a private one. Others see counts of a session that they could join; any other is 404.",
		need:        needPlayer, refusals: []int{http.StatusNotFound}, example: exampleRoom(true),
	}, func(ctx context.Context, in *sessionPath) (*struct{ Body muster.SessionView }, error) {
		v, err := s.Rooms.Session(ctx, me(ctx), in.ID)
		return &struct{ Body muster.SessionView }{v}, err
	})
	join := operation{
		method: http.MethodPost, path: "/v1/sessions/{id}/players", id: "joinSession", tag: "sessions",
		summary: "Join a session, to play or to watch",
		description: "The answer is the caller's seat; who has one in the session gets that one. 404 when there is no such session or the code is wrong, 429 after many of those. " +
			"409 session.full, session.locked, session.ended, session.other_role while a seat in the other role is still live, and while the caller is busy.",
		need: needPlayer, refusals: []int{http.StatusNotFound, http.StatusConflict}, bodyLimit: s.BodyLimit, strict: true,
		requestExample: sessionJoin{Role: muster.Spectator}, example: exampleSeat(),
	}
	handle(s, join, func(ctx context.Context, in *joinInput) (*seatBody, error) {
		req := muster.JoinRequest{}
		if in.Body != nil {
			req = muster.JoinRequest(*in.Body)
		}
		seat, err := s.Rooms.JoinSession(ctx, me(ctx), in.ID, req)
		return &seatBody{seat}, err
	})
	join.path, join.id, join.summary = "/v1/sessions/join", "joinByCode", "Join a private session by its code alone"
	join.requestExample = sessionJoin{Code: "K7QM2XWD4B"}
	handle(s, join, func(ctx context.Context, in *struct{ Body sessionJoin }) (*seatBody, error) {
		seat, err := s.Rooms.JoinByCode(ctx, me(ctx), muster.JoinRequest(in.Body))
		return &seatBody{seat}, err
	})
	handle(s, operation{
		method: http.MethodDelete, path: "/v1/players/me/session", id: "leaveSession", tag: "players",
		summary:     "Leave the session I am in",
		description: "Frees the caller at once, for another ticket or session; harmless without a session. GameLift keeps the seat until the game server removes the player, or for a minute when nobody has taken it.",
		need:        needPlayer, status: http.StatusNoContent,
	}, func(ctx context.Context, _ *struct{}) (*struct{}, error) {
		return nil, s.Rooms.LeaveSession(ctx, me(ctx))
	})
}

func examplePlacement(status muster.PlacementStatus) muster.SessionPlacementView {
	v := muster.SessionPlacementView{
		ID: "room-0199c0de-0000-7000-8000-00000000d001", Mode: "lobby", Status: status, Version: 1,
		CreatedAt: exampleTime(), UpdatedAt: exampleTime(), Code: "K7QM2XWD4B",
	}
	if status == muster.PlacementFulfilled {
		seat := exampleSeat()
		seat.Mode, seat.Team = "lobby", ""
		v.Version, v.SessionID, v.Seat = 2, seat.SessionID, &seat
	}
	return v
}

// exampleRoom is a session as somebody sees it who is in it, or not.
func exampleRoom(isIn bool) muster.SessionView {
	v := muster.SessionView{
		ID: exampleSession, Mode: "lobby", Name: "Ada's place", Location: exampleLocation, Properties: map[string]string{"map": "harbour"},
		PlayerCount: 1, MaxPlayers: 8, SpectatorCount: 1, MaxSpectators: 2, CreatedAt: exampleTime(),
	}
	if isIn {
		v.Players = []muster.SessionPlayerView{
			{PlayerID: examplePlayer, DisplayName: "Ada"},
			{PlayerID: exampleRival, DisplayName: "Bob", Role: muster.Spectator},
		}
	}
	return v
}
