package muster_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster"
	"muster/store/memory"
)

// ways is the rules as far as ways in need them.
func ways() *muster.Backend { return waysOver(memory.New(time.Now)) }

func waysOver(store muster.Store) *muster.Backend {
	var ids atomic.Int64
	return muster.New(muster.Options{
		Store: store, Notifier: &nobodyHears{}, Now: time.Now,
		NewID: func() string { return fmt.Sprintf("id-%04d", ids.Add(1)) },
	})
}

type nobodyHears struct{}

func (*nobodyHears) Notify(context.Context, ...muster.Notice) {}

func nothingAlong(context.Context) ([]muster.Op, error) { return nil, nil }

func annByMail() muster.Identity {
	return muster.Identity{Provider: muster.EmailProvider, Subject: "ann@example.com"}
}

func TestOneOfManySignUpsHasTheAddress(t *testing.T) {
	ctx := context.Background()
	b := ways()
	var made, refused atomic.Int64
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			_, err := b.SignUp(ctx, annByMail(), []byte(fmt.Sprint(i)), nothingAlong)
			switch {
			case err == nil:
				made.Add(1)
			case muster.KindOf(err) == muster.Conflict:
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 || refused.Load() != 63 {
		t.Errorf("%d made, %d refused", made.Load(), refused.Load())
	}
}

func TestAddressesThatMoveAtOnceNeverLeadToTwo(t *testing.T) {
	ctx := context.Background()
	b := ways()
	target := muster.Identity{Provider: muster.EmailProvider, Subject: "new@example.com"}
	var moved atomic.Int64
	var wg sync.WaitGroup
	for i := range 16 {
		from := muster.Identity{Provider: muster.EmailProvider, Subject: fmt.Sprintf("p%d@example.com", i)}
		player, err := b.SignUp(ctx, from, []byte("hash"), nothingAlong)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			switch err := b.MoveIdentity(ctx, player, from, target, nothingAlong); {
			case err == nil:
				moved.Add(1)
				if owner, hash, err := b.FindIdentity(ctx, target); err != nil || owner != player || string(hash) != "hash" {
					t.Errorf("it leads to %s with %q, %v; want %s", owner, hash, err, player)
				}
				if _, _, err := b.FindIdentity(ctx, from); muster.KindOf(err) != muster.NotFound {
					t.Errorf("the old address: %v", err)
				}
			case muster.KindOf(err) != muster.Conflict:
				t.Error(err)
			}
			mine, err := b.IdentityOf(ctx, player, muster.EmailProvider)
			if err != nil {
				t.Error(err)
			}
			if owner, _, err := b.FindIdentity(ctx, mine); err != nil || owner != player {
				t.Errorf("%s lists %v, which leads to %s, %v", player, mine, owner, err)
			}
		})
	}
	wg.Wait()
	if moved.Load() != 1 {
		t.Errorf("%d players have one address", moved.Load())
	}
}

func TestASecretIsReplacedWhereItIsStillTheOneThatWas(t *testing.T) {
	ctx := context.Background()
	b := ways()
	ann, err := b.SignUp(ctx, annByMail(), []byte("one"), nothingAlong)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		player muster.PlayerID
		secret muster.NewSecret
		kind   muster.Kind // of the error; Internal: none
		after  string
	}{
		{"another player's", "p-bob", muster.NewSecret{Hash: []byte("x")}, muster.NotFound, "one"},
		{"one that has changed", ann, muster.NewSecret{Hash: []byte("x"), Was: []byte("zero")}, muster.NotFound, "one"},
		{"one that has not", ann, muster.NewSecret{Hash: []byte("two"), Was: []byte("one")}, muster.Internal, "two"},
		{"whatever it is", ann, muster.NewSecret{Hash: []byte("three")}, muster.Internal, "three"},
	} {
		err := b.ReplaceSecret(ctx, c.player, annByMail(), c.secret, nothingAlong)
		if (err != nil) != (c.kind != muster.Internal) || err != nil && muster.KindOf(err) != c.kind {
			t.Errorf("%s: %v", c.name, err)
		}
		if _, hash, err := b.FindIdentity(ctx, annByMail()); err != nil || string(hash) != c.after {
			t.Errorf("%s: the hash is %q, %v", c.name, hash, err)
		}
	}
}

func TestWhatEndsAChangeOfAWayInKeepsItFromHappening(t *testing.T) {
	ctx := context.Background()
	b := ways()
	used := muster.Errorf(muster.Unauthenticated, "credential.invalid", "this code was used")
	refuse := func(context.Context) ([]muster.Op, error) { return nil, used }
	if _, err := b.SignUp(ctx, annByMail(), nil, refuse); err != error(used) { //nolint:errorlint // unwrapped
		t.Error(err)
	}
	if _, _, err := b.FindIdentity(ctx, annByMail()); muster.KindOf(err) != muster.NotFound {
		t.Errorf("it happened: %v", err)
	}
}
