package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"muster"
	"muster/limit"
)

// limitsConfig is how often anybody may do what costs us something.
type limitsConfig struct {
	// Exempt are networks from which nothing is limited; nil: this machine in muster up, and
	// none in muster serve, where every call may come from a proxy on this machine.
	Exempt []string `yaml:"exempt"`
	// Address and Device are by the names of actions.
	Address  map[string]rateConfig `yaml:"address"`
	Device   map[string]rateConfig `yaml:"device"`
	Failures failuresConfig        `yaml:"failures"`
	Calls    callsConfig           `yaml:"calls"`

	hosted bool // for muster serve
	exempt []netip.Prefix
}

// rateConfig is how many within how long. A count of 0 is no limit.
type rateConfig struct {
	Count         *int `yaml:"count"`
	WithinSeconds *int `yaml:"withinSeconds"`
}

// failuresConfig is how failures slow down.
type failuresConfig struct {
	Source         *int `yaml:"source"` // free failures of one account from one address or device
	Account        *int `yaml:"account"`
	Address        *int `yaml:"address"`
	FirstSeconds   *int `yaml:"firstSeconds"`
	LongestSeconds *int `yaml:"longestSeconds"`
}

// callsConfig limits all calls, in each replica for itself.
type callsConfig struct {
	Address rateConfig `yaml:"address"`
	Player  rateConfig `yaml:"player"`
}

func rateShape() *shape {
	return group(map[string]*shape{"count": whole(), "withinSeconds": whole()})
}

func limitsShape() *shape {
	return group(map[string]*shape{
		"exempt": list("a list of networks", text()), "address": actionsShape(), "device": actionsShape(),
		"failures": group(map[string]*shape{"source": whole(), "account": whole(), "address": whole(), "firstSeconds": whole(), "longestSeconds": whole()}),
		"calls":    group(map[string]*shape{"address": rateShape(), "player": rateShape()}),
	})
}

func actionsShape() *shape {
	return &shape{want: "a group of actions", takes: isGroup, each: rateShape()}
}

// addressRates are the limits by address unless the configuration says otherwise. Whole
// schools and mobile networks share an address.
func addressRates() map[muster.Action]limit.Rate {
	return map[muster.Action]limit.Rate{
		muster.ActGuest:    {Count: 300, Per: time.Hour},
		muster.ActSignIn:   {Count: 600, Per: 10 * time.Minute},
		muster.ActRenew:    {Count: 1200, Per: 10 * time.Minute},
		muster.ActRegister: {Count: 60, Per: time.Hour},
		muster.ActMail:     {Count: 60, Per: time.Hour},
		muster.ActNonce:    {Count: 600, Per: 10 * time.Minute},
		muster.ActTicket:   {Count: 1200, Per: 10 * time.Minute},
	}
}

// deviceRates are those by device, which one player has.
func deviceRates() map[muster.Action]limit.Rate {
	return map[muster.Action]limit.Rate{
		muster.ActGuest:    {Count: 10, Per: time.Hour},
		muster.ActRegister: {Count: 10, Per: time.Hour},
		muster.ActMail:     {Count: 10, Per: time.Hour},
	}
}

// Defaults of the rest.
const (
	freeOfSource, freeOfAccount, freeOfAddress = 5, 100, 50
	firstWait, longestWait                     = 1, 900 // seconds
)

func callRates() (address, player limit.Rate) {
	return limit.Rate{Count: 1000, Per: 10 * time.Second}, limit.Rate{Count: 200, Per: 10 * time.Second}
}

func (c *limitsConfig) setDefaults(hosted bool) {
	c.hosted = hosted
	if c.Exempt == nil && !hosted {
		c.Exempt = []string{"127.0.0.0/8", "::1"}
	}
}

// announce says in the log who is not limited.
func (c *limitsConfig) announce(log *slog.Logger) {
	local := slices.ContainsFunc(c.exempt, func(p netip.Prefix) bool {
		return p.Addr().IsLoopback() || p.Contains(netip.IPv6Loopback()) || p.Contains(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	})
	if local && c.hosted {
		log.Warn("calls from this machine are not limited: with a proxy on it that does not name the client, nobody is", "key", "identity.limits.exempt", "exempt", c.exempt)
		return
	}
	log.Info("limits are on", "exempt", c.exempt)
}

func (c *limitsConfig) check(k *checker) {
	const at = "identity.limits"
	for i, text := range c.Exempt {
		p, err := network(text)
		if err != nil {
			k.report(fmt.Sprintf("%s.exempt[%d]", at, i), "%q is neither an address nor a network like 10.0.0.0/8", text)
			continue
		}
		c.exempt = append(c.exempt, p)
	}
	for name, rates := range map[string]map[string]rateConfig{"address": c.Address, "device": c.Device} {
		for _, action := range slices.Sorted(maps.Keys(rates)) {
			if !slices.Contains(muster.Actions(), muster.Action(action)) {
				k.report(at+"."+name+"."+action, "there is no such action; there are %s", actionNames())
			}
			rates[action].check(k, at+"."+name+"."+action)
		}
	}
	c.Calls.Address.check(k, at+".calls.address")
	c.Calls.Player.check(k, at+".calls.player")
	c.Failures.check(k, at+".failures")
}

// actionNames are the actions in words.
func actionNames() string {
	names := make([]string, 0, len(muster.Actions()))
	for _, action := range muster.Actions() {
		names = append(names, string(action))
	}
	return strings.Join(names, ", ")
}

func (r rateConfig) check(k *checker, at string) {
	if r.Count != nil && (*r.Count < 0 || *r.Count > 1_000_000) {
		k.report(at+".count", "lies between 0 (no limit) and 1000000, not %d", *r.Count)
	}
	if r.WithinSeconds != nil && (*r.WithinSeconds < 1 || *r.WithinSeconds > 7*24*3600) {
		k.report(at+".withinSeconds", "lies between 1 and 604800, not %d", *r.WithinSeconds)
	}
}

func (f failuresConfig) check(k *checker, at string) {
	for key, n := range map[string]*int{".source": f.Source, ".account": f.Account, ".address": f.Address} {
		if n != nil && (*n < 1 || *n > 10_000) {
			k.report(at+key, "lies between 1 and 10000, not %d", *n)
		}
	}
	first, longest := orElse(f.FirstSeconds, firstWait), orElse(f.LongestSeconds, longestWait)
	if first < 1 || first > longest || longest > 24*3600 {
		k.report(at, "firstSeconds is at least 1 and at most longestSeconds, and that at most 86400, not %d and %d", first, longest)
	}
}

func orElse(n *int, fallback int) int {
	if n == nil {
		return fallback
	}
	return *n
}

// over is a rate with what the configuration says in place of its own.
func (r rateConfig) over(rate limit.Rate) limit.Rate {
	rate.Count = orElse(r.Count, rate.Count)
	if r.WithinSeconds != nil {
		rate.Per = time.Duration(*r.WithinSeconds) * time.Second
	}
	return rate
}

func ratesOver(rates map[muster.Action]limit.Rate, said map[string]rateConfig) map[muster.Action]limit.Rate {
	for action, r := range said {
		rate := rates[muster.Action(action)]
		if rate.Per == 0 {
			rate.Per = time.Hour
		}
		rates[muster.Action(action)] = r.over(rate)
	}
	return rates
}

// networks reads addresses and networks; bad is the first that is neither.
func networks(texts []string) (read []netip.Prefix, bad string) {
	for _, text := range texts {
		p, err := network(text)
		if err != nil {
			return nil, text
		}
		read = append(read, p)
	}
	return read, ""
}

// network reads an address or a network.
func network(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	p, err := netip.ParsePrefix(text)
	if err != nil {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, err
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	return p.Masked(), nil
}

// limiter is what holds back who asks too often, and who guesses.
func (c *limitsConfig) limiter(store muster.Store, now func() time.Time, log *slog.Logger) *limit.Limiter {
	slow := func(free *int, fallback int) limit.Slowdown {
		return limit.Slowdown{
			Free:    orElse(free, fallback),
			First:   time.Duration(orElse(c.Failures.FirstSeconds, firstWait)) * time.Second,
			Longest: time.Duration(orElse(c.Failures.LongestSeconds, longestWait)) * time.Second,
		}
	}
	return limit.New(limit.Options{
		Store: store, Addresses: ratesOver(addressRates(), c.Address), Devices: ratesOver(deviceRates(), c.Device),
		Guessing: limit.Guessing{
			Source: slow(c.Failures.Source, freeOfSource), Account: slow(c.Failures.Account, freeOfAccount), Address: slow(c.Failures.Address, freeOfAddress),
		},
		Exempt: c.exempt, Now: now, Log: log,
	})
}

// calls is what limits all calls.
func (c *limitsConfig) calls(now func() time.Time) *limit.Calls {
	address, player := callRates()
	return limit.NewCalls(limit.CallOptions{
		Address: c.Calls.Address.over(address), Player: c.Calls.Player.over(player), Exempt: c.exempt, Now: now,
	})
}

// admitBySocket takes a player's requests by sockets from the same allowance as the others.
func admitBySocket(calls *limit.Calls) func(ctx context.Context, p muster.PlayerID) error {
	return func(ctx context.Context, p muster.PlayerID) error {
		return calls.ByPlayer(p, muster.ClientFrom(ctx).Address)
	}
}
