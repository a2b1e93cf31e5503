package flexmatch_test

import (
	"fmt"
	"slices"
	"time"

	"muster/flexmatch"
)

// ledger follows a pool through its effects alone and objects to any that cannot be:
// every ticket is in one place, ends once, and every match satisfies the rules.
type ledger struct {
	judge   *judge
	config  flexmatch.Config
	rules   []string
	tickets map[string]flexmatch.Ticket // known to the pool
	state   map[string]string           // searching, proposed, placing or limbo, by ticket
	match   map[string]string           // by ticket
	matches map[string]flexmatch.Match  // live, by id
	arrival map[string]int
	arrived int
	last    time.Time
	used    map[string]bool // match ids
	placing []string        // matches that the inputs of the Step say are placed or not

	accepted  map[string]map[string]bool // of proposed tickets: who accepted, at last
	deadlines map[string]time.Time       // of proposals, by match
	dissolved bool                       // the proposal that ended last ended with a ticket's withdrawal
}

func newLedger(j *judge, c flexmatch.Config) *ledger {
	return &ledger{
		judge: j, config: c, rules: c.RuleSet.RuleNames(), tickets: map[string]flexmatch.Ticket{}, state: map[string]string{},
		match: map[string]string{}, matches: map[string]flexmatch.Match{}, arrival: map[string]int{}, used: map[string]bool{},
		accepted: map[string]map[string]bool{}, deadlines: map[string]time.Time{},
	}
}

// matchOf is the match that a ticket is in; if none, an id that no match has.
func (l *ledger) matchOf(ticket string) string {
	if id := l.match[ticket]; id != "" {
		return id
	}
	return "no match of " + ticket
}

// follow checks the effects of one Step, which is at one instant. It returns the
// matches made in it and the tickets that waited when the search began.
func (l *ledger) follow(now time.Time, in []flexmatch.Input, effects []flexmatch.Effect) (made []flexmatch.Match, waiting []*group, _ *failure) {
	started := map[string]flexmatch.Ticket{}
	l.placing = nil
	for _, one := range in {
		switch one := one.(type) {
		case flexmatch.Start:
			if _, twice := started[one.Ticket.ID]; !twice {
				started[one.Ticket.ID] = one.Ticket
			}
		case flexmatch.Placed:
			l.placing = append(l.placing, one.MatchID)
		case flexmatch.NotPlaced:
			l.placing = append(l.placing, one.MatchID)
		}
	}
	searched := false
	for i, e := range effects {
		if p, ok := e.(flexmatch.Proposed); ok {
			if !searched {
				waiting, searched = l.waiting(), true
			}
			made = append(made, p.Match)
			if !l.config.AcceptanceRequired && (i+1 == len(effects) || !isMatched(effects[i+1], p.Match.ID)) {
				return nil, nil, failf("protocol", "match %s is proposed without acceptance but not matched at once", p.Match.ID)
			}
		}
		if _, ok := e.(flexmatch.AcceptanceCompleted); ok {
			l.dissolved = i+1 < len(effects) && l.withdrawn(effects[i+1])
		}
		if f := l.one(now, e, started); f != nil {
			return nil, nil, f
		}
	}
	if !searched {
		waiting = l.waiting()
	}
	for _, id := range l.placing {
		l.placed(id)
	}
	for id, state := range l.state {
		if state == "limbo" {
			return nil, nil, failf("protocol", "ticket %s came out of a proposal and nothing became of it", id)
		}
	}
	return made, waiting, nil
}

// withdrawn tells that an effect is a proposed ticket's own end: it was stopped, or it is
// a backfill that another replaces.
func (l *ledger) withdrawn(e flexmatch.Effect) bool {
	c, ok := e.(flexmatch.Cancelled)
	return ok && (c.ByRequest || l.judge.admit(l.tickets[c.TicketID]).backfill)
}

// willing tells that a ticket goes back to the search when its proposal fails: a
// backfill, or all its players accepted, or somebody else withdrew.
func (l *ledger) willing(id string) bool {
	g := l.judge.admit(l.tickets[id])
	return l.dissolved || g.backfill || l.allAccepted(g)
}

func (l *ledger) allAccepted(g *group) bool {
	return !slices.ContainsFunc(g.people, func(p *person) bool { return !l.accepted[g.ticket.ID][p.id] })
}

func isMatched(e flexmatch.Effect, id string) bool {
	m, ok := e.(flexmatch.Matched)
	return ok && m.Match.ID == id
}

// placed lets the tickets of a match go, if it was being placed.
func (l *ledger) placed(id string) {
	m, ok := l.matches[id]
	if !ok || l.state[m.TicketIDs[0]] != "placing" {
		return
	}
	for _, ticket := range m.TicketIDs {
		l.end(ticket)
	}
	delete(l.matches, id)
}

func (l *ledger) end(ticket string) {
	delete(l.state, ticket)
	delete(l.match, ticket)
	delete(l.tickets, ticket)
	delete(l.arrival, ticket)
}

// waiting lists the searching tickets that can match, in the order of a batch: by age,
// then arrival; backfillPriority puts backfills first or last.
func (l *ledger) waiting() []*group {
	var out []*group
	for id, state := range l.state {
		if state != "searching" {
			continue
		}
		if g := l.judge.admit(l.tickets[id]); g.matchable {
			out = append(out, g)
		}
	}
	rank := map[bool]int{}
	switch l.judge.priority() {
	case "high":
		rank[true] = -1
	case "low":
		rank[true] = 1
	}
	slices.SortFunc(out, func(a, b *group) int {
		if a.backfill != b.backfill && rank[true] != 0 {
			return rank[a.backfill] - rank[b.backfill]
		}
		if c := a.ticket.StartAt.Compare(b.ticket.StartAt); c != 0 {
			return c
		}
		return l.arrival[a.ticket.ID] - l.arrival[b.ticket.ID]
	})
	return out
}

// one checks one effect and moves on.
func (l *ledger) one(now time.Time, e flexmatch.Effect, started map[string]flexmatch.Ticket) *failure {
	at := instant(e)
	if !at.Equal(now) || at.Before(l.last) {
		return failf("protocol", "an effect at %v in the Step to %v, after %v: %+v", at.Sub(dawn), now.Sub(dawn), l.last.Sub(dawn), e)
	}
	l.last = at
	l.noteEnd(e)
	switch e := e.(type) {
	case flexmatch.Searching:
		return l.searching(e, started)
	case flexmatch.Proposed:
		return l.proposed(e)
	case flexmatch.Answered:
		if l.state[e.TicketID] != "proposed" || l.match[e.TicketID] != e.MatchID {
			return failf("protocol", "an answer to match %s of ticket %s, which is %q", e.MatchID, e.TicketID, l.state[e.TicketID])
		}
		for _, id := range e.PlayerIDs {
			l.accepted[e.TicketID][id] = e.Accept
		}
	case flexmatch.AcceptanceCompleted:
		return l.completed(e)
	case flexmatch.Matched:
		m, ok := l.matches[e.Match.ID]
		if !ok || fmt.Sprint(m) != fmt.Sprint(e.Match) || l.state[m.TicketIDs[0]] != "placing" {
			return failf("protocol", "match %+v stands, proposed was %+v, its tickets are %q", e.Match, m, l.state[m.TicketIDs[0]])
		}
	case flexmatch.Expired:
		due := l.tickets[e.TicketID].StartAt.Add(l.config.RequestTimeout)
		if l.state[e.TicketID] != "searching" || l.config.RequestTimeout == 0 || due.After(at) {
			return failf("protocol", "ticket %s, which is %q and due at %v, expired at %v", e.TicketID, l.state[e.TicketID], due.Sub(dawn), at.Sub(dawn))
		}
		l.end(e.TicketID)
		return l.metrics(e.Metrics)
	case flexmatch.Cancelled:
		if state := l.state[e.TicketID]; state != "searching" && state != "limbo" {
			return failf("protocol", "ticket %s, which is %q, was cancelled", e.TicketID, state)
		}
		if l.state[e.TicketID] == "limbo" && !l.withdrawn(e) && l.willing(e.TicketID) {
			return failf("acceptance", "ticket %s was cancelled although it accepted", e.TicketID)
		}
		l.end(e.TicketID)
		return l.metrics(e.Metrics)
	case flexmatch.Refused:
		if e.Message == "" || e.Reason == 0 {
			return failf("protocol", "a refusal without a reason: %+v", e)
		}
	}
	return nil
}

func (l *ledger) searching(e flexmatch.Searching, started map[string]flexmatch.Ticket) *failure {
	if id := l.match[e.TicketID]; slices.Contains(l.placing, id) {
		l.placed(id) // it left and comes again
	}
	if e.Returned != (l.state[e.TicketID] == "limbo") {
		return failf("protocol", "ticket %s, which is %q, searches with returned=%v", e.TicketID, l.state[e.TicketID], e.Returned)
	}
	if e.Returned && !l.willing(e.TicketID) {
		return failf("acceptance", "ticket %s searches again although not all its players accepted", e.TicketID)
	}
	if !e.Returned {
		t, ok := started[e.TicketID]
		if !ok || l.state[e.TicketID] != "" {
			return failf("protocol", "ticket %s searches, started: %v, is %q", e.TicketID, ok, l.state[e.TicketID])
		}
		l.tickets[e.TicketID] = t
		l.arrived++
		l.arrival[e.TicketID] = l.arrived
	}
	l.state[e.TicketID] = "searching"
	return nil
}

func (l *ledger) proposed(e flexmatch.Proposed) *failure {
	m := e.Match
	if l.used[m.ID] || len(m.ID) != 36 {
		return failf("protocol", "the match id %q is no fresh UUID", m.ID)
	}
	l.used[m.ID] = true
	deadline := time.Time{}
	if l.config.AcceptanceRequired && l.config.AcceptanceTimeout > 0 {
		deadline = e.At.Add(l.config.AcceptanceTimeout)
	}
	if e.AcceptanceRequired != l.config.AcceptanceRequired || !e.Deadline.Equal(deadline) {
		return failf("protocol", "proposal with acceptance %v until %v", e.AcceptanceRequired, e.Deadline.Sub(dawn))
	}
	state := "placing"
	if e.AcceptanceRequired {
		state = "proposed"
	}
	for _, id := range m.TicketIDs {
		if l.state[id] != "searching" {
			return failf("two matches", "ticket %s of a new match is %q", id, l.state[id])
		}
		l.state[id], l.match[id], l.accepted[id] = state, m.ID, map[string]bool{}
	}
	l.deadlines[m.ID] = deadline
	l.matches[m.ID] = m
	if wrong := l.judge.violations(m, l.tickets, e.At); len(wrong) > 0 {
		return failf("violation", "at %v the match %v breaks what is in force: %v", e.At.Sub(dawn), seats(m), wrong)
	}
	return l.metrics(e.Metrics)
}

// seats writes a match as team: players.
func seats(m flexmatch.Match) string {
	out := fmt.Sprint(m.TicketIDs)
	for _, t := range m.Teams {
		out += " " + t.Name + ":"
		for _, p := range t.Players {
			out += " " + p.ID
		}
	}
	return out
}

func (l *ledger) completed(e flexmatch.AcceptanceCompleted) *failure {
	m, ok := l.matches[e.MatchID]
	if !ok {
		return failf("protocol", "acceptance of match %s, which is not live, completed", e.MatchID)
	}
	all := true
	for _, id := range m.TicketIDs {
		g := l.judge.admit(l.tickets[id])
		all = all && (g.backfill || l.allAccepted(g))
	}
	if early := e.Outcome == flexmatch.TimedOut && !e.At.Equal(l.deadlines[e.MatchID]); early || all != (e.Outcome == flexmatch.Accepted) && !l.dissolved {
		return failf("acceptance", "match %s ended as %v, all accepted: %v, deadline %v", e.MatchID, e.Outcome, all, l.deadlines[e.MatchID].Sub(dawn))
	}
	state := "limbo"
	if e.Outcome == flexmatch.Accepted {
		state = "placing"
	} else {
		delete(l.matches, e.MatchID)
	}
	for _, id := range m.TicketIDs {
		if l.state[id] != "proposed" {
			return failf("protocol", "acceptance of ticket %s, which is %q, completed", id, l.state[id])
		}
		l.state[id] = state
		if state == "limbo" {
			delete(l.match, id)
		}
	}
	return nil
}

// metrics checks that every rule is counted, in order.
func (l *ledger) metrics(list []flexmatch.RuleMetric) *failure {
	if len(list) != len(l.rules) {
		return failf("metrics", "%d counts for %d rules", len(list), len(l.rules))
	}
	for i, m := range list {
		if m.Rule != l.rules[i] || m.Passed < 0 || m.Failed < 0 {
			return failf("metrics", "count %d is %+v, want rule %s", i, m, l.rules[i])
		}
	}
	return nil
}

func instant(e flexmatch.Effect) time.Time {
	switch e := e.(type) {
	case flexmatch.Searching:
		return e.At
	case flexmatch.Proposed:
		return e.At
	case flexmatch.Answered:
		return e.At
	case flexmatch.AcceptanceCompleted:
		return e.At
	case flexmatch.Matched:
		return e.At
	case flexmatch.Expired:
		return e.At
	case flexmatch.Cancelled:
		return e.At
	case flexmatch.Refused:
		return e.At
	}
	return time.Time{}
}
