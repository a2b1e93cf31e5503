package flexmatch_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// A maker composes random rule sets in the whole language, and random lives of pools.
type maker struct {
	*rand.Rand
	doc       document
	instances []string
	uneven    bool // numbers with fractions, whose sums depend on the order
	backfills bool
}

func newMaker(seed, n uint64) *maker {
	return &maker{Rand: rand.New(rand.NewPCG(seed, n))}
}

func (m *maker) chance(one int) bool { return m.IntN(one) == 0 }

func (m *maker) between(low, high int) int { return low + m.IntN(high-low+1) }

func pick[T any](m *maker, list ...T) T { return list[m.IntN(len(list))] }

var (
	modeWords = []string{"a", "b", "c"}
	mapKeys   = []string{"tank", "healer"}
	places    = []string{"x", "y", "z"}
)

// attribute names of the generated sets, by type; some have blanks and hyphens.
var attributeNames = map[string][]string{
	"number": {"skill", "level-up"}, "string": {"mode", "play style"}, "string_list": {"modes", "friends"}, "string_number_map": {"roles"},
}

// number makes an attribute's number.
func (m *maker) number() float64 {
	n := float64(m.IntN(11))
	if m.uneven {
		n = float64(m.IntN(101)) / 10
	}
	return n
}

// bound makes a rule's limit on such numbers.
func (m *maker) bound() any {
	n := m.number()
	if m.chance(3) {
		n += 5
	}
	if m.chance(8) {
		return fmt.Sprint(n) // in quotes
	}
	return n
}

func (m *maker) words(list []string) []string {
	out := []string{}
	for _, w := range list {
		if m.chance(2) {
			out = append(out, w)
		}
	}
	return out
}

// ruleSet composes a small match of at most seats players.
func (m *maker) ruleSet(seats int) document {
	m.doc = document{Version: "1.0", Name: pick(m, "", "any game")}
	m.uneven = m.chance(4)
	for _, kind := range []string{"number", "string", "string_list", "string_number_map"} {
		for _, name := range attributeNames[kind] {
			if kind == "number" && name == "skill" || m.chance(2) {
				m.doc.Attributes = append(m.doc.Attributes, docAttribute{Name: name, Type: kind, Default: m.defaultOf(kind)})
			}
		}
	}
	m.teams(seats)
	for i := range pick(m, 0, 1, 1, 2, 2, 3, 4) {
		m.doc.Rules = append(m.doc.Rules, m.rule(fmt.Sprintf("%s%d", pick(m, "r", "my rule ", "low-ping"), i)))
	}
	if len(m.doc.Rules) > 0 && m.chance(3) {
		m.compound()
	}
	m.algorithm()
	m.expansions(seats)
	return m.doc
}

func (m *maker) defaultOf(kind string) any {
	if m.chance(2) {
		return nil
	}
	switch kind {
	case "number":
		return m.number()
	case "string":
		return pick(m, modeWords...)
	case "string_list":
		return m.words(modeWords)
	}
	return m.roles()
}

func (m *maker) roles() map[string]float64 {
	out := map[string]float64{}
	for _, k := range mapKeys {
		if m.chance(2) {
			out[k] = m.number()
		}
	}
	return out
}

func (m *maker) teams(seats int) {
	names := []string{"red", "blue team", "t-1"}
	for i := range m.between(1, 3) {
		quantity := pick(m, 1, 1, 1, 2, 2, 3)
		if seats < 1 {
			break
		}
		quantity = min(quantity, seats)
		most := m.between(1, min(4, seats/quantity))
		least := m.between(0, min(2, most))
		if i == 0 && least == 0 && m.chance(2) {
			least = 1
		}
		m.doc.Teams = append(m.doc.Teams, docTeam{Name: names[i], Min: loose(least), Max: loose(most), Quantity: loose(quantity)})
		if quantity == 1 && m.chance(2) {
			m.doc.Teams[i].Quantity = 0 // left out
		}
		seats -= quantity * most
	}
	m.instances = nil
	for _, t := range m.doc.Teams {
		m.instances = append(m.instances, t.instances()...)
	}
}

func (m *maker) algorithm() {
	if m.chance(2) {
		return
	}
	a := docAlgorithm{ExpansionAgeSelection: pick(m, "", "newest", "oldest"), BackfillPriority: pick(m, "", "normal", "low", "high")}
	switch m.IntN(4) {
	case 0:
		a.Strategy, a.BatchingPreference = "exhaustiveSearch", pick(m, "", "random")
	case 1:
		a.BatchingPreference, a.SortByAttributes = "sorted", []string{"skill"}
	case 2:
		a.Strategy, a.BalancedAttribute = "balanced", "skill"
		a.BatchingPreference = pick(m, "", "largestPopulation", "fastestRegion")
	}
	m.doc.Algorithm = &a
}

// has lists the declared attributes of some types.
func (m *maker) has(kinds ...string) []string {
	var out []string
	for _, a := range m.doc.Attributes {
		if slices.Contains(kinds, a.Type) {
			out = append(out, a.Name)
		}
	}
	return out
}

// rule makes a rule of any type.
func (m *maker) rule(name string) docRule {
	r := docRule{"name": name}
	if m.chance(3) {
		return m.typical(r)
	}
	if m.chance(5) {
		r["description"] = "made at random"
	}
	kind := pick(m, "comparison", "comparison", "comparison", "distance", "distance", "collection", "collection", "latency", "batchDistance", "absoluteSort", "distanceSort")
	r["type"] = kind
	if kind == "collection" && len(m.doc.Attributes) == 0 {
		r["type"] = "latency"
	}
	switch r["type"] {
	case "comparison":
		m.comparison(r)
	case "distance":
		m.distance(r)
	case "collection":
		m.collection(r)
	case "latency":
		m.latency(r)
	case "batchDistance":
		m.batchDistance(r)
	default:
		m.sort(r)
	}
	if _, set := r["partyAggregation"]; !set && m.chance(3) {
		r["partyAggregation"] = m.aggregation(r)
	}
	return r
}

// typical makes a rule as studios write them: what the matchmaker knows short cuts for.
func (m *maker) typical(r docRule) docRule {
	everyone := func(attribute string) string {
		return fmt.Sprintf("flatten(teams[*].players.attributes[%s])", attribute)
	}
	fill := func(kind string, measurement, reference any, more docRule) docRule {
		r["type"] = kind
		if measurement != "" {
			r["measurements"] = []any{measurement}
		}
		if reference != "" {
			r["referenceValue"] = reference
		}
		maps.Copy(r, more)
		return r
	}
	skill := pick(m, m.has("number")...)
	average := "avg(" + everyone(skill) + ")"
	choices := []func() docRule{
		func() docRule {
			return fill("distance", "avg(teams[*].players.attributes["+skill+"])", average, docRule{"maxDistance": m.bound()})
		},
		func() docRule { return fill("distance", everyone(skill), average, docRule{"maxDistance": m.bound()}) },
		func() docRule {
			return fill("distance", "max("+everyone(skill)+")", "min("+everyone(skill)+")", docRule{"maxDistance": m.bound()})
		},
		func() docRule {
			one, other := pick(m, m.instances...), pick(m, m.instances...)
			path := ".players.attributes[" + skill + "])"
			return fill("distance", "avg(teams["+one+"]"+path, "avg(teams["+other+"]"+path, docRule{"maxDistance": m.bound()})
		},
		func() docRule {
			one, other := pick(m, m.instances...), pick(m, m.instances...)
			return fill("comparison", "count(teams["+one+"].players)", "count(teams["+other+"].players)", docRule{"operation": "="})
		},
		func() docRule { return fill("latency", "", "", docRule{"maxLatency": float64(m.between(2, 12) * 10)}) },
		func() docRule {
			return fill("batchDistance", "", "", docRule{"batchAttribute": skill, "maxDistance": m.bound()})
		},
	}
	for _, mode := range m.has("string") {
		choices = append(choices, func() docRule {
			return fill("comparison", everyone(mode), "", docRule{"operation": pick(m, "=", "=", "!=")})
		}, func() docRule { return fill("batchDistance", "", "", docRule{"batchAttribute": mode}) })
	}
	for _, list := range m.has("string_list") {
		choices = append(choices, func() docRule {
			return fill("collection", everyone(list), "", docRule{"operation": "intersection", "minCount": 1.0})
		}, func() docRule {
			return fill("collection", everyone(list), "flatten(teams[*].players[playerId])", docRule{"operation": "reference_intersection_count", "maxCount": 0.0})
		}, func() docRule {
			path := "teams[" + pick(m, m.instances...) + "].players.attributes[" + list + "]"
			return fill("collection", path, pick(m, modeWords...), docRule{"operation": "contains", "minCount": 1.0})
		})
	}
	return pick(m, choices...)()
}

func (m *maker) aggregation(r docRule) string {
	if r["type"] == "collection" {
		return pick(m, "union", "intersection")
	}
	return pick(m, "avg", "min", "max")
}

// measurements makes one or two expressions; one may stand without a list.
func (m *maker) measurements(expression func() string) any {
	one := expression()
	if m.chance(5) {
		return one
	}
	if m.chance(4) {
		return []any{one, expression()}
	}
	return []any{one}
}

func (m *maker) comparison(r docRule) {
	operations := []string{"<", "<=", "=", "!=", ">", ">="}
	if m.chance(3) { // of strings
		r["measurements"] = m.measurements(func() string { return m.strings(pick(m, 1, 1, 2, 3)) })
		r["operation"] = pick(m, "=", "!=")
		switch m.IntN(3) {
		case 0:
			r["referenceValue"] = pick(m, "a", "b", "medic")
		case 1:
			r["referenceValue"] = m.strings(1)
		}
		return
	}
	r["measurements"] = m.measurements(func() string { return m.numbers(pick(m, 0, 0, 1, 1, 2)) })
	r["operation"] = pick(m, operations...)
	switch m.IntN(4) {
	case 0:
		r["operation"] = pick(m, "=", "!=")
	case 1:
		r["referenceValue"] = m.bound()
	default:
		r["referenceValue"] = m.numbers(pick(m, 0, 0, 0, 1))
	}
}

func (m *maker) distance(r docRule) {
	r["measurements"] = m.measurements(func() string { return m.numbers(pick(m, 0, 1, 1, 2)) })
	r["referenceValue"] = m.numbers(pick(m, 0, 0, 0, 1))
	if m.chance(3) {
		r["referenceValue"] = m.bound()
	}
	if !m.chance(4) {
		r["maxDistance"] = m.bound()
	}
	if r["maxDistance"] == nil || m.chance(4) {
		r["minDistance"] = float64(m.IntN(4))
	}
}

func (m *maker) collection(r docRule) {
	r["operation"] = pick(m, "intersection", "contains", "reference_intersection_count")
	r["measurements"] = m.measurements(func() string { return m.strings(pick(m, 1, 2, 2, 2, 3)) })
	if len(m.has("string_list")) > 0 && m.chance(2) {
		r["measurements"] = m.measurements(func() string {
			return fmt.Sprintf("flatten(teams[*].players.attributes[%s])", pick(m, m.has("string_list")...))
		})
	}
	switch r["operation"] {
	case "contains":
		r["referenceValue"] = pick(m, modeWords...)
	case "reference_intersection_count":
		r["referenceValue"] = pick[any](m, "a", []any{"a", "b"}, []any{}, m.strings(1), m.strings(2), "flatten(teams[*].players[playerId])")
	}
	if m.chance(2) {
		r["minCount"] = float64(m.IntN(3))
	}
	if m.chance(2) {
		r["maxCount"] = float64(m.IntN(4))
	}
}

func (m *maker) latency(r docRule) {
	if !m.chance(3) {
		r["maxLatency"] = float64(m.between(2, 9) * 10)
	}
	if r["maxLatency"] == nil || m.chance(3) {
		r["maxDistance"], r["distanceReference"] = float64(m.between(0, 5)*10), pick(m, "min", "avg")
	}
}

func (m *maker) batchDistance(r docRule) {
	r["batchAttribute"] = pick(m, m.has("number", "string")...)
	if slices.Contains(m.has("number"), r["batchAttribute"].(string)) {
		r["maxDistance"] = m.bound()
	} else {
		r["partyAggregation"] = "avg"
	}
}

func (m *maker) sort(r docRule) {
	kinds := []string{"number", "string_number_map"}
	if r["type"] == "absoluteSort" {
		kinds = append(kinds, "string")
	}
	r["sortDirection"], r["sortAttribute"] = pick(m, "ascending", "descending"), pick(m, m.has(kinds...)...)
	if r["sortAttribute"] == "roles" {
		r["mapKey"] = pick(m, "minValue", "maxValue")
	}
}

// compound adds a statement over earlier rules.
func (m *maker) compound() {
	var names []string
	for _, r := range m.doc.Rules {
		if kind := r["type"].(string); kind != "batchDistance" && !strings.HasSuffix(kind, "Sort") {
			names = append(names, r["name"].(string))
		}
	}
	if len(names) == 0 {
		return
	}
	var statement func(depth int) string
	statement = func(depth int) string {
		if depth == 0 || m.chance(3) {
			return pick(m, "", " ") + pick(m, names...) + pick(m, "", " ")
		}
		switch operator := pick(m, "and", "or", "not", "xor"); operator {
		case "not":
			return "not(" + statement(depth-1) + ")"
		case "xor":
			return "xor(" + statement(depth-1) + "," + statement(depth-1) + ")"
		default:
			args := []string{statement(depth - 1), statement(depth - 1)}
			if m.chance(4) {
				args = append(args, statement(depth-1))
			}
			return operator + "(" + strings.Join(args, ", ") + ")"
		}
	}
	m.doc.Rules = append(m.doc.Rules, docRule{"name": "whole", "type": "compound", "statement": statement(m.between(1, 3))})
}

// encode writes a rule set.
func (d document) encode() json.RawMessage {
	body, err := json.Marshal(d)
	if err != nil {
		panic(err) // a document holds nothing that JSON cannot
	}
	return body
}
