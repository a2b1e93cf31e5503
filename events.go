package muster

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// session is the record of a game session that matchmaking made.
type session struct {
	ID        SessionID           `json:"id"`
	Mode      ModeName            `json:"mode"`
	MatchID   MatchID             `json:"matchId,omitempty"`
	Teams     map[PlayerID]string `json:"teams"` // every player of the match and their team
	StartedAt time.Time           `json:"startedAt"`
}

// sessionLife is how long a session's record is kept for late results.
const sessionLife = 7 * 24 * time.Hour

// ApplyEvent takes in one matchmaking event. It may be called twice with the same
// event, late or out of order; when it returns an error the event must be delivered
// again. Tickets that are not ours are skipped.
func (b *Backend) ApplyEvent(ctx context.Context, ev Event) error {
	if ev.Type == MatchmakingSucceeded {
		if err := b.recordSession(ctx, ev); err != nil {
			return err
		}
	}
	var failed []error
	for _, et := range ev.Tickets {
		err := b.changeTicket(ctx, et.ID, func(t ticket) (ticket, change) { return t.after(ev, b.instant()) })
		if err != nil && KindOf(err) != NotFound {
			failed = append(failed, fmt.Errorf("apply %s to ticket %s: %w", ev.Type, et.ID, err))
		}
	}
	return errors.Join(failed...)
}

// recordSession stores who plays where, once.
func (b *Backend) recordSession(ctx context.Context, ev Event) error {
	if ev.Session == "" || len(ev.Tickets) == 0 {
		return nil // standalone matchmaking has no session
	}
	mode, ok := b.modeOf(ev.Configuration)
	if !ok {
		return nil // not one of our modes
	}
	s := session{ID: ev.Session, Mode: mode, MatchID: ev.MatchID, Teams: make(map[PlayerID]string), StartedAt: ev.At}
	for _, et := range ev.Tickets {
		for _, p := range et.Players {
			s.Teams[p.ID] = p.Team
		}
	}
	return b.storeSession(ctx, s)
}

func (b *Backend) storeSession(ctx context.Context, s session) error {
	return Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		_, _, err := load[session](ctx, b.store, sessionKey(s.ID))
		if !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		op, err := put(sessionKey(s.ID), 0, s, b.now().Add(sessionLife))
		return []Op{op}, err
	})
}

// modeOf finds the mode that a matchmaking configuration serves.
func (b *Backend) modeOf(configuration string) (ModeName, bool) {
	for _, name := range b.modeOrder {
		if b.modes[name].Configuration == configuration {
			return name, true
		}
	}
	return "", false
}

// changeTicket lets decide replace a ticket, with all that hangs on it in the same
// transaction: a ticket that ends without a seat frees its players' slots, one that
// completes turns them into seats. When that is news its players are told afterwards.
// decide may be called several times.
func (b *Backend) changeTicket(ctx context.Context, id TicketID, decide func(ticket) (ticket, change)) error {
	var after ticket
	var version int64
	var what change
	err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		before, v, err := load[ticket](ctx, b.store, ticketKey(id))
		if err != nil {
			return nil, err
		}
		version = v
		if after, what = decide(before); what == unchanged {
			return nil, nil
		}
		return b.ticketOps(ctx, before, after, version)
	})
	if err != nil || what != news {
		return err
	}
	b.watch.wake(id)
	b.tellTicket(ctx, &after, version+1)
	return nil
}

func (b *Backend) ticketOps(ctx context.Context, before, after ticket, version int64) ([]Op, error) {
	op, err := put(ticketKey(after.ID), version, after, after.CreatedAt.Add(ticketLife))
	if err != nil {
		return nil, err
	}
	ops := []Op{op}
	if before.Status.Final() || !after.Status.Final() {
		return ops, nil
	}
	if after.Status == Completed && after.Session != "" {
		seats, err := b.seatOps(ctx, after)
		return append(ops, seats...), err
	}
	freed, err := b.freeOps(ctx, after.Players, after.ID)
	return append(ops, freed...), err
}

// seatOps turns the slots of a completed ticket's players into seats.
func (b *Backend) seatOps(ctx context.Context, t ticket) ([]Op, error) {
	var ops []Op
	for _, p := range t.Players {
		held, version, err := b.slotOf(ctx, p.ID)
		if err != nil {
			return nil, err
		}
		if version == 0 || held.Kind != slotTicket || held.Ticket != t.ID {
			continue
		}
		if p.Seat == "" {
			ops = append(ops, Op{Kind: Delete, Key: slotKey(p.ID), Version: version})
			continue
		}
		op, err := put(slotKey(p.ID), version, slot{Kind: slotSession, Ticket: t.ID, Seat: t.seat(p), Player: p.ID}, b.now().Add(slotLife))
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// tellTicket tells every player of a ticket how it stands.
func (b *Backend) tellTicket(ctx context.Context, t *ticket, version int64) {
	notices := make([]Notice, 0, len(t.Players))
	for _, p := range t.Players {
		view, err := b.ticketView(t, p.ID, version)
		if err != nil {
			b.log.ErrorContext(ctx, "sign seat", "ticket", t.ID, "player", p.ID, "error", err)
			continue
		}
		notices = append(notices, Notice{Player: p.ID, Type: "ticket", Data: view})
	}
	b.notifier.Notify(ctx, notices...)
}
