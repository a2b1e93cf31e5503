package flexmatch

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// sortRule orders the tickets that an anchor is tried with. It never rejects. Strings
// sort by alphabet, of a party that of its first player; parties of maps count key by
// key. Lists have no order and strings no distance: such rules are refused. (The guide is
// silent on all of this; we chose.)
type sortRule struct {
	byDistance   bool // |value - the anchor's value|, otherwise the value
	descending   bool
	attribute    int
	kind         AttributeKind
	maxKey       bool // of a map: the anchor's key with the greatest value, or the least
	partySummary aggregation
}

func (c *compiler) sortRule(src ruleSource) *sortRule {
	party, ok := c.aggregation(src)
	out := &sortRule{byDistance: src.kind == "distanceSort", partySummary: party}
	direction := src.get("sortDirection")
	if direction == nil {
		c.report(src.node, "a %s rule needs \"sortDirection\": \"ascending\" or \"descending\"", src.kind)
		ok = false
	} else {
		i, okWord := c.word(direction, "sortDirection", []string{"ascending", "descending"})
		out.descending, ok = i == 1, ok && okWord
	}
	n := src.get("sortAttribute")
	if n == nil {
		c.report(src.node, "a %s rule needs \"sortAttribute\": the name of a declared attribute", src.kind)
		return nil
	}
	index, okAttribute := c.declared(n, "sortAttribute")
	if !okAttribute {
		return nil
	}
	out.attribute, out.kind = index, c.scope.attributes[index].Kind
	key := src.get("mapKey")
	switch {
	case out.kind == StringListAttribute:
		c.report(n, "sortAttribute is a number, string or map attribute, not a %v", out.kind)
		ok = false
	case out.kind == StringAttribute && out.byDistance:
		c.report(n, "strings have no distance: use absoluteSort, or a number attribute")
		ok = false
	case out.kind == StringNumberMapAttribute && key == nil:
		c.report(src.node, "sorting by a map needs \"mapKey\": \"minValue\" or \"maxValue\"")
		ok = false
	case out.kind != StringNumberMapAttribute && key != nil:
		c.report(key, "mapKey belongs to map attributes; %q is a %v", clip(n.text), out.kind)
		ok = false
	case key != nil:
		i, okWord := c.word(key, "mapKey", []string{"minValue", "maxValue"})
		out.maxKey, ok = i == 1, ok && okWord
	}
	if !ok {
		return nil
	}
	return out
}

// sortKey is a ticket's place by one sort rule. Tickets without a value come last.
type sortKey struct {
	missing bool
	number  float64
	text    string
}

// key computes a ticket's key relative to the anchor's map key and value.
func (r *sortRule) key(e *entry, mapKey string, anchor float64) sortKey {
	if r.kind == StringAttribute {
		return sortKey{text: e.players[0].values[r.attribute].text}
	}
	n, ok := r.number(e, mapKey)
	if r.byDistance {
		n = math.Abs(n - anchor)
	}
	return sortKey{missing: !ok, number: n}
}

func (r *sortRule) number(e *entry, mapKey string) (float64, bool) {
	return r.partySummary.overall(e, func(p *player) (float64, bool) {
		if r.kind == StringNumberMapAttribute {
			n, ok := p.numbers(r.attribute)[mapKey]
			return n, ok
		}
		return p.values[r.attribute].number, true
	})
}

// mapKey is the key of the anchor's map with the greatest or least value; the first
// by name of several.
func (r *sortRule) mapKey(anchor *entry) string {
	var keys []string
	for i := range anchor.players {
		for k := range anchor.players[i].numbers(r.attribute) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	best, bestValue := "", 0.0
	for i, k := range slices.Compact(keys) {
		n, _ := r.number(anchor, k)
		if i == 0 || r.maxKey && n > bestValue || !r.maxKey && n < bestValue {
			best, bestValue = k, n
		}
	}
	return best
}

// compare orders two keys.
func (r *sortRule) compare(a, b sortKey) int {
	if a.missing != b.missing {
		if a.missing {
			return 1
		}
		return -1
	}
	out := cmp.Or(cmp.Compare(a.number, b.number), strings.Compare(a.text, b.text))
	if r.descending {
		return -out
	}
	return out
}

// sortCandidates puts candidates in the order in which they are tried with the
// anchor: by the sort rules in their order, later ones breaking ties, then as they
// stood, which is by age.
func sortCandidates(rules []*sortRule, anchor *entry, candidates []*entry) {
	if len(rules) == 0 || len(candidates) < 2 {
		return
	}
	keys := make(map[*entry][]sortKey, len(candidates))
	for _, r := range rules {
		key := ""
		if r.kind == StringNumberMapAttribute {
			key = r.mapKey(anchor)
		}
		reference := 0.0
		if r.kind != StringAttribute {
			reference, _ = r.number(anchor, key)
		}
		for _, e := range candidates {
			keys[e] = append(keys[e], r.key(e, key, reference))
		}
	}
	slices.SortStableFunc(candidates, func(a, b *entry) int {
		for i, r := range rules {
			if c := r.compare(keys[a][i], keys[b][i]); c != 0 {
				return c
			}
		}
		return 0
	})
}
