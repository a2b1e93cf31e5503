package flexmatch

import "slices"

// partyRule is a comparison, distance or collection rule under
// ParseOptions.AggregateParties: a party counts as one player, with the values of its
// players put together. It judges finished matches only, so the search knows nothing
// of it before. A rule that counts players or looks at ids or plain strings, which
// cannot be put together, measures every player all the same; and the players of a
// backfill, who came with several requests, stand each for themselves (the guide is
// silent on both; we chose).
type partyRule struct {
	rule    rule // *comparisonRule, *distanceRule or *collectionRule
	numbers aggregation
	common  bool // of string lists: what all have, otherwise what any has
}

// byParties picks the reading of partyAggregation. By default it is without effect.
func (c *compiler) byParties(src ruleSource, r rule) rule {
	if r == nil || !c.options.AggregateParties || slices.ContainsFunc(expressions(r), ofEveryPlayer) {
		return r
	}
	out := &partyRule{rule: r}
	if src.kind == "collection" {
		i, _ := c.enum(src, "partyAggregation", "union", "intersection")
		out.common = i == 1
	} else {
		out.numbers, _ = c.aggregation(src)
	}
	return out
}

// underlying is the rule as written, under whatever reading of it is in force.
func underlying(r rule) rule {
	switch r := r.(type) {
	case *partyRule:
		return r.rule
	case anywhereRule:
		return r.latencyRule
	}
	return r
}

func (r *partyRule) hopeless(*draft) bool      { return false }
func (r *partyRule) apart(*entry, *entry) bool { return false }

// check judges a copy of the draft in which every party is one player.
func (r *partyRule) check(d *draft) verdict {
	if !slices.ContainsFunc(d.entries, func(e *entry) bool { return !e.backfill && len(e.players) > 1 }) {
		return r.rule.check(d)
	}
	whole, stats := d.teams, d.stats
	merged := make([][]*player, len(whole))
	for t, players := range whole {
		for i, p := range players {
			switch {
			case p.ticket.backfill || len(p.ticket.players) == 1:
				merged[t] = append(merged[t], p)
			case i == 0 || players[i-1].ticket != p.ticket:
				merged[t] = append(merged[t], r.merge(p.ticket))
			}
		}
	}
	d.teams, d.stats = merged, nil // what is kept is of all players
	v := r.rule.check(d)
	d.teams, d.stats = whole, stats
	return v
}

// ofEveryPlayer tells that an expression loses its meaning when players are merged.
func ofEveryPlayer(e *expr) bool {
	for f := e; f != nil; f = f.arg {
		if f.function == countFunction {
			return true
		}
	}
	found := false
	e.visit(func(p *path) { found = found || p.member != attributeMember || p.kind == StringAttribute })
	return found
}

// merge makes one player of a party.
func (r *partyRule) merge(e *entry) *player {
	first := &e.players[0]
	out := &player{ticket: e, id: first.id, values: slices.Clone(first.values), maps: slices.Clone(first.maps)}
	for a := range out.values {
		switch out.values[a].kind {
		case numberValue:
			out.values[a].number, _ = r.numbers.overall(e, func(p *player) (float64, bool) { return p.values[a].number, true })
		case listValue:
			out.values[a].list = r.mergeLists(e, a)
		case noValue:
			if first.numbers(a) != nil {
				out.maps[a] = r.mergeMaps(e, a)
			}
		}
	}
	return out
}

// mergeLists is the union or the intersection of the players' lists.
func (r *partyRule) mergeLists(e *entry, attribute int) []value {
	var out []value
	for i := range e.players {
		for _, v := range e.players[i].values[attribute].list {
			if !contains(out, v) && (i == 0 || !r.common) {
				out = append(out, v)
			}
		}
		if r.common {
			own := e.players[i].values[attribute].list
			out = slices.DeleteFunc(out, func(v value) bool { return !contains(own, v) })
		}
	}
	return out
}

// mergeMaps aggregates key by key, over the players who have the key.
func (r *partyRule) mergeMaps(e *entry, attribute int) map[string]float64 {
	out := map[string]float64{}
	for i := range e.players {
		for key := range e.players[i].numbers(attribute) {
			out[key], _ = r.numbers.overall(e, func(p *player) (float64, bool) {
				n, ok := p.numbers(attribute)[key]
				return n, ok
			})
		}
	}
	return out
}
