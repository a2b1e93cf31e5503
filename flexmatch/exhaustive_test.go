package flexmatch_test

import (
	"fmt"
	"slices"
	"time"

	"muster/flexmatch"
)

// Trying everything: what matches an anchor can have, judged one by one.

func (j *judge) priority() string {
	if j.large() {
		return "high"
	}
	if j.doc.Algorithm == nil {
		return ""
	}
	return j.doc.Algorithm.BackfillPriority
}

func (j *judge) large() bool {
	total := 0
	for _, t := range j.doc.Teams {
		total += int(t.Max) * len(t.instances())
	}
	return total > 40
}

// ageless tells that it is plain which of two matches has the older tickets: no
// expansion makes a match depend on age, and nothing but age orders tickets.
func (j *judge) ageless() bool {
	sorts := slices.ContainsFunc(j.doc.Rules, func(r docRule) bool { return r["type"] == "absoluteSort" || r["type"] == "distanceSort" })
	return len(j.doc.Expansions) == 0 && !sorts && !j.large()
}

// option is the best match that an anchor can have.
type option struct {
	certain int   // players of the largest match that stands beyond doubt; 0 without
	oldest  []int // positions of its tickets in what was tried, the oldest that reach that size
	example string
}

// options tries every way to seat tickets of rest with the anchor.
func (j *judge) options(anchor *group, rest []*group, now time.Time) option {
	t := trial{judge: j, now: now, list: append([]*group{anchor}, rest...), most: make([]int, len(j.teams))}
	for _, st := range j.stages {
		for i, s := range st.sizes {
			t.most[i] = max(t.most[i], s.most)
		}
	}
	t.teams = make([][]*person, len(j.teams))
	t.seat(0)
	return t.best
}

// trial is the state of trying everything.
type trial struct {
	judge *judge
	now   time.Time
	list  []*group // the anchor first
	most  []int    // players that a team can have at any age
	assignment
	chosen []int // positions in list of the tickets seated
	best   option
}

// from tries to add every ticket of list from a position on, in every team.
func (t *trial) from(k int) {
	t.weigh()
	for ; k < len(t.list); k++ {
		t.seat(k)
	}
}

// seat tries a ticket in every team.
func (t *trial) seat(k int) {
	g := t.list[k]
	if g.backfill && slices.ContainsFunc(t.groups, func(o *group) bool { return o.backfill }) {
		return
	}
	for team := range t.judge.teams {
		if g.backfill && team > 0 {
			break // its players have their teams
		}
		before := slices.Clone(t.teams)
		fits := true
		for _, p := range g.people {
			i := team
			if g.backfill {
				i = slices.Index(t.judge.teams, p.team)
			}
			t.teams[i] = append(slices.Clip(t.teams[i]), p)
			fits = fits && len(t.teams[i]) <= t.most[i]
		}
		if fits {
			t.groups, t.chosen = append(t.groups, g), append(t.chosen, k)
			t.from(k + 1)
			t.groups, t.chosen = t.groups[:len(t.groups)-1], t.chosen[:len(t.chosen)-1]
		}
		t.teams = before
	}
}

// weigh judges the tickets seated, if as a match they would be the best so far.
func (t *trial) weigh() {
	n := 0
	for _, people := range t.teams {
		n += len(people)
	}
	if n < t.best.certain || n == t.best.certain && slices.Compare(t.chosen, t.best.oldest) >= 0 {
		return
	}
	st := t.judge.stage(t.groups, t.now)
	if t.judge.misshapen(t.assignment, st) == "" && len(t.judge.broken(t.assignment, st, false)) == 0 {
		t.best = option{certain: n, oldest: slices.Clone(t.chosen), example: t.String()}
	}
}

func (a assignment) String() string {
	out := ""
	for i, people := range a.teams {
		out += fmt.Sprintf(" %d:", i)
		for _, p := range people {
			out += " " + p.id
		}
	}
	return out
}

// missing compares the matches of one search with what trying everything finds: anchors
// from the oldest, each with as many players as it can have, and nothing left over.
func (j *judge) missing(waiting []*group, matches []flexmatch.Match, now time.Time, depth scrutiny) *failure {
	rest := slices.Clone(waiting)
	for i := 0; i < len(rest); {
		anchor := rest[i]
		companions := j.companions(rest, i)
		best := j.options(anchor, companions, now)
		made := len(matches) > 0 && matches[0].TicketIDs[0] == anchor.ticket.ID
		switch {
		case !made && best.certain > 0 && len(matches) == 0:
			return failf("missed", "at %v nothing was found around %s although%s fit together", now.Sub(dawn), anchor.ticket.ID, best.example)
		case !made && best.certain > 0:
			return failf("anchor", "at %v the next match is around %s although the older %s could have%s", now.Sub(dawn), matches[0].TicketIDs[0], anchor.ticket.ID, best.example)
		case !made:
			i++
			continue
		}
		if f := j.worse(matches[0], anchor, companions, best, now, depth); f != nil {
			return f
		}
		for _, id := range matches[0].TicketIDs {
			at := slices.IndexFunc(rest, func(g *group) bool { return g.ticket.ID == id })
			if at < 0 {
				return failf("two matches", "ticket %s was taken before", id)
			}
			rest = slices.Delete(rest, at, at+1)
			if at < i {
				i-- // low priority: a backfill takes whom it finds
			}
		}
		matches = matches[1:]
	}
	if len(matches) > 0 {
		return failf("anchor", "at %v the matches %v are around no ticket that waited", now.Sub(dawn), matches)
	}
	return nil
}

// companions lists whom an anchor may meet: all that come after it in the batch. With
// low priority, backfills come last and meet all new tickets, and new tickets meet no
// backfill.
func (j *judge) companions(rest []*group, i int) []*group {
	if j.priority() != "low" {
		return rest[i+1:]
	}
	var out []*group
	for k, g := range rest {
		if !g.backfill && (rest[i].backfill || k > i) {
			out = append(out, g)
		}
	}
	return out
}

// worse says in what a match is not the best that its anchor could have.
func (j *judge) worse(m flexmatch.Match, anchor *group, companions []*group, best option, now time.Time, depth scrutiny) *failure {
	n := 0
	for _, t := range m.Teams {
		n += len(t.Players)
	}
	if n < best.certain {
		return failf("fewer", "at %v the match %s has %d players, but%s makes %d", now.Sub(dawn), seats(m), n, best.example, best.certain)
	}
	if n > best.certain || depth < seniority || !j.ageless() {
		return nil
	}
	var chosen []int
	for _, id := range m.TicketIDs {
		if id == anchor.ticket.ID {
			chosen = append(chosen, 0)
			continue
		}
		chosen = append(chosen, 1+slices.IndexFunc(companions, func(g *group) bool { return g.ticket.ID == id }))
	}
	slices.Sort(chosen)
	if slices.Compare(chosen, best.oldest) > 0 {
		return failf("younger", "at %v the match %s could be of older tickets:%s", now.Sub(dawn), seats(m), best.example)
	}
	return nil
}

// pair looks for two waiting tickets that could be a match: all pairs if few wait, else
// every ticket with some hundred others.
func (j *judge) pair(waiting []*group, now time.Time) *failure {
	const most = 100
	for i, g := range waiting {
		for k := i + 1; k < len(waiting) && k <= i+most; k++ {
			if o := j.options(g, waiting[k:k+1], now); o.certain > 0 {
				return failf("missed pair", "at %v %s and %s still wait although%s fit together", now.Sub(dawn), g.ticket.ID, waiting[k].ticket.ID, o.example)
			}
		}
	}
	return nil
}
