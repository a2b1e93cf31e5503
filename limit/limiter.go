package limit

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"muster"
)

// DefaultMemory is how many addresses or devices a replica remembers for each limit, unless
// Options say otherwise: some 200 bytes each.
const DefaultMemory = 1 << 16

// Options is what a Limiter needs.
type Options struct {
	Store     muster.Store
	Addresses map[muster.Action]Rate // by address; an action that is not there is not limited
	Devices   map[muster.Action]Rate // by device, where the client names it
	Guessing  Guessing               // all of it is required
	// Exempt are networks from which nothing is limited.
	Exempt []netip.Prefix

	// Memory is how many of those who were seen last are remembered here; zero: DefaultMemory.
	Memory int
	Now    func() time.Time
	Log    *slog.Logger
}

// Limiter holds back who asks too often and who guesses. It is safe for concurrent use.
type Limiter struct {
	store     muster.Store
	addresses map[muster.Action]*allowance
	devices   map[muster.Action]*allowance
	guessing  Guessing
	networks  []netip.Prefix
	now       func() time.Time
	log       *slog.Logger

	mu       sync.Mutex
	underway underway // guarded by mu
}

// New makes a Limiter. Memory, clock and log are as Options say.
func New(o Options) *Limiter {
	if o.Memory <= 0 {
		o.Memory = DefaultMemory
	}
	l := &Limiter{
		store: o.Store, addresses: map[muster.Action]*allowance{}, devices: map[muster.Action]*allowance{},
		guessing: o.Guessing, networks: o.Exempt, now: o.Now, log: o.Log,
		underway: underway{running: map[string]int{}, ended: map[string]int{}, looking: map[string]int{}},
	}
	for action, rate := range o.Addresses {
		l.addresses[action] = newAllowance(string(action)+"#a", rate, o)
	}
	for action, rate := range o.Devices {
		l.devices[action] = newAllowance(string(action)+"#d", rate, o)
	}
	return l
}

// Spend implements muster.Limits. What the store cannot count is let through: it is not to
// be found out by trying, and players come first.
func (l *Limiter) Spend(ctx context.Context, what muster.Action) error {
	client := muster.ClientFrom(ctx)
	if l.exempt(client.Address) {
		return nil
	}
	if err := l.spend(ctx, l.addresses[what], addressKey(client.Address)); err != nil {
		return err
	}
	return l.spend(ctx, l.devices[what], client.Device)
}

func (l *Limiter) spend(ctx context.Context, a *allowance, key string) error {
	if a == nil {
		return nil
	}
	err := a.spend(ctx, key)
	if err != nil && muster.KindOf(err) != muster.Exhausted {
		l.log.WarnContext(ctx, "a limit could not be counted", "limit", a.name, "error", err)
		return nil
	}
	return err
}

func (l *Limiter) exempt(a netip.Addr) bool { return within(l.networks, a) }

func within(networks []netip.Prefix, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return a.IsValid() && slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) })
}
