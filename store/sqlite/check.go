package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// checkEvery is how often a long check says that it goes on.
const checkEvery = 5 * time.Second

// errDamaged is a file that SQLite finds fault with.
var errDamaged = errors.New("the file is damaged")

// checkAfterCrash looks whether the file is whole, after its last process did not end
// cleanly. SQLite has recovered the log by then. It takes about a second for each GB.
func checkAfterCrash(ctx context.Context, c *conn, path string, log *slog.Logger) error {
	log = log.With("file", path)
	pages, err := c.number(ctx, "PRAGMA page_count")
	if err != nil {
		return err
	}
	log.Warn("the database was not closed cleanly: its log was recovered, now it is checked", "MB", pages*pageBytes>>20)
	began := time.Now()
	checked := make(chan struct{})
	said := make(chan struct{})
	go func() {
		defer close(said)
		sayEvery(checked, func() { log.Warn("the check goes on", "after", time.Since(began).Round(time.Second)) })
	}()
	err = quickCheck(ctx, c)
	close(checked)
	<-said
	if err != nil {
		return err
	}
	log.Warn("the database is whole", "after", time.Since(began).Round(time.Millisecond))
	return nil
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
