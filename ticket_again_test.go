package muster_test

import (
	"context"
	"testing"

	"muster"
)

// lostStart is a rig with a ticket of which GameLift was never told.
func lostStart(t *testing.T) (r *rig, ann muster.PlayerID, id muster.TicketID) {
	t.Helper()
	r = newRig(false)
	ann = r.guest("ann")
	r.lift.startErr = func() (bool, error) { return false, errDown }
	id = r.start(t, ann, duel()).ID
	r.lift.startErr = nil
	return r, ann, id
}

func TestATicketWhoseRequestWasLost(t *testing.T) {
	ctx := context.Background()
	look := func(t *testing.T, r *rig) {
		t.Helper()
		r.clock.advance(firstLook)
		if err := r.Reconcile(ctx); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("is started again as it was, and makes a match", func(t *testing.T) {
		r, ann, id := lostStart(t)
		look(t, r)
		bob := r.guest("bob")
		r.start(t, bob, duel())
		r.mustDeliver(t)
		for _, p := range []muster.PlayerID{ann, bob} {
			must[muster.SeatView](t)(r.Seat(ctx, p))
		}
		if told := r.lift.tickets[id].players; len(told) != 1 || len(told[0].Attributes) != 2 {
			t.Errorf("GameLift was told %+v", told)
		}
	})
	t.Run("is started again once, whoever looks", func(t *testing.T) {
		r, _, _ := lostStart(t)
		starts := 0
		r.lift.startErr = func() (bool, error) { starts++; return true, nil }
		for range 5 {
			look(t, r)
			if err := r.Reconcile(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if starts != 1 {
			t.Errorf("GameLift was told %d times more, want once", starts)
		}
	})
	t.Run("is cancelled by its player all the same", func(t *testing.T) {
		r, ann, id := lostStart(t)
		r.clock.advance(firstLook)
		view := must[muster.TicketView](t)(r.CancelTicket(ctx, ann, id))
		if view.Status != muster.Cancelled {
			t.Errorf("the ticket is %+v", view)
		}
		look(t, r)
		if r.lift.tickets[id] != nil {
			t.Error("GameLift was told of a cancelled ticket")
		}
		r.start(t, ann, duel())
	})
	t.Run("is not undone when the first request comes after the second and is refused", func(t *testing.T) {
		r := newRig(false)
		ann := r.guest("ann")
		slow := true
		r.lift.startErr = func() (bool, error) {
			if slow { // the request is under way while the reconciler looks
				slow = false
				look(t, r)
			}
			return true, nil
		}
		view, created, err := r.StartTicket(ctx, ann, duel(), "")
		if err != nil || !created {
			t.Fatal(created, err)
		}
		r.mustDeliver(t)
		if now := must[muster.TicketView](t)(r.Ticket(ctx, ann, view.ID)); now.Status != muster.Searching {
			t.Errorf("the ticket is %+v, GameLift searches", now)
		}
	})
}
