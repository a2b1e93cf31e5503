package cost

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"muster"
)

// scenario is a kind of match.
type scenario struct {
	name       string
	teams      int
	teamSize   int
	party      int // players of a ticket; 1: everybody for themselves
	acceptance bool
	// most is the bound on the write units of a player who is known, from sign-in to
	// result.
	most float64
}

func (s scenario) players() int { return s.teams * s.teamSize }

// mode is a mode as games have them: the rating, a choice and a constant are matched.
func (s scenario) mode() muster.Mode {
	low, high := 0.0, 5000.0
	m := muster.Mode{
		Name: "ranked", Title: "Ranked", Configuration: "ranked-production",
		Attributes: map[string]muster.AttributeSource{
			"skill": {From: muster.FromRating, Min: &low, Max: &high},
			"map":   {From: muster.FromClient, Choices: []string{"harbour", "tower"}},
		},
	}
	if s.acceptance {
		m.AcceptanceTimeout = 20 * time.Second
	}
	for i := range s.teams {
		m.Teams = append(m.Teams, muster.ModeTeam{Name: team(i), MinPlayers: s.teamSize, MaxPlayers: s.teamSize})
	}
	return m
}

func team(i int) string {
	if i < 2 {
		return []string{"red", "blue"}[i]
	}
	return "team" + strconv.Itoa(i)
}

// step is what one player pays for something.
type step struct {
	name string
	bill bill
}

// flow is the steps of a match in their order.
type flow struct {
	*world
	scenario
	players []muster.PlayerID
	guests  []muster.Guest
	tickets []muster.TicketView
	steps   []step
}

// The steps that a player takes once, or rarely. They are no part of a match.
const (
	newGuest  = "sign in as a new guest"
	makeParty = "make a party: create, join, be ready"
)

// measure does something for all players and notes what it cost each of them.
func (f *flow) measure(name string, do func(ctx context.Context)) {
	f.steps = append(f.steps, step{name, f.spent(func() { do(context.Background()) }).each(f.scenario.players())})
}

// begin brings players who have never been there.
func (f *flow) begin() {
	f.measure(newGuest, func(ctx context.Context) {
		for range f.scenario.players() {
			grant, err := f.ids.Guest(ctx, nil)
			f.must(err)
			f.players, f.guests = append(f.players, grant.Player.ID), append(f.guests, *grant.Guest)
		}
	})
	if f.party == 1 {
		return
	}
	f.measure(makeParty, func(ctx context.Context) {
		for i, p := range f.players {
			if i%f.party == 0 {
				mode := muster.ModeName("ranked")
				_, err := f.CreateParty(ctx, p, muster.PartySettings{Mode: &mode})
				f.must(err)
				continue
			}
			lead, err := f.Party(ctx, f.players[i-i%f.party])
			f.must(err)
			_, err = f.JoinParty(ctx, p, lead.Code)
			f.must(err)
			_, err = f.ReportReady(ctx, p, muster.PartyReport{Ready: true, LatencyInMs: latencies(i), Preferences: map[string]string{"map": "tower"}})
			f.must(err)
		}
	})
}

func latencies(i int) map[string]int {
	return map[string]int{"us-east-1": 20 + i, "us-west-2": 81, "eu-central-1": 95, "ap-northeast-1": 160}
}

// match plays one match from sign-in to result, and what the reconciler does after it.
func (f *flow) match(round int) {
	f.signIn()
	f.queue(round)
	f.propose(round)
	if f.acceptance {
		f.accept(round)
	}
	f.seat(round)
	f.pass(20 * time.Minute)
	f.end(round)
	first := f.spent(func() { f.must(f.Reconcile(context.Background())) })
	idle := f.spent(func() { f.must(f.Reconcile(context.Background())) })
	f.steps = append(f.steps, step{"the reconciler forgets the ticket", first.minus(idle).each(len(f.players))})
	f.measure("look at rating and history", func(ctx context.Context) {
		for _, p := range f.players {
			_, err := f.Ratings(ctx, p)
			f.must(err)
			_, err = f.Matches(ctx, p, 10, "")
			f.must(err)
		}
	})
}

func (f *flow) signIn() {
	var grants []muster.Grant
	f.measure("sign in as a known guest", func(ctx context.Context) {
		for _, g := range f.guests {
			grant, err := f.ids.Guest(ctx, &g)
			f.must(err)
			grants = append(grants, grant)
		}
	})
	f.measure("open the socket: ticket, its use, snapshot", func(ctx context.Context) {
		for _, g := range grants {
			caller, err := f.ids.Verify(ctx, g.AccessToken)
			f.must(err)
			ticket, _, err := f.ids.SocketTicket(ctx, caller)
			f.must(err)
			_, err = f.ids.RedeemSocketTicket(ctx, ticket)
			f.must(err)
			_, err = f.Snapshot(ctx, caller.Player)
			f.must(err)
		}
	})
}

// queue starts the tickets, with an idempotency key as clients should send one.
func (f *flow) queue(round int) {
	f.tickets = nil
	f.measure("start a ticket", func(ctx context.Context) {
		for i := 0; i < len(f.players); i += f.party {
			req := muster.TicketRequest{Mode: "ranked", LatencyInMs: latencies(i), Preferences: map[string]string{"map": "tower"}}
			view, created, err := f.StartTicket(ctx, f.players[i], req, fmt.Sprintf("5f2c8a7e-%04d-%04d", round, i))
			f.must(err)
			if !created || len(view.Players) != f.party {
				f.t.Fatalf("the ticket is %+v, created %v", view, created)
			}
			f.tickets = append(f.tickets, view)
		}
	})
	f.pass(300 * time.Millisecond)
	f.measure("event MatchmakingSearching", func(ctx context.Context) {
		for i := range f.tickets {
			ev := f.event(muster.MatchmakingSearching, round, i)
			ev.MatchID = ""
			f.must(f.ApplyEvent(ctx, ev))
		}
	})
	f.pass(6 * time.Second)
}

func (f *flow) propose(round int) {
	f.measure("event PotentialMatchCreated", func(ctx context.Context) {
		ev := f.event(muster.PotentialMatchCreated, round)
		if f.acceptance {
			ev.AcceptanceRequired, ev.AcceptanceTimeout = true, 20*time.Second
		}
		f.must(f.ApplyEvent(ctx, ev))
	})
	f.pass(time.Second)
}

// accept lets everybody accept. GameLift tells each answer to all tickets of the match.
func (f *flow) accept(round int) {
	answers, events := bill{}, bill{}
	yes := true
	for i, p := range f.players {
		ctx := context.Background()
		answers = answers.plus(f.spent(func() {
			_, err := f.AnswerMatch(ctx, p, f.tickets[i/f.party].ID, true)
			f.must(err)
		}))
		f.pass(100 * time.Millisecond)
		ev := f.event(muster.AcceptMatch, round)
		for j := range i + 1 {
			ev.Tickets[j/f.party].Players[j%f.party].Accepted = &yes
		}
		events = events.plus(f.spent(func() { f.must(f.ApplyEvent(ctx, ev)) }))
	}
	f.steps = append(f.steps, step{"accept the match", answers.each(len(f.players))}, step{"event AcceptMatch, one an answer", events.each(len(f.players))})
	f.measure("event AcceptMatchCompleted", func(ctx context.Context) {
		ev := f.event(muster.AcceptMatchCompleted, round)
		ev.Acceptance = "Accepted"
		f.must(f.ApplyEvent(ctx, ev))
	})
	f.pass(time.Second)
}

// sessionID is as long as those of Amazon.
func sessionID(round int) muster.SessionID {
	return muster.SessionID(fmt.Sprintf("arn:aws:gamelift:us-east-1::gamesession/fleet-2222bbbb-33cc-44dd-55ee-6666ffff77aa/us-east-1/5f2c8a7e-1b3d-4c5e-9f70-%012d", round))
}

func (f *flow) seat(round int) {
	f.measure("event MatchmakingSucceeded: seats", func(ctx context.Context) {
		ev := f.event(muster.MatchmakingSucceeded, round)
		ev.Session, ev.IPAddress, ev.Port = sessionID(round), "203.0.113.204", 33435
		ev.DNSName = "ec2-203-0-113-204.compute-1.amazonaws.com"
		n := 0
		for i := range ev.Tickets {
			for j := range ev.Tickets[i].Players {
				n++
				ev.Tickets[i].Players[j].Seat = muster.SeatID(fmt.Sprintf("psess-5f2c8a7e-1b3d-4c5e-9f70-%08d%04d", round, n))
			}
		}
		f.must(f.ApplyEvent(ctx, ev))
	})
	for _, p := range f.players {
		snap, err := f.Snapshot(context.Background(), p)
		f.must(err)
		if snap.Seat == nil || snap.Seat.SessionID != sessionID(round) {
			f.t.Fatalf("%s has no seat: %+v", p, snap)
		}
	}
}

func (f *flow) end(round int) {
	report := muster.ResultReport{}
	for i := range f.teams {
		side := muster.ResultTeam{Name: team(i), Rank: 1 + (i+round)%f.teams, Score: float64(16 - i)}
		for _, p := range f.players[i*f.teamSize : (i+1)*f.teamSize] {
			side.Players = append(side.Players, muster.ResultPlayer{PlayerID: p, Stats: map[string]float64{"kills": 12, "deaths": 7}})
		}
		report.Teams = append(report.Teams, side)
	}
	f.measure("result: ratings, history, free again", func(ctx context.Context) {
		_, err := f.ReportResult(ctx, sessionID(round), report)
		f.must(err)
	})
	for _, p := range f.players {
		me, err := f.Me(context.Background(), p)
		f.must(err)
		if me.Activity != nil {
			f.t.Fatalf("%s is not free after the result: %+v", p, me.Activity)
		}
	}
}

// event is one of GameLift about the tickets of the match, or about some of them.
func (f *flow) event(kind muster.EventType, round int, only ...int) muster.Event {
	ev := muster.Event{
		ID: f.newID(), Type: kind, At: f.clock.at, Configuration: "ranked-production", MatchID: muster.MatchID(fmt.Sprintf("5f2c8a7e-1b3d-4c5e-9f71-%012d", round)),
	}
	if len(only) == 0 {
		for i := range f.tickets {
			only = append(only, i)
		}
	}
	for _, i := range only {
		et := muster.EventTicket{ID: f.tickets[i].ID}
		for j, p := range f.tickets[i].Players {
			place := muster.EventPlayer{ID: p}
			if kind != muster.MatchmakingSearching {
				place.Team = team((i*f.party + j) / f.teamSize)
			}
			et.Players = append(et.Players, place)
		}
		ev.Tickets = append(ev.Tickets, et)
	}
	return ev
}
