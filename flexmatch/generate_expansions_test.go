package flexmatch_test

import (
	"fmt"
)

// expansions loosens or changes anything that may be expanded.
func (m *maker) expansions(seats int) {
	for range pick(m, 0, 0, 1, 1, 2) {
		x := docExpansion{}
		var value func() any
		if len(m.doc.Rules) > 0 && !m.chance(4) {
			r := pick(m, m.doc.Rules...)
			property, make := m.expandable(r)
			if make == nil {
				continue
			}
			x.Target, value = fmt.Sprintf("rules[%s].%s", r["name"], property), make
		} else {
			x.Target, value = m.teamExpansion(seats)
		}
		wait := 0.0
		for range m.between(1, 3) {
			wait += float64(m.between(1, 6))
			if m.chance(4) {
				wait += 0.5
			}
			x.Steps = append(x.Steps, docStep{Wait: loose(wait), Value: value()})
		}
		m.doc.Expansions = append(m.doc.Expansions, x)
	}
}

// expandable chooses a property of a rule and how to make values for it; nil for none.
func (m *maker) expandable(r docRule) (string, func() any) {
	fresh := func(fill func(docRule), key string) (string, func() any) {
		return key, func() any {
			for range 50 { // another rule of the type, until it has the property in a fitting form
				other := docRule{"type": r["type"], "name": r["name"]}
				fill(other)
				if v := other[key]; v != nil && m.compatible(r, other, key) {
					return v
				}
			}
			return r[key]
		}
	}
	number := func(key string) (string, func() any) { return key, func() any { return m.bound() } }
	switch r["type"] {
	case "comparison":
		if _, literal := looseNumber(r["referenceValue"]); literal && m.chance(2) {
			return number("referenceValue")
		}
		return fresh(m.comparison, pick(m, "measurements", "operation"))
	case "distance":
		if m.chance(4) {
			return fresh(m.distance, pick(m, "measurements", "referenceValue"))
		}
		return number(pick(m, "maxDistance", "maxDistance", "minDistance"))
	case "collection":
		if m.chance(3) {
			return fresh(m.collection, "measurements")
		}
		return pick(m, "minCount", "maxCount"), func() any { return float64(m.IntN(4)) }
	case "latency":
		if r["maxDistance"] != nil && m.chance(2) {
			return pick(m, "maxDistance", "distanceReference"), nil
		}
		return "maxLatency", func() any { return float64(m.between(3, 12) * 10) }
	case "batchDistance":
		if r["maxDistance"] == nil {
			return "", nil
		}
		return number("maxDistance")
	case "absoluteSort", "distanceSort":
		return "sortDirection", func() any { return pick[any](m, "ascending", "descending") }
	}
	return "", nil
}

// compatible tells whether a rule stays valid with another's property.
func (m *maker) compatible(r, other docRule, key string) bool {
	changed := docRule{}
	for k, v := range r {
		changed[k] = v
	}
	changed[key] = other[key]
	kind := func(r docRule) bool { // of strings
		list, ok := r["measurements"].([]any)
		if !ok {
			list = []any{r["measurements"]}
		}
		j := judge{doc: m.doc, teams: m.instances, trees: map[string]*tree{}}
		return j.parse(list[0].(string)).strings
	}
	switch key {
	case "operation":
		ordering := changed["operation"] != "=" && changed["operation"] != "!="
		return !ordering || changed["referenceValue"] != nil && !kind(changed)
	case "measurements":
		return r["type"] != "comparison" || kind(r) == kind(other)
	}
	return true
}

// teamExpansion lets fewer or more players into some teams. Minimums only fall and
// maximums only rise, so that they never cross.
func (m *maker) teamExpansion(seats int) (string, func() any) {
	t := pick(m, m.doc.Teams...)
	names := t.Name
	least := t.Min
	if other := pick(m, m.doc.Teams...); other.Name != t.Name {
		names += ", " + other.Name
		least = min(least, other.Min)
	}
	if m.chance(3) {
		total := 0
		for _, t := range m.doc.Teams {
			total += int(t.Max) * len(t.instances())
		}
		if total < seats {
			return "teams[" + t.Name + "].maxPlayers", func() any { return float64(t.Max) + 1 }
		}
	}
	return "teams[" + names + "].minPlayers", func() any { return float64(m.IntN(int(least) + 1)) }
}
