package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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

const (
	beginSQL    = `BEGIN IMMEDIATE`
	commitSQL   = `COMMIT`
	rollbackSQL = `ROLLBACK`
	// An expired record has no version: it is absent.
	versionSQL = `SELECT version FROM record
		WHERE partition = ? AND sort = ? AND (expires_at IS NULL OR expires_at > ?)`
	putSQL = `INSERT INTO record (partition, sort, version, expires_at, value) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (partition, sort) DO UPDATE SET version = excluded.version, expires_at = excluded.expires_at, value = excluded.value`
	deleteSQL = `DELETE FROM record WHERE partition = ? AND sort = ?`
	sweepSQL  = `DELETE FROM record WHERE (partition, sort) IN
		(SELECT partition, sort FROM record WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`
)

// writer is the one connection that writes and the goroutine that uses it. It commits
// whatever waits, together, and is then free for what has come meanwhile: nothing
// waits for a timer, and the busier the store, the more Writes share a disk flush.
type writer struct {
	now   func() time.Time
	db    *sql.DB // of one connection
	conn  *sql.Conn
	queue chan *request
	done  chan struct{} // closed when run has returned

	begin, commit, rollback, version, put, remove, sweep *sql.Stmt // of conn
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

// newWriter prepares to write through db, and on success owns it.
func newWriter(ctx context.Context, db *sql.DB, now func() time.Time) (_ *writer, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer closeUnless(&err, conn)
	w := &writer{now: now, db: db, conn: conn, queue: make(chan *request, queueLength), done: make(chan struct{})}
	for _, p := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&w.begin, beginSQL},
		{&w.commit, commitSQL},
		{&w.rollback, rollbackSQL},
		{&w.version, versionSQL},
		{&w.put, putSQL},
		{&w.remove, deleteSQL},
		{&w.sweep, sweepSQL},
	} {
		if *p.stmt, err = conn.PrepareContext(ctx, p.text); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// stop ends run, once nobody writes any more, and waits for it.
func (w *writer) stop() {
	close(w.queue)
	<-w.done
}

// Close closes the connection; run must have returned or never have been started.
func (w *writer) Close() error {
	var errs []error
	for _, stmt := range []*sql.Stmt{w.begin, w.commit, w.rollback, w.version, w.put, w.remove, w.sweep} {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(append(errs, w.conn.Close(), w.db.Close())...)
}

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
	for first := range w.queue {
		w.commitAll(w.gather(first))
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
		select {
		case r, more = <-w.queue:
		default:
		}
		if !more {
			return batch
		}
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
	ctx := context.Background()
	if _, err := w.begin.ExecContext(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			// SQLite has rolled back by itself after some errors, and then says so.
			_, _ = w.rollback.ExecContext(ctx)
		}
	}()
	now := w.now()
	ops := 0
	for _, r := range batch {
		ops += len(r.ops)
	}
	// Twice what this transaction can add, so that what has expired never piles up; and
	// first, because that makes room when the disk is full.
	if _, err := w.sweep.ExecContext(ctx, now.Unix(), max(2*ops, sweepEachCommit)); err != nil {
		return nil, err
	}
	outcomes = make([]error, len(batch))
	for i, r := range batch {
		conflict, err := w.apply(ctx, r.ops, now)
		if err == nil {
			err = w.store(ctx, r.load)
		}
		if err != nil {
			return nil, err
		}
		outcomes[i] = conflict
	}
	_, err = w.commit.ExecContext(ctx)
	return outcomes, err
}

// apply does all ops or, if a version does not hold, none and returns the conflict. It
// looks at every version before the first change; that is enough, because the ops of
// a Write are on different keys.
func (w *writer) apply(ctx context.Context, ops []muster.Op, now time.Time) (conflict, err error) {
	versions := make([]int64, len(ops)) // 0: absent
	for i, op := range ops {
		if op.Version == muster.AnyVersion && op.Kind != muster.Put {
			continue
		}
		versions[i], err = w.versionOf(ctx, op.Key, now)
		if err != nil {
			return nil, err
		}
		if op.Version != muster.AnyVersion && op.Version != versions[i] {
			return fmt.Errorf("%q/%q: version is %d, not %d: %w", op.Key.Partition, op.Key.Sort, versions[i], op.Version, muster.ErrConflict), nil
		}
	}
	for i, op := range ops {
		if err := w.change(ctx, op, versions[i]+1); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// store puts records as they are.
func (w *writer) store(ctx context.Context, records []muster.Record) error {
	for _, r := range records {
		value := r.Value
		if value == nil {
			value = []byte{} // nil would be null
		}
		if _, err := w.put.ExecContext(ctx, []byte(r.Partition), []byte(r.Sort), r.Version, seconds(r.ExpiresAt), value); err != nil {
			return err
		}
	}
	return nil
}

// versionOf is the version of a live record; 0 when there is none.
func (w *writer) versionOf(ctx context.Context, key muster.Key, now time.Time) (version int64, err error) {
	err = w.version.QueryRowContext(ctx, []byte(key.Partition), []byte(key.Sort), now.Unix()).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return version, err
}

// change does one op, which gives a record that it puts the next version.
func (w *writer) change(ctx context.Context, op muster.Op, next int64) (err error) {
	partition, sort := []byte(op.Key.Partition), []byte(op.Key.Sort)
	switch op.Kind {
	case muster.Put:
		value := op.Value
		if value == nil {
			value = []byte{} // nil would be null
		}
		_, err = w.put.ExecContext(ctx, partition, sort, next, seconds(op.ExpiresAt), value)
	case muster.Delete:
		_, err = w.remove.ExecContext(ctx, partition, sort)
	case muster.Check: // changes nothing
	}
	return err
}
