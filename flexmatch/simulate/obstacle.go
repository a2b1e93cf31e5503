package simulate

import (
	"cmp"
	"maps"
	"slices"

	"muster/flexmatch"
)

// tally counts by rule what keeps tickets from a match; "" is too few players.
type tally struct {
	asked  int
	byRule map[string]int
}

func (t *tally) add(rule string) {
	if t.byRule == nil {
		t.byRule = map[string]int{}
	}
	t.asked++
	t.byRule[rule]++
}

// list is the most frequent first, of equals by name.
func (t *tally) list() []Obstacle {
	out := []Obstacle{}
	for _, rule := range slices.Sorted(maps.Keys(t.byRule)) {
		out = append(out, Obstacle{rule, t.byRule[rule]})
	}
	slices.SortStableFunc(out, func(a, b Obstacle) int { return cmp.Compare(b.Tickets, a.Tickets) })
	return out
}

// ask lets one of those who wait say what keeps it from a match: of the searching
// tickets the one in the middle by age, who is neither new nor the odd one out. It
// changes nothing about what happens.
func (s *simulation) ask() {
	var searching []*ticket
	for _, t := range s.tickets {
		if t.matchID == "" {
			searching = append(searching, t)
		}
	}
	if len(searching) == 0 {
		return
	}
	slices.SortFunc(searching, func(a, b *ticket) int {
		return cmp.Or(cmp.Compare(a.startAt, b.startAt), cmp.Compare(a.id, b.id))
	})
	x, known := s.pool.Explain(searching[len(searching)/2].id)
	if !known {
		return
	}
	if rule, ok := obstacle(x, s.record.waiting); ok {
		s.obstacles.add(rule)
	}
}

// obstacle is the rule that keeps a ticket from a match, "" when there are too few
// players in the queue, and false when it is nothing that has a name.
func obstacle(x flexmatch.Explanation, waiting int) (rule string, ok bool) {
	for _, o := range x.Never {
		if o.Rule != "" {
			return o.Rule, true
		}
	}
	switch {
	case len(x.Never) > 0 || x.Standing != flexmatch.StandsSearching || x.Possible():
		return "", false
	case waiting < x.Players+x.NeededPlayers:
		return "", true
	case x.CompatiblePlayers < x.NeededPlayers && len(x.Rules) > 0:
		return x.Rules[0].Rule, true
	case x.Attempt != nil && len(x.Attempt.Failed) > 0:
		return x.Attempt.Failed[0].Rule, true
	case len(x.Rules) > 0:
		return x.Rules[0].Rule, true
	}
	return "", false
}
