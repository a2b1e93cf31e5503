package provider

import (
	"net/netip"
	"slices"
	"time"
)

// A host that failed breakAfter times in a row is left alone for a while, which doubles
// with each further failure; then one call tries it.
//
// A failure counts that is the platform's own: there was no connection, or the call was for
// what it publishes. Any other may be the doing of what a client sent: a code that a platform
// is slow over, a token that makes it answer 500. Of those each client's counts once, until
// the host answers, so that no client closes a way in to the others.
const (
	breakAfter   = 5
	firstPause   = 5 * time.Second
	longestPause = time.Minute
	longestWait  = time.Minute // a host that asks for more is tried again after it

	maxSuspects = 16 // clients remembered; more than breakAfter
)

// blame is whose doing a failure may be.
type blame struct {
	platform bool         // nobody's but the platform's
	client   netip.Prefix // else this client's; zero: the address is not known
}

// breaker decides whether a host is called. It knows no clock.
type breaker struct {
	failures  int // in a row
	pause     time.Duration
	openUntil time.Time
	probing   bool // one call tries whether the host is back

	suspects []netip.Prefix // clients whose failures were counted, the oldest first

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
func (b *breaker) succeed() { b.failures, b.pause, b.probing, b.suspects = 0, 0, false, nil }

// fail notes a call that came to nothing.
func (b *breaker) fail(now time.Time, by blame) {
	b.probing = false
	if !by.platform {
		if slices.Contains(b.suspects, by.client) {
			return
		}
		b.suspects = append(b.suspects, by.client)
		if len(b.suspects) > maxSuspects {
			b.suspects = slices.Delete(b.suspects, 0, 1)
		}
	}
	b.failures++
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
