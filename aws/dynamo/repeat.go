package dynamo

import (
	"context"
	"fmt"
	"time"
)

// patience is how often one call may end in one way, and how long it waits before the next
// try: a random part of a limit that doubles from first to longest ("full jitter": those
// who collided do not meet again).
type patience struct {
	tries          int
	first, longest time.Duration
}

// patiences holds the outcomes after which a call is repeated. Together with the waits,
// a call that meets only one of them gives up after about 1 s (contended, unsent,
// unanswered) or 3 s (throttled) on average. Each has a count of its own: a call that was
// throttled for long still looks what has become of a try that was not answered.
var patiences = [numOutcomes]patience{
	contended:  {12, 5 * time.Millisecond, 250 * time.Millisecond},
	throttled:  {10, 25 * time.Millisecond, time.Second},
	unsent:     {5, 50 * time.Millisecond, time.Second},
	unsigned:   {5, 50 * time.Millisecond, time.Second}, // a role may not be there for a moment
	unanswered: {5, 50 * time.Millisecond, time.Second},
}

// again says whether a call is to be repeated that had this outcome for the nth time,
// counted from 1, and the limit of the wait before that.
func (o outcome) again(nth int) (limit time.Duration, repeat bool) {
	p := patiences[o]
	if nth >= p.tries {
		return 0, false
	}
	return min(p.first<<min(nth-1, 20), p.longest), true
}

// result is how a call ended, after all its tries.
type result struct {
	outcome   outcome
	uncertain bool  // some try was not answered, so it may have happened
	err       error // of the last try; nil when done
}

// persist makes a call until its outcome is settled, and tells the meter. send makes one
// try: uncertain says that an earlier one may have happened. The error is that of an
// ended ctx; everything else is in the result.
func (s *Store) persist(ctx context.Context, use *Usage, send func(ctx context.Context, uncertain bool) error) (result, error) {
	var r result
	var had [numOutcomes]int // how often
	if s.meter != nil {
		defer func() { use.Refused = r.outcome == refused; s.meter(*use) }()
	}
	for try := 1; ; try++ {
		if r.outcome, r.err = s.try(ctx, r.uncertain, send); r.outcome == done {
			return r, nil
		}
		had[r.outcome]++
		limit, repeat := r.outcome.again(had[r.outcome])
		switch r.outcome {
		case throttled:
			use.Throttled++
		case unanswered:
			r.uncertain = true
		}
		if ctx.Err() != nil && patiences[r.outcome].tries > 0 {
			return r, fmt.Errorf("%w after %d tries: %v", ctx.Err(), try, r.err) //nolint:errorlint // what it was on the way must not be taken for the answer
		}
		if !repeat {
			return r, nil
		}
		s.log.DebugContext(ctx, "repeat a call to DynamoDB", "call", use.Call, "try", try, "error", r.err)
		if err := s.pause(ctx, time.Duration(s.jitter()*float64(limit))); err != nil {
			return r, fmt.Errorf("%w after %d tries: %v", err, try, r.err) //nolint:errorlint // as above
		}
		use.Repeats++
	}
}

// try makes one try, within its own time.
func (s *Store) try(ctx context.Context, uncertain bool, send func(ctx context.Context, uncertain bool) error) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, s.tryTimeout)
	defer cancel()
	err := send(ctx, uncertain)
	return outcomeOf(err), err
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
