package muster

import (
	"context"
	"fmt"
	"slices"
)

// ApplyEvent takes in one matchmaking event. It may be called twice with the same
// event, late or out of order; when it returns an error the event must be delivered
// again. Tickets that are not ours are skipped.
func (b *Backend) ApplyEvent(ctx context.Context, ev Event) error {
	session := b.sessionOps(ev)
	ev, err := b.withoutBackfills(ctx, ev)
	if err != nil {
		return fmt.Errorf("apply %s: %w", ev.Type, err)
	}
	if b.placesMatch(ev) {
		return b.applyMatch(ctx, ev)
	}
	ids := ticketIDs(ev.Tickets)
	if session != nil && len(ids) > 0 { // before the seats in it: a result may follow at once
		if err := Change(ctx, b.store, session); err != nil {
			return fmt.Errorf("apply %s: %w", ev.Type, err)
		}
	}
	ask := make([]bool, len(ids)) // the event does not tell the ticket's fate
	err = b.inParallel(ctx, len(ids), func(ctx context.Context, i int) error {
		_, _, err := b.changeTicket(ctx, ids[i], func(t ticket) (ticket, change) {
			ask[i] = t.undecided(ev)
			return t.after(ev, b.instant())
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("apply %s: %w", ev.Type, err)
	}
	var open []TicketID
	for i, id := range ids {
		if ask[i] {
			open = append(open, id)
		}
	}
	if err := b.settleAll(ctx, open); err != nil {
		b.log.WarnContext(ctx, "settle after an unaccepted match; the reconciler will", "match", ev.MatchID, "error", err)
	}
	return nil
}

// ticketIDs lists the tickets of an event, each once.
func ticketIDs(tickets []EventTicket) []TicketID {
	ids := make([]TicketID, 0, len(tickets))
	for _, t := range tickets {
		if !slices.Contains(ids, t.ID) {
			ids = append(ids, t.ID)
		}
	}
	return ids
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
	for _, forServer := range []bool{true, false} { // what a player's own ticket says counts
		for _, et := range ev.Tickets {
			for _, p := range et.Players {
				if et.ID.forServer() == forServer {
					s.Teams[p.ID] = p.Team
				}
			}
		}
	}
	return b.storeSessionOps(s)
}

// storeSessionOps stores a session, or adds to a known one the players that it lacks:
// backfill brings them later. Of one whom backfill brings back for another team it is left
// open for which, since the news of both may come in any order: their game server knows.
// Of a roster that grows too long those are let go of who have no live seat at GameLift.
func (b *Backend) storeSessionOps(s session) moreOps {
	var live map[PlayerID]bool
	return func(ctx context.Context) ([]Op, error) {
		known, version, err := loadOr(ctx, b.store, sessionKey(s.ID), s)
		if err != nil {
			return nil, err
		}
		changed := version == 0
		for player, team := range s.Teams {
			switch home, in := known.Teams[player]; {
			case !in:
				known.Teams[player], changed = team, true
			case home != "" && home != team:
				known.Teams[player], changed = "", true
			}
		}
		if !changed {
			return nil, nil
		}
		if len(known.Teams) > maxResultPlayers && live == nil {
			if live, err = b.livePlayers(ctx, s.ID); err != nil {
				return nil, err
			}
		}
		known.trimRoster(func(p PlayerID) bool { _, comes := s.Teams[p]; return comes || live[p] })
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

// changed is a ticket as a change left it.
type changed struct {
	ticket  ticket
	version int64
	what    change
}

// changeTicket lets decide replace a ticket, with all that hangs on it: a ticket that
// ends without a seat frees its players' slots in the same transaction, one that
// completes turns them into seats before. Where it is news the players are told
// afterwards. What is returned is the ticket as it is then; one that is not ours has
// version 0. decide may be called several times.
func (b *Backend) changeTicket(ctx context.Context, id TicketID, decide func(ticket) (ticket, change)) (ticket, int64, error) {
	var done changed
	err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		before, version, err := loadOr(ctx, b.store, ticketKey(id), ticket{})
		done = changed{ticket: before, version: version}
		if err != nil || version == 0 {
			return nil, err
		}
		after, what := decide(before)
		if what == unchanged {
			return nil, nil
		}
		done = changed{after, version, what}
		if what == rumour {
			return nil, nil
		}
		done.version++
		return b.loneTicketOps(ctx, before, after, version)
	})
	if err != nil {
		return ticket{}, 0, err
	}
	b.tellChanged(ctx, &done)
	return done.ticket, done.version, nil
}

// loneTicketOps is ticketOps of a ticket that changes alone. The seats of one that
// completes are written before it, one by one, for half of what a transaction costs. That
// is safe: GameLift's word that a ticket has completed is its last, a slot changes only
// while it names the ticket, and its version tells if it does. Who dies in between leaves
// a ticket that is still under way, whose event comes again or which the reconciler asks
// about, and players who have their seats already.
func (b *Backend) loneTicketOps(ctx context.Context, before, after ticket, version int64) ([]Op, error) {
	if before.Status.Final() || after.Status != Completed || after.Session == "" {
		return b.ticketOps(ctx, before, after, version)
	}
	for _, p := range after.Players {
		err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) { return b.seatOps(ctx, &after, p) })
		if err != nil {
			return nil, err
		}
	}
	op, err := put(ticketKey(after.ID), version, after, after.CreatedAt.Add(ticketLife))
	return []Op{op}, err
}

// tellChanged tells those whom a change of a ticket concerns.
func (b *Backend) tellChanged(ctx context.Context, c *changed) {
	if c.what != news && c.what != rumour {
		return
	}
	if c.what == news {
		b.watch.wake(c.ticket.ID)
	}
	b.tellTicket(ctx, &c.ticket, c.version)
	if c.ticket.Status.Final() {
		b.tellPartyOf(ctx, &c.ticket)
	}
}

// changeTickets is changeTicket for several in one transaction, seats included, together
// with what also says. Those that are not ours are skipped.
func (b *Backend) changeTickets(ctx context.Context, ids []TicketID, decide func(ticket) (ticket, change), also moreOps) error {
	var told []changed
	err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		told = told[:0]
		var ops []Op
		for _, id := range ids {
			before, version, err := loadOr(ctx, b.store, ticketKey(id), ticket{})
			if err != nil {
				return nil, err
			}
			if version == 0 {
				continue
			}
			after, what := decide(before)
			if what == unchanged {
				continue
			}
			done := changed{after, version, what}
			if what != rumour {
				done.version++
				more, err := b.ticketOps(ctx, before, after, version)
				if err != nil {
					return nil, err
				}
				ops = append(ops, more...)
			}
			told = append(told, done)
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
		b.tellChanged(ctx, &told[i])
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
	if after.Status != Completed || after.Session == "" {
		freed, err := b.freeOps(ctx, after.Players, after.ID)
		return append(ops, freed...), err
	}
	for _, p := range after.Players {
		seat, err := b.seatOps(ctx, &after, p)
		if err != nil {
			return nil, err
		}
		ops = append(ops, seat...)
	}
	return ops, nil
}

// seatOps turns the slot of a completed ticket's player into a seat, if the ticket still
// holds it.
func (b *Backend) seatOps(ctx context.Context, t *ticket, p ticketPlayer) ([]Op, error) {
	held, version, err := b.slotOf(ctx, p.ID)
	if err != nil || held.Kind != slotTicket || held.Ticket != t.ID {
		return nil, err
	}
	if p.Seat == "" {
		op, err := b.freeSlot(p.ID, version)
		return []Op{op}, err
	}
	op, err := put(slotKey(p.ID), version, slot{Kind: slotSession, Ticket: t.ID, Seat: t.seat(p), Player: p.ID}, b.now().Add(slotLife))
	return []Op{op}, err
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
