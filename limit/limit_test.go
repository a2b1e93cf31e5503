package limit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	"muster"
	"muster/store/memory"
)

// lab is replicas over one store, with a clock that the test moves.
type lab struct {
	mu  sync.Mutex
	now time.Time // guarded by mu

	store    *counted
	replicas []*Limiter
}

var guessing = Guessing{
	Source:  Slowdown{Free: 5, First: time.Second, Longest: 15 * time.Minute},
	Account: Slowdown{Free: 100, First: time.Second, Longest: 15 * time.Minute},
	Address: Slowdown{Free: 50, First: time.Second, Longest: 15 * time.Minute},
}

func newLab(replicas int, rate Rate) *lab {
	l := &lab{now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}
	l.store = &counted{Store: memory.New(l.clock)}
	for range replicas {
		l.replicas = append(l.replicas, New(Options{
			Store: l.store, Addresses: map[muster.Action]Rate{muster.ActGuest: rate}, Devices: map[muster.Action]Rate{muster.ActMail: rate},
			Guessing: guessing, Exempt: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Now: l.clock, Log: slog.New(slog.DiscardHandler),
		}))
	}
	return l
}

func (l *lab) clock() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

func (l *lab) pass(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = l.now.Add(d)
}

// counted counts what is asked of a store, and fails when it is told to.
type counted struct {
	muster.Store
	mu            sync.Mutex
	reads, writes int  // guarded by mu
	down          bool // guarded by mu
}

func (c *counted) Get(ctx context.Context, key muster.Key) (muster.Record, error) {
	c.mu.Lock()
	c.reads++
	down := c.down
	c.mu.Unlock()
	if down {
		return muster.Record{}, errors.New("the store is down")
	}
	return c.Store.Get(ctx, key)
}

func (c *counted) Write(ctx context.Context, ops ...muster.Op) error {
	c.mu.Lock()
	c.writes += len(ops)
	c.mu.Unlock()
	return c.Store.Write(ctx, ops...)
}

func from(address, device string) context.Context {
	return muster.WithClient(context.Background(), muster.Client{Address: netip.MustParseAddr(address), Device: device})
}

func isLimit(err error) bool {
	var e *muster.Error
	return errors.As(err, &e) && e.Kind == muster.Exhausted && e.Code == "limit.exceeded" && e.RetryAfter > 0
}

// However calls come and whatever the clock does, a rate lets no more through than it says.
func TestARateLetsNoMoreThroughThanItSays(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		r := Rate{Count: 1 + random.IntN(50), Per: time.Duration(1+random.IntN(3600)) * time.Second}
		start := time.Unix(1_800_000_000, 0)
		now, through := start, 0
		var debt time.Time
		for range 500 {
			now = now.Add(time.Duration(random.Int64N(int64(r.Per) / 20)))
			taken, after, wait := r.take(debt, now, 1+random.IntN(5))
			through, debt = through+taken, after
			if taken == 0 && (wait <= 0 || wait > r.Per) {
				t.Fatalf("seed %d: wait %v of %v", seed, wait, r.Per)
			}
			if taken == 0 {
				if again, _, _ := r.take(debt, now.Add(wait), 1); again != 1 {
					t.Fatalf("seed %d: nothing is let through after the wait of %v", seed, wait)
				}
			}
			if most := r.Count + int(now.Sub(start)/r.interval()) + 1; through > most {
				t.Fatalf("seed %d: %d let through, of at most %d", seed, through, most)
			}
		}
	}
}

func TestAClockThatIsPutBackLocksNobodyOutForLongerThanTheRate(t *testing.T) {
	r := Rate{Count: 3, Per: time.Minute}
	now := time.Unix(1_800_000_000, 0)
	_, debt, _ := r.take(time.Time{}, now, 3)
	before := now.Add(-24 * time.Hour)
	taken, debt, wait := r.take(debt, before, 1)
	if taken != 0 || wait > time.Minute {
		t.Fatalf("a day before: %d taken, wait %v", taken, wait)
	}
	if taken, _, _ := r.take(debt, before.Add(wait), 1); taken != 1 {
		t.Error("nothing is let through after the wait")
	}
}

// N replicas let through what is stated at allowance, and no more; and not much less.
func TestReplicasShareALimit(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 2))
		n := 1 + random.IntN(4)
		rate := Rate{Count: 1 + random.IntN(300), Per: time.Hour}
		l := newLab(n, rate)
		ctx, start, through := from("203.0.113.7", ""), l.clock(), 0
		for range 3000 {
			l.pass(time.Duration(random.Int64N(int64(4 * time.Second))))
			if err := l.replicas[random.IntN(n)].Spend(ctx, muster.ActGuest); err == nil {
				through++
			} else if !isLimit(err) {
				t.Fatal(err)
			}
		}
		a := l.replicas[0].addresses[muster.ActGuest]
		spans := 1 + float64(l.clock().Sub(start))/float64(rate.Per)
		most := float64(rate.Count)*spans + float64(n)*(float64(a.free)*spans+float64(a.batch-1)) + 1
		if float64(through) > most {
			t.Errorf("seed %d: %d replicas let %d through, of at most %.0f", seed, n, through, most)
		}
		if least := min(rate.Count, 3000) - n*(a.batch-1); through < least {
			t.Errorf("seed %d: %d replicas let only %d through of %d", seed, n, through, rate.Count)
		}
	}
}

func TestReplicasShareALimitWhenAllAskAtOnce(t *testing.T) {
	l := newLab(4, Rate{Count: 100, Per: time.Hour})
	var mu sync.Mutex
	through := 0
	var all sync.WaitGroup
	for i := range 400 {
		all.Go(func() {
			if l.replicas[i%4].Spend(from("203.0.113.7", ""), muster.ActGuest) == nil {
				mu.Lock()
				defer mu.Unlock()
				through++
			}
		})
	}
	all.Wait()
	a := l.replicas[0].addresses[muster.ActGuest]
	if most := 100 + 4*(a.free+a.batch-1); through > most || through < 100-4*(a.batch-1) {
		t.Errorf("%d were let through", through)
	}
}

func TestWhoSpendsLittleCostsTheStoreNothing(t *testing.T) {
	l := newLab(1, Rate{Count: 300, Per: time.Hour})
	for i := range 1000 {
		if err := l.replicas[0].Spend(from(fmt.Sprintf("203.0.%d.%d", i/250, i%250), ""), muster.ActGuest); err != nil {
			t.Fatal(err)
		}
	}
	if l.store.reads+l.store.writes > 0 {
		t.Errorf("%d reads and %d writes", l.store.reads, l.store.writes)
	}
	for range 2000 {
		_ = l.replicas[0].Spend(from("203.0.113.7", ""), muster.ActGuest)
	}
	if l.store.writes > 15 || l.store.reads > 16 { // 300 in batches of 20, and one look that finds nothing
		t.Errorf("a flood: %d reads and %d writes", l.store.reads, l.store.writes)
	}
}

func TestWhatIsCountedAsOne(t *testing.T) {
	for what, c := range map[string]struct {
		action        muster.Action
		first, second context.Context
		together      bool
	}{
		"an IPv6 network":                         {muster.ActGuest, from("2001:db8:1:2::1", ""), from("2001:db8:1:2:ffff::9", ""), true},
		"neighbouring IPv6 networks are two":      {muster.ActGuest, from("2001:db8:1:2::1", ""), from("2001:db8:1:3::1", ""), false},
		"IPv4 within IPv6":                        {muster.ActGuest, from("203.0.113.7", ""), from("::ffff:203.0.113.7", ""), true},
		"neighbouring IPv4 addresses are two":     {muster.ActGuest, from("203.0.113.7", ""), from("203.0.113.8", ""), false},
		"a device at two addresses":               {muster.ActMail, from("203.0.113.7", "device-1"), from("203.0.113.8", "device-1"), true},
		"clients that name no device are many":    {muster.ActMail, from("203.0.113.7", ""), from("203.0.113.7", ""), false},
		"this machine is not limited":             {muster.ActGuest, from("127.0.0.1", ""), from("127.0.0.1", ""), false},
		"who is not limited has other allowances": {muster.ActNonce, from("203.0.113.7", ""), from("203.0.113.7", ""), false},
	} {
		t.Run(what, func(t *testing.T) {
			l := newLab(1, Rate{Count: 1, Per: time.Hour}).replicas[0]
			if err := l.Spend(c.first, c.action); err != nil {
				t.Fatal(err)
			}
			if err := l.Spend(c.second, c.action); isLimit(err) != c.together {
				t.Errorf("the second: %v", err)
			}
		})
	}
}

func TestAStoreThatIsDownLetsSpendersThroughAndNoGuess(t *testing.T) {
	l := newLab(1, Rate{Count: 1, Per: time.Hour})
	l.store.down = true
	for range 3 {
		if err := l.replicas[0].Spend(from("203.0.113.7", ""), muster.ActGuest); err != nil {
			t.Error(err)
		}
	}
	err := l.replicas[0].Guess(from("203.0.113.7", ""), ann, nil, func(context.Context) error {
		t.Error("a guess is judged")
		return nil
	})
	if muster.KindOf(err) != muster.Unavailable {
		t.Error(err)
	}
	if n := len(l.replicas[0].underway.looking); n != 0 {
		t.Errorf("%d looks stay", n)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	c := NewCalls(CallOptions{Address: Rate{Count: 2, Per: time.Hour}, Memory: 100, Now: time.Now})
	for i := range 10_000 {
		_ = c.FromAddress(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if n := len(c.addresses.held.held); n != 100 || c.addresses.held.order.Len() != 100 {
		t.Errorf("%d are remembered", n)
	}
}

func TestCallsAreLimitedByAddressAndByPlayer(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	c := NewCalls(CallOptions{
		Address: Rate{Count: 10, Per: time.Second}, Player: Rate{Count: 2, Per: time.Second},
		Exempt: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Now: func() time.Time { return now },
	})
	there, here := netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("127.0.0.1")
	count := func(call func() error) (through int) {
		for range 100 {
			if call() == nil {
				through++
			}
		}
		return through
	}
	for what, call := range map[string]struct {
		call func() error
		want int
	}{
		"an address":           {func() error { return c.FromAddress(there) }, 10},
		"a player":             {func() error { return c.ByPlayer("ann", there) }, 2},
		"this machine":         {func() error { return c.FromAddress(here) }, 100},
		"a player of it":       {func() error { return c.ByPlayer("ben", here) }, 100},
		"an address not known": {func() error { return c.FromAddress(netip.Addr{}) }, 100},
	} {
		if got := count(call.call); got != call.want {
			t.Errorf("%s: %d of %d", what, got, call.want)
		}
	}
	now = now.Add(500 * time.Millisecond)
	if got := count(func() error { return c.FromAddress(there) }); got != 5 {
		t.Errorf("half a second later: %d", got)
	}
}

func BenchmarkCall(b *testing.B) {
	c := NewCalls(CallOptions{Address: Rate{Count: 1000, Per: time.Second}, Now: time.Now})
	var i uint32
	for b.Loop() {
		i++
		_ = c.FromAddress(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
}

func BenchmarkSpend(b *testing.B) {
	l := newLab(1, Rate{Count: 300, Per: time.Hour})
	var i uint32
	for b.Loop() {
		i++
		ctx := muster.WithClient(context.Background(), muster.Client{Address: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})})
		_ = l.replicas[0].Spend(ctx, muster.ActGuest)
	}
	b.ReportMetric(float64(l.store.writes)/float64(b.N), "writes/op")
}
