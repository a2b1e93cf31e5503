package httpapi

import (
	"context"
	"time"
)

// answerWithin is the time that an answer needs once a wait is over.
const answerWithin = time.Second

// patience is how long a poll waits that asks for so many seconds: less where ctx ends before,
// as in a function, so that the answer is what is known, and not that time ran out.
func patience(ctx context.Context, seconds int) time.Duration {
	wait := time.Duration(seconds) * time.Second
	if deadline, has := ctx.Deadline(); has {
		wait = min(wait, time.Until(deadline)-answerWithin)
	}
	return max(wait, 0)
}
