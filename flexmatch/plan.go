package flexmatch

import (
	"math"
	"slices"
)

// plan is what a rule set demands of any two tickets of one match, in a form that an
// index can answer. It demands less than the rules do, never more.
type plan struct {
	// equal lists the attributes, strings and numbers, that all players of a match have
	// the same value of, at every stage.
	equal []int
	near  nearness
	// reaches: at some stage tickets must share a location.
	reaches bool
	stages  []stagePlan
	// largestTeam is the most players a party can have, at any stage.
	largestTeam int
	// numbers lists the number attributes, even those of them that rules take averages or
	// sums of, over teams.
	numbers, even []int
	// numberAt is the place of each attribute in numbers; -1 for those of other types.
	numberAt []int
	// visible tells of each attribute whether it can change what is matched.
	visible []bool
}

// nearness bounds how far the numbers of two tickets of a match lie apart. Without a
// bound attribute is -1.
type nearness struct {
	attribute int
	party     aggregation
	spans     []float64 // by stage; infinite where nothing is demanded
}

// window is what the number of a ticket must lie in to be with e in a match under a
// stage.
func (p *plan) window(e *entry, level int) interval {
	if p.near.attribute < 0 {
		return everything
	}
	span := p.near.spans[level]
	return interval{e.number - span, e.number + span}.widened()
}

// stagePlan sorts the rules of a stage by how they are asked.
type stagePlan struct {
	// latency is the first rule that wants a location in common; empty without. If it
	// wants nothing more and is enforced by itself, it is plain.
	latency []int
	// pairs are rules whose apart may object to what the index lets through.
	pairs []int
	// prune are the enforced rules whose hopeless is asked of a draft: all but the plain
	// latency rules and those that the index answers for whole matches.
	prune []int
	plain []int
	// lists are the collection rules among them.
	lists []int
	// equalRule and nearRule are rules that the index answers for; -1 without.
	equalRule, nearRule int
}

func newPlan(set *RuleSet) *plan {
	out := &plan{near: nearness{attribute: -1}}
	for level, st := range set.stages {
		must := st.conjuncts()
		out.equal = commonTo(level, out.equal, equalAttributes(st, must))
		sp := stagePlan{equalRule: -1, nearRule: -1}
		for _, i := range must {
			// Each latency rule may be content with another location, so one speaks for all.
			if _, ok := st.rules[i].(*latencyRule); ok && len(sp.latency) == 0 {
				sp.latency = append(sp.latency, i)
				out.reaches = true
			}
		}
		for _, i := range st.enforced {
			if r, ok := st.rules[i].(*latencyRule); ok && math.IsInf(r.maxDistance, 1) && sp.latency[0] == i {
				sp.plain = append(sp.plain, i)
				continue
			}
			if _, ok := st.rules[i].(*collectionRule); ok {
				sp.lists = append(sp.lists, i)
			}
		}
		out.stages = append(out.stages, sp)
		for _, t := range st.teams {
			out.largestTeam = max(out.largestTeam, t.Max)
		}
	}
	out.near = nearest(set)
	for level, st := range set.stages {
		sp := &out.stages[level]
		for _, i := range st.enforced {
			if pairwise, answered := out.answers(st.rules[i]); !answered && !slices.Contains(sp.plain, i) {
				sp.prune = append(sp.prune, i)
				if pairwise {
					sp.pairs = append(sp.pairs, i)
				}
			}
		}
		for _, i := range st.conjuncts() {
			if equal := equalAttributes(st, []int{i}); sp.equalRule < 0 && len(equal) > 0 && slices.Contains(out.equal, equal[0]) {
				sp.equalRule = i
			}
			if m, _ := nearOf(st, i); sp.nearRule < 0 && m.attribute >= 0 && m == (measure{out.near.attribute, out.near.party}) {
				sp.nearRule = i
			}
		}
	}
	for i, a := range set.attributes {
		out.numberAt = append(out.numberAt, -1)
		if a.Kind == NumberAttribute {
			out.numberAt[i] = len(out.numbers)
			out.numbers = append(out.numbers, i)
		}
	}
	out.even, out.visible = evenAttributes(set), visibleAttributes(set)
	return out
}

// answers tells what tickets that satisfy the plan among each other leave to ask of a
// rule: nothing (answered), or whether two of them are apart (pairwise).
func (p *plan) answers(r rule) (pairwise, answered bool) {
	switch r := r.(type) {
	case *comparisonRule:
		if r.reference != nil {
			return false, false
		}
		values := plainValues(r.measurements[0])
		return true, len(r.measurements) == 1 && r.operation == equal && values != nil && values.everyone && slices.Contains(p.equal, values.attr)
	case *latencyRule:
		return true, false
	case *batchDistanceRule:
		if r.text {
			return true, slices.Contains(p.equal, r.attribute)
		}
		return true, p.near.attribute == r.attribute && p.near.party == r.partySummary
	}
	return false, false
}

// conjuncts lists the rules that every match must satisfy, also those that a compound
// statement demands through "and".
func (s *stage) conjuncts() []int {
	var out []int
	var walk func(l logic)
	walk = func(l logic) {
		switch l.operator {
		case "":
			out = append(out, l.rule)
		case "and":
			for _, a := range l.args {
				walk(a)
			}
		}
	}
	for _, i := range s.enforced {
		if c, ok := s.rules[i].(*compoundRule); ok {
			walk(c.statement)
			continue
		}
		out = append(out, i)
	}
	return out
}

func commonTo(level int, before, now []int) []int {
	if level == 0 {
		return now
	}
	var out []int
	for _, a := range before {
		for _, b := range now {
			if a == b {
				out = append(out, a)
			}
		}
	}
	return out
}

// equalAttributes lists the attributes that the rules want to be the same for all
// players, each once.
func equalAttributes(st *stage, must []int) []int {
	var out []int
	add := func(attribute int) {
		for _, a := range out {
			if a == attribute {
				return
			}
		}
		out = append(out, attribute)
	}
	for _, i := range must {
		switch r := st.rules[i].(type) {
		case *comparisonRule:
			if r.operation != equal {
				continue
			}
			if r.reference != nil {
				if a := faced(st, r); a >= 0 {
					add(a)
				}
				continue
			}
			for _, e := range r.measurements {
				if p := plainValues(e); p != nil && p.everyone {
					add(p.attr)
				}
			}
		case *batchDistanceRule:
			if r.text {
				add(r.attribute)
			}
		}
	}
	return out
}

// measure is a number of a ticket: an attribute, summed up over its players.
type measure struct {
	attribute int
	party     aggregation
}

// plainValues is the path of an expression that lists players' own strings or numbers,
// nil otherwise.
func plainValues(e *expr) *path {
	if p := e.raw(); p != nil && p.member == attributeMember && (p.kind == StringAttribute || p.kind == NumberAttribute) {
		return p
	}
	return nil
}

// faced is the attribute that a comparison wants to be the same for the only player of
// one team and the only player of the other; -1 when it compares something else.
func faced(st *stage, r *comparisonRule) int {
	if len(st.teams) != 2 || st.teams[0].Max != 1 || st.teams[1].Max != 1 || len(r.measurements) != 1 {
		return -1
	}
	a, b := plainValues(r.measurements[0]), plainValues(r.reference)
	if a == nil || b == nil || a.attr != b.attr || len(a.teams) != 1 || len(b.teams) != 1 || a.teams[0] == b.teams[0] {
		return -1
	}
	return a.attr
}

// nearOf says which number of two tickets in a match a rule bounds the distance of, and
// by how much; the attribute is -1 when it bounds none.
func nearOf(st *stage, rule int) (measure, float64) {
	out, span := measure{attribute: -1}, math.Inf(1)
	switch r := st.rules[rule].(type) {
	case *batchDistanceRule:
		if !r.text {
			return measure{r.attribute, r.partySummary}, r.most
		}
	case *distanceRule:
		out.attribute, span = r.span(st)
	}
	return out, span
}

// nearest chooses the number that is bounded at the most stages; of several, the one
// whose rule stands first.
func nearest(set *RuleSet) nearness {
	var order []measure
	spans := map[measure][]float64{}
	for level, st := range set.stages {
		for _, i := range st.conjuncts() {
			m, span := nearOf(st, i)
			if m.attribute < 0 {
				continue
			}
			if spans[m] == nil {
				order = append(order, m)
				for range set.stages {
					spans[m] = append(spans[m], math.Inf(1))
				}
			}
			spans[m][level] = min(spans[m][level], span)
		}
	}
	out, most := nearness{attribute: -1}, 0
	for _, m := range order {
		bounded := 0
		for _, s := range spans[m] {
			if !math.IsInf(s, 1) {
				bounded++
			}
		}
		if bounded > most {
			out, most = nearness{m.attribute, m.party, spans[m]}, bounded
		}
	}
	return out
}

// span says that the values of an attribute lie within a span of each other for any two
// players of different tickets in a match that satisfies the rule; -1 when the rule
// does not say so of an attribute.
func (r *distanceRule) span(st *stage) (attribute int, span float64) {
	ref := r.reference
	if math.IsInf(r.most, 1) {
		return -1, 0
	}
	if low, high := extreme(r.measurements[0]), extreme(ref); len(r.measurements) == 1 && low.attribute >= 0 &&
		low.attribute == high.attribute && low.function != high.function {
		return low.attribute, r.most
	}
	attribute, covered := individuals(st, r.measurements)
	if attribute < 0 {
		return -1, 0
	}
	if len(covered) == len(st.teams) && ref.typ.depth == 0 && neverEmpty(st, ref) {
		if x := extreme(ref); x.attribute == attribute {
			return attribute, r.most
		}
		return attribute, 2 * r.most
	}
	other, facing := individuals(st, []*expr{ref})
	if len(st.teams) == 2 && len(covered) == 1 && len(facing) == 1 && other == attribute && !covered[firstKey(facing)] &&
		st.teams[0].Max == 1 && st.teams[1].Max == 1 {
		return attribute, r.most
	}
	return -1, 0
}

func firstKey(m map[int]bool) int {
	for k := range m {
		return k
	}
	return -1
}

type extremeOf struct {
	attribute int
	function  function
}

// extreme recognises the least or greatest value of a number attribute over all
// players of a match; the attribute is -1 otherwise.
func extreme(e *expr) extremeOf {
	if (e.function == minFunction || e.function == maxFunction) && e.typ.depth == 0 {
		if p := e.arg.raw(); p != nil && p.everyone && p.member == attributeMember && p.kind == NumberAttribute && e.arg.typ.depth == 1 {
			return extremeOf{p.attr, e.function}
		}
	}
	return extremeOf{attribute: -1}
}

// individuals tells which teams' players are measured one by one: as they are, or by a
// function of teams of one. The attribute is -1 when there are several or none.
func individuals(st *stage, list []*expr) (attribute int, teams map[int]bool) {
	attribute, teams = -1, map[int]bool{}
	for _, e := range list {
		p, single := e.raw(), false
		if p == nil && e.arg != nil && e.arg.path != nil {
			switch e.function {
			case minFunction, maxFunction, avgFunction, medianFunction, sumFunction:
				p, single = e.arg.path, true
			}
		}
		if p == nil || p.member != attributeMember || p.kind != NumberAttribute {
			continue
		}
		if single && len(p.teams) > 1 && e.typ.depth == 0 {
			continue // one number of several teams
		}
		if attribute >= 0 && p.attr != attribute {
			return -1, nil
		}
		for _, t := range p.teams {
			if !single || st.teams[t].Max <= 1 {
				attribute, teams[t] = p.attr, true
			}
		}
	}
	return attribute, teams
}

// neverEmpty tells that a reference has a value in every match: it reads nobody, or
// somebody who is certain to be there and to have one (a map may lack the key).
func neverEmpty(st *stage, e *expr) bool {
	ok := true
	e.visit(func(p *path) {
		some := p.everyone
		for _, t := range p.teams {
			some = some || st.teams[t].Min > 0
		}
		ok = ok && some && (p.member != attributeMember || p.kind != StringNumberMapAttribute)
	})
	return ok
}

// evenAttributes lists the number attributes that a rule compares as a sum or an
// average, each once.
func evenAttributes(set *RuleSet) []int {
	var out []int
	for _, st := range set.stages {
		for _, r := range st.rules {
			for _, e := range expressions(r) {
				averages := false
				for x := e; x != nil; x = x.arg {
					averages = averages || x.function == avgFunction || x.function == sumFunction || x.function == medianFunction
				}
				e.visit(func(p *path) {
					if averages && p.member == attributeMember && p.kind == NumberAttribute && !slices.Contains(out, p.attr) {
						out = append(out, p.attr)
					}
				})
			}
		}
	}
	return out
}

// visibleAttributes tells of each attribute whether a rule, an order or a balance reads
// it.
func visibleAttributes(set *RuleSet) []bool {
	out := make([]bool, len(set.attributes))
	for _, a := range set.algorithm.sortBy {
		out[a] = true
	}
	if a := set.algorithm.balancedAttribute; a >= 0 {
		out[a] = true
	}
	for _, st := range set.stages {
		for _, s := range st.sorts {
			out[s.attribute] = true
		}
		for _, r := range st.rules {
			if b, ok := r.(*batchDistanceRule); ok {
				out[b.attribute] = true
			}
			for _, e := range expressions(r) {
				e.visit(func(p *path) {
					if p.member == attributeMember {
						out[p.attr] = true
					}
				})
			}
		}
	}
	return out
}
