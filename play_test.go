package muster_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster"
)

// wantError fails the test unless err has the kind and the code.
func wantError(t *testing.T, err error, kind muster.Kind, code string) {
	t.Helper()
	var e *muster.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Code != code {
		t.Fatalf("error is %v, want %s %q", err, kind, code)
	}
}

func must[T any](t *testing.T) func(v T, err error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (r *rig) start(t *testing.T, p muster.PlayerID, req muster.TicketRequest) muster.TicketView {
	t.Helper()
	view, _, err := r.StartTicket(context.Background(), p, req, "")
	if err != nil {
		t.Fatal(err)
	}
	return view
}

func (r *rig) mustDeliver(t *testing.T) {
	t.Helper()
	if err := r.deliver(); err != nil {
		t.Fatal(err)
	}
}

func TestOneIdentityHasOnePlayerWhateverTheRace(t *testing.T) {
	r := newRig(false)
	found := make([]muster.PlayerID, 64)
	var created sync.Map
	var wg sync.WaitGroup
	for i := range found {
		wg.Go(func() {
			id, isNew, err := r.EnsurePlayer(context.Background(), muster.Identity{Provider: "steam", Subject: "42"}, nil)
			if err != nil {
				t.Error(err)
			}
			found[i] = id
			if isNew {
				created.Store(i, true)
			}
		})
	}
	wg.Wait()
	count := 0
	created.Range(func(any, any) bool { count++; return true })
	if count != 1 {
		t.Errorf("%d callers were told that they made the player, want 1", count)
	}
	for _, id := range found {
		if id != found[0] || id == "" {
			t.Fatalf("players %q and %q for one identity", id, found[0])
		}
	}
}

func TestADuelFromQueueToResult(t *testing.T) {
	r := newRig(true)
	ctx := context.Background()
	ann, bob := r.guest("ann"), r.guest("bob")
	a := r.start(t, ann, muster.TicketRequest{Mode: "duel", LatencyInMs: map[string]int{"custom-local": 0, "moon": 5, "custom-far": -3}, Preferences: map[string]string{"map": "tower"}})
	b := r.start(t, bob, duel())
	sent := r.lift.tickets[a.ID].players[0]
	if n := sent.Attributes["skill"].N; n == nil || *n != 1500 {
		t.Errorf("skill sent is %v, want 1500 from the store", n)
	}
	if s := sent.Attributes["map"].S; s == nil || *s != "tower" {
		t.Errorf("map sent is %v, want the choice", s)
	}
	if _, there := sent.Attributes["level"]; there {
		t.Error("a level was sent although none is stored")
	}
	if fmt.Sprint(sent.LatencyInMs) != "map[custom-local:1]" {
		t.Errorf("latencies sent are %v, want only the known place, at least 1 ms", sent.LatencyInMs)
	}
	r.mustDeliver(t)
	for p, id := range map[muster.PlayerID]muster.TicketID{ann: a.ID, bob: b.ID} {
		view := must[muster.TicketView](t)(r.Ticket(ctx, p, id))
		if view.Status != muster.RequiresAcceptance || view.Match.AcceptBy == nil || view.Match.PlayerCount != 2 {
			t.Fatalf("ticket is %+v, want a match to accept", view)
		}
		view = must[muster.TicketView](t)(r.AnswerMatch(ctx, p, id, true))
		if view.Match != nil && view.Match.You != "accepted" {
			t.Errorf("my answer shows as %q", view.Match.You)
		}
	}
	r.mustDeliver(t)
	seatA := must[muster.TicketView](t)(r.Ticket(ctx, ann, a.ID)).Seat
	seatB := must[muster.SeatView](t)(r.Seat(ctx, bob))
	if seatA == nil || seatA.PlayerSessionID == "" || seatA.PlayerSessionID == seatB.PlayerSessionID || seatA.SessionID != seatB.SessionID {
		t.Fatalf("seats are %+v and %+v, want two seats of one session", seatA, seatB)
	}
	_, _, err := r.StartTicket(ctx, ann, duel(), "")
	wantError(t, err, muster.Conflict, "session.live")

	report := muster.ResultReport{Teams: []muster.ResultTeam{
		{Name: seatA.Team, Rank: 1, Score: 3, Players: []muster.ResultPlayer{{PlayerID: ann}}},
		{Name: seatB.Team, Rank: 2, Score: 1, Players: []muster.ResultPlayer{{PlayerID: bob, Left: true}}},
	}}
	first := must[muster.ResultView](t)(r.ReportResult(ctx, seatA.SessionID, report))
	again := must[muster.ResultView](t)(r.ReportResult(ctx, seatA.SessionID, report))
	if first.Repeated || !again.Repeated || fmt.Sprint(first.Players) != fmt.Sprint(again.Players) {
		t.Errorf("answers are %+v and %+v, want the same, the second marked repeated", first, again)
	}
	report.Teams[0].Score = 99
	_, err = r.ReportResult(ctx, seatA.SessionID, report)
	wantError(t, err, muster.Conflict, "result.differs")

	standing := must[[]muster.RatingView](t)(r.Ratings(ctx, ann))[0]
	if standing.Skill != 1560 || standing.Games != 1 || standing.Wins != 1 {
		t.Errorf("the winner stands at %+v, want 1560 after one win", standing)
	}
	page := must[muster.MatchHistoryPage](t)(r.Matches(ctx, bob, 10, ""))
	if len(page.Matches) != 1 || page.Matches[0].Outcome != muster.Loss || *page.Matches[0].SkillAfter != 1440 {
		t.Errorf("the loser's history is %+v", page)
	}
	if next := r.start(t, ann, duel()); *r.lift.tickets[next.ID].players[0].Attributes["skill"].N != 1560 {
		t.Error("the next ticket does not carry the new rating")
	}
}

func TestNobodyElseSeesATicketASeatOrASession(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	ann, bob, eve := r.guest("ann"), r.guest("bob"), r.guest("eve")
	a := r.start(t, ann, duel())
	r.start(t, bob, duel())
	r.mustDeliver(t)
	for _, stranger := range []muster.PlayerID{eve, bob, ""} {
		_, err := r.Ticket(ctx, stranger, a.ID)
		wantError(t, err, muster.NotFound, "ticket.not_found")
		_, err = r.WaitTicket(ctx, stranger, a.ID, -1, time.Second)
		wantError(t, err, muster.NotFound, "ticket.not_found")
		_, err = r.CancelTicket(ctx, stranger, a.ID)
		wantError(t, err, muster.NotFound, "ticket.not_found")
		_, err = r.AnswerMatch(ctx, stranger, a.ID, true)
		wantError(t, err, muster.NotFound, "ticket.not_found")
	}
	_, err := r.Seat(ctx, eve)
	wantError(t, err, muster.NotFound, "session.none")
	seats := map[muster.PlayerID]muster.SeatID{}
	for _, n := range r.inbox.notices {
		if view, ok := n.Data.(muster.TicketView); ok && view.Seat != nil {
			seats[n.Player] = view.Seat.PlayerSessionID
		}
	}
	for player, seat := range seats {
		if owner := r.lift.seats[seat].Player; owner != player {
			t.Errorf("player %s was told the seat of %s", player, owner)
		}
	}
	if len(seats) != 2 {
		t.Errorf("%d players were told their seat, want 2", len(seats))
	}
}

func TestStartingATicket(t *testing.T) {
	ctx := context.Background()
	cases := []struct {
		name string
		req  muster.TicketRequest
		kind muster.Kind
		code string
	}{
		{"an unknown mode is not found", muster.TicketRequest{Mode: "chess"}, muster.NotFound, "mode.unknown"},
		{"a preference the mode does not ask for is invalid", muster.TicketRequest{Mode: "duel", Preferences: map[string]string{"skill": "9999"}}, muster.Invalid, "ticket.preference_unknown"},
		{"a choice that is not offered is invalid", muster.TicketRequest{Mode: "duel", Preferences: map[string]string{"map": "moon"}}, muster.Invalid, "ticket.preference_invalid"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(false)
			_, _, err := r.StartTicket(ctx, r.guest("ann"), c.req, "")
			wantError(t, err, c.kind, c.code)
		})
	}
	t.Run("a player who does not exist cannot queue", func(t *testing.T) {
		_, _, err := newRig(false).StartTicket(ctx, "nobody", duel(), "")
		wantError(t, err, muster.NotFound, "player.not_found")
	})
	t.Run("a second ticket is refused with the id of the first", func(t *testing.T) {
		r := newRig(false)
		ann := r.guest("ann")
		first := r.start(t, ann, duel())
		_, _, err := r.StartTicket(ctx, ann, duel(), "")
		wantError(t, err, muster.Conflict, "ticket.already_queued")
		var e *muster.Error
		if errors.As(err, &e); e.Details["ticketId"] != first.ID {
			t.Errorf("details are %v, want ticket %s", e.Details, first.ID)
		}
	})
	t.Run("64 starts at once give one ticket", func(t *testing.T) {
		r := newRig(false)
		ann := r.guest("ann")
		var mu sync.Mutex
		started := 0
		r.lift.startErr = func() (bool, error) { mu.Lock(); defer mu.Unlock(); started++; return false, errDown }
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() { _, _, _ = r.StartTicket(ctx, ann, duel(), "") }) // refusals are the point
		}
		wg.Wait()
		if started != 1 {
			t.Errorf("GameLift was asked %d times, want once", started)
		}
	})
	t.Run("the same idempotency key gives the same ticket, another request with it is a conflict", func(t *testing.T) {
		r := newRig(false)
		ann := r.guest("ann")
		first, created, err := r.StartTicket(ctx, ann, duel(), "key")
		if err != nil || !created {
			t.Fatal(created, err)
		}
		second, created, err := r.StartTicket(ctx, ann, duel(), "key")
		if err != nil || created || second.ID != first.ID {
			t.Errorf("the repeat gave %s (created %t, %v), want %s", second.ID, created, err, first.ID)
		}
		_, _, err = r.StartTicket(ctx, ann, muster.TicketRequest{Mode: "duel", Preferences: map[string]string{"map": "tower"}}, "key")
		wantError(t, err, muster.Conflict, "request.idempotency_reused")
	})
	t.Run("a refusal by GameLift leaves the player free", func(t *testing.T) {
		r := newRig(false)
		ann := r.guest("ann")
		r.lift.startErr = func() (bool, error) { return false, muster.Errorf(muster.Invalid, "gamelift.invalid", "no") }
		_, _, err := r.StartTicket(ctx, ann, duel(), "")
		wantError(t, err, muster.Invalid, "gamelift.invalid")
		if me := must[muster.PlayerView](t)(r.Me(ctx, ann)); me.Activity != nil {
			t.Errorf("the player is in %+v", *me.Activity)
		}
	})
	t.Run("a ticket whose request was lost frees the player when GameLift cannot be told of it", func(t *testing.T) {
		r := newRig(false)
		ann := r.guest("ann")
		r.lift.startErr = func() (bool, error) { return false, errDown }
		view := r.start(t, ann, duel())
		if view.Status != muster.Queued {
			t.Fatalf("status %s, want queued", view.Status)
		}
		for range 4 {
			r.clock.advance(firstLook)
			if err := r.Reconcile(ctx); err != nil {
				t.Fatal(err)
			}
		}
		view = must[muster.TicketView](t)(r.Ticket(ctx, ann, view.ID))
		if view.Status != muster.Failed || view.Reason.Code != "ticket.lost" {
			t.Errorf("the ticket is %+v, want failed as lost", view)
		}
		r.lift.startErr = nil
		r.start(t, ann, duel())
	})
}

const firstLook = 15 * time.Second

func TestCancelling(t *testing.T) {
	ctx := context.Background()
	t.Run("a searching ticket is cancelled at once, and twice is once", func(t *testing.T) {
		r := newRig(false)
		ann := r.guest("ann")
		id := r.start(t, ann, duel()).ID
		for range 2 {
			view := must[muster.TicketView](t)(r.CancelTicket(ctx, ann, id))
			if view.Status != muster.Cancelled || view.Reason.Code != "ticket.cancelled" {
				t.Errorf("the ticket is %+v", view)
			}
		}
		r.start(t, ann, duel())
	})
	t.Run("a ticket that is being placed is too late to cancel", func(t *testing.T) {
		r := newRig(false)
		ann := r.guest("ann")
		id := r.start(t, ann, duel()).ID
		r.lift.tickets[id].Status = muster.Placing
		_, err := r.CancelTicket(ctx, ann, id)
		wantError(t, err, muster.Conflict, "ticket.placing")
	})
	t.Run("while GameLift is down a cancel says so and changes nothing", func(t *testing.T) {
		r := newRig(false)
		ann := r.guest("ann")
		id := r.start(t, ann, duel()).ID
		r.lift.down = true
		_, err := r.CancelTicket(ctx, ann, id)
		wantError(t, err, muster.Unavailable, "gamelift.unavailable")
	})
}

func TestDecliningFreesTheOneAndReturnsTheOther(t *testing.T) {
	r := newRig(true)
	ctx := context.Background()
	ann, bob := r.guest("ann"), r.guest("bob")
	a, b := r.start(t, ann, duel()), r.start(t, bob, duel())
	r.mustDeliver(t)
	must[muster.TicketView](t)(r.AnswerMatch(ctx, ann, a.ID, true))
	must[muster.TicketView](t)(r.AnswerMatch(ctx, bob, b.ID, false))
	r.mustDeliver(t)
	if view := must[muster.TicketView](t)(r.Ticket(ctx, ann, a.ID)); view.Status != muster.Searching || view.Match != nil {
		t.Errorf("who accepted is %+v, want searching again", view)
	}
	view := must[muster.TicketView](t)(r.Ticket(ctx, bob, b.ID))
	if view.Status != muster.Cancelled || view.Reason.Code != "match.declined" {
		t.Errorf("who declined is %+v, want cancelled", view)
	}
	_, err := r.AnswerMatch(ctx, bob, b.ID, true)
	wantError(t, err, muster.Conflict, "match.not_open")
	r.start(t, bob, duel())
}

// TestLateNewsOfAMatchThatWasLeftSaysNothing: GameLift sends the decline, the end of the
// proposal and the return to the search in one instant, and SNS in any order.
func TestLateNewsOfAMatchThatWasLeftSaysNothing(t *testing.T) {
	ctx := context.Background()
	kinds := []muster.EventType{muster.AcceptMatch, muster.AcceptMatchCompleted, muster.MatchmakingSearching}
	for _, order := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		t.Run(fmt.Sprintf("%s, then %s, then %s", kinds[order[0]], kinds[order[1]], kinds[order[2]]), func(t *testing.T) {
			r := newRig(true)
			ann, bob := r.guest("ann"), r.guest("bob")
			a, b := r.start(t, ann, duel()), r.start(t, bob, duel())
			r.mustDeliver(t)
			r.clock.advance(time.Second)
			must[muster.TicketView](t)(r.AnswerMatch(ctx, ann, a.ID, true))
			r.mustDeliver(t)
			r.clock.advance(time.Second)
			must[muster.TicketView](t)(r.AnswerMatch(ctx, bob, b.ID, false))
			events := map[muster.EventType]muster.Event{}
			for _, ev := range r.lift.take() {
				events[ev.Type] = ev
			}
			for range 2 { // everything comes twice
				for _, i := range order {
					if err := r.ApplyEvent(ctx, events[kinds[i]]); err != nil {
						t.Fatal(err)
					}
				}
			}
			if view := must[muster.TicketView](t)(r.Ticket(ctx, ann, a.ID)); view.Status != muster.Searching || view.Match != nil {
				t.Errorf("who accepted is %s in %+v, want searching", view.Status, view.Match)
			}
			if view := must[muster.TicketView](t)(r.Ticket(ctx, bob, b.ID)); view.Status != muster.Cancelled {
				t.Errorf("who declined is %s, want cancelled", view.Status)
			}
		})
	}
}

func TestAnAnswerWhoseNewsWasLostIsNotTakenForSilence(t *testing.T) {
	r := newRig(true)
	ctx := context.Background()
	ann, bob := r.guest("ann"), r.guest("bob")
	a, b := r.start(t, ann, duel()), r.start(t, bob, duel())
	r.mustDeliver(t)
	r.clock.advance(time.Second)
	// Ann's answer reaches GameLift by another way; we hear nothing of it.
	if err := r.lift.AcceptMatch(ctx, a.ID, []muster.PlayerID{ann}, true); err != nil {
		t.Fatal(err)
	}
	for _, m := range r.lift.matches {
		r.lift.decide(m, "TimedOut")
	}
	for _, ev := range r.lift.take() {
		if ev.Type == muster.AcceptMatchCompleted {
			for i := range ev.Tickets {
				for j := range ev.Tickets[i].Players {
					ev.Tickets[i].Players[j].Accepted = nil
				}
			}
			r.clock.advance(time.Second)
			if err := r.ApplyEvent(ctx, ev); err != nil {
				t.Fatal(err)
			}
		}
	}
	if view := must[muster.TicketView](t)(r.Ticket(ctx, ann, a.ID)); view.Status != muster.Searching {
		t.Errorf("who accepted is %s, want searching as GameLift has it", view.Status)
	}
	view := must[muster.TicketView](t)(r.Ticket(ctx, bob, b.ID))
	if view.Status != muster.Cancelled || view.Reason.Code != "match.not_accepted" {
		t.Errorf("who was silent is %s %+v, want cancelled as not accepted", view.Status, view.Reason)
	}
}

func TestAnAnswerThatNewsOvertookChangesNothing(t *testing.T) {
	r := newRig(true)
	ctx := context.Background()
	ann, bob := r.guest("ann"), r.guest("bob")
	a := r.start(t, ann, duel())
	r.mustDeliver(t)
	r.clock.advance(time.Minute)
	r.lift.whenAsked = func() { // while GameLift's answer is on its way
		r.lift.whenAsked = nil
		r.clock.advance(time.Second)
		r.start(t, bob, duel())
		r.mustDeliver(t)
	}
	if err := r.Reconcile(ctx); err != nil {
		t.Fatal(err)
	}
	if view := must[muster.TicketView](t)(r.Ticket(ctx, ann, a.ID)); view.Status != muster.RequiresAcceptance {
		t.Errorf("the ticket is %s, want requiresAcceptance: GameLift was asked before the match", view.Status)
	}
}

func TestDueRecordsThatCannotBeReadDoNotHideTheOthers(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	ann := r.guest("ann")
	for i := range 450 { // more than two pages in every shard, all before the ticket's
		for shard := range 8 {
			key := muster.Key{Partition: fmt.Sprint("DUE#ticket#", shard), Sort: fmt.Sprintf("2000-01-01T00:00:00.000Z#%04d", i)}
			if err := r.store.Write(ctx, muster.Op{Key: key, Value: []byte("no JSON")}); err != nil {
				t.Fatal(err)
			}
		}
	}
	id := r.start(t, ann, duel()).ID
	r.lift.tickets[id].Status = muster.TimedOut
	r.clock.advance(time.Minute)
	if err := r.Reconcile(ctx); err != nil {
		t.Fatal(err)
	}
	if view := must[muster.TicketView](t)(r.Ticket(ctx, ann, id)); view.Status != muster.TimedOut {
		t.Errorf("the ticket is %s, want timedOut as GameLift has it", view.Status)
	}
}

func TestARefusedStartMayBeRepeatedWithItsKey(t *testing.T) {
	r := newRig(false)
	ann := r.guest("ann")
	r.lift.startErr = func() (bool, error) { return false, muster.Errorf(muster.Exhausted, "gamelift.limit", "later") }
	_, _, err := r.StartTicket(context.Background(), ann, duel(), "key")
	wantError(t, err, muster.Exhausted, "gamelift.limit")
	r.lift.startErr = nil
	view, created, err := r.StartTicket(context.Background(), ann, duel(), "key")
	if err != nil || !created || view.Status.Final() {
		t.Errorf("the repeat gave %s, created %t, %v; want a new ticket", view.Status, created, err)
	}
}

func TestAnIDThatCannotBeOursIsNotFound(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	ann := r.guest("ann")
	report := muster.ResultReport{Teams: []muster.ResultTeam{{Name: "red", Rank: 1, Players: []muster.ResultPlayer{{PlayerID: "\xff"}}}}}
	for _, id := range []string{"", "\xff\xfe", "a/b", "a#b", "a b", strings.Repeat("x", 5000)} {
		_, err := r.Ticket(ctx, ann, muster.TicketID(id))
		wantError(t, err, muster.NotFound, "ticket.not_found")
		_, err = r.Player(ctx, muster.PlayerID(id))
		wantError(t, err, muster.NotFound, "player.not_found")
		wantError(t, r.SetAttributes(ctx, muster.PlayerID(id), nil), muster.NotFound, "player.not_found")
		_, err = r.ReportResult(ctx, muster.SessionID(id), report)
		wantError(t, err, muster.NotFound, "session.unknown")
	}
}

func TestASeatThatIsNoLongerLiveFreesThePlayer(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	ann, bob := r.guest("ann"), r.guest("bob")
	r.start(t, ann, duel())
	r.start(t, bob, duel())
	r.mustDeliver(t)
	seat := must[muster.SeatView](t)(r.Seat(ctx, ann))
	r.lift.down = true
	if again := must[muster.SeatView](t)(r.Seat(ctx, ann)); again != seat {
		t.Error("while GameLift is down the known seat is still given")
	}
	r.lift.down = false
	r.lift.seats[seat.PlayerSessionID].Live = false
	r.clock.advance(10 * time.Second) // after which GameLift is asked again
	_, err := r.Seat(ctx, ann)
	wantError(t, err, muster.NotFound, "session.none")
	r.start(t, ann, duel())
}

func TestWaitingForATicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(false)
		ctx := context.Background()
		ann, bob := r.guest("ann"), r.guest("bob")
		view := r.start(t, ann, duel())
		news := make(chan muster.TicketView)
		go func() {
			seen, err := r.WaitTicket(ctx, ann, view.ID, view.Version, time.Hour)
			if err != nil {
				t.Error(err)
			}
			news <- seen
		}()
		synctest.Wait()
		r.start(t, bob, duel())
		r.mustDeliver(t)
		if seen := <-news; seen.Version <= view.Version {
			t.Errorf("the wait ended with version %d, want more than %d", seen.Version, view.Version)
		}
		limited, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		carl := r.guest("carl")
		waiting := r.start(t, carl, duel())
		if _, err := r.WaitTicket(limited, carl, waiting.ID, 1000, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a wait whose caller went away ends with %v", err)
		}
	})
}

func TestAResultThatDoesNotFitIsRefusedAndChangesNothing(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	ann, bob := r.guest("ann"), r.guest("bob")
	r.start(t, ann, duel())
	r.start(t, bob, duel())
	r.mustDeliver(t)
	seat := must[muster.SeatView](t)(r.Seat(ctx, ann))
	team := func(name string, rank int, players ...muster.PlayerID) muster.ResultTeam {
		rt := muster.ResultTeam{Name: name, Rank: rank}
		for _, p := range players {
			rt.Players = append(rt.Players, muster.ResultPlayer{PlayerID: p})
		}
		return rt
	}
	cases := []struct {
		name    string
		session muster.SessionID
		teams   []muster.ResultTeam
		kind    muster.Kind
		code    string
	}{
		{"no teams", seat.SessionID, nil, muster.Invalid, "result.teams"},
		{"a rank beyond the teams", seat.SessionID, []muster.ResultTeam{team("red", 3, ann), team("blue", 1, bob)}, muster.Invalid, "result.rank"},
		{"a team twice", seat.SessionID, []muster.ResultTeam{team("red", 1, ann), team("red", 2, bob)}, muster.Invalid, "result.team_name"},
		{"a player twice", seat.SessionID, []muster.ResultTeam{team("red", 1, ann, ann), team("blue", 2, bob)}, muster.Invalid, "result.player_twice"},
		{"a stranger", seat.SessionID, []muster.ResultTeam{team("red", 1, ann, "eve"), team("blue", 2, bob)}, muster.Invalid, "result.stranger"},
		{"swapped teams", seat.SessionID, []muster.ResultTeam{team("blue", 1, ann), team("red", 2, bob)}, muster.Invalid, "result.wrong_team"},
		{"a player missing", seat.SessionID, []muster.ResultTeam{team("red", 1, ann), team("blue", 2)}, muster.Invalid, "result.incomplete"},
		{"an unknown session", "arn:aws:gamelift:us-west-2::gamesession/x/y/z", []muster.ResultTeam{team("red", 1, ann), team("blue", 2, bob)}, muster.NotFound, "session.unknown"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := r.ReportResult(ctx, c.session, muster.ResultReport{Teams: c.teams})
			wantError(t, err, c.kind, c.code)
		})
	}
	if standing := must[[]muster.RatingView](t)(r.Ratings(ctx, ann))[0]; standing.Games != 0 {
		t.Errorf("a refused result counted: %+v", standing)
	}
}

func TestAResultMayComeBeforeTheEventOfItsMatch(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	ann, bob := r.guest("ann"), r.guest("bob")
	a := r.start(t, ann, duel())
	r.start(t, bob, duel())
	r.lift.take() // every event is lost
	report := muster.ResultReport{Teams: []muster.ResultTeam{
		{Name: "red", Rank: 1, Players: []muster.ResultPlayer{{PlayerID: ann}}},
		{Name: "blue", Rank: 1, Players: []muster.ResultPlayer{{PlayerID: bob}}},
	}}
	view := must[muster.ResultView](t)(r.ReportResult(ctx, r.lift.tickets[a.ID].Session, report))
	for _, row := range view.Players {
		if row.Outcome != muster.Draw {
			t.Errorf("equal ranks are %s for %s, want a draw", row.Outcome, row.PlayerID)
		}
	}
}

func TestAResultOfManyPlayersCountsOnceForEach(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	const size = 80 // more than one write can hold
	ev := muster.Event{Type: muster.MatchmakingSucceeded, At: r.clock.now(), Configuration: "duel-config", MatchID: "m", Session: "arn:aws:gamelift:us-west-2::gamesession/f/l/big"}
	var teams [2]muster.ResultTeam
	for i := range size {
		p := r.guest(fmt.Sprint("p", i))
		name := []string{"red", "blue"}[i%2]
		ev.Tickets = append(ev.Tickets, muster.EventTicket{ID: muster.TicketID(fmt.Sprint("t", i)), Players: []muster.EventPlayer{{ID: p, Team: name}}})
		teams[i%2].Name, teams[i%2].Rank = name, i%2+1
		teams[i%2].Players = append(teams[i%2].Players, muster.ResultPlayer{PlayerID: p})
	}
	if err := r.ApplyEvent(ctx, ev); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		must[muster.ResultView](t)(r.ReportResult(ctx, ev.Session, muster.ResultReport{Teams: teams[:]}))
	}
	for _, team := range teams {
		for _, p := range team.Players {
			if standing := must[[]muster.RatingView](t)(r.Ratings(ctx, p.PlayerID))[0]; standing.Games != 1 {
				t.Fatalf("player %s has %d games, want 1", p.PlayerID, standing.Games)
			}
		}
	}
}

func TestPlayersWhoJoinARunningSessionCountInItsResult(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	ann, bob, late := r.guest("ann"), r.guest("bob"), r.guest("late")
	ev := muster.Event{Type: muster.MatchmakingSucceeded, At: r.clock.now(), Configuration: "duel-config", MatchID: "m1", Session: "arn:aws:gamelift:us-west-2::gamesession/f/l/s"}
	for i, players := range [][]muster.EventPlayer{
		{{ID: ann, Team: "red"}, {ID: bob, Team: "blue"}},
		{{ID: late, Team: "blue"}},
	} {
		ev.Tickets = []muster.EventTicket{{ID: muster.TicketID(fmt.Sprint("t", i)), Players: players}}
		if err := r.ApplyEvent(ctx, ev); err != nil {
			t.Fatal(err)
		}
	}
	view := must[muster.ResultView](t)(r.ReportResult(ctx, ev.Session, muster.ResultReport{Teams: []muster.ResultTeam{
		{Name: "red", Rank: 1, Players: []muster.ResultPlayer{{PlayerID: ann}}},
		{Name: "blue", Rank: 2, Players: []muster.ResultPlayer{{PlayerID: bob}, {PlayerID: late}}},
	}}))
	if len(view.Players) != 3 {
		t.Errorf("the result counts for %d players, want 3", len(view.Players))
	}
}

func TestAPlacementThatTimesOutSaysThatNoServerWasFree(t *testing.T) {
	for name, tell := range map[string]func(r *rig, id muster.TicketID) error{
		"by its event": func(r *rig, id muster.TicketID) error {
			return r.ApplyEvent(context.Background(), muster.Event{
				Type: muster.MatchmakingTimedOut, At: r.clock.now(), Tickets: []muster.EventTicket{{ID: id}},
			})
		},
		"when asked": func(r *rig, id muster.TicketID) error {
			r.lift.tickets[id].Status = muster.TimedOut
			r.clock.advance(time.Minute)
			return r.Reconcile(context.Background())
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(false)
			ann, bob := r.guest("ann"), r.guest("bob")
			id := r.start(t, ann, duel()).ID
			r.start(t, bob, duel())
			for _, ev := range r.lift.take() {
				if ev.Type == muster.PotentialMatchCreated {
					if err := r.ApplyEvent(context.Background(), ev); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := tell(r, id); err != nil {
				t.Fatal(err)
			}
			view := must[muster.TicketView](t)(r.Ticket(context.Background(), ann, id))
			if view.Status != muster.TimedOut || view.Reason.Code != "ticket.no_server" {
				t.Errorf("the ticket is %s %+v", view.Status, view.Reason)
			}
		})
	}
}

func TestStoredDataReachesMatchmakingAndClientsCannotSetIt(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	ann := r.guest("ann")
	if err := r.SetAttributes(ctx, ann, map[string]any{"level": 7.0}); err != nil {
		t.Fatal(err)
	}
	id := r.start(t, ann, duel()).ID
	if n := r.lift.tickets[id].players[0].Attributes["level"].N; n == nil || *n != 7 {
		t.Errorf("level sent is %v, want the stored 7", n)
	}
	wantError(t, r.SetAttributes(ctx, ann, map[string]any{"level": true}), muster.Invalid, "attributes.type")
	wantError(t, r.SetAttributes(ctx, "nobody", map[string]any{"level": 1.0}), muster.NotFound, "player.not_found")
}

func TestHistoryIsPagedNewestFirst(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	ann, bob := r.guest("ann"), r.guest("bob")
	for range 5 {
		a := r.start(t, ann, duel())
		r.start(t, bob, duel())
		r.mustDeliver(t)
		id := r.lift.tickets[a.ID].Session
		must[muster.ResultView](t)(r.ReportResult(ctx, id, muster.ResultReport{Teams: []muster.ResultTeam{
			{Name: "red", Rank: 1, Players: []muster.ResultPlayer{{PlayerID: ann}}},
			{Name: "blue", Rank: 2, Players: []muster.ResultPlayer{{PlayerID: bob}}},
		}}))
		r.clock.advance(time.Minute)
	}
	var seen []muster.MatchHistoryView
	for cursor := ""; ; {
		page := must[muster.MatchHistoryPage](t)(r.Matches(ctx, ann, 2, cursor))
		seen = append(seen, page.Matches...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if len(seen) != 5 {
		t.Fatalf("%d matches, want 5", len(seen))
	}
	for i := 1; i < len(seen); i++ {
		if !seen[i].EndedAt.Before(seen[i-1].EndedAt) {
			t.Errorf("match %d is not older than the one before", i)
		}
	}
	_, err := r.Matches(ctx, ann, 0, "")
	wantError(t, err, muster.Invalid, "history.limit")
}
