package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"muster"
)

// calmLog writes lines at instants that a test chooses.
type calmLog struct {
	handler slog.Handler
	text    bytes.Buffer
}

func newCalmLog() *calmLog {
	l := &calmLog{}
	l.handler = newCalm(slog.NewJSONHandler(&l.text, nil))
	return l
}

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// write says something some time after the beginning.
func (l *calmLog) write(t *testing.T, after time.Duration, level slog.Level, message string, attrs ...slog.Attr) {
	t.Helper()
	r := slog.NewRecord(began.Add(after), level, message, 0)
	r.AddAttrs(attrs...)
	if err := l.handler.Handle(context.Background(), r); err != nil {
		t.Fatal(err)
	}
}

// line is a line of the log, as far as the tests look at it.
type line struct {
	Level, Msg, Also string
	AlsoFailed       int
}

// take is what was written since the last take.
func (l *calmLog) take(t *testing.T) []line {
	t.Helper()
	var lines []line
	for d := json.NewDecoder(&l.text); d.More(); {
		var got line
		if err := d.Decode(&got); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, got)
	}
	return lines
}

// storeDown is what a call says whose store does not answer; each call has its own words.
func storeDown(call int) slog.Attr {
	from := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40000 + call}
	dial := &net.OpError{Op: "read", Net: "tcp", Source: from, Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8000}, Err: syscall.ECONNREFUSED}
	down := &muster.Error{Kind: muster.Unavailable, Code: "store.unavailable", Message: "the store cannot be reached", Err: fmt.Errorf("try %d: %w", call, dial)}
	return slog.Any("error", fmt.Errorf("find guest %d: %w", call, down))
}

func TestAnOutageIsOneLineInTenSecondsHoweverManySignInsFail(t *testing.T) {
	l := newCalmLog()
	for i := range 1000 { // a hundred a second, for ten seconds
		at := time.Duration(i) * 10 * time.Millisecond
		l.write(t, at, slog.LevelWarn, "a limit could not be counted", storeDown(2*i))
		l.write(t, at, slog.LevelError, "request failed", storeDown(2*i+1))
	}
	if got := l.take(t); len(got) != 2 || got[0].Level != "WARN" || got[1].Level != "ERROR" {
		t.Fatalf("written was %+v", got)
	}
	l.write(t, 10*time.Second, slog.LevelWarn, "a limit could not be counted", storeDown(1))
	l.write(t, 10*time.Second, slog.LevelWarn, "learn of revocations", storeDown(2))
	l.write(t, 10*time.Second, slog.LevelError, "request failed", storeDown(3))
	want := line{"ERROR", "request failed", "a limit could not be counted; learn of revocations", 999 + 999 + 2}
	if got := l.take(t); len(got) != 1 || got[0] != want {
		t.Errorf("after ten seconds written was %+v, not %+v", got, want)
	}
	l.write(t, time.Minute, slog.LevelWarn, "learn of revocations", storeDown(4))
	if got := l.take(t); len(got) != 1 || got[0].Level != "WARN" {
		t.Errorf("of an outage that began anew written was %+v", got)
	}
}

func TestOnlyOutagesAreLeftOut(t *testing.T) {
	other := &muster.Error{Kind: muster.Unavailable, Code: "store.unavailable", Message: "no", Err: errors.New("no such host")}
	for name, c := range map[string]struct {
		level slog.Level
		attrs []slog.Attr
		lines int
	}{
		"the same outage":          {slog.LevelError, []slog.Attr{slog.String("requestId", "r"), storeDown(1)}, 1},
		"an outage of another":     {slog.LevelError, []slog.Attr{slog.Any("err", other)}, 1},
		"a mistake of ours":        {slog.LevelError, []slog.Attr{slog.Any("err", errors.New("decode P#ann/A"))}, 3},
		"a refusal":                {slog.LevelWarn, []slog.Attr{slog.Any("err", muster.Errorf(muster.Denied, "x.no", "no"))}, 3},
		"news":                     {slog.LevelInfo, []slog.Attr{storeDown(1)}, 3},
		"a warning without errors": {slog.LevelWarn, nil, 3},
	} {
		l := newCalmLog()
		for range 3 {
			l.write(t, 0, c.level, "something", c.attrs...)
		}
		if got := l.take(t); len(got) != c.lines {
			t.Errorf("%s: written was %+v", name, got)
		}
	}
	l := newCalmLog()
	for range 3 {
		l.write(t, 0, slog.LevelError, "request failed", storeDown(1))
		l.write(t, 0, slog.LevelError, "request failed", slog.Any("err", other))
	}
	if got := l.take(t); len(got) != 2 {
		t.Errorf("of two outages written was %+v", got)
	}
}

func TestOutagesThatAreRememberedAreBounded(t *testing.T) {
	h := newCalm(slog.DiscardHandler).(calm)
	for i := range 1000 {
		r := slog.NewRecord(began, slog.LevelError, "request failed", 0)
		r.AddAttrs(slog.Any("err", &muster.Error{Kind: muster.Unavailable, Code: "x.y", Message: "no", Err: fmt.Errorf("host %d", i)}))
		_ = h.Handle(context.Background(), r) // it discards
	}
	if n := len(h.outages.known); n > maxCauses {
		t.Errorf("%d are remembered", n)
	}
	long := &muster.Error{Kind: muster.Unavailable, Code: "x.y", Message: "no", Err: errors.New(strings.Repeat("request 0123 ", 20))}
	if got := rootOf(long); got != "" {
		t.Errorf("a long cause is told apart by %q", got)
	}
}

func TestTheLogIsCalmWithAttributesAndFromManySides(t *testing.T) {
	var text lockedText
	log := newLog(&text, "json", slog.LevelWarn).With("replica", "a").WithGroup("g")
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() { log.Error("request failed", storeDown(i)) })
	}
	wg.Wait()
	if n := strings.Count(text.String(), "request failed"); n != 1 {
		t.Errorf("%d lines were written:\n%s", n, text.String())
	}
}
