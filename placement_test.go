package muster_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"muster"
	"muster/store/memory"
)

func TestPlacementsEndOnceWhateverIsHeard(t *testing.T) {
	ctx := context.Background()
	cases := []struct {
		name   string
		ends   []muster.PlacementStatus // in the order in which the news come
		status muster.PlacementStatus
		code   string
	}{
		{"fulfilled", []muster.PlacementStatus{muster.PlacementFulfilled}, muster.PlacementFulfilled, ""},
		{"fulfilled, told twice", []muster.PlacementStatus{muster.PlacementFulfilled, muster.PlacementFulfilled}, muster.PlacementFulfilled, ""},
		{"a failure that comes late changes nothing", []muster.PlacementStatus{muster.PlacementFulfilled, muster.PlacementFailed}, muster.PlacementFulfilled, ""},
		{"failed", []muster.PlacementStatus{muster.PlacementFailed, muster.PlacementFulfilled}, muster.PlacementFailed, "placement.failed"},
		{"timed out", []muster.PlacementStatus{muster.PlacementTimedOut}, muster.PlacementTimedOut, "placement.no_server"},
		{"cancelled", []muster.PlacementStatus{muster.PlacementCancelled}, muster.PlacementCancelled, "placement.cancelled"},
		{"pending is no news", []muster.PlacementStatus{muster.PlacementPending}, muster.PlacementPending, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := lobby(nil)
			ann := r.guest("ann")
			r.lift.manual = true
			made := must[muster.SessionPlacementView](t)(r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"}))
			r.inbox.take()
			for _, status := range c.ends {
				snap := muster.PlacementSnapshot{Placement: made.ID, Status: status}
				if status == muster.PlacementFulfilled {
					snap.Session, snap.Port, snap.Seats = "arn:aws:gamelift:us-west-2::gamesession/fleet-1/custom-local/x", 1, map[muster.PlayerID]muster.SeatID{"someone": "psess-2", ann: "psess-1"}
					r.lift.seats["psess-1"] = &muster.SeatState{Seat: "psess-1", Player: ann, Live: true}
				}
				if err := r.ApplyPlacement(ctx, muster.PlacementEvent{ID: "e", PlacementSnapshot: snap}); err != nil {
					t.Fatal(err)
				}
			}
			view := must[muster.SessionPlacementView](t)(r.Placement(ctx, ann, made.ID))
			if view.Status != c.status || (view.Reason == nil) != (c.code == "") || view.Reason != nil && view.Reason.Code != c.code {
				t.Errorf("the placement is %+v", view)
			}
			_, err := r.Seat(ctx, ann)
			if seated := err == nil; seated != (c.status == muster.PlacementFulfilled) {
				t.Errorf("seated is %t: %v", seated, err)
			}
			told := r.inbox.take()
			if want := map[bool]int{true: 1, false: 0}[c.status.Final()]; len(told) != want {
				t.Errorf("%d notices, want %d: %+v", len(told), want, told)
			}
			for _, n := range told {
				if n.Player != ann || n.Type != "placement" {
					t.Errorf("told %+v", n)
				}
			}
		})
	}
	t.Run("events of placements that are not ours are skipped", func(t *testing.T) {
		r := lobby(nil)
		for _, id := range []muster.PlacementID{"", "0199c0de-0000-7000-8000-000000000001", "room-unknown", "match-unknown"} {
			ev := muster.PlacementEvent{ID: "e", PlacementSnapshot: muster.PlacementSnapshot{Placement: id, Status: muster.PlacementFailed}}
			if err := r.ApplyPlacement(ctx, ev); err != nil {
				t.Errorf("%q: %v", id, err)
			}
		}
	})
}

// TestAPlacementIsSettledWithoutEvents plays what can become of a request when no event
// ever comes.
func TestAPlacementIsSettledWithoutEvents(t *testing.T) {
	ctx := context.Background()
	cases := []struct {
		name   string
		start  func() (bool, error)
		code   string // of the call's own error
		then   func(r *rig, id muster.PlacementID)
		status muster.PlacementStatus
		asks   int
	}{
		{"the reconciler hears that it was fulfilled", nil, "", func(r *rig, _ muster.PlacementID) { r.lift.takePlaced() }, muster.PlacementFulfilled, 1},
		{"a lost answer changes nothing", func() (bool, error) { return true, errDown }, "", nil, muster.PlacementFulfilled, 1},
		{"a lost request is made again", func() (bool, error) { return false, errDown }, "", func(r *rig, _ muster.PlacementID) { r.lift.placeErr = nil }, muster.PlacementFulfilled, 2},
		{"a request that is lost again and again fails in the end", func() (bool, error) { return false, errDown }, "", nil, muster.PlacementFailed, 6},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := lobby(nil)
			ann := r.guest("ann")
			r.lift.placeErr = c.start
			made := must[muster.SessionPlacementView](t)(r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"}))
			if c.then != nil {
				c.then(r, made.ID)
			}
			r.lift.takePlaced()
			r.sweep(t, 100*time.Second)
			view := must[muster.SessionPlacementView](t)(r.Placement(ctx, ann, made.ID))
			if view.Status != c.status || r.lift.asks != c.asks {
				t.Errorf("the placement is %+v after %d tries, want %s after %d", view, r.lift.asks, c.status, c.asks)
			}
			_, err := r.Seat(ctx, ann)
			if (err == nil) != (c.status == muster.PlacementFulfilled) {
				t.Errorf("the seat: %v", err)
			}
			r.sweep(t, 30*time.Second)
			r.leavesNothing(t, "DUE#placement")
		})
	}
	t.Run("a refusal frees the player at once", func(t *testing.T) {
		r := lobby(nil)
		ann := r.guest("ann")
		r.lift.placeErr = func() (bool, error) { return false, muster.Errorf(muster.Invalid, "gamelift.invalid_request", "no") }
		_, err := r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"})
		wantError(t, err, muster.Invalid, "gamelift.invalid_request")
		r.start(t, ann, duel())
	})
	t.Run("while GameLift is down nothing is decided", func(t *testing.T) {
		r := lobby(nil)
		ann := r.guest("ann")
		r.lift.down = true
		made := must[muster.SessionPlacementView](t)(r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"}))
		for range 40 {
			r.clock.advance(5 * time.Second)
			_ = r.Reconcile(ctx) // it says that GameLift is down
		}
		if view := must[muster.SessionPlacementView](t)(r.Placement(ctx, ann, made.ID)); view.Status != muster.PlacementPending {
			t.Errorf("the placement is %+v", view)
		}
		r.lift.down = false
		r.sweep(t, 30*time.Second)
		if view := must[muster.SessionPlacementView](t)(r.Placement(ctx, ann, made.ID)); view.Status != muster.PlacementFailed {
			t.Errorf("the placement is %+v, want it lost", view)
		}
	})
}

func TestCancellingAPlacement(t *testing.T) {
	ctx := context.Background()
	begin := func(t *testing.T) (*rig, muster.PlayerID, muster.PlacementID) {
		r := lobby(nil)
		r.lift.manual = true
		ann := r.guest("ann")
		return r, ann, must[muster.SessionPlacementView](t)(r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"})).ID
	}
	t.Run("frees the player", func(t *testing.T) {
		r, ann, id := begin(t)
		view := must[muster.SessionPlacementView](t)(r.CancelPlacement(ctx, ann, id))
		if view.Status != muster.PlacementCancelled {
			t.Errorf("the placement is %+v", view)
		}
		again := must[muster.SessionPlacementView](t)(r.CancelPlacement(ctx, ann, id))
		if again.Version != view.Version {
			t.Error("cancelling twice changed something")
		}
		r.start(t, ann, duel())
	})
	t.Run("that was fulfilled meanwhile gives the seat", func(t *testing.T) {
		r, ann, id := begin(t)
		r.lift.endPlacement(id, muster.PlacementFulfilled)
		view := must[muster.SessionPlacementView](t)(r.CancelPlacement(ctx, ann, id))
		if view.Status != muster.PlacementFulfilled || view.Seat == nil {
			t.Errorf("the placement is %+v", view)
		}
	})
	t.Run("that never arrived does not bring it back", func(t *testing.T) {
		r := lobby(nil)
		ann := r.guest("ann")
		r.lift.placeErr = func() (bool, error) { return false, errDown }
		id := must[muster.SessionPlacementView](t)(r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"})).ID
		r.lift.placeErr = nil
		must[muster.SessionPlacementView](t)(r.CancelPlacement(ctx, ann, id))
		r.sweep(t, 60*time.Second)
		if view := must[muster.SessionPlacementView](t)(r.Placement(ctx, ann, id)); view.Status != muster.PlacementCancelled || r.lift.asks != 1 {
			t.Errorf("the placement is %+v after %d tries", view, r.lift.asks)
		}
	})
	t.Run("is refused while GameLift is down", func(t *testing.T) {
		r, ann, id := begin(t)
		r.lift.down = true
		_, err := r.CancelPlacement(ctx, ann, id)
		wantError(t, err, muster.Unavailable, "gamelift.unavailable")
	})
	t.Run("of another is not found", func(t *testing.T) {
		r, _, id := begin(t)
		for _, stranger := range []muster.PlayerID{r.guest("eve"), ""} {
			_, err := r.CancelPlacement(ctx, stranger, id)
			wantError(t, err, muster.NotFound, "placement.not_found")
			_, err = r.Placement(ctx, stranger, id)
			wantError(t, err, muster.NotFound, "placement.not_found")
			_, err = r.WaitPlacement(ctx, stranger, id, -1, time.Second)
			wantError(t, err, muster.NotFound, "placement.not_found")
		}
	})
}

func TestWaitingForAPlacement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, ctx := lobby(nil), context.Background()
		ann := r.guest("ann")
		r.lift.manual = true
		made := must[muster.SessionPlacementView](t)(r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"}))
		answer := make(chan muster.SessionPlacementView)
		go func() {
			view, _ := r.WaitPlacement(ctx, ann, made.ID, made.Version, 20*time.Second) // the view says it
			answer <- view
		}()
		synctest.Wait()
		r.lift.endPlacement(made.ID, muster.PlacementFulfilled)
		if err := r.deliverPlaced(); err != nil {
			t.Fatal(err)
		}
		if view := <-answer; view.Status != muster.PlacementFulfilled || view.Seat == nil {
			t.Errorf("the waiter got %+v", view)
		}
	})
}

// A placement may expire between two reads of one call. Its news are then nobody's any more.
func TestNewsOfAPlacementThatExpiresMeanwhileAreSkipped(t *testing.T) {
	ctx := context.Background()
	const id = muster.PlacementID("match-0934e4a0904fcaad5bccc67e4400b517")
	key := muster.Key{Partition: "PL#" + string(id), Sort: "META"}
	inner := memory.New(time.Now)
	if err := inner.Write(ctx, muster.Op{Kind: muster.Put, Key: key, Value: []byte(`{"id":"` + string(id) + `","status":"pending"}`)}); err != nil {
		t.Fatal(err)
	}
	gone := false
	b := waysOver(&between{Store: inner, key: key, then: func() {
		if err := inner.Write(ctx, muster.Op{Kind: muster.Delete, Key: key, Version: muster.AnyVersion}); err != nil {
			t.Error(err)
		}
		gone = true
	}})
	err := b.ApplyPlacement(ctx, muster.PlacementEvent{ID: "e", PlacementSnapshot: muster.PlacementSnapshot{Placement: id, Status: muster.PlacementTimedOut}})
	if err != nil || !gone {
		t.Errorf("gone is %t, the news: %v", gone, err)
	}
}
