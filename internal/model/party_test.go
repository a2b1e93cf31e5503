package model

import (
	"context"
	"slices"

	"muster"
)

// partyActions are what players do together. Whoever may not do what they try is
// refused; that is checked elsewhere.
func partyActions() []action {
	refused := []muster.Kind{muster.Conflict, muster.NotFound, muster.Denied, muster.Invalid, muster.Exhausted}
	// each makes an action of a call on behalf of somebody who may be in a party.
	each := func(name string, weight int, do func(w *world, r *replica, p muster.PlayerID) (any, error)) action {
		return action{name, weight, func(w *world, r *replica) {
			p, ok := w.somebody()
			if !ok {
				return
			}
			view, err := do(w, r, p)
			w.allow(err, name, refused...)
			w.shown(p, view)
			if v, isParty := view.(muster.PartyView); isParty && err == nil && v.Code != "" {
				w.codes = append(w.codes, v.Code)
			}
		}}
	}
	ctx := context.Background()
	return []action{
		each("a party is made", 3, func(w *world, r *replica, p muster.PlayerID) (any, error) {
			mode := muster.ModeName("pairs")
			return r.CreateParty(ctx, p, muster.PartySettings{Mode: &mode})
		}),
		each("a party is joined", 5, func(w *world, r *replica, p muster.PlayerID) (any, error) {
			if len(w.codes) == 0 {
				return nil, nil
			}
			return r.JoinParty(ctx, p, w.codes[len(w.codes)-1-w.rand.IntN(min(4, len(w.codes)))])
		}),
		each("a player is invited", 2, func(w *world, r *replica, p muster.PlayerID) (any, error) {
			who, _ := w.somebody()
			return r.Invite(ctx, p, who)
		}),
		each("an invite is answered", 3, func(w *world, r *replica, p muster.PlayerID) (any, error) {
			invites, err := r.Invites(ctx, p)
			if err != nil || len(invites) == 0 {
				return nil, err
			}
			if w.rand.IntN(3) == 0 {
				return nil, r.DeclineInvite(ctx, p, invites[0].PartyID)
			}
			return r.AcceptInvite(ctx, p, invites[0].PartyID)
		}),
		each("a member is ready", 2, func(w *world, r *replica, p muster.PlayerID) (any, error) {
			return r.ReportReady(ctx, p, muster.PartyReport{Ready: w.rand.IntN(4) > 0, LatencyInMs: map[string]int{"custom-local": 20}})
		}),
		each("a party changes", 1, func(w *world, r *replica, p muster.PlayerID) (any, error) {
			open := w.rand.IntN(2) == 0
			return r.ChangeParty(ctx, p, muster.PartySettings{Open: &open})
		}),
		each("the lead is passed", 1, func(w *world, r *replica, p muster.PlayerID) (any, error) {
			to, _ := w.somebody()
			return r.PassLead(ctx, p, to)
		}),
		each("a member is kicked", 1, func(w *world, r *replica, p muster.PlayerID) (any, error) {
			who, _ := w.somebody()
			return r.Kick(ctx, p, who)
		}),
		each("a member leaves", 2, func(w *world, r *replica, p muster.PlayerID) (any, error) {
			return nil, r.LeaveParty(ctx, p)
		}),
	}
}

// checkParties: whoever is in a party is a member of it, and no party is stuck: once its
// members are free, its leader can queue.
func (w *world) checkParties(r *replica) {
	ctx := context.Background()
	done := map[muster.PartyID]bool{}
	for _, p := range w.players {
		view, err := r.Party(ctx, p)
		if muster.KindOf(err) == muster.NotFound && err != nil {
			continue
		}
		w.allow(err, "read a party at rest")
		in := func(m muster.PartyMemberView) bool { return m.PlayerID == p }
		if !slices.ContainsFunc(view.Members, in) {
			w.fail("%s is shown party %s, whose members are %+v", p, view.ID, view.Members)
		}
		if view.State == muster.PartyQueued {
			w.fail("party %s is queued at rest", view.ID)
		}
		if !done[view.ID] && w.free(r, view) {
			done[view.ID] = true
			w.checkPartyQueues(r, view)
		}
	}
}

// free says that no member of a party is doing anything.
func (w *world) free(r *replica, party muster.PartyView) bool {
	for _, m := range party.Members {
		me, err := r.Me(context.Background(), m.PlayerID)
		w.allow(err, "read a member at rest")
		if me.Activity != nil {
			return false
		}
	}
	return true
}

// checkPartyQueues lets a party queue and leave the queue again.
func (w *world) checkPartyQueues(r *replica, party muster.PartyView) {
	ctx := context.Background()
	w.counts["parties"]++
	w.counts["party members"] += len(party.Members)
	view, _, err := r.StartTicket(ctx, party.Leader, muster.TicketRequest{Mode: "pairs"}, "")
	w.allow(err, "queue with a party at rest")
	if err != nil {
		return
	}
	if len(view.Players) != len(party.Members) {
		w.fail("the ticket of party %s has %q, its members are %+v", party.ID, view.Players, party.Members)
	}
	view, err = r.CancelTicket(ctx, party.Leader, view.ID)
	w.allow(err, "cancel the ticket of a party at rest")
	if view.Status != muster.Cancelled {
		w.fail("the ticket of party %s is %s after its cancellation", party.ID, view.Status)
	}
}
