package hosting

import (
	"cmp"
	"container/heap"
	"time"
)

// timerKind says what happens when a timer rings. At one instant the kinds ring in
// this order: what frees places and processes comes before what gives up waiting.
type timerKind uint8

const (
	timerReservation timerKind = iota // a player session was not accepted
	timerHeartbeat                    // a health report is overdue
	timerReady                        // a process never became ready
	timerLost                         // a process did not reconnect
	timerKill                         // a process did not end when told
	timerActivation                   // a session did not activate
	timerSettle                       // a ready process may host
	timerPolicy                       // the next latency policy holds
	timerPlacement                    // a placement waited long enough
	timerRefresh                      // a connection's token expires soon
	timerRetention                    // something ended long ago
)

type timerKey struct {
	kind timerKind
	id   string // of the process, session, player session or placement
}

type timer struct {
	key   timerKey
	at    time.Time
	index int // in the heap
}

// timers is a queue of instants with at most one per key, ordered by instant, kind
// and id, so that the order never depends on how they were set.
type timers struct {
	heap  timerHeap
	byKey map[timerKey]*timer
}

func newTimers() timers { return timers{byKey: map[timerKey]*timer{}} }

// set starts the timer of key, or moves it.
func (t *timers) set(key timerKey, at time.Time) {
	if old, ok := t.byKey[key]; ok {
		old.at = at
		heap.Fix(&t.heap, old.index)
		return
	}
	entry := &timer{key: key, at: at}
	t.byKey[key] = entry
	heap.Push(&t.heap, entry)
}

// clear stops the timer of key, if there is one.
func (t *timers) clear(key timerKey) {
	if old, ok := t.byKey[key]; ok {
		heap.Remove(&t.heap, old.index)
		delete(t.byKey, key)
	}
}

// next is the earliest instant.
func (t *timers) next() (time.Time, bool) {
	if len(t.heap) == 0 {
		return time.Time{}, false
	}
	return t.heap[0].at, true
}

// pop takes the earliest timer out. There must be one.
func (t *timers) pop() *timer {
	entry := heap.Pop(&t.heap).(*timer)
	delete(t.byKey, entry.key)
	return entry
}

type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	a, b := h[i], h[j]
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.key.kind, b.key.kind), cmp.Compare(a.key.id, b.key.id)) < 0
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push and Pop are for container/heap alone.
func (h *timerHeap) Push(x any) {
	entry := x.(*timer)
	entry.index = len(*h)
	*h = append(*h, entry)
}

func (h *timerHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
