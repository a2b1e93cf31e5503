package muster_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"muster"
)

// pairUp queues two players of standalone matchmaking; their events wait.
func (r *rig) pairUp(t *testing.T) map[muster.PlayerID]muster.TicketID {
	t.Helper()
	tickets := map[muster.PlayerID]muster.TicketID{}
	for _, name := range []string{"ann", "bob"} {
		p := r.guest(name)
		req := duel()
		req.LatencyInMs = map[string]int{"custom-local": 5}
		tickets[p] = r.start(t, p, req).ID
	}
	return tickets
}

// wantSeats fails the test unless every ticket has a seat of its own in one session.
func (r *rig) wantSeats(t *testing.T, tickets map[muster.PlayerID]muster.TicketID) muster.SessionID {
	t.Helper()
	sessions := map[muster.SessionID]bool{}
	for p, id := range tickets {
		view := must[muster.TicketView](t)(r.Ticket(context.Background(), p, id))
		if view.Status != muster.Completed || view.Seat == nil || r.lift.seats[view.Seat.PlayerSessionID].Player != p || view.Seat.Team == "" {
			t.Fatalf("%s's ticket is %+v with seat %+v", p, view, view.Seat)
		}
		if seat := must[muster.SeatView](t)(r.Seat(context.Background(), p)); seat != *view.Seat {
			t.Errorf("%s's slot has %+v, the ticket %+v", p, seat, *view.Seat)
		}
		sessions[view.Seat.SessionID] = true
	}
	if len(sessions) != 1 {
		t.Fatalf("the match has the sessions %v", sessions)
	}
	for id := range sessions {
		return id
	}
	return ""
}

func TestAStandaloneMatchIsPlacedByUs(t *testing.T) {
	r, ctx := standalone(nil), context.Background()
	tickets := r.pairUp(t)
	r.mustDeliver(t)
	for p, id := range tickets {
		if view := must[muster.TicketView](t)(r.Ticket(ctx, p, id)); view.Status != muster.Placing {
			t.Errorf("the ticket is %+v before its session is placed", view)
		}
		_, err := r.CancelTicket(ctx, p, id)
		wantError(t, err, muster.Conflict, "ticket.placing")
	}
	if len(r.lift.placements) != 1 {
		t.Fatalf("%d placements for one match", len(r.lift.placements))
	}
	for _, p := range r.lift.placements {
		if p.req.Queue != "duels" || p.req.MaxPlayers != 2 || len(p.req.Players) != 2 || p.req.Players[0].LatencyInMs["custom-local"] != 5 {
			t.Errorf("asked for %+v", p.req)
		}
	}
	if err := r.deliverPlaced(); err != nil {
		t.Fatal(err)
	}
	id := r.wantSeats(t, tickets)
	report := muster.ResultReport{}
	for p, team := range map[muster.PlayerID]string{r.guest("ann"): "red", r.guest("bob"): "blue"} {
		report.Teams = append(report.Teams, muster.ResultTeam{Name: team, Rank: 1, Players: []muster.ResultPlayer{{PlayerID: p}}})
	}
	must[muster.ResultView](t)(r.ReportResult(ctx, id, report))
	r.start(t, r.guest("ann"), duel())
	r.sweep(t, time.Minute)
	r.leavesNothing(t, "DUE#placement")
}

// TestStandaloneNewsAreLostDoubledAndShuffled plays what can happen to a match's news;
// each time there is one placement, and everybody gets their seat.
func TestStandaloneNewsAreLostDoubledAndShuffled(t *testing.T) {
	cases := []struct {
		name    string
		arrange func(events []muster.Event) []muster.Event
	}{
		{"all in order", func(ev []muster.Event) []muster.Event { return ev }},
		{"everything twice", func(ev []muster.Event) []muster.Event { return append(slices.Clone(ev), ev...) }},
		{"backwards", func(ev []muster.Event) []muster.Event { ev = slices.Clone(ev); slices.Reverse(ev); return ev }},
		{"the proposal is lost", func(ev []muster.Event) []muster.Event { return without(ev, muster.PotentialMatchCreated) }},
		{"that it was made is lost", func(ev []muster.Event) []muster.Event { return without(ev, muster.MatchmakingSucceeded) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := standalone(nil)
			tickets := r.pairUp(t)
			for _, ev := range c.arrange(r.lift.take()) {
				if err := r.ApplyEvent(context.Background(), ev); err != nil {
					t.Fatal(err)
				}
			}
			r.sweep(t, 40*time.Second)
			if err := r.deliverPlaced(); err != nil {
				t.Fatal(err)
			}
			r.wantSeats(t, tickets)
			if len(r.lift.placements) != 1 {
				t.Errorf("%d placements for one match", len(r.lift.placements))
			}
		})
	}
	t.Run("all news is lost", func(t *testing.T) {
		r := standalone(nil)
		tickets := r.pairUp(t)
		r.lift.take()
		r.sweep(t, 2*time.Minute)
		for p, id := range tickets {
			view := must[muster.TicketView](t)(r.Ticket(context.Background(), p, id))
			if view.Status != muster.Failed || view.Reason.Code != "ticket.match_lost" {
				t.Errorf("the ticket is %+v", view)
			}
			r.start(t, p, duel())
		}
	})
}

func without(events []muster.Event, kind muster.EventType) []muster.Event {
	return slices.DeleteFunc(slices.Clone(events), func(ev muster.Event) bool { return ev.Type == kind })
}

func TestAStandaloneMatchThatGetsNoSession(t *testing.T) {
	ctx := context.Background()
	cases := []struct {
		name   string
		end    func(r *rig)
		status muster.TicketStatus
		code   string
	}{
		{"the queue's time runs out", func(r *rig) { r.endAll(muster.PlacementTimedOut) }, muster.TimedOut, "ticket.no_server"},
		{"the placement fails", func(r *rig) { r.endAll(muster.PlacementFailed) }, muster.Failed, "ticket.failed"},
		{"somebody cancels the placement", func(r *rig) { r.endAll(muster.PlacementCancelled) }, muster.Failed, "ticket.failed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := standalone(nil)
			r.lift.manual = true
			tickets := r.pairUp(t)
			r.mustDeliver(t)
			c.end(r)
			if err := r.deliverPlaced(); err != nil {
				t.Fatal(err)
			}
			for p, id := range tickets {
				view := must[muster.TicketView](t)(r.Ticket(ctx, p, id))
				if view.Status != c.status || view.Reason.Code != c.code {
					t.Errorf("the ticket is %+v", view)
				}
				r.start(t, p, duel())
			}
		})
	}
	t.Run("GameLift refuses the placement", func(t *testing.T) {
		r := standalone(nil)
		r.lift.placeErr = func() (bool, error) { return false, muster.Errorf(muster.NotFound, "gamelift.not_found", "no queue") }
		tickets := r.pairUp(t)
		r.mustDeliver(t)
		for p, id := range tickets {
			if view := must[muster.TicketView](t)(r.Ticket(ctx, p, id)); view.Status != muster.Failed {
				t.Errorf("the ticket is %+v", view)
			}
		}
	})
}

// endAll ends every placement.
func (r *rig) endAll(status muster.PlacementStatus) {
	for _, id := range slices.Sorted(maps.Keys(r.lift.placements)) {
		if !r.lift.placements[id].Status.Final() {
			r.lift.endPlacement(id, status)
		}
	}
}

func TestAStandaloneSessionIsWatched(t *testing.T) {
	r, ctx := standalone(func(o *muster.SessionOptions) { o.Spectators, o.Browse = 1, true }), context.Background()
	tickets := r.pairUp(t)
	r.mustDeliver(t)
	if err := r.deliverPlaced(); err != nil {
		t.Fatal(err)
	}
	id := r.wantSeats(t, tickets)
	page := must[muster.SessionPage](t)(r.OpenSessions(ctx, muster.SessionQuery{Mode: "duel", Limit: 5}))
	if len(page.Sessions) != 1 || page.Sessions[0].PlayerCount != 2 || page.Sessions[0].MaxSpectators != 1 {
		t.Fatalf("listed are %+v", page.Sessions)
	}
	_, err := r.JoinSession(ctx, r.guest("eve"), id, muster.JoinRequest{})
	wantError(t, err, muster.Denied, "session.match")
	must[muster.SeatView](t)(r.JoinSession(ctx, r.guest("eve"), id, muster.JoinRequest{Role: muster.Spectator}))
	_, err = r.JoinSession(ctx, r.guest("dan"), id, muster.JoinRequest{Role: muster.Spectator})
	wantError(t, err, muster.Conflict, "session.full")
	report := muster.ResultReport{}
	for p, team := range map[muster.PlayerID]string{r.guest("ann"): "red", r.guest("bob"): "blue"} {
		report.Teams = append(report.Teams, muster.ResultTeam{Name: team, Rank: 1, Players: []muster.ResultPlayer{{PlayerID: p}}})
	}
	must[muster.ResultView](t)(r.ReportResult(ctx, id, report))
}

// TestPlacementsSurviveAStorm plays many rooms and matches while answers are lost, events
// are lost, doubled and late, GameLift is down at times and sessions vanish. In the end
// nobody is stuck, and every seat is its owner's.
func TestPlacementsSurviveAStorm(t *testing.T) {
	ctx := context.Background()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	r := lobby(func(o *muster.SessionOptions) { o.MaxPlayers = 3 })
	unreliable := func() (bool, error) {
		switch random.IntN(12) {
		case 0:
			return false, errDown
		case 1:
			return true, errDown
		case 2:
			return false, muster.Errorf(muster.Invalid, "gamelift.invalid_request", "refused")
		}
		return true, nil
	}
	r.lift.placeErr, r.lift.reserveErr, r.lift.manual = unreliable, unreliable, true
	var players []muster.PlayerID
	for i := range 40 {
		players = append(players, r.guest(fmt.Sprint("guest-", i)))
	}
	var flying []muster.PlacementEvent
	var known []muster.SessionID
	for range 6000 {
		p := players[random.IntN(len(players))]
		switch random.IntN(12) {
		case 0, 1:
			_, _ = r.CreateSession(ctx, p, muster.SessionRequest{Mode: "lobby"}) // refusals are part of the weather
		case 2, 3, 4:
			page, _ := r.OpenSessions(ctx, muster.SessionQuery{Mode: "lobby", Limit: 10})
			if n := len(page.Sessions); n > 0 {
				id := page.Sessions[random.IntN(n)].ID
				known = append(known, id)
				_, _ = r.JoinSession(ctx, p, id, muster.JoinRequest{Role: []muster.SeatRole{"", "", muster.Spectator}[random.IntN(3)]})
			}
		case 5:
			_ = r.LeaveSession(ctx, p)
		case 6:
			if snap, err := r.Snapshot(ctx, p); err == nil && snap.Placement != nil {
				_, _ = r.CancelPlacement(ctx, p, snap.Placement.ID)
			}
		case 7:
			statuses := []muster.PlacementStatus{muster.PlacementFulfilled, muster.PlacementFulfilled, muster.PlacementFulfilled, muster.PlacementFailed, muster.PlacementTimedOut}
			r.endAll(statuses[random.IntN(len(statuses))])
		case 8:
			for _, ev := range r.lift.takePlaced() {
				for range random.IntN(3) {
					flying = append(flying, ev)
				}
			}
		case 9:
			if len(flying) > 0 {
				_ = r.ApplyPlacement(ctx, flying[random.IntN(len(flying))])
			}
		case 10:
			r.clock.advance(time.Duration(random.IntN(8000)) * time.Millisecond)
			_ = r.Reconcile(ctx)
			r.lift.down = random.IntN(20) == 0
		case 11:
			if len(known) > 0 && random.IntN(4) == 0 {
				id := known[random.IntN(len(known))]
				r.lift.sessions[id].Live = false
				r.lift.endSeats(func(s muster.SeatState) bool { return s.Session == id })
			}
		}
	}
	r.lift.down, r.lift.manual, r.lift.placeErr, r.lift.reserveErr = false, false, nil, nil
	r.endAll(muster.PlacementFulfilled)
	r.sweep(t, 5*time.Minute)
	r.checkPlaces(t, players)
	for _, s := range r.lift.sessions {
		s.Live = false
	}
	r.sweep(t, 5*time.Minute)
	r.leavesNothing(t, "DUE#placement", "DUE#session", "OPEN#", "SC#")
}

// checkPlaces: everybody is free, or has their own live seat in a session that counts
// them, and no session counts anybody else or too many.
func (r *rig) checkPlaces(t *testing.T, players []muster.PlayerID) {
	t.Helper()
	ctx := context.Background()
	seated := map[muster.PlayerID]muster.SessionID{}
	for _, p := range players {
		snap := must[muster.Snapshot](t)(r.Snapshot(ctx, p))
		if snap.Placement != nil || snap.Ticket != nil {
			t.Errorf("%s is stuck: %+v", p, snap)
		}
		if snap.Seat == nil {
			continue
		}
		seat := r.lift.seats[snap.Seat.PlayerSessionID]
		if seat == nil || seat.Player != p || !seat.Live {
			t.Errorf("%s has the seat %+v of %+v", p, snap.Seat, seat)
		}
		seated[p] = snap.Seat.SessionID
	}
	if len(seated) < 3 {
		t.Logf("only %d players are seated", len(seated))
	}
	for id := range r.lift.sessions {
		s, err := r.ServerSession(ctx, id)
		if err != nil {
			continue // of a placement that was given up before it was fulfilled
		}
		in, watching := 0, 0
		for _, row := range s.Players {
			switch {
			case row.Left:
				continue
			case row.Role == muster.Spectator:
				watching++
			default:
				in++
			}
			if seated[row.PlayerID] != id && s.EndedAt == nil {
				t.Errorf("%s counts in %s and is in %q", row.PlayerID, id, seated[row.PlayerID])
			}
		}
		if in > 3 || watching > 2 {
			t.Errorf("session %s has %d players and %d spectators", id, in, watching)
		}
	}
}
