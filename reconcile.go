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

// announcedFor is how long a due record whose ticket is not there waits for it since it was
// first looked at: the ticket is stored after it. Longer than any store tries.
const announcedFor = time.Minute

// Reconcile settles what is due: it asks GameLift about every ticket and placement that
// has been silent for too long, and about sessions that players join, applies the
// answers, and finishes results that were left half-way. It is safe to run on every
// replica: who leases a due record first looks at what it points to.
func (b *Backend) Reconcile(ctx context.Context) error {
	return errors.Join(b.reconcileMatches(ctx), b.reconcilePlacements(ctx), b.reconcileSessions(ctx))
}

func (b *Backend) reconcileMatches(ctx context.Context) error {
	return errors.Join(b.reconcileTickets(ctx), sweepEach(ctx, b, dueResults, 1, b.sweepResult))
}

func (b *Backend) reconcilePlacements(ctx context.Context) error {
	return sweepEach(ctx, b, duePlacements, b.several(), b.sweepPlacement)
}

func (b *Backend) reconcileSessions(ctx context.Context) error {
	return sweepEach(ctx, b, dueSessions, b.several(), b.sweepSession)
}

// reconcileTickets asks about silent tickets, those of all shards together: GameLift
// describes ten at a time. They are claimed as they are asked about, so that a round that
// ends early leaves the others to the next one.
func (b *Backend) reconcileTickets(ctx context.Context) error {
	var failed []error
	var silent []*Record
	ask := func() {
		failed, silent = append(failed, b.settleClaimed(ctx, silent)), nil
	}
	err := sweepEach(ctx, b, dueTickets, 1, func(ctx context.Context, now time.Time, rec *Record, d due) error {
		look, err := b.claimSilent(ctx, now, rec, d)
		if look {
			silent = append(silent, rec)
		}
		if len(silent) == describeMax {
			ask()
		}
		return err
	})
	ask()
	return errors.Join(append(failed, err)...)
}

// settleClaimed asks GameLift about tickets whose due records are leased, at most
// describeMax. One that cannot be settled is put off, as any other due work.
func (b *Backend) settleClaimed(ctx context.Context, silent []*Record) error {
	var failed []error
	ids := make([]TicketID, len(silent))
	for i, rec := range silent {
		ids[i] = TicketID(idOfDue(*rec))
	}
	for i, settled := range b.settleTen(ctx, ids) {
		err := settled.err
		if err == nil && settled.unknown {
			err = b.startAgain(ctx, ids[i])
		}
		b.putOffFailed(ctx, silent[i], err)
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// claimSilent looks at a due ticket and claims it; look says that GameLift must be asked
// about it.
func (b *Backend) claimSilent(ctx context.Context, now time.Time, rec *Record, d due) (look bool, err error) {
	if d.Ticket.forServer() {
		return b.claimBackfill(ctx, now, rec, d)
	}
	t, version, err := loadOr(ctx, b.store, ticketKey(d.Ticket), ticket{})
	switch {
	case err != nil:
		return false, err
	case version == 0 && leasedUntil(*rec).IsZero():
		_, err := b.leaseDue(ctx, rec, now.Add(announcedFor))
		return false, err
	case version == 0 || t.Status.Final():
		if err := b.forget(ctx, []Key{rec.Key}); err != nil {
			return false, fmt.Errorf("forget a finished ticket: %w", err)
		}
		return false, nil
	}
	silent := t.silent(now)
	taken, err := b.leaseDue(ctx, rec, t.nextLook(now, silent))
	return taken && silent, err
}

// silent says that GameLift must be asked about the ticket: nothing was heard of it
// for long, or not even that it arrived.
func (t *ticket) silent(now time.Time) bool {
	if t.Placement != "" {
		return false // that has a due record of its own
	}
	quiet := now.Sub(t.lastLook(now))
	if t.Status == Queued {
		return quiet >= firstLook
	}
	return quiet >= silentAfter || !t.CheckedAt.Before(t.NewsAt) && quiet >= lookAgain
}

// nextLook is when the reconciler looks at the ticket again.
func (t *ticket) nextLook(now time.Time, looking bool) time.Time {
	at := t.NewsAt.Add(silentAfter)
	if looking || !at.After(now) || wild(t.NewsAt, now) {
		at = now.Add(lookAgain)
	}
	return at
}

// settle asks GameLift about one ticket now.
func (b *Backend) settle(ctx context.Context, id TicketID) error {
	return b.settleTen(ctx, []TicketID{id})[0].err
}

// settleAll asks GameLift about tickets, ten at a time.
func (b *Backend) settleAll(ctx context.Context, ids []TicketID) error {
	var failed []error
	for ten := range slices.Chunk(ids, describeMax) {
		for _, settled := range b.settleTen(ctx, ten) {
			failed = append(failed, settled.err)
		}
	}
	return errors.Join(failed...)
}

// settledTicket is what became of asking about a ticket.
type settledTicket struct {
	unknown bool // GameLift does not know it
	err     error
}

// settleTen asks GameLift about at most describeMax tickets and applies its word. It
// returns what became of each, in their order: one that cannot be settled does not keep
// the others from it.
func (b *Backend) settleTen(ctx context.Context, ids []TicketID) []settledTicket {
	if len(ids) == 0 {
		return nil
	}
	asked := b.instant()
	snapshots, err := b.gamelift.Tickets(ctx, ids)
	if half := len(ids) / 2; half > 0 && (KindOf(err) == Invalid || KindOf(err) == NotFound) && err != nil {
		return append(b.settleTen(ctx, ids[:half]), b.settleTen(ctx, ids[half:])...) // it may be for the sake of one
	}
	all := make([]settledTicket, len(ids))
	known := make(map[TicketID]TicketSnapshot, len(snapshots))
	for _, snap := range snapshots {
		known[snap.Ticket] = snap
	}
	for i, id := range ids {
		snap, ok := known[id]
		all[i].unknown = err == nil && !ok && !id.forServer()
		if all[i].err = err; err == nil {
			all[i].err = b.settleTicket(ctx, id, snap, ok, asked)
		}
		if all[i].err != nil {
			all[i].err = fmt.Errorf("settle ticket %s: %w", id, all[i].err)
		}
	}
	return all
}

// settleTicket applies GameLift's word of one ticket; known is false when it has none.
func (b *Backend) settleTicket(ctx context.Context, id TicketID, snap TicketSnapshot, known bool, asked time.Time) error {
	if id.forServer() {
		return b.settleBackfill(ctx, id, snap, known, asked)
	}
	switch {
	case known && snap.Status == Completed && snap.Session != "":
		if err := b.learnSession(ctx, snap); err != nil {
			return fmt.Errorf("learn its session: %w", err)
		}
	case known && snap.Status == Completed:
		adopted, err := b.adopt(ctx, id)
		if err != nil {
			return fmt.Errorf("adopt its match: %w", err)
		}
		if adopted {
			return nil
		}
	}
	_, _, err := b.changeTicket(ctx, id, func(t ticket) (ticket, change) { return t.settled(snap, known, asked, b.instant()) })
	return err
}

// startAgain tells GameLift of a ticket that it does not know because whoever stored it
// died, or could not reach it. Under the same id that is harmless: GameLift refuses an id
// that it has.
func (b *Backend) startAgain(ctx context.Context, id TicketID) error {
	again := false
	t, version, err := b.changeTicket(ctx, id, func(t ticket) (ticket, change) {
		next, what := t.startedAgain(b.instant())
		again = what != unchanged
		return next, what
	})
	if err != nil || version == 0 || !again {
		return err
	}
	err = b.gamelift.StartMatchmaking(ctx, StartMatchmaking{Ticket: t.ID, Configuration: t.Configuration, Players: t.waiting().Players})
	b.log.InfoContext(ctx, "told GameLift again of a ticket", "ticket", t.ID, "error", err)
	return nil
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
