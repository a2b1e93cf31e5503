package limit

import (
	"context"
	"maps"
	"time"

	"muster"
)

// tries is what failed to prove one identity: from anywhere, and by source. One record, so
// that a try costs one read and a failure one write.
type tries struct {
	All failures            `json:"all"`
	By  map[string]failures `json:"by,omitempty"`
}

// maxSources bounds the sources that one identity keeps apart. Those of long ago give way:
// who comes from more than that is slowed by what is counted of all.
const maxSources = 8

// Guessing is how failures to prove an identity slow down the tries that follow.
type Guessing struct {
	// Source is for one identity from one address, or from one known device.
	Source Slowdown
	// Account is for one identity from everywhere. Its known devices do not wait for it.
	Account Slowdown
	// Address is for one address, whichever identities it tries.
	Address Slowdown
}

// guess is one try, with the keys that it is counted under.
type guess struct {
	identity, address string // address: of the client; empty: not known
	source            string // within the identity's record
	device            bool   // source is a device that the identity is known on
}

// guarded says whether an identity's own failures are counted. A guest's secret of 256 bits
// is not found by trying; only who tries is slowed.
func guarded(id muster.Identity) bool { return id.Provider != muster.GuestProvider }

// Guess implements muster.Limits. Unlike Spend it lets nobody through while the store cannot
// say what failed.
func (l *Limiter) Guess(ctx context.Context, id muster.Identity, known func(ctx context.Context) (bool, error), check func(ctx context.Context) error) error {
	client := muster.ClientFrom(ctx)
	if l.exempt(client.Address) {
		return check(ctx)
	}
	g := guess{address: addressKey(client.Address)}
	g.source = hashed("address " + g.address)
	if guarded(id) {
		g.identity = identityKey(id)
	}
	if known == nil || !client.NamesDevice() {
		known = func(context.Context) (bool, error) { return false, nil }
	}
	g, had, err := l.mayTry(ctx, g, hashed("device "+client.Device), known)
	if err != nil {
		return err
	}
	defer l.endTry(g)
	err = check(ctx)
	switch {
	case err == nil && had:
		return l.forgive(ctx, g)
	case err != nil && muster.KindOf(err) == muster.Unauthenticated:
		if failed := l.note(ctx, g); failed != nil {
			return failed
		}
	}
	return err
}

// mayTry says whether a try may be made now, and counts it as under way until endTry. had:
// something failed before. device is the source that the client is when its device is known.
func (l *Limiter) mayTry(ctx context.Context, g guess, device string, known func(ctx context.Context) (bool, error)) (_ guess, had bool, err error) {
	asked, isKnown := false, false
	for {
		ended := l.endedTries(g)
		of, at, err := l.failed(ctx, g)
		if err != nil {
			l.endLook(g)
			return g, false, err
		}
		judged := g
		if isKnown {
			judged.source, judged.device = device, true
		}
		wait, fresh := l.begin(judged, of, at, ended)
		switch {
		case !fresh:
			continue // one that was under way has ended: what it came to is in the store
		case wait == 0:
			return judged, of.By[judged.source].Count > 0 || of.All.Count > 0, nil
		case asked || g.identity == "" || l.guessing.Account.wait(of.All, l.now(), 0) == 0:
			return g, false, muster.LimitExceeded(wait)
		}
		if isKnown, err = known(ctx); err != nil {
			return g, false, err
		}
		if asked = true; !isKnown {
			return g, false, muster.LimitExceeded(wait)
		}
	}
}

// underway is the tries that are judged in this process.
type underway struct {
	running map[string]int // by what they are counted under
	ended   map[string]int // how many have, by identity or address, while others run or look
	looking map[string]int // how many read what failed
}

// scope is what tries must be told of, for their reads to be complete.
func (g guess) scope() []string {
	var keys []string
	if g.identity != "" {
		keys = append(keys, "i "+g.identity)
	}
	if g.address != "" {
		keys = append(keys, "a "+g.address)
	}
	return keys
}

// endedTries is how many tries of the same scope have ended. begin is to follow.
func (l *Limiter) endedTries(g guess) (ended int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range g.scope() {
		l.underway.looking[key]++
		ended += l.underway.ended[key]
	}
	return ended
}

// begin counts a try as under way if it need not wait. fresh is false when tries have ended
// since endedTries: then what was read may lack them.
func (l *Limiter) begin(g guess, of tries, at failures, ended int) (wait time.Duration, fresh bool) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	u := &l.underway
	for _, key := range g.scope() {
		ended -= u.ended[key]
	}
	u.looked(g)
	if ended != 0 {
		return 0, false
	}
	if g.identity != "" {
		wait = l.guessing.Source.wait(of.By[g.source], now, u.running[g.sourceKey()])
		if !g.device {
			wait = max(wait, l.guessing.Account.wait(of.All, now, u.running["i "+g.identity]))
		}
	}
	if g.address != "" {
		wait = max(wait, l.guessing.Address.wait(at, now, u.running["a "+g.address]))
	}
	if wait == 0 {
		for _, key := range g.keys() {
			u.running[key]++
		}
	}
	return wait, true
}

// endLook gives up what endedTries began.
func (l *Limiter) endLook(g guess) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.underway.looked(g)
}

func (u *underway) looked(g guess) {
	for _, key := range g.scope() {
		less(u.looking, key)
		if u.looking[key] == 0 {
			delete(u.ended, key)
		}
	}
}

// endTry takes a try off those under way, after what it came to was written.
func (l *Limiter) endTry(g guess) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range g.keys() {
		less(l.underway.running, key)
	}
	for _, key := range g.scope() {
		if l.underway.looking[key] > 0 {
			l.underway.ended[key]++
		}
	}
}

// less takes one off a count; those of none are not kept.
func less(counts map[string]int, key string) {
	if counts[key]--; counts[key] <= 0 {
		delete(counts, key)
	}
}

func (g guess) sourceKey() string { return "s " + g.identity + " " + g.source }

// keys are what a try that is under way is counted under.
func (g guess) keys() []string {
	var keys []string
	if g.identity != "" {
		keys = append(keys, g.sourceKey())
		if !g.device {
			keys = append(keys, "i "+g.identity)
		}
	}
	if g.address != "" {
		keys = append(keys, "a "+g.address)
	}
	return keys
}

func triesKey(identity string) muster.Key {
	return muster.Key{Partition: "RL#account#" + identity, Sort: "F"}
}

func addressTriesKey(address string) muster.Key {
	return muster.Key{Partition: "RL#address#" + hashed(address), Sort: "F"}
}

// failed reads what failed.
func (l *Limiter) failed(ctx context.Context, g guess) (of tries, at failures, err error) {
	if g.identity != "" {
		if _, err = read(ctx, l.store, triesKey(g.identity), &of); err != nil {
			return of, at, errCannotTell(err)
		}
	}
	if g.address != "" {
		if _, err = read(ctx, l.store, addressTriesKey(g.address), &at); err != nil {
			return of, at, errCannotTell(err)
		}
	}
	return of, at, nil
}

// note counts a failure: in the record of the identity, and in that of the address.
func (l *Limiter) note(ctx context.Context, g guess) error {
	if g.identity != "" {
		err := muster.Change(ctx, l.store, func(ctx context.Context) ([]muster.Op, error) {
			var of tries
			version, err := read(ctx, l.store, triesKey(g.identity), &of)
			if err != nil {
				return nil, err
			}
			of = l.guessing.count(of, g, l.now())
			return put(triesKey(g.identity), version, of, l.guessing.over(of))
		})
		if err != nil {
			return errCannotTell(err)
		}
	}
	if g.address == "" {
		return nil
	}
	err := muster.Change(ctx, l.store, func(ctx context.Context) ([]muster.Op, error) {
		var at failures
		version, err := read(ctx, l.store, addressTriesKey(g.address), &at)
		if err != nil {
			return nil, err
		}
		at = l.guessing.Address.failed(at, l.now())
		return put(addressTriesKey(g.address), version, at, l.guessing.Address.over(at))
	})
	if err != nil {
		return errCannotTell(err)
	}
	return nil
}

// count adds a failure. One from a known device is not held against others.
func (c Guessing) count(of tries, g guess, now time.Time) tries {
	by := maps.Clone(of.By)
	if by == nil {
		by = map[string]failures{}
	}
	by[g.source] = c.Source.failed(by[g.source], now)
	for source, f := range by {
		if source != g.source && c.Source.since(f, now).Count == 0 {
			delete(by, source)
		}
	}
	for len(by) > maxSources {
		delete(by, oldest(by, g.source))
	}
	of.By = by
	if !g.device {
		of.All = c.Account.failed(of.All, now)
	}
	return of
}

// oldest is the source that failed longest ago, but for one; of several the first by name.
func oldest(by map[string]failures, but string) string {
	found := ""
	for source, f := range by {
		if source == but {
			continue
		}
		if found == "" || f.At.Before(by[found].At) || f.At.Equal(by[found].At) && source < found {
			found = source
		}
	}
	return found
}

// over is when nothing of it is left.
func (c Guessing) over(of tries) time.Time {
	end := c.Account.over(of.All)
	for _, f := range of.By {
		if until := c.Source.over(f); until.After(end) {
			end = until
		}
	}
	return end
}

// forgive drops what failed from the source of a success, and all of it unless the
// identity is under attack from elsewhere: a success does not give others new tries then. What
// failed from the address stays, or whoever has an account of their own could try on.
func (l *Limiter) forgive(ctx context.Context, g guess) error {
	if g.identity == "" {
		return nil
	}
	return muster.Change(ctx, l.store, func(ctx context.Context) ([]muster.Op, error) {
		var of tries
		version, err := read(ctx, l.store, triesKey(g.identity), &of)
		if err != nil || version == 0 {
			return nil, err
		}
		if !g.device && l.guessing.Account.since(of.All, l.now()).Count < l.guessing.Account.Free {
			return []muster.Op{{Kind: muster.Delete, Key: triesKey(g.identity), Version: version}}, nil
		}
		delete(of.By, g.source)
		return put(triesKey(g.identity), version, of, l.guessing.over(of))
	})
}

// errCannotTell is the answer while the store does not say what failed.
func errCannotTell(err error) error {
	return &muster.Error{Kind: muster.Unavailable, Code: "limit.unknown", Message: "this cannot be tried now: try again", RetryAfter: time.Second, Err: err}
}
