package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/flexmatch"
)

// The statuses of a ticket, as the API spells them. A ticket that has not been started
// has none.
const (
	queued             = "QUEUED"
	searching          = "SEARCHING"
	requiresAcceptance = "REQUIRES_ACCEPTANCE"
	placing            = "PLACING"
	completed          = "COMPLETED"
	failed             = "FAILED"
	cancelled          = "CANCELLED"
	timedOut           = "TIMED_OUT"
)

// statuses and eventTypes list what there is, for messages.
var (
	statuses   = []string{queued, searching, requiresAcceptance, placing, completed, failed, cancelled, timedOut}
	eventTypes = []string{
		"MatchmakingSearching", "PotentialMatchCreated", "AcceptMatch", "AcceptMatchCompleted", "MatchmakingSucceeded",
		"MatchmakingTimedOut", "MatchmakingCancelled", "MatchmakingFailed",
	}
)

// play is a scenario on its clock. It plays the service around a pool: between runs of
// the matchmaker ("ticks") no ticket that searches is in the pool, so that a scenario
// sees matches form at its ticks and only there.
type play struct {
	document
	pool     *flexmatch.Pool
	now      time.Time
	requests []*request // that were made, in order
	coming   []flexmatch.Ticket
	byID     map[string]*request
	refused  map[string]bool // tickets that could not start
	loose    map[string]bool // tickets that search inside the pool, during a step
	formed   []formed
	events   []string // type, or type:detail
	// placements: the scenario says what comes of placements. Otherwise they succeed.
	placements bool
	failures   []string
	hints      []string // why expected matches did not form
}

// request is a ticket that was started.
type request struct {
	ticket  flexmatch.Ticket
	status  string
	matchID string // of the match that it is or was in
}

// waiting tells whether the matchmaker looks for a match.
func (q *request) waiting() bool { return q.status == queued || q.status == searching }

// formed is a match and when it formed.
type formed struct {
	at    time.Time
	match flexmatch.Match
}

func newPlay(d document) *play {
	p := &play{document: d, pool: flexmatch.NewPool(d.config), byID: map[string]*request{}, refused: map[string]bool{}, loose: map[string]bool{}}
	for _, t := range d.tickets {
		if !d.byAction[t.ID] {
			p.coming = append(p.coming, t)
		}
	}
	slices.SortStableFunc(p.coming, func(a, b flexmatch.Ticket) int { return a.StartAt.Compare(b.StartAt) })
	for _, a := range d.actions {
		p.placements = p.placements || slices.ContainsFunc(a.verbs, func(v verb) bool { return v.name == "placement" })
	}
	return p
}

// run plays everything and notes what does not hold.
func (p *play) run() {
	due, whenever := inOrder(p.expect)
	if p.kind == matchKind {
		p.actions, p.failing = ticksAt(due), nil
	}
	for i, a := range p.actions {
		for len(due) > 0 && due[0].at.Before(a.at) {
			p.check(due[0])
			due = due[1:]
		}
		p.perform(i, a)
	}
	for _, e := range slices.Concat(due, whenever) {
		p.check(e)
	}
	for _, e := range p.expect {
		p.checkEvents(e.events)
	}
}

// inOrder sorts expectations by time and sets those without one apart.
func inOrder(expect []expectation) (timed, untimed []expectation) {
	for _, e := range expect {
		if e.untimed {
			untimed = append(untimed, e)
		} else {
			timed = append(timed, e)
		}
	}
	slices.SortStableFunc(timed, func(a, b expectation) int { return a.at.Compare(b.at) })
	return timed, untimed
}

// ticksAt runs the matchmaker once at each instant at which something is expected.
func ticksAt(expect []expectation) []action {
	var out []action
	for _, e := range expect {
		if n := len(out); n == 0 || e.at.After(out[n-1].at) {
			out = append(out, action{at: e.at, verbs: []verb{{name: "tick"}}})
		}
	}
	return out
}

// fail reports an expectation that did not hold.
func (p *play) fail(format string, args ...any) {
	p.failures = append(p.failures, fmt.Sprintf("at %g s: ", Seconds(p.now))+fmt.Sprintf(format, args...))
}

// perform does an action and compares its errors with the expected one.
func (p *play) perform(index int, a action) {
	p.advance(a.at)
	var problem *apiError
	name := "it"
	for _, v := range a.verbs {
		if err := p.do(v); err != nil && problem == nil {
			problem, name = err, v.name
		}
	}
	want, mustFail := p.failing[index]
	switch {
	case mustFail && problem == nil:
		p.fail("action %d was expected to fail%s, but succeeded", index, withType(want))
	case mustFail && want != "" && !sameType(want, problem.kind):
		p.fail("action %d (%s) was expected to fail%s, but failed with %v", index, name, withType(want), problem)
	case !mustFail && problem != nil:
		p.fail("action %d (%s) failed with %v", index, name, problem)
	}
}

func withType(kind string) string {
	if kind == "" {
		return ""
	}
	return " with " + kind
}

// sameType compares error types with or without "Exception" and namespace.
func sameType(a, b string) bool {
	bare := func(s string) string {
		return strings.TrimSuffix(s[strings.LastIndexByte(s, '#')+1:], "Exception")
	}
	return strings.EqualFold(bare(a), bare(b))
}

func (p *play) do(v verb) *apiError {
	switch v.name {
	case "startMatchmaking", "startMatchBackfill":
		return p.start(*v.ticket)
	case "acceptMatch":
		return p.accept(v)
	case "stopMatchmaking":
		return p.stop(v.ticketID)
	case "placement":
		return p.placed(v)
	}
	p.tick()
	return nil
}

// advance moves the clock: tickets come in, timeouts pass, no match forms.
func (p *play) advance(now time.Time) {
	if p.now.IsZero() || now.After(p.now) {
		p.now = now
	}
	for len(p.coming) > 0 && !p.coming[0].StartAt.After(p.now) {
		t := p.coming[0]
		p.coming = p.coming[1:]
		if err := p.start(t); err != nil {
			p.refused[t.ID] = true
			p.fail("ticket %s cannot start: %v", shorten(t.ID), err)
		}
	}
	for {
		due, ok := p.pool.Deadline()
		if !ok || due.After(p.now) {
			break
		}
		p.step(due, false)
	}
	var late []flexmatch.Input
	for _, q := range p.requests {
		if timeout := p.config.RequestTimeout; q.waiting() && timeout > 0 && !q.ticket.StartAt.Add(timeout).After(p.now) {
			late = append(late, flexmatch.Start{Ticket: q.ticket})
		}
	}
	p.step(p.now, false, late...)
}

// tick runs the matchmaker once over all tickets that wait.
func (p *play) tick() {
	var in []flexmatch.Input
	for _, q := range p.requests {
		if q.waiting() {
			in = append(in, flexmatch.Start{Ticket: q.ticket})
		}
	}
	for _, e := range p.step(p.now, true, in...) {
		if refused, is := e.(flexmatch.Refused); is {
			p.fail("the matchmaker refused: %s", refused.Message)
		}
	}
}

// step gives the pool inputs, takes in the effects, and takes all tickets that search
// out of the pool again. Unless matching, a match that is proposed is not.
func (p *play) step(now time.Time, matching bool, in ...flexmatch.Input) []flexmatch.Effect {
	effects := p.pool.Complete(now, in...)
	var out []flexmatch.Input
	for _, e := range effects {
		if _, proposal := e.(flexmatch.Proposed); matching || !proposal {
			p.follow(e)
		}
		if m, is := e.(flexmatch.Matched); is && !p.placements {
			out = append(out, flexmatch.Placed{MatchID: m.Match.ID})
		}
	}
	for _, q := range p.requests {
		if p.loose[q.ticket.ID] {
			out = append(out, flexmatch.Stop{TicketID: q.ticket.ID})
		}
	}
	if len(out) > 0 {
		p.pool.Step(now, out...) // its effects are not the scenario's
	}
	clear(p.loose)
	return effects
}

// follow changes statuses and notes events as a service would.
func (p *play) follow(effect flexmatch.Effect) {
	switch e := effect.(type) {
	case flexmatch.Searching:
		q := p.byID[e.TicketID]
		if q.status != searching || e.Returned {
			p.events = append(p.events, "MatchmakingSearching")
		}
		q.status = searching
		p.loose[e.TicketID] = true
	case flexmatch.Proposed:
		p.events = append(p.events, "PotentialMatchCreated")
		p.formed = append(p.formed, formed{p.now, e.Match})
		p.move(e.Match.TicketIDs, requiresAcceptance, e.Match.ID)
	case flexmatch.Answered:
		p.events = append(p.events, "AcceptMatch")
	case flexmatch.AcceptanceCompleted:
		p.events = append(p.events, "AcceptMatchCompleted:"+outcomeNames[e.Outcome])
	case flexmatch.Matched:
		p.move(e.Match.TicketIDs, placing, e.Match.ID)
		if !p.placements {
			p.events = append(p.events, "MatchmakingSucceeded")
		}
	case flexmatch.Expired:
		p.events = append(p.events, "MatchmakingTimedOut:TimedOut")
		p.move([]string{e.TicketID}, timedOut, "")
	case flexmatch.Cancelled:
		if e.ByRequest {
			p.events = append(p.events, "MatchmakingCancelled:Cancelled")
		}
		p.move([]string{e.TicketID}, cancelled, "")
	}
}

var outcomeNames = [...]string{flexmatch.Accepted: "Accepted", flexmatch.Rejected: "Rejected", flexmatch.TimedOut: "TimedOut"}

// move gives tickets a status in which they do not search.
func (p *play) move(ids []string, status, matchID string) {
	for _, id := range ids {
		p.byID[id].status, p.byID[id].matchID = status, matchID
		delete(p.loose, id)
	}
}
