package muster_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"muster"
)

func TestThePlatformsOfADeletedPlayerAreTold(t *testing.T) {
	ctx := context.Background()
	down := true
	var told []muster.Identity
	r := newRigWith(false, func(o *muster.Options) {
		o.TakeBack = func(_ context.Context, id muster.Identity) error {
			if down && id.Provider == "apple" {
				return errors.New("down")
			}
			told = append(told, id)
			return nil
		}
	})
	apple, google := muster.Identity{Provider: "apple", Subject: "apple-ann"}, muster.Identity{Provider: "google", Subject: "google-ann"}
	ann, _, err := r.EnsurePlayer(ctx, apple, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []muster.Identity{google, {Provider: "steam", Subject: "steam-ann"}} {
		if _, err := r.Link(ctx, ann, id, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Unlink(ctx, ann, "steam", false); err != nil {
		t.Fatal(err)
	}
	if err := r.DeleteAccount(ctx, ann); err != nil {
		t.Fatal(err)
	}
	erase := func(after time.Duration) {
		t.Helper()
		r.clock.advance(after)
		if err := r.ErasePlayers(ctx); err != nil {
			t.Fatal(err)
		}
	}
	erase(time.Second)
	if !slices.Equal(told, []muster.Identity{google}) {
		t.Fatalf("told are %v", told)
	}
	if left := r.traces(t, "google-ann"); len(left) != 0 {
		t.Errorf("who was told of is still in %v", left)
	}
	down = false
	erase(30 * time.Minute)
	if !slices.Equal(told, []muster.Identity{google, apple}) {
		t.Errorf("told are %v", told)
	}
	erase(26 * time.Hour)
	if len(told) != 2 {
		t.Errorf("told twice: %v", told)
	}
	if left := r.traces(t, "apple-ann"); len(left) != 0 {
		t.Errorf("who was told of is still in %v", left)
	}
}
