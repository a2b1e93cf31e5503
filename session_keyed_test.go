package muster_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
)

func TestAGameServerMayRepeatItself(t *testing.T) {
	ctx := context.Background()
	req := muster.SessionRequest{Mode: "lobby", Name: "arena", Private: true}
	t.Run("the same key and request give the same session", func(t *testing.T) {
		r := lobby(nil)
		first, created, err := r.CreateServerSession(ctx, req, "k")
		if err != nil || !created {
			t.Fatalf("%+v, %t, %v", first, created, err)
		}
		if err := r.deliverPlaced(); err != nil {
			t.Fatal(err)
		}
		r.clock.advance(23 * time.Hour)
		again, created, err := r.CreateServerSession(ctx, req, "k")
		if err != nil || created || again.ID != first.ID || again.Code != first.Code || again.Status != muster.PlacementFulfilled {
			t.Errorf("again it is %+v, new: %t (%v)", again, created, err)
		}
		other, created, err := r.CreateServerSession(ctx, req, "l")
		if err != nil || !created || other.ID == first.ID || r.lift.asks != 2 {
			t.Errorf("with another key it is %+v, new: %t (%v), after %d requests", other, created, err, r.lift.asks)
		}
		r.clock.advance(3 * time.Hour)
		if later, created, err := r.CreateServerSession(ctx, req, "k"); err != nil || !created || later.ID == first.ID {
			t.Errorf("a day later it is %+v, new: %t (%v)", later, created, err)
		}
	})
	t.Run("the key of another request is refused", func(t *testing.T) {
		r := lobby(nil)
		if _, _, err := r.CreateServerSession(ctx, req, "k"); err != nil {
			t.Fatal(err)
		}
		_, _, err := r.CreateServerSession(ctx, muster.SessionRequest{Mode: "lobby"}, "k")
		wantError(t, err, muster.Conflict, "request.idempotency_reused")
		_, _, err = r.CreateServerSession(ctx, req, strings.Repeat("k", 129))
		wantError(t, err, muster.Invalid, "request.idempotency_key")
	})
	t.Run("what GameLift refused may be tried again", func(t *testing.T) {
		r := lobby(nil)
		r.lift.placeErr = func() (bool, error) { return false, muster.Errorf(muster.Invalid, "gamelift.invalid", "no") }
		_, _, err := r.CreateServerSession(ctx, req, "k")
		wantError(t, err, muster.Invalid, "gamelift.invalid")
		r.lift.placeErr = nil
		made, created, err := r.CreateServerSession(ctx, req, "k")
		if err != nil || !created {
			t.Fatalf("%+v, %t, %v", made, created, err)
		}
		again, created, err := r.CreateServerSession(ctx, req, "k")
		if err != nil || created || again.ID != made.ID {
			t.Errorf("again it is %+v, new: %t (%v)", again, created, err)
		}
	})
	t.Run("at the same time only one is made", func(t *testing.T) {
		r := lobby(nil)
		const callers = 8
		var ids [callers]muster.PlacementID
		var fresh [callers]bool
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				view, created, err := r.CreateServerSession(ctx, req, "k")
				if err != nil {
					t.Error(err)
				}
				ids[i], fresh[i] = view.ID, created
			})
		}
		wg.Wait()
		made := 0
		for i := range callers {
			if fresh[i] {
				made++
			}
			if ids[i] != ids[0] {
				t.Errorf("%s and %s were made", ids[i], ids[0])
			}
		}
		if made != 1 || r.lift.asks != 1 {
			t.Errorf("%d were made, and GameLift was asked %d times", made, r.lift.asks)
		}
	})
}
