package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The environment variables that ServerOptionsFromEnv reads, besides those of the
// Server SDK (GAMELIFT_SDK_...), which the SDK reads itself.
const (
	envURL   = "MUSTER_URL"
	envKey   = "MUSTER_SERVER_KEY"
	envRound = "MUSTER_DEMO_ROUND" // a duration such as 45s
)

// ServerOptions are what one game-server process needs. URL, Key and Port must be set;
// the rest has the defaults given.
type ServerOptions struct {
	URL  string // the backend's base URL
	Key  string // the server key; a result is reported with it
	Port int    // where players connect, on 127.0.0.1

	Round     time.Duration // how long a round is played; 0: 45 s
	Countdown time.Duration // before the round; 0: 3 s
	JoinWait  time.Duration // how long to wait for players; 0: 8 s
	Grace     time.Duration // how long a lost connection keeps its seat; 0: 15 s

	Stdin  io.Reader        // at its end the server ends too: its parent is gone; nil: not watched
	Log    *slog.Logger     // nil: nothing is logged
	Now    func() time.Time // nil: time.Now
	Seed   func() uint64    // of the floor and the pick-ups; nil: random
	Client *http.Client     // for the backend; nil: one of its own
}

// ServerOptionsFromEnv reads the options that the launcher of game servers passes in
// the environment. It names everything that is missing or wrong.
func ServerOptionsFromEnv(getenv func(string) string) (ServerOptions, error) {
	o := ServerOptions{URL: getenv(envURL), Key: getenv(envKey)}
	var problems []error
	for name, value := range map[string]string{envURL: o.URL, envKey: o.Key} {
		if value == "" {
			problems = append(problems, fmt.Errorf("the environment variable %s is not set", name))
		}
	}
	if text := getenv(envRound); text != "" {
		var err error
		if o.Round, err = time.ParseDuration(text); err != nil || o.Round < time.Second || o.Round > time.Hour {
			problems = append(problems, fmt.Errorf("%s is %q, not a duration of 1s to 1h", envRound, text))
		}
	}
	return o, errors.Join(problems...)
}

// check reports every problem of the options at once.
func (o ServerOptions) check() error {
	var problems []error
	if u, err := url.Parse(o.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		problems = append(problems, fmt.Errorf("the backend's URL %q is not an http address", o.URL))
	}
	if o.Key == "" {
		problems = append(problems, errors.New("there is no server key to report results with"))
	}
	if o.Port < 1 || o.Port > 60000 {
		problems = append(problems, fmt.Errorf("port %d is not one that GameLift accepts (1 to 60000)", o.Port))
	}
	return errors.Join(problems...)
}

func (o ServerOptions) withDefaults() ServerOptions {
	setDefault(&o.Round, 45*time.Second)
	setDefault(&o.Countdown, 3*time.Second)
	setDefault(&o.JoinWait, 8*time.Second)
	setDefault(&o.Grace, 15*time.Second)
	o.URL = strings.TrimSuffix(o.URL, "/")
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Seed == nil {
		o.Seed = rand.Uint64
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 15 * time.Second}
	}
	return o
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

// RunServer is one game-server process: it tells GameLift that it is ready, runs the
// one session it is given, reports the result, however long that takes, and returns; whoever launched it starts
// another. It returns nil as well when ctx ends, when GameLift asks it to end, or when
// Stdin ends. The Server SDK finds its parameters in the process's environment and
// keeps them in package variables, so a process calls RunServer once.
func RunServer(ctx context.Context, opts ServerOptions) error {
	opts = opts.withDefaults()
	if err := opts.check(); err != nil {
		return err
	}
	setSDKLog(opts.Log)
	return runServer(ctx, opts, sdkHost{})
}

func runServer(ctx context.Context, opts ServerOptions, h host) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if opts.Stdin != nil {
		// Not waited for: a read of an open pipe ends with the process only.
		go func() {
			_, _ = io.Copy(io.Discard, opts.Stdin) // an error means that the parent is gone, too
			cancel()
		}()
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(opts.Port)))
	if err != nil {
		return fmt.Errorf("listen for players: %w", err)
	}
	a := &arena{opts: opts, host: h, verifier: newTokenVerifier(opts.URL, opts.Client, opts.Now)}
	stop := a.serve(listener)
	defer stop()

	started := make(chan session, 1)
	ready := make(chan error, 1)
	go func() { // the SDK cannot be interrupted; at the end of ctx the process exits anyway
		ready <- h.Ready(listener.Addr().(*net.TCPAddr).Port, func(s session) {
			select {
			case started <- s:
			default: // GameLift gives a process one session; another is not ours to serve
			}
		}, cancel)
	}()
	select {
	case err := <-ready:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return nil
	}
	opts.Log.Info("ready for a session", "port", opts.Port)
	select {
	case s := <-started:
		err = a.run(ctx, s)
	case <-ctx.Done():
	}
	goodbye(h, opts.Log)
	return err
}

// closeWait is how long GameLift has to hear that the process ends. The SDK would wait
// much longer for a service that is gone; the process can only exit.
const closeWait = time.Second

func goodbye(h host, log *slog.Logger) {
	closed := make(chan error, 1)
	go func() { closed <- h.Close() }()
	patience := time.NewTimer(closeWait)
	defer patience.Stop()
	select {
	case err := <-closed:
		if err != nil {
			log.Warn("tell GameLift that this process ends", "error", err)
		}
	case <-patience.C:
		log.Warn("GameLift did not answer that this process ends")
	}
}
