package flexmatch

import (
	"cmp"
	"math"
)

// less orders misses: a known one by its amount, an unknown one last.
func (m Miss) less(o Miss) bool { return m.compare(o) < 0 }

func (m Miss) compare(o Miss) int {
	switch {
	case m.Known && o.Known:
		return cmp.Compare(m.Amount, o.Amount)
	case m.Known:
		return -1
	case o.Known:
		return 1
	}
	return 0
}

// share is the miss in units of what the rule allows, to compare misses of different
// rules.
func (m Miss) share() float64 {
	if !m.Known {
		return 1
	}
	return m.Amount / (1 + math.Abs(m.Limit))
}

// miss measures by how much the draft misses a rule that it breaks. What it returns for
// a rule that is satisfied means nothing.
func (x *explainer) miss(r rule, d *draft) Miss {
	switch r := r.(type) {
	case *distanceRule:
		return x.missedDistance(r, d)
	case *comparisonRule:
		return x.missedComparison(r, d)
	case *collectionRule:
		return missedCount(r, d)
	case *latencyRule:
		return missedLatency(r, d)
	case *batchDistanceRule:
		return x.missedSpread(r, d)
	case *compoundRule:
		return x.missedStatement(r.statement, d)
	}
	return Miss{}
}

// typeName is what a rule set calls the type of a rule.
func typeName(r rule) string {
	switch r.(type) {
	case *distanceRule:
		return "distance"
	case *comparisonRule:
		return "comparison"
	case *collectionRule:
		return "collection"
	case *latencyRule:
		return "latency"
	case *batchDistanceRule:
		return "batchDistance"
	case *compoundRule:
		return "compound"
	}
	return ""
}

// unit names what an expression measures.
func (x *explainer) unit(e *expr) string {
	for inner := e; inner != nil; inner = inner.arg {
		switch {
		case inner.function == countFunction:
			return "players"
		case inner.path != nil && inner.path.member == attributeMember && inner.path.key != "":
			return x.set.attributes[inner.path.attr].Name + "[" + inner.path.key + "]"
		case inner.path != nil && inner.path.member == attributeMember:
			return x.set.attributes[inner.path.attr].Name
		}
	}
	return ""
}

// against calls f with every measured number and its reference, as rules pair them.
func (d *draft) against(measurements []*expr, reference *expr, f func(v, ref value)) {
	d.arena.reset()
	refs := scalars(nil, d.eval(reference))
	if len(refs) == 0 {
		return
	}
	for _, e := range measurements {
		list := scalars(nil, d.eval(e))
		if len(refs) > 1 && len(refs) != len(list) {
			continue
		}
		for i, v := range list {
			ref := refs[0]
			if len(refs) > 1 {
				ref = refs[i]
			}
			f(v, ref)
		}
	}
}

// worst keeps the greater of two misses.
func (m *Miss) worst(o Miss) {
	if !m.Known || o.Amount > m.Amount {
		*m = o
	}
}

func (x *explainer) missedDistance(r *distanceRule, d *draft) Miss {
	var out Miss
	unit := x.unit(r.measurements[0])
	d.against(r.measurements, r.reference, func(v, ref value) {
		distance := math.Abs(v.number - ref.number)
		if distance > r.most {
			out.worst(Miss{Known: true, Amount: distance - r.most, Unit: unit, Property: "maxDistance", Limit: r.most})
		}
		if distance < r.least {
			out.worst(Miss{Known: true, Amount: r.least - distance, Unit: unit, Property: "minDistance", Limit: r.least})
		}
	})
	return out
}

// missedComparison measures numbers only. Without a reference "=" misses by the spread
// of the numbers.
func (x *explainer) missedComparison(r *comparisonRule, d *draft) Miss {
	unit := x.unit(r.measurements[0])
	if r.measurements[0].typ.base != numberBase || r.operation == notEqual {
		return Miss{Unit: unit}
	}
	if r.reference == nil {
		d.arena.reset()
		var all []value
		for _, e := range r.measurements {
			all = scalars(all, d.eval(e))
		}
		spread := interval{math.Inf(1), math.Inf(-1)}
		for _, v := range all {
			spread = spread.including(v.number)
		}
		if spread.lo >= spread.hi {
			return Miss{Unit: unit}
		}
		return Miss{Known: true, Amount: spread.hi - spread.lo, Unit: unit, Property: "operation"}
	}
	var out Miss
	d.against(r.measurements, r.reference, func(v, ref value) {
		if !r.operation.holds(v, ref) {
			out.worst(Miss{Known: true, Amount: math.Abs(v.number - ref.number), Unit: unit, Property: "referenceValue", Limit: ref.number})
		}
	})
	return out
}

func missedCount(r *collectionRule, d *draft) Miss {
	d.arena.reset()
	var out Miss
	count := func(n int) {
		if m := (Miss{Known: true, Unit: "strings"}); float64(n) > r.most {
			m.Amount, m.Property, m.Limit = float64(n)-r.most, "maxCount", r.most
			out.worst(m)
		} else if float64(n) < r.least {
			m.Amount, m.Property, m.Limit = r.least-float64(n), "minCount", r.least
			out.worst(m)
		}
	}
	if r.operation == containsCount {
		count(r.occurrences(d))
		return out
	}
	lists := r.allLists(d)
	if len(lists) == 0 {
		return out
	}
	if r.operation == intersectionCount {
		count(inAll(lists))
		return out
	}
	ref := scalars(nil, d.eval(r.reference))
	for _, list := range lists {
		count(inBoth(list, ref))
	}
	return out
}

// missedLatency is the least over the locations that all tickets report. Without one
// it is not a matter of degree.
func missedLatency(r *latencyRule, d *draft) Miss {
	var out Miss
	if len(d.entries) == 0 {
		return out
	}
	for _, l := range d.entries[0].latencies {
		low, high, sum, all := math.Inf(1), math.Inf(-1), 0.0, true
		for _, e := range d.entries {
			mine, ok := e.latencyAt(l.location)
			all = all && ok
			v := r.of(mine)
			low, high, sum = min(low, v), max(high, v), sum+v
		}
		if !all {
			continue
		}
		here := Miss{Known: true, Unit: "ms", Location: l.location}
		from := low
		if r.fromMean {
			from = sum / float64(len(d.entries))
		}
		distance := max(high-from, from-low)
		if high > r.most {
			here.Amount, here.Property, here.Limit = high-r.most, "maxLatency", r.most
		}
		if beyond := distance - r.maxDistance; beyond > here.Amount {
			here.Amount, here.Property, here.Limit = beyond, "maxDistance", r.maxDistance
		}
		if here.less(out) {
			out = here
		}
	}
	return out
}

func (x *explainer) missedSpread(r *batchDistanceRule, d *draft) Miss {
	if r.text || len(d.entries) == 0 {
		return Miss{Unit: x.set.attributes[r.attribute].Name}
	}
	spread := interval{math.Inf(1), math.Inf(-1)}
	for _, e := range d.entries {
		spread = spread.including(r.number(e))
	}
	return Miss{
		Known: spread.hi-spread.lo > r.most, Amount: spread.hi - spread.lo - r.most, Unit: x.set.attributes[r.attribute].Name,
		Property: "maxDistance", Limit: r.most,
	}
}

// missedStatement is the worst of an "and", the least of an "or", each rule's miss as a
// share of what it allows. Through "not" and "xor" there is no amount.
func (x *explainer) missedStatement(l logic, d *draft) Miss {
	if l.operator == "" {
		m := x.miss(d.stage.rules[l.rule], d)
		m.Rule = x.set.ruleNames[l.rule]
		return m
	}
	var out Miss
	for _, a := range l.args {
		if a.check(d) != failed {
			continue // of an "or" none is left out
		}
		m := x.missedStatement(a, d)
		switch {
		case l.operator == "and" && !m.Known:
			return Miss{}
		case l.operator == "and" && (!out.Known || m.share() > out.share()),
			l.operator == "or" && m.Known && (!out.Known || m.share() < out.share()):
			out = m
		}
	}
	return out
}
