package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "muster-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
		binary = filepath.Join(dir, "muster")
		if runtime.GOOS == "windows" {
			binary += ".exe"
		}
		build := exec.Command("go", "build", "-o", binary, "muster/cmd/muster")
		build.Stdout, build.Stderr = os.Stderr, os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "build muster:", err)
			return 1
		}
		return m.Run()
	}())
}

// ready is what `muster up --json` says once it is up.
type ready struct {
	HTTP        string `json:"http"`
	GameLift    string `json:"gamelift"`
	Region      string `json:"region"`
	Data        string `json:"data"`
	Credentials string `json:"credentials"` // path of an AWS credentials file
}

// program is a running `muster up`.
type program struct {
	ready
	t      *testing.T
	cmd    *exec.Cmd
	stderr *lockedBuffer
	ended  chan struct{}
}

// up starts `muster up` on free ports with the data folder and waits until it is ready.
// The test's end stops it.
func up(t *testing.T, data string, args ...string) *program {
	t.Helper()
	base := []string{"up", "--data", data, "--http", "127.0.0.1:0", "--gamelift", "127.0.0.1:0", "--json"}
	p := &program{t: t, stderr: &lockedBuffer{}, ended: make(chan struct{})}
	p.cmd = exec.Command(binary, append(base, args...)...)
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	lines := bufio.NewReader(stdout)
	first := make(chan error, 1)
	go func() {
		line, err := lines.ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, &p.ready)
		}
		first <- err
		_, _ = io.Copy(io.Discard, lines) // so that the program never waits for a reader
		_ = p.cmd.Wait()                  // its exit code is its own affair here
		close(p.ended)
	}()
	select {
	case err := <-first:
		if err != nil {
			t.Fatalf("muster up was not ready: %v\n%s", err, p.stderr)
		}
	case <-time.After(60 * time.Second):
		t.Fatalf("muster up was not ready in a minute\n%s", p.stderr)
	}
	return p
}

// kill ends the program as a power switch would.
func (p *program) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	<-p.ended
}

// stop ends the program as Ctrl-C would, and fails the test when it does not end.
func (p *program) stop() {
	select {
	case <-p.ended:
		return
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGINT) // it may have ended meanwhile
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		_ = p.cmd.Process.Kill()
		p.t.Errorf("muster up did not end after an interrupt\n%s", p.stderr)
	}
}

// lockedBuffer is a bytes.Buffer that a process may write to while a test reads it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// run runs a command of the program to its end.
func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// oneSentence says that text is a single line without a stack or a wrapped library name.
func oneSentence(text string) bool {
	text = strings.TrimSpace(text)
	return text != "" && !strings.Contains(text, "\n") && !strings.Contains(text, "goroutine")
}
