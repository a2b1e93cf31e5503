package muster

import (
	"context"
	"time"
)

// MayOpen says whether a sign-in may be opened whose player is proven at an instant, as far as
// everyone is concerned: an error is the answer. What is proven before the end of the second in
// which everyone was signed out would be void at once, and its player is to come again, not to
// be told that a good secret is no longer good.
func (b *Backend) MayOpen(_ context.Context, proven time.Time) error {
	from := b.revocations.everyoneBefore()
	if !proven.Before(from) {
		return nil
	}
	e := Errorf(Exhausted, "signin.too_soon", "all players were signed out just now: sign in again in a moment")
	e.RetryAfter = max(from.Sub(b.now()), time.Second)
	return e
}
