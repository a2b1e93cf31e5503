package muster_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"muster"
)

func TestTheInviteOfTheYoungestAccountGivesWay(t *testing.T) {
	r, ctx := newRig(false), context.Background()
	eve := r.guest("eve")
	var last muster.PartyView
	for i := range 25 {
		view, ids := r.party(t, "squad", fmt.Sprint("host", i))
		must[muster.PartyView](t)(r.Invite(ctx, ids[0], eve))
		last = view
	}
	list := must[[]muster.InviteView](t)(r.Invites(ctx, eve))
	if len(list) != 20 || list[19].PartyID != last.ID || list[0].From != r.guest("host0") || list[18].From != r.guest("host18") {
		t.Errorf("eve has %d invites: %+v", len(list), list)
	}
	must[muster.PartyView](t)(r.AcceptInvite(ctx, eve, last.ID))
}

func TestWhoDeclinedIsNotAskedAgainByTheSameSender(t *testing.T) {
	r, ctx := newRig(false), context.Background()
	eve, ann, bob := r.guest("eve"), r.guest("ann"), r.guest("bob")
	first := must[muster.PartyView](t)(r.CreateParty(ctx, eve, muster.PartySettings{}))
	must[muster.PartyView](t)(r.Invite(ctx, eve, ann))
	r.inbox.take()
	if err := r.DeclineInvite(ctx, ann, first.ID); err != nil {
		t.Fatal(err)
	}
	if list, was := told[muster.InviteNews](r.inbox.take(), "invites")[ann]; !was || len(list.Invites) != 0 {
		t.Errorf("ann, who declined, is told %+v", list)
	}
	for range 5 {
		if err := r.LeaveParty(ctx, eve); err != nil {
			t.Fatal(err)
		}
		must[muster.PartyView](t)(r.CreateParty(ctx, eve, muster.PartySettings{}))
		_, err := r.Invite(ctx, eve, ann)
		wantError(t, err, muster.Conflict, "party.invite_declined")
	}
	if _, was := told[muster.InviteNews](r.inbox.take(), "invites")[ann]; was {
		t.Error("ann was told of an invite of whom she declined")
	}
	must[muster.PartyView](t)(r.CreateParty(ctx, bob, muster.PartySettings{}))
	must[muster.PartyView](t)(r.Invite(ctx, bob, ann))
	r.clock.advance(15 * time.Minute)
	must[muster.PartyView](t)(r.Invite(ctx, eve, ann))
}

func TestInvitesOfOneSenderAreCounted(t *testing.T) {
	r, ctx := newRig(false), context.Background()
	eve := r.guest("eve")
	must[muster.PartyView](t)(r.CreateParty(ctx, eve, muster.PartySettings{}))
	for i := range 20 {
		who := r.guest(fmt.Sprint("guest-", i))
		must[muster.PartyView](t)(r.Invite(ctx, eve, who))
		must[muster.PartyView](t)(r.WithdrawInvite(ctx, eve, who))
	}
	r.clock.advance(20 * time.Second)
	_, err := r.Invite(ctx, eve, r.guest("zoe"))
	wantError(t, err, muster.Exhausted, "party.inviting_too_fast")
	_, err = r.Invite(ctx, r.guest("bob"), r.guest("zoe"))
	wantError(t, err, muster.NotFound, "party.none") // others may
	r.clock.advance(40 * time.Second)
	must[muster.PartyView](t)(r.Invite(ctx, eve, r.guest("zoe")))
}

func TestADeletedPlayerIsInNobodysInvites(t *testing.T) {
	r, ctx := newRig(false), context.Background()
	ann, bob, eve := r.guest("ann"), r.guest("bob"), r.guest("eve")
	for _, host := range []muster.PlayerID{ann, bob} {
		must[muster.PartyView](t)(r.CreateParty(ctx, host, muster.PartySettings{}))
		must[muster.PartyView](t)(r.Invite(ctx, host, eve))
	}
	if err := r.DeclineInvite(ctx, eve, must[muster.PartyView](t)(r.Party(ctx, ann)).ID); err != nil {
		t.Fatal(err)
	}
	if err := r.DeleteAccount(ctx, eve); err != nil {
		t.Fatal(err)
	}
	r.clock.advance(time.Minute)
	if err := r.ErasePlayers(ctx); err != nil {
		t.Fatal(err)
	}
	_ = r.store.Scan(ctx, func(page []muster.Record) error {
		for _, rec := range page {
			if strings.HasPrefix(rec.Partition, "PTY#") && strings.Contains(string(rec.Value), string(eve)) {
				t.Errorf("the deleted player stands in %s: %s", rec.Partition, rec.Value)
			}
		}
		return nil
	})
}
