package muster_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"muster"
)

func TestLeavingInTheQueue(t *testing.T) {
	ctx := context.Background()
	t.Run("takes the party out of it", func(t *testing.T) {
		r := newRig(false)
		_, ids := r.party(t, "squad", "ann", "bob", "cat")
		ticket := r.start(t, ids[0], squadTicket("squad"))
		r.mustDeliver(t)
		r.inbox.take()
		if err := r.LeaveParty(ctx, ids[0]); err != nil {
			t.Fatal(err)
		}
		notices := r.inbox.take()
		for _, p := range ids {
			if v := told[muster.TicketView](notices, "ticket")[p]; v.ID != ticket.ID || v.Status != muster.Cancelled {
				t.Errorf("%s was told of ticket %+v", p, v)
			}
			if me := must[muster.PlayerView](t)(r.Me(ctx, p)); me.Activity != nil {
				t.Errorf("%s is in %+v", p, *me.Activity)
			}
		}
		news := told[muster.PartyNews](notices, "party")
		if out, told := news[ids[0]]; !told || out.Party != nil {
			t.Errorf("who left was told %+v", out)
		}
		if v := news[ids[2]].Party; v == nil || v.Leader != ids[1] || len(v.Members) != 2 || v.State != muster.PartyIdle {
			t.Errorf("who stays was told %+v", v)
		}
		r.start(t, ids[1], squadTicket("squad"))
		r.start(t, ids[0], duel())
	})
	t.Run("too late keeps the seat and leaves the party", func(t *testing.T) {
		r := newRig(false)
		_, ids := r.party(t, "squad", "ann", "bob")
		ticket := r.start(t, ids[0], squadTicket("squad"))
		r.mustDeliver(t)
		r.lift.tickets[ticket.ID].Status = muster.Placing
		r.clock.advance(time.Second)
		if err := r.LeaveParty(ctx, ids[1]); err != nil {
			t.Fatal(err)
		}
		_, err := r.Party(ctx, ids[1])
		wantError(t, err, muster.NotFound, "party.none")
		if view := must[muster.PartyView](t)(r.Party(ctx, ids[0])); view.State != muster.PartyQueued || len(view.Members) != 1 {
			t.Errorf("the party is %+v", view)
		}
		r.lift.tickets[ticket.ID].Status = muster.Searching
		r.start(t, r.guest("eve"), squadTicket("squad"))
		r.mustDeliver(t)
		if seat := must[muster.SeatView](t)(r.Seat(ctx, ids[1])); r.lift.seats[seat.PlayerSessionID].Player != ids[1] {
			t.Errorf("who left has the seat %+v", seat)
		}
	})
	t.Run("is refused while nobody knows whether the ticket can be cancelled", func(t *testing.T) {
		r := newRig(false)
		_, ids := r.party(t, "squad", "ann", "bob")
		r.start(t, ids[0], squadTicket("squad"))
		r.lift.down = true
		wantError(t, r.LeaveParty(ctx, ids[1]), muster.Unavailable, "gamelift.unavailable")
		if view := must[muster.PartyView](t)(r.Party(ctx, ids[1])); len(view.Members) != 2 {
			t.Errorf("the party is %+v", view)
		}
		r.lift.down = false
		r.clock.advance(3 * time.Second) // that GameLift is down is remembered for as long
		if err := r.LeaveParty(ctx, ids[1]); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("is refused while the ticket is still on its way to GameLift", func(t *testing.T) {
		r := newRig(false)
		_, ids := r.party(t, "squad", "ann", "bob")
		r.lift.startErr = func() (bool, error) { return false, errDown }
		r.start(t, ids[0], squadTicket("squad"))
		wantError(t, r.LeaveParty(ctx, ids[1]), muster.Unavailable, "party.ticket_unsettled")
		r.clock.advance(firstLook)
		if err := r.LeaveParty(ctx, ids[1]); err != nil {
			t.Errorf("once the ticket is known to be lost: %v", err)
		}
	})
	t.Run("a kick takes the party out of it, too", func(t *testing.T) {
		r := newRig(false)
		before, ids := r.party(t, "squad", "ann", "bob", "cat")
		ticket := r.start(t, ids[0], squadTicket("squad"))
		after := must[muster.PartyView](t)(r.Kick(ctx, ids[0], ids[1]))
		if after.State != muster.PartyIdle || len(after.Members) != 2 || after.Code == before.Code {
			t.Errorf("the party is %+v", after)
		}
		if view := must[muster.TicketView](t)(r.Ticket(ctx, ids[1], ticket.ID)); view.Status != muster.Cancelled {
			t.Errorf("the ticket is %s", view.Status)
		}
		_, err := r.JoinParty(ctx, ids[1], before.Code)
		wantError(t, err, muster.NotFound, "party.no_code")
	})
	t.Run("any member may cancel the ticket and stay", func(t *testing.T) {
		r := newRig(false)
		_, ids := r.party(t, "squad", "ann", "bob")
		ticket := r.start(t, ids[0], squadTicket("squad"))
		must[muster.TicketView](t)(r.CancelTicket(ctx, ids[1], ticket.ID))
		if view := must[muster.PartyView](t)(r.Party(ctx, ids[0])); view.State != muster.PartyIdle || len(view.Members) != 2 {
			t.Errorf("the party is %+v", view)
		}
	})
}

func TestTheLastOneOutEndsTheParty(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	party, ids := r.party(t, "squad", "ann")
	eve := r.guest("eve")
	if _, err := r.Invite(ctx, ids[0], eve); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to leave
		if err := r.LeaveParty(ctx, ids[0]); err != nil {
			t.Fatal(err)
		}
	}
	if list := must[[]muster.InviteView](t)(r.Invites(ctx, eve)); len(list) != 0 {
		t.Errorf("eve is invited to %+v", list)
	}
	_, err := r.JoinParty(ctx, eve, party.Code)
	wantError(t, err, muster.NotFound, "party.no_code")
	_, err = r.AcceptInvite(ctx, eve, party.ID)
	wantError(t, err, muster.NotFound, "party.no_invite")
	for _, rec := range r.all(t) {
		if strings.Contains(rec.Partition+rec.Sort, "PTY#") || strings.HasPrefix(rec.Partition, "CODE#") || rec.Sort == "PARTY" {
			t.Errorf("%s %s is left", rec.Partition, rec.Sort)
		}
	}
}

func TestPartiesEndADayAfterTheirLastChange(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	party, ids := r.party(t, "squad", "ann", "bob")
	for day := range 12 { // past the life of pointers and code
		r.clock.advance(23 * time.Hour)
		if _, err := r.ReportReady(ctx, ids[1], muster.PartyReport{Ready: day%2 == 0}); err != nil {
			t.Fatalf("day %d: %v", day, err)
		}
	}
	if view := must[muster.PartyView](t)(r.JoinParty(ctx, r.guest("cat"), party.Code)); len(view.Members) != 3 {
		t.Errorf("the party is %+v", view)
	}
	r.clock.advance(24 * time.Hour)
	for _, id := range ids {
		_, err := r.Party(ctx, id)
		wantError(t, err, muster.NotFound, "party.none")
	}
	_, err := r.JoinParty(ctx, r.guest("dan"), party.Code)
	wantError(t, err, muster.NotFound, "party.no_code")
	if err := r.LeaveParty(ctx, ids[0]); err != nil {
		t.Errorf("leaving what is over: %v", err)
	}
	must[muster.PartyView](t)(r.CreateParty(ctx, ids[0], muster.PartySettings{}))
	r.start(t, ids[1], squadTicket("squad"))
}

func TestADeletedPlayerIsInNoPartyAndNoList(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	_, ids := r.party(t, "squad", "ann", "bob", "cat")
	other, hosts := r.party(t, "squad", "host")
	must[muster.PartyView](t)(r.Invite(ctx, hosts[0], ids[0]))
	must[muster.PartyView](t)(r.Invite(ctx, ids[0], r.guest("zoe")))
	r.start(t, ids[0], squadTicket("squad"))
	for range 2 {
		if err := r.LeavePartyFor(ctx, ids[0]); err != nil {
			t.Fatal(err)
		}
	}
	for _, rec := range r.all(t) {
		isParty := strings.HasPrefix(rec.Partition, "PTY#") || rec.Sort == "INVITES"
		if isParty && strings.Contains(string(rec.Value), string(ids[0])) {
			t.Errorf("%s %s holds %s", rec.Partition, rec.Sort, rec.Value)
		}
	}
	if list := must[[]muster.InviteView](t)(r.Invites(ctx, r.guest("zoe"))); len(list) != 0 {
		t.Errorf("zoe is still invited: %+v", list)
	}
	if view := must[muster.PartyView](t)(r.Party(ctx, hosts[0])); view.ID != other.ID || len(view.Invites) != 0 {
		t.Errorf("the host's party is %+v", view)
	}
}

func TestAMemberWhoMissesEveryNoticeCatchesUpWithTheParty(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	party, ids := r.party(t, "squad", "ann", "bob", "cat")
	bob, cat, eve := r.looker(t, ids[1]), r.looker(t, ids[2]), r.guest("eve")
	if got := bob.look(); len(got) > 0 {
		t.Errorf("nothing has happened, and missing were %q", got)
	}
	r.start(t, ids[0], squadTicket("squad"))
	if got := strings.Join(bob.look(), " "); got != "party ticket" {
		t.Errorf("the leader started, and missing were %q", got)
	}
	if err := r.LeaveParty(ctx, ids[0]); err != nil {
		t.Fatal(err)
	}
	got := bob.look() // the party and the ticket that was cancelled, in any order
	if len(got) != 2 {
		t.Errorf("the leader left, and missing were %q", got)
	}
	must[muster.PartyView](t)(r.Kick(ctx, ids[1], ids[2]))
	wantNews(t, "cat was removed", cat.look(), "party")
	if len(cat.known) > 0 {
		t.Errorf("cat still follows %v", cat.known)
	}
	if lacking, open, err := r.CatchUp(ctx, eve, muster.Followed{Kind: "party", ID: string(party.ID), Version: 1}); err != nil || open || len(lacking) != 1 || lacking[0].Data.(muster.PartyNews).Party != nil {
		t.Errorf("a stranger is told %+v (%t, %v)", lacking, open, err)
	}
}

// TestNewsOfAPartyAreNotTakenForOld: who keeps players informed drops a notice whose
// followed versions are known already.
func TestNewsOfAPartyAreNotTakenForOld(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	_, ids := r.party(t, "squad", "ann", "bob")
	known := map[string]int64{}
	shown := map[muster.PlayerID]muster.PartyState{}
	hear := func() {
		for _, n := range r.inbox.take() {
			old := len(n.Follow) > 0
			for _, f := range n.Follow {
				key := string(n.Player) + f.Kind + f.ID
				old = old && known[key] >= f.Version
				known[key] = max(known[key], f.Version)
			}
			if news, ok := n.Data.(muster.PartyNews); ok && !old {
				shown[n.Player] = "none"
				if news.Party != nil {
					shown[n.Player] = news.Party.State
				}
			}
		}
	}
	want := func(when string, ann, bob muster.PartyState) {
		t.Helper()
		hear()
		if shown[ids[0]] != ann || shown[ids[1]] != bob {
			t.Errorf("%s: ann is shown %q and bob %q, want %q and %q", when, shown[ids[0]], shown[ids[1]], ann, bob)
		}
	}
	first := r.start(t, ids[0], squadTicket("squad"))
	want("queued", muster.PartyQueued, muster.PartyQueued)
	must[muster.TicketView](t)(r.CancelTicket(ctx, ids[1], first.ID))
	want("cancelled", muster.PartyIdle, muster.PartyIdle)
	r.start(t, ids[0], squadTicket("squad"))
	want("queued again", muster.PartyQueued, muster.PartyQueued)
	r.start(t, r.guest("eve"), squadTicket("squad"))
	r.mustDeliver(t)
	want("matched", muster.PartyPlaying, muster.PartyPlaying)
	if err := r.LeaveParty(ctx, ids[1]); err != nil {
		t.Fatal(err)
	}
	want("bob left", muster.PartyPlaying, "none")
	must[muster.PartyView](t)(r.JoinParty(ctx, ids[1], must[muster.PartyView](t)(r.Party(ctx, ids[0])).Code))
	want("bob came back", muster.PartyPlaying, muster.PartyPlaying)
}
