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

// storm plays thousands of tickets while events are dropped, doubled, delayed and
// shuffled, answers are lost, players cancel, decline and forget, and servers vanish.
type storm struct {
	*rig
	t       *testing.T
	rand    *rand.Rand
	players []muster.PlayerID
	flying  []muster.Event // on their way, in no order
	tickets []owned
	results map[muster.SessionID]bool
	lost    int // requests to start a ticket
	// seen is the match that each ticket showed last, left those it has left for good.
	seen map[muster.TicketID]muster.MatchID
	left map[muster.TicketID]map[muster.MatchID]bool
}

type owned struct {
	player muster.PlayerID
	ticket muster.TicketID
}

// TestTicketsSurviveAStormOfLostAndShuffledEvents holds the promise that whatever
// happens to events, every ticket ends and every player is free or seated.
func TestTicketsSurviveAStormOfLostAndShuffledEvents(t *testing.T) {
	const wanted = 10_000
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	s := &storm{rig: newRig(true), t: t, rand: rand.New(rand.NewPCG(seed, 1)), results: map[muster.SessionID]bool{}, seen: map[muster.TicketID]muster.MatchID{}, left: map[muster.TicketID]map[muster.MatchID]bool{}}
	for i := range 300 {
		s.players = append(s.players, s.guest(fmt.Sprint("guest-", i)))
	}
	s.lift.startErr = s.unreliableStart
	for len(s.tickets) < wanted {
		s.step()
	}
	s.calm()
	s.check()
}

// unreliableStart loses some requests and some answers.
func (s *storm) unreliableStart() (took bool, err error) {
	switch s.rand.IntN(40) {
	case 0:
		s.lost++
		return false, errDown // the request is lost
	case 1:
		return true, errDown // the answer is lost
	case 2:
		return false, muster.Errorf(muster.Invalid, "gamelift.invalid", "refused")
	}
	return true, nil
}

// step lets one random thing happen.
func (s *storm) step() {
	ctx := context.Background()
	p := s.players[s.rand.IntN(len(s.players))]
	switch s.rand.IntN(10) {
	case 0, 1, 2, 3:
		view, created, err := s.StartTicket(ctx, p, duel(), "")
		if created {
			s.tickets = append(s.tickets, owned{p, view.ID})
		}
		s.allow(err, muster.Conflict, muster.Unavailable, muster.Invalid)
	case 4, 5:
		s.answer(ctx, s.rand.IntN(5) > 0)
	case 6:
		if len(s.tickets) > 0 && s.rand.IntN(3) == 0 {
			o := s.tickets[len(s.tickets)-1-s.rand.IntN(min(50, len(s.tickets)))]
			_, err := s.CancelTicket(ctx, o.player, o.ticket)
			s.allow(err, muster.Conflict, muster.Unavailable)
		}
	case 7:
		s.endSession(ctx)
	case 8:
		s.clock.advance(time.Duration(s.rand.IntN(3000)) * time.Millisecond)
		s.allow(s.Reconcile(ctx), muster.Unavailable)
	case 9:
		s.expireProposals()
		s.lift.down = s.rand.IntN(30) == 0
	}
	s.fly(ctx)
}

// answer lets a player answer a proposal that their ticket shows them.
func (s *storm) answer(ctx context.Context, accept bool) {
	for range 20 {
		if len(s.tickets) == 0 {
			return
		}
		o := s.tickets[len(s.tickets)-1-s.rand.IntN(min(100, len(s.tickets)))]
		view, err := s.Ticket(ctx, o.player, o.ticket)
		s.allow(err)
		if view.Status == muster.RequiresAcceptance && view.Match.You == "pending" {
			_, err := s.AnswerMatch(ctx, o.player, o.ticket, accept)
			s.allow(err, muster.Conflict, muster.Unavailable)
			return
		}
	}
}

// expireProposals ends, at GameLift, those proposals that waited too long.
func (s *storm) expireProposals() {
	for _, id := range slices.Sorted(maps.Keys(s.lift.matches)) {
		m := s.lift.matches[id]
		if m.decided {
			delete(s.lift.matches, id)
		} else if s.rand.IntN(10) == 0 {
			s.lift.decide(m, "TimedOut")
		}
	}
}

// endSession ends a session: its server reports, sometimes twice, or vanishes.
func (s *storm) endSession(ctx context.Context) {
	for _, id := range slices.Sorted(maps.Keys(s.lift.sessions)) {
		session := s.lift.sessions[id]
		if !session.Live || s.results[id] {
			continue
		}
		session.Live = false
		for _, seat := range s.lift.seats {
			if seat.Session == id {
				seat.Live = false
			}
		}
		if s.rand.IntN(8) == 0 {
			return // crashed without a result
		}
		report := muster.ResultReport{}
		for p, team := range session.Teams {
			rank := 1
			if team == "blue" {
				rank = 2
			}
			report.Teams = append(report.Teams, muster.ResultTeam{Name: team, Rank: rank, Players: []muster.ResultPlayer{{PlayerID: p}}})
		}
		for range 1 + s.rand.IntN(2) {
			_, err := s.ReportResult(ctx, id, report)
			s.allow(err, muster.Unavailable, muster.NotFound)
			if err == nil {
				s.results[id] = true
			}
		}
		return
	}
}

// fly takes new events up, loses some, doubles some, and lands others in any order.
func (s *storm) fly(ctx context.Context) {
	for _, ev := range s.lift.take() {
		switch s.rand.IntN(10) {
		case 0:
		case 1:
			s.flying = append(s.flying, ev, ev)
		default:
			s.flying = append(s.flying, ev)
		}
	}
	for range s.rand.IntN(4) {
		if len(s.flying) == 0 {
			return
		}
		i := s.rand.IntN(len(s.flying))
		s.allow(s.ApplyEvent(ctx, s.flying[i]), muster.Unavailable)
		s.forward()
		s.flying[i] = s.flying[len(s.flying)-1]
		s.flying = s.flying[:len(s.flying)-1]
	}
}

// forward checks what players were told since the last time: a ticket never comes back
// to a match that it left, and says nothing more after its end.
func (s *storm) forward() {
	s.t.Helper()
	for _, n := range s.inbox.take() {
		view, ok := n.Data.(muster.TicketView)
		if !ok {
			continue
		}
		now := muster.MatchID("")
		if view.Match != nil {
			now = view.Match.ID
		}
		if s.left[view.ID][now] && now != "" {
			s.t.Fatalf("ticket %s is %s in match %s, which it had left", view.ID, view.Status, now)
		}
		if before := s.seen[view.ID]; before != "" && before != now {
			if s.left[view.ID] == nil {
				s.left[view.ID] = map[muster.MatchID]bool{}
			}
			s.left[view.ID][before] = true
		}
		s.seen[view.ID] = now
	}
}

// allow fails the test on an error of a kind that this moment does not explain.
func (s *storm) allow(err error, kinds ...muster.Kind) {
	s.t.Helper()
	if err == nil {
		return
	}
	for _, k := range kinds {
		if muster.KindOf(err) == k {
			return
		}
	}
	s.t.Fatalf("unexpected error: %v", err)
}

// calm ends all matchmaking at GameLift without telling anybody, and gives the
// reconciler its time.
func (s *storm) calm() {
	ctx := context.Background()
	s.lift.down, s.lift.startErr = false, nil
	for _, id := range slices.Sorted(maps.Keys(s.lift.matches)) {
		if m := s.lift.matches[id]; !m.decided {
			s.lift.decide(m, "TimedOut")
		}
	}
	for range 60 {
		s.lift.timeOut() // those, too, of which GameLift is told only now
		s.clock.advance(time.Second)
		s.allow(s.Reconcile(ctx))
	}
}

func (s *storm) check() {
	ctx := context.Background()
	byStatus := map[muster.TicketStatus]int{}
	for _, o := range s.tickets {
		view, err := s.Ticket(ctx, o.player, o.ticket)
		s.allow(err)
		byStatus[view.Status]++
		if !view.Status.Final() {
			s.t.Errorf("ticket %s of %s is still %s", o.ticket, o.player, view.Status)
		}
		if want := s.lift.tickets[o.ticket]; want != nil && want.Status != view.Status {
			s.t.Errorf("ticket %s is %s, GameLift has it %s", o.ticket, view.Status, want.Status)
		}
	}
	s.t.Logf("tickets by status: %v; sessions with a result: %d; questions asked: %d", byStatus, len(s.results), s.lift.asked)
	if byStatus[muster.Completed] < 1000 || byStatus[muster.Cancelled] < 100 || s.lost < 10 {
		s.t.Errorf("the storm was too mild: %v, %d requests lost", byStatus, s.lost)
	}
	for _, p := range s.players {
		s.checkPlayer(ctx, p)
	}
}

// checkPlayer: free, or in a session that lives; and the rating counts each result once.
func (s *storm) checkPlayer(ctx context.Context, p muster.PlayerID) {
	me, err := s.Me(ctx, p)
	s.allow(err)
	if me.Activity != nil {
		if me.Activity.Kind != "session" || !s.lift.sessions[me.Activity.SessionID].Live {
			s.t.Errorf("player %s is stuck in %+v", p, *me.Activity)
		}
	}
	games := 0
	mu := 25.0
	for id := range s.results {
		switch s.lift.sessions[id].Teams[p] {
		case "red":
			games, mu = games+1, mu+1
		case "blue":
			games, mu = games+1, mu-1
		}
	}
	ratings, err := s.Ratings(ctx, p)
	s.allow(err)
	if ratings[0].Games != games || ratings[0].Mu != mu {
		s.t.Errorf("player %s has %d games and mu %v, the results say %d and %v", p, ratings[0].Games, ratings[0].Mu, games, mu)
	}
}
