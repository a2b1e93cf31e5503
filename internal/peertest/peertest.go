// Package peertest finds and starts the programs by others against which tests hold ours.
// scripts/peers installs them and names them in variables of the environment: a test calls
// [Find], or [Moto], which also starts it. Only tests import this package.
package peertest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Find is the path that a variable of the environment names. Unless what lies within it is
// there, the test is left out; where MUSTER_PEERS is set, it fails.
func Find(t testing.TB, what, variable string, within ...string) (path string) {
	t.Helper()
	path = os.Getenv(variable)
	if path != "" {
		if _, err := os.Stat(filepath.Join(append([]string{path}, within...)...)); err == nil {
			return path
		}
	}
	if os.Getenv("MUSTER_PEERS") != "" {
		t.Fatalf("missing in %s=%q although MUSTER_PEERS is set: %s", variable, path, what)
	}
	t.Skipf("missing: %s; scripts/peers installs it and sets %s", what, variable)
	return ""
}

// Moto starts PyPI's moto 5.2.5, which stands in for many services of AWS, and returns its
// URL. It has nothing in it and ends with the test.
func Moto(t testing.TB) (url string) {
	t.Helper()
	program := Find(t, "PyPI moto", "MUSTER_MOTO")
	host, port := FreeAddress(t)
	return Start(t, exec.CommandContext(t.Context(), program, "-H", host, "-p", port), net.JoinHostPort(host, port))
}

// Start starts a server that listens at an address on loopback, waits until it does, and
// returns its URL. The server ends with the test, which tells what it said if it failed.
func Start(t testing.TB, cmd *exec.Cmd, address string) (url string) {
	t.Helper()
	log := &strings.Builder{}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = log, log, time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // or it has ended by itself
		<-ended
		if t.Failed() {
			t.Log(log)
		}
	})
	for deadline := time.After(time.Minute); ; {
		if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			_ = conn.Close()
			return "http://" + address
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ended:
			t.Fatal("it ended before it listened")
		case <-deadline:
			t.Fatal("it does not listen after a minute")
		}
	}
}

// FreeAddress is an address on loopback that nobody listens at.
func FreeAddress(t testing.TB) (host, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // nobody connected
	host, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}
