package muster

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// LoseTickets ends the tickets made before an instant that GameLift does not know: it lost
// what it was told before then, as a new local GameLift after a crash. Otherwise the
// reconciler would find out once they are silent for long. Those of which GameLift was perhaps
// about to be told end, too: whoever calls this is the only replica, and began after that instant.
// Those that are placed without GameLift are left to the reconciler.
func (b *Backend) LoseTickets(ctx context.Context, before time.Time) error {
	old, err := b.underWay(ctx, before)
	if err != nil {
		return err
	}
	for ten := range slices.Chunk(old, describeMax) {
		known, err := b.gamelift.Tickets(ctx, ten)
		if err != nil {
			return fmt.Errorf("describe %d tickets: %w", len(ten), err)
		}
		for _, id := range ten {
			if slices.ContainsFunc(known, func(s TicketSnapshot) bool { return s.Ticket == id }) {
				continue
			}
			if _, _, err := b.changeTicket(ctx, id, func(t ticket) (ticket, change) { return t.lost(before, b.instant()) }); err != nil {
				return fmt.Errorf("end lost ticket %s: %w", id, err)
			}
		}
	}
	return nil
}

// underWay lists the players' tickets that have a due record and were made before an
// instant, as many as one List of each shard tells.
func (b *Backend) underWay(ctx context.Context, before time.Time) (ids []TicketID, err error) {
	for shard := range dueShards {
		records, err := b.store.List(ctx, dueTickets.partition(shard), ListOptions{})
		if err != nil {
			return nil, fmt.Errorf("list due tickets: %w", err)
		}
		for _, rec := range records {
			if d, err := decode[due](rec); err == nil && d.CreatedAt.Before(before) && !d.Ticket.forServer() {
				ids = append(ids, d.Ticket)
			}
		}
	}
	return ids, nil
}

// lost is the ticket after GameLift lost all that it was told before an instant.
func (t ticket) lost(before, now time.Time) (next ticket, what change) {
	if t.Status.Final() || t.Placement != "" || !t.NewsAt.Before(before) {
		return t, unchanged
	}
	next = t.clone()
	next.lose()
	next.NewsAt, next.UpdatedAt = now, now
	return next, news
}

// lose ends a ticket that GameLift does not know.
func (t *ticket) lose() {
	t.end(Failed, "ticket.lost", "matchmaking lost the ticket; please try again")
}
