package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"muster"
)

type ratingsCmd struct {
	Replay ratingsReplayCmd `cmd:"" help:"Recompute a mode's ratings from its stored results and compare."`
}

type ratingsReplayCmd struct {
	Store  string  `help:"The store: sqlite:FILE or dynamodb:TABLE. Without it, that of --data." placeholder:"SPEC"`
	Data   string  `help:"The data folder of muster up (default ${default})." default:".muster" env:"MUSTER_DATA" placeholder:"DIR"`
	Config string  `help:"What can be played; without it, the demo game." env:"MUSTER_CONFIG" placeholder:"FILE"`
	Mode   string  `help:"Whose ratings." required:"" placeholder:"MODE"`
	Season *string `help:"Only this season; empty: the time before the first. Without it, all." placeholder:"NAME"`
	Write  bool    `help:"Repair what differs; needs --config. With DynamoDB the backend may run meanwhile."`
	JSON   bool    `name:"json" help:"Print JSON: a line for each difference, then the report."`
	tableFlags
}

// Help is the long description that --help shows.
func (*ratingsReplayCmd) Help() string {
	return "Takes in the results in the order in which they were recorded, voided ones left out, and prints every rating that is not what they give. " +
		"Ends with 1 if there is one and --write is not given. Results are kept for 400 days: a player who began before that starts from the rating of then. " +
		"After a change of a mode's rating system, --write rates its results anew."
}

// Run compares, says what differs and how far it is, and repairs if asked to.
func (c *ratingsReplayCmd) Run(ctx context.Context, p *process) (err error) {
	if c.Write && c.Config == "" {
		return usageError{"--write needs --config: ratings of another system than the backend's would be written"}
	}
	conf, err := (&upCmd{Config: c.Config}).config()
	if err != nil {
		return err
	}
	at := slices.IndexFunc(conf.Modes, func(m modeConfig) bool { return m.Name == c.Mode })
	if at < 0 {
		return usageError{fmt.Sprintf("there is no mode %q in the configuration; name it with --config", c.Mode)}
	}
	modes := conf.musterModes()
	store, err := openStore(ctx, c.place(p, cmp.Or(c.Store, c.Data)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	from := c.Config
	if from == "" {
		from = "the built-in configuration"
	}
	fmt.Fprintf(p.stderr, "mode %s of %s is rated by %s\n", c.Mode, from, conf.Modes[at].Rating.name())
	return c.replay(ctx, p, offlineRules(store, modes, p.log))
}

// offlineRules are the rules on a store alone: nobody is told of anything, and GameLift
// is not asked.
func offlineRules(store muster.Store, modes []muster.Mode, log *slog.Logger) *muster.Backend {
	return muster.New(muster.Options{
		Store: store, Modes: modes, Rating: defaultRating(), Notifier: silence{}, Now: time.Now, NewID: newID, Log: log,
	})
}

// silence is a notifier to nobody.
type silence struct{}

func (silence) Notify(context.Context, ...muster.Notice) {}

// replayPrinter tells what a replay finds, and on standard error how far it is.
type replayPrinter struct {
	out, progress io.Writer
	json          bool
	failed        error // of the first write to out
}

func (c *ratingsReplayCmd) replay(ctx context.Context, p *process, rules *muster.Backend) error {
	printer := &replayPrinter{out: p.stdout, progress: p.stderr, json: c.JSON}
	o := muster.ReplayOptions{Write: c.Write, Different: printer.difference, Progress: printer.soFar}
	if c.Season != nil {
		o.Season = new(muster.SeasonName(*c.Season))
	}
	report, err := rules.Replay(ctx, muster.ModeName(c.Mode), o)
	if err != nil {
		return err
	}
	printer.report(report, c.Write)
	if printer.failed != nil {
		return fmt.Errorf("print the report: %w", printer.failed)
	}
	if left := report.Different - report.Repaired; left > 0 {
		return fmt.Errorf("%d of %d ratings are not what the results give", left, report.Compared)
	}
	if report.Inconsistent > 0 && !c.Write {
		return fmt.Errorf("%d of %d results say of ratings what the results before them do not give", report.Inconsistent, report.Results)
	}
	return nil
}

func (w *replayPrinter) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(w.out, format, args...); err != nil && w.failed == nil {
		w.failed = err
	}
}

func (w *replayPrinter) difference(d muster.ReplayDifference) {
	if w.json {
		printJSON(w.out, d)
		return
	}
	stored := "has no rating"
	if d.Stored != nil {
		stored = "has " + ratingInWords(*d.Stored)
	}
	season := ""
	if d.Season != "" {
		season = " in season " + string(d.Season)
	}
	repaired := ""
	if d.Repaired {
		repaired = ": repaired"
	}
	w.printf("player %s%s %s, the results give %s%s\n", d.Player, season, stored, ratingInWords(d.Replayed), repaired)
}

// ratingInWords is a rating with all its digits: two that differ look different.
func ratingInWords(r muster.ReplayRating) string {
	digits := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	return fmt.Sprintf("mu %s, sigma %s after %d games (%d won, %d lost, %d drawn)", digits(r.Mu), digits(r.Sigma), r.Games, r.Wins, r.Losses, r.Draws)
}

func (w *replayPrinter) soFar(r muster.ReplayReport) error {
	if r.At.IsZero() { // it still looks for the first
		return w.failed
	}
	fmt.Fprintf(w.progress, "%d results up to %s, %d ratings compared\n", r.Results, r.At.Format(time.DateTime), r.Compared)
	return w.failed
}

func (w *replayPrinter) report(r muster.ReplayReport, repair bool) {
	if w.json {
		printJSON(w.out, r)
		return
	}
	w.printf("%d results of mode %s give %d ratings: %d agree, %d differ", r.Results, r.Mode, r.Compared, r.Agree, r.Different)
	if repair {
		w.printf(", %d are repaired", r.Repaired)
	}
	w.printf(".\n")
	if r.Inconsistent > 0 {
		verb := "say"
		if repair {
			verb = "said"
		}
		w.printf("%d results %s of ratings what the results before them do not give.\n", r.Inconsistent, verb)
	}
	if r.Gaps > 0 {
		w.printf("%d times a result between two of one player is not stored; the later one was taken at its word.\n", r.Gaps)
	}
}
