package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// daemon is a running command of the program that says in one line of JSON that it is up.
type daemon struct {
	t      *testing.T
	name   string
	cmd    *exec.Cmd
	stderr *lockedBuffer
	ended  chan struct{}
}

// start starts a command with further environment and waits for its line. The test's end
// stops it.
func start(t *testing.T, env []string, said any, args ...string) *daemon {
	t.Helper()
	d := &daemon{t: t, name: args[0], stderr: &lockedBuffer{}, ended: make(chan struct{})}
	d.cmd = exec.Command(binary, args...)
	d.cmd.Env = append(os.Environ(), env...)
	d.cmd.Stderr = d.stderr
	stdout, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.stop)
	lines := bufio.NewReader(stdout)
	first := make(chan error, 1)
	go func() {
		line, err := lines.ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, said)
		}
		first <- err
		_, _ = io.Copy(io.Discard, lines) // so that the program never waits for a reader
		_ = d.cmd.Wait()                  // its exit code is its own affair here
		close(d.ended)
	}()
	select {
	case err := <-first:
		if err != nil {
			t.Fatalf("muster %s was not up: %v\n%s", d.name, err, d.stderr)
		}
	case <-time.After(60 * time.Second):
		t.Fatalf("muster %s was not up in a minute\n%s", d.name, d.stderr)
	}
	return d
}

// kill ends it as a power switch would.
func (d *daemon) kill() {
	_ = d.cmd.Process.Kill() // it may have ended
	<-d.ended
}

// stop ends it as an orchestrator would, and fails the test when it does not end.
func (d *daemon) stop() {
	select {
	case <-d.ended:
		return
	default:
	}
	_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may have ended meanwhile
	select {
	case <-d.ended:
	case <-time.After(time.Minute):
		d.kill()
		d.t.Errorf("muster %s did not end after a SIGTERM\n%s", d.name, d.stderr)
	}
}
