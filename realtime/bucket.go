package realtime

import (
	"math"
	"time"
)

// bucket is a token bucket: rate requests a second in the long run, burst at once.
// Not safe for concurrent use.
type bucket struct {
	rate, burst float64
	spent       float64   // tokens missing from a full bucket, at the instant at
	at          time.Time // of the latest take
}

// take spends a token. When there is none, ok is false and wait is how long until
// there is one, at least a nanosecond.
func (b *bucket) take(now time.Time) (wait time.Duration, ok bool) {
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.spent = max(0, b.spent-passed*b.rate)
	}
	b.at = now
	if b.spent+1 > b.burst {
		missing := b.spent + 1 - b.burst
		return time.Duration(math.Ceil(missing / b.rate * float64(time.Second))), false
	}
	b.spent++
	return 0, true
}
