package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"muster/store/archive"
)

// tableFlags say where a DynamoDB table is.
type tableFlags struct {
	Region   string `help:"Region of a DynamoDB table; else as the AWS SDK finds it." env:"AWS_REGION" placeholder:"REGION"`
	DynamoDB string `name:"dynamodb-endpoint" aliases:"endpoint" help:"Another DynamoDB than Amazon's, such as DynamoDB Local." env:"MUSTER_DYNAMODB_ENDPOINT" placeholder:"URL"`
}

func (t tableFlags) place(p *process, spec string) storePlace {
	return storePlace{Spec: spec, Region: t.Region, Endpoint: t.DynamoDB, Log: p.log}
}

type exportCmd struct {
	From string `help:"Data folder, sqlite:FILE or dynamodb:TABLE." required:"" placeholder:"STORE"`
	Out  string `help:"The new file." required:"" placeholder:"FILE"`
	tableFlags
}

// Help is the long description that --help shows.
func (*exportCmd) Help() string {
	return "Writes everything that a store holds to a file that muster import reads into the same or another kind of store. " +
		"A SQLite file must not be in use: export a backup of it. " +
		"What is written to a DynamoDB table meanwhile may be in the file or not."
}

// Run exports, and says what is in the file.
func (c *exportCmd) Run(ctx context.Context, p *process) (err error) {
	store, err := openStore(ctx, c.place(p, c.From))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	began := time.Now()
	var summary archive.Summary
	err = writeWhole(c.Out, func(f *os.File) (err error) {
		summary, err = archive.Export(ctx, store, f, newPace(p.stderr, "export").records)
		return err
	})
	if err != nil {
		return untilStopped(ctx, "no file was written", err)
	}
	return printSummary(p, c.Out, "written", summary, time.Since(began))
}

// printSummary says what an archive holds.
func printSummary(p *process, name, done string, s archive.Summary, took time.Duration) error {
	_, err := fmt.Fprintf(p.stdout, "%s: %d records, %s, %s in %s\ndigest %s\n", name, s.Records, megabytes(s.Bytes), done, tenths(took), s.Digest)
	return err
}

// writeWhole makes a new file for its owner alone, which has its name only when it is
// whole and on disk.
func writeWhole(name string, write func(f *os.File) error) (err error) {
	if _, err := os.Lstat(name); err == nil {
		return fmt.Errorf("%s exists already: choose a new file", name)
	}
	partial := name + ".partial"
	f, err := os.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, os.ErrExist):
		return fmt.Errorf("%s exists: it is being written, or was broken off and can be removed", partial)
	case err != nil:
		return fmt.Errorf("make %s: %w", partial, underlying(err))
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(partial, name)
	}
	if err != nil {
		_ = os.Remove(partial) // the first error is the one that explains
	}
	return err
}
