package provider

import "time"

// A host that failed breakAfter times in a row is left alone for a while, which doubles
// with each further failure; then one call tries it.
const (
	breakAfter   = 5
	firstPause   = 5 * time.Second
	longestPause = time.Minute
	longestWait  = time.Minute // a host that asks for more is tried again after it
)

// breaker decides whether a host is called. It knows no clock.
type breaker struct {
	failures  int // in a row
	pause     time.Duration
	openUntil time.Time
	probing   bool // one call tries whether the host is back

	throttledUntil time.Time
}

// admit says whether a call may go out now; if not, when to come again, and whether that is
// because the host asked for it.
func (b *breaker) admit(now time.Time) (wait time.Duration, throttled, ok bool) {
	switch {
	case now.Before(b.throttledUntil):
		return b.throttledUntil.Sub(now), true, false
	case b.failures < breakAfter:
		return 0, false, true
	case now.Before(b.openUntil):
		return b.openUntil.Sub(now), false, false
	case b.probing:
		return firstPause, false, false
	}
	b.probing = true
	return 0, false, true
}

// succeed notes an answer that the host meant to give, be it a refusal.
func (b *breaker) succeed() { b.failures, b.pause, b.probing = 0, 0, false }

// fail notes a call that came to nothing.
func (b *breaker) fail(now time.Time) {
	b.failures++
	b.probing = false
	if b.failures < breakAfter {
		return
	}
	b.pause = min(max(2*b.pause, firstPause), longestPause)
	b.openUntil = now.Add(b.pause)
}

// abandon notes a call that its caller gave up: it says nothing about the host.
func (b *breaker) abandon() { b.probing = false }

// throttle notes that the host asked for a pause.
func (b *breaker) throttle(now time.Time, wait time.Duration) {
	b.succeed()
	b.throttledUntil = now.Add(min(wait, longestWait))
}
