package muster_test

import (
	"context"
	"testing"
	"time"

	"muster"
	"muster/store/memory"
)

// between is a store in which something happens right after a record is read, once.
type between struct {
	muster.Store
	key  muster.Key
	then func()
}

func (b *between) Get(ctx context.Context, key muster.Key) (muster.Record, error) {
	rec, err := b.Store.Get(ctx, key)
	if then := b.then; key == b.key && then != nil {
		b.then = nil
		then()
	}
	return rec, err
}

var annsRecord = muster.Key{Partition: "ID#email#ann@example.com", Sort: "ID"}

func TestAnAddressIsNeverAWayInWithoutAPassword(t *testing.T) {
	ctx := context.Background()
	b := ways()
	guest, _, err := b.EnsurePlayer(ctx, guestOf("bob"), []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"linked by a proof whose account is gone": func() error { _, err := b.Link(ctx, guest, annByMail(), []byte("new")); return err },
		"a sign-in by such a proof":               func() error { _, _, err := b.EnsurePlayer(ctx, annByMail(), nil); return err },
		"a sign-up without a password":            func() error { _, err := b.SignUp(ctx, annByMail(), nil, nothingAlong); return err },
	} {
		t.Run(name, func(t *testing.T) { wantError(t, call(), muster.Unauthenticated, "credential.invalid") })
	}
	if _, _, err := b.FindIdentity(ctx, annByMail()); muster.KindOf(err) != muster.NotFound {
		t.Errorf("the address leads somewhere: %v", err)
	}
	if _, hash, err := b.FindIdentity(ctx, guestOf("bob")); err != nil || string(hash) != "secret" {
		t.Errorf("the guest's secret is %q, %v", hash, err)
	}
	if _, err := b.LinkSecret(ctx, guest, annByMail(), muster.LinkedSecret{Hash: []byte("hash"), NewGuest: []byte("new")}); err != nil {
		t.Fatal(err)
	}
	if view, err := b.Link(ctx, guest, annByMail(), nil); err != nil || providers(view) != "guest email" {
		t.Errorf("one's own again: %v, %v", view, err)
	}
}

// The record of a way in begins anew when somebody else gets the address, and may have the
// version that was read of the one before.
func TestNothingIsReplacedInTheRecordOfWhoCameAfter(t *testing.T) {
	ctx := context.Background()
	for name, change := range map[string]func(b *muster.Backend, ann muster.PlayerID) error{
		"a password's hash": func(b *muster.Backend, ann muster.PlayerID) error {
			return b.ReplaceSecret(ctx, ann, annByMail(), muster.NewSecret{Hash: []byte("ann's, dearer"), Was: []byte("ann's")}, nothingAlong)
		},
		"a second factor": func(b *muster.Backend, ann muster.PlayerID) error {
			on := func(context.Context, *muster.SecondFactor) (*muster.SecondFactor, error) {
				return &muster.SecondFactor{}, nil
			}
			_, err := b.ChangeFactor(ctx, ann, annByMail(), muster.FactorChange{Change: on, Along: nothingAlong})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := &between{Store: memory.New(time.Now), key: annsRecord}
			b := waysOver(store)
			ann, err := b.SignUp(ctx, annByMail(), []byte("ann's"), nothingAlong)
			if err != nil {
				t.Fatal(err)
			}
			var next muster.PlayerID
			store.then = func() {
				if err := b.DeleteAccount(ctx, ann); err != nil {
					t.Error(err)
				}
				if next, err = b.SignUp(ctx, annByMail(), []byte("of who came after"), nothingAlong); err != nil {
					t.Error(err)
				}
			}
			wantError(t, change(b, ann), muster.NotFound, "player.not_found")
			if owner, hash, err := b.FindIdentity(ctx, annByMail()); err != nil || owner != next || string(hash) != "of who came after" {
				t.Errorf("the address leads to %s with %q, %v; want %s", owner, hash, err, next)
			}
			if way, err := b.FindWay(ctx, annByMail()); err != nil || way.Factor != nil {
				t.Errorf("it has the second factor %v, %v", way.Factor, err)
			}
		})
	}
}
