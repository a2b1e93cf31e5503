package realtime

import (
	"context"
	"encoding/json"

	"muster"
)

// Play is what the rules offer to players over the socket; *muster.Backend has it.
// Errors are *muster.Error; what belongs to somebody else is NotFound.
type Play interface {
	Tickets
	Seat(ctx context.Context, me muster.PlayerID) (muster.SeatView, error)
	Modes() []muster.ModeView
	// Snapshot is all that a player who connects must know at once.
	Snapshot(ctx context.Context, me muster.PlayerID) (muster.Snapshot, error)
}

// Tickets is matchmaking as one player drives it.
type Tickets interface {
	StartTicket(ctx context.Context, me muster.PlayerID, req muster.TicketRequest, idempotencyKey string) (t muster.TicketView, created bool, err error)
	Ticket(ctx context.Context, me muster.PlayerID, id muster.TicketID) (muster.TicketView, error)
	CancelTicket(ctx context.Context, me muster.PlayerID, id muster.TicketID) (muster.TicketView, error)
	AnswerMatch(ctx context.Context, me muster.PlayerID, id muster.TicketID, accept bool) (muster.TicketView, error)
}

// call serves one type of request: the answer encodes to JSON.
type call func(ctx context.Context, play Play, me muster.PlayerID, data json.RawMessage) (any, error)

// calls is every type of request that there is.
var calls = map[string]call{
	"ticket.start": startTicket,
	"ticket.get": onTicket(func(ctx context.Context, play Play, me muster.PlayerID, id muster.TicketID) (muster.TicketView, error) {
		return play.Ticket(ctx, me, id)
	}),
	"ticket.cancel": onTicket(func(ctx context.Context, play Play, me muster.PlayerID, id muster.TicketID) (muster.TicketView, error) {
		return play.CancelTicket(ctx, me, id)
	}),
	"ticket.accept": onTicket(func(ctx context.Context, play Play, me muster.PlayerID, id muster.TicketID) (muster.TicketView, error) {
		return play.AnswerMatch(ctx, me, id, true)
	}),
	"ticket.decline": onTicket(func(ctx context.Context, play Play, me muster.PlayerID, id muster.TicketID) (muster.TicketView, error) {
		return play.AnswerMatch(ctx, me, id, false)
	}),
	"session.get": func(ctx context.Context, play Play, me muster.PlayerID, _ json.RawMessage) (any, error) {
		return play.Seat(ctx, me)
	},
	"modes.list": func(_ context.Context, play Play, _ muster.PlayerID, _ json.RawMessage) (any, error) {
		modes := play.Modes()
		if modes == nil {
			modes = []muster.ModeView{}
		}
		return map[string]any{"modes": modes}, nil
	},
	"ping": func(context.Context, Play, muster.PlayerID, json.RawMessage) (any, error) {
		return struct{}{}, nil
	},
}

// serveRequest answers one request; it is pure but for what Play does.
func serveRequest(ctx context.Context, play Play, me muster.PlayerID, r request) (any, error) {
	serve, ok := calls[r.Type]
	if !ok {
		return nil, muster.Errorf(muster.Invalid, "request.unknown_type", "there is no request of this type")
	}
	return serve(ctx, play, me, r.Data)
}

// startTicket takes what POST /v1/matchmaking/tickets takes, and as idempotencyKey
// what stands in a header there.
func startTicket(ctx context.Context, play Play, me muster.PlayerID, data json.RawMessage) (any, error) {
	var in struct {
		muster.TicketRequest
		IdempotencyKey string `json:"idempotencyKey"`
	}
	if err := decode(data, &in); err != nil {
		return nil, err
	}
	if in.Mode == "" {
		return nil, muster.Errorf(muster.Invalid, "request.invalid", "data.mode is missing")
	}
	t, _, err := play.StartTicket(ctx, me, in.TicketRequest, in.IdempotencyKey)
	return t, err
}

// onTicket serves a request whose data names a ticket.
func onTicket(do func(context.Context, Play, muster.PlayerID, muster.TicketID) (muster.TicketView, error)) call {
	return func(ctx context.Context, play Play, me muster.PlayerID, data json.RawMessage) (any, error) {
		var in struct {
			TicketID muster.TicketID `json:"ticketId"`
		}
		if err := decode(data, &in); err != nil {
			return nil, err
		}
		if in.TicketID == "" {
			return nil, muster.Errorf(muster.Invalid, "request.invalid", "data.ticketId is missing")
		}
		return do(ctx, play, me, in.TicketID)
	}
}

// decode reads a request's data, ignoring unknown members; names count exactly. Absent data is empty.
func decode(data json.RawMessage, into any) error {
	if len(data) == 0 {
		return nil
	}
	if err := decodeExactly(data, into); err != nil {
		return muster.Errorf(muster.Invalid, "request.invalid", "data does not have the shape of this request")
	}
	return nil
}
