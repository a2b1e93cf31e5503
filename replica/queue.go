package replica

import "sync"

// Bounds of what waits for one peer, and of what is posted at once. Notices are about a
// kilobyte each.
const (
	maxWaiting      = 8192
	maxWaitingBytes = 8 << 20
	maxBatch        = 256
	maxBatchBytes   = 512 << 10
)

// queue holds the notices that wait for one peer, the oldest first. When there are too
// many the oldest go: newer ones tell more. It is safe for concurrent use.
type queue struct {
	ready chan struct{} // holds a token while something waits

	mu      sync.Mutex // guards what follows
	waiting [][]byte
	bytes   int
	dropped int64 // since the start
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1)} }

// add puts a notice at the end. It never waits.
func (q *queue) add(text []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, text)
	q.bytes += len(text)
	for len(q.waiting) > 1 && (len(q.waiting) > maxWaiting || q.bytes > maxWaitingBytes) {
		q.bytes -= len(q.waiting[0])
		q.waiting[0] = nil
		q.waiting = q.waiting[1:]
		q.dropped++
	}
	select {
	case q.ready <- struct{}{}:
	default: // there is a token
	}
}

// take takes what is to be posted at once; nothing when nothing waits.
func (q *queue) take() [][]byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := batchSize(q.waiting)
	batch := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	for _, text := range batch {
		q.bytes -= len(text)
	}
	if len(q.waiting) == 0 {
		q.waiting = nil // lets go of the array
	}
	return batch
}

// lose counts notices that were taken and could not be posted, and returns how many were
// lost altogether.
func (q *queue) lose(n int) int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropped += int64(n)
	return q.dropped
}

// batchSize is how many of the notices go together: at least one, if there is one.
func batchSize(waiting [][]byte) int {
	size := 0
	for i, text := range waiting {
		size += len(text)
		if i == maxBatch || i > 0 && size > maxBatchBytes {
			return i
		}
	}
	return len(waiting)
}
