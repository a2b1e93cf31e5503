package limit

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster"
)

var ann = muster.Identity{Provider: muster.EmailProvider, Subject: "ann@example.com"}

func wrong(context.Context) error {
	return muster.Errorf(muster.Unauthenticated, "credential.invalid", "wrong")
}

func right(context.Context) error { return nil }

func yes(context.Context) (bool, error) { return true, nil }

// try says whether a guess is judged.
func (l *lab) try(ctx context.Context, id muster.Identity, known func(context.Context) (bool, error), check func(context.Context) error) bool {
	judged := false
	_ = l.replicas[0].Guess(ctx, id, known, func(ctx context.Context) error {
		judged = true
		return check(ctx)
	})
	return judged
}

func TestAFloodFromOneAddressSlowsThatAddressAndNotThePlayer(t *testing.T) {
	l := newLab(1, Rate{})
	judged := 0
	for range 3600 { // a try a second for an hour
		if l.try(from("203.0.113.7", ""), ann, nil, wrong) {
			judged++
		}
		l.pass(time.Second)
	}
	if judged < 10 || judged > 20 { // five, then after 1, 2, 4 ... 900 seconds
		t.Errorf("%d guesses were judged within an hour", judged)
	}
	if !l.try(from("198.51.100.1", ""), ann, nil, right) {
		t.Error("the player cannot sign in elsewhere")
	}
}

func TestAFloodFromManyAddressesIsSlowedAndAKnownDeviceGetsIn(t *testing.T) {
	l := newLab(1, Rate{})
	judged := 0
	for i := range 10_000 {
		if l.try(from(fmt.Sprintf("203.%d.%d.7", i/256, i%256), ""), ann, nil, wrong) {
			judged++
		}
		l.pass(100 * time.Millisecond)
	}
	if judged > guessing.Account.Free+12 {
		t.Errorf("%d guesses of 10000 were judged", judged)
	}
	const device = "0199c0de-0000-7000-8000-00000000d001"
	if l.try(from("198.51.100.1", "another"), ann, nil, right) {
		t.Error("an unknown device gets in")
	}
	if l.try(from("198.51.100.1", "short"), ann, yes, right) {
		t.Error("the id of a device that can be guessed is known")
	}
	if !l.try(from("198.51.100.1", device), ann, yes, right) {
		t.Error("the player's device does not get in")
	}
	if l.try(from("203.0.113.9", ""), ann, nil, wrong) {
		t.Error("their success gives others new tries")
	}
	judged = 0
	for range 100 { // who has stolen the device's id is slowed like others
		if l.try(from("203.0.113.9", device), ann, yes, wrong) {
			judged++
		}
	}
	if judged != guessing.Source.Free {
		t.Errorf("with the device's id %d guesses were judged", judged)
	}
}

func TestOneAddressThatTriesManyAccountsIsSlowed(t *testing.T) {
	l := newLab(1, Rate{})
	judged := 0
	for i := range 1000 {
		id := muster.Identity{Provider: muster.EmailProvider, Subject: fmt.Sprint("player", i, "@example.com")}
		if l.try(from("203.0.113.7", ""), id, nil, wrong) {
			judged++
		}
		if i%3 == 0 { // and signs in with an account of its own
			l.try(from("203.0.113.7", ""), ann, nil, right)
		}
	}
	if judged != guessing.Address.Free {
		t.Errorf("%d accounts were tried", judged)
	}
}

func TestASuccessForgetsWhatFailed(t *testing.T) {
	l := newLab(1, Rate{})
	ctx := from("203.0.113.7", "")
	for range 4 {
		l.try(ctx, ann, nil, wrong)
	}
	l.try(ctx, ann, nil, right)
	for range 4 {
		if !l.try(ctx, ann, nil, wrong) {
			t.Fatal("failures before the success count")
		}
	}
}

func TestASuccessCostsTwoReadsAndNoWrite(t *testing.T) {
	l := newLab(1, Rate{})
	l.try(from("203.0.113.7", ""), ann, nil, right)
	if l.store.reads != 2 || l.store.writes != 0 {
		t.Errorf("%d reads and %d writes", l.store.reads, l.store.writes)
	}
	l.try(from("203.0.113.7", ""), ann, nil, wrong)
	if l.store.writes != 2 {
		t.Errorf("a failure: %d writes", l.store.writes)
	}
}

func TestManyGuessesAtOnceAreAsManyAsAreFree(t *testing.T) {
	l := newLab(1, Rate{})
	var judged atomic.Int32
	hold := make(chan struct{})
	var all, refused sync.WaitGroup
	refused.Add(200 - guessing.Source.Free)
	for range 200 {
		all.Go(func() {
			err := l.replicas[0].Guess(from("203.0.113.7", ""), ann, nil, func(ctx context.Context) error {
				judged.Add(1)
				<-hold
				return wrong(ctx)
			})
			if isLimit(err) {
				refused.Done()
			}
		})
	}
	refused.Wait()
	close(hold)
	all.Wait()
	if int(judged.Load()) != guessing.Source.Free {
		t.Errorf("%d guesses were judged at once", judged.Load())
	}
	if u := l.replicas[0].underway; len(u.running)+len(u.ended)+len(u.looking) != 0 {
		t.Errorf("%v stays", u)
	}
}

func TestTheRecordOfAnIdentityStaysSmall(t *testing.T) {
	var of tries
	now := time.Unix(1_800_000_000, 0)
	for i := range 10_000 {
		of = guessing.count(of, guess{identity: "x", source: hashed(fmt.Sprint(i))}, now.Add(time.Duration(i)*time.Millisecond))
	}
	if len(of.By) > maxSources {
		t.Errorf("%d sources", len(of.By))
	}
	ops, err := put(triesKey("x"), 0, of, now)
	if err != nil || len(ops[0].Value) > 1000 {
		t.Errorf("%d bytes, %v", len(ops[0].Value), err)
	}
}

func TestAWaitGrowsAndEnds(t *testing.T) {
	s := Slowdown{Free: 2, First: time.Second, Longest: 4 * time.Second}
	now := time.Unix(1_800_000_000, 0)
	var f failures
	for i, want := range []time.Duration{0, 0, 1, 2, 4, 4, 4} {
		if got := s.wait(f, now, 0); got != want*time.Second {
			t.Errorf("after %d failures the wait is %v", i, got)
		}
		now = now.Add(s.wait(f, now, 0))
		f = s.failed(f, now)
	}
	if got := s.wait(f, now.Add(-time.Hour), 0); got > s.Longest {
		t.Errorf("when the clock is put back the wait is %v", got)
	}
	if got := s.since(f, s.over(f)); got.Count != 0 {
		t.Errorf("%d failures are left at the end", got.Count)
	}
}
