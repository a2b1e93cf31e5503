package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"muster"
	"muster/store/archive"
)

type importCmd struct {
	To           string `help:"Data folder, sqlite:FILE or dynamodb:TABLE. A SQLite file is made if it is not there, a table with --create-table." required:"" placeholder:"STORE"`
	CreateTable  bool   `help:"Make the table if it is not there."`
	IntoNonempty bool   `help:"Load into a store that holds records; those with the same keys are replaced."`
	File         string `arg:"" help:"What muster export has written." placeholder:"FILE"`
	tableFlags
}

// Help is the long description that --help shows.
func (*importCmd) Help() string {
	return "Nobody else may use the store meanwhile. The file is checked before anything is loaded, and afterwards everything is read back and compared. " +
		"An import that was broken off can be made again with --into-nonempty."
}

// Run imports, verifies, and says what it found.
func (c *importCmd) Run(ctx context.Context, p *process) (err error) {
	if file := sqliteFileAt(c.File); file != "" {
		return usageError{exportFirst(file)}
	}
	f, err := os.Open(c.File)
	if err != nil {
		return unreadable(c.File, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	if err := c.check(ctx, p, f); err != nil {
		return err
	}
	store, err := c.open(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := c.refuseNonempty(ctx, store); err != nil {
		return err
	}
	began := time.Now()
	summary, err := archive.Import(ctx, f, store, archive.ImportOptions{
		Beside: c.IntoNonempty, Loaded: newPace(p.stderr, "load").records, Verified: newPace(p.stderr, "verify").records,
	})
	if err != nil {
		return untilStopped(ctx, "the store holds a part; import again with --into-nonempty", fmt.Errorf("import %s: %w", c.File, err))
	}
	return printSummary(p, c.To, "loaded and verified", summary, time.Since(began))
}

// check reads the whole file, so that a faulty one leaves the store as it is.
func (c *importCmd) check(ctx context.Context, p *process, f *os.File) error {
	said := newPace(p.stderr, "check")
	var records, bytes int64
	_, err := archive.Read(f, func(page []muster.Record) error {
		for _, r := range page {
			records++
			bytes += int64(len(r.Partition) + len(r.Sort) + len(r.Value))
		}
		said.records(records, bytes)
		return ctx.Err()
	})
	if err != nil {
		return untilStopped(ctx, "nothing was imported", fmt.Errorf("import %s: %w", c.File, err))
	}
	return nil
}

// open opens the store. Of SQLite, which needs no care, a new file is made.
func (c *importCmd) open(ctx context.Context, p *process) (database, error) {
	place := c.place(p, c.To)
	place.Create = c.CreateTable || !place.isTable()
	return openStore(ctx, place)
}

// refuseNonempty keeps two lives from being mixed by mistake.
func (c *importCmd) refuseNonempty(ctx context.Context, store database) error {
	if c.IntoNonempty {
		return nil
	}
	empty, err := archive.IsEmpty(ctx, store)
	if err == nil && !empty {
		err = fmt.Errorf("%s holds records already: import into an empty store, or add --into-nonempty", c.To)
	}
	return err
}
