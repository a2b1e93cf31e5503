package flexmatch_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// verdicts is what a rule may say: a set, for two ways to compute an average can fall on
// either side of a bound.
type verdicts uint8

const (
	fails  verdicts = 1 << iota
	passes          // or
	silent          // nothing to measure; counts as passed on its own
)

// ruleInForce is a rule with the values of one age.
type ruleInForce struct {
	name, kind   string
	measurements []*tree
	reference    *tree
	list         []string // a literal list as reference
	operation    string
	least, most  float64 // minDistance, minCount and so on
	latency      float64 // maxLatency
	mean         bool    // distanceReference avg
	party        string
	attribute    string
	statement    string
	named        []string // the rules in the statement
	supporting   bool     // counts only through a compound
}

func (j *judge) rule(r docRule) (*ruleInForce, error) {
	out := &ruleInForce{least: math.Inf(-1), most: math.Inf(1), latency: math.Inf(1), party: "avg"}
	text := func(key string) string { s, _ := r[key].(string); return s }
	out.name, out.kind, out.operation, out.statement = text("name"), text("type"), text("operation"), text("statement")
	out.mean, out.attribute = text("distanceReference") == "avg", text("batchAttribute")
	if r["partyAggregation"] != nil {
		out.party = text("partyAggregation")
	}
	for _, key := range []string{"minDistance", "minCount"} {
		if n, ok := looseNumber(r[key]); ok {
			out.least = n
		}
	}
	for _, key := range []string{"maxDistance", "maxCount"} {
		if n, ok := looseNumber(r[key]); ok {
			out.most = n
		}
	}
	if n, ok := looseNumber(r["maxLatency"]); ok {
		out.latency = n
	}
	if out.operation == "contains" && math.IsInf(out.least, 0) && math.IsInf(out.most, 0) {
		out.least = 1
	}
	measurements, _ := r["measurements"].([]any)
	if s, ok := r["measurements"].(string); ok {
		measurements = []any{s}
	}
	for _, m := range measurements {
		t := j.parse(m.(string))
		if t == nil {
			return nil, fmt.Errorf("the judge cannot read the expression %q", m)
		}
		out.measurements = append(out.measurements, t)
	}
	out.refer(j, r["referenceValue"])
	if out.statement != "" {
		for _, word := range strings.FieldsFunc(out.statement, func(c rune) bool { return strings.ContainsRune("(),", c) }) {
			out.named = append(out.named, strings.TrimSpace(word))
		}
	}
	return out, nil
}

// refer reads a reference: an expression if it is one, else a literal.
func (r *ruleInForce) refer(j *judge, reference any) {
	switch v := reference.(type) {
	case float64:
		r.reference = &tree{literal: num{v, true}}
	case []any:
		for _, s := range v {
			r.list = append(r.list, s.(string))
		}
	case string:
		if r.reference = j.parse(v); r.reference != nil && r.reference.literal == nil {
			return
		}
		// A literal: of strings as it stands, of numbers in quotes.
		if r.kind == "collection" {
			r.reference, r.list = nil, []string{v}
		} else if n, ok := looseNumber(v); ok && len(r.measurements) > 0 && !r.measurements[0].strings {
			r.reference = &tree{literal: num{n, true}}
		} else {
			r.reference = &tree{literal: v, strings: true}
		}
	}
}

// check judges a match; earlier holds what the rules before this one said.
func (r *ruleInForce) check(j *judge, a assignment, earlier map[string]verdicts) verdicts {
	switch r.kind {
	case "comparison":
		return r.comparison(a)
	case "distance":
		return r.against(a, func(v, ref any) verdicts {
			x, y := v.(num), ref.(num)
			d := num{math.Abs(x.n - y.n), x.sure && y.sure}
			return both(compare(d, "<=", num{r.most, true}), compare(d, ">=", num{r.least, true}))
		})
	case "collection":
		return r.collection(a)
	case "latency":
		return r.location(a)
	case "batchDistance":
		return r.alike(a)
	case "compound":
		return decide(r.statement, earlier)
	}
	return silent // sort rules never reject
}

// compare compares strings, or numbers that may be off by rounding.
func compare(a any, operation string, b any) verdicts {
	x, okX := a.(num)
	y, okY := b.(num)
	if !okX || !okY {
		return yes((a == b) == (operation == "="))
	}
	near := math.Abs(x.n-y.n) <= 1e-9*(1+max(math.Abs(x.n), math.Abs(y.n)))
	if near && !(x.sure && y.sure) {
		return fails | passes
	}
	switch operation {
	case "<":
		return yes(x.n < y.n)
	case "<=":
		return yes(x.n <= y.n)
	case ">":
		return yes(x.n > y.n)
	case ">=":
		return yes(x.n >= y.n)
	case "=":
		return yes(x.n == y.n)
	}
	return yes(x.n != y.n)
}

func yes(b bool) verdicts {
	if b {
		return passes
	}
	return fails
}

func (r *ruleInForce) comparison(a assignment) verdicts {
	if r.reference != nil {
		return r.against(a, func(v, ref any) verdicts { return compare(v, r.operation, ref) })
	}
	var values []any
	for _, m := range r.measurements {
		values = append(values, present(flat(m.evaluate(a)))...)
	}
	out := passes
	for i, v := range values {
		for _, w := range values[:i] {
			one := compare(v, r.operation, w)
			if one == fails {
				return fails
			}
			out |= one
		}
	}
	return out
}

// against holds every measured value against the reference: one value for all, or as
// many as are measured, which are compared in pairs: team by team, for the order of
// players is nothing that a rule may depend on. Where either has no value, there is
// nothing to compare.
func (r *ruleInForce) against(a assignment, judge func(v, ref any) verdicts) verdicts {
	all := flat(r.reference.evaluate(a))
	refs := present(all)
	if len(refs) == 0 {
		return silent
	}
	out := silent
	for _, m := range r.measurements {
		measured := flat(m.evaluate(a))
		values := present(measured)
		if len(refs) > 1 {
			if len(refs) != len(values) {
				return fails
			}
			if !r.reference.byTeam() || !m.byTeam() || !sameGaps(all, measured) {
				out = fails | passes
				continue
			}
		}
		for i, v := range values {
			ref := refs[0]
			if len(refs) > 1 {
				ref = refs[i]
			}
			out = both(out, judge(v, ref))
		}
	}
	return out
}

// sameGaps tells that two lists lack values in the same places.
func sameGaps(a, b []any) bool {
	return slices.EqualFunc(a, b, func(x, y any) bool { return (x == nil) == (y == nil) })
}

// byTeam tells that the values of an expression stand for teams, in their order.
func (t *tree) byTeam() bool {
	depth := t.depth
	for ; t.arg != nil; t = t.arg {
		if t.function == "flatten" {
			return false
		}
	}
	return depth == 1 && t.nested
}

// both is what two requirements say together.
func both(a, b verdicts) verdicts {
	if a == fails || b == fails {
		return fails
	}
	out := (a | b) & fails
	if a&passes != 0 || b&passes != 0 {
		out |= passes
	} else {
		out |= (a | b) & silent
	}
	return out
}

func (r *ruleInForce) collection(a assignment) verdicts {
	if r.operation == "contains" {
		n, want := 0, any(r.list[0])
		for _, m := range r.measurements {
			for _, list := range listsOf(m, a, false) {
				if m.depth == 1 {
					for _, s := range list {
						if s == want {
							n++
						}
					}
				} else if slices.Contains(list, want) {
					n++
				}
			}
		}
		return r.counts(n)
	}
	var lists [][]any
	for _, m := range r.measurements {
		lists = append(lists, listsOf(m, a, true)...)
	}
	if len(lists) == 0 {
		return silent
	}
	if r.operation == "intersection" {
		nested := []any{}
		for _, list := range lists {
			nested = append(nested, list)
		}
		return r.counts(len(intersection(nested).([]any)))
	}
	var reference []any
	if r.reference != nil {
		reference = present(flat(r.reference.evaluate(a)))
	}
	for _, s := range r.list {
		reference = append(reference, s)
	}
	for _, list := range lists {
		if r.counts(len(intersection([]any{list, reference}).([]any))) == fails {
			return fails
		}
	}
	return passes
}

func (r *ruleInForce) counts(n int) verdicts {
	return yes(r.least <= float64(n) && float64(n) <= r.most)
}

// listsOf lists the innermost lists of a measurement. A player's plain string is a list
// of one; in "contains" a flat list of strings is counted string by string.
func listsOf(m *tree, a assignment, singles bool) [][]any {
	v := m.evaluate(a)
	if m.plain && (singles || m.depth > 1) {
		var out [][]any
		for _, s := range flat(v) {
			out = append(out, []any{s})
		}
		return out
	}
	lists := [][]any{v.([]any)}
	for range m.depth - 1 {
		var deeper [][]any
		for _, list := range lists {
			for _, sub := range list {
				deeper = append(deeper, sub.([]any))
			}
		}
		lists = deeper
	}
	return lists
}

// aggregate makes one number of a party's.
func aggregate(how string, values []float64) num {
	sum, whole := 0.0, true
	for _, v := range values {
		sum += v
		whole = whole && v == math.Trunc(v)
	}
	switch how {
	case "min":
		return num{slices.Min(values), true}
	case "max":
		return num{slices.Max(values), true}
	}
	return num{sum / float64(len(values)), whole || len(values) == 1}
}

// location wants one location that every player reports and that is good enough for
// every ticket.
func (r *ruleInForce) location(a assignment) verdicts {
	out := verdicts(0)
	for name := range a.groups[0].ticket.Players[0].LatencyInMs {
		out |= r.goodFor(a, name)
	}
	switch {
	case out == 0:
		return fails
	case out&passes != 0 && out&fails != 0 && !r.certainSomewhere(a):
		return fails | passes
	case out&passes != 0:
		return passes
	}
	return fails
}

// certainSomewhere tells that one location passes beyond doubt.
func (r *ruleInForce) certainSomewhere(a assignment) bool {
	for name := range a.groups[0].ticket.Players[0].LatencyInMs {
		if r.goodFor(a, name) == passes {
			return true
		}
	}
	return false
}

func (r *ruleInForce) goodFor(a assignment, location string) verdicts {
	var latencies []num
	reference, sum, sure := math.Inf(1), 0.0, true
	for _, g := range a.groups {
		var list []float64
		for _, p := range g.ticket.Players {
			ms, ok := p.LatencyInMs[location]
			if !ok {
				return fails
			}
			list = append(list, float64(ms))
		}
		l := aggregate(r.party, list)
		latencies = append(latencies, l)
		reference, sum, sure = min(reference, l.n), sum+l.n, sure && l.n == math.Trunc(l.n)
	}
	if r.mean {
		reference = sum / float64(len(latencies))
	} else {
		sure = true
	}
	out := silent
	for _, l := range latencies {
		out = both(out, compare(l, "<=", num{r.latency, true}))
		out = both(out, compare(num{math.Abs(l.n - reference), sure && l.sure}, "<=", num{r.most, true}))
	}
	return out
}

// alike wants the tickets' strings equal, or their numbers within a distance.
func (r *ruleInForce) alike(a assignment) verdicts {
	if math.IsInf(r.most, 1) {
		for _, people := range a.teams {
			for _, p := range people {
				if p.attributes[r.attribute].String != a.groups[0].people[0].attributes[r.attribute].String {
					return fails
				}
			}
		}
		return passes
	}
	low, high := num{math.Inf(1), true}, num{math.Inf(-1), true}
	for _, g := range a.groups {
		var list []float64
		for _, p := range g.people {
			list = append(list, p.attributes[r.attribute].Number)
		}
		v := aggregate(r.party, list)
		if v.n < low.n {
			low = v
		}
		if v.n > high.n {
			high = v
		}
	}
	return compare(num{high.n - low.n, low.sure && high.sure}, "<=", num{r.most, true})
}

// decide evaluates a statement for every combination of what its rules may say.
func decide(statement string, earlier map[string]verdicts) verdicts {
	statement = strings.TrimSpace(statement)
	open := strings.IndexByte(statement, '(')
	if open < 0 {
		return earlier[statement]
	}
	operator := strings.TrimSpace(statement[:open])
	results := []verdicts{0}
	var counts []map[verdicts]int
	counts = append(counts, map[verdicts]int{})
	args := arguments(statement[open+1 : len(statement)-1])
	for _, arg := range args {
		v := decide(arg, earlier)
		var next []map[verdicts]int
		for _, c := range counts {
			for _, one := range []verdicts{fails, passes, silent} {
				if v&one != 0 {
					n := map[verdicts]int{fails: c[fails], passes: c[passes], silent: c[silent]}
					n[one]++
					next = append(next, n)
				}
			}
		}
		counts = next
	}
	for _, c := range counts {
		results[0] |= combine(operator, c, len(args))
	}
	return results[0]
}

// combine is the three-valued logic: what is silent stays so unless the rest settles it.
func combine(operator string, c map[verdicts]int, n int) verdicts {
	switch {
	case operator == "and" && c[fails] > 0:
		return fails
	case operator == "or" && c[passes] > 0:
		return passes
	case operator == "or" && c[fails] == n:
		return fails
	case c[silent] > 0:
		return silent
	case operator == "not":
		return yes(c[fails] == 1)
	case operator == "xor":
		return yes(c[passes] == 1)
	}
	return passes
}

// arguments splits at the commas outside parentheses.
func arguments(text string) []string {
	var out []string
	depth, from := 0, 0
	for i, c := range text {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, text[from:i])
				from = i + 1
			}
		}
	}
	return append(out, text[from:])
}
