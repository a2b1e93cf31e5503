package muster

import (
	"context"
	"sync"
	"time"
)

// How often one replica asks GameLift about one thing on players' behalf.
const (
	// needAgain is the pause between two looks at a seat whose player wants to do
	// something that it forbids; whoever only wants to see it waits for lookAgain.
	needAgain = 3 * time.Second
	// maxLooks bounds the answers that are kept, about 150 bytes each. Beyond it the
	// oldest are forgotten, which costs a look.
	maxLooks = 20_000
)

// looks remembers what GameLift said a moment ago, in this process only: however often
// players ask us, GameLift is asked seldom, and about one thing once at a time. A failure
// is remembered, too: who is down is not asked at every turn. The zero value is ready.
type looks struct {
	mu sync.Mutex // guards what follows
	// recent holds the looks since the last turn, before those of the time before that.
	recent, before map[string]*look
	turned         time.Time
}

// look is one question to GameLift.
type look struct {
	at     time.Time
	needAt time.Time // the last look at the same thing that was needed; zero: none

	done chan struct{} // closed when live and err are known
	live bool
	err  error // of what was asked for; see once
}

// current says that a look at now would come too early after this one.
func (l *look) current(now time.Time, need bool) bool {
	if age := now.Sub(l.at); age >= lookAgain || age <= -lookAgain { // or the clock was set back
		return false
	}
	return !need || now.Sub(l.needAt) < needAgain || l.over()
}

// over says that the thing was gone: it does not come back.
func (l *look) over() bool {
	select {
	case <-l.done:
		return !l.live
	default:
		return false
	}
}

// ask says whether what key names is live: as describe says, or as it said a moment ago.
// While GameLift cannot say it counts as live. need says that somebody wants to do what
// depends on the answer.
func (l *looks) ask(ctx context.Context, key string, now time.Time, need bool, describe func(context.Context) (live bool, err error)) bool {
	mine, latest := l.begin(key, now, need)
	if mine == nil {
		select {
		case <-latest.done:
			return latest.live
		case <-ctx.Done():
			return true
		}
	}
	mine.live = true
	defer close(mine.done)
	live, err := describe(ctx)
	if err == nil {
		mine.live = live
	} else if ctx.Err() != nil {
		l.forget(key, mine) // given up, which says nothing of GameLift
	}
	return mine.live
}

// once asks GameLift for something by act, and says what came of it: now, or a moment ago,
// when it was asked for the same. need says that it may be asked for sooner.
func (l *looks) once(ctx context.Context, key string, now time.Time, need bool, act func(context.Context) error) error {
	mine, latest := l.begin(key, now, need)
	if mine == nil {
		select {
		case <-latest.done:
			return latest.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	mine.live = true
	defer close(mine.done)
	mine.err = act(ctx)
	if mine.err != nil && ctx.Err() != nil {
		l.forget(key, mine)
	}
	return mine.err
}

// refuse remembers that GameLift refused something.
func (l *looks) refuse(key string, now time.Time, refusal error) {
	if mine, _ := l.begin(key, now, true); mine != nil {
		mine.live, mine.err = true, refusal
		close(mine.done)
	}
}

// refused is what GameLift refused a moment ago; nil: nothing.
func (l *looks) refused(key string, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	latest := l.recent[key]
	if latest == nil {
		latest = l.before[key]
	}
	if latest == nil || !latest.current(now, true) {
		return nil
	}
	select {
	case <-latest.done:
		return latest.err
	default:
		return nil
	}
}

// begin allows a look, or gives the latest one if it is too early for another.
func (l *looks) begin(key string, now time.Time, need bool) (mine, latest *look) {
	l.mu.Lock()
	defer l.mu.Unlock()
	latest = l.recent[key]
	if latest == nil {
		latest = l.before[key]
	}
	if latest != nil && latest.current(now, need) {
		return nil, latest
	}
	if l.recent == nil || now.Sub(l.turned) >= lookAgain || len(l.recent) >= maxLooks/2 {
		l.before, l.recent, l.turned = l.recent, make(map[string]*look), now
	}
	mine = &look{at: now, done: make(chan struct{})}
	switch {
	case need:
		mine.needAt = now
	case latest != nil:
		mine.needAt = latest.needAt
	}
	l.recent[key] = mine
	return mine, nil
}

func (l *looks) forget(key string, mine *look) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.recent[key] == mine {
		delete(l.recent, key)
	}
}

// What one player may ask of GameLift through one replica: its quotas hold for all players
// together. A match takes two or three of these.
const (
	maxAsks   = 20
	askWindow = 10 * time.Second
)

// mayAsk counts a request to GameLift that a player makes, or a session's game server, or
// refuses it.
func (b *Backend) mayAsk(who string) error {
	if wait := b.asks.take(who, b.now()); wait > 0 {
		return &Error{Kind: Exhausted, Code: "play.too_often", Message: "you begin too many things at once; wait a moment", RetryAfter: wait}
	}
	return nil
}
