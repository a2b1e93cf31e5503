package model

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"muster"
)

// lift plays Amazon GameLift: it makes matches of tickets, asks for acceptance where
// the configuration says so, and places sessions that start late, or not at all. What
// happened is told twice: in events, which the world delivers as it likes, and to those
// who ask. It is a single thread's.
type lift struct {
	now     func() time.Time
	rand    *rand.Rand
	configs map[string]liftConfig

	tickets  map[muster.TicketID]*liftTicket
	order    []muster.TicketID // as they were started
	matches  map[muster.MatchID]*liftMatch
	sessions map[muster.SessionID]*muster.SessionSnapshot
	seats    map[muster.SeatID]*muster.SeatState
	rooms    map[muster.SessionID]liftRoom // of sessions that a queue placed
	events   []muster.Event

	placements map[muster.PlacementID]*liftPlacement
	placed     []muster.PlacementEvent
	made       int
	closing    map[muster.SessionID]bool // their game servers report: nobody comes any more
	filled     int                       // matches that brought players to a session
	calm       bool                      // nothing fails any more
}

// liftConfig is a matchmaking configuration: two teams of size players each.
type liftConfig struct {
	size       int
	acceptance bool
	seasons    bool          // its ratings have seasons, which turn
	standalone bool          // a match is all; the backend places it
	timeout    time.Duration // of a request
}

type liftTicket struct {
	muster.TicketSnapshot
	config  string
	players []muster.MatchmakingPlayer
	match   muster.MatchID
	started time.Time
	// backfills is the session whose game server asks for players; "": players ask.
	backfills muster.SessionID
}

type liftMatch struct {
	id       muster.MatchID
	config   string
	tickets  []muster.TicketID
	accepted map[muster.PlayerID]bool
	fills    muster.SessionID // that it brings players to; "": it is to have one of its own
	over     bool
}

func newLift(now func() time.Time, r *rand.Rand, configs map[string]liftConfig) *lift {
	return &lift{
		now: now, rand: r, configs: configs,
		tickets: map[muster.TicketID]*liftTicket{}, matches: map[muster.MatchID]*liftMatch{},
		sessions: map[muster.SessionID]*muster.SessionSnapshot{}, seats: map[muster.SeatID]*muster.SeatState{},
		rooms: map[muster.SessionID]liftRoom{}, closing: map[muster.SessionID]bool{}, placements: map[muster.PlacementID]*liftPlacement{},
	}
}

var errSilent = muster.Errorf(muster.Unavailable, "gamelift.unavailable", "GameLift does not answer")

// fails says that a call comes to nothing: its request or its answer is lost.
func (g *lift) fails(oneIn int) bool { return !g.calm && g.rand.IntN(oneIn) == 0 }

func (g *lift) id(kind string) string {
	g.made++
	return fmt.Sprintf("%s-%04d", kind, g.made)
}

func (g *lift) StartMatchmaking(_ context.Context, req muster.StartMatchmaking) error {
	if g.fails(30) {
		return errSilent
	}
	if g.fails(30) {
		return muster.Errorf(muster.Invalid, "gamelift.invalid", "the request is refused")
	}
	if g.tickets[req.Ticket] == nil {
		g.tickets[req.Ticket] = &liftTicket{
			TicketSnapshot: muster.TicketSnapshot{Ticket: req.Ticket, Status: muster.Searching, Teams: map[muster.PlayerID]string{}},
			config:         req.Configuration, players: req.Players, started: g.now(),
		}
		g.order = append(g.order, req.Ticket)
		g.emit(muster.MatchmakingSearching, "", req.Ticket)
		g.makeMatches()
	}
	if g.fails(30) {
		return errSilent // it was done all the same
	}
	return nil
}

// makeMatches makes every match there is, oldest tickets first.
func (g *lift) makeMatches() {
	for _, name := range slices.Sorted(maps.Keys(g.configs)) {
		for g.fill(name, g.configs[name]) || g.makeMatch(name, g.configs[name]) {
		}
	}
}

// makeMatch fills two teams with waiting tickets; it reports whether there was a match.
func (g *lift) makeMatch(name string, config liftConfig) bool {
	var teams [2][]muster.TicketID
	var filled [2]int
	for _, id := range g.order {
		t := g.tickets[id]
		if t.Status != muster.Searching || t.config != name || t.backfills != "" {
			continue
		}
		for i := range teams {
			if filled[i]+len(t.players) <= config.size {
				teams[i], filled[i] = append(teams[i], id), filled[i]+len(t.players)
				break
			}
		}
	}
	if filled[0] < config.size || filled[1] < config.size {
		return false
	}
	m := &liftMatch{id: muster.MatchID(g.id("match")), config: name, accepted: map[muster.PlayerID]bool{}}
	g.matches[m.id] = m
	for i, side := range teams {
		for _, id := range side {
			t := g.tickets[id]
			t.match, t.Status = m.id, muster.Placing
			if config.acceptance {
				t.Status = muster.RequiresAcceptance
			}
			for _, p := range t.players {
				t.Teams[p.ID] = []string{"red", "blue"}[i]
			}
			m.tickets = append(m.tickets, id)
		}
	}
	g.emit(muster.PotentialMatchCreated, m.id, m.tickets...)
	return true
}

// moveOn lets time do its work: placements end, proposals and requests run out.
func (g *lift) moveOn() {
	for _, id := range slices.Sorted(maps.Keys(g.matches)) {
		m := g.matches[id]
		if m.over || g.rand.IntN(3) > 0 {
			continue
		}
		switch g.tickets[m.tickets[0]].Status {
		case muster.RequiresAcceptance:
			if g.rand.IntN(4) == 0 {
				g.decide(m, "TimedOut")
			}
		case muster.Placing:
			g.place(m)
		}
	}
	g.movePlacements()
	for _, id := range g.order {
		t := g.tickets[id]
		if t.Status == muster.Searching && g.now().Sub(t.started) > g.configs[t.config].timeout {
			t.Status = muster.TimedOut
			g.emit(muster.MatchmakingTimedOut, "", id)
		}
	}
}

// place ends a placement, mostly well.
func (g *lift) place(m *liftMatch) {
	m.over = true
	if g.fails(12) {
		status, event := muster.Failed, muster.MatchmakingFailed
		if g.rand.IntN(2) == 0 {
			status, event = muster.TimedOut, muster.MatchmakingTimedOut
		}
		for _, id := range m.tickets {
			g.tickets[id].Status = status
		}
		g.emit(event, m.id, m.tickets...)
		return
	}
	if m.fills != "" {
		g.seatNewcomers(m)
		return
	}
	teams := map[muster.PlayerID]string{}
	for _, id := range m.tickets {
		maps.Copy(teams, g.tickets[id].Teams)
		g.tickets[id].Status = muster.Completed
	}
	if g.configs[m.config].standalone {
		g.emit(muster.MatchmakingSucceeded, m.id, m.tickets...)
		return
	}
	s := g.startSession(m.id, m.config, teams)
	seats := map[muster.PlayerID]muster.SeatID{}
	for _, p := range slices.Sorted(maps.Keys(teams)) {
		seats[p] = g.seat(s.ID, p)
	}
	for _, id := range m.tickets {
		t := g.tickets[id]
		t.Session, t.IPAddress, t.Port, t.Seats = s.ID, s.IPAddress, s.Port, seats
	}
	g.emit(muster.MatchmakingSucceeded, m.id, m.tickets...)
}

// startSession starts a session.
func (g *lift) startSession(match muster.MatchID, config string, teams map[muster.PlayerID]string) *muster.SessionSnapshot {
	s := &muster.SessionSnapshot{
		ID:   muster.SessionID("arn:aws:gamelift:us-west-2::gamesession/fleet-1/custom-local/" + g.id("session")),
		Live: true, IPAddress: "127.0.0.1", Port: 7000, MatchID: match, Configuration: config, Teams: teams, CreatedAt: g.now(),
	}
	g.sessions[s.ID] = s
	return s
}

// seat makes a seat in a session.
func (g *lift) seat(in muster.SessionID, p muster.PlayerID) muster.SeatID {
	seat := muster.SeatID(g.id("psess"))
	g.seats[seat] = &muster.SeatState{Seat: seat, Player: p, Session: in, Live: true}
	return seat
}

func (g *lift) StopMatchmaking(_ context.Context, id muster.TicketID) error {
	t := g.tickets[id]
	switch {
	case g.fails(20):
		return errSilent
	case t == nil:
		return muster.Errorf(muster.NotFound, "gamelift.not_found", "no ticket %s", id)
	case t.Status != muster.Searching && t.Status != muster.RequiresAcceptance:
		return muster.Errorf(muster.Invalid, "gamelift.invalid", "ticket is %s", t.Status)
	}
	if t.Status == muster.RequiresAcceptance {
		m := g.matches[t.match]
		m.over = true
		for _, other := range m.tickets {
			if other != id {
				g.search(other)
			}
		}
	}
	t.Status = muster.Cancelled
	g.emit(muster.MatchmakingCancelled, "", id)
	g.makeMatches()
	return nil
}

func (g *lift) search(id muster.TicketID) {
	t := g.tickets[id]
	t.Status, t.match, t.Teams = muster.Searching, "", map[muster.PlayerID]string{}
	g.emit(muster.MatchmakingSearching, "", id)
}

func (g *lift) AcceptMatch(_ context.Context, id muster.TicketID, players []muster.PlayerID, accept bool) error {
	t := g.tickets[id]
	if g.fails(20) {
		return errSilent
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
	case len(m.accepted) == 2*g.configs[m.config].size:
		g.decide(m, "Accepted")
	}
	if g.fails(20) {
		return errSilent
	}
	return nil
}

// decide ends the wait for answers: tickets whose players all accepted search again.
func (g *lift) decide(m *liftMatch, outcome string) {
	ev := g.event(muster.AcceptMatchCompleted, m.id, m.tickets...)
	ev.Acceptance = outcome
	g.events = append(g.events, ev)
	if outcome == "Accepted" {
		for _, id := range m.tickets {
			g.tickets[id].Status = muster.Placing
		}
		return
	}
	m.over = true
	for _, id := range m.tickets {
		t := g.tickets[id]
		all := true
		for _, p := range t.players {
			all = all && m.accepted[p.ID]
		}
		if all {
			g.search(id)
			continue
		}
		t.Status = muster.Cancelled
		g.emit(muster.MatchmakingCancelled, "", id)
	}
	g.makeMatches()
}

func (g *lift) Tickets(_ context.Context, ids []muster.TicketID) ([]muster.TicketSnapshot, error) {
	if g.fails(20) {
		return nil, errSilent
	}
	if len(ids) > 10 {
		return nil, muster.Errorf(muster.Invalid, "gamelift.invalid", "ten tickets at most")
	}
	var all []muster.TicketSnapshot
	for _, id := range ids {
		if t := g.tickets[id]; t != nil {
			snap := t.TicketSnapshot
			snap.Teams = maps.Clone(snap.Teams)
			all = append(all, snap)
		}
	}
	return all, nil
}

func (g *lift) Session(_ context.Context, id muster.SessionID) (muster.SessionSnapshot, error) {
	if g.fails(20) {
		return muster.SessionSnapshot{}, errSilent
	}
	if s := g.sessions[id]; s != nil {
		snap := *s
		snap.Teams = maps.Clone(s.Teams)
		return snap, nil
	}
	return muster.SessionSnapshot{}, muster.Errorf(muster.NotFound, "gamelift.not_found", "no session %s", id)
}

func (g *lift) Seat(_ context.Context, id muster.SeatID) (muster.SeatState, error) {
	if g.fails(20) {
		return muster.SeatState{}, errSilent
	}
	if s := g.seats[id]; s != nil {
		return *s, nil
	}
	return muster.SeatState{}, muster.Errorf(muster.NotFound, "gamelift.not_found", "no seat %s", id)
}

// end ends a session, and the seats in it.
func (g *lift) end(id muster.SessionID) {
	g.sessions[id].Live, g.sessions[id].Ending = false, false
	for _, seat := range g.seats {
		if seat.Session == id {
			seat.Live = false
		}
	}
}

// endAll ends all tickets, matches and sessions that are under way.
func (g *lift) endAll() {
	g.endWaiting()
	for id := range g.sessions {
		g.end(id)
	}
}

// endWaiting ends all tickets, matches and placements that are under way.
func (g *lift) endWaiting() {
	for _, m := range g.matches {
		m.over = true
	}
	for _, id := range g.order {
		if t := g.tickets[id]; !t.Status.Final() {
			t.Status = muster.TimedOut
			g.emit(muster.MatchmakingTimedOut, "", id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(g.placements)) {
		if p := g.placements[id]; !p.Status.Final() {
			g.endPlacement(p, muster.PlacementTimedOut)
		}
	}
}

// settle ends all tickets and matches without a word. Sessions go on.
func (g *lift) settle() {
	g.calm = true
	for _, p := range g.placements {
		if !p.Status.Final() {
			p.Status = muster.PlacementFailed
		}
	}
	g.timeOut()
}

// timeOut ends all tickets and matches without a word.
func (g *lift) timeOut() {
	for _, m := range g.matches {
		m.over = true
	}
	for _, t := range g.tickets {
		if !t.Status.Final() {
			t.Status = muster.TimedOut
		}
	}
	g.events, g.placed = nil, nil
}

func (g *lift) emit(kind muster.EventType, match muster.MatchID, tickets ...muster.TicketID) {
	g.events = append(g.events, g.event(kind, match, tickets...))
}

func (g *lift) event(kind muster.EventType, match muster.MatchID, tickets ...muster.TicketID) muster.Event {
	first := g.tickets[tickets[0]]
	ev := muster.Event{ID: g.id("event"), Type: kind, At: g.now(), Configuration: first.config, MatchID: match}
	if kind == muster.PotentialMatchCreated && g.configs[first.config].acceptance {
		ev.AcceptanceRequired, ev.AcceptanceTimeout = true, 20*time.Second
	}
	if kind == muster.MatchmakingSucceeded {
		ev.Session, ev.IPAddress, ev.Port = first.Session, first.IPAddress, first.Port
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
		ev.Tickets = append(ev.Tickets, et)
	}
	return ev
}
