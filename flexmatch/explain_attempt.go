package flexmatch

import (
	"cmp"
	"math"
	"slices"
)

// trial is a match under construction and how good it is.
type trial struct {
	level   int
	entries []*entry
	placed  []int
	players int
	lack    int // players below the teams' minimums
	failed  []RuleMiss
	share   float64 // of all misses together
}

// better orders trials: complete ones first, then those that break fewer rules, and
// those by less.
func (t *trial) better(o *trial) bool {
	if o == nil {
		return true
	}
	return cmp.Or(cmp.Compare(t.lack, o.lack), cmp.Compare(len(t.failed), len(o.failed)), cmp.Compare(t.share, o.share)) < 0
}

// attempts is the search for the match that comes closest. It is no search for a match:
// that one is exact, this one only wants something to tell.
type attempts struct {
	*explainer
	best     *trial
	together int // most players seated without breaking a rule
	work     int
}

// attempt tries whole matches of the ticket and its compatible candidates. Nil when the
// ticket fits into no team.
func (x *explainer) attempt(compatible []*entry) *Attempt {
	a := &attempts{explainer: x, work: attemptWork}
	for _, level := range x.attemptLevels(compatible) {
		joining := slices.DeleteFunc(slices.Clone(compatible), func(e *entry) bool { return !x.joins(e, level) })
		orders := x.orders(joining)
		for _, base := range x.bases(joining) {
			for _, team := range x.places(base) {
				for _, order := range orders {
					a.fill(level, team, base, order)
				}
			}
		}
	}
	if a.best == nil {
		return nil
	}
	if a.best.lack == 0 && len(a.best.failed) > 0 && !x.set.large {
		a.improve(compatible)
	}
	out := &Attempt{
		Players: a.best.players, Tickets: len(a.best.entries), Missing: a.best.lack, Step: a.best.level, Together: a.together,
	}
	if out.Missing == 0 {
		out.Failed = a.best.failed
	}
	return out
}

// attemptLevels lists the levels that a match could have, the ticket's own first.
func (x *explainer) attemptLevels(compatible []*entry) []int {
	own := x.level(x.me)
	levels := []int{own}
	for _, e := range compatible {
		l := x.level(e)
		if (x.set.algorithm.oldest && l > own || !x.set.algorithm.oldest && l < own) && !slices.Contains(levels, l) {
			levels = append(levels, l)
		}
	}
	slices.SortFunc(levels[1:], func(a, b int) int { return cmp.Compare(max(a-own, own-a), max(b-own, own-b)) })
	return levels[:min(len(levels), attemptLevels)]
}

// joins tells whether a ticket may take part under a level.
func (x *explainer) joins(e *entry, level int) bool {
	if x.set.algorithm.oldest {
		return x.level(e) <= level
	}
	return x.level(e) >= level
}

// bases lists the backfills that a match may be built on: none, or one of the first.
func (x *explainer) bases(joining []*entry) []*entry {
	out := []*entry{nil}
	for _, e := range joining {
		if e.backfill && len(out) < 4 {
			out = append(out, e)
		}
	}
	return out
}

// places lists where the ticket is seated: beside a backfill no two teams are alike.
func (x *explainer) places(base *entry) []int {
	if base == nil {
		return x.mine[:min(len(x.mine), maxPlaces)]
	}
	out := make([]int, min(len(x.set.stages[0].teams), maxPlaces))
	for i := range out {
		out[i] = i
	}
	return out
}

// orders lists the orders to seat candidates in: by age, by likeness to the ticket, and
// for its best locations by latency there.
func (x *explainer) orders(joining []*entry) [][]*entry {
	players := slices.DeleteFunc(slices.Clone(joining), func(e *entry) bool { return e.backfill })
	byAge := slices.Clone(players)
	slices.SortStableFunc(byAge, func(a, b *entry) int { return a.startAt.Compare(b.startAt) })
	likeness := x.likeness(players)
	alike := slices.Clone(byAge)
	slices.SortStableFunc(alike, func(a, b *entry) int { return cmp.Compare(likeness[a], likeness[b]) })
	out := [][]*entry{byAge, alike}
	if !x.set.UsesLatency() {
		return out
	}
	places := slices.Clone(x.me.latencies)
	slices.SortStableFunc(places, func(a, b locationLatency) int { return cmp.Compare(a.worst, b.worst) })
	for _, place := range places[:min(len(places), 3)] {
		near := slices.Clone(alike)
		at := func(e *entry) float64 {
			if l, ok := e.latencyAt(place.location); ok {
				return l.worst
			}
			return math.Inf(1)
		}
		slices.SortStableFunc(near, func(a, b *entry) int { return cmp.Compare(at(a), at(b)) })
		out = append(out, near)
	}
	return out
}

// likeness is how far each candidate's numbers lie from the ticket's, each attribute in
// units of its spread.
func (x *explainer) likeness(list []*entry) map[*entry]float64 {
	out := make(map[*entry]float64, len(list))
	for i, a := range x.set.attributes {
		if a.Kind != NumberAttribute {
			continue
		}
		number := func(e *entry) float64 {
			n, _ := avgAggregation.overall(e, func(p *player) (float64, bool) { return p.values[i].number, true })
			return n
		}
		mine := number(x.me)
		widest := 0.0
		for _, e := range list {
			widest = max(widest, math.Abs(number(e)-mine))
		}
		if widest == 0 || math.IsInf(widest, 0) {
			continue
		}
		for _, e := range list {
			out[e] += math.Abs(number(e)-mine) / widest
		}
	}
	return out
}

// fill seats the ticket and then candidates in order: first those that break no rule,
// then, while teams are below their minimums, any.
func (a *attempts) fill(level, team int, base *entry, order []*entry) {
	d := a.whole
	d.reset(a.set.stages[level])
	t := &trial{level: level}
	if base != nil && !a.take(t, base, false) {
		return
	}
	if !d.fits(a.me, team) {
		return
	}
	a.push(t, a.me, team)
	a.weigh(t)
	seated := make(map[*entry]bool, len(order))
	for _, strict := range []bool{true, false} {
		for _, e := range order {
			if d.total >= d.stage.maxPlayers || !strict && lacking(d) == 0 {
				break
			}
			if seated[e] || !a.take(t, e, strict) {
				continue
			}
			seated[e] = true
			a.weigh(t)
		}
		if strict {
			a.together = max(a.together, t.players)
		}
	}
}

// push seats an entry that fits.
func (a *attempts) push(t *trial, e *entry, team int) {
	a.whole.push(e, team)
	t.entries, t.placed = append(t.entries, e), append(t.placed, team)
	t.players += len(e.players)
}

// take seats an entry in the first team, in the order of filling, that has room; strict
// asks that no rule objects.
func (a *attempts) take(t *trial, e *entry, strict bool) bool {
	d := a.whole
	for _, team := range d.teamOrder(nil, e) {
		if !d.fits(e, team) {
			continue
		}
		if !strict {
			a.push(t, e, team)
			return true
		}
		d.push(e, team)
		hopeless := slices.ContainsFunc(d.stage.enforced, func(i int) bool { return d.stage.rules[i].hopeless(d) })
		d.pop()
		if !hopeless {
			a.push(t, e, team)
			return true
		}
		if a.set.large {
			return false
		}
	}
	return false
}

// weigh judges the match as it stands and keeps it if it is the best so far.
func (a *attempts) weigh(t *trial) {
	d := a.whole
	t.failed, t.share, t.lack = nil, 0, lacking(d)
	if t.lack == 0 && a.alone(t) {
		t.lack = 1
	}
	if t.lack == 0 {
		for _, i := range d.stage.enforced {
			if d.stage.rules[i].check(d) != failed {
				continue
			}
			m := a.miss(d.stage.rules[i], d)
			t.failed = append(t.failed, RuleMiss{Rule: a.set.ruleNames[i], Type: typeName(d.stage.rules[i]), Miss: m})
			t.share += m.share()
		}
	}
	if t.better(a.best) {
		kept := *t
		kept.entries, kept.placed = slices.Clone(t.entries), slices.Clone(t.placed)
		a.best = &kept
	}
}

// alone tells that the match is a backfill with nobody to join it, or has no ticket of
// the level it is judged by.
func (a *attempts) alone(t *trial) bool {
	backfill, exact := false, false
	for _, e := range t.entries {
		backfill = backfill || e.backfill
		exact = exact || a.level(e) == t.level
	}
	return backfill && len(t.entries) == 1 || !exact
}

// improve exchanges tickets of the best match, between teams and for others, while that
// makes it better and work is left.
func (a *attempts) improve(compatible []*entry) {
	for better := true; better && a.work > 0; {
		from := a.best
		a.exchange(from)
		if a.best == from {
			a.replace(from, compatible)
		}
		better = a.best != from && len(a.best.failed) > 0
	}
}

// exchange tries to swap the teams of two tickets of one size.
func (a *attempts) exchange(from *trial) {
	for i, e := range from.entries {
		for j, o := range from.entries[:i] {
			if e.backfill || o.backfill || from.placed[i] == from.placed[j] || len(e.players) != len(o.players) {
				continue
			}
			next := trial{level: from.level, entries: from.entries, placed: slices.Clone(from.placed)}
			next.placed[i], next.placed[j] = from.placed[j], from.placed[i]
			a.rebuild(&next)
			if a.best != from || a.work <= 0 {
				return
			}
		}
	}
}

// replace tries another candidate of the same size in a ticket's place.
func (a *attempts) replace(from *trial, compatible []*entry) {
	for i, e := range from.entries {
		if e == a.me || e.backfill {
			continue
		}
		for _, o := range compatible {
			if o.backfill || len(o.players) != len(e.players) || !a.joins(o, from.level) || slices.Contains(from.entries, o) {
				continue
			}
			next := trial{level: from.level, entries: slices.Clone(from.entries), placed: from.placed}
			next.entries[i] = o
			a.rebuild(&next)
			if a.best != from || a.work <= 0 {
				return
			}
		}
	}
}

// rebuild seats a whole match anew and weighs it.
func (a *attempts) rebuild(t *trial) {
	a.work--
	d := a.whole
	d.reset(a.set.stages[t.level])
	t.players = 0
	for i, e := range t.entries {
		if !d.fits(e, t.placed[i]) {
			return
		}
		d.push(e, t.placed[i])
		t.players += len(e.players)
	}
	a.weigh(t)
}
