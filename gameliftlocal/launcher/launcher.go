package launcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Status is what the service knows of a process.
type Status uint8

// The statuses.
const (
	Unseen Status = iota // not connected yet, or ended
	Spare                // connected; hosts nothing, or is not ready yet
	Busy                 // hosts a session, or was told to end
)

// Options say what to start and how. Command, WebSocketURL, FleetID, HostID, Token,
// NewID and Status are required.
type Options struct {
	// Command is the program and its arguments. "{port}" in an argument becomes the
	// port that the process should listen on.
	Command []string
	// Env is the environment that the processes get, besides their own variables. It
	// is all they get: a caller that wants them to inherit passes os.Environ().
	Env []string
	Dir string // working directory. Empty: this process's

	// What the server SDKs need. Token gives the auth token of the compute; it is
	// passed in the environment and appears nowhere else.
	WebSocketURL, FleetID, HostID string
	Token                         func(ctx context.Context) (string, error)

	NewID  func() string // makes process ids; never the same one twice
	Status func(process string) Status
	// Exited is told when a process has ended. Nil: nobody is.
	Exited func(process string)

	Spare     int // processes to keep spare. Zero: 1
	Max       int // processes at a time. Zero: 50, Amazon's limit per instance
	FirstPort int // ports are tried from here, up to 60000, the SDKs' highest. Zero: 7777

	LogDir      string // a file per process, <id>.log. Empty: output is not kept
	MaxLogBytes int64  // of one file; what follows is dropped. Zero: 10 MiB
	// MaxLogs is how many files of ended processes are kept, the newest. Those that
	// earlier runs left in LogDir count, if their processes had UUIDs for ids; no other
	// file is touched. Zero: 50.
	MaxLogs int

	// Settle is how long a shortage of spares lasts before processes are started for it.
	// Starting one is work for the processor, and a burst of new sessions needs it first.
	// Zero: not at all. The first processes are started at once.
	Settle time.Duration
	// QuietFor is how long a process may go without connecting before a warning says so,
	// once. Zero: 10 s.
	QuietFor     time.Duration
	Poll         time.Duration // how often Status is asked when nobody calls Wake. Zero: 500 ms
	StartTimeout time.Duration // from start to the first connection. Zero: 5 min, as Amazon's agent
	StopGrace    time.Duration // from asking a process to end to killing it. Zero: 5 s
	// Proven is how long a connected process must live to be of use; one that hosts a
	// session is at once. Zero: 10 s.
	Proven     time.Duration
	MinBackoff time.Duration // after a process that exited before it was of use. Zero: 500 ms
	MaxBackoff time.Duration // the wait doubles up to this. Zero: 30 s

	Log *slog.Logger // nil: no log
}

func (o Options) withDefaults() Options {
	setDefault(&o.Spare, 1)
	setDefault(&o.Max, 50)
	setDefault(&o.FirstPort, 7777)
	setDefault(&o.MaxLogBytes, 10<<20)
	setDefault(&o.MaxLogs, 50)
	setDefault(&o.QuietFor, 10*time.Second)
	setDefault(&o.Poll, 500*time.Millisecond)
	setDefault(&o.StartTimeout, 5*time.Minute)
	setDefault(&o.StopGrace, 5*time.Second)
	setDefault(&o.Proven, 10*time.Second)
	setDefault(&o.MinBackoff, 500*time.Millisecond)
	setDefault(&o.MaxBackoff, 30*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Launcher keeps processes running while Run does. Make it with New.
type Launcher struct {
	options Options
	ports   ports
	wake    chan struct{}
	exits   chan *process
	done    sync.WaitGroup // a goroutine per process

	// Only Run's goroutine touches what follows.
	processes []*process // running, oldest first
	failures  int        // starts in a row that came to nothing
	nextStart time.Time  // not before this
	shortFrom time.Time  // when spares began to be short; zero: they are not
	oldLogs   []string   // of ended processes, oldest first
}

// New prepares a launcher; it starts nothing. It refuses options that cannot work.
func New(o Options) (*Launcher, error) {
	o = o.withDefaults()
	var problems []error
	for _, p := range []struct {
		wrong bool
		text  string
	}{
		{len(o.Command) == 0 || o.Command[0] == "", "no command"},
		{o.WebSocketURL == "" || o.FleetID == "" || o.HostID == "", "WebSocketURL, FleetID and HostID are required"},
		{o.Token == nil || o.NewID == nil || o.Status == nil, "Token, NewID and Status are required"},
		{o.Spare < 0 || o.Max < 1, "spare and maximum number of processes must not be negative"},
		{o.FirstPort < 1 || o.FirstPort > maxPort, "the first port must be between 1 and 60000"},
	} {
		if p.wrong {
			problems = append(problems, errors.New(p.text))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("launcher options: %w", err)
	}
	return &Launcher{
		options: o, ports: ports{next: o.FirstPort, first: o.FirstPort},
		wake: make(chan struct{}, 1), exits: make(chan *process),
	}, nil
}

// Wake tells that a process's Status may have changed. It never blocks, and any
// goroutine may call it.
func (l *Launcher) Wake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Run starts and watches processes until ctx ends; then it ends them all and returns
// when they have ended. It returns nil: what goes wrong with processes is logged and
// tried again.
func (l *Launcher) Run(ctx context.Context) error {
	tick := time.NewTicker(l.options.Poll)
	defer tick.Stop()
	settled := time.NewTimer(0)
	defer settled.Stop()
	l.oldLogs = earlierLogs(l.options.LogDir)
	l.trimLogs()
	for {
		l.step(ctx, time.Now())
		if !l.shortFrom.IsZero() {
			settled.Reset(time.Until(latest(l.shortFrom.Add(l.options.Settle), l.nextStart)))
		}
		select {
		case <-ctx.Done():
			l.stopAll()
			return nil
		case p := <-l.exits:
			l.exited(p)
		case <-l.wake:
		case <-settled.C:
		case <-tick.C:
		}
	}
}

// step looks at every process and does what plan says.
func (l *Launcher) step(ctx context.Context, now time.Time) {
	if ctx.Err() != nil {
		return
	}
	for _, p := range l.processes {
		if p.observe(l.options.Status(p.id), l.options.Proven, now) {
			l.failures = 0
		}
		if p.quiet(now, l.options.QuietFor) {
			l.options.Log.Warn("game server runs but has not connected: does it call InitSDK and ProcessReady of the server SDK?",
				"process", p.id, "for", l.options.QuietFor, "logs", l.options.LogDir)
		}
	}
	start, stop := plan(l.options, now, l.processes)
	for _, order := range stop {
		l.options.Log.Warn("game server "+order.reason, "process", order.process.id, "output", order.process.output.last())
		order.process.stop(l.options.StopGrace)
	}
	if !l.due(start, now) {
		return
	}
	for range start {
		if now.Before(l.nextStart) {
			return
		}
		l.start(ctx, now)
	}
	l.shortFrom = time.Time{}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// due says whether a shortage of that many processes is to be met now.
func (l *Launcher) due(short int, now time.Time) bool {
	if short == 0 {
		l.shortFrom = time.Time{}
		return false
	}
	if l.shortFrom.IsZero() {
		l.shortFrom = now
	}
	return len(l.processes) == 0 || now.Sub(l.shortFrom) >= l.options.Settle
}

// start starts one process, or puts off the next try.
func (l *Launcher) start(ctx context.Context, now time.Time) {
	p, err := l.launch(ctx, now)
	if err != nil {
		l.failed(now)
		l.options.Log.Error("start a game server", "command", l.options.Command[0], "error", err, "again_in", l.nextStart.Sub(now))
		return
	}
	l.processes = append(l.processes, p)
	l.options.Log.Info("game server started", "process", p.id, "pid", p.pid(), "port", p.port)
}

// failed puts off the next start, twice as long each time.
func (l *Launcher) failed(now time.Time) {
	l.nextStart = now.Add(backoff(l.options.MinBackoff, l.options.MaxBackoff, l.failures))
	l.failures++
}

// exited forgets a process that has ended.
func (l *Launcher) exited(p *process) {
	l.processes = slices.DeleteFunc(l.processes, func(q *process) bool { return q == p })
	now := time.Now()
	switch {
	case p.stopping():
		l.options.Log.Info("game server ended", "process", p.id, "exit", p.exit)
	case !p.useful:
		l.failed(now)
		l.options.Log.Error("game server exited before it was of use", "process", p.id, "exit", p.exit,
			"failures", l.failures, "again_in", l.nextStart.Sub(now), "output", p.output.last())
	case p.crashed:
		l.options.Log.Warn("game server crashed", "process", p.id, "exit", p.exit, "output", p.output.last())
	default:
		l.options.Log.Info("game server ended", "process", p.id)
	}
	l.retireLog(p)
	if l.options.Exited != nil {
		l.options.Exited(p.id)
	}
}

// stopAll asks every process to end, kills those that do not, and waits for all.
func (l *Launcher) stopAll() {
	for _, p := range l.processes {
		p.stop(l.options.StopGrace)
	}
	for len(l.processes) > 0 {
		l.exited(<-l.exits)
	}
	l.done.Wait()
}
