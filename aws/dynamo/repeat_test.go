package dynamo

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"muster"
)

func TestWaitsGrowToALimitAndEnd(t *testing.T) {
	var waits []time.Duration
	for try := 1; ; try++ {
		limit, repeat := throttled.again(try)
		if !repeat {
			break
		}
		waits = append(waits, limit)
	}
	want := []time.Duration{
		25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond,
		time.Second, time.Second, time.Second,
	}
	if !slices.Equal(waits, want) {
		t.Errorf("got %v, want %v", waits, want)
	}
	for _, o := range []outcome{done, refused, denied, missing, tooLarge, faulty} {
		if _, repeat := o.again(1); repeat {
			t.Errorf("outcome %d is repeated", o)
		}
	}
	for o := range numOutcomes {
		if limit, _ := o.again(1 << 30); limit != 0 {
			t.Errorf("outcome %d is repeated for ever", o)
		}
	}
}

func TestACallThatIsThrottledForeverSaysSo(t *testing.T) {
	busy := fails(400, "ProvisionedThroughputExceededException")
	s, sc := scripted(t, slices.Repeat([]step{busy}, 10)...)
	var tally Tally
	s.meter = tally.Count
	_, err := s.Get(context.Background(), muster.Key{Partition: "p", Sort: "s"})
	var e *muster.Error
	if !errors.As(err, &e) || e.Code != "store.throttled" || e.RetryAfter <= 0 {
		t.Errorf("got error %v", err)
	}
	if len(sc.waits) != 9 {
		t.Errorf("it waited %v", sc.waits)
	}
	if got := tally.Total(); got.Calls != 1 || got.Throttled != 10 || got.Repeats != 9 {
		t.Errorf("the meter was told of %+v", got)
	}
}

// What becomes of a try that was not answered is asked, however long the call was throttled
// before.
func TestATryWithoutAnAnswerIsRepeatedAfterLongThrottling(t *testing.T) {
	steps := append(slices.Repeat([]step{fails(400, "ThrottlingException")}, 9), lost, ok(members{}))
	s, _ := scripted(t, steps...)
	if err := s.Write(context.Background(), muster.Op{Key: muster.Key{Partition: "p", Sort: "s"}}); err != nil {
		t.Error(err)
	}
}

func TestAnEndedContextEndsTheRepeats(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	busy := fails(400, "ThrottlingException")
	s, sc := scripted(t, busy, busy)
	s.pause = func(ctx context.Context, _ time.Duration) error {
		if len(sc.asked) == 2 {
			cancel(errors.New("the player has left"))
		}
		return ctx.Err()
	}
	err := s.Write(ctx, muster.Op{Key: muster.Key{Partition: "p", Sort: "s"}})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "Throttling") {
		t.Errorf("got error %v, want context.Canceled and what was in the way", err)
	}
}

func TestAContextThatEndsWhileAnAnswerIsAwaited(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s, _ := scripted(t, func(a asked, inner context.Context) (*http.Response, error) {
		cancel()
		return silent(a, inner)
	})
	err := s.Write(ctx, muster.Op{Key: muster.Key{Partition: "p", Sort: "s"}}, muster.Op{Key: muster.Key{Partition: "p", Sort: "t"}})
	if !errors.Is(err, context.Canceled) || errors.Is(err, muster.ErrConflict) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
}

func TestASlowTryIsGivenUpAndRepeated(t *testing.T) {
	s, sc := scripted(t, silent, ok(members{}))
	s.tryTimeout = time.Millisecond
	if _, err := s.Get(context.Background(), muster.Key{Partition: "p", Sort: "s"}); !errors.Is(err, muster.ErrNotFound) {
		t.Errorf("got error %v, want ErrNotFound", err)
	}
	if got := sc.operations(); got != "GetItem GetItem" {
		t.Errorf("asked %s", got)
	}
}

func TestPauseWaitsOrEndsWithItsContext(t *testing.T) {
	if err := pause(context.Background(), time.Nanosecond); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := pause(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
}
