package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"muster/store/sqlite"
)

type backupCmd struct {
	Data string `help:"The data folder, or the SQLite file by itself, without sqlite: (default ${default})." default:".muster" env:"MUSTER_DATA" placeholder:"DIR"`
	Out  string `arg:"" help:"The new file." placeholder:"FILE"`
}

// Help is the long description that --help shows.
func (*backupCmd) Help() string {
	return "Copies the database of muster up, or of muster serve with a SQLite store, while it runs or while it does not. " +
		"The copy is of one instant, has been checked, and takes the place of the database as it is."
}

// Run copies the database, and says how large the copy is.
func (c *backupCmd) Run(ctx context.Context, p *process) error {
	from, err := databasePath(c.Data, false)
	if err != nil {
		return err
	}
	began := time.Now()
	said := newPace(p.stderr, "backup")
	if err := sqlite.Backup(ctx, from, c.Out, said.share); err != nil {
		return untilStopped(ctx, "no backup was made", err)
	}
	info, err := os.Stat(c.Out)
	if err != nil {
		return fmt.Errorf("look at %s: %w", c.Out, underlying(err))
	}
	_, err = fmt.Fprintf(p.stdout, "%s: %s, checked, in %s\n", c.Out, megabytes(info.Size()), tenths(time.Since(began)))
	return err
}

// untilStopped is err, or what to say when it is that of a signal.
func untilStopped(ctx context.Context, outcome string, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return interruptedError{"interrupted: " + outcome}
	}
	return err
}

// pace says from time to time how far a long copy is.
type pace struct {
	out         io.Writer
	what        string
	now         func() time.Time
	began, said time.Time
}

// paceEvery is how often.
const paceEvery = 2 * time.Second

func newPace(out io.Writer, what string) *pace {
	now := time.Now()
	return &pace{out: out, what: what, now: time.Now, began: now, said: now}
}

// due says whether it is time for a line.
func (p *pace) due() bool {
	now := p.now()
	if now.Sub(p.said) < paceEvery {
		return false
	}
	p.said = now
	return true
}

// share tells of a copy whose size is known.
func (p *pace) share(done, total int64) {
	if p.due() && total > 0 {
		fmt.Fprintf(p.out, "%s: %d %% of %s\n", p.what, done*100/total, megabytes(total))
	}
}

// records tells of records that go by.
func (p *pace) records(n, bytes int64) {
	if p.due() {
		fmt.Fprintf(p.out, "%s: %d records, %s, %s/s\n", p.what, n, megabytes(bytes), megabytes(int64(float64(bytes)/p.said.Sub(p.began).Seconds())))
	}
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

func tenths(d time.Duration) string { return d.Round(100 * time.Millisecond).String() }
