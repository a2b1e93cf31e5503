package provider

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"muster/identity"
)

// host is what a Client keeps for one host.
type host struct {
	slots chan struct{}

	mu      sync.Mutex
	breaker breaker                 // guarded by mu
	shares  map[netip.Prefix]*share // guarded by mu; of the clients who call or wait for it
}

// share is what one client may have of a host's slots.
type share struct {
	slots chan struct{}
	users int // guarded by the host's mu
}

func (c *Client) host(name string) *host {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, known := c.hosts[name]
	if !known {
		h = &host{slots: make(chan struct{}, c.parallel), shares: make(map[netip.Prefix]*share)}
		c.hosts[name] = h
	}
	return h
}

// enter takes one of the host's slots, if it is worth calling at all. A client whose calls are
// slow has half of them at most, so that the others go on.
func (c *Client) enter(ctx context.Context, h *host, call Call) (release func(), err error) {
	if err := c.admit(h, false); err != nil {
		return nil, err
	}
	timer := time.NewTimer(c.timeout)
	defer timer.Stop()
	take := func(slots chan struct{}) error {
		select {
		case slots <- struct{}{}:
			return nil
		case <-timer.C:
			return identity.Refusal(identity.ProviderUnavailable, fmt.Errorf("%d calls are under way", cap(slots)))
		case <-ctx.Done():
			return identity.Refusal(identity.ProviderUnavailable, ctx.Err())
		}
	}
	own, leave := h.share(networkOf(ctx), call, max(c.parallel/2, 1))
	if err := take(own); err != nil {
		leave()
		return nil, err
	}
	leaveOwn := func() { <-own; leave() }
	if err := take(h.slots); err != nil {
		leaveOwn()
		return nil, err
	}
	if err := c.admit(h, true); err != nil {
		<-h.slots
		leaveOwn()
		return nil, err
	}
	return func() { <-h.slots; leaveOwn() }, nil
}

// share is the slots of one client, which leave gives up. Calls for nobody in particular have
// slots enough.
func (h *host) share(client netip.Prefix, call Call, most int) (slots chan struct{}, leave func()) {
	if call.Published || !client.IsValid() {
		return make(chan struct{}, 1), func() {}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s, known := h.shares[client]
	if !known {
		s = &share{slots: make(chan struct{}, most)}
		h.shares[client] = s
	}
	s.users++
	return s.slots, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if s.users--; s.users == 0 {
			delete(h.shares, client)
		}
	}
}

// admit asks the host's breaker; take says that the call is about to be made.
func (c *Client) admit(h *host, take bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.breaker
	wait, throttled, ok := b.admit(c.now())
	switch {
	case ok && take:
		h.breaker = b
		return nil
	case ok:
		return nil
	case throttled:
		return identity.RefusalAfter(identity.ProviderRateLimited, wait, errors.New("the platform asked us to wait"))
	}
	return identity.RefusalAfter(identity.ProviderUnavailable, wait, errors.New("the platform failed repeatedly and is left alone"))
}
