package launcher

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// process is one server process that this launcher started.
type process struct {
	id        string
	port      int
	startedAt time.Time
	output    *output

	// Set before the process appears on Launcher.exits.
	exit    string // "exit status 0", "signal: killed"
	crashed bool

	// Only Run's goroutine touches these.
	status Status
	seen   bool      // the service has known it
	warned bool      // that it does not connect
	useful bool      // it hosted a session, or lived connected for a while
	lostAt time.Time // when the service stopped knowing it; zero: it did not

	mu      sync.Mutex // guards what follows
	cmd     *exec.Cmd
	stdin   io.Closer
	asked   bool // to end
	running bool
	kill    *time.Timer
}

// launch starts a process and the goroutine that waits for it.
func (l *Launcher) launch(ctx context.Context, now time.Time) (*process, error) {
	o := l.options
	token, err := o.Token(ctx)
	if err != nil {
		return nil, fmt.Errorf("auth token: %w", err)
	}
	port, err := l.ports.free(l.portsInUse())
	if err != nil {
		return nil, err
	}
	p := &process{id: o.NewID(), port: port, startedAt: now}
	p.output, err = openOutput(o.logPath(p.id), o.MaxLogBytes)
	if err != nil {
		return nil, err
	}
	p.cmd = o.command(p, token)
	p.stdin, err = p.cmd.StdinPipe()
	if err != nil {
		p.output.discard()
		return nil, fmt.Errorf("standard input: %w", err)
	}
	started := make(chan error)
	l.done.Go(func() { l.watch(p, started) })
	if err := <-started; err != nil {
		p.output.discard()
		return nil, err
	}
	return p, nil
}

// watch starts a process and waits for its end, on an operating-system thread of its
// own: Linux kills the child when the thread that started it dies, so that thread must
// live as long.
func (l *Launcher) watch(p *process, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p.mu.Lock()
	err := p.cmd.Start()
	p.running = err == nil
	p.mu.Unlock()
	started <- err
	if err != nil {
		return
	}
	_ = p.cmd.Wait() // ProcessState tells more
	p.mu.Lock()
	p.running = false
	if p.kill != nil {
		p.kill.Stop()
	}
	p.mu.Unlock()
	p.output.close()
	p.exit, p.crashed = p.cmd.ProcessState.String(), !p.cmd.ProcessState.Success()
	l.exits <- p
}

// command builds the command of a process.
func (o Options) command(p *process, token string) *exec.Cmd {
	port := strconv.Itoa(p.port)
	arguments := make([]string, len(o.Command)-1)
	for i, argument := range o.Command[1:] {
		arguments[i] = strings.ReplaceAll(argument, "{port}", port)
	}
	cmd := exec.Command(o.Command[0], arguments...)
	cmd.Dir = o.Dir
	cmd.Env = append(append([]string(nil), o.Env...),
		"GAMELIFT_SDK_WEBSOCKET_URL="+o.WebSocketURL,
		"GAMELIFT_SDK_PROCESS_ID="+p.id,
		"GAMELIFT_SDK_HOST_ID="+o.HostID,
		"GAMELIFT_SDK_FLEET_ID="+o.FleetID,
		"GAMELIFT_SDK_AUTH_TOKEN="+token,
		"PORT="+port,
	)
	cmd.Stdout, cmd.Stderr = p.output, p.output
	cmd.WaitDelay = o.StopGrace + time.Second // what it started may live on, and hold the output open
	dieWithParent(cmd)
	return cmd
}

// stop asks a process to end, and kills it after the grace. Asking again changes
// nothing.
func (p *process) stop(grace time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked || !p.running {
		return
	}
	p.asked = true
	_ = p.stdin.Close() // for servers that watch it, and the only way on Windows
	askToEnd(p.cmd.Process)
	p.kill = time.AfterFunc(grace, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.running { // it, or what it started: its group is still ours
			killAll(p.cmd.Process)
		}
	})
}

func (p *process) stopping() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *process) pid() int { return p.cmd.Process.Pid }
