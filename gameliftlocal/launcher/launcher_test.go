package launcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const patience = time.Minute

// rig runs a launcher whose service is a map.
type rig struct {
	t      *testing.T
	l      *Launcher
	tower  *watchtower
	logs   chan string // "message key=value ..."
	exited chan string
	cancel func()
	ended  chan struct{}

	mu     sync.Mutex
	status map[string]Status
}

// newRig starts a launcher of test game servers in a role. change may be nil.
func newRig(t *testing.T, role string, change func(*Options)) *rig {
	t.Helper()
	r := &rig{
		t: t, tower: newWatchtower(t), logs: make(chan string, 1000), exited: make(chan string, 1000),
		ended: make(chan struct{}), status: map[string]Status{},
	}
	var ids int
	o := Options{
		Command: []string{os.Args[0], "-test.v", "port={port}"},
		Env: []string{
			childVariable + "=" + role, reportVariable + "=" + r.tower.listener.Addr().String(),
			"PATH=" + os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0", // a raced binary else takes a second to exit
			"GAMELIFT_SDK_FLEET_ID=overridden",
		},
		WebSocketURL: "ws://127.0.0.1:1/sdk", FleetID: "fleet-1", HostID: "box",
		Token:  func(context.Context) (string, error) { return "the-token", nil },
		NewID:  func() string { ids++; return fmt.Sprint("proc-", ids) },
		Status: r.statusOf,
		Exited: func(id string) { r.exited <- id },
		Poll:   10 * time.Millisecond, StopGrace: 100 * time.Millisecond, MinBackoff: time.Millisecond,
		Log: slog.New(slog.NewTextHandler(lineWriter(r.logs), &slog.HandlerOptions{})),
	}
	if change != nil {
		change(&o)
	}
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	r.l = l
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() {
		defer close(r.ended)
		_ = l.Run(ctx)
	}()
	t.Cleanup(r.stop)
	return r
}

// stop ends the launcher and waits for it.
func (r *rig) stop() {
	r.cancel()
	select {
	case <-r.ended:
	case <-time.After(patience):
		r.t.Error("the launcher does not end")
	}
}

func (r *rig) statusOf(id string) Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status[id]
}

func (r *rig) set(id string, s Status) {
	r.mu.Lock()
	r.status[id] = s
	r.mu.Unlock()
	r.l.Wake()
}

type lineWriter chan string

func (w lineWriter) Write(p []byte) (int, error) {
	select {
	case w <- string(p):
	default: // a test that does not look
	}
	return len(p), nil
}

// see waits for the next game server to report.
func (w *watchtower) see() sighting {
	w.t.Helper()
	select {
	case s := <-w.seen:
		return s
	case <-time.After(patience):
		w.t.Fatal("no game server reported")
		return sighting{}
	}
}

// waitDead waits until a game server's connection breaks.
func (s sighting) waitDead(t *testing.T) {
	t.Helper()
	_ = s.conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := s.conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("game server %s lives", s.id)
	}
}

// log waits for a log line with all the parts.
func (r *rig) log(parts ...string) string {
	r.t.Helper()
	for deadline := time.After(patience); ; {
		select {
		case line := <-r.logs:
			if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(line, p) }) {
				return line
			}
		case <-deadline:
			r.t.Fatalf("no log line with %q", parts)
		}
	}
}

func TestAProcessGetsWhatTheSDKNeeds(t *testing.T) {
	r := newRig(t, "obedient", nil)
	s := r.tower.see()
	port, err := strconv.Atoi(s.port)
	if err != nil || port < 7777 || port > 60000 {
		t.Fatalf("port %q", s.port)
	}
	s.conn, s.pid = nil, ""
	want := sighting{"obedient", "ws://127.0.0.1:1/sdk", "proc-1", "box", "fleet-1", "the-token", s.port, "-test.v port=" + s.port, "", nil}
	if s != want {
		t.Fatalf("got %+v, want %+v", s, want)
	}
	r.stop()
	if id := <-r.exited; id != "proc-1" {
		t.Fatalf("told that %s exited", id)
	}
}

func TestSparesAreKept(t *testing.T) {
	r := newRig(t, "obedient", func(o *Options) { o.Spare, o.Max = 2, 3 })
	first, second := r.tower.see(), r.tower.see()
	if first.port == second.port {
		t.Fatal("two servers have one port")
	}
	r.set(first.id, Spare)
	r.set(second.id, Spare)
	r.set(first.id, Busy)
	third := r.tower.see()
	r.set(third.id, Spare)
	r.set(second.id, Busy)
	r.set(third.id, Busy) // no spare is left, but three is the maximum
	must(t, first.kill())
	r.log("game server crashed", first.id)
	if s := r.tower.see(); s.id != "proc-4" {
		t.Fatalf("instead of the dead one came %s: the maximum was exceeded", s.id)
	}
}

// kill ends a game server the hard way.
func (s sighting) kill() error {
	pid, err := strconv.Atoi(s.pid)
	if err != nil {
		return err
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Kill()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestACrashLoopIsSlowedAndShowsTheLastOutput(t *testing.T) {
	r := newRig(t, "crash", func(o *Options) { o.MaxBackoff = 20 * time.Millisecond })
	line := r.log("before it was of use", "failures=3", "exit status 3", `line 29\nout of luck`)
	if strings.Contains(line, "line 5") {
		t.Fatalf("more than the last lines: %s", line)
	}
	if strings.Contains(line, "the-token") {
		t.Fatal("the token is in the log")
	}
}

func TestACommandThatDoesNotExistIsTriedAgain(t *testing.T) {
	r := newRig(t, "", func(o *Options) { o.Command = []string{"/nonexistent/server"} })
	r.log("start a game server", "/nonexistent/server", "no such file")
	r.log("start a game server")
}

func TestWithoutATokenNothingStarts(t *testing.T) {
	r := newRig(t, "obedient", func(o *Options) {
		o.Token = func(context.Context) (string, error) { return "", errors.New("no compute") }
	})
	r.log("auth token: no compute")
	r.stop()
	if len(r.tower.seen) > 0 {
		t.Fatal("a server was started")
	}
}

func TestEverybodyEndsWithTheContext(t *testing.T) {
	for _, c := range []struct {
		role, exit string
		grace      time.Duration
	}{
		{"obedient", "exit status 0", patience},
		{"reader", "exit status 0", patience},
		{"stubborn", "signal: killed", 10 * time.Millisecond},
		{"wrapper", "signal: terminated", 100 * time.Millisecond},
	} {
		t.Run(c.role, func(t *testing.T) {
			if runtime.GOOS == "windows" {
				t.Skip("needs the signals of Unix: this case runs on Linux and macOS")
			}
			r := newRig(t, c.role, func(o *Options) { o.StopGrace = c.grace })
			s := r.tower.see()
			inner := s
			if c.role == "wrapper" {
				inner = r.tower.see()
				t.Cleanup(func() { _ = inner.kill() }) // should the launcher fail to
			}
			r.stop()
			s.waitDead(t)
			inner.waitDead(t)
			r.log("game server ended", c.exit)
		})
	}
}

func TestAServerThatNeverConnectsIsReplaced(t *testing.T) {
	r := newRig(t, "obedient", func(o *Options) { o.StartTimeout = time.Second })
	s := r.tower.see()
	r.log("did not connect in time", s.id)
	s.waitDead(t)
	r.tower.see()
}

func TestAServerThatTheServiceHasDoneWithIsStopped(t *testing.T) {
	r := newRig(t, "obedient", nil)
	s := r.tower.see()
	r.set(s.id, Busy)
	r.tower.see() // its replacement, and a look at the first
	r.set(s.id, Unseen)
	r.log("does not exit", s.id)
	s.waitDead(t)
}

func TestServersDieWithALauncherThatIsKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux kills the children of a process that dies at once")
	}
	tower := newWatchtower(t)
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), childVariable+"=parent", reportVariable+"="+tower.listener.Addr().String())
	must(t, parent.Start())
	defer func() { _ = parent.Wait() }()
	server := tower.see()
	if server.role == "parent" {
		server = tower.see()
	}
	must(t, parent.Process.Kill())
	server.waitDead(t)
}

func TestLogsAreBoundedInNumberAndSize(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	r := newRig(t, "crash", func(o *Options) { o.LogDir, o.MaxLogs, o.MaxLogBytes = dir, 2, 40 })
	for range 5 {
		<-r.exited
	}
	r.stop()
	files, err := os.ReadDir(dir)
	must(t, err)
	if len(files) != 2 {
		t.Fatalf("%d files: %v", len(files), files)
	}
	text, err := os.ReadFile(filepath.Join(dir, files[0].Name()))
	must(t, err)
	if !strings.HasPrefix(string(text), "line 0\nline 1\n") || len(text) > 100 || !strings.HasSuffix(string(text), "(the rest is not kept)\n") {
		t.Fatalf("file %q", text)
	}
}

func TestLogsOfEarlierRunsCount(t *testing.T) {
	dir := t.TempDir()
	age := func(name string, old time.Duration) {
		at := time.Now().Add(-old)
		must(t, os.Chtimes(filepath.Join(dir, name), at, at))
	}
	log := func(n int) string { return fmt.Sprintf("0199c0de-0000-7000-8000-%012d.log", n) }
	for n := range 6 { // the higher, the older
		must(t, os.WriteFile(filepath.Join(dir, log(n)), nil, 0o600))
		age(log(n), time.Duration(n+1)*time.Hour)
	}
	others := []string{"server.log", "0199c0de-0000-7000-8000-000000000001.log.gz", "0199c0de.log", "my-0199c0de-0000-7000-8000-000000000001.log"}
	for _, name := range others {
		must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
		age(name, 1000*time.Hour)
	}
	must(t, os.Mkdir(filepath.Join(dir, log(7)), 0o700))
	others = append(others, log(7))
	left := func() []string {
		t.Helper()
		var names []string
		entries, err := os.ReadDir(dir)
		must(t, err)
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	want := func(when string, logs ...string) {
		t.Helper()
		all := append(slices.Clone(others), logs...)
		slices.Sort(all)
		if got := left(); !slices.Equal(got, all) {
			t.Fatalf("%s: left are %q, want %q", when, got, all)
		}
	}

	quiet := newRig(t, "obedient", func(o *Options) {
		o.LogDir, o.MaxLogs, o.Command = dir, 4, []string{filepath.Join(dir, "no such program")}
	})
	<-quiet.logs // the start that failed
	quiet.stop()
	want("after starts that failed", log(0), log(1), log(2), log(3))

	r := newRig(t, "crash", func(o *Options) { o.LogDir, o.MaxLogs, o.MinBackoff = dir, 4, time.Hour })
	<-r.exited
	r.stop()
	want("with a log of this run", log(0), log(1), log(2), "proc-1.log")
}

func TestOptionsThatCannotWork(t *testing.T) {
	good := Options{
		Command: []string{"x"}, WebSocketURL: "ws://x", FleetID: "f", HostID: "h",
		Token: func(context.Context) (string, error) { return "", nil }, NewID: func() string { return "" },
		Status: func(string) Status { return Spare },
	}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Options){
		"no command": func(o *Options) { o.Command = nil },
		"FleetID":    func(o *Options) { o.FleetID = "" },
		"Token":      func(o *Options) { o.Token = nil },
		"negative":   func(o *Options) { o.Spare = -1 },
		"60000":      func(o *Options) { o.FirstPort = 60001 },
	} {
		o := good
		change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("got %v, want %s", err, want)
		}
	}
}

func TestPlan(t *testing.T) {
	now := time.Unix(1000, 0)
	server := func(s Status, age time.Duration) *process {
		p := &process{startedAt: now.Add(-age)}
		p.observe(s, time.Hour, now)
		return p
	}
	gone := server(Spare, time.Minute)
	gone.observe(Unseen, time.Hour, now.Add(-5*time.Second))
	leaving := server(Spare, time.Minute)
	leaving.asked = true
	for _, c := range []struct {
		name      string
		processes []*process
		start     int
		stop      int
	}{
		{"nothing runs", nil, 2, 0},
		{"enough are spare", []*process{server(Spare, 1), server(Spare, 1)}, 0, 0},
		{"a slow start counts as spare", []*process{server(Unseen, 4*time.Minute), server(Spare, 1)}, 0, 0},
		{"a start that is too slow does not", []*process{server(Unseen, 5*time.Minute), server(Spare, 1)}, 1, 1},
		{"a busy one does not", []*process{server(Busy, time.Hour), server(Spare, 1)}, 1, 0},
		{"one that is asked to end does not", []*process{leaving, server(Spare, 1)}, 1, 0},
		{"one the service has done with is stopped", []*process{gone, server(Spare, 1)}, 1, 1},
		{"the maximum holds", []*process{server(Busy, 1), server(Busy, 1), server(Busy, 1), server(Busy, 1)}, 1, 0},
		{"also when full", []*process{server(Busy, 1), server(Busy, 1), server(Busy, 1), server(Busy, 1), server(Busy, 1)}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			start, stop := plan(Options{Spare: 2, Max: 5}.withDefaults(), now, c.processes)
			if start != c.start || len(stop) != c.stop {
				t.Fatalf("start %d, stop %d; want %d, %d", start, len(stop), c.start, c.stop)
			}
		})
	}
}

func TestWhenAProcessIsOfUse(t *testing.T) {
	start := time.Unix(1000, 0)
	p := &process{startedAt: start}
	for _, c := range []struct {
		after  time.Duration
		status Status
		want   bool
	}{
		{0, Unseen, false}, {20 * time.Second, Unseen, false}, {5 * time.Second, Spare, false}, {10 * time.Second, Spare, true}, {11 * time.Second, Spare, false},
	} {
		if got := p.observe(c.status, 10*time.Second, start.Add(c.after)); got != c.want {
			t.Fatalf("after %v as %d: %t", c.after, c.status, got)
		}
	}
	if hosting := (&process{startedAt: start}); !hosting.observe(Busy, 10*time.Second, start) {
		t.Fatal("a process that hosts is of use")
	}
}

func TestBackoff(t *testing.T) {
	var got []time.Duration
	for failures := range 6 {
		got = append(got, backoff(500*time.Millisecond, 5*time.Second, failures))
	}
	want := []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second}
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if d := backoff(time.Second, time.Hour, 1_000_000); d != time.Hour {
		t.Fatalf("after a million failures: %v", d)
	}
}

func TestOutputKeepsTheLastLines(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"a line that is not complete", "one\ntwo", "one\ntwo"},
		{"Windows line ends", "one\r\ntwo\r\n", "one\ntwo"},
		{"a line without end", strings.Repeat("x", 5000) + "\nnext\n", strings.Repeat("x", maxLineBytes) + "\nnext"},
		{"many lines", strings.Repeat("a\n", 100) + "b\n", strings.Repeat("a\n", lastLines-1) + "b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			whole, bytewise := &output{}, &output{}
			_, _ = whole.Write([]byte(c.in))
			for i := range len(c.in) {
				_, _ = bytewise.Write([]byte(c.in[i : i+1]))
			}
			if whole.last() != c.want || bytewise.last() != c.want {
				t.Fatalf("got %.200q and %.200q", whole.last(), bytewise.last())
			}
		})
	}
}

func TestPorts(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer func() { _ = taken.Close() }()
	if available(taken.Addr().(*net.TCPAddr).Port) {
		t.Fatal("a port that is listened on counts as free")
	}
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	defer func() { _ = udp.Close() }()
	if available(udp.LocalAddr().(*net.UDPAddr).Port) {
		t.Fatal("a UDP port that is used counts as free")
	}
	p := ports{first: 59990, next: 59990}
	a, err := p.free(nil)
	must(t, err)
	b, err := p.free(map[int]bool{a + 1: true})
	must(t, err)
	if b <= a+1 {
		t.Fatalf("ports %d and %d", a, b)
	}
	all := map[int]bool{}
	for port := 59990; port <= maxPort; port++ {
		all[port] = true
	}
	if _, err := p.free(all); err == nil {
		t.Fatal("a port was found where none is")
	}
}

func TestAShortageOfSparesIsMetOnceItHasSettled(t *testing.T) {
	at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	l := &Launcher{options: Options{Settle: 250 * time.Millisecond}, processes: []*process{{}}}
	for _, step := range []struct {
		name  string
		short int
		after time.Duration
		due   bool
	}{
		{"nothing is short", 0, 0, false},
		{"a shortage begins", 2, 0, false},
		{"it has not settled", 2, 249 * time.Millisecond, false},
		{"it has settled", 2, 250 * time.Millisecond, true},
		{"it went away by itself", 0, 300 * time.Millisecond, false},
		{"another begins, and counts from its own beginning", 1, 400 * time.Millisecond, false},
	} {
		if due := l.due(step.short, at.Add(step.after)); due != step.due {
			t.Errorf("%s: due is %t, want %t", step.name, due, step.due)
		}
	}
	first := &Launcher{options: Options{Settle: time.Hour}}
	if !first.due(4, at) {
		t.Error("the first processes are not started at once")
	}
}

func TestAProcessThatDoesNotConnectIsNamedOnce(t *testing.T) {
	at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	p := &process{startedAt: at}
	if p.quiet(at.Add(9*time.Second), 10*time.Second) {
		t.Error("warned before its time")
	}
	if !p.quiet(at.Add(10*time.Second), 10*time.Second) {
		t.Error("not warned in time")
	}
	if p.quiet(at.Add(time.Minute), 10*time.Second) {
		t.Error("warned twice")
	}
	connected := &process{startedAt: at, seen: true}
	if connected.quiet(at.Add(time.Hour), 10*time.Second) {
		t.Error("warned although it has connected")
	}
}
