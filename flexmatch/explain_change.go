package flexmatch

import (
	"math"
	"strconv"
	"strings"
)

// changes lists what differs between two stages: first the teams, then the rules, each
// in the order of declaration.
func (s *RuleSet) changes(from, to int) []Change {
	var out []Change
	a, b := s.stages[from], s.stages[to]
	for i := range a.teams {
		size := func(property string, from, to int) {
			if from != to {
				out = append(out, Change{Team: a.teams[i].Name, Property: property, From: strconv.Itoa(from), To: strconv.Itoa(to)})
			}
		}
		size("minPlayers", a.teams[i].Min, b.teams[i].Min)
		size("maxPlayers", a.teams[i].Max, b.teams[i].Max)
	}
	sorts := 0
	for i, name := range s.ruleNames {
		var before, after []property
		switch {
		case a.rules[i] != nil && a.rules[i] != b.rules[i]:
			before, after = s.properties(a.rules[i]), s.properties(b.rules[i])
		case a.rules[i] == nil && sorts < len(a.sorts) && sorts < len(b.sorts):
			before, after = s.sortProperties(a.sorts[sorts]), s.sortProperties(b.sorts[sorts])
			sorts++
		}
		for j := range before {
			if before[j].value != after[j].value {
				out = append(out, Change{Rule: name, Property: before[j].name, From: before[j].value, To: after[j].value})
			}
		}
	}
	return out
}

// property is one property of a rule as a rule set would write it.
type property struct{ name, value string }

// properties lists what an expansion may change of a rule, always the same names for a
// type.
func (s *RuleSet) properties(r rule) []property {
	switch r := r.(type) {
	case *distanceRule:
		return []property{
			{"measurements", s.texts(r.measurements)},
			{"referenceValue", s.text(r.reference)},
			{"minDistance", amount(r.least)},
			{"maxDistance", amount(r.most)},
		}
	case *comparisonRule:
		return []property{
			{"measurements", s.texts(r.measurements)},
			{"referenceValue", s.text(r.reference)},
			{"operation", operationNames[r.operation]},
		}
	case *collectionRule:
		return []property{
			{"measurements", s.texts(r.measurements)},
			{"referenceValue", s.text(r.reference)},
			{"operation", collectionOperations[r.operation]},
			{"minCount", amount(r.least)},
			{"maxCount", amount(r.most)},
		}
	case *latencyRule:
		reference := "min"
		if r.fromMean {
			reference = "avg"
		}
		return []property{
			{"maxLatency", amount(r.most)},
			{"maxDistance", amount(r.maxDistance)},
			{"distanceReference", reference},
			{"partyAggregation", r.partySummary.name()},
		}
	case *batchDistanceRule:
		return []property{
			{"batchAttribute", s.attributes[r.attribute].Name},
			{"maxDistance", amount(r.most)},
			{"partyAggregation", r.partySummary.name()},
		}
	}
	return nil
}

func (s *RuleSet) sortProperties(r *sortRule) []property {
	direction, key := "ascending", "minValue"
	if r.descending {
		direction = "descending"
	}
	if r.maxKey {
		key = "maxValue"
	}
	return []property{
		{"sortDirection", direction},
		{"sortAttribute", s.attributes[r.attribute].Name},
		{"mapKey", key},
		{"partyAggregation", r.partySummary.name()},
	}
}

func (a aggregation) name() string {
	switch a {
	case minAggregation:
		return "min"
	case maxAggregation:
		return "max"
	}
	return "avg"
}

// amount writes a number as a rule set does; no limit is "".
func amount(n float64) string {
	if math.IsInf(n, 0) {
		return ""
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

func (s *RuleSet) texts(list []*expr) string {
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = s.text(e)
	}
	return strings.Join(out, ", ")
}

// text writes an expression as a rule set does; nil is "".
func (s *RuleSet) text(e *expr) string {
	switch {
	case e == nil:
		return ""
	case e.literal != nil:
		return literalText(*e.literal)
	case e.path != nil:
		return s.pathText(e.path)
	}
	return functionNames[e.function] + "(" + s.text(e.arg) + ")"
}

func literalText(v value) string {
	switch v.kind {
	case numberValue:
		return amount(v.number)
	case listValue:
		out := make([]string, len(v.list))
		for i, one := range v.list {
			out[i] = literalText(one)
		}
		return "[" + strings.Join(out, ", ") + "]"
	}
	return strconv.Quote(v.text)
}

func (s *RuleSet) pathText(p *path) string {
	out := "players"
	if !p.everyone || p.nested || p.member == teamMember {
		out = "teams[" + s.teamList(p.teams) + "].players"
	}
	switch p.member {
	case teamMember:
		return strings.TrimSuffix(out, ".players")
	case playerIDMember:
		return out + "[playerId]"
	case attributeMember:
		out += ".attributes[" + s.attributes[p.attr].Name + "]"
		if p.key != "" {
			out += "[" + p.key + "]"
		}
	}
	return out
}

// teamList names teams, which ascend: "*" for all, a team with a quantity by its own
// name.
func (s *RuleSet) teamList(teams []int) string {
	if len(teams) == len(s.stages[0].teams) {
		return "*"
	}
	var names []string
	rest := teams
	for len(rest) > 0 {
		name, n := s.stages[0].teams[rest[0]].Name, 1
		for _, g := range s.groups {
			if k := len(g.instances); k > 1 && k <= len(rest) && rest[0] == g.first && rest[k-1] == g.first+k-1 {
				name, n = g.name, k
			}
		}
		names, rest = append(names, name), rest[n:]
	}
	return strings.Join(names, ", ")
}

// statement writes a compound's statement as a rule set does.
func (s *RuleSet) statement(l logic) string {
	if l.operator == "" {
		return s.ruleNames[l.rule]
	}
	args := make([]string, len(l.args))
	for i, a := range l.args {
		args[i] = s.statement(a)
	}
	return l.operator + "(" + strings.Join(args, ", ") + ")"
}
