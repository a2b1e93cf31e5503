package muster_test

import (
	"testing"
	"time"

	"muster"
)

func TestATicketWhoseArrivalWasNotHeardOfEndsAtOnceToo(t *testing.T) {
	r := newRig(false)
	ann := r.guest("ann")
	gone := r.start(t, ann, muster.TicketRequest{Mode: "duel"}).ID // no event comes
	if view := must[muster.TicketView](t)(r.Ticket(t.Context(), ann, gone)); view.Status != muster.Queued {
		t.Fatalf("the ticket is %s already", view.Status)
	}
	r.clock.advance(time.Second)
	delete(r.lift.tickets, gone)
	if err := r.LoseTickets(t.Context(), r.clock.now()); err != nil {
		t.Fatal(err)
	}
	if view := must[muster.TicketView](t)(r.Ticket(t.Context(), ann, gone)); view.Status != muster.Failed {
		t.Errorf("the ticket is %s", view.Status)
	}
}

func TestTicketsThatANewGameLiftDoesNotKnowEndAtOnce(t *testing.T) {
	ctx := t.Context()
	r := newRig(false)
	ann, gone := r.queue(t, "ann", "duel")
	bob, known := r.queue(t, "bob", "duel")
	r.clock.advance(time.Second)
	started := r.clock.now()
	r.clock.advance(time.Second)
	cat, young := r.queue(t, "cat", "duel")
	delete(r.lift.tickets, gone)
	delete(r.lift.tickets, young)

	for range 2 { // once more changes nothing
		if err := r.LoseTickets(ctx, started); err != nil {
			t.Fatal(err)
		}
	}
	lost := must[muster.TicketView](t)(r.Ticket(ctx, ann, gone))
	if lost.Status != muster.Failed || lost.Reason == nil || lost.Reason.Code != "ticket.lost" {
		t.Errorf("the lost ticket is %+v", lost)
	}
	if me := must[muster.PlayerView](t)(r.Me(ctx, ann)); me.Activity != nil {
		t.Errorf("ann is held by %+v", *me.Activity)
	}
	for p, id := range map[muster.PlayerID]muster.TicketID{bob: known, cat: young} {
		if view := must[muster.TicketView](t)(r.Ticket(ctx, p, id)); view.Status != muster.Searching {
			t.Errorf("ticket %s is %s", id, view.Status)
		}
	}
}
