package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// exitInterrupted is the exit code of what a signal kept from finishing, as shells have
// it for Ctrl-C.
const exitInterrupted = 130

// interruptedError says that a signal kept a command from finishing what was asked.
type interruptedError struct{ message string }

func (e interruptedError) Error() string { return e.message }

// interruptedMatches is the error of a run that was to play some matches.
func interruptedMatches(played, wanted int) error {
	return interruptedError{fmt.Sprintf("interrupted: %d of %d matches were played to their result", played, wanted)}
}

// untilSignal runs work, whose context ends with the first Ctrl-C or SIGTERM. A second
// one kills the process.
func untilSignal(stderr io.Writer, work func(context.Context) int) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ended := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() { watchEnd(ctx, ended, stop, stderr) })
	code := work(ctx)
	close(ended)
	watch.Wait()
	return code
}

// patience is how long ending may take before a word is said about it.
const patience = 2 * time.Second

// watchEnd returns when ended is closed. Once ctx has ended it gives signals their
// default effect back by calling restore, and says so if ending takes long.
func watchEnd(ctx context.Context, ended <-chan struct{}, restore func(), stderr io.Writer) {
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	restore()
	slow := time.NewTimer(patience)
	defer slow.Stop()
	select {
	case <-ended:
	case <-slow.C:
		fmt.Fprintln(stderr, "muster: still ending; a second Ctrl-C or SIGTERM ends it by force")
		<-ended
	}
}
