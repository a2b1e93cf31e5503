package muster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"muster"
)

func TestWhoMayStartForAParty(t *testing.T) {
	ctx := context.Background()
	refused := func(t *testing.T, err error, kind muster.Kind, code string) map[string]any {
		t.Helper()
		wantError(t, err, kind, code)
		var e *muster.Error
		errors.As(err, &e)
		return e.Details
	}
	t.Run("a member is told who leads", func(t *testing.T) {
		r := newRig(false)
		_, ids := r.party(t, "squad", "ann", "bob")
		_, _, err := r.StartTicket(ctx, ids[1], squadTicket("squad"), "")
		if d := refused(t, err, muster.Denied, "party.not_leader"); d["leader"] != ids[0] {
			t.Errorf("details are %v", d)
		}
		_, _, err = r.StartTicket(ctx, ids[1], duel(), "")
		refused(t, err, muster.Denied, "party.not_leader")
	})
	t.Run("a party that is too large for the mode", func(t *testing.T) {
		r := newRig(false)
		_, ids := r.party(t, "squad", "ann", "bob", "cat")
		pairs := muster.ModeName("pairs")
		_, err := r.ChangeParty(ctx, ids[0], muster.PartySettings{Mode: &pairs})
		if d := refused(t, err, muster.Conflict, "party.too_large"); d["maxSize"] != 2 {
			t.Errorf("details are %v", d)
		}
		_, _, err = r.StartTicket(ctx, ids[0], squadTicket("pairs"), "")
		refused(t, err, muster.Conflict, "party.mode_differs")
	})
	t.Run("who is not ready is named", func(t *testing.T) {
		r := newRig(false)
		_, ids := r.party(t, "squad-ready", "ann", "bob", "cat")
		if _, err := r.ReportReady(ctx, ids[2], muster.PartyReport{Ready: true}); err != nil {
			t.Fatal(err)
		}
		_, _, err := r.StartTicket(ctx, ids[0], squadTicket("squad-ready"), "")
		if d := refused(t, err, muster.Conflict, "party.not_ready"); fmt.Sprint(d["playerIds"]) != fmt.Sprint(ids[1:2]) {
			t.Errorf("details are %v", d)
		}
	})
	t.Run("who is busy is named, and nothing more is said of them", func(t *testing.T) {
		r := newRig(false)
		_, ids := r.party(t, "squad", "ann", "bob")
		if _, err := r.JoinParty(ctx, r.guest("cat"), must[muster.PartyView](t)(r.Party(ctx, ids[0])).Code); err != nil {
			t.Fatal(err)
		}
		cat := r.guest("cat")
		leave := func() { must[struct{}](t)(struct{}{}, r.LeaveParty(ctx, cat)) }
		leave()
		r.start(t, cat, duel())
		r.start(t, r.guest("dan"), duel())
		r.mustDeliver(t) // cat has a seat
		if _, err := r.JoinParty(ctx, cat, must[muster.PartyView](t)(r.Party(ctx, ids[0])).Code); err != nil {
			t.Fatal(err)
		}
		_, _, err := r.StartTicket(ctx, ids[0], squadTicket("squad"), "")
		d := refused(t, err, muster.Conflict, "party.member_busy")
		if fmt.Sprint(d) != fmt.Sprint(map[string]any{"playerIds": []muster.PlayerID{cat}}) {
			t.Errorf("details are %v", d)
		}
		for _, id := range ids {
			if me := must[muster.PlayerView](t)(r.Me(ctx, id)); me.Activity != nil {
				t.Errorf("%s is in %+v", id, *me.Activity)
			}
		}
	})
	t.Run("the leader of a queued party is told the ticket", func(t *testing.T) {
		r := newRig(false)
		_, ids := r.party(t, "squad", "ann", "bob")
		ticket := r.start(t, ids[0], squadTicket("squad"))
		_, _, err := r.StartTicket(ctx, ids[0], squadTicket("squad"), "")
		if d := refused(t, err, muster.Conflict, "ticket.already_queued"); d["ticketId"] != ticket.ID {
			t.Errorf("details are %v", d)
		}
	})
	t.Run("the same key gives the leader the same ticket", func(t *testing.T) {
		r := newRig(false)
		_, ids := r.party(t, "squad", "ann", "bob")
		first, created, err := r.StartTicket(ctx, ids[0], squadTicket("squad"), "key")
		if err != nil || !created {
			t.Fatal(created, err)
		}
		second, created, err := r.StartTicket(ctx, ids[0], squadTicket("squad"), "key")
		if err != nil || created || second.ID != first.ID {
			t.Errorf("the repeat gave %s, created %t, %v", second.ID, created, err)
		}
	})
	t.Run("a refusal by GameLift frees everybody, and who was ready is ready", func(t *testing.T) {
		r := newRig(false)
		_, ids := r.party(t, "squad-ready", "ann", "bob")
		if _, err := r.ReportReady(ctx, ids[1], muster.PartyReport{Ready: true}); err != nil {
			t.Fatal(err)
		}
		r.lift.startErr = func() (bool, error) { return false, muster.Errorf(muster.Exhausted, "gamelift.limit", "later") }
		_, _, err := r.StartTicket(ctx, ids[0], squadTicket("squad-ready"), "")
		wantError(t, err, muster.Exhausted, "gamelift.limit")
		if view := must[muster.PartyView](t)(r.Party(ctx, ids[1])); view.State != muster.PartyIdle {
			t.Errorf("the party is %s", view.State)
		}
		r.lift.startErr = nil
		r.start(t, ids[0], squadTicket("squad-ready"))
	})
}

func TestAPartyIsMatchedByTheRatingThatTheModeChooses(t *testing.T) {
	for mode, want := range map[muster.ModeName]string{"squad": "[1500 1560]", "squad-average": "[1530 1530]", "squad-highest": "[1560 1560]"} {
		t.Run(string(mode), func(t *testing.T) {
			r := newRig(false)
			_, ids := r.party(t, mode, "ann", "bob")
			rating, err := json.Marshal(muster.Skill{Mu: 26, Sigma: 8})
			if err != nil {
				t.Fatal(err)
			}
			key := muster.Key{Partition: "P#" + string(ids[1]), Sort: "RATING#" + string(mode)}
			if err := r.store.Write(context.Background(), muster.Op{Key: key, Value: rating}); err != nil {
				t.Fatal(err)
			}
			var got []float64
			for _, p := range r.lift.tickets[r.start(t, ids[0], squadTicket(mode)).ID].players {
				got = append(got, *p.Attributes["skill"].N)
			}
			if fmt.Sprint(got) != want {
				t.Errorf("they send %v, want %s", got, want)
			}
		})
	}
}

func TestOneWhoDeclinesEndsTheTicketOfTheParty(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name   string
		answer func(*rig, muster.TicketID, []muster.PlayerID) error
		code   string
	}{
		{"one declines", func(r *rig, id muster.TicketID, ids []muster.PlayerID) error {
			if _, err := r.AnswerMatch(ctx, ids[0], id, true); err != nil {
				return err
			}
			_, err := r.AnswerMatch(ctx, ids[1], id, false)
			return err
		}, "match.declined"},
		{"one is silent", func(r *rig, id muster.TicketID, ids []muster.PlayerID) error {
			if _, err := r.AnswerMatch(ctx, ids[0], id, true); err != nil {
				return err
			}
			r.clock.advance(time.Second)
			for _, m := range r.lift.matches {
				r.lift.decide(m, "TimedOut")
			}
			r.clock.advance(time.Second)
			return nil
		}, "match.not_accepted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(true)
			_, ids := r.party(t, "squad", "ann", "bob")
			eve := r.guest("eve")
			id, other := r.start(t, ids[0], squadTicket("squad")).ID, r.start(t, eve, squadTicket("squad")).ID
			r.mustDeliver(t)
			r.clock.advance(time.Second)
			must[muster.TicketView](t)(r.AnswerMatch(ctx, eve, other, true))
			if err := c.answer(r, id, ids); err != nil {
				t.Fatal(err)
			}
			r.mustDeliver(t)
			for _, p := range ids {
				view := must[muster.TicketView](t)(r.Ticket(ctx, p, id))
				if view.Status != muster.Cancelled || view.Reason.Code != c.code {
					t.Errorf("%s sees %s %+v", p, view.Status, view.Reason)
				}
			}
			if view := must[muster.TicketView](t)(r.Ticket(ctx, eve, other)); view.Status != muster.Searching {
				t.Errorf("who accepted is %s, want searching", view.Status)
			}
			news := told[muster.PartyNews](r.inbox.take(), "party")
			for _, p := range ids {
				if v := news[p].Party; v == nil || v.State != muster.PartyIdle {
					t.Errorf("%s was told %+v, want an open party", p, v)
				}
			}
			r.start(t, ids[0], squadTicket("squad"))
		})
	}
}
