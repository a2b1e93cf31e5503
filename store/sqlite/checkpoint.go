package sqlite

import (
	"context"
	"database/sql/driver"
	"sync/atomic"
)

const (
	// foldPages is how long the log grows before it is folded into the file, in pages.
	foldPages = 4096 // 16 MB
	pageBytes = 4096
)

// folder folds the log into the file beside the writer, on a connection and a goroutine
// of its own. The writer then folds the little that it has added meanwhile, and its next
// commit starts the log anew. Were the writer to fold everything, all Writes would wait
// for it several times a second under load.
type folder struct {
	conn  *conn
	fold  *stmt
	state atomic.Int32  // foldIdle, foldRunning or foldDone
	begin chan struct{} // of capacity 1; closed to end run
	done  chan struct{} // closed when run has returned
}

const (
	foldIdle int32 = iota
	foldRunning
	foldDone // up to the moment when it began; the rest is the writer's
)

const foldSQL = "PRAGMA wal_checkpoint(PASSIVE)" // waits for nobody

// newFolder prepares to fold through c, and on success owns it.
func newFolder(ctx context.Context, c *conn) (*folder, error) {
	f := &folder{conn: c, begin: make(chan struct{}, 1), done: make(chan struct{})}
	var err error
	f.fold, err = c.prepare(ctx, foldSQL)
	return f, err
}

func (f *folder) run() {
	defer close(f.done)
	for range f.begin {
		// What cannot be folded stays in the log, where readers find it: a disk in trouble
		// shows itself in the next commit.
		_ = f.fold.each(func([]driver.Value) error { return nil })
		f.state.Store(foldDone)
	}
}

// stop ends run and waits for it.
func (f *folder) stop() {
	close(f.begin)
	<-f.done
}

// log is what the writer knows of its log.
type log struct {
	folder *folder
	fold   *stmt // of the writer's connection
	pages  int64 // about how many the log holds
}

// pagesOf is about how many pages the requests add to the log.
func pagesOf(batch []*request) (pages int64) {
	for _, r := range batch {
		// A record changes a page of the table, often one of an index, and what its value fills.
		pages += int64(2*(len(r.ops)+len(r.load)) + r.bytes()/pageBytes)
	}
	return pages
}

// wrote counts what a transaction has added, and sees to it that the log does not grow
// for ever. It is called between transactions.
func (l *log) wrote(pages int64) {
	l.pages += pages
	switch {
	case l.folder.state.CompareAndSwap(foldDone, foldIdle):
		l.finish()
	case l.pages >= foldPages && l.folder.state.CompareAndSwap(foldIdle, foldRunning):
		l.folder.begin <- struct{}{}
	}
}

// finish folds what is left. When a reader still needs the log, it goes on growing and
// the next transaction asks again.
func (l *log) finish() {
	_ = l.fold.each(func(row []driver.Value) error { // see run
		logged, _ := row[1].(int64)
		folded, _ := row[2].(int64)
		l.pages = 0
		if folded < logged {
			l.pages = logged
		}
		return nil
	})
}
