package muster_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"muster"
	"muster/store/memory"
)

// clock is time in the tests' hands.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// ids counts up, so that a failing test reads the same every time.
func ids(prefix string) func() string {
	var mu sync.Mutex
	n := 0
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		n++
		return fmt.Sprintf("%s-%05d", prefix, n)
	}
}

// fakeGameLift plays Amazon: it pairs tickets, two at a time, and says what became of
// them both in events, which the test delivers as it likes, and when asked.
type fakeGameLift struct {
	fakeHosting
	clock      *clock
	acceptance bool
	tickets    map[muster.TicketID]*fakeTicket
	waiting    []muster.TicketID
	matches    map[muster.MatchID]*fakeMatch
	seats      map[muster.SeatID]*muster.SeatState
	sessions   map[muster.SessionID]*muster.SessionSnapshot
	events     []muster.Event
	newID      func() string

	// startErr, when set, decides what StartMatchmaking answers; took says whether the
	// ticket arrived all the same.
	startErr func() (took bool, err error)
	down     bool // every call is Unavailable
	asked    int  // calls of Tickets
	// whenAsked, when set, runs after Tickets has its answer and before it gives it.
	whenAsked func()
}

type fakeTicket struct {
	muster.TicketSnapshot
	players       []muster.MatchmakingPlayer
	match         muster.MatchID
	configuration string
}

// seatTogether puts the players of a ticket into a team; a ticket is never split.
func (t *fakeTicket) seatTogether(team string) {
	t.Teams = map[muster.PlayerID]string{}
	for _, p := range t.players {
		t.Teams[p.ID] = team
	}
}

// acceptedBy says whether all players of a ticket accepted.
func (t *fakeTicket) acceptedBy(accepted map[muster.PlayerID]bool) bool {
	return !slices.ContainsFunc(t.players, func(p muster.MatchmakingPlayer) bool { return !accepted[p.ID] })
}

type fakeMatch struct {
	id       muster.MatchID
	tickets  []muster.TicketID
	accepted map[muster.PlayerID]bool
	decided  bool
}

func newFakeGameLift(c *clock) *fakeGameLift {
	return &fakeGameLift{
		clock: c, tickets: map[muster.TicketID]*fakeTicket{}, matches: map[muster.MatchID]*fakeMatch{},
		seats: map[muster.SeatID]*muster.SeatState{}, sessions: map[muster.SessionID]*muster.SessionSnapshot{}, newID: ids("gl"),
	}
}

var errDown = muster.Errorf(muster.Unavailable, "gamelift.unavailable", "GameLift does not answer")

func (g *fakeGameLift) StartMatchmaking(_ context.Context, req muster.StartMatchmaking) error {
	var answer error
	if g.startErr != nil {
		took, err := g.startErr()
		if !took {
			return err
		}
		answer = err
	}
	if g.down {
		return errDown
	}
	if g.tickets[req.Ticket] != nil {
		return muster.Errorf(muster.Invalid, "gamelift.invalid", "ticket %s exists already", req.Ticket)
	}
	g.tickets[req.Ticket] = &fakeTicket{
		TicketSnapshot: muster.TicketSnapshot{Ticket: req.Ticket, Status: muster.Searching}, players: req.Players,
		configuration: req.Configuration,
	}
	g.emit(muster.MatchmakingSearching, "", req.Ticket)
	g.waiting = append(g.waiting, req.Ticket)
	g.pair()
	return answer
}

// timeOut ends every ticket without telling anybody.
func (g *fakeGameLift) timeOut() {
	for _, t := range g.tickets {
		if !t.Status.Final() {
			t.Status = muster.TimedOut
		}
	}
	g.waiting = nil
	g.take()
}

// pair proposes matches to whoever waits, two tickets of one configuration at a time.
func (g *fakeGameLift) pair() {
	for {
		pair := g.nextPair()
		if pair == nil {
			return
		}
		m := &fakeMatch{id: muster.MatchID(g.newID()), tickets: pair, accepted: map[muster.PlayerID]bool{}}
		g.matches[m.id] = m
		for i, id := range m.tickets {
			t := g.tickets[id]
			t.match, t.Status = m.id, muster.Placing
			if g.acceptance {
				t.Status = muster.RequiresAcceptance
			}
			t.seatTogether([]string{"red", "blue"}[i])
		}
		g.emit(muster.PotentialMatchCreated, m.id, m.tickets...)
		if !g.acceptance {
			g.place(m, muster.Completed)
		}
	}
}

// nextPair takes the first two that wait for the same out of the queue; nil: none do.
func (g *fakeGameLift) nextPair() []muster.TicketID {
	first := map[string]muster.TicketID{}
	for _, id := range g.waiting {
		configuration := g.tickets[id].configuration
		if other, waits := first[configuration]; waits {
			g.waiting = slices.DeleteFunc(g.waiting, func(w muster.TicketID) bool { return w == id || w == other })
			return []muster.TicketID{other, id}
		}
		first[configuration] = id
	}
	return nil
}

// place ends a match's placement: Completed gives every player a seat.
func (g *fakeGameLift) place(m *fakeMatch, status muster.TicketStatus) {
	m.decided = true
	if g.standalone && status == muster.Completed {
		for _, id := range m.tickets {
			g.tickets[id].Status = muster.Completed
		}
		g.emit(muster.MatchmakingSucceeded, m.id, m.tickets...)
		return
	}
	if status != muster.Completed {
		for _, id := range m.tickets {
			g.tickets[id].Status = status
		}
		g.emit(muster.MatchmakingFailed, m.id, m.tickets...)
		return
	}
	s := muster.SessionSnapshot{
		ID: muster.SessionID("arn:aws:gamelift:us-west-2::gamesession/fleet-1/custom-local/" + string(m.id)), Live: true,
		IPAddress: "127.0.0.1", Port: 7777, MatchID: m.id, Configuration: g.tickets[m.tickets[0]].configuration, Teams: map[muster.PlayerID]string{}, CreatedAt: g.clock.now(),
	}
	seats := map[muster.PlayerID]muster.SeatID{}
	for _, id := range m.tickets {
		for p, team := range g.tickets[id].Teams {
			s.Teams[p] = team
			seat := muster.SeatID("psess-" + g.newID())
			seats[p] = seat
			g.seats[seat] = &muster.SeatState{Seat: seat, Player: p, Session: s.ID, Live: true}
		}
	}
	for _, id := range m.tickets {
		t := g.tickets[id]
		t.Status, t.Session, t.IPAddress, t.Port, t.Seats = muster.Completed, s.ID, s.IPAddress, s.Port, seats
	}
	g.sessions[s.ID] = &s
	g.emit(muster.MatchmakingSucceeded, m.id, m.tickets...)
}

func (g *fakeGameLift) StopMatchmaking(_ context.Context, id muster.TicketID) error {
	t := g.tickets[id]
	switch {
	case g.down:
		return errDown
	case t == nil:
		return muster.Errorf(muster.NotFound, "gamelift.not_found", "no ticket %s", id)
	case t.Status != muster.Searching && t.Status != muster.RequiresAcceptance:
		return muster.Errorf(muster.Invalid, "gamelift.invalid", "ticket is %s", t.Status)
	}
	if t.Status == muster.RequiresAcceptance {
		for _, other := range g.matches[t.match].tickets {
			if other != id {
				g.search(other)
			}
		}
		g.matches[t.match].decided = true
	}
	t.Status = muster.Cancelled
	g.waiting = slices.DeleteFunc(g.waiting, func(w muster.TicketID) bool { return w == id })
	g.emit(muster.MatchmakingCancelled, "", id)
	return nil
}

func (g *fakeGameLift) search(id muster.TicketID) {
	t := g.tickets[id]
	t.Status, t.match, t.Teams = muster.Searching, "", nil
	g.waiting = append(g.waiting, id)
	g.emit(muster.MatchmakingSearching, "", id)
}

func (g *fakeGameLift) AcceptMatch(_ context.Context, id muster.TicketID, players []muster.PlayerID, accept bool) error {
	t := g.tickets[id]
	if g.down {
		return errDown
	}
	if t == nil || t.Status != muster.RequiresAcceptance {
		return muster.Errorf(muster.Invalid, "gamelift.invalid", "ticket is not to be accepted")
	}
	m := g.matches[t.match]
	for _, p := range players {
		m.accepted[p] = accept
	}
	g.emit(muster.AcceptMatch, m.id, m.tickets...)
	switch {
	case !accept:
		g.decide(m, "Rejected")
	case !slices.ContainsFunc(m.tickets, func(id muster.TicketID) bool { return !g.tickets[id].acceptedBy(m.accepted) }):
		g.decide(m, "Accepted")
	}
	return nil
}

// decide ends the wait for answers to a proposed match.
func (g *fakeGameLift) decide(m *fakeMatch, outcome string) {
	m.decided = true
	ev := g.event(muster.AcceptMatchCompleted, m.id, m.tickets...)
	ev.Acceptance = outcome
	g.events = append(g.events, ev)
	if outcome == "Accepted" {
		for _, id := range m.tickets {
			g.tickets[id].Status = muster.Placing
		}
		g.place(m, muster.Completed)
		return
	}
	for _, id := range m.tickets {
		t := g.tickets[id]
		if t.acceptedBy(m.accepted) {
			g.search(id)
		} else {
			t.Status = muster.Cancelled
		}
	}
	g.pair()
}

func (g *fakeGameLift) Tickets(_ context.Context, ids []muster.TicketID) ([]muster.TicketSnapshot, error) {
	g.asked++
	if g.down {
		return nil, errDown
	}
	if len(ids) > 10 {
		return nil, muster.Errorf(muster.Invalid, "gamelift.invalid", "ten tickets at most")
	}
	var all []muster.TicketSnapshot
	for _, id := range ids {
		if t := g.tickets[id]; t != nil {
			all = append(all, t.TicketSnapshot)
		}
	}
	if g.whenAsked != nil {
		g.whenAsked()
	}
	return all, nil
}

func (g *fakeGameLift) Session(_ context.Context, id muster.SessionID) (muster.SessionSnapshot, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.down {
		return muster.SessionSnapshot{}, errDown
	}
	if s := g.sessions[id]; s != nil {
		return *s, nil
	}
	return muster.SessionSnapshot{}, muster.Errorf(muster.NotFound, "gamelift.not_found", "no session %s", id)
}

func (g *fakeGameLift) Seat(_ context.Context, id muster.SeatID) (muster.SeatState, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.down {
		return muster.SeatState{}, errDown
	}
	if s := g.seats[id]; s != nil {
		return *s, nil
	}
	return muster.SeatState{}, muster.Errorf(muster.NotFound, "gamelift.not_found", "no seat %s", id)
}

// emit keeps an event for the test to deliver.
func (g *fakeGameLift) emit(kind muster.EventType, match muster.MatchID, tickets ...muster.TicketID) {
	g.events = append(g.events, g.event(kind, match, tickets...))
}

func (g *fakeGameLift) event(kind muster.EventType, match muster.MatchID, tickets ...muster.TicketID) muster.Event {
	ev := muster.Event{ID: g.newID(), Type: kind, At: g.clock.now(), Configuration: g.tickets[tickets[0]].configuration, MatchID: match}
	if kind == muster.PotentialMatchCreated {
		ev.AcceptanceRequired = g.acceptance
		if g.acceptance {
			ev.AcceptanceTimeout = 20 * time.Second
		}
	}
	for _, id := range tickets {
		t := g.tickets[id]
		et := muster.EventTicket{ID: id}
		for _, p := range t.players {
			ep := muster.EventPlayer{ID: p.ID, Team: t.Teams[p.ID], Seat: t.Seats[p.ID]}
			if m := g.matches[match]; m != nil {
				if yes, answered := m.accepted[p.ID]; answered {
					ep.Accepted = &yes
				}
			}
			et.Players = append(et.Players, ep)
		}
		if kind == muster.MatchmakingSucceeded {
			ev.Session, ev.IPAddress, ev.Port = t.Session, t.IPAddress, t.Port
		}
		ev.Tickets = append(ev.Tickets, et)
	}
	return ev
}

// take hands over the events that were not delivered yet.
func (g *fakeGameLift) take() []muster.Event {
	events := g.events
	g.events = nil
	return events
}

// inbox keeps what players were told.
type inbox struct {
	mu      sync.Mutex
	notices []muster.Notice
}

func (i *inbox) Notify(_ context.Context, notices ...muster.Notice) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.notices = append(i.notices, notices...)
}

// take hands over what was told since the last time.
func (i *inbox) take() []muster.Notice {
	i.mu.Lock()
	defer i.mu.Unlock()
	notices := i.notices
	i.notices = nil
	return notices
}

// rig is a Backend with everything around it in the tests' hands.
type rig struct {
	*muster.Backend
	clock *clock
	store *memory.Store
	lift  *fakeGameLift
	inbox *inbox
}

func newRig(acceptance bool) *rig { return newRigWith(acceptance, func(*muster.Options) {}) }

// newRigWith is newRig of other Options.
func newRigWith(acceptance bool, change func(*muster.Options)) *rig {
	c := newClock()
	r := &rig{clock: c, store: memory.New(c.now), lift: newFakeGameLift(c), inbox: &inbox{}}
	r.lift.acceptance = acceptance
	low, high := 0.0, 5000.0
	options := muster.Options{
		Store: r.store, GameLift: r.lift, Notifier: r.inbox, Rating: winnerGains{},
		Modes: []muster.Mode{{
			Name: "duel", Title: "Duel", Configuration: "duel-config",
			Teams: []muster.ModeTeam{{Name: "red", MinPlayers: 1, MaxPlayers: 1}, {Name: "blue", MinPlayers: 1, MaxPlayers: 1}},
			Attributes: map[string]muster.AttributeSource{
				"skill": {From: muster.FromRating, Min: &low, Max: &high},
				"map":   {From: muster.FromClient, Choices: []string{"harbour", "tower"}},
				"level": {From: muster.FromPlayer, Field: "level"},
			},
		}, squad("squad", muster.PartyRules{}), squad("squad-average", muster.PartyRules{Rating: muster.AverageRating}), squad("squad-highest", muster.PartyRules{Rating: muster.HighestRating}), squad("squad-ready", muster.PartyRules{RequireReady: true}), squad("pairs", muster.PartyRules{MaxSize: 2})},
		Locations: []string{"custom-local"},
		Now:       c.now, NewID: ids("id"), Log: slog.New(slog.DiscardHandler),
	}
	change(&options)
	r.Backend = muster.New(options)
	return r
}

// winnerGains is a rating system small enough to see through: the best gain one, the
// others lose one, and a week without matches costs a sigma.
type winnerGains struct{}

func (winnerGains) Name() string { return "winnerGains" }

func (winnerGains) Adopt(s muster.Skill) muster.Skill { return s }

func (winnerGains) New() muster.Skill { return muster.Skill{Mu: 25, Sigma: 8} }

func (winnerGains) Points(s muster.Skill) int { return int(max(0, s.Mu) * 60) }

func (winnerGains) Idle(s muster.Skill, idle time.Duration) muster.Skill {
	s.Sigma = min(8, s.Sigma+idle.Hours()/(24*7))
	return s
}

func (winnerGains) Rate(match muster.RatedMatch) [][]muster.Skill {
	best := math.MaxInt
	for _, team := range match.Teams {
		best = min(best, team.Rank)
	}
	after := make([][]muster.Skill, len(match.Teams))
	for i, team := range match.Teams {
		for _, p := range team.Players {
			if team.Rank == best {
				p.Skill.Mu += p.Weight
			} else {
				p.Skill.Mu -= p.Weight
			}
			after[i] = append(after[i], p.Skill)
		}
	}
	return after
}

// guest makes a player.
func (r *rig) guest(name string) muster.PlayerID {
	id, _, err := r.EnsurePlayer(context.Background(), muster.Identity{Provider: muster.GuestProvider, Subject: name}, []byte("hash"))
	if err != nil {
		panic(err)
	}
	return id
}

// deliver applies every event that waits, in order.
func (r *rig) deliver() error {
	for _, ev := range r.lift.take() {
		if err := r.ApplyEvent(context.Background(), ev); err != nil {
			return err
		}
	}
	return nil
}

// squad is a mode of two teams of up to four.
func squad(name muster.ModeName, party muster.PartyRules) muster.Mode {
	return muster.Mode{
		Name: name, Configuration: string(name) + "-config", Party: party,
		Teams: []muster.ModeTeam{{Name: "red", MinPlayers: 1, MaxPlayers: 4}, {Name: "blue", MinPlayers: 1, MaxPlayers: 4}},
		Attributes: map[string]muster.AttributeSource{
			"skill": {From: muster.FromRating},
			"map":   {From: muster.FromClient, Choices: []string{"harbour", "tower"}},
		},
	}
}

func duel() muster.TicketRequest { return muster.TicketRequest{Mode: "duel"} }
