package muster_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"muster"
)

func TestTwoWhoMergeIntoEachOtherAtOnceAreOne(t *testing.T) {
	ctx := context.Background()
	var armed atomic.Bool
	var r *rig
	var ann, bob muster.PlayerID
	r, ann, bob, _ = mergers(t, func(o *muster.Options) {
		store := o.Store
		o.Store = &onGet{Store: store, hook: func(key muster.Key) {
			// The first merge has read into whom. Before it reads who, the other way is done.
			if key.Sort == "A" && strings.Contains(key.Partition, string(ann)) && armed.CompareAndSwap(true, false) {
				_ = must[muster.LinksView](t)(r.Merge(ctx, bob, ann, nil))
				_ = must[muster.LinksView](t)(r.Unlink(ctx, bob, "steam", true)) // else both seem to have it
			}
		}}
	})
	armed.Store(true)
	_, err := r.Merge(ctx, ann, bob, nil)
	wantKind(t, "the slower merge", err, muster.NotFound)
	if armed.Load() {
		t.Fatal("nothing came in between")
	}
	if view := must[muster.LinksView](t)(r.Links(ctx, bob)); len(view.Merged) != 1 || view.Merged[0].ID != ann {
		t.Errorf("the faster merge left %+v", view)
	}
	r.wantLinked(t, by("discord"), bob)
}
