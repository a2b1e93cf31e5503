package muster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoAsksTogetherIsAnsweredByOneLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l looks
		var wg sync.WaitGroup
		calls, answer := 0, make(chan struct{})
		for range 100 {
			wg.Go(func() {
				live := l.ask(t.Context(), "seat/1", time.Now(), true, func(context.Context) (bool, error) {
					calls++
					<-answer
					return false, nil
				})
				if live {
					t.Error("a seat that is over counts as live")
				}
			})
		}
		synctest.Wait()
		close(answer)
		wg.Wait()
		if calls != 1 {
			t.Errorf("GameLift was asked %d times", calls)
		}
	})
}

func TestALookThatWasGivenUpIsNoAnswer(t *testing.T) {
	var l looks
	ctx, cancel := context.WithCancel(t.Context())
	now, calls := time.Now(), 0
	gone := func(ctx context.Context) (bool, error) { calls++; return false, ctx.Err() }
	cancel()
	if !l.ask(ctx, "seat/1", now, false, gone) {
		t.Error("a seat that GameLift was not asked about does not count as live")
	}
	if l.ask(t.Context(), "seat/1", now, false, gone) || calls != 2 {
		t.Errorf("after %d calls the seat counts as live", calls)
	}
	down := func(context.Context) (bool, error) { calls++; return false, errors.New("down") }
	for range 5 {
		if !l.ask(t.Context(), "seat/2", now, true, down) {
			t.Error("while GameLift is down a seat does not count as live")
		}
	}
	if calls != 3 {
		t.Errorf("GameLift, which is down, was asked %d times", calls-2)
	}
}

func TestLooksAreBounded(t *testing.T) {
	var l looks
	now := time.Now()
	for i := range 3 * maxLooks {
		l.ask(t.Context(), fmt.Sprint("seat/", i), now, false, func(context.Context) (bool, error) { return true, nil })
	}
	if n := len(l.recent) + len(l.before); n > maxLooks {
		t.Errorf("%d looks are kept, more than %d", n, maxLooks)
	}
	last := fmt.Sprint("seat/", 3*maxLooks-1)
	l.ask(t.Context(), last, now, false, func(context.Context) (bool, error) {
		t.Error("the latest look was forgotten")
		return true, nil
	})
}
