package muster

import "sync"

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
