package flexmatch

import "math"

type operation uint8

const (
	less operation = iota
	lessOrEqual
	equal
	notEqual
	greater
	greaterOrEqual
)

var operationNames = []string{"<", "<=", "=", "!=", ">", ">="}

// holds compares two values of one kind. Strings only know equality.
func (o operation) holds(a, b value) bool {
	switch o {
	case less:
		return a.number < b.number
	case lessOrEqual:
		return a.number <= b.number
	case equal:
		return a.equal(b)
	case notEqual:
		return !a.equal(b)
	case greater:
		return a.number > b.number
	}
	return a.number >= b.number
}

// possible tells whether some numbers of the two intervals compare so.
func (o operation) possible(a, b interval) bool {
	switch o {
	case less:
		return a.lo < b.hi
	case lessOrEqual:
		return a.lo <= b.hi
	case equal:
		return a.lo <= b.hi && b.lo <= a.hi
	case notEqual:
		return a.lo != a.hi || b.lo != b.hi || a.lo != b.lo
	case greater:
		return a.hi > b.lo
	}
	return a.hi >= b.lo
}

// comparisonRule compares every measured value with a reference, or all values with
// each other. It compares players, never parties: partyAggregation does not change
// what is accepted (an answer of Amazon's staff).
type comparisonRule struct {
	measurements []*expr
	operation    operation
	reference    *expr // nil: compare the values with each other
}

func (c *compiler) comparison(src ruleSource) *comparisonRule {
	list, ok := c.measurements(src, c.ofBase(src, numberBase, stringBase))
	_, okParty := c.aggregation(src)
	for _, e := range list {
		if e.typ.base != list[0].typ.base {
			c.report(src.get("measurements"), "measurements are all numbers or all strings")
			return nil
		}
	}
	operation, okOperation := c.comparisonOperation(src, list)
	out := &comparisonRule{measurements: list, operation: operation}
	if ref := src.get("referenceValue"); ref != nil && len(list) > 0 {
		var okReference bool
		out.reference, okReference = c.scalarReference(ref, list[0].typ.base)
		ok = ok && okReference
	}
	if !ok || !okParty || !okOperation {
		return nil
	}
	return out
}

// comparisonOperation reads the operation. Only numbers have an order (the guide is
// silent on strings; we chose), and players among each other are alike or not. Source:
// Amazon's FlexMatch guide, "Comparison rule".
func (c *compiler) comparisonOperation(src ruleSource, measured []*expr) (operation, bool) {
	n := src.get("operation")
	if n == nil {
		c.report(src.node, "a comparison rule needs \"operation\": %s", oneOf(operationNames))
		return 0, false
	}
	i, ok := c.word(n, "operation", operationNames)
	op := operation(i)
	switch {
	case !ok:
		return 0, false
	case op == equal || op == notEqual:
		return op, true
	case len(measured) > 0 && measured[0].typ.base != numberBase:
		c.report(n, "strings compare with \"=\" or \"!=\" only")
		return 0, false
	case src.get("referenceValue") == nil:
		c.report(src.node, "a comparison without \"referenceValue\" compares players with each other, by \"=\" or \"!=\"")
		return 0, false
	}
	return op, true
}

// scalarReference reads the reference of a comparison or distance: an expression, a
// value, or a list of values that are compared element by element.
func (c *compiler) scalarReference(n *node, base baseType) (*expr, bool) {
	e, ok := c.referenceExpr(n)
	switch {
	case !ok:
		return nil, false
	case e != nil && e.typ.base != base:
		c.report(n, "the reference is a %v, but the measurements are %ss", e.typ, baseTypeNames[base])
		return nil, false
	case e != nil:
		return e, true
	case n.kind == arrayNode:
		return c.literalList(n, base)
	case base == numberBase:
		if f, ok := n.asNumber(); ok {
			return numberLiteral(f), true
		}
		c.report(n, "referenceValue is a number or a property expression that yields one")
		return nil, false
	case n.kind == stringNode:
		return textLiteral(n.text), true
	}
	c.report(n, "referenceValue is a string, as the measurements are, not %v", n.kind)
	return nil, false
}

// literalList reads a list of numbers or of strings.
func (c *compiler) literalList(n *node, base baseType) (*expr, bool) {
	v := &value{kind: listValue}
	if len(n.items) == 0 {
		c.report(n, "a list as referenceValue holds one value or more")
		return nil, false
	}
	for _, item := range n.items {
		number, isNumber := item.asNumber()
		switch {
		case base == numberBase && isNumber:
			v.list = append(v.list, value{kind: numberValue, number: number})
		case base == stringBase && item.kind == stringNode:
			v.list = append(v.list, value{kind: textValue, text: item.text})
		default:
			c.report(item, "expected a %s, as the measurements are, not %v", baseTypeNames[base], item.kind)
		}
	}
	return &expr{typ: exprType{base, 1}, literal: v}, len(v.list) == len(n.items)
}

func (r *comparisonRule) check(d *draft) verdict {
	d.arena.reset()
	if r.reference == nil {
		d.flat = d.flat[:0]
		for _, e := range r.measurements {
			d.flat = scalars(d.flat, d.eval(e))
		}
		return alike(d.flat, r.operation)
	}
	return d.againstReference(r.measurements, r.reference, r.operation.holds)
}

// alike judges values among each other: "=" all equal, "!=" all different. One value
// or none passes.
func alike(values []value, op operation) verdict {
	for i := range values {
		for j := range values[:i] {
			if values[j].equal(values[i]) != (op == equal) {
				return failed
			}
			if op == equal {
				break // equality is transitive
			}
		}
	}
	return passed
}

// againstReference holds every measured value against the reference: one value for all,
// or as many as are measured, which are compared element by element. Fewer or more fail;
// what has no value, such as the average of an empty team, is left out before. (The guide
// knows references of one value only; for lists we chose.)
func (d *draft) againstReference(measurements []*expr, reference *expr, holds func(v, ref value) bool) verdict {
	ref := scalars(nil, d.eval(reference))
	if len(ref) == 0 {
		return undecided
	}
	out := undecided
	for _, e := range measurements {
		d.flat = scalars(d.flat[:0], d.eval(e))
		if len(ref) > 1 && len(ref) != len(d.flat) {
			return failed
		}
		for i, v := range d.flat {
			other := ref[0]
			if len(ref) > 1 {
				other = ref[i]
			}
			if !holds(v, other) {
				return failed
			}
			out = passed
		}
	}
	return out
}

func (r *comparisonRule) hopeless(d *draft) bool {
	d.arena.reset()
	if r.reference == nil {
		d.flat = d.flat[:0]
		for _, e := range r.measurements {
			if e.raw() != nil {
				d.flat = scalars(d.flat, d.eval(e))
			}
		}
		return alike(d.flat, r.operation) == failed
	}
	if r.measurements[0].typ.base == stringBase {
		return r.textHopeless(d)
	}
	if r.reference.typ.depth > 0 {
		return false
	}
	refs := d.bounds(r.reference)
	if len(refs) != 1 || refs[0].unknown {
		return false
	}
	for _, e := range r.measurements {
		for _, b := range d.bounds(e) {
			if !b.unknown && !r.operation.possible(b.interval, refs[0].interval) {
				return true
			}
		}
	}
	return false
}

// textHopeless: a player's own string can only be judged early against a literal.
func (r *comparisonRule) textHopeless(d *draft) bool {
	if r.reference.literal == nil || r.reference.typ.depth > 0 {
		return false
	}
	for _, e := range r.measurements {
		if e.raw() == nil {
			continue
		}
		d.flat = scalars(d.flat[:0], d.eval(e))
		for _, v := range d.flat {
			if !r.operation.holds(v, *r.reference.literal) {
				return true
			}
		}
	}
	return false
}

func (r *comparisonRule) apart(a, b *entry) bool {
	if r.reference != nil {
		return false
	}
	for _, e := range r.measurements {
		p := e.raw()
		if p == nil || !p.everyone {
			continue
		}
		for i := range a.players {
			v, ok := p.of(&a.players[i])
			for j := range b.players {
				w, okW := p.of(&b.players[j])
				if ok && okW && v.kind != listValue && v.equal(w) != (r.operation == equal) {
					return true
				}
			}
		}
	}
	return false
}

// distanceRule bounds the distance of every measured number to a reference, bounds
// included (the guide says "within"; that both count is our reading). Parties are ignored
// as in a comparison. One bound at least is wanted, or the rule would say nothing.
type distanceRule struct {
	measurements []*expr
	reference    *expr
	least, most  float64
}

func (c *compiler) distance(src ruleSource) *distanceRule {
	list, ok := c.measurements(src, c.ofBase(src, numberBase))
	_, okParty := c.aggregation(src)
	least, okLeast := c.distanceNumber(src, "minDistance")
	most, okMost := c.distanceNumber(src, "maxDistance")
	ok = ok && okParty && okLeast && okMost
	if src.get("minDistance") == nil && src.get("maxDistance") == nil {
		c.report(src.node, "a distance rule needs \"maxDistance\", \"minDistance\" or both")
		ok = false
	}
	ref := src.get("referenceValue")
	if ref == nil {
		c.report(src.node, "a distance rule needs \"referenceValue\": a number or a property expression")
		return nil
	}
	e, okRef := c.scalarReference(ref, numberBase)
	if !ok || !okRef {
		return nil
	}
	out := &distanceRule{measurements: list, reference: e, most: math.Inf(1)}
	if least != nil {
		out.least = *least
	}
	if most != nil {
		out.most = *most
	}
	return out
}

func (r *distanceRule) check(d *draft) verdict {
	d.arena.reset()
	return d.againstReference(r.measurements, r.reference, func(v, ref value) bool {
		distance := math.Abs(v.number - ref.number)
		return r.least <= distance && distance <= r.most
	})
}

// hopeless narrows the range that the reference must lie in by every element that is
// already certain: an element needs the reference within most of itself.
func (r *distanceRule) hopeless(d *draft) bool {
	if r.reference.typ.depth > 0 {
		return false
	}
	d.arena.reset()
	refs := d.bounds(r.reference)
	if len(refs) != 1 || refs[0].unknown {
		return false // it may also turn out to have no value, which passes
	}
	ref := refs[0].interval
	for _, e := range r.measurements {
		for _, b := range d.bounds(e) {
			if b.unknown {
				continue
			}
			if r.least > 0 && max(b.hi-refs[0].lo, refs[0].hi-b.lo) < r.least {
				return true
			}
			near := interval{b.lo - r.most, b.hi + r.most}.widened()
			ref = interval{max(ref.lo, near.lo), min(ref.hi, near.hi)}
		}
	}
	return ref.lo > ref.hi
}

func (r *distanceRule) apart(*entry, *entry) bool { return false }
