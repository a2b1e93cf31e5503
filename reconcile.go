package muster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The reconciler's pace. Amazon asks not to describe a ticket before 30 seconds of
// silence, nor more often than every 10 seconds.
const (
	sweepEvery  = 2 * time.Second
	silentAfter = 30 * time.Second
	lookAgain   = 10 * time.Second
	sweepLimit  = 200 // due tickets of one shard in one sweep
	describeMax = 10  // tickets of one DescribeMatchmaking
)

// due brings a ticket to the reconciler's notice. Its key holds the instant. Mode and
// CreatedAt, the ticket's own, let others find who waits without reading every ticket;
// records of earlier versions lack them.
type due struct {
	Ticket    TicketID  `json:"ticket"`
	Mode      ModeName  `json:"mode,omitempty"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
}

// Reconcile asks GameLift about every ticket that has been silent for too long and
// applies the answers. It is safe to run on every replica: who moves a ticket's due
// record first looks at it.
func (b *Backend) Reconcile(ctx context.Context) error {
	var failed []error
	for shard := range dueShards {
		for after, more := "", true; more; {
			next, err := b.sweep(ctx, shard, after)
			if err != nil {
				failed = append(failed, err)
			}
			after, more = next, next != "" && err == nil
		}
	}
	return errors.Join(failed...)
}

// sweep looks at a page of the due tickets of one shard. next is where the following
// page begins, empty at the end.
func (b *Backend) sweep(ctx context.Context, shard int, after string) (next string, err error) {
	records, err := b.store.List(ctx, duePartition(shard), ListOptions{After: after, Limit: sweepLimit})
	if err != nil {
		return "", fmt.Errorf("list due tickets: %w", err)
	}
	now := b.instant()
	var over []Op
	var silent []TicketID
	seen := 0
	for _, rec := range records {
		if at, _, _ := strings.Cut(rec.Sort, "#"); at > sortableTime(now) {
			break
		}
		seen++
		d, err := decode[due](rec)
		if err != nil {
			b.log.ErrorContext(ctx, "skip a due record", "error", err)
			continue
		}
		t, _, err := loadOr(ctx, b.store, ticketKey(d.Ticket), ticket{Status: Failed})
		if err != nil {
			return "", err
		}
		if t.Status.Final() {
			over = append(over, Op{Kind: Delete, Key: rec.Key, Version: AnyVersion})
			continue
		}
		look := t.silent(now)
		moved, err := b.moveDue(ctx, rec, d, t.nextLook(now, look))
		if err != nil {
			return "", err
		}
		if moved && look {
			silent = append(silent, t.ID)
		}
	}
	for len(over) > 0 {
		n := min(len(over), MaxWriteOps)
		if err := b.store.Write(ctx, over[:n]...); err != nil {
			return "", fmt.Errorf("forget finished tickets: %w", err)
		}
		over = over[n:]
	}
	if seen == sweepLimit {
		next = records[seen-1].Sort
	}
	return next, b.settleAll(ctx, silent)
}

// silent says that GameLift must be asked about the ticket: nothing was heard of it
// for long, or not even that it arrived.
func (t *ticket) silent(now time.Time) bool {
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

// moveDue puts a due record at a later instant; moved is false when another replica
// was faster.
func (b *Backend) moveDue(ctx context.Context, rec Record, d due, at time.Time) (moved bool, err error) {
	op, err := put(dueKey(d.Ticket, at), AnyVersion, d, rec.ExpiresAt)
	if err != nil {
		return false, err
	}
	err = b.store.Write(ctx, Op{Kind: Delete, Key: rec.Key, Version: rec.Version}, op)
	if errors.Is(err, ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// settle asks GameLift about one ticket now.
func (b *Backend) settle(ctx context.Context, id TicketID) error {
	return b.settleAll(ctx, []TicketID{id})
}

// settleAll asks GameLift about tickets, ten at a time, and applies its word.
func (b *Backend) settleAll(ctx context.Context, ids []TicketID) error {
	for len(ids) > 0 {
		n := min(len(ids), describeMax)
		if err := b.settleTen(ctx, ids[:n]); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

func (b *Backend) settleTen(ctx context.Context, ids []TicketID) error {
	asked := b.instant()
	snapshots, err := b.gamelift.Tickets(ctx, ids)
	if err != nil {
		return fmt.Errorf("describe %d tickets: %w", len(ids), err)
	}
	known := make(map[TicketID]TicketSnapshot, len(snapshots))
	for _, snap := range snapshots {
		known[snap.Ticket] = snap
	}
	for _, id := range ids {
		snap, ok := known[id]
		if ok && snap.Status == Completed && snap.Session != "" {
			if err := b.learnSession(ctx, snap.Session); err != nil {
				return err
			}
		}
		err := b.changeTicket(ctx, id, func(t ticket) (ticket, change) { return t.settled(snap, ok, asked, b.instant()) })
		if err != nil {
			return fmt.Errorf("settle ticket %s: %w", id, err)
		}
	}
	return nil
}

// learnSession stores a session whose event was lost, as GameLift describes it.
func (b *Backend) learnSession(ctx context.Context, id SessionID) error {
	_, _, err := load[session](ctx, b.store, sessionKey(id))
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
