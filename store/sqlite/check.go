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
)

const (
	checkEvery        = 5 * time.Second // how often a long check says that it goes on
	defaultCheckLimit = time.Minute
)

// errDamaged is a file that SQLite finds fault with.
var errDamaged = errors.New("the file is damaged")

// checker looks after a crash whether a file is whole.
type checker struct {
	path  string
	limit time.Duration // less than 0: none
	log   *slog.Logger
	began time.Time
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

// check reads the whole database through c. SQLite has recovered the log by then.
func (k *checker) check(ctx context.Context, c *conn) error {
	limited, cancel := ctx, context.CancelFunc(func() {})
	if k.limit > 0 {
		limited, cancel = context.WithDeadline(ctx, k.began.Add(k.limit))
	}
	defer cancel()
	checked, said := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(said)
		sayEvery(checked, func() { k.log.Warn("the check goes on", "after", time.Since(k.began).Round(time.Second)) })
	}()
	err := quickCheck(limited, c)
	close(checked)
	<-said
	switch {
	case err == nil:
		k.log.Warn("the database is whole", "after", time.Since(k.began).Round(time.Millisecond))
	case limited.Err() != nil && ctx.Err() == nil:
		k.log.Warn("the check was broken off: muster backup checks a copy to the end", "after", time.Since(k.began).Round(time.Millisecond))
		return nil
	}
	return err
}

// sayEvery calls say from time to time until done is closed.
func sayEvery(done <-chan struct{}, say func()) {
	tick := time.NewTicker(checkEvery)
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
// that is wrong. It does not compare each index with its table.
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
