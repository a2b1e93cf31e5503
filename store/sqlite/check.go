package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

const (
	checkEvery        = 5 * time.Second // how often a long check says that it goes on
	defaultCheckLimit = time.Minute
)

// errDamaged is a file that SQLite finds fault with.
var errDamaged = errors.New("the file is damaged")

// foundDamage says whether err is of a check that found damage, not of one that could not
// be made.
func foundDamage(err error) bool {
	return errors.Is(err, errDamaged) || primaryCode(err) == sqlite3.SQLITE_CORRUPT
}

// checker looks after a crash whether a file is whole.
type checker struct {
	path     string
	limit    time.Duration // less than 0: none
	log      *slog.Logger
	began    time.Time
	finished bool // check has found the file whole
}

func newChecker(path string, opts Options) *checker {
	k := &checker{path: path, limit: opts.CheckLimit, log: opts.Log, began: time.Now()}
	if k.limit == 0 {
		k.limit = defaultCheckLimit
	}
	if k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	k.log = k.log.With("file", path)
	return k
}

// readAhead reads the file from end to end, so that the check, which jumps about in it,
// finds it in the system's memory. No connection may be open: closing the file would drop
// SQLite's locks.
func (k *checker) readAhead(ctx context.Context) error {
	f, err := os.Open(k.path)
	if err != nil {
		return cause(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	k.log.Warn("the database was not closed cleanly: it is checked", "MB", info.Size()>>20)
	said, done := k.began, int64(0)
	part := make([]byte, 1<<20)
	for {
		n, err := f.Read(part)
		done += int64(n)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return cause(err)
		case ctx.Err() != nil:
			return ctx.Err()
		case k.limit > 0 && time.Since(k.began) > k.limit:
			return nil // check says so
		}
		if time.Since(said) > checkEvery {
			said = time.Now()
			k.log.Warn("the check goes on", "read", fmt.Sprintf("%d %%", done*100/max(info.Size(), 1)))
		}
	}
}

// check reads the whole database through c. SQLite has recovered the log by then. When it
// takes longer than the limit it is broken off and not finished, which is no error.
func (k *checker) check(ctx context.Context, c *conn) error {
	version, err := c.number(ctx, "PRAGMA user_version")
	if err != nil {
		return err
	}
	limited, cancel := ctx, context.CancelFunc(func() {})
	// A file of an older schema is about to be written anew: not unless it is whole.
	if k.limit > 0 && version == int64(len(migrations)) {
		limited, cancel = context.WithDeadline(ctx, k.began.Add(k.limit))
	}
	defer cancel()
	err = k.saying(checkEvery, func() error { return quickCheck(limited, c) })
	after := slog.Duration("after", time.Since(k.began).Round(time.Millisecond))
	switch {
	case err == nil:
		k.finished = true
		k.log.Warn("the database is whole", after)
	case limited.Err() != nil && ctx.Err() == nil && !foundDamage(err):
		k.log.Warn("the check takes long: it begins again beside the open store", after)
		return nil
	}
	return err
}

// saying does work, and logs at times that it goes on.
func (k *checker) saying(every time.Duration, work func() error) error {
	done, said := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(said)
		sayEvery(every, done, func() { k.log.Warn("the check goes on", "after", time.Since(k.began).Round(time.Second)) })
	}()
	err := work()
	close(done)
	<-said
	return err
}

// sayEvery calls say from time to time until done is closed.
func sayEvery(every time.Duration, done <-chan struct{}, say func()) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			say()
		}
	}
}

// quickCheck reads the whole file and returns errDamaged, wrapped, with the first thing
// that is wrong: in how pages hang together and what is in them, in the order and the types
// of rows, and in the number of entries that the index of keys has, which is that of the
// records. It does not look up each record in the indexes: integrity_check does, and takes
// many times as long.
func quickCheck(ctx context.Context, c *conn) error {
	var found string
	err := c.query(ctx, "PRAGMA quick_check(1)", func(row []driver.Value) error {
		if text, _ := row[0].(string); text != "ok" {
			found = text
		}
		return nil
	})
	if err == nil && found != "" {
		err = fmt.Errorf("%w (%s)", errDamaged, oneLine(found))
	}
	return err
}
