package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"time"

	"muster/demo"
)

// builtin is what `muster up` plays without a configuration file.
//
//go:embed builtin
var builtin embed.FS

type upCmd struct {
	Data     string        `help:"Folder for everything that is kept (default ${default})." default:".muster" env:"MUSTER_DATA" placeholder:"DIR"`
	HTTP     string        `name:"http" help:"Where players and pages are served (default ${default}); port 0 picks a free one." default:"127.0.0.1:8080" env:"MUSTER_HTTP" placeholder:"ADDR"`
	Gamelift string        `help:"Where the local GameLift is served (default ${default}); port 0 picks a free one." default:"127.0.0.1:4570" env:"MUSTER_GAMELIFT" placeholder:"ADDR"`
	Config   string        `help:"What can be played; without it, the demo game." env:"MUSTER_CONFIG" placeholder:"FILE"`
	Bots     int           `help:"Players that play by themselves." placeholder:"N"`
	Matches  int           `help:"Let the bots play this many matches, report and stop." placeholder:"M"`
	JSON     bool          `name:"json" help:"Print JSON instead of text."`
	Round    time.Duration `help:"How long a round of the demo game lasts (default 45s; 3s with --matches)." placeholder:"D"`
}

// Help is the long description that --help shows.
func (*upCmd) Help() string {
	return "Your own game server: muster up --config FILE -- COMMAND ARGUMENTS, with {port} where the port goes. " +
		"Without one the demo game is played."
}

// Validate is called by the command line parser.
func (c *upCmd) Validate() error {
	switch {
	case c.Bots < 0 || c.Bots > 1000:
		return usageError{fmt.Sprintf("--bots is %d, not 0 to 1000", c.Bots)}
	case c.Matches < 0:
		return usageError{"--matches is less than 0"}
	case c.Matches > 0 && c.Bots == 0:
		return usageError{"--matches needs players: add --bots N"}
	case c.Round != 0 && (c.Round < time.Second || c.Round > time.Hour):
		return usageError{fmt.Sprintf("--round is %v, not 1s to 1h", c.Round)}
	}
	return nil
}

// Run starts everything, says so, and ends it all when the context ends or the matches
// are played.
func (c *upCmd) Run(ctx context.Context, p *process) (err error) {
	began := time.Now()
	if p.getenv("GOGC") == "" {
		debug.SetGCPercent(400) // the heap is small: by default a burst of matches would collect it over and over
	}
	conf, err := c.config()
	if err := byLine(err, conf.missing(p.getenv)); err != nil {
		return err
	}
	if err := c.checkCommand(p.command); err != nil {
		return err
	}
	front, err := listenLoopback(ctx, "--http", c.HTTP)
	if err != nil {
		return err
	}
	lift, err := listenLoopback(ctx, "--gamelift", c.Gamelift)
	if err != nil {
		return errors.Join(err, front.Close())
	}
	s := newStack()
	defer func() { err = firstProblem(err, s.end(), p.log) }()
	house := &house{cmd: c, conf: conf, process: p, stack: s, front: front, lift: lift, changed: make(chan struct{}, 1)}
	if err := house.open(ctx); err != nil {
		return c.whyNotUp(ctx, s, err)
	}
	c.announce(p, house, time.Since(began))
	return c.stay(ctx, p, s, c.botOptions(p, house.url()))
}

// checkCommand looks at the command of the game servers, before anything says that it
// is up. Nil: there is none.
func (c *upCmd) checkCommand(command []string) error {
	if len(command) > 0 && (c.Bots > 0 || c.Matches > 0) {
		return usageError{"--bots and --matches play the demo game alone: leave them out, or the command after --"}
	}
	return checkCommand(command)
}

// checkCommand looks at the command of game servers. Nil: there is none.
func checkCommand(command []string) error {
	switch {
	case command == nil:
		return nil
	case len(command) == 0:
		return usageError{"after -- comes the command of a game server"}
	}
	_, err := exec.LookPath(command[0])
	var named *exec.Error
	if errors.As(err, &named) {
		err = named.Err
	}
	if err != nil {
		return fmt.Errorf("the command of the game servers, %q, cannot be started: %w", command[0], underlying(err))
	}
	return nil
}

// whyNotUp is what to say when opening failed: a part that ended by itself is the cause
// of what others say.
func (c *upCmd) whyNotUp(ctx context.Context, s *stack, err error) error {
	if ctx.Err() != nil {
		return c.interrupted(0)
	}
	select {
	case cause := <-s.failed:
		return cause
	default:
		return err
	}
}

// interrupted is the result when a signal ends it all; without --matches that is how it
// is to end.
func (c *upCmd) interrupted(played int) error {
	if c.Matches == 0 {
		return nil
	}
	return interruptedMatches(played, c.Matches)
}

// firstProblem is what to tell: the problem that made everything end, or else the one
// while ending, which otherwise only follows from it.
func firstProblem(err, ending error, log *slog.Logger) error {
	if err == nil {
		return ending
	}
	if ending != nil {
		log.Info("while ending after a problem", "error", ending)
	}
	return err
}

func (c *upCmd) config() (config, error) {
	if c.Config != "" {
		return loadConfig(c.Config)
	}
	files, err := fs.Sub(builtin, "builtin")
	if err != nil {
		return config{}, err
	}
	body, err := fs.ReadFile(files, "muster.yaml")
	if err != nil {
		return config{}, err
	}
	return parseConfig("built-in configuration", body, func(name string) ([]byte, error) { return fs.ReadFile(files, name) })
}

// round is how long the demo's rounds last.
func (c *upCmd) round() time.Duration {
	switch {
	case c.Round > 0:
		return c.Round
	case c.Matches > 0:
		return 3 * time.Second
	}
	return 45 * time.Second
}

// announce says that everything is up, and where.
func (c *upCmd) announce(p *process, h *house, took time.Duration) {
	if c.JSON && c.Matches > 0 {
		return // standard output is for the report alone
	}
	if c.JSON {
		printJSON(p.stdout, map[string]string{
			"http": h.url(), "gamelift": h.liftURL(), "region": region, "data": c.Data, "credentials": h.credentialsFile(),
		})
		return
	}
	hint := "open it in two tabs"
	if len(p.command) > 0 {
		hint = "it queues and shows the seat: play in your own client"
	}
	fmt.Fprintf(p.stdout, `Muster is up (%.2f s).

  Play       %s   %s
  API        %s/openapi.json
  GameLift   %s   region %s
  AWS CLI    AWS_SHARED_CREDENTIALS_FILE=%s aws gamelift list-fleets --endpoint-url %s --region %s
  Data       %s

Ctrl-C ends everything.
`, took.Seconds(), h.url(), hint, h.url(), h.liftURL(), region, h.credentialsFile(), h.liftURL(), region, c.Data)
}

// stay plays until the context ends, a part fails, or the matches are played.
func (c *upCmd) stay(ctx context.Context, p *process, s *stack, o demo.BotOptions) error {
	ended := c.runBots(ctx, p, s, o)
	select {
	case err := <-s.failed:
		return err
	case end := <-ended:
		return c.matchesEnd(ctx, p, end)
	case <-ctx.Done():
	}
	if c.Matches == 0 {
		return nil
	}
	return c.matchesEnd(ctx, p, <-ended) // soon: its context is ours
}

// botsEnd is what came of the bots.
type botsEnd struct {
	report demo.Report
	err    error
}

// runBots lets the bots play, if there are any. The answer tells of the end when they
// play a number of matches.
func (c *upCmd) runBots(ctx context.Context, p *process, s *stack, o demo.BotOptions) <-chan botsEnd {
	if c.Bots == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan botsEnd, 1)
	done := make(chan struct{})
	s.onEnd("bots", func() error { cancel(); <-done; return nil })
	go func() {
		defer close(done)
		report, err := demo.RunBots(ctx, o)
		switch {
		case c.Matches > 0:
			ended <- botsEnd{report, err}
		case ctx.Err() == nil:
			p.log.Warn("the bots have stopped", "error", err)
		}
	}()
	return ended
}

// matchesEnd prints the report of --matches.
func (c *upCmd) matchesEnd(ctx context.Context, p *process, end botsEnd) error {
	if end.err != nil && ctx.Err() != nil {
		return c.interrupted(end.report.Matches)
	}
	printReport(p, end.report, c.JSON)
	return end.err
}

func (c *upCmd) botOptions(p *process, url string) demo.BotOptions {
	o := demo.BotOptions{URL: url, Count: c.Bots, Matches: c.Matches, Log: p.log}
	if c.Matches > 0 {
		o.Progress = progress(p.stderr)
	}
	return o
}

func printJSON(w io.Writer, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic("muster: what is printed always encodes: " + err.Error())
	}
	fmt.Fprintln(w, string(body))
}

// makeDataFolder makes the folder and makes sure that it can be written to.
func makeDataFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data folder %s: %w", dir, underlying(err))
	}
	probe, err := os.CreateTemp(dir, ".probe-")
	if err != nil {
		return fmt.Errorf("write to the data folder %s: %w", dir, underlying(err))
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// underlying is the reason inside a path error, whose path the message has already.
func underlying(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// secretFile reads a file of the data folder, or makes it with what create returns, for
// its owner alone.
func secretFile(dir, name string, create func() (string, error)) (string, error) {
	path := filepath.Join(dir, name)
	body, err := os.ReadFile(path)
	if err == nil {
		return string(body), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read %s: %w", path, underlying(err))
	}
	text, err := create()
	if err != nil {
		return "", err
	}
	if err := writeSecret(path, text); err != nil {
		return "", fmt.Errorf("write %s: %w", path, underlying(err))
	}
	return text, nil
}

// writeSecret writes a file for its owner alone: whole, or not at all.
func writeSecret(path, text string) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-") // CreateTemp makes it 0600
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
