package muster_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"muster"
)

// operatorNamed is operator, who says who they are.
func operatorNamed(t *testing.T, name string) context.Context {
	t.Helper()
	return must[context.Context](t)(muster.WithOperator(operator(), name))
}

// since is the caller of a sign-in whose player was proven at an instant.
func since(p muster.PlayerID, at time.Time) muster.Caller {
	return muster.Caller{Player: p, Scope: muster.PlayerScope, Family: "of " + string(p), SignedInAt: at.Truncate(time.Second)}
}

func TestWhatIsOlderThanTheEndOfAllSignInsIsRefused(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann, bob := r.guest("ann"), r.guest("bob")
	r.clock.advance(1500 * time.Millisecond)
	before := r.clock.now()
	made := must[muster.EveryoneView](t)(r.SignOutEveryone(operatorNamed(t, "kim")))
	at := before.Truncate(time.Second).Add(time.Second)
	if made.At == nil || !made.At.Equal(at) || made.By != "0123456789abcdef" || made.Operator != "kim" {
		t.Errorf("made was %+v", made)
	}
	r.clock.advance(time.Second)
	for name, c := range map[string]struct {
		caller  muster.Caller
		refused string
	}{
		"a sign-in from before":               {since(ann, before), "token.revoked"},
		"another player's":                    {since(bob, before.Add(-time.Hour)), "token.revoked"},
		"one of the same second":              {since(ann, at.Add(-time.Millisecond)), "token.revoked"},
		"one whose age is not known":          {muster.Caller{Player: ann, Scope: muster.PlayerScope}, "token.revoked"},
		"one from afterwards":                 {since(ann, at), ""},
		"a game server":                       {muster.Caller{Scope: muster.ServerScope, Key: "k"}, ""},
		"an operator":                         {muster.Caller{Scope: muster.AdminScope, Key: "k"}, ""},
		"a game server that proved its role":  {muster.Caller{Scope: muster.ServerScope, Key: "AROA:i-1"}, ""},
		"an operator with a foreign token":    {muster.Caller{Scope: muster.AdminScope, Key: "pool/ada"}, ""},
		"one from afterwards of someone else": {since(bob, at.Add(time.Minute)), ""},
	} {
		if got := r.refusal(c.caller); got != c.refused {
			t.Errorf("%s: refused with %q", name, got)
		}
	}
	wantError(t, r.Admit(ctx, ann, muster.SignInRef{ID: "old", At: before}), muster.Unauthenticated, "refresh.invalid")
	wantError(t, r.Admit(ctx, ann, muster.SignInRef{ID: "very old"}), muster.Unauthenticated, "refresh.invalid")
	_, err := r.ScopeOf(ctx, ann, muster.SignInRef{ID: "old", At: before})
	wantError(t, err, muster.Unauthenticated, "refresh.invalid")
	if err := r.Admit(ctx, ann, muster.SignInRef{At: r.clock.now()}); err != nil {
		t.Errorf("nobody signs in any more: %v", err)
	}
	if err := r.Admit(ctx, ann, muster.SignInRef{}); err != nil {
		t.Errorf("who comes without a sign-in of ours is kept out: %v", err)
	}
}

func TestTheEndOfAllSignInsReachesEveryReplicaAndOutlivesThem(t *testing.T) {
	ctx := context.Background()
	for name, learn := range map[string]func(t *testing.T, from, to *rig){
		"by the message of the replica that made it": func(t *testing.T, from, to *rig) {
			for _, n := range from.inbox.take() {
				text := must[[]byte](t)(json.Marshal(n.Data))
				n.Data = json.RawMessage(text)
				to.Heard(n)
			}
		},
		"by a look at the store": func(t *testing.T, _, to *rig) {
			if err := to.LearnRevocations(ctx); err != nil {
				t.Fatal(err)
			}
		},
		"by a look at the store, however far apart the clocks": func(t *testing.T, _, to *rig) {
			to.clock.advance(2 * time.Hour)
			if err := to.LearnRevocations(ctx); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			one := newRig(false)
			two := one.beside()
			ann := one.guest("ann")
			if err := two.LearnRevocations(ctx); err != nil {
				t.Fatal(err)
			}
			caller := since(ann, one.clock.now())
			one.clock.advance(time.Minute)
			_ = must[muster.EveryoneView](t)(one.SignOutEveryone(operator()))
			if two.refusal(caller) != "" {
				t.Fatal("the other replica knows already")
			}
			learn(t, one, two)
			if code := two.refusal(caller); code != "token.revoked" {
				t.Errorf("at the other replica the token is refused with %q", code)
			}
			wantError(t, two.Admit(ctx, ann, muster.SignInRef{ID: "s", At: caller.SignedInAt}), muster.Unauthenticated, "refresh.invalid")

			one.clock.advance(25 * 24 * time.Hour)
			later := one.beside() // a replica that starts only now
			if err := later.LearnRevocations(ctx); err != nil {
				t.Fatal(err)
			}
			wantError(t, later.Admit(ctx, ann, muster.SignInRef{ID: "s", At: caller.SignedInAt}), muster.Unauthenticated, "refresh.invalid")
			if code := later.refusal(caller); code != "token.revoked" {
				t.Errorf("after a restart the token is refused with %q", code)
			}
		})
	}
}

func TestEveryoneIsSignedOutByOneRecordHoweverManyThereAre(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	for _, name := range []string{"ann", "bob", "cleo", "dan"} {
		r.signIn(t, r.guest(name), "phone")
	}
	writes := &countedWrites{Store: r.store}
	site := newRigWith(false, func(o *muster.Options) { o.Store, o.Now = writes, r.clock.now })
	_ = must[muster.EveryoneView](t)(site.SignOutEveryone(operator()))
	if writes.ops != 2 { // the record, and the audit record
		t.Errorf("%d records were written", writes.ops)
	}
	if latest := must[muster.EveryoneView](t)(r.EveryoneSignedOut(ctx)); latest.At == nil || latest.By != "0123456789abcdef" {
		t.Errorf("the latest is %+v", latest)
	}
	trail := must[muster.AuditPage](t)(r.OperatorTrail(ctx, 0, ""))
	if len(trail.Entries) != 1 || trail.Entries[0].Event != muster.AuditEveryoneOut || trail.Entries[0].By != "operator" {
		t.Errorf("recorded is %+v", trail.Entries)
	}
}

// countedWrites counts what is written to a store.
type countedWrites struct {
	muster.Store
	ops int
}

func (c *countedWrites) Write(ctx context.Context, ops ...muster.Op) error {
	c.ops += len(ops)
	return c.Store.Write(ctx, ops...)
}

func TestTheEndOfAllSignInsNeverGoesBack(t *testing.T) {
	r := newRig(false)
	ann := r.guest("ann")
	slow := r.beside()
	latest := must[muster.EveryoneView](t)(r.SignOutEveryone(operatorNamed(t, "kim")))
	r.clock.advance(-10 * time.Second) // a replica whose clock is behind
	again := must[muster.EveryoneView](t)(slow.SignOutEveryone(operatorNamed(t, "lee")))
	if again.At.Before(*latest.At) || again.Operator != "lee" {
		t.Errorf("first %+v, then %+v", latest, again)
	}
	if code := slow.refusal(since(ann, latest.At.Add(-time.Second))); code != "token.revoked" {
		t.Errorf("refused with %q", code)
	}
}

func TestOperatorsWhoSignEveryoneOutAtOnceAllSucceed(t *testing.T) {
	r := newRig(false)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := r.SignOutEveryone(operator()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if code := r.refusal(since("ann", r.clock.now().Add(-time.Second))); code != "token.revoked" {
		t.Errorf("refused with %q", code)
	}
}

func TestSignInsThatEndedWithEveryonesAreNotListed(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	old, fresh := r.clock.now(), r.clock.now().Add(time.Hour)
	two := newRigWith(false, func(o *muster.Options) {
		o.Store, o.Now = r.store, r.clock.now
		o.SignIns = func(context.Context, muster.PlayerID) ([]muster.SignInView, error) {
			return []muster.SignInView{{ID: "unknown"}, {ID: "old", OpenedAt: &old}, {ID: "fresh", OpenedAt: &fresh}}, nil
		}
	})
	ann := r.guest("ann")
	r.clock.advance(time.Minute)
	if all := must[[]muster.SignInView](t)(two.SignIns(ctx, ann)); len(all) != 3 {
		t.Fatalf("before, there are %+v", all)
	}
	_ = must[muster.EveryoneView](t)(two.SignOutEveryone(operator()))
	mine := must[[]muster.SignInView](t)(two.SignIns(ctx, ann))
	shown := must[muster.AdminPlayerView](t)(two.InspectPlayer(ctx, ann))
	for who, all := range map[string][]muster.SignInView{"the player": mine, "an operator": shown.SignIns} {
		if len(all) != 1 || all[0].ID != "fresh" {
			t.Errorf("%s sees %+v", who, all)
		}
	}
}
