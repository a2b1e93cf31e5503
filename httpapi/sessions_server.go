package httpapi

import (
	"context"
	"net/http"
	"net/url"

	"muster"
)

// ServerRooms is what game servers say of their sessions; *muster.Backend has it.
type ServerRooms interface {
	// CreateServerSession asks for a session; created is false when idempotencyKey names an
	// earlier request for it.
	CreateServerSession(ctx context.Context, req muster.SessionRequest, idempotencyKey string) (p muster.SessionPlacementView, created bool, err error)
	ServerPlacement(ctx context.Context, id muster.PlacementID) (muster.SessionPlacementView, error)
	ServerSession(ctx context.Context, id muster.SessionID) (muster.ServerSessionView, error)
	UpdateSession(ctx context.Context, id muster.SessionID, u muster.SessionUpdate) (muster.ServerSessionView, error)
	RemovePlayer(ctx context.Context, id muster.SessionID, p muster.PlayerID) error
	StartBackfill(ctx context.Context, id muster.SessionID, req muster.BackfillRequest) (muster.BackfillView, error)
	StopBackfill(ctx context.Context, id muster.SessionID) error
}

type serverSessionInput struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"128" doc:"The same key answers with the same request, however often it is sent"`
	Body           sessionRequest
}

type sessionUpdate struct {
	Locked     *bool             `json:"locked,omitempty" doc:"Nobody can join; absent: as before"`
	Properties map[string]string `json:"properties,omitempty" maxProperties:"16" doc:"Set or replaced, never removed; of those that the mode lists"`
	Ended      bool              `json:"ended,omitempty" doc:"The session is over: everybody in it is free"`
}

type backfillRequest struct {
	Players []backfillMember `json:"players" minItems:"1" maxItems:"200" doc:"Those who are in the session"`
}

type backfillMember struct {
	PlayerID muster.PlayerID `json:"playerId" minLength:"1" maxLength:"128"`
	Team     string          `json:"team" minLength:"1" maxLength:"128"`
}

type serverSessionBody struct {
	Body muster.ServerSessionView
}

type updateInput struct {
	ID   muster.SessionID `path:"id" minLength:"1" maxLength:"1024" doc:"The session's id, an ARN, percent-encoded as one path segment"`
	Body sessionUpdate
}

type backfillInput struct {
	ID   muster.SessionID `path:"id" minLength:"1" maxLength:"1024" doc:"The session's id, an ARN, percent-encoded as one path segment"`
	Body backfillRequest
}

type memberPath struct {
	ID     muster.SessionID `path:"id" minLength:"1" maxLength:"1024" doc:"The session's id, an ARN, percent-encoded as one path segment"`
	Player muster.PlayerID  `path:"pid" minLength:"1" maxLength:"128" doc:"Id of a player"`
}

func (s *server) serverSessionRoutes() {
	if s.ServerRooms == nil {
		return
	}
	s.serverPlacementRoutes()
	s.ownSessionRoutes()
	s.backfillRoutes()
}

// serverPlacementRoutes ask for sessions that nobody is in yet.
func (s *server) serverPlacementRoutes() {
	handle(s, operation{
		method: http.MethodPost, path: "/v1/server/sessions", id: "createServerSession", tag: "server",
		summary:     "Ask for a session without players",
		description: "For whoever has a game server's key, in modes where players or servers create sessions: players find it and join. latencyInMs and team mean nothing here.",
		need:        needServer, status: http.StatusAccepted, refusals: []int{http.StatusNotFound, http.StatusConflict}, bodyLimit: s.BodyLimit, strict: true,
		alsoStatus:     map[int]string{http.StatusOK: "The Idempotency-Key was used before: this is its request"},
		requestExample: sessionRequest{Mode: "lobby", Name: "Arena 1"}, example: examplePlacement(muster.PlacementPending),
	}, s.createServerSession)
	handle(s, operation{
		method: http.MethodGet, path: "/v1/server/placements/{id}", id: "serverPlacement", tag: "server",
		summary: "Read a request for a session that was made with a server key",
		need:    needServer, refusals: []int{http.StatusNotFound}, example: examplePlacement(muster.PlacementPending),
	}, func(ctx context.Context, in *placementPath) (*placementBody, error) {
		v, err := s.ServerRooms.ServerPlacement(ctx, in.ID)
		return &placementBody{v}, err
	})
}

func (s *server) createServerSession(ctx context.Context, in *serverSessionInput) (*placementAnswer, error) {
	v, created, err := s.ServerRooms.CreateServerSession(ctx, muster.SessionRequest(in.Body), in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	if !created {
		return &placementAnswer{Status: http.StatusOK, Body: v}, nil
	}
	return &placementAnswer{Status: http.StatusAccepted, Location: "/v1/server/placements/" + url.PathEscape(string(v.ID)), Body: v}, nil
}

// ownSessionRoutes are about a game server's own session.
func (s *server) ownSessionRoutes() {
	handle(s, operation{
		method: http.MethodGet, path: "/v1/server/sessions/{id}", id: "serverSession", tag: "server",
		summary:     "Read a session with its roster",
		description: "The roster is everybody whom a result may name, with their teams, and the spectators who are there.",
		need:        needServer, refusals: []int{http.StatusNotFound}, example: exampleServerSession(),
	}, func(ctx context.Context, in *sessionPath) (*serverSessionBody, error) {
		v, err := s.ServerRooms.ServerSession(ctx, in.ID)
		v.Players = notNil(v.Players)
		return &serverSessionBody{v}, err
	})
	handle(s, operation{
		method: http.MethodPatch, path: "/v1/server/sessions/{id}", id: "updateSession", tag: "server",
		summary:     "Lock a session, set its properties, or say that it is over",
		description: "Can be repeated. A session that ends without a result ends like this; a result does not need it. 409 session.not_open for a lock or properties of a session that matchmaking placed.",
		need:        needServer, refusals: []int{http.StatusNotFound, http.StatusConflict}, bodyLimit: s.BodyLimit, strict: true,
		requestExample: map[string]any{"locked": true, "properties": map[string]string{"map": "harbour"}}, example: exampleServerSession(),
	}, func(ctx context.Context, in *updateInput) (*serverSessionBody, error) {
		v, err := s.ServerRooms.UpdateSession(ctx, in.ID, muster.SessionUpdate(in.Body))
		v.Players = notNil(v.Players)
		return &serverSessionBody{v}, err
	})
	handle(s, operation{
		method: http.MethodDelete, path: "/v1/server/sessions/{id}/players/{pid}", id: "removePlayer", tag: "server",
		summary:     "Say that a player is no longer in a session",
		description: "They are free to play elsewhere, and their place is free. Can be repeated. Remove the player with the Server SDK too: it is what frees the seat at GameLift.",
		need:        needServer, status: http.StatusNoContent, refusals: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *memberPath) (*struct{}, error) {
		return nil, s.ServerRooms.RemovePlayer(ctx, in.ID, in.Player)
	})
}

// backfillRoutes ask matchmaking for more players.
func (s *server) backfillRoutes() {
	handle(s, operation{
		method: http.MethodPost, path: "/v1/server/sessions/{id}/backfill", id: "startBackfill", tag: "server",
		summary: "Ask matchmaking for more players for a session",
		description: "Names those who are in it; what matchmaking is told of them comes from where the mode says. A later request replaces the earlier one. " +
			"Newcomers' tickets complete with the session. 403 backfill.no_matchmaking for a session that FlexMatch did not place.",
		need: needServer, status: http.StatusAccepted, refusals: []int{http.StatusNotFound, http.StatusConflict}, bodyLimit: s.BodyLimit, strict: true,
		requestExample: backfillRequest{Players: []backfillMember{{PlayerID: examplePlayer, Team: "red"}}}, example: exampleBackfill(),
	}, func(ctx context.Context, in *backfillInput) (*struct{ Body muster.BackfillView }, error) {
		req := muster.BackfillRequest{Players: make([]muster.BackfillMember, 0, len(in.Body.Players))}
		for _, p := range in.Body.Players {
			req.Players = append(req.Players, muster.BackfillMember(p))
		}
		v, err := s.ServerRooms.StartBackfill(ctx, in.ID, req)
		return &struct{ Body muster.BackfillView }{v}, err
	})
	handle(s, operation{
		method: http.MethodDelete, path: "/v1/server/sessions/{id}/backfill", id: "stopBackfill", tag: "server",
		summary:     "Stop asking for more players",
		description: "Harmless when nobody is asked for. 409 backfill.placing when players were found already.",
		need:        needServer, status: http.StatusNoContent, refusals: []int{http.StatusNotFound, http.StatusConflict},
	}, func(ctx context.Context, in *sessionPath) (*struct{}, error) {
		return nil, s.ServerRooms.StopBackfill(ctx, in.ID)
	})
}

func exampleBackfill() muster.BackfillView {
	return muster.BackfillView{
		TicketID: "backfill-0199c0de-0000-7000-8000-00000000e001", SessionID: exampleSession, Status: muster.Searching, StartedAt: exampleTime(),
	}
}

func exampleServerSession() muster.ServerSessionView {
	backfill := exampleBackfill()
	return muster.ServerSessionView{
		ID: exampleSession, Mode: exampleMode, MatchID: "5a1e", CreatedAt: exampleTime(), Backfill: &backfill,
		Players: []muster.RosterPlayerView{{PlayerID: examplePlayer, Team: "red"}, {PlayerID: exampleRival, Team: "blue", Left: true}},
	}
}
