package flexmatch

import (
	"math"
	"slices"
)

// rules: those that can never hold or never fail, and settings without effect.
func (w *adviser) rules() {
	for i, src := range w.sources {
		w.withoutEffect(src)
		if c, ok := w.set.stages[0].rules[i].(*compoundRule); ok {
			w.compound(src, c)
			continue
		}
		if w.neverFails(i) {
			w.note(src.node, "the %s never fails", src.describe())
		}
		w.neverHolds(i, src)
	}
}

// withoutEffect: properties that the rule does not read.
func (w *adviser) withoutEffect(src ruleSource) {
	if n := src.get("partyAggregation"); n != nil && !w.options.AggregateParties {
		switch src.kind {
		case "comparison", "distance", "collection":
			w.note(n, "partyAggregation does not decide who matches in a %s rule: every player is measured", src.kind)
		}
	}
	if n := src.get("referenceValue"); n != nil && src.kind == "collection" && src.get("operation").text == "intersection" {
		w.note(n, "the operation intersection ignores referenceValue")
	}
	if n := src.get("maxDistance"); n != nil && src.kind == "batchDistance" {
		if r, ok := w.set.stages[0].rules[src.index].(*batchDistanceRule); ok && r.text {
			w.note(n, "strings have no distance: maxDistance is ignored, and the strings must be the same")
		}
	}
}

// neverHolds tells of a rule that no match can satisfy: at no stage, or not before an
// expansion takes effect.
func (w *adviser) neverHolds(i int, src ruleSource) {
	for level, st := range w.set.stages {
		if w.impossible(st, st.rules[i]) {
			continue
		}
		if level > 0 {
			w.note(src.node, "the %s cannot hold before %s have passed", src.describe(), spoken(w.set.waits[level-1]))
		}
		return
	}
	w.note(src.node, "the %s can never hold%s", src.describe(), w.contradiction(src))
}

// contradiction names the two properties at fault, where they are.
func (w *adviser) contradiction(src ruleSource) string {
	for _, pair := range [][2]string{{"minDistance", "maxDistance"}, {"minCount", "maxCount"}} {
		low, okLow := numberOf(src.get(pair[0]))
		high, okHigh := numberOf(src.get(pair[1]))
		if okLow && okHigh && low > high {
			return ": " + pair[0] + " is above " + pair[1]
		}
	}
	return ""
}

// impossible proves that no match satisfies a rule; it may err only towards false.
func (w *adviser) impossible(st *stage, r rule) bool {
	r = underlying(r)
	switch r := r.(type) {
	case nil:
		return false
	case *latencyRule:
		return r.most < 1 // latencies are whole milliseconds from 1
	case *distanceRule:
		if r.least > r.most {
			return true
		}
	case *collectionRule:
		if r.least > r.most {
			return true
		}
	}
	// On an empty draft with room for everybody, what is hopeless is impossible.
	if w.proofs--; w.proofs < 0 {
		return false
	}
	w.draft.reset(st)
	return r.hopeless(w.draft)
}

// neverFails proves that every match satisfies a rule, at every stage; it may err only
// towards false.
func (w *adviser) neverFails(i int) bool {
	for _, st := range w.set.stages {
		if !w.certain(st.rules[i]) {
			return false
		}
	}
	return true
}

func (w *adviser) certain(r rule) bool {
	switch r := underlying(r).(type) {
	case *distanceRule:
		if r.least > 0 {
			return false
		}
		return math.IsInf(r.most, 1) || w.allSame(r.measurements, r.reference)
	case *comparisonRule:
		if r.reference == nil { // one value has nothing to differ from
			return len(r.measurements) == 1 && r.measurements[0].typ.depth == 0
		}
		reflexive := r.operation == equal || r.operation == lessOrEqual || r.operation == greaterOrEqual
		return reflexive && w.allSame(r.measurements, r.reference)
	case *collectionRule:
		return r.least <= 0 && math.IsInf(r.most, 1)
	}
	return false
}

func (w *adviser) allSame(measurements []*expr, reference *expr) bool {
	return !slices.ContainsFunc(measurements, func(e *expr) bool { return !w.same(e, reference) })
}

// same tells that two expressions have equal values in every match; it may err only
// towards false. With one team, values grouped by team are the values.
func (w *adviser) same(a, b *expr) bool {
	if len(w.compiler.teams) == 1 {
		a, b = a.withoutFlatten(), b.withoutFlatten()
	}
	switch {
	case a.literal != nil || b.literal != nil:
		return false
	case a.path != nil && b.path != nil:
		p, q := a.path, b.path
		grouped := p.nested == q.nested || len(w.compiler.teams) == 1
		return grouped && p.member == q.member && p.attr == q.attr && p.key == q.key && slices.Equal(p.teams, q.teams)
	case a.path != nil || b.path != nil:
		return false
	}
	return a.function == b.function && w.same(a.arg, b.arg)
}

func (e *expr) withoutFlatten() *expr {
	for e.function == flattenFunction {
		e = e.arg
	}
	return e
}

// compound judges a statement by trying every outcome of the rules it names.
func (w *adviser) compound(src ruleSource, r *compoundRule) {
	var names []int
	r.statement.visit(func(i int) {
		if !slices.Contains(names, i) {
			names = append(names, i)
		}
	})
	const most = 10 // rules; beyond, combinations are too many
	if len(names) > most {
		return
	}
	canHold, canFail := false, false
	for outcome := range 1 << len(names) {
		if r.statement.holds(func(rule int) bool { return outcome>>slices.Index(names, rule)&1 == 1 }) {
			canHold = true
		} else {
			canFail = true
		}
	}
	switch {
	case !canHold:
		w.note(src.get("statement"), "this statement is false whatever its rules say: no match can be made")
	case !canFail:
		w.note(src.get("statement"), "this statement is true whatever its rules say: they are without effect")
	}
}

// holds evaluates a statement for given outcomes of its rules.
func (l logic) holds(rule func(int) bool) bool {
	n := 0
	for _, a := range l.args {
		if a.holds(rule) {
			n++
		}
	}
	switch l.operator {
	case "and":
		return n == len(l.args)
	case "or":
		return n > 0
	case "not":
		return n == 0
	case "xor":
		return n == 1
	}
	return rule(l.rule)
}
