package muster_test

import (
	"context"
	"testing"
	"time"

	"muster"
)

// match plays a duel up to its session.
func (r *rig) match(t *testing.T) (ann, bob muster.PlayerID, id muster.SessionID) {
	t.Helper()
	ann, bob = r.guest("ann"), r.guest("bob")
	r.start(t, ann, muster.TicketRequest{Mode: "duel", Preferences: map[string]string{"map": "tower"}, LatencyInMs: map[string]int{"custom-local": 9}})
	r.start(t, bob, duel())
	r.mustDeliver(t)
	return ann, bob, must[muster.SeatView](t)(r.Seat(context.Background(), ann)).SessionID
}

func TestAGameServerAsksForMorePlayers(t *testing.T) {
	r, ctx := newRig(false), context.Background()
	ann, bob, id := r.match(t)
	if err := r.RemovePlayer(ctx, id, bob); err != nil {
		t.Fatal(err)
	}
	view := must[muster.BackfillView](t)(r.StartBackfill(ctx, id, muster.BackfillRequest{Players: []muster.BackfillMember{{PlayerID: ann, Team: "red"}}}))
	sent := r.lift.backfills[0]
	if sent.Ticket != view.TicketID || sent.Session != id || sent.Configuration != "duel-config" || len(sent.Players) != 1 {
		t.Fatalf("asked for %+v", sent)
	}
	p := sent.Players[0]
	if *p.Attributes["skill"].N != 1500 || *p.Attributes["map"].S != "tower" || p.LatencyInMs["custom-local"] != 9 || p.Team != "red" {
		t.Errorf("told of ann: %+v", p)
	}
	known := must[muster.ServerSessionView](t)(r.ServerSession(ctx, id))
	if known.Backfill == nil || known.Backfill.Status != muster.Searching || known.Backfill.TicketID != view.TicketID {
		t.Errorf("the session is %+v", known)
	}

	cyd := r.guest("cyd")
	mine := r.start(t, cyd, duel())
	r.lift.take()
	seat := r.lift.seat(id, cyd)
	ev := muster.Event{
		ID: "e", Type: muster.MatchmakingSucceeded, At: r.clock.now(), Configuration: "duel-config", MatchID: "m-2", Session: id, IPAddress: "127.0.0.1", Port: 7777,
		Tickets: []muster.EventTicket{
			{ID: view.TicketID, Players: []muster.EventPlayer{{ID: ann, Team: "red"}}},
			{ID: mine.ID, Players: []muster.EventPlayer{{ID: cyd, Team: "blue", Seat: seat}}},
		},
	}
	for range 2 {
		if err := r.ApplyEvent(ctx, ev); err != nil {
			t.Fatal(err)
		}
	}
	if got := must[muster.TicketView](t)(r.Ticket(ctx, cyd, mine.ID)); got.Status != muster.Completed || got.Seat.PlayerSessionID != seat {
		t.Errorf("the newcomer's ticket is %+v", got)
	}
	known = must[muster.ServerSessionView](t)(r.ServerSession(ctx, id))
	if known.Backfill.Status != muster.Completed || len(known.Players) != 3 {
		t.Errorf("the session is %+v", known)
	}
	if err := r.StopBackfill(ctx, id); err != nil {
		t.Errorf("stopping one that is over: %v", err)
	}
}

func TestStoppingABackfill(t *testing.T) {
	ctx := context.Background()
	begin := func(t *testing.T) (*rig, muster.SessionID, muster.BackfillView) {
		r := newRig(false)
		ann, _, id := r.match(t)
		return r, id, must[muster.BackfillView](t)(r.StartBackfill(ctx, id, muster.BackfillRequest{Players: []muster.BackfillMember{{PlayerID: ann, Team: "red"}}}))
	}
	status := func(t *testing.T, r *rig, id muster.SessionID) muster.TicketStatus {
		return must[muster.ServerSessionView](t)(r.ServerSession(ctx, id)).Backfill.Status
	}
	t.Run("withdraws it, once and again", func(t *testing.T) {
		r, id, _ := begin(t)
		for range 2 {
			if err := r.StopBackfill(ctx, id); err != nil {
				t.Fatal(err)
			}
		}
		r.mustDeliver(t)
		if got := status(t, r, id); got != muster.Cancelled {
			t.Errorf("it is %s", got)
		}
	})
	t.Run("that found somebody is too late", func(t *testing.T) {
		r, id, view := begin(t)
		r.lift.tickets[view.TicketID].Status = muster.Placing
		wantError(t, r.StopBackfill(ctx, id), muster.Conflict, "backfill.placing")
	})
	t.Run("that GameLift does not know is over", func(t *testing.T) {
		r, id, view := begin(t)
		delete(r.lift.tickets, view.TicketID)
		if err := r.StopBackfill(ctx, id); err != nil || status(t, r, id) != muster.Cancelled {
			t.Errorf("%v; it is %s", err, status(t, r, id))
		}
	})
	t.Run("is refused while GameLift is down", func(t *testing.T) {
		r, id, _ := begin(t)
		r.lift.down = true
		wantError(t, r.StopBackfill(ctx, id), muster.Unavailable, "gamelift.unavailable")
	})
	for _, end := range []struct {
		event  muster.EventType
		status muster.TicketStatus
	}{
		{muster.MatchmakingTimedOut, muster.TimedOut},
		{muster.MatchmakingFailed, muster.Failed},
		{muster.MatchmakingSearching, muster.Searching},
	} {
		t.Run("is not needed after "+string(end.event), func(t *testing.T) {
			r, id, view := begin(t)
			ev := muster.Event{ID: "e", Type: end.event, At: r.clock.now(), Configuration: "duel-config", Tickets: []muster.EventTicket{{ID: view.TicketID}}}
			if err := r.ApplyEvent(ctx, ev); err != nil {
				t.Fatal(err)
			}
			if got := status(t, r, id); got != end.status {
				t.Errorf("it is %s, want %s", got, end.status)
			}
		})
	}
}

func TestBackfillsThatAreRefused(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann, bob, id := r.match(t)
	eve := r.guest("eve")
	member := func(p muster.PlayerID, team string) muster.BackfillMember {
		return muster.BackfillMember{PlayerID: p, Team: team}
	}
	cases := []struct {
		name    string
		session muster.SessionID
		players []muster.BackfillMember
		kind    muster.Kind
		code    string
	}{
		{"an unknown session", id + "x", []muster.BackfillMember{member(ann, "red")}, muster.NotFound, "session.not_found"},
		{"nobody", id, nil, muster.Invalid, "backfill.players"},
		{"a stranger", id, []muster.BackfillMember{member(ann, "red"), member(eve, "blue")}, muster.Invalid, "backfill.stranger"},
		{"somebody twice", id, []muster.BackfillMember{member(ann, "red"), member(ann, "red")}, muster.Invalid, "backfill.stranger"},
		{"no team", id, []muster.BackfillMember{member(bob, "")}, muster.Invalid, "backfill.team"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := r.StartBackfill(ctx, c.session, muster.BackfillRequest{Players: c.players})
			wantError(t, err, c.kind, c.code)
		})
	}
	t.Run("a lobby was not made by FlexMatch", func(t *testing.T) {
		r := lobby(nil)
		ann := r.guest("ann")
		id := r.open(t, ann, muster.SessionRequest{}).SessionID
		_, err := r.StartBackfill(ctx, id, muster.BackfillRequest{Players: []muster.BackfillMember{member(ann, "red")}})
		wantError(t, err, muster.Denied, "backfill.no_matchmaking")
	})
	t.Run("a session that is over", func(t *testing.T) {
		must[muster.ServerSessionView](t)(r.UpdateSession(ctx, id, muster.SessionUpdate{Ended: true}))
		_, err := r.StartBackfill(ctx, id, muster.BackfillRequest{Players: []muster.BackfillMember{member(ann, "red")}})
		wantError(t, err, muster.Conflict, "session.ended")
	})
}

func TestABackfillWhoseNewsIsLostIsAskedAbout(t *testing.T) {
	ctx := context.Background()
	for _, tc := range []struct {
		name   string
		happen func(g *fakeGameLift, id muster.TicketID)
		want   muster.TicketStatus
	}{
		{"it found players", func(g *fakeGameLift, id muster.TicketID) { g.tickets[id].Status = muster.Completed }, muster.Completed},
		{"it ran out of time", func(g *fakeGameLift, id muster.TicketID) { g.tickets[id].Status = muster.TimedOut }, muster.TimedOut},
		{"it was replaced", func(g *fakeGameLift, id muster.TicketID) { g.tickets[id].Status = muster.Cancelled }, muster.Cancelled},
		{"it never arrived", func(g *fakeGameLift, id muster.TicketID) { delete(g.tickets, id) }, muster.Failed},
		{"it goes on", func(*fakeGameLift, muster.TicketID) {}, muster.Searching},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(false)
			ann, _, id := r.match(t)
			view := must[muster.BackfillView](t)(r.StartBackfill(ctx, id, muster.BackfillRequest{Players: []muster.BackfillMember{{PlayerID: ann, Team: "red"}}}))
			tc.happen(r.lift, view.TicketID)
			r.sweep(t, 2*time.Minute)
			if got := must[muster.ServerSessionView](t)(r.ServerSession(ctx, id)).Backfill.Status; got != tc.want {
				t.Errorf("it is %s, want %s", got, tc.want)
			}
			asked := r.lift.asked
			r.sweep(t, 2*time.Minute)
			if more := r.lift.asked - asked; tc.want.Final() && more > 0 || more > 4 {
				t.Errorf("in two minutes GameLift was asked %d times more", more)
			}
			if tc.want.Final() {
				r.leavesNothing(t, "DUE#ticket")
			}
		})
	}
}
