package sqlite

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"muster"
)

const (
	queueLength     = 1024      // Writes that may wait before further ones block
	batchMaxWrites  = 256       // Writes that share one transaction
	batchMaxBytes   = 8_000_000 // beyond this a transaction takes no more Writes
	sweepEachCommit = 16        // expired records removed per transaction, at least
)

// writer is the one connection that writes and the goroutine that uses it. It commits
// whatever waits, together, and is then free for what has come meanwhile: nothing
// waits for a timer, and the busier the store, the more Writes share a disk flush.
type writer struct {
	now   func() time.Time
	conn  *conn
	table *table // of conn
	log   log
	cache *cache
	queue chan *request
	done  chan struct{} // closed when run has returned

	begin, commit, rollback *stmt // of conn
}

// request is one Write, or a part of a Load, on its way through the queue.
type request struct {
	ops     []muster.Op
	load    []muster.Record // stored as they are, when ops is empty
	claimed atomic.Bool     // by the writer, to do it, or by its caller, to withdraw it
	outcome chan error      // of capacity 1
}

// bytes is how much r stores.
func (r *request) bytes() (n int) {
	for i := range r.ops {
		n += len(r.ops[i].Value)
	}
	for i := range r.load {
		n += len(r.load[i].Value)
	}
	return n
}

// newWriter prepares to write through c, and on success owns it and f.
func newWriter(ctx context.Context, c *conn, f *folder, kept *cache, now func() time.Time) (*writer, error) {
	t, err := newTable(ctx, c)
	if err != nil {
		return nil, err
	}
	w := &writer{now: now, conn: c, table: t, log: log{folder: f}, cache: kept, queue: make(chan *request, queueLength), done: make(chan struct{})}
	err = c.prepareAll(ctx, map[**stmt]string{&w.begin: "BEGIN IMMEDIATE", &w.commit: "COMMIT", &w.rollback: "ROLLBACK", &w.log.fold: foldSQL})
	return w, err
}

// stop ends run, once nobody writes any more, and waits for it.
func (w *writer) stop() {
	close(w.queue)
	<-w.done
	w.log.folder.stop()
}

// Close closes the connections; run must have returned or never have been started. The
// writing one goes last, so that it is the one to fold the log into the file.
func (w *writer) Close() error { return errors.Join(w.log.folder.conn.Close(), w.conn.Close()) }

// write queues r and waits for the outcome.
func (w *writer) write(ctx context.Context, r *request) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.outcome = make(chan error, 1)
	select {
	case w.queue <- r:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-r.outcome:
		return err
	case <-ctx.Done():
		if r.claimed.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		return <-r.outcome
	}
}

// run commits what is queued until the queue is closed.
func (w *writer) run() {
	defer close(w.done)
	go w.log.folder.run() // ended and waited for by stop
	for first := range w.queue {
		batch := w.gather(first)
		pages := pagesOf(batch) // now: who has their outcome may reuse what they wrote
		w.commitAll(batch)
		w.log.wrote(pages)
	}
}

// gather claims first and what else waits right now, as far as one transaction holds.
func (w *writer) gather(first *request) []*request {
	var batch []*request
	bytes := 0
	for r := first; ; {
		if r.claimed.CompareAndSwap(false, true) {
			batch = append(batch, r)
			bytes += r.bytes()
		}
		if len(batch) >= batchMaxWrites || bytes >= batchMaxBytes {
			return batch
		}
		var more bool
		if r, more = w.next(); !more {
			return batch
		}
	}
}

// next is a request that waits. When there is none, the callers that the last
// transaction answered get the processor once, so that their next Writes can come along.
func (w *writer) next() (r *request, ok bool) {
	select {
	case r, ok = <-w.queue:
		return r, ok
	default:
	}
	runtime.Gosched()
	select {
	case r, ok = <-w.queue:
		return r, ok
	default:
		return nil, false
	}
}

// commitAll gives each request its outcome. When the transaction fails as a whole, the
// requests are tried one at a time, so that only those fail which cannot be written:
// a disk may be full for one and have room for another.
func (w *writer) commitAll(batch []*request) {
	if len(batch) == 0 {
		return
	}
	outcomes, err := w.transact(batch)
	switch {
	case err == nil:
		for i, r := range batch {
			r.outcome <- outcomes[i]
		}
	case len(batch) == 1:
		batch[0].outcome <- err
	default:
		for i := range batch {
			w.commitAll(batch[i : i+1])
		}
	}
}

// transact applies every request of the batch whose versions hold, in one transaction.
// It returns nil or a conflict for each; on an error nothing has been changed.
//
// The transaction has no deadline: the requests in it belong to different callers.
func (w *writer) transact(batch []*request) (outcomes []error, err error) {
	w.table.changes = w.table.changes[:0]
	if _, err := w.begin.exec(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			w.table.rolledBack()
			// SQLite has rolled back by itself after some errors, and then says so.
			_, _ = w.rollback.exec()
		}
	}()
	now := w.now()
	records := 0
	for _, r := range batch {
		records += len(r.ops) + len(r.load)
	}
	// Twice what this transaction can add, so that what has expired never piles up; and
	// first, because that makes room when the disk is full.
	if err := w.table.clear(max(2*records, sweepEachCommit), now); err != nil {
		return nil, err
	}
	outcomes = make([]error, len(batch))
	for i, r := range batch {
		if outcomes[i], err = w.perform(r, now); err != nil {
			return nil, err
		}
	}
	w.cache.hold(w.table.changes)
	_, err = w.commit.exec()
	w.cache.release(w.table.changes, err == nil)
	return outcomes, err
}

func (w *writer) perform(r *request, now time.Time) (conflict, err error) {
	for _, record := range r.load {
		if err := w.table.store(record); err != nil {
			return nil, err
		}
	}
	return w.table.apply(r.ops, now)
}
