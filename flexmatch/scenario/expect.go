package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"muster/flexmatch"
)

// check holds an expectation against what happened up to its instant.
func (p *play) check(e expectation) {
	switch {
	case !e.untimed:
		p.advance(e.at)
	case p.now.IsZero():
		p.advance(epoch)
	}
	p.checkStatus(e)
	if e.matches != nil {
		p.checkMatches(e)
	}
	if e.unmatched != nil {
		p.checkUnmatched(e.unmatched)
	}
}

func (p *play) checkStatus(e expectation) {
	for _, id := range sortedKeys(e.status) {
		allowed := e.status[id]
		is := p.statusOf(id)
		// Nobody can see how long a placement takes that the scenario does not describe.
		if slices.Contains(allowed, is) || is == placing && !p.placements && slices.Contains(allowed, completed) {
			continue
		}
		p.fail("ticket %s is %s, expected %s%s", shorten(id), is, oneOf(allowed), noSuch("status", allowed, statuses))
	}
}

// noSuch says which of the words expected there are not at all; "" when there are all.
func noSuch(what string, words, known []string) string {
	var out string
	for _, w := range words {
		if !slices.Contains(known, w) {
			out += fmt.Sprintf("; there is no %s %s%s", what, shorten(w), flexmatch.DidYouMean(w, known))
		}
	}
	if out != "" {
		out += " (those are " + strings.Join(known, ", ") + ")"
	}
	return out
}

// statusOf says how a ticket stands.
func (p *play) statusOf(id string) string {
	if q := p.byID[id]; q != nil {
		return q.status
	}
	if p.refused[id] {
		return "refused"
	}
	if slices.ContainsFunc(p.tickets, func(t flexmatch.Ticket) bool { return t.ID == id }) {
		return "not started"
	}
	return "not in this scenario"
}

func oneOf(words []string) string {
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, " or ")
}

// checkUnmatched compares the tickets that still wait with those that should.
func (p *play) checkUnmatched(want []string) {
	var also []string
	for _, q := range p.requests {
		if q.waiting() && !slices.Contains(want, q.ticket.ID) {
			also = append(also, q.ticket.ID)
		}
	}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(want))) {
		if q := p.byID[id]; q == nil || !q.waiting() {
			p.fail("ticket %s should still wait, but it %s", shorten(id), p.fate(id))
		}
	}
	if len(also) > 0 {
		p.fail("%s still waiting, which was not expected", ticketsAre(also))
	}
}

// fate says what became of a ticket that does not wait, to go on after "it".
func (p *play) fate(id string) string {
	for _, f := range p.formed {
		if q := p.byID[id]; q != nil && q.matchID == f.match.ID {
			return fmt.Sprintf("was matched at %g s: %s", Seconds(f.at), describe(f.match))
		}
	}
	return "is " + p.statusOf(id)
}

// checkMatches compares the matches formed since the expectation before with the
// expected ones; those of the whole run when untimed.
func (p *play) checkMatches(e expectation) {
	var got []flexmatch.Match
	for _, f := range p.formed {
		if e.untimed || f.at.After(p.since(e.at)) && !f.at.After(e.at) {
			got = append(got, f.match)
		}
	}
	taken := pair(e.matches, got)
	var left []int
	for i := range got {
		if !slices.Contains(taken, i) {
			left = append(left, i)
		}
	}
	for i, want := range e.matches {
		if taken[i] >= 0 {
			continue
		}
		nearest := want.nearest(got, left)
		if nearest < 0 {
			p.fail("expected a match of %s, but %s", want, p.noMatch(want, len(got)))
			p.explain(want)
			continue
		}
		left = slices.DeleteFunc(left, func(j int) bool { return j == nearest })
		p.fail("expected a match of %s; instead this one formed: %s; %s", want, describe(got[nearest]), strings.Join(want.differences(got[nearest]), "; "))
	}
	for _, i := range left {
		p.fail("a match formed that was not expected: %s", describe(got[i]))
	}
}

// since is the latest instant before this one at which something is expected; the zero
// time without.
func (p *play) since(at time.Time) time.Time {
	var latest time.Time
	for _, e := range p.expect {
		if !e.untimed && e.at.Before(at) && e.at.After(latest) {
			latest = e.at
		}
	}
	return latest
}

// noMatch says what there is instead of an expected match.
func (p *play) noMatch(want wantedMatch, got int) string {
	instead := "none formed"
	if got > 0 {
		instead = "none like it formed"
	}
	var states []string
	for _, id := range slices.Concat(want.tickets, want.mustInclude) {
		if q := p.byID[id]; q == nil || !q.waiting() {
			states = append(states, shorten(id)+" "+p.fate(id))
		}
	}
	if len(states) > 0 {
		instead += " (" + strings.Join(states, ", ") + ")"
	}
	return instead
}

// maxHints bounds how many tickets are explained: each takes a search.
const maxHints = 5

// explain says why the first ticket of an expected match that still waits does so.
func (p *play) explain(want wantedMatch) {
	var in []flexmatch.Input
	first := ""
	for _, q := range p.requests {
		if !q.waiting() {
			continue
		}
		in = append(in, flexmatch.Start{Ticket: q.ticket})
		if id := q.ticket.ID; first == "" && (slices.Contains(want.tickets, id) || slices.Contains(want.mustInclude, id)) {
			first = id
		}
	}
	if first == "" || len(p.hints) >= maxHints {
		return
	}
	pool := flexmatch.NewPool(p.config)
	pool.Complete(p.now, in...)
	why, known := pool.Explain(first)
	if !known || why.Standing != flexmatch.StandsSearching {
		return
	}
	hint := fmt.Sprintf("at %g s: ", Seconds(p.now)) + strings.Join(why.Lines(), " ")
	if !slices.Contains(p.hints, hint) {
		p.hints = append(p.hints, hint)
	}
}

// checkEvents looks for event types in their relative order over the whole run.
func (p *play) checkEvents(want []string) {
	rest := p.events
	for i, event := range want {
		at := slices.IndexFunc(rest, func(e string) bool { return sameEvent(event, e) })
		if at < 0 {
			after := ""
			if i > 0 {
				after = " after " + strings.Join(want[:i], ", ")
			}
			kind, _, _ := strings.Cut(event, ":")
			p.failures = append(p.failures, fmt.Sprintf("event %s is missing%s; the events were %s%s",
				shorten(event), after, oneLine(p.events), noSuch("event", []string{kind}, eventTypes)))
			return
		}
		rest = rest[at+1:]
	}
}

// sameEvent compares an expected event with one that was: the detail counts where it is
// expected.
func sameEvent(want, got string) bool {
	kind, _, _ := strings.Cut(got, ":")
	return want == got || want == kind
}

func oneLine(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

// checkFill compares team sizes after so many players of a large match. More players
// than the teams take are not seated.
func checkFill(expect []expectation, set *flexmatch.RuleSet) (failures, warnings []string) {
	for i, e := range expect {
		got, seated := make(map[string]int), 0
		sizes := set.FillTeams(e.players)
		for i, team := range set.TeamSizes() {
			got[team.Name] = sizes[i]
			seated += sizes[i]
		}
		after := counted(e.players, "player")
		if seated < e.players {
			after += fmt.Sprintf(", of whom %d are seated", seated)
			warnings = append(warnings, fmt.Sprintf("expect[%d].players: is %d, but the teams take %d: the others are not seated", i, e.players, seated))
		}
		for _, difference := range sizeDifferences(e.teamSizes, got) {
			failures = append(failures, fmt.Sprintf("after %s: %s; teams are %s", after, difference, sizesLine(got)))
		}
	}
	return failures, warnings
}

// sizesLine spells team sizes: "blue 2, red 1".
func sizesLine(sizes map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(sizes)) {
		parts = append(parts, fmt.Sprintf("%s %d", shorten(name), sizes[name]))
	}
	return strings.Join(parts, ", ")
}

// counted spells a number of things: "1 ticket", "2 tickets".
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
