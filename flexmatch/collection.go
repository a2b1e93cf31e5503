package flexmatch

import "math"

type collectionOperation uint8

const (
	intersectionCount collectionOperation = iota
	containsCount
	referenceCount
)

var collectionOperations = []string{"intersection", "contains", "reference_intersection_count"}

// collectionRule counts in lists of strings and bounds the count, bounds included.
// Parties are ignored as in a comparison.
type collectionRule struct {
	measurements []*expr
	operation    collectionOperation
	reference    *expr   // nil for an intersection
	least, most  float64 // of the count
}

func (c *compiler) collection(src ruleSource) *collectionRule {
	list, ok := c.measurements(src, func(n *node, e *expr) bool {
		if !c.ofBase(src, stringBase)(n, e) {
			return false
		}
		if e.typ.depth == 0 {
			c.report(n, "a collection rule measures lists of strings, not a %v", e.typ)
		}
		return e.typ.depth > 0
	})
	_, okParty := c.enum(src, "partyAggregation", "union", "intersection")
	least, okLeast := c.distanceNumber(src, "minCount")
	most, okMost := c.distanceNumber(src, "maxCount")
	ok = ok && okParty && okLeast && okMost
	op := src.get("operation")
	if op == nil {
		c.report(src.node, "a collection rule needs \"operation\": %s", oneOf(collectionOperations))
		return nil
	}
	i, okOp := c.word(op, "operation", collectionOperations)
	if !okOp {
		return nil
	}
	out := &collectionRule{measurements: list, operation: collectionOperation(i), most: math.Inf(1)}
	if out.operation != intersectionCount {
		var okRef bool
		out.reference, okRef = c.collectionReference(src, out.operation)
		ok = ok && okRef
	}
	if !ok {
		return nil
	}
	out.bound(least, most)
	return out
}

// bound sets the limits. A missing one is open; "contains" without any wants one (the
// guide is silent; we chose).
func (r *collectionRule) bound(least, most *float64) {
	switch {
	case least != nil:
		r.least = *least
	case most == nil && r.operation == containsCount:
		r.least = 1
	}
	if most != nil {
		r.most = *most
	}
}

func (c *compiler) collectionReference(src ruleSource, op collectionOperation) (*expr, bool) {
	n := src.get("referenceValue")
	if n == nil {
		c.report(src.node, "the operation %s needs \"referenceValue\"", collectionOperations[op])
		return nil, false
	}
	if op == containsCount {
		if n.kind != stringNode || looksLikeExpr(n.text) {
			c.report(n, "the operation contains looks for one string, given as referenceValue")
			return nil, false
		}
		return textLiteral(n.text), true
	}
	e, ok := c.referenceExpr(n)
	switch {
	case !ok:
		return nil, false
	case e != nil && e.typ.base == stringBase:
		return e, true
	case e != nil:
		c.report(n, "the reference is a %v, but strings are counted", e.typ)
		return nil, false
	case n.kind == stringNode:
		return listLiteral([]string{n.text}), true
	case n.kind == arrayNode:
		if texts, ok := c.strings(n); ok {
			return listLiteral(texts), true
		}
		return nil, false
	}
	c.report(n, "referenceValue is a list of strings, a string or a property expression, not %v", n.kind)
	return nil, false
}

// lists appends the lists that a measurement consists of. A player's plain string
// counts as a list of one, although the guide speaks of lists only.
func (d *draft) lists(out [][]value, e *expr) [][]value {
	v := d.eval(e)
	if p := e.raw(); p != nil && p.member == attributeMember && p.kind == StringAttribute {
		for _, one := range scalars(nil, v) {
			out = append(out, append(d.arena.list(1), one))
		}
		return out
	}
	return innermost(out, v, e.typ.depth)
}

// innermost appends the lists that lie depth levels deep; 1 is v itself.
func innermost(out [][]value, v value, depth int) [][]value {
	if depth <= 1 {
		return append(out, v.list)
	}
	for _, sub := range v.list {
		out = innermost(out, sub, depth-1)
	}
	return out
}

func (r *collectionRule) check(d *draft) verdict {
	d.arena.reset()
	switch r.operation {
	case containsCount:
		return r.within(r.occurrences(d))
	case intersectionCount:
		lists := r.allLists(d)
		if len(lists) == 0 {
			return undecided
		}
		return r.within(inAll(lists))
	}
	lists := r.allLists(d)
	if len(lists) == 0 {
		return undecided
	}
	ref := scalars(nil, d.eval(r.reference))
	for _, list := range lists {
		if r.within(inBoth(list, ref)) == failed {
			return failed
		}
	}
	return passed
}

func (r *collectionRule) allLists(d *draft) [][]value {
	lists := d.sublists[:0]
	for _, e := range r.measurements {
		lists = d.lists(lists, e)
	}
	d.sublists = lists
	return lists
}

func (r *collectionRule) within(n int) verdict {
	if r.least <= float64(n) && float64(n) <= r.most {
		return passed
	}
	return failed
}

// occurrences counts the lists that hold the reference string; in a plain list of
// strings it counts the strings.
func (r *collectionRule) occurrences(d *draft) int {
	n := 0
	for _, e := range r.measurements {
		if e.typ.depth == 1 {
			for _, v := range d.eval(e).list {
				if v.equal(*r.reference.literal) {
					n++
				}
			}
			continue
		}
		if p := e.raw(); p != nil && p.member == attributeMember && p.kind == StringListAttribute {
			n += d.holders(p, *r.reference.literal)
			continue
		}
		d.sublists = d.lists(d.sublists[:0], e)
		for _, list := range d.sublists {
			if contains(list, *r.reference.literal) {
				n++
			}
		}
	}
	return n
}

// holders counts the players of a path's teams whose list holds a string.
func (d *draft) holders(p *path, v value) int {
	n := 0
	for _, t := range p.teams {
		for _, who := range d.teams[t] {
			if contains(who.values[p.attr].list, v) {
				n++
			}
		}
	}
	return n
}

// inAll counts the different strings that every list holds.
func inAll(lists [][]value) int {
	n := 0
	for i, v := range lists[0] {
		if contains(lists[0][:i], v) {
			continue
		}
		everywhere := true
		for _, other := range lists[1:] {
			everywhere = everywhere && contains(other, v)
		}
		if everywhere {
			n++
		}
	}
	return n
}

// inBoth counts the different strings of list that the reference holds too.
func inBoth(list, ref []value) int {
	n := 0
	for i, v := range list {
		if !contains(list[:i], v) && contains(ref, v) {
			n++
		}
	}
	return n
}

func (r *collectionRule) hopeless(d *draft) bool {
	for _, e := range r.measurements {
		if e.raw() == nil {
			return false
		}
	}
	d.arena.reset()
	switch r.operation {
	case containsCount:
		n := r.occurrences(d)
		growth := d.growth() * len(r.measurements)
		return float64(n) > r.most || float64(n+growth) < r.least
	case intersectionCount:
		lists := r.allLists(d)
		return r.perPlayer() && len(lists) > 0 && float64(inAll(lists)) < r.least
	}
	return r.perPlayer() && r.referenceHopeless(d)
}

// perPlayer tells that the measured lists are players' own, which other players do
// not change; flattened once too often they are one list over all players.
func (r *collectionRule) perPlayer() bool {
	for _, e := range r.measurements {
		p := e.raw()
		if p.member != attributeMember || p.kind == StringListAttribute && e.typ.depth < 2 {
			return false
		}
	}
	return true
}

// referenceHopeless: a literal reference decides at once; players' own lists as a
// reference only grow, so the count may already be too high; an intersection over
// players only shrinks, so it may already be too low.
func (r *collectionRule) referenceHopeless(d *draft) bool {
	grows := r.reference.raw() != nil
	shrinks := false
	if r.reference.function == intersectFunction && r.reference.typ.depth == 1 {
		if p := r.reference.arg.raw(); p != nil {
			for _, t := range p.teams {
				shrinks = shrinks || len(d.teams[t]) > 0
			}
		}
	}
	fixed := r.reference.literal != nil
	if !grows && !shrinks && !fixed {
		return false
	}
	ref := scalars(nil, d.eval(r.reference))
	for _, list := range r.allLists(d) {
		n := float64(inBoth(list, ref))
		if n > r.most && (grows || fixed) || n < r.least && (shrinks || fixed) {
			return true
		}
	}
	return false
}

func (r *collectionRule) apart(*entry, *entry) bool { return false }
