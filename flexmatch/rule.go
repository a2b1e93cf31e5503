package flexmatch

import (
	"errors"
	"slices"
)

// verdict is what a rule says about a finished match.
type verdict uint8

const (
	failed verdict = iota
	passed
	// undecided: nothing to measure, for example the average of a team that is allowed to
	// be empty. On a finished match it counts as passed (the guide is silent; we chose).
	undecided
)

// rule is one compiled rule under the values of one stage. Immutable.
type rule interface {
	// check judges a finished match.
	check(d *draft) verdict
	// hopeless tells that no tickets added to the draft can make check pass. It may
	// err only towards false.
	hopeless(d *draft) bool
	// apart tells that two tickets can never be in one match, whatever the teams. It may
	// err only towards false. It is the cheap filter before a search.
	apart(a, b *entry) bool
}

// aggregation is how a rule makes one value of a party (partyAggregation).
type aggregation uint8

const (
	avgAggregation aggregation = iota // the default
	minAggregation
	maxAggregation
)

// of picks from three precomputed aggregates.
func (a aggregation) of(minimum, average, maximum float64) float64 {
	switch a {
	case minAggregation:
		return minimum
	case maxAggregation:
		return maximum
	}
	return average
}

// overall aggregates the numbers that the players of a ticket have; false when none
// has one.
func (a aggregation) overall(e *entry, number func(*player) (float64, bool)) (float64, bool) {
	var low, high, sum, n float64
	for i := range e.players {
		v, ok := number(&e.players[i])
		if !ok {
			continue
		}
		if n == 0 {
			low, high = v, v
		}
		low, high, sum, n = min(low, v), max(high, v), sum+v, n+1
	}
	if n == 0 {
		return 0, false
	}
	return a.of(low, sum/n, high), true
}

// ruleSource is a rule as written, with the values that an expansion puts in place of
// some fields.
type ruleSource struct {
	index     int
	name      string
	kind      string
	node      *node
	overrides map[string]*node
}

func (s ruleSource) get(key string) *node {
	if n := s.overrides[key]; n != nil {
		return n
	}
	return s.node.get(key)
}

type ruleType struct {
	name       string
	properties []string
}

// ruleTypes lists what a rule of each type may hold besides name, type and
// description: these are also the properties an expansion may target.
var ruleTypes = []ruleType{
	{"distance", []string{"measurements", "referenceValue", "minDistance", "maxDistance", "partyAggregation"}},
	{"comparison", []string{"measurements", "referenceValue", "operation", "partyAggregation"}},
	{"collection", []string{"measurements", "referenceValue", "operation", "minCount", "maxCount", "partyAggregation"}},
	{"latency", []string{"maxLatency", "maxDistance", "distanceReference", "partyAggregation"}},
	{"batchDistance", []string{"batchAttribute", "maxDistance", "partyAggregation"}},
	{"compound", []string{"statement"}},
	{"absoluteSort", []string{"sortDirection", "sortAttribute", "mapKey", "partyAggregation"}},
	{"distanceSort", []string{"sortDirection", "sortAttribute", "mapKey", "partyAggregation"}},
}

// ruleProperties returns the properties of a rule type; false for an unknown type.
func ruleProperties(kind string) ([]string, bool) {
	for _, t := range ruleTypes {
		if t.name == kind {
			return t.properties, true
		}
	}
	return nil, false
}

func ruleTypeNames() []string {
	names := make([]string, len(ruleTypes))
	for i, t := range ruleTypes {
		names[i] = t.name
	}
	return names
}

// compileRule turns a source into a rule and reports every problem it has. The result
// is nil for a sort rule, which never rejects, and whenever there was a problem.
func (c *compiler) compileRule(src ruleSource) rule {
	switch src.kind {
	case "comparison":
		return c.byParties(src, orNil(c.comparison(src)))
	case "distance":
		return c.byParties(src, orNil(c.distance(src)))
	case "collection":
		return c.byParties(src, orNil(c.collection(src)))
	case "latency":
		return c.anywhere(c.latency(src))
	case "batchDistance":
		return orNil(c.batchDistance(src))
	case "compound":
		return orNil(c.compound(src))
	}
	return nil
}

// orNil keeps a nil pointer from becoming a rule that is not nil.
func orNil[T any, P interface {
	*T
	rule
}](p P) rule {
	if p == nil {
		return nil
	}
	return p
}

// enum reads an optional word out of a list; the first one is the default.
func (c *compiler) enum(src ruleSource, key string, words ...string) (int, bool) {
	n := src.get(key)
	if n == nil {
		return 0, true
	}
	return c.word(n, key, words)
}

// word reads one of the words.
func (c *compiler) word(n *node, what string, words []string) (int, bool) {
	if n.kind == stringNode {
		if i := slices.Index(words, n.text); i >= 0 {
			return i, true
		}
		c.report(n, "%s is %s, not %q%s", what, oneOf(words), clip(n.text), didYouMean(n.text, words))
		return 0, false
	}
	c.report(n, "%s is %s, not %v", what, oneOf(words), n.kind)
	return 0, false
}

// aggregation reads partyAggregation of a rule on numbers.
func (c *compiler) aggregation(src ruleSource) (aggregation, bool) {
	i, ok := c.enum(src, "partyAggregation", "avg", "min", "max")
	return aggregation(i), ok
}

// optionalNumber reads a number that may be absent; the pointer is nil then.
func (c *compiler) optionalNumber(src ruleSource, key string) (*float64, bool) {
	n := src.get(key)
	if n == nil {
		return nil, true
	}
	f, ok := n.asNumber()
	if !ok {
		c.report(n, "%s is a number, not %v", key, n.kind)
		return nil, false
	}
	return &f, true
}

// distanceNumber is optionalNumber for what cannot be negative.
func (c *compiler) distanceNumber(src ruleSource, key string) (*float64, bool) {
	f, ok := c.optionalNumber(src, key)
	if f != nil && *f < 0 {
		c.report(src.get(key), "%s is a number from 0, not %v", key, *f)
		return nil, false
	}
	return f, ok
}

// measurements reads the expressions a rule measures; fit reports one that the rule
// cannot measure. One string stands for a list of one, as in Amazon's own examples.
func (c *compiler) measurements(src ruleSource, fit func(*node, *expr) bool) ([]*expr, bool) {
	n := src.get("measurements")
	if n == nil {
		c.report(src.node, "a %s rule needs \"measurements\": property expressions", src.kind)
		return nil, false
	}
	items := []*node{n}
	if n.kind == arrayNode {
		items = n.items
	}
	if len(items) == 0 {
		c.report(n, "measurements holds one property expression or more")
		return nil, false
	}
	out := make([]*expr, 0, len(items))
	for _, item := range items {
		if item.kind != stringNode {
			c.report(item, "a measurement is a property expression in quotes, not %v", item.kind)
			continue
		}
		e, err := parseExpr(item.text, &c.scope)
		if err != nil {
			if !errors.Is(err, errReported) {
				c.report(item, "this expression cannot be read: %v", err)
			}
			continue
		}
		if !fit(item, e) {
			continue
		}
		out = append(out, e)
	}
	return out, len(out) == len(items)
}

// ofBase is a condition for measurements: the innermost values are of a base.
func (c *compiler) ofBase(src ruleSource, bases ...baseType) func(*node, *expr) bool {
	return func(n *node, e *expr) bool {
		if slices.Contains(bases, e.typ.base) {
			return true
		}
		c.report(n, "a %s rule measures %ss, not a %v", src.kind, baseTypeNames[bases[0]], e.typ)
		return false
	}
}

// referenceExpr reads a referenceValue that is written as an expression, nil if it is
// a literal.
func (c *compiler) referenceExpr(n *node) (e *expr, ok bool) {
	if n.kind != stringNode || !looksLikeExpr(n.text) {
		return nil, true
	}
	e, err := parseExpr(n.text, &c.scope)
	if err != nil {
		if !errors.Is(err, errReported) {
			c.report(n, "this expression cannot be read: %v", err)
		}
		return nil, false
	}
	return e, true
}
