package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// endAfterOutput is a standard output that ends a command once it has said that it
// runs, after a look at the running command.
type endAfterOutput struct{ look func() }

func (o endAfterOutput) Write(b []byte) (int, error) {
	o.look()
	return len(b), nil
}

// runGameLift runs `muster gamelift` until it says that it is there and look returns.
func runGameLift(t *testing.T, look func(), args ...string) (code int, stderr string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var said bytes.Buffer
	p := &process{stdout: endAfterOutput{func() { look(); cancel() }}, stderr: &said}
	code = run(ctx, p, append([]string{"gamelift", "--addr", "127.0.0.1:0"}, args...))
	return code, said.String()
}

func TestOneLocalGameLiftUsesAFolder(t *testing.T) {
	dir := t.TempDir()
	var second int
	var said string
	first, problem := runGameLift(t, func() {
		second, said = runGameLift(t, func() {}, "--data", dir)
	}, "--data", dir)
	if first != 0 || problem != "" {
		t.Errorf("the first ended with %d: %s", first, problem)
	}
	if second != 1 || strings.Count(said, "\n") != 1 || !strings.Contains(said, dir) || !strings.Contains(said, "in use") {
		t.Errorf("the second ended with %d: %s", second, said)
	}
	if code, problem := runGameLift(t, func() {}, "--data", dir); code != 0 {
		t.Errorf("after the first has ended: %d: %s", code, problem)
	}
}

func TestTheLocalGameLiftAloneDoesNotUseTheFolderOfUp(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("MUSTER_DATA", "of-up")
	if code, problem := runGameLift(t, func() {}); code != 0 {
		t.Fatalf("code %d: %s", code, problem)
	}
	if _, err := os.Stat("of-up"); err == nil {
		t.Error("it used MUSTER_DATA")
	}
	if _, err := os.Stat(filepath.Join(".muster-gamelift", credentialsFile)); err != nil {
		t.Error(err)
	}
}
