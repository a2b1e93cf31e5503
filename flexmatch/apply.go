package flexmatch

import (
	"fmt"
	"time"
)

// defaultMaxTickets bounds a pool whose Config does not.
const defaultMaxTickets = 100_000

// liveMatch is a match that is proposed or being placed.
type liveMatch struct {
	match   Match
	entries []*entry
	answers map[answerer]bool // true: accepted
	missing int               // players who have not accepted yet
	alarm   alarm             // acceptance timeout
}

type answerer struct{ ticket, player string }

// apply handles one input.
func (p *Pool) apply(in Input) {
	switch in := in.(type) {
	case Start:
		p.start(in.Ticket)
	case Stop:
		p.stop(in.TicketID)
	case Answer:
		p.answer(in)
	case Placed:
		p.placed(in.MatchID)
	case NotPlaced:
		p.placed(in.MatchID)
	}
}

func (p *Pool) refuse(reason RefusalReason, format string, args ...any) {
	p.emit(Refused{At: p.now, Index: p.input, Reason: reason, Message: fmt.Sprintf(format, args...)})
}

func (p *Pool) start(t Ticket) {
	if err := p.set.CheckTicket(t); err != nil {
		p.refuse(InvalidTicket, "%v", err)
		return
	}
	if p.entries[t.ID] != nil {
		p.refuse(DuplicateID, "ticket %q exists already", t.ID)
		return
	}
	if len(p.entries) >= p.config.MaxTickets {
		p.refuse(PoolFull, "ticket %q: the pool holds its limit of %d tickets", t.ID, p.config.MaxTickets)
		return
	}
	if earlier := p.sessions[t.GameSessionARN]; earlier != nil {
		if earlier.state == placing {
			p.refuse(WrongState, "ticket %q: ticket %q of the same game session is being placed", t.ID, earlier.ticket.ID)
			return
		}
		p.cancel(earlier, false)
	}
	e := p.set.prepare(t)
	p.arrived++
	e.arrival = p.arrived
	e.rank = p.set.rankOf(e)
	p.index.place(p.set, e)
	e.alarm = alarm{order: e.arrival, entry: e}
	p.entries[t.ID] = e
	if t.GameSessionARN != "" {
		p.sessions[t.GameSessionARN] = e
	}
	p.enter(e, false)
}

func (p *Pool) stop(id string) {
	e := p.entries[id]
	switch {
	case e == nil:
		p.refuse(UnknownTicket, "ticket %q is not known", id)
	case e.state == placing:
		p.refuse(WrongState, "ticket %q is being placed and cannot be canceled", id)
	default:
		p.cancel(e, true)
	}
}

// cancel takes a ticket out that is not being placed. A proposal it was in is over;
// the others in it search again (the guide is silent; we chose). A backfill ticket
// that a later one for its session replaces is cancelled like this too.
func (p *Pool) cancel(e *entry, byRequest bool) {
	m := e.match
	if m != nil {
		p.drop(m)
		p.emit(AcceptanceCompleted{At: p.now, MatchID: m.match.ID, Outcome: Rejected})
	}
	p.leave(e)
	p.emit(Cancelled{At: p.now, TicketID: e.ticket.ID, ByRequest: byRequest, Metrics: p.metrics(e.metrics)})
	if m == nil {
		return
	}
	for _, other := range m.entries {
		if other != e {
			p.enter(other, true)
		}
	}
}

// drop forgets a match.
func (p *Pool) drop(m *liveMatch) {
	p.alarms.set(&m.alarm, time.Time{})
	delete(p.matches, m.match.ID)
}

// form proposes a match that was found.
func (p *Pool) form(f *found) {
	m := &liveMatch{match: f.describe(p.set, p.newID()), entries: f.entries}
	state := placing
	proposal := Proposed{At: p.now, Match: m.match, Metrics: p.metrics(f.metrics)}
	if p.config.AcceptanceRequired {
		state = proposed
		proposal.AcceptanceRequired = true
		if p.config.AcceptanceTimeout > 0 {
			proposal.Deadline = p.now.Add(p.config.AcceptanceTimeout)
			p.arrived++
			m.alarm = alarm{order: p.arrived, match: m}
			p.alarms.set(&m.alarm, proposal.Deadline)
		}
	}
	for _, e := range f.entries {
		if e.state != searching {
			panic("flexmatch: ticket " + e.ticket.ID + " was put into two matches")
		}
		p.withdraw(e)
		e.state, e.match = state, m
		if !e.backfill {
			m.missing += len(e.players)
		}
	}
	p.matches[m.match.ID] = m
	p.emit(proposal)
	if state == placing {
		p.emit(Matched{At: p.now, Match: m.match})
	}
}

// describe makes the Match that effects carry.
func (f *found) describe(set *RuleSet, id string) Match {
	out := Match{ID: id, Step: f.stage.level, TicketIDs: make([]string, 0, len(f.entries)), Teams: make([]Team, len(f.stage.teams))}
	for i, t := range f.stage.teams {
		out.Teams[i] = Team{Name: t.Name, Players: make([]SeatedPlayer, 0, min(t.Max, f.total))}
	}
	for i, e := range f.entries {
		out.TicketIDs = append(out.TicketIDs, e.ticket.ID)
		for j := range e.players {
			team := f.placed[i]
			if e.backfill {
				team = e.seats[j]
			}
			seated := SeatedPlayer{ID: e.players[j].id, TicketID: e.ticket.ID, Attributes: set.attributesOf(e, j)}
			out.Teams[team].Players = append(out.Teams[team].Players, seated)
		}
	}
	return out
}

// attributesOf is what a player of a ticket was judged by, defaults included.
func (s *RuleSet) attributesOf(e *entry, player int) map[string]Value {
	if used := e.players[player].used; used != nil {
		return used
	}
	out := make(map[string]Value, len(s.attributes))
	for i, a := range s.attributes {
		out[a.Name], _ = s.effective(i, e.ticket.Players[player])
	}
	return out
}

func (p *Pool) answer(in Answer) {
	e := p.entries[in.TicketID]
	switch {
	case e == nil:
		p.refuse(UnknownTicket, "ticket %q is not known", in.TicketID)
		return
	case e.state != proposed:
		p.refuse(WrongState, "ticket %q has no match to accept", in.TicketID)
		return
	case e.backfill:
		p.refuse(WrongState, "ticket %q is a backfill: its players are playing already and need not accept", in.TicketID)
		return
	case len(in.PlayerIDs) == 0:
		p.refuse(UnknownPlayer, "ticket %q: the answer names no player", in.TicketID)
		return
	}
	for _, id := range in.PlayerIDs {
		if !e.has(id) {
			p.refuse(UnknownPlayer, "ticket %q has no player %q", in.TicketID, id)
			return
		}
	}
	m := e.match
	for _, id := range in.PlayerIDs {
		key := answerer{in.TicketID, id}
		if m.answers == nil {
			m.answers = map[answerer]bool{}
		}
		if in.Accept && !m.answers[key] {
			m.missing--
		}
		m.answers[key] = in.Accept
	}
	p.emit(Answered{At: p.now, MatchID: m.match.ID, TicketID: in.TicketID, PlayerIDs: in.PlayerIDs, Accept: in.Accept})
	switch {
	case !in.Accept:
		p.decide(m, Rejected)
	case m.missing == 0:
		p.decide(m, Accepted)
	}
}

func (e *entry) has(playerID string) bool {
	for i := range e.players {
		if e.players[i].id == playerID {
			return true
		}
	}
	return false
}

// decide ends a proposal. A rejection ends it at once; then as after a timeout,
// tickets whose players all accepted search again, backfills too, and the others are
// cancelled, also those whose players had not answered yet. Source: Amazon's AcceptMatch
// reference; that a rejection does not wait for the timer is our reading.
func (p *Pool) decide(m *liveMatch, outcome AcceptanceOutcome) {
	p.alarms.set(&m.alarm, time.Time{})
	p.emit(AcceptanceCompleted{At: p.now, MatchID: m.match.ID, Outcome: outcome})
	if outcome == Accepted {
		for _, e := range m.entries {
			e.state = placing
		}
		p.emit(Matched{At: p.now, Match: m.match})
		return
	}
	p.drop(m)
	for _, e := range m.entries {
		if e.backfill || m.acceptedBy(e) {
			p.enter(e, true)
			continue
		}
		p.leave(e)
		p.emit(Cancelled{At: p.now, TicketID: e.ticket.ID, Metrics: p.metrics(e.metrics)})
	}
}

func (m *liveMatch) acceptedBy(e *entry) bool {
	for i := range e.players {
		if !m.answers[answerer{e.ticket.ID, e.players[i].id}] {
			return false
		}
	}
	return true
}

// placed lets the tickets of a match go, whether it found a session or not.
func (p *Pool) placed(id string) {
	m := p.matches[id]
	switch {
	case m == nil:
		p.refuse(UnknownTicket, "match %q is not known", id)
	case m.entries[0].state != placing:
		p.refuse(WrongState, "match %q is not being placed", id)
	default:
		p.drop(m)
		for _, e := range m.entries {
			p.leave(e)
		}
	}
}
