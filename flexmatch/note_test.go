package flexmatch_test

import (
	"slices"
	"strings"
	"time"

	"muster/flexmatch"
)

// What of the rule language a match depended on, by the names of the table in
// language_test.go.

func (j *judge) seen(feature string, when bool) {
	if when {
		j.features[feature] = true
	}
}

// note records the features of a match that was made.
func (j *judge) note(a assignment, st *inForce, now time.Time) {
	j.noteTickets(a)
	j.noteTeams(a, st)
	for _, r := range st.rules {
		j.noteRule(r)
	}
	j.noteAlgorithm()
	j.noteExpansions(a, now)
}

func (j *judge) noteTickets(a assignment) {
	for _, attribute := range j.doc.Attributes {
		j.seen("attribute of type "+attribute.Type, true)
		for _, g := range a.groups {
			for _, p := range g.ticket.Players {
				_, sent := p.Attributes[attribute.Name]
				j.seen("default of an attribute", !sent)
			}
		}
	}
	for _, g := range a.groups {
		j.seen("a party stays together", len(g.people) > 1 && !g.backfill)
		j.seen("backfill: seated players keep their teams and count", g.backfill)
		for _, p := range g.ticket.Players {
			for name := range p.Attributes {
				j.seen("attribute that is not declared", !slices.ContainsFunc(j.doc.Attributes, func(d docAttribute) bool { return d.Name == name }))
			}
		}
	}
}

func (j *judge) noteTeams(a assignment, st *inForce) {
	j.seen("name and ruleLanguageVersion", true)
	j.seen("minPlayers and maxPlayers", true)
	j.seen("slots that stay open (AdditionalPlayerCount)", j.additional > 0)
	for i, people := range a.teams {
		j.seen("a team that may be empty", len(people) == 0 && st.sizes[i].least == 0)
	}
	for _, t := range j.doc.Teams {
		j.seen("quantity", t.Quantity > 1)
		j.seen("names with blanks and hyphens", strings.ContainsAny(t.Name, " -"))
	}
	if j.large() {
		j.seen("large: teams fill to their minimums, then by open slots", j.misfilled(a, st) == "" && len(a.groups) > 5)
		j.seen("large: minimums of teams", true)
	}
}

func (j *judge) noteAlgorithm() {
	a := j.doc.Algorithm
	if a == nil {
		return
	}
	j.seen("strategy exhaustiveSearch", a.Strategy == "exhaustiveSearch")
	j.seen("strategy balanced in a small match", a.Strategy == "balanced" && !j.large())
	j.seen("batchingPreference random", a.BatchingPreference == "random")
	j.seen("batchingPreference sorted, sortByAttributes", a.BatchingPreference == "sorted")
	j.seen("backfillPriority", a.BackfillPriority != "")
	if j.large() {
		j.seen("large: batchingPreference", a.BatchingPreference != "")
		for _, r := range j.doc.Rules {
			j.seen("large: "+r["type"].(string), true)
		}
	}
}

func (j *judge) noteRule(r *ruleInForce) {
	j.seen("rules in a compound count only through it", r.supporting)
	for _, m := range r.measurements {
		j.noteExpression(m)
	}
	switch r.kind {
	case "comparison":
		j.seen("comparison with a reference", r.reference != nil)
		j.seen("comparison of players with each other", r.reference == nil)
		j.seen("comparison of strings", r.measurements[0].strings)
		j.seen("comparison operations", r.operation != "=" && r.operation != "!=")
	case "distance":
		j.seen("distance: maxDistance", r.most < 1e9)
		j.seen("distance: minDistance", r.least > -1e9)
	case "collection":
		j.seen("collection "+r.operation, true)
		j.seen("collection: plain strings as lists of one", r.measurements[0].plain)
	case "latency":
		j.seen("latency: maxLatency", r.latency < 1e9)
		j.seen("latency: maxDistance with distanceReference", r.most < 1e9)
		j.seen("latency: partyAggregation", r.party != "avg")
	case "batchDistance":
		j.seen("batchDistance of numbers", r.most < 1e9)
		j.seen("batchDistance of strings", r.most > 1e9)
		j.seen("batchDistance: partyAggregation", r.party != "avg")
	case "compound":
		for _, operator := range []string{"and", "or", "not", "xor"} {
			j.seen("compound: and, or, not, xor", strings.Contains(r.statement, operator+"("))
		}
	}
	if r.reference != nil {
		j.noteExpression(r.reference)
		j.seen("reference that is an expression", r.reference.literal == nil)
		j.seen("reference that is a list: pairs", r.reference.depth > 0 && (r.kind == "comparison" || r.kind == "distance"))
	}
	_, written := j.written(r.name)["measurements"].(string)
	j.seen("one measurement without a list", written)
	for _, property := range []string{"maxDistance", "referenceValue"} {
		text, quoted := j.written(r.name)[property].(string)
		_, number := looseNumber(text)
		j.seen("numbers in quotes", quoted && number)
	}
	_, party := j.written(r.name)["partyAggregation"]
	j.seen("partyAggregation that changes nothing", party && (r.kind == "comparison" || r.kind == "distance" || r.kind == "collection"))
}

// written is a rule as it stands in the document.
func (j *judge) written(name string) docRule {
	for _, r := range j.doc.Rules {
		if r["name"] == name {
			return r
		}
	}
	return docRule{}
}

func (j *judge) noteExpression(t *tree) {
	if t.literal != nil {
		return
	}
	if t.function != "" {
		j.seen("function "+t.function, true)
		j.seen("functions repeat over outer lists", t.function != "flatten" && t.depth > 0 && (t.function != "set_intersection" || t.depth > 1))
		j.noteExpression(t.arg)
		return
	}
	text := strings.TrimSpace(t.text)
	j.seen("teams[*]", strings.Contains(text, "[*]"))
	j.seen("teams[name]", !t.nested && !strings.HasPrefix(text, "players"))
	j.seen("teams[name, name]", t.nested && strings.Contains(strings.SplitN(text, "]", 2)[0], ","))
	j.seen("team[...] for teams[...]", strings.HasPrefix(text, "team["))
	j.seen("players: everyone in one list", strings.HasPrefix(text, "players"))
	j.seen("players[playerId]", t.member == "playerId")
	j.seen("attributes[name]", strings.HasPrefix(t.member, "."))
	j.seen("attributes[name][key] of a map", t.key != "")
	for _, team := range j.doc.Teams {
		j.seen("teams[name] of a team with a quantity", team.Quantity > 1 && strings.Contains(text, "["+team.Name+"]"))
	}
}

// noteExpansions records the expansions that were due for the match.
func (j *judge) noteExpansions(a assignment, now time.Time) {
	age := now.Sub(a.groups[0].ticket.StartAt)
	for _, g := range a.groups {
		if one := now.Sub(g.ticket.StartAt); one > age == j.oldestCounts() {
			age = one
		}
	}
	for _, x := range j.doc.Expansions {
		steps := 0
		for _, s := range x.Steps {
			if seconds(float64(s.Wait)) <= age {
				steps++
			}
		}
		if steps == 0 {
			continue
		}
		j.seen("steps replace each other", steps > 1)
		j.seen("expansion of a rule's property", strings.HasPrefix(x.Target, "rules"))
		j.seen("expansion of a team's sizes", strings.HasPrefix(x.Target, "teams"))
		j.seen("expansion of several teams", strings.HasPrefix(x.Target, "teams") && strings.Contains(x.Target, ","))
		j.seen("age of the newest ticket", !j.oldestCounts())
		j.seen("expansionAgeSelection oldest", j.oldestCounts())
	}
}

// noteEnd records what a ticket ended by.
func (l *ledger) noteEnd(e flexmatch.Effect) {
	switch e := e.(type) {
	case flexmatch.AcceptanceCompleted:
		l.judge.seen([]string{"acceptance: all accept", "acceptance: a rejection ends it", "acceptance: time runs out"}[e.Outcome], true)
	case flexmatch.Searching:
		l.judge.seen("acceptance: who accepted searches again", e.Returned)
	case flexmatch.Expired:
		l.judge.seen("RequestTimeoutSeconds", true)
	case flexmatch.Cancelled:
		l.judge.seen("StopMatchmaking", e.ByRequest)
		l.judge.seen("backfill: a later one of its session replaces it", !e.ByRequest && l.state[e.TicketID] == "searching")
	case flexmatch.Refused:
		l.judge.seen("attribute of another type than declared", e.Reason == flexmatch.InvalidTicket && strings.Contains(e.Message, "attribute"))
	}
}

// noteLeft records why tickets that are left could not match.
func (l *ledger) noteLeft(id string) {
	g := l.judge.admit(l.tickets[id])
	latency := slices.ContainsFunc(l.judge.doc.Rules, func(r docRule) bool { return r["type"] == "latency" })
	silent := slices.ContainsFunc(g.ticket.Players, func(p flexmatch.Player) bool { return len(p.LatencyInMs) == 0 })
	if l.state[id] == "searching" && !g.matchable {
		l.judge.seen("a player without latencies never matches", latency && silent)
		l.judge.seen("attribute missing without default", !(latency && silent))
	}
}
