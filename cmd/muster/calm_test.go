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
	"testing/synctest"
	"time"

	"muster"
	"muster/identity"
)

// calmLog writes lines at instants that a test chooses.
type calmLog struct {
	handler slog.Handler
	text    bytes.Buffer
	waiting []func() // what is to be done calmFor later, in order
}

func newCalmLog() *calmLog {
	l := &calmLog{}
	l.handler = newCalmBy(slog.NewJSONHandler(&l.text, nil), func(after time.Duration, do func()) {
		if after != calmFor {
			panic("calm for " + after.String())
		}
		l.waiting = append(l.waiting, do)
	})
	return l
}

// pass lets calmFor pass since the latest line.
func (l *calmLog) pass() {
	for _, do := range l.waiting {
		do()
	}
	l.waiting = nil
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

func TestWhatAnOutageLeftOutIsSaidAfterItsEnd(t *testing.T) {
	l := newCalmLog()
	l.write(t, 0, slog.LevelWarn, "a limit could not be counted", storeDown(1))
	for range 3 {
		l.write(t, time.Second, slog.LevelWarn, "a limit could not be counted", storeDown(2))
		l.write(t, time.Second, slog.LevelWarn, "learn of revocations", storeDown(3))
	}
	_ = l.take(t)
	l.pass()
	want := line{"WARN", "more of it failed", "learn of revocations", 6}
	if got := l.take(t); len(got) != 1 || got[0] != want {
		t.Errorf("after its end written was %+v, not %+v", got, want)
	}
	l.write(t, 12*time.Second, slog.LevelWarn, "learn of revocations", storeDown(4)) // it was spoken of a second ago
	if got := l.take(t); len(got) != 0 {
		t.Errorf("a second later written was %+v", got)
	}
	l.pass()
	if got := l.take(t); len(got) != 1 || got[0].AlsoFailed != 1 {
		t.Errorf("of the last line written was %+v", got)
	}
	l.write(t, 30*time.Second, slog.LevelError, "request failed", storeDown(5))
	l.write(t, 31*time.Second, slog.LevelError, "request failed", storeDown(6))
	l.write(t, 40*time.Second, slog.LevelError, "request failed", storeDown(7)) // says that one was left out
	_ = l.take(t)
	l.pass()
	if got := l.take(t); len(got) != 0 {
		t.Errorf("what was said already is said again: %+v", got)
	}
}

func TestTheRestOfAnOutageIsSaidWithoutAnotherLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text lockedText
		log := newLog(&text, "json", slog.LevelWarn)
		for range 5 {
			log.Error("request failed", storeDown(1))
		}
		time.Sleep(calmFor + time.Second)
		if !strings.Contains(text.String(), `"alsoFailed":4`) {
			t.Errorf("the log says %s", text.String())
		}
	})
}

func TestOneSlowProviderDoesNotHideAnother(t *testing.T) {
	l := newCalmLog()
	slow := func(name string) slog.Attr {
		late := &identity.ProviderError{Provider: name, Err: errors.New("the platform did not answer in time")}
		return slog.Any("err", identity.Refusal(identity.ProviderUnavailable, late))
	}
	for range 3 {
		l.write(t, 0, slog.LevelWarn, "request failed", slow("steam"))
		l.write(t, 0, slog.LevelWarn, "request failed", slow("epic"))
	}
	if got := l.take(t); len(got) != 2 {
		t.Errorf("of two providers written was %+v", got)
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
