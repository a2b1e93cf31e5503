package muster_test

import (
	"context"
	"fmt"
	"testing"

	"muster"
)

// invitesTo is whether a player's list has an invite of a party.
func (r *rig) invitesTo(t *testing.T, p muster.PlayerID, id muster.PartyID) bool {
	t.Helper()
	for _, i := range must[[]muster.InviteView](t)(r.Invites(context.Background(), p)) {
		if i.PartyID == id {
			return true
		}
	}
	return false
}

func TestNewAccountsWashOutTheirOwnInvites(t *testing.T) {
	r, ctx := newRig(false), context.Background()
	bob, friend := r.guest("bob"), r.guest("friend")
	party := must[muster.PartyView](t)(r.CreateParty(ctx, friend, muster.PartySettings{}))
	must[muster.PartyView](t)(r.Invite(ctx, friend, bob))
	for i := range 25 {
		_, ids := r.party(t, "squad", fmt.Sprint("throw-away", i))
		must[muster.PartyView](t)(r.Invite(ctx, ids[0], bob))
	}
	if !r.invitesTo(t, bob, party.ID) {
		t.Error("the friend's invite is gone")
	}
}

func TestAnInviteThatGaveWayIsPutBack(t *testing.T) {
	r, ctx := newRig(false), context.Background()
	bob, friend := r.guest("bob"), r.guest("friend")
	first := must[muster.PartyView](t)(r.CreateParty(ctx, friend, muster.PartySettings{}))
	must[muster.PartyView](t)(r.Invite(ctx, friend, bob))
	ops := func(key muster.Key) muster.Op {
		rec := must[muster.Record](t)(r.store.Get(ctx, key))
		return muster.Op{Kind: muster.Put, Key: key, Value: []byte(`{"invites":[]}`), Version: rec.Version, ExpiresAt: rec.ExpiresAt}
	}
	if err := r.store.Write(ctx, ops(muster.Key{Partition: muster.PlayerPartition(bob), Sort: "INVITES"})); err != nil {
		t.Fatal(err)
	}
	must[muster.PartyView](t)(r.Invite(ctx, friend, bob))
	if !r.invitesTo(t, bob, first.ID) {
		t.Error("the second invite did nothing")
	}
}
