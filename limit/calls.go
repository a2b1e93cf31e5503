package limit

import (
	"net/netip"
	"sync"
	"time"

	"muster"
)

// CallOptions is what Calls needs.
type CallOptions struct {
	Address Rate // of one address, by HTTP
	Player  Rate // of one player, by HTTP and by sockets
	// Exempt are networks from which nothing is limited by address.
	Exempt []netip.Prefix
	// Memory is how many of those who called last are remembered; zero: DefaultMemory. Who is
	// forgotten starts anew.
	Memory int
	Now    func() time.Time
}

// Calls limits how often anybody calls this replica: N replicas let N times as much
// through. It asks nobody and is safe for concurrent use.
type Calls struct {
	options   CallOptions
	addresses *buckets
	players   *buckets
}

// NewCalls makes Calls.
func NewCalls(o CallOptions) *Calls {
	if o.Memory <= 0 {
		o.Memory = DefaultMemory
	}
	return &Calls{o, newBuckets(o.Address, o.Memory), newBuckets(o.Player, o.Memory)}
}

// FromAddress takes a call of an address; a zero one is not known and never refused.
func (c *Calls) FromAddress(a netip.Addr) error {
	if within(c.options.Exempt, a) {
		return nil
	}
	return c.addresses.take(addressKey(a), c.options.Now())
}

// ByPlayer takes a call of a player from an address.
func (c *Calls) ByPlayer(p muster.PlayerID, from netip.Addr) error {
	if within(c.options.Exempt, from) {
		return nil
	}
	return c.players.take(string(p), c.options.Now())
}

// buckets are one Rate for each of many.
type buckets struct {
	rate Rate
	mu   sync.Mutex
	held *recent[time.Time] // guarded by mu; debts
}

func newBuckets(rate Rate, memory int) *buckets {
	return &buckets{rate: rate, held: newRecent[time.Time](memory)}
}

func (b *buckets) take(key string, now time.Time) error {
	if key == "" || b.rate.unlimited() {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	debt := b.held.at(key)
	taken, after, wait := b.rate.take(*debt, now, 1)
	*debt = after
	if taken == 0 {
		return muster.LimitExceeded(wait)
	}
	return nil
}
