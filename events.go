package muster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// session is the record of a game session that matchmaking made.
type session struct {
	ID        SessionID           `json:"id"`
	Mode      ModeName            `json:"mode"`
	MatchID   MatchID             `json:"matchId,omitempty"`
	Teams     map[PlayerID]string `json:"teams"` // every player of the match and their team
	StartedAt time.Time           `json:"startedAt"`
	// EndedAt is when its game server said that it is over, or GameLift did.
	EndedAt time.Time `json:"endedAt,omitzero"`
	// Room is set for a session that players find and join by themselves.
	Room *room `json:"room,omitempty"`
	// Backfill is the game server's latest request for more players.
	Backfill TicketID `json:"backfill,omitempty"`
}

// sessionLife is how long a session's record is kept for late results.
const sessionLife = 7 * 24 * time.Hour

// ApplyEvent takes in one matchmaking event. It may be called twice with the same
// event, late or out of order; when it returns an error the event must be delivered
// again. Tickets that are not ours are skipped.
func (b *Backend) ApplyEvent(ctx context.Context, ev Event) error {
	also := b.sessionOps(ev)
	ev, err := b.withoutBackfills(ctx, ev)
	if err != nil {
		return fmt.Errorf("apply %s: %w", ev.Type, err)
	}
	if b.placesMatch(ev) {
		return b.applyMatch(ctx, ev)
	}
	var ask []TicketID // those whose fate the event does not tell
	for _, ids := range ticketChunks(ev.Tickets) {
		err := b.changeTickets(ctx, ids, func(t ticket) (ticket, change) {
			if t.undecided(ev) && !slices.Contains(ask, t.ID) {
				ask = append(ask, t.ID)
			}
			return t.after(ev, b.instant())
		}, also)
		if err != nil {
			return fmt.Errorf("apply %s: %w", ev.Type, err)
		}
	}
	if err := b.settleAll(ctx, ask); err != nil {
		b.log.WarnContext(ctx, "settle after an unaccepted match; the reconciler will", "match", ev.MatchID, "error", err)
	}
	return nil
}

// ticketChunks splits an event's tickets so that each part fits into one Write: a
// ticket takes an op, and one for the slot of each of its players.
func ticketChunks(tickets []EventTicket) [][]TicketID {
	const room = MaxWriteOps - 1 // for the session
	var chunks [][]TicketID
	ops := room
	seen := make(map[TicketID]bool, len(tickets))
	for _, t := range tickets {
		if seen[t.ID] {
			continue
		}
		seen[t.ID] = true
		need := 1 + len(t.Players)
		if len(t.Players) == 0 {
			need += maxPartySize // which the event does not tell
		}
		if ops+need > room {
			chunks, ops = append(chunks, nil), 0
		}
		last := len(chunks) - 1
		chunks[last] = append(chunks[last], t.ID)
		ops += need
	}
	return chunks
}

// moreOps are ops that go into the same Write as what they belong to. It is called
// afresh at every try. Nil: there are none.
type moreOps func(ctx context.Context) ([]Op, error)

// sessionOps stores, once, who plays where in the session that an event tells of.
func (b *Backend) sessionOps(ev Event) moreOps {
	mode, ours := b.modeOf(ev.Configuration)
	if ev.Type != MatchmakingSucceeded || ev.Session == "" || !ours {
		return nil // standalone matchmaking has no session
	}
	s := session{ID: ev.Session, Mode: mode, MatchID: ev.MatchID, Teams: make(map[PlayerID]string), StartedAt: ev.At}
	for _, et := range ev.Tickets {
		for _, p := range et.Players {
			s.Teams[p.ID] = p.Team
		}
	}
	return b.storeSessionOps(s)
}

// storeSessionOps stores a session, or adds to a known one the players that it lacks:
// backfill brings them later.
func (b *Backend) storeSessionOps(s session) moreOps {
	return func(ctx context.Context) ([]Op, error) {
		known, version, err := loadOr(ctx, b.store, sessionKey(s.ID), s)
		if err != nil {
			return nil, err
		}
		changed := version == 0
		for player, team := range s.Teams {
			if _, in := known.Teams[player]; !in {
				known.Teams[player], changed = team, true
			}
		}
		if !changed {
			return nil, nil
		}
		op, err := put(sessionKey(s.ID), version, known, b.now().Add(sessionLife))
		return []Op{op}, err
	}
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

// changeTicket is changeTickets for one.
func (b *Backend) changeTicket(ctx context.Context, id TicketID, decide func(ticket) (ticket, change)) error {
	return b.changeTickets(ctx, []TicketID{id}, decide, nil)
}

// changeTickets lets decide replace tickets, with all that hangs on them in the same
// transaction: a ticket that ends without a seat frees its players' slots, one that
// completes turns them into seats. Where it is news the players are told afterwards.
// Tickets that are not ours are skipped. decide may be called several times. also, if
// not nil, is written with them.
func (b *Backend) changeTickets(ctx context.Context, ids []TicketID, decide func(ticket) (ticket, change), also moreOps) error {
	type versioned struct {
		ticket  ticket
		version int64
	}
	var told []versioned
	err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		told = told[:0]
		var ops []Op
		for _, id := range ids {
			before, version, err := load[ticket](ctx, b.store, ticketKey(id))
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			after, what := decide(before)
			if what == unchanged {
				continue
			}
			more, err := b.ticketOps(ctx, before, after, version)
			if err != nil {
				return nil, err
			}
			ops = append(ops, more...)
			if what == news {
				told = append(told, versioned{after, version + 1})
			}
		}
		if also == nil {
			return ops, nil
		}
		more, err := also(ctx)
		return append(ops, more...), err
	})
	if err != nil {
		return err
	}
	for i := range told {
		b.watch.wake(told[i].ticket.ID)
		b.tellTicket(ctx, &told[i].ticket, told[i].version)
		if told[i].ticket.Status.Final() {
			b.tellPartyOf(ctx, &told[i].ticket)
		}
	}
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
		notices = append(notices, ticketNotice(p.ID, view))
	}
	b.notifier.Notify(ctx, notices...)
}
