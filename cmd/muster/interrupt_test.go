package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnEndThatTakesLongIsToldOnce(t *testing.T) {
	cases := []struct {
		name  string
		takes time.Duration
		lines int
	}{
		{"a quick end without a word", patience - time.Millisecond, 0},
		{"a slow end", 10 * patience, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				ended, returned := make(chan struct{}), make(chan struct{})
				restored := 0
				var stderr bytes.Buffer
				go func() {
					watchEnd(ctx, ended, func() { restored++ }, &stderr)
					close(returned)
				}()
				synctest.Wait()
				if restored != 0 {
					t.Error("signals kill before the first one")
				}
				cancel()
				synctest.Wait()
				if restored != 1 {
					t.Error("a second signal does not kill")
				}
				<-time.After(c.takes)
				close(ended)
				<-returned
				if got := strings.Count(stderr.String(), "\n"); got != c.lines {
					t.Errorf("%d lines were said: %q", got, stderr.String())
				}
			})
		})
	}
}

func TestWorkThatEndsByItselfNeedsNoSignal(t *testing.T) {
	var stderr bytes.Buffer
	if code := untilSignal(&stderr, func(context.Context) int { return 7 }); code != 7 || stderr.Len() > 0 {
		t.Errorf("code %d, said %q", code, stderr.String())
	}
}

// silentBackend never answers; asked is closed at the first request.
func silentBackend(t *testing.T) (url string, asked <-chan struct{}) {
	t.Helper()
	first := make(chan struct{}, 1)
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case first <- struct{}{}:
		default:
		}
		<-release
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	return server.URL, first
}

func TestInterruptedBotsSayHowManyMatchesTheyPlayed(t *testing.T) {
	for _, matches := range []string{"5", "0"} {
		url, asked := silentBackend(t)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-asked; cancel() }()
		var stdout, stderr bytes.Buffer
		code := run(ctx, &process{stdout: &stdout, stderr: &stderr}, []string{"bots", "--url", url, "--matches", matches})
		switch {
		case matches == "0" && (code != 0 || stderr.Len() > 0):
			t.Errorf("without matches: code %d, said %q", code, stderr.String())
		case matches == "5" && (code != exitInterrupted || stderr.String() != "muster: interrupted: 0 of 5 matches were played to their result\n"):
			t.Errorf("with matches: code %d, said %q", code, stderr.String())
		}
	}
}

func TestInterruptedUpSaysHowManyMatchesItPlayed(t *testing.T) {
	url, asked := silentBackend(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	var stdout, stderr bytes.Buffer
	p := &process{stdout: &stdout, stderr: &stderr, log: slog.New(slog.DiscardHandler)}
	s := newStack()
	c := &upCmd{Bots: 2, Matches: 3}
	err := c.stay(ctx, p, s, c.botOptions(p, url))
	if !errors.Is(err, interruptedMatches(0, 3)) {
		t.Errorf("got %v", err)
	}
	if err := s.end(); err != nil || stdout.Len() > 0 {
		t.Errorf("the end says %v, standard output %q", err, stdout.String())
	}
}

func TestUpThatIsInterruptedWhileItStartsDoesNotComplain(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&upCmd{}).whyNotUp(ctx, newStack(), ctx.Err()); err != nil {
		t.Errorf("without matches: %v", err)
	}
	if err := (&upCmd{Matches: 3}).whyNotUp(ctx, newStack(), ctx.Err()); !errors.Is(err, interruptedMatches(0, 3)) {
		t.Errorf("with matches: %v", err)
	}
}
