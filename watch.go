package muster

import (
	"context"
	"sync"
	"time"
)

// watch wakes those who wait for a change of a ticket in this process. A waiter on
// another replica sees the change when it next looks.
type watch struct {
	mu sync.Mutex // guards waiting
	// waiting holds, for each ticket that somebody waits for, a channel that is closed
	// at its next change.
	waiting map[TicketID]*waiters
}

type waiters struct {
	changed chan struct{}
	count   int
}

func newWatch() *watch { return &watch{waiting: make(map[TicketID]*waiters)} }

// on returns a channel that is closed at the next change of the ticket, and a
// function that ends the interest in it.
func (w *watch) on(id TicketID) (changed <-chan struct{}, done func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	entry := w.waiting[id]
	if entry == nil {
		entry = &waiters{changed: make(chan struct{})}
		w.waiting[id] = entry
	}
	entry.count++
	return entry.changed, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		entry.count--
		if entry.count == 0 && w.waiting[id] == entry {
			delete(w.waiting, id)
		}
	}
}

// wake tells all who wait for the ticket that it changed.
func (w *watch) wake(id TicketID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if entry := w.waiting[id]; entry != nil {
		close(entry.changed)
		delete(w.waiting, id)
	}
}

// How many waits one replica holds at once. Each looks at the store once a second, and
// keeps a request open.
const (
	maxWaits       = 10_000
	maxPlayerWaits = 4 // of one player: some devices, and a request that was given up
)

// waits counts those who wait. The zero value is ready.
type waits struct {
	mu    sync.Mutex // guards what follows
	all   int
	count map[PlayerID]int
}

// enter lets a player wait until leave is called. Where too many do, ok is false: they
// get what is known at once.
func (w *waits) enter(p PlayerID) (leave func(), ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all >= maxWaits || w.count[p] >= maxPlayerWaits {
		return func() {}, false
	}
	if w.count == nil {
		w.count = make(map[PlayerID]int)
	}
	w.all++
	w.count[p]++
	return func() { w.leave(p) }, true
}

func (w *waits) leave(p PlayerID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all--
	if w.count[p]--; w.count[p] == 0 {
		delete(w.count, p)
	}
}

// lookEvery is how often a waiter looks for changes made by another replica.
const lookEvery = time.Second

// longPoll answers what look sees of a ticket or placement once its version exceeds after,
// it is over, or wait has passed. after below zero waits for the next change from now. A
// player who waits often enough already does not wait.
func longPoll[View any](
	ctx context.Context, b *Backend, p PlayerID, id TicketID, after int64, wait time.Duration,
	look func() (view View, version int64, final bool, err error),
) (View, error) {
	if wait > 0 {
		leave, ok := b.waits.enter(p)
		defer leave()
		if !ok {
			wait = 0
		}
	}
	until := b.now().Add(wait)
	for {
		changed, done := b.watch.on(id)
		view, version, final, err := look()
		if after < 0 {
			after = version
		}
		left := until.Sub(b.now())
		if err != nil || version > after || final || left <= 0 {
			done()
			return view, err
		}
		err = waitChange(ctx, changed, min(left, lookEvery))
		done()
		if err != nil {
			return view, err
		}
	}
}

// waitChange waits for a change, at most d.
func waitChange(ctx context.Context, changed <-chan struct{}, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-changed:
	case <-timer.C:
	}
	return nil
}
