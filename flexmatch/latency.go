package flexmatch

import (
	"math"
	"slices"
	"strings"
)

// locationLatency is what a ticket's players together report for one location.
type locationLatency struct {
	location           string
	least, mean, worst float64 // milliseconds
}

// commonLatencies lists the locations that every player reports, by name.
func commonLatencies(players []Player) []locationLatency {
	if len(players) == 0 || len(players[0].LatencyInMs) == 0 {
		return nil
	}
	out := make([]locationLatency, 0, len(players[0].LatencyInMs))
	for location, ms := range players[0].LatencyInMs {
		l := locationLatency{location, float64(ms), float64(ms), float64(ms)}
		if l.summarize(players[1:]) {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b locationLatency) int { return strings.Compare(a.location, b.location) })
	return out
}

// summarize adds further players to the latency of a first one; false when one of them
// does not report the location.
func (l *locationLatency) summarize(players []Player) bool {
	sum := l.mean
	for _, p := range players {
		ms, ok := p.LatencyInMs[l.location]
		if !ok {
			return false
		}
		l.least, l.worst = min(l.least, float64(ms)), max(l.worst, float64(ms))
		sum += float64(ms)
	}
	l.mean = sum / float64(1+len(players))
	return true
}

// latencyAt finds a ticket's latency for a location.
func (e *entry) latencyAt(location string) (locationLatency, bool) {
	i, ok := slices.BinarySearchFunc(e.latencies, location, func(l locationLatency, name string) int {
		return strings.Compare(l.location, name)
	})
	if !ok {
		return locationLatency{}, false
	}
	return e.latencies[i], true
}

// latencyRule wants one location that is good enough for every ticket.
//
// The guide does not say in so many words that all tickets must share it; users report
// that players far apart match only through a common location. A latency equal to the
// maximum passes: the guide says both "higher than the maximum" is ignored and "below
// the maximum" is needed. A party counts by its aggregate, so that with the average one
// of its players may be above the maximum.
type latencyRule struct {
	most         float64 // milliseconds, per party; infinite without maxLatency
	maxDistance  float64 // to the reference latency of the match; infinite without
	fromMean     bool    // the reference is the mean over tickets, otherwise the least
	partySummary aggregation
}

// latency compiles a latency rule. A maxDistance without a distanceReference has nothing
// to be measured to, nor has the reference a use alone: one without the other is refused
// (our choice).
func (c *compiler) latency(src ruleSource) *latencyRule {
	most, okMost := c.distanceNumber(src, "maxLatency")
	distance, okDistance := c.distanceNumber(src, "maxDistance")
	reference, okReference := c.enum(src, "distanceReference", "min", "avg")
	party, okParty := c.aggregation(src)
	ok := okMost && okDistance && okReference && okParty
	hasDistance, hasReference := src.get("maxDistance") != nil, src.get("distanceReference") != nil
	if hasDistance != hasReference {
		c.report(src.node, "maxDistance and distanceReference of a latency rule come together")
		ok = false
	} else if src.get("maxLatency") == nil && !hasDistance {
		c.report(src.node, "a latency rule needs \"maxLatency\", or \"maxDistance\" with \"distanceReference\"")
		ok = false
	}
	if c.large && hasDistance {
		c.report(src.get("maxDistance"), "a match of more than %d players knows only maxLatency in latency rules", maxSmallMatch)
		ok = false
	}
	if !ok {
		return nil
	}
	out := &latencyRule{most: math.Inf(1), maxDistance: math.Inf(1), fromMean: reference == 1, partySummary: party}
	if most != nil {
		out.most = *most
	}
	if distance != nil {
		out.maxDistance = *distance
	}
	return out
}

// anywhereRule is a latency rule under ParseOptions.SeparateLocations: every ticket
// needs a good location of its own, whether or not others accept it.
type anywhereRule struct{ *latencyRule }

// anywhere picks the reading of a latency rule. Large matches are grouped by location,
// so their tickets always share one.
func (c *compiler) anywhere(r *latencyRule) rule {
	if r == nil || !c.options.SeparateLocations || c.large {
		return orNil(r)
	}
	return anywhereRule{r}
}

func (r anywhereRule) check(d *draft) verdict {
	if len(d.entries) == 0 {
		return undecided
	}
	for _, e := range d.entries {
		if !r.somewhere(d, e, false) {
			return failed
		}
	}
	return passed
}

// hopeless: what another ticket does not spoil for a ticket, further ones may, so only
// what cannot change is looked at.
func (r anywhereRule) hopeless(d *draft) bool {
	for _, e := range d.entries {
		if !r.somewhere(d, e, true) {
			return true
		}
	}
	return false
}

func (r anywhereRule) apart(*entry, *entry) bool { return false }

// somewhere tells whether a ticket has a location that the rule accepts. The distance is
// measured to the tickets that report the location, and left out for a partial draft.
func (r anywhereRule) somewhere(d *draft, e *entry, partial bool) bool {
	for _, l := range e.latencies {
		own := r.of(l)
		if own > r.most {
			continue
		}
		if partial || math.IsInf(r.maxDistance, 1) || math.Abs(own-r.reference(d, l.location)) <= r.maxDistance {
			return true
		}
	}
	return false
}

// reference is the least or the mean latency to a location over the tickets that report
// it.
func (r anywhereRule) reference(d *draft, location string) float64 {
	low, sum, n := math.Inf(1), 0.0, 0.0
	for _, e := range d.entries {
		if l, ok := e.latencyAt(location); ok {
			low, sum, n = min(low, r.of(l)), sum+r.of(l), n+1
		}
	}
	if r.fromMean {
		return sum / n
	}
	return low
}

func (r *latencyRule) of(l locationLatency) float64 {
	return r.partySummary.of(l.least, l.mean, l.worst)
}

// acceptable tells whether the rule lets a ticket play at a location, its distance to
// others aside.
func (r *latencyRule) acceptable(e *entry, location string) bool {
	l, ok := e.latencyAt(location)
	return ok && r.of(l) <= r.most
}

func (r *latencyRule) check(d *draft) verdict {
	if len(d.entries) == 0 {
		return undecided
	}
	for _, l := range d.entries[0].latencies {
		if r.sharedBy(d, l.location, false) {
			return passed
		}
	}
	return failed
}

// hopeless: a location that a ticket rules out stays out. The least latency can only
// fall as tickets join, so a spread that is too wide stays too wide; the mean moves, but
// two tickets on its two sides cannot lie further apart than twice the distance.
func (r *latencyRule) hopeless(d *draft) bool {
	if len(d.entries) == 0 {
		return false
	}
	for _, l := range d.entries[0].latencies {
		if r.sharedBy(d, l.location, true) {
			return false
		}
	}
	return true
}

// sharedBy tells whether every ticket accepts the location; partial judges a draft
// that is not finished.
func (r *latencyRule) sharedBy(d *draft, location string, partial bool) bool {
	low, high, sum := math.Inf(1), math.Inf(-1), 0.0
	for _, e := range d.entries {
		l, ok := e.latencyAt(location)
		if !ok || r.of(l) > r.most {
			return false
		}
		v := r.of(l)
		low, high, sum = min(low, v), max(high, v), sum+v
	}
	switch {
	case !r.fromMean:
		return high-low <= r.maxDistance
	case partial:
		return (interval{high, high}).widened().lo-low <= 2*r.maxDistance
	}
	mean := sum / float64(len(d.entries))
	return max(high-mean, mean-low) <= r.maxDistance
}

func (r *latencyRule) apart(a, b *entry) bool {
	for _, l := range a.latencies {
		if r.of(l) <= r.most && r.acceptable(b, l.location) {
			return false
		}
	}
	return true
}
