package muster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// The reconciler's pace. Amazon asks not to describe a ticket before 30 seconds of
// silence, nor more often than every 10 seconds.
const (
	sweepEvery  = 2 * time.Second
	silentAfter = 30 * time.Second
	lookAgain   = 10 * time.Second
	describeMax = 10 // tickets of one DescribeMatchmaking
	// sweepLeft is the pace for placements and sessions where no mode makes any: some may be
	// left of an earlier configuration.
	sweepLeft = 2 * time.Minute
)

// due brings a ticket to the reconciler's notice. Its key holds the instant. Mode and
// CreatedAt, the ticket's own, let others find who waits without reading every ticket;
// records of earlier versions lack them.
type due struct {
	Ticket    TicketID  `json:"ticket"`
	Mode      ModeName  `json:"mode,omitempty"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
}

// announcedFor is how long a due record may wait for its ticket, which is stored after it.
// Longer than any store tries.
const announcedFor = time.Minute

// Reconcile settles what is due: it asks GameLift about every ticket and placement that
// has been silent for too long, and about sessions that players join, applies the
// answers, and finishes results that were left half-way. It is safe to run on every
// replica: who leases a due record first looks at what it points to.
func (b *Backend) Reconcile(ctx context.Context) error {
	return errors.Join(b.reconcileMatches(ctx), b.reconcilePlacements(ctx), b.reconcileSessions(ctx))
}

func (b *Backend) reconcileMatches(ctx context.Context) error {
	return errors.Join(b.reconcileTickets(ctx), sweepEach(ctx, b, dueResults, b.sweepResult))
}

func (b *Backend) reconcilePlacements(ctx context.Context) error {
	return b.sweepDue(ctx, duePlacements, b.sweepPlacements)
}

func (b *Backend) reconcileSessions(ctx context.Context) error {
	return b.sweepDue(ctx, dueSessions, b.sweepSessions)
}

// reconcileTickets asks about silent tickets, those of all shards together: GameLift
// describes ten at a time.
func (b *Backend) reconcileTickets(ctx context.Context) error {
	var silent []TicketID
	err := b.sweepDue(ctx, dueTickets, func(ctx context.Context, now time.Time, page []Record) error {
		claimed, err := b.claimSilent(ctx, now, page)
		silent = append(silent, claimed...)
		return err
	})
	unknown, settleErr := b.settleAll(ctx, silent)
	return errors.Join(err, settleErr, b.startAgain(ctx, unknown))
}

// claimSilent looks at due tickets and claims those that GameLift must be asked about.
func (b *Backend) claimSilent(ctx context.Context, now time.Time, page []Record) (silent []TicketID, err error) {
	var over []Key
	for _, rec := range page {
		d, err := decode[due](rec)
		if err != nil {
			b.log.ErrorContext(ctx, "skip a due record", "error", err)
			continue
		}
		if d.Ticket.forServer() {
			look, done, err := b.claimBackfill(ctx, now, rec, d)
			switch {
			case err != nil:
				return silent, err
			case done:
				over = append(over, rec.Key)
			case look:
				silent = append(silent, d.Ticket)
			}
			continue
		}
		t, version, err := loadOr(ctx, b.store, ticketKey(d.Ticket), ticket{})
		if err != nil {
			return silent, err
		}
		coming := version == 0 && now.Sub(d.CreatedAt) < announcedFor
		if !coming && (version == 0 || t.Status.Final()) {
			over = append(over, rec.Key)
			continue
		}
		look := !coming && t.silent(now)
		until := t.nextLook(now, look)
		if coming {
			until = d.CreatedAt.Add(announcedFor)
		}
		taken, err := b.leaseDue(ctx, rec, until)
		if err != nil {
			return silent, err
		}
		if taken && look {
			silent = append(silent, t.ID)
		}
	}
	if err := b.forget(ctx, over); err != nil {
		return silent, fmt.Errorf("forget finished tickets: %w", err)
	}
	return silent, nil
}

// silent says that GameLift must be asked about the ticket: nothing was heard of it
// for long, or not even that it arrived.
func (t *ticket) silent(now time.Time) bool {
	if t.Placement != "" {
		return false // that has a due record of its own
	}
	quiet := now.Sub(t.lastLook())
	if t.Status == Queued {
		return quiet >= firstLook
	}
	return quiet >= silentAfter || !t.CheckedAt.Before(t.NewsAt) && quiet >= lookAgain
}

// nextLook is when the reconciler looks at the ticket again.
func (t *ticket) nextLook(now time.Time, looking bool) time.Time {
	at := t.NewsAt.Add(silentAfter)
	if looking || !at.After(now) {
		at = now.Add(lookAgain)
	}
	return at
}

// settle asks GameLift about one ticket now.
func (b *Backend) settle(ctx context.Context, id TicketID) error {
	_, err := b.settleAll(ctx, []TicketID{id})
	return err
}

// settleAll asks GameLift about tickets, ten at a time, and applies its word. Unknown are
// those that GameLift does not know.
func (b *Backend) settleAll(ctx context.Context, ids []TicketID) (unknown []TicketID, err error) {
	for ten := range slices.Chunk(ids, describeMax) {
		some, err := b.settleTen(ctx, ten)
		if unknown = append(unknown, some...); err != nil {
			return unknown, err
		}
	}
	return unknown, nil
}

func (b *Backend) settleTen(ctx context.Context, ids []TicketID) (unknown []TicketID, err error) {
	asked := b.instant()
	snapshots, err := b.gamelift.Tickets(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("describe %d tickets: %w", len(ids), err)
	}
	known := make(map[TicketID]TicketSnapshot, len(snapshots))
	for _, snap := range snapshots {
		known[snap.Ticket] = snap
	}
	for _, id := range ids {
		snap, ok := known[id]
		if id.forServer() {
			if err := b.settleBackfill(ctx, id, snap, ok, asked); err != nil {
				return unknown, fmt.Errorf("settle backfill %s: %w", id, err)
			}
			continue
		}
		if !ok {
			unknown = append(unknown, id)
		}
		if ok && snap.Status == Completed && snap.Session != "" {
			if err := b.learnSession(ctx, snap); err != nil {
				return unknown, err
			}
		}
		if ok && snap.Status == Completed && snap.Session == "" {
			adopted, err := b.adopt(ctx, id)
			if err != nil {
				return unknown, fmt.Errorf("adopt the match of ticket %s: %w", id, err)
			}
			if adopted {
				continue
			}
		}
		_, _, err := b.changeTicket(ctx, id, func(t ticket) (ticket, change) { return t.settled(snap, ok, asked, b.instant()) })
		if err != nil {
			return unknown, fmt.Errorf("settle ticket %s: %w", id, err)
		}
	}
	return unknown, nil
}

// startAgain tells GameLift of those tickets that it does not know because whoever stored
// them died, or could not reach it. Under the same id that is harmless: GameLift refuses an
// id that it has.
func (b *Backend) startAgain(ctx context.Context, ids []TicketID) error {
	var failed []error
	for _, id := range ids {
		again := false
		t, version, err := b.changeTicket(ctx, id, func(t ticket) (ticket, change) {
			next, what := t.startedAgain(b.instant())
			again = what != unchanged
			return next, what
		})
		if err != nil || version == 0 || !again {
			failed = append(failed, err)
			continue
		}
		err = b.gamelift.StartMatchmaking(ctx, StartMatchmaking{Ticket: t.ID, Configuration: t.Configuration, Players: t.waiting().Players})
		b.log.InfoContext(ctx, "told GameLift again of a ticket", "ticket", t.ID, "error", err)
	}
	return errors.Join(failed...)
}

// learnSession stores the session of a ticket that completed while its event was lost, as
// GameLift describes it. To one that is known it adds the ticket's players: backfill brings
// them later.
func (b *Backend) learnSession(ctx context.Context, t TicketSnapshot) error {
	id := t.Session
	s, _, err := load[session](ctx, b.store, sessionKey(id))
	if err == nil {
		for player, team := range t.Teams {
			if !s.seats(player, team) {
				return Change(ctx, b.store, b.storeSessionOps(session{ID: id, Teams: t.Teams}))
			}
		}
	}
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	snap, err := b.gamelift.Session(ctx, id)
	if KindOf(err) == NotFound {
		return nil // gone meanwhile: no result can come
	}
	if err != nil {
		return fmt.Errorf("describe session: %w", err)
	}
	mode, ok := b.modeOf(snap.Configuration)
	if !ok {
		return nil
	}
	return Change(ctx, b.store, b.storeSessionOps(session{ID: id, Mode: mode, MatchID: snap.MatchID, Teams: snap.Teams, StartedAt: snap.CreatedAt}))
}

// adopt goes on with a ticket of standalone matchmaking whose match GameLift has made;
// adopted is false for any other.
func (b *Backend) adopt(ctx context.Context, id TicketID) (adopted bool, err error) {
	t, _, err := load[ticket](ctx, b.store, ticketKey(id))
	if errors.Is(err, ErrNotFound) {
		return true, nil
	}
	if err != nil || b.modes[t.Mode].Kind != Standalone {
		return false, err
	}
	if t.Status.Final() || t.Placement != "" {
		return true, nil
	}
	return true, b.adoptMatch(ctx, t)
}
