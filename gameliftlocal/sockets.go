package gameliftlocal

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster/gameliftlocal/hosting"
	"muster/gameliftlocal/serversdk"
)

// gameServers is the Service as the game-server socket sees it.
type gameServers struct{ *Service }

// Connect lets a process in, or refuses it with a reason that its log will show.
func (g gameServers) Connect(_ context.Context, hello hosting.Hello) (err error) {
	g.host(func(w *hosting.World, now time.Time) { err = w.Connect(now, hello) })
	return err
}

// Disconnected starts the time that a process has to come back.
func (g gameServers) Disconnected(id hosting.ProcessID) {
	g.host(func(w *hosting.World, now time.Time) { w.Disconnected(now, id) })
}

// Handle answers a request. Backfills are for the matchmakers, all others for the world.
func (g gameServers) Handle(ctx context.Context, id hosting.ProcessID, r serversdk.Request) (answer serversdk.Response, err error) {
	switch r := r.(type) {
	case *serversdk.StartMatchBackfill:
		return g.startBackfill(ctx, id, r)
	case *serversdk.StopMatchBackfill:
		return nil, g.stopBackfill(ctx, id, r)
	}
	g.host(func(w *hosting.World, now time.Time) { answer, err = serversdk.Apply(w, now, id, r) })
	return answer, err
}

func (g gameServers) startBackfill(ctx context.Context, id hosting.ProcessID, r *serversdk.StartMatchBackfill) (serversdk.Response, error) {
	if err := g.mayBackfill(id, r.GameSessionArn); err != nil {
		return nil, err
	}
	players := make([]types.Player, len(r.Players))
	for i, p := range r.Players {
		players[i] = apiPlayer(p)
	}
	t, err := g.requestBackfill(ctx, r.MatchmakingConfigurationArn, r.TicketId, string(r.GameSessionArn), players)
	if err != nil {
		return nil, socketError(err)
	}
	return serversdk.StartMatchBackfillResponse{TicketId: val(t.TicketId)}, nil
}

func (g gameServers) stopBackfill(ctx context.Context, id hosting.ProcessID, r *serversdk.StopMatchBackfill) error {
	if err := g.mayBackfill(id, r.GameSessionArn); err != nil {
		return err
	}
	t, err := g.ticket(r.TicketId)
	if err != nil {
		return socketError(err)
	}
	if t.sessionARN != string(r.GameSessionArn) {
		return &hosting.Error{Condition: hosting.Invalid, Message: "the ticket is not one of this game session"}
	}
	return socketError(g.stopTicket(ctx, t))
}

// mayBackfill lets a process speak for the session that it hosts, and for no other.
func (g gameServers) mayBackfill(id hosting.ProcessID, session hosting.SessionID) error {
	var h hosting.Session
	known := false
	g.host(func(w *hosting.World, _ time.Time) { h, known = w.SessionByID(session) })
	switch {
	case !known:
		return &hosting.Error{Condition: hosting.NotFound, Message: "the game session does not exist"}
	case h.Process != id:
		return &hosting.Error{Condition: hosting.Invalid, Message: "the game session is on another process"}
	}
	return nil
}

// apiPlayer turns a player of the socket into one of the API. An attribute without a
// known type has no value, and is refused like one without in the API.
func apiPlayer(p serversdk.Player) types.Player {
	out := types.Player{PlayerId: &p.PlayerId, Team: optional(p.Team), LatencyInMs: map[string]int32{}, PlayerAttributes: map[string]types.AttributeValue{}}
	for location, ms := range p.LatencyInMs {
		out.LatencyInMs[location] = int32(min(ms, 1<<30))
	}
	for name, a := range p.PlayerAttributes {
		var v types.AttributeValue
		switch a.AttrType {
		case "STRING":
			v.S = &a.S
		case "DOUBLE":
			v.N = &a.N
		case "STRING_LIST":
			v.SL = append([]string{}, a.SL...)
		case "STRING_DOUBLE_MAP":
			v.SDM = map[string]float64{}
			for key, n := range a.SDM {
				v.SDM[key] = n
			}
		}
		out.PlayerAttributes[name] = v
	}
	return out
}

// socketError turns an exception of the API into a condition of the socket.
func socketError(err error) error {
	var unknown *types.NotFoundException
	var wrong *types.InvalidRequestException
	switch {
	case errors.As(err, &unknown):
		return &hosting.Error{Condition: hosting.NotFound, Message: unknown.ErrorMessage()}
	case errors.As(err, &wrong):
		return &hosting.Error{Condition: hosting.Invalid, Message: wrong.ErrorMessage()}
	case errors.Is(err, errThrottled):
		return &hosting.Error{Condition: hosting.LimitExceeded, Message: "too many tickets are live"}
	}
	return err
}
