package muster_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"muster"
)

// onGet is a store that calls a test before it answers a Get.
type onGet struct {
	muster.Store
	hook func(muster.Key)
}

func (s *onGet) Get(ctx context.Context, key muster.Key) (muster.Record, error) {
	rec, err := s.Store.Get(ctx, key)
	s.hook(key)
	return rec, err
}

func TestARecountDoesNotBringADeletedPlayerBack(t *testing.T) {
	ctx := context.Background()
	r := league(muster.Competition{})
	ann, bob, cyd := r.guest("ann"), r.guest("bob"), r.guest("cyd")
	first := r.duelled(t, ann, bob)
	r.clock.advance(time.Minute)
	r.duelled(t, bob, cyd)
	r.clock.advance(time.Minute)
	must[muster.AdminResultView](t)(r.VoidResult(ctx, first, disputed))
	var armed atomic.Bool
	armed.Store(true)
	slow := &onGet{Store: r.store, hook: func(key muster.Key) {
		// The recount has read the result. Before it writes it, the player is erased.
		if key.Sort != "RESULT" || !strings.Contains(key.Partition, string(first)) || !armed.CompareAndSwap(true, false) {
			return
		}
		if err := r.DeleteAccount(ctx, ann); err != nil {
			t.Error(err)
		}
		if err := r.ErasePlayers(ctx); err != nil {
			t.Error(err)
		}
	}}
	if err := r.replica(muster.Competition{}, slow, r.clock.now).Recount(ctx); err != nil || armed.Load() {
		t.Fatalf("the recount: %v; nobody was deleted: %t", err, armed.Load())
	}
	r.wantReplayed(t)
	for range 31 {
		r.clock.advance(24 * time.Hour)
		r.erase(t)
		if err := r.Reconcile(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if left := r.traces(t, string(ann)); len(left) > 0 {
		t.Errorf("a month after the deletion the player is in %q", left)
	}
}
