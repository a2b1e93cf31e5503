package provider

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"muster/identity"
)

// How long what a platform publishes is used. Its Cache-Control counts within the limits.
const (
	freshAtLeast = 5 * time.Minute
	freshAtMost  = 24 * time.Hour
	staleAtMost  = 24 * time.Hour   // beyond its time, while the platform cannot be asked
	refetchGap   = 30 * time.Second // between fetches that an unknown key id or a failure asks for
	emptyGap     = time.Second      // between fetches while there is nothing at all
)

// cached keeps what a platform publishes. Whoever needs it fetches it, one at a time, and
// the others use what there is meanwhile. It is safe for concurrent use.
type cached[T any] struct {
	// fetch gets the value and says how long it is fresh.
	fetch func(context.Context) (T, time.Duration, error)
	now   func() time.Time

	mu        sync.Mutex
	value     T             // guarded by mu; not changed, but replaced
	there     bool          // guarded by mu; value was fetched
	freshTill time.Time     // guarded by mu
	triedAt   time.Time     // guarded by mu; when the last fetch ended
	failed    error         // guarded by mu; of the last fetch
	flight    chan struct{} // guarded by mu; closed when the fetch under way ends; nil: none is
}

// get returns the value. It fetches first if that is due: when there is none, when it is no
// longer fresh, and when it will not do, which means that the platform may have a newer one.
func (c *cached[T]) get(ctx context.Context, do func(T) bool) (T, error) {
	for {
		value, usable, wait, fetch := c.look(do)
		switch {
		case fetch:
			c.fly(ctx)
			continue
		case usable && (wait == nil || do(value)):
			return value, nil
		case wait != nil:
			select {
			case <-wait:
				continue
			case <-ctx.Done():
				return value, identity.Refusal(identity.ProviderUnavailable, ctx.Err())
			}
		}
		return value, c.unavailable()
	}
}

// look says what there is: whether it may be used, the fetch under way, and whether this
// caller is the one to fetch first.
func (c *cached[T]) look(do func(T) bool) (value T, usable bool, wait chan struct{}, fetch bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	usable = c.there && now.Before(c.freshTill.Add(staleAtMost))
	gap := refetchGap
	if !usable {
		gap = emptyGap
	}
	wanted := !usable || !now.Before(c.freshTill) || !do(c.value)
	due := c.triedAt.IsZero() || !now.Before(c.triedAt.Add(gap))
	if c.flight == nil && wanted && due {
		c.flight = make(chan struct{})
		return c.value, usable, nil, true
	}
	return c.value, usable, c.flight, false
}

// fly fetches and ends the flight. That the caller leaves does not end it: others wait.
func (c *cached[T]) fly(ctx context.Context) {
	value, fresh, err := c.fetch(context.WithoutCancel(ctx))
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.triedAt, c.failed = now, err
	if err == nil {
		c.value, c.there, c.freshTill = value, true, now.Add(fresh)
	}
	close(c.flight)
	c.flight = nil
}

func (c *cached[T]) unavailable() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed != nil {
		return c.failed
	}
	return identity.Refusal(identity.ProviderUnavailable, errors.New("what the platform publishes is out of date"))
}

// freshFor reads how long a Cache-Control header lets an answer be used, within our limits.
func freshFor(cacheControl string) time.Duration {
	var fresh time.Duration
	for directive := range strings.SplitSeq(strings.ToLower(cacheControl), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		seconds, err := strconv.Atoi(strings.Trim(value, `"`))
		switch {
		case name == "no-store" || name == "no-cache":
			return freshAtLeast
		case name == "max-age" && err == nil && seconds > 0:
			fresh = time.Duration(min(seconds, int(freshAtMost/time.Second))) * time.Second
		}
	}
	return min(max(fresh, freshAtLeast), freshAtMost)
}
