package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"muster/demo"
)

type botsCmd struct {
	URL     string        `help:"The backend; several replicas of one are separated by commas." required:"" placeholder:"URL"`
	N       int           `short:"n" help:"How many (default ${default})." default:"2" placeholder:"N"`
	For     time.Duration `help:"For how long to queue, such as 10m; what was begun then is finished. Without it and --matches, until Ctrl-C." placeholder:"D"`
	Matches int           `help:"Stop after this many matches." placeholder:"M"`
	Mode    string        `help:"What to play (default ${default})." default:"duel"`
	JSON    bool          `name:"json" help:"Print the report as JSON."`
}

// Run lets bots play and prints what came of it.
func (c *botsCmd) Run(ctx context.Context, p *process) error {
	report, err := demo.RunBots(ctx, demo.BotOptions{
		URL: c.URL, Count: c.N, For: c.For, Matches: c.Matches, Mode: c.Mode, Log: p.log, Progress: progress(p.stderr),
	})
	if report.Players > 0 {
		printReport(p, report, c.JSON)
	}
	switch {
	case err == nil || ctx.Err() == nil:
		return err
	case c.Matches > 0:
		return interruptedMatches(report.Matches, c.Matches)
	}
	return nil // until Ctrl-C was what was asked
}

func printReport(p *process, r demo.Report, asJSON bool) {
	if asJSON {
		printJSON(p.stdout, r)
		return
	}
	fmt.Fprintf(p.stdout, "%d matches, %d players, %d seats taken, %d refused, %d results\nqueue to seat: p50 %.1f ms, p99 %.1f ms, max %.1f ms\n",
		r.Matches, r.Players, r.Seated, r.SeatsRefused, r.Results, r.QueueToSeatMs.P50, r.QueueToSeatMs.P99, r.QueueToSeatMs.Max)
	if r.Retries+r.Failures > 0 {
		fmt.Fprintf(p.stdout, "%d calls or sockets tried again, %d attempts to play came to nothing\n", r.Retries, r.Failures)
	}
}

// progress shows, on a terminal, how far the bots are; elsewhere it is silent.
func progress(w io.Writer) func(demo.Report) {
	file, ok := w.(*os.File)
	if !ok {
		return nil
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return func(r demo.Report) {
		fmt.Fprintf(file, "\r%d matches, %d seats, %d results ", r.Matches, r.Seated, r.Results)
	}
}

type demoServerCmd struct {
	Port int `help:"Where players connect." required:""`
}

// Run is one game server; its parameters come in the environment.
func (c *demoServerCmd) Run(ctx context.Context, p *process) error {
	o, err := demo.ServerOptionsFromEnv(p.getenv)
	if err != nil {
		return err
	}
	o.Port, o.Stdin, o.Log = c.Port, p.stdin, p.log
	return demo.RunServer(ctx, o)
}
