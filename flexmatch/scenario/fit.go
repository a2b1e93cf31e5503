package scenario

import (
	"fmt"
	"slices"
	"strings"

	"muster/flexmatch"
)

// pair gives each expected match a formed one that fits it, so that as many as can be
// have one. The answer has the index of the formed match for each expected one, -1
// without.
func pair(want []wantedMatch, got []flexmatch.Match) []int {
	fits := make([][]bool, len(want))
	for i, w := range want {
		fits[i] = make([]bool, len(got))
		for j, m := range got {
			fits[i][j] = len(w.differences(m)) == 0
		}
	}
	owner := slices.Repeat([]int{-1}, len(got))
	var seat func(i int, tried []bool) bool
	seat = func(i int, tried []bool) bool { // an augmenting path from i
		for j := range got {
			if !fits[i][j] || tried[j] {
				continue
			}
			tried[j] = true
			if owner[j] < 0 || seat(owner[j], tried) {
				owner[j] = i
				return true
			}
		}
		return false
	}
	for i := range want {
		seat(i, make([]bool, len(got)))
	}
	out := slices.Repeat([]int{-1}, len(want))
	for j, i := range owner {
		if i >= 0 {
			out[i] = j
		}
	}
	return out
}

// nearest picks of the formed matches at these indices the one most like an expected
// match: it shares a ticket and differs least. -1: none shares a ticket.
func (w wantedMatch) nearest(got []flexmatch.Match, among []int) int {
	best, bestShared, bestDifferences := -1, 0, 0
	for _, j := range among {
		shared := 0
		for _, id := range got[j].TicketIDs {
			if slices.Contains(w.tickets, id) || slices.Contains(w.mustInclude, id) {
				shared++
			}
		}
		differences := len(w.differences(got[j]))
		if len(w.tickets)+len(w.mustInclude) == 0 {
			shared = 1 // it names none
		}
		if shared > bestShared || shared == bestShared && shared > 0 && differences < bestDifferences {
			best, bestShared, bestDifferences = j, shared, differences
		}
	}
	return best
}

// differences lists in what a match is not as expected; nil when it fits.
func (w wantedMatch) differences(m flexmatch.Match) []string {
	var out []string
	if w.tickets != nil && !w.inexact {
		out = append(out, setDifferences(w.tickets, m.TicketIDs)...)
	}
	for _, id := range w.mustInclude {
		if !slices.Contains(m.TicketIDs, id) {
			out = append(out, ticketsAre([]string{id})+" not in it")
		}
	}
	if w.ticketCount > 0 && len(m.TicketIDs) != w.ticketCount {
		out = append(out, fmt.Sprintf("it has %s, not %d", counted(len(m.TicketIDs), "ticket"), w.ticketCount))
	}
	sizes, players, teamOf := make(map[string]int), make(map[string][]string), make(map[string]string)
	for _, team := range m.Teams {
		sizes[team.Name] = len(team.Players)
		for _, p := range team.Players {
			players[team.Name] = append(players[team.Name], p.ID)
			teamOf[p.ID] = team.Name
		}
	}
	out = append(out, sizeDifferences(w.teamSizes, sizes)...)
	if w.inexact {
		return out
	}
	for _, name := range sortedKeys(w.teams) {
		if _, is := sizes[name]; !is {
			out = append(out, noTeam(name, sizes))
		} else if !sameSet(players[name], w.teams[name]) {
			out = append(out, fmt.Sprintf("team %s is %s, not %s", shorten(name), names(players[name]), names(w.teams[name])))
		}
	}
	for _, group := range w.together {
		if apart := scattered(group, teamOf); apart != "" {
			out = append(out, apart)
		}
	}
	return out
}

// scattered says how players who belong together are not in one team; "" when they are.
func scattered(group []string, teamOf map[string]string) string {
	var where []string
	same := true
	for _, id := range group {
		team, in := teamOf[id]
		if !in {
			team = "no team"
		}
		same = same && in && team == teamOf[group[0]]
		where = append(where, fmt.Sprintf("%s in %s", shorten(id), shorten(team)))
	}
	if same {
		return ""
	}
	return "players who belong together are not: " + strings.Join(where, ", ")
}

// sizeDifferences compares the sizes of the teams that are expected to have one.
func sizeDifferences(want, got map[string]int) []string {
	var out []string
	for _, name := range sortedKeys(want) {
		n, is := got[name]
		switch {
		case !is:
			out = append(out, noTeam(name, got))
		case n != want[name]:
			out = append(out, fmt.Sprintf("team %s has %d, not %d", shorten(name), n, want[name]))
		}
	}
	return out
}

// noTeam says that a team is not in the rule set; sizes has those that are.
func noTeam(name string, sizes map[string]int) string {
	teams := sortedKeys(sizes)
	return fmt.Sprintf("there is no team %s, the teams are %s%s", shorten(name), names(teams), flexmatch.DidYouMean(name, teams))
}

// setDifferences compares the tickets of a match.
func setDifferences(want, got []string) []string {
	var out []string
	if missing := without(want, got); len(missing) > 0 {
		out = append(out, ticketsAre(missing)+" not in it")
	}
	if more := without(got, want); len(more) > 0 {
		out = append(out, ticketsAre(more)+" in it")
	}
	return out
}

// without lists what of a is not in b.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// sameSet compares lists without regard to order and repetition.
func sameSet(a, b []string) bool {
	return len(without(a, b)) == 0 && len(without(b, a)) == 0
}

// describe spells a match for people.
func describe(m flexmatch.Match) string {
	teams := make([]string, len(m.Teams))
	for i, team := range m.Teams {
		ids := make([]string, len(team.Players))
		for j, p := range team.Players {
			ids[j] = p.ID
		}
		teams[i] = shorten(team.Name) + " " + names(ids)
	}
	return "tickets " + names(m.TicketIDs) + " as " + strings.Join(teams, ", ")
}

// String spells an expected match for people.
func (w wantedMatch) String() string {
	var parts []string
	switch {
	case w.tickets != nil && !w.inexact:
		parts = append(parts, "tickets "+names(w.tickets))
	case w.ticketCount > 0:
		parts = append(parts, counted(w.ticketCount, "ticket"))
	default:
		parts = append(parts, "any tickets")
	}
	if len(w.mustInclude) > 0 {
		parts = append(parts, "with "+names(w.mustInclude)+" among them")
	}
	if len(w.teamSizes) > 0 {
		parts = append(parts, "as "+sizesLine(w.teamSizes))
	}
	return strings.Join(parts, " ")
}

// mostNames is how many ids a message lists.
const mostNames = 12

// names lists ids: "[a b c]".
func names(ids []string) string {
	out := make([]string, 0, min(len(ids), mostNames+1))
	for i, id := range ids {
		if i == mostNames {
			out = append(out, fmt.Sprintf("and %d more", len(ids)-mostNames))
			break
		}
		out = append(out, shorten(id))
	}
	return "[" + strings.Join(out, " ") + "]"
}

func ticketsAre(ids []string) string {
	if len(ids) == 1 {
		return "ticket " + shorten(ids[0]) + " is"
	}
	return "tickets " + names(ids) + " are"
}
