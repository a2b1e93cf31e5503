package muster

import (
	"sync"
	"time"
)

// quota bounds what anybody does through this replica, a window of time at a time. Limits that
// replicas share are [Limits]. It is safe for concurrent use.
type quota struct {
	most   int
	window time.Duration

	mu    sync.Mutex // guards what follows
	until time.Time
	count map[string]int // in the window that ends then, by who
}

func newQuota(most int, window time.Duration) *quota { return &quota{most: most, window: window} }

// take counts one more, or says how long to wait for it.
func (q *quota) take(who string, now time.Time) (wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn(now)
	if q.count[who] >= q.most {
		return q.until.Sub(now)
	}
	q.count[who]++
	return 0
}

// spent says that there is none left.
func (q *quota) spent(who string, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn(now)
	return q.count[who] >= q.most
}

// turn begins a window if the latest is over, or if the clock was set back; mu is held.
func (q *quota) turn(now time.Time) {
	if left := q.until.Sub(now); left <= 0 || left > q.window {
		q.until, q.count = now.Add(q.window), make(map[string]int)
	}
}
