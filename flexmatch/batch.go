package flexmatch

import "math"

// batchDistanceRule keeps a match's tickets alike in one attribute: numbers within
// maxDistance of each other, strings the same. A party's numbers count by their
// aggregate, and of its strings all must be the same. That numbers need a maxDistance and
// that lists and maps are refused is our choice, where the guide is silent.
type batchDistanceRule struct {
	attribute    int
	text         bool    // a string attribute
	most         float64 // numbers only
	partySummary aggregation
}

func (c *compiler) batchDistance(src ruleSource) *batchDistanceRule {
	most, ok := c.distanceNumber(src, "maxDistance")
	party, okParty := c.aggregation(src)
	n := src.get("batchAttribute")
	if n == nil {
		c.report(src.node, "a batchDistance rule needs \"batchAttribute\": the name of a declared attribute")
		return nil
	}
	index, okAttribute := c.declared(n, "batchAttribute")
	if !ok || !okParty || !okAttribute {
		return nil
	}
	out := &batchDistanceRule{attribute: index, partySummary: party}
	switch kind := c.scope.attributes[index].Kind; {
	case kind == StringAttribute: // a maxDistance is ignored: strings are the same or not
		out.text = true
	case kind != NumberAttribute:
		c.report(n, "batchAttribute is a string or number attribute, not a %v", kind)
		return nil
	case most == nil:
		c.report(src.node, "a batchDistance rule on a number needs \"maxDistance\"")
		return nil
	default:
		out.most = *most
	}
	return out
}

func (r *batchDistanceRule) number(e *entry) float64 {
	n, _ := r.partySummary.overall(e, func(p *player) (float64, bool) {
		return p.values[r.attribute].number, true
	})
	return n
}

// sameText tells whether every player of the ticket has the string.
func (r *batchDistanceRule) sameText(e *entry, text string) bool {
	for i := range e.players {
		if e.players[i].values[r.attribute].text != text {
			return false
		}
	}
	return true
}

func (r *batchDistanceRule) check(d *draft) verdict {
	if len(d.entries) == 0 {
		return undecided
	}
	if r.text {
		text := d.entries[0].players[0].values[r.attribute].text
		for _, e := range d.entries {
			if !r.sameText(e, text) {
				return failed
			}
		}
		return passed
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, e := range d.entries {
		n := r.number(e)
		low, high = min(low, n), max(high, n)
	}
	if high-low <= r.most {
		return passed
	}
	return failed
}

// hopeless: a spread that is too wide only becomes wider.
func (r *batchDistanceRule) hopeless(d *draft) bool { return r.check(d) == failed }

func (r *batchDistanceRule) apart(a, b *entry) bool {
	if r.text {
		text := a.players[0].values[r.attribute].text
		return !r.sameText(a, text) || !r.sameText(b, text)
	}
	return math.Abs(r.number(a)-r.number(b)) > r.most
}
