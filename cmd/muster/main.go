// Command muster runs the backend service between a multiplayer game and Amazon
// GameLift: everything on this machine (muster up), or one part of it.
//
// This is the one place that wires the packages together. Each subcommand has a file
// of its own; configuration is in config.go.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	"github.com/alecthomas/kong"
)

// commands is the command line.
type commands struct {
	LogLevel  logLevel `help:"What to log: debug, info, warn or error." default:"warn" env:"MUSTER_LOG_LEVEL"`
	LogFormat string   `help:"How to log: text or json." default:"text" enum:"text,json" env:"MUSTER_LOG_FORMAT"`

	Up         upCmd         `cmd:"" help:"Run everything on this machine: GameLift, backend, demo game, pages."`
	Serve      serveCmd      `cmd:"" help:"Run the backend alone, as one of any number of replicas."`
	Provision  provisionCmd  `cmd:"" help:"Make rule sets and matchmaking configurations in GameLift."`
	Gamelift   gameliftCmd   `cmd:"" help:"Run the local GameLift service alone."`
	Rules      rulesCmd      `cmd:"" help:"Check, try and test rule sets offline."`
	Bots       botsCmd       `cmd:"" help:"Run players that sign in, queue, accept and play."`
	Backup     backupCmd     `cmd:"" help:"Copy the SQLite database to a new file, also while it is used."`
	Export     exportCmd     `cmd:"" help:"Write everything that a store holds to a file."`
	Import     importCmd     `cmd:"" help:"Load such a file into a store, and verify it."`
	DemoServer demoServerCmd `cmd:"" hidden:"" help:"Run one demo game server. muster up starts these."`
	Ratings    ratingsCmd    `cmd:"" help:"Check players' ratings against the stored results."`
	Keys       keysCmd       `cmd:"" help:"Make the secrets that a backend needs."`
	Lambda     lambdaCmd     `cmd:"" help:"Run the backend as a function of Lambda: calls, events and schedules."`
	Authorizer authorizerCmd `cmd:"" help:"Tell API Gateway and AppSync who a caller is, as a function of Lambda."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
}

// logLevel is a level by its name.
type logLevel slog.Level

// UnmarshalText reads it.
func (l *logLevel) UnmarshalText(text []byte) error {
	if err := (*slog.Level)(l).UnmarshalText(text); err != nil {
		return fmt.Errorf("%q is not a level: use debug, info, warn or error", text)
	}
	return nil
}

// process is what a command may touch of the world it runs in.
type process struct {
	stdout, stderr io.Writer
	stdin          io.Reader
	getenv         func(string) string
	log            *slog.Logger
	// command is what followed "--" on the command line.
	command []string
}

func main() {
	p := &process{stdout: os.Stdout, stderr: os.Stderr, stdin: os.Stdin, getenv: os.Getenv}
	os.Exit(untilSignal(p.stderr, func(ctx context.Context) int { return run(ctx, p, os.Args[1:]) }))
}

// run is main without the process around it; the answer is the exit code.
func run(ctx context.Context, p *process, args []string) int {
	if i := slices.Index(args, "--"); i >= 0 {
		args, p.command = args[:i], args[i+1:]
	}
	if len(args) == 0 {
		var err error
		if args, err = functionArgs(p.getenv); err != nil {
			fmt.Fprintf(p.stderr, "muster: %v\n", err)
			return 2
		}
	}
	var cli commands
	exit := -1
	parser, err := kong.New(&cli,
		kong.Name("muster"),
		kong.Description("The backend between a multiplayer game and Amazon GameLift."),
		kong.Writers(p.stdout, p.stderr),
		kong.Exit(func(code int) { exit = code }),
		kong.UsageOnError(),
	)
	if err != nil {
		panic("muster: the command line's own description is wrong: " + err.Error())
	}
	parsed, err := parser.Parse(args)
	if exit >= 0 {
		return exit // --help
	}
	if err != nil {
		fmt.Fprintf(p.stderr, "muster: %v (%s --help lists what there is)\n", err, commandOf(err))
		return 2
	}
	p.log = newLog(p.stderr, cli.LogFormat, slog.Level(cli.LogLevel))
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(p); err != nil {
		fmt.Fprintf(p.stderr, "muster: %v\n", err)
		return exitCode(err)
	}
	return 0
}

func newLog(w io.Writer, format string, level slog.Level) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(newCalm(slog.NewJSONHandler(w, o)))
	}
	return slog.New(newCalm(slog.NewTextHandler(w, o)))
}

// commandOf is the command that a mistake on the command line was made in.
func commandOf(err error) string {
	var wrong *kong.ParseError
	if errors.As(err, &wrong) && wrong.Context != nil {
		if selected := wrong.Context.Selected(); selected != nil {
			return selected.FullPath()
		}
	}
	return "muster"
}

func exitCode(err error) int {
	var usage usageError
	var interrupted interruptedError
	switch {
	case errors.As(err, &usage):
		return 2
	case errors.As(err, &interrupted):
		return exitInterrupted
	}
	return 1
}

// usageError is a mistake on the command line that only the command could see.
type usageError struct{ message string }

func (e usageError) Error() string { return e.message }
