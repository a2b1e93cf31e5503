//go:build !windows

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// stubbornVariable makes the test's binary a program that does not end when it is asked.
const stubbornVariable = "MUSTER_TEST_STUBBORN"

func TestMain(m *testing.M) {
	if os.Getenv(stubbornVariable) == "" {
		os.Exit(m.Run())
	}
	os.Exit(untilSignal(os.Stderr, func(context.Context) int {
		fmt.Fprintln(os.Stderr, "ready")
		select {}
	}))
}

func TestASecondInterruptKills(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), stubbornVariable+"=1")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it has ended when all is well
	lines := bufio.NewScanner(stderr)
	for _, want := range []string{"ready", "a second Ctrl-C or SIGTERM"} {
		if !lines.Scan() || !strings.Contains(lines.Text(), want) {
			t.Fatalf("it said %q, want %q", lines.Text(), want)
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGINT {
		t.Errorf("it ended with %v, not by the signal", err)
	}
}
