package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// errAway marks what went wrong while the backend did not answer: no fault of a match.
var errAway = errors.New("the backend does not answer")

// patience says how long bots wait for a backend that is away, and for their last matches.
type patience struct {
	notice time.Duration // without an answer before it is worth a word in the log
	away   time.Duration // without an answer before bots that owe matches give up
	last   time.Duration // the same once their time is over
	finish time.Duration // for what was begun, beside a round; a ticket whose news was lost is settled after some 30 s
	round  time.Duration // of a match, until a game server has said it
}

// usualPatience is what RunBots has unless a test is in a hurry.
func usualPatience() patience {
	return patience{notice: time.Second, away: 30 * time.Second, last: 2 * time.Second, finish: 45 * time.Second, round: 45 * time.Second}
}

// lifeline watches, for all bots together, whether the backend answers. Safe for
// concurrent use.
type lifeline struct {
	patience patience
	url      string
	owing    bool // a number of matches was asked for
	log      *slog.Logger
	now      func() time.Time
	retries  atomic.Int64 // calls repeated and sockets opened again

	mu      sync.Mutex // guards the rest
	away    time.Time  // of the first call that got no answer; zero: it answers
	said    bool       // the log has the outage
	over    time.Time  // when queueing ended; zero: not yet
	round   time.Duration
	changed chan struct{} // has a value after a change
}

func newLifeline(opts BotOptions) *lifeline {
	return &lifeline{
		patience: opts.patience, url: opts.URL, owing: opts.Matches > 0, log: opts.Log, now: time.Now,
		round: opts.patience.round, changed: make(chan struct{}, 1),
	}
}

// heard says that the backend answered, whatever it said.
func (l *lifeline) heard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away.IsZero() {
		return
	}
	if l.said {
		l.log.Warn("the backend answers again", "url", l.url, "after", l.now().Sub(l.away).Round(time.Second))
	}
	l.away, l.said = time.Time{}, false
	l.tell()
}

// missed says that a call got no answer.
func (l *lifeline) missed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away.IsZero() {
		l.away = l.now()
		l.tell()
	}
}

// lasts says how long a round is.
func (l *lifeline) lasts(round time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.round = round
	l.tell()
}

// gone reports whether the latest call got no answer.
func (l *lifeline) gone() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.away.IsZero()
}

// tell wakes watch. The caller holds mu.
func (l *lifeline) tell() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// watch calls end, with the reason, when waiting any longer makes no sense. It returns
// then, or when ctx ends.
func (l *lifeline) watch(ctx, queueing context.Context, end context.CancelCauseFunc) {
	stopped := queueing.Done()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wait, reason := l.look()
		if reason != nil {
			end(reason)
			return
		}
		timer.Reset(wait)
		select {
		case <-stopped:
			stopped = nil
			l.mu.Lock()
			l.over = l.now()
			l.mu.Unlock()
		case <-l.changed:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// look says why the bots must end, or after how long to look again at the latest.
func (l *lifeline) look() (again time.Duration, reason error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	again = time.Hour
	due := func(since time.Time, limit time.Duration) bool {
		left := limit - now.Sub(since)
		if left > 0 {
			again = min(again, left)
		}
		return left <= 0
	}
	if !l.away.IsZero() {
		if !l.said && due(l.away, l.patience.notice) {
			l.said = true
			l.log.Warn("the backend does not answer; the bots keep trying", "url", l.url)
		}
		if l.owing && due(l.away, l.patience.away) {
			return 0, fmt.Errorf("the backend at %s has not answered for %s", l.url, l.patience.away)
		}
	}
	if l.over.IsZero() {
		return again, nil
	}
	if !l.away.IsZero() && due(later(l.away, l.over), l.patience.last) {
		return 0, fmt.Errorf("the backend at %s does not answer", l.url)
	}
	if limit := l.patience.finish + l.round; due(l.over, limit) {
		return 0, fmt.Errorf("the last matches did not end within %s", limit)
	}
	return again, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
