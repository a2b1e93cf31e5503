package muster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"muster"
)

// takenBack is one call to take mails back.
type takenBack struct {
	owner  muster.MailOwner
	before time.Time
}

func TestTheMailsOfADeletedPlayerAreTakenBackUntilItIsDone(t *testing.T) {
	ctx := context.Background()
	var calls []takenBack
	var fault error
	r := newRigWith(false, func(o *muster.Options) {
		o.TakeBackMails = func(_ context.Context, owner muster.MailOwner, before time.Time) error {
			calls = append(calls, takenBack{owner, before})
			return fault
		}
	})
	ann := must[muster.PlayerID](t)(r.SignUp(ctx, annByMail(), []byte("hash"), nothingAlong))
	other := r.guest("other")
	_ = must[muster.LinksView](t)(r.Merge(ctx, ann, other, nil))
	r.erase(t)
	if len(calls) != 0 {
		t.Errorf("a merge takes back %v", calls)
	}
	deleted := r.clock.now()
	if err := r.DeleteAccount(ctx, ann); err != nil {
		t.Fatal(err)
	}
	fault = errors.New("the store is away")
	if err := r.ErasePlayers(ctx); err == nil {
		t.Error("a purge goes on without the mails")
	}
	fault, calls = nil, nil
	r.clock.advance(2 * time.Minute)
	r.erase(t)
	ofAnn, ofOther := takenBack{muster.MailOfPlayer(ann), time.Time{}}, takenBack{muster.MailOfPlayer(other), time.Time{}}
	address := takenBack{muster.MailOfAddress("ann@example.com"), deleted}
	for _, want := range []takenBack{ofAnn, ofOther, address} {
		if !slices.Contains(calls, want) {
			t.Errorf("%v is not among %v", want, calls)
		}
	}
	if left := r.traces(t, "ann@example.com", string(address.owner)); len(left) != 0 {
		t.Errorf("the address stands in %q", left)
	}
	calls = nil
	r.clock.advance(25 * time.Hour)
	r.erase(t)
	if !slices.Contains(calls, ofAnn) || !slices.Contains(calls, ofOther) || slices.Contains(calls, address) {
		t.Errorf("a later look takes back %v", calls)
	}
	calls = nil
	for range 10 {
		r.clock.advance(25 * time.Hour)
		r.erase(t)
	}
	if len(calls) != 0 {
		t.Errorf("the looks after that take back %v", calls)
	}
}

func TestOfThePassesOfAPurgeTheFirstAloneTakesMailsBack(t *testing.T) {
	for name, matches := range map[string]int{"one pass": 1, "three passes": 120} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			calls := 0
			r := newRigWith(false, func(o *muster.Options) {
				o.TakeBackMails = func(context.Context, muster.MailOwner, time.Time) error { calls++; return nil }
			})
			ann := r.guest("ann")
			for i := range matches {
				key := muster.Key{Partition: muster.PlayerPartition(ann), Sort: fmt.Sprintf("MR#2026-03-01T12:00:00.%03dZ#session-%d", i, i)}
				if err := r.store.Write(ctx, muster.Op{Kind: muster.Put, Key: key, Value: []byte(`{}`)}); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.DeleteAccount(ctx, ann); err != nil {
				t.Fatal(err)
			}
			if err := r.ErasePlayers(ctx); err != nil {
				t.Fatal(err)
			}
			r.erase(t)
			if left := r.traces(t, "session-"); len(left) != 0 || calls != 1 {
				t.Errorf("%d matches are left after %d calls, want none after one", len(left), calls)
			}
		})
	}
}
