package muster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Bounds of the explanations that one replica gives.
const (
	maxWaiting   = 500                   // tickets of a mode that are looked at
	maxLooked    = 1000                  // ticket records that are read to find them
	loaders      = 8                     // reads under way at once
	listFresh    = 3 * time.Second       // how long a list of waiting tickets serves
	listFreshPer = 20 * time.Millisecond // and longer for each ticket in it: reading them costs
	// How long a caller waits for its turn: operators have theirs even where players
	// never cease to ask.
	playerPatience   = time.Second
	operatorPatience = 10 * time.Second
	maxRest          = 100 * time.Millisecond
)

// desk gives explanations one after the other: they cost work, and players ask again
// and again. After each it rests as long as that one took, so that explaining never
// takes more than half a processor.
type desk struct {
	advisor Advisor
	turn    chan struct{} // holds a token while somebody is served

	// The one who is served owns what follows.
	restUntil time.Time
	lists     map[ModeName]waitingList
}

// waitingList is the tickets of a mode that searched at an instant; partial says that
// there were more.
type waitingList struct {
	at      time.Time
	tickets []WaitingTicket
	partial bool
}

func newDesk(a Advisor) *desk {
	return &desk{advisor: a, turn: make(chan struct{}, 1), lists: make(map[ModeName]waitingList)}
}

// enter waits for the caller's turn; done ends it. Exhausted: too many want one.
func (d *desk) enter(ctx context.Context, now func() time.Time, patience time.Duration) (done func(), err error) {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case d.turn <- struct{}{}:
	case <-late.C:
		return nil, &Error{Kind: Exhausted, Code: "explanation.busy", Message: "too many ask why they wait; ask again later", RetryAfter: 5 * time.Second}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if rest := d.restUntil.Sub(now()); rest > 0 {
		if err := pause(ctx, min(rest, maxRest)); err != nil {
			<-d.turn
			return nil, err
		}
	}
	began := now()
	return func() {
		end := now()
		d.restUntil = end.Add(min(end.Sub(began), maxRest))
		<-d.turn
	}, nil
}

// waitingWith lists the tickets of a ticket's mode that search, itself included.
func (b *Backend) waitingWith(ctx context.Context, t *ticket) (list waitingList, err error) {
	known, ok := b.desk.lists[t.Mode]
	fresh := listFresh + time.Duration(len(known.tickets))*listFreshPer
	if now := b.now(); !ok || now.Sub(known.at) >= fresh || now.Before(known.at) {
		known = waitingList{at: b.instant()}
		if known.tickets, known.partial, err = b.listWaiting(ctx, t.Mode); err != nil {
			return waitingList{}, err
		}
		b.desk.lists[t.Mode] = known // modes come from the configuration: they are few
	}
	mine := func(w WaitingTicket) bool { return w.Ticket == t.ID }
	if !slices.ContainsFunc(known.tickets, mine) {
		known.tickets = append(slices.Clone(known.tickets), t.waiting())
	}
	return known, nil
}

// listWaiting reads the tickets of a mode that search, the oldest first, through the
// reconciler's due records: every ticket that is not over has one.
func (b *Backend) listWaiting(ctx context.Context, mode ModeName) (list []WaitingTicket, partial bool, err error) {
	var candidates []due
	for shard := range dueShards {
		records, err := b.store.List(ctx, dueTickets.partition(shard), ListOptions{})
		if err != nil {
			return nil, false, fmt.Errorf("list due tickets: %w", err)
		}
		partial = partial || len(records) == MaxListLimit
		for _, rec := range records {
			if d, err := decode[due](rec); err == nil && (d.Mode == mode || d.Mode == "") && !d.Ticket.forServer() {
				candidates = append(candidates, d)
			}
		}
	}
	slices.SortFunc(candidates, func(a, b due) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Ticket, b.Ticket))
	})
	partial = partial || len(candidates) > maxLooked
	tickets, err := b.loadTickets(ctx, candidates[:min(len(candidates), maxLooked)])
	if err != nil {
		return nil, false, err
	}
	for _, t := range tickets {
		if t.Mode == mode && (t.Status == Searching || t.Status == Queued) {
			list = append(list, t.waiting())
		}
	}
	if len(list) > maxWaiting {
		list, partial = list[:maxWaiting], true
	}
	return list, partial, nil
}

// loadTickets reads tickets, a few at a time, in the order given. One that is gone is
// its zero value.
func (b *Backend) loadTickets(ctx context.Context, wanted []due) ([]ticket, error) {
	out, failed := make([]ticket, len(wanted)), make([]error, loaders)
	var all sync.WaitGroup
	for worker := range min(loaders, len(wanted)) {
		all.Go(func() {
			for i := worker; i < len(wanted) && failed[worker] == nil; i += loaders {
				out[i], _, failed[worker] = loadOr(ctx, b.store, ticketKey(wanted[i].Ticket), ticket{})
			}
		})
	}
	all.Wait()
	return out, errors.Join(failed...)
}

// waiting is the ticket as GameLift was told of it.
func (t *ticket) waiting() WaitingTicket {
	w := WaitingTicket{Ticket: t.ID, StartedAt: t.CreatedAt}
	for _, p := range t.Players {
		w.Players = append(w.Players, MatchmakingPlayer{ID: p.ID, Attributes: p.Attributes, LatencyInMs: p.LatencyInMs})
	}
	return w
}

// anyTicket reads a ticket, whoever its players are.
func (b *Backend) anyTicket(ctx context.Context, id TicketID) (ticket, int64, error) {
	if !ours(string(id)) {
		return ticket{}, 0, errNoTicket()
	}
	t, version, err := load[ticket](ctx, b.store, ticketKey(id))
	if errors.Is(err, ErrNotFound) {
		return ticket{}, 0, errNoTicket()
	}
	return t, version, err
}
