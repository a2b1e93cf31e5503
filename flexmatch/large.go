package flexmatch

import (
	"cmp"
	"math"
	"slices"
)

// large looks for a match of a rule set of more than 40 players: tickets that share a
// location with the anchor and are alike in the batch attributes, taken greedily until
// the teams are full, then balanced. work is lowered by what was done.
func (f *finder) large(q query, work *int) *found {
	anchor := q.seeds[0]
	clear(f.draft.metrics)
	f.query, f.work, f.draft.bitsOnly = q, *work, !f.index.many()
	from, to := anchor.level, 0
	if f.set.algorithm.oldest {
		from, to = len(f.set.stages)-1, anchor.level
	}
	var best *found
	for level := from; level >= to; level-- {
		if f.waiting[level] == 0 {
			continue
		}
		if m := f.largeAt(level, anchor); m != nil && (best == nil || m.total > best.total) {
			best = m
		}
	}
	anchor.credit(f.draft.metrics)
	*work = f.work
	if best != nil {
		f.balance(best)
		best.sort(f.set)
		best.metrics = slices.Clone(f.draft.metrics)
	}
	return best
}

// largeAt tries the anchor's locations in the order of batchingPreference under one
// stage and takes the first that makes a match. Without a latency rule there is one
// group of everybody (the guide does not say how tickets are batched then; we chose).
func (f *finder) largeAt(level int, anchor *entry) *found {
	st := f.set.stages[level]
	for _, where := range f.meetings(st, anchor) {
		f.begin(level)
		f.hunt = f.index.walk(anchor.group, where, f.set.plan.window(anchor, level), f.query.after)
		if m := f.fillFrom(st, anchor); m != nil {
			return m
		}
	}
	return nil
}

// fillFrom makes a match of the anchor and the tickets of the hunt. A batch of them is
// enough as a rule; only where it does not make a match everybody is looked at.
func (f *finder) fillFrom(st *stage, anchor *entry) *found {
	for batch := largeBatch * st.maxPlayers; ; batch = math.MaxInt {
		for len(f.list) < batch && f.more() {
		}
		group := slices.Clone(f.list[f.seeds:])
		f.orderByCloseness(st, anchor, group)
		if m := f.fill(st, anchor, group); m != nil || f.drained || f.work <= 0 {
			return m
		}
	}
}

// largeBatch is how many tickets are ordered for a large match, in players it can have.
const largeBatch = 4

// meetings lists the locations that the anchor accepts, each as a set of its own: the
// largest population first, or with fastestRegion the anchor's lowest latency first.
// Those with too few players are left out.
func (f *finder) meetings(st *stage, anchor *entry) []sites {
	if anchor.reach == nil || anchor.reach[st.level] == everywhere {
		all := sites{bits: everywhere}
		if f.index.players(anchor.group, all) < st.minPlayers {
			return nil
		}
		return []sites{all}
	}
	type meeting struct {
		where   sites
		latency float64
		players int
	}
	var list []meeting
	for _, l := range anchor.latencies {
		if !f.acceptsLocation(st, anchor, l.location) {
			continue
		}
		var where sites
		where.add(f.index.location(l.location), f.limits.bits)
		if n := f.index.players(anchor.group, where); n >= st.minPlayers {
			list = append(list, meeting{where, l.mean, n})
		}
	}
	slices.SortStableFunc(list, func(a, b meeting) int {
		if f.set.algorithm.fastestRegion {
			return cmp.Compare(a.latency, b.latency)
		}
		return cmp.Compare(b.players, a.players)
	})
	out := make([]sites, len(list))
	for i, m := range list {
		out[i] = m.where
	}
	return out
}

func (f *finder) acceptsLocation(st *stage, e *entry, location string) bool {
	for _, i := range f.set.plan.stages[st.level].latency {
		if !st.rules[i].(*latencyRule).acceptable(e, location) {
			return false
		}
	}
	return true
}

// orderByCloseness sorts a group by distance to the anchor in the numeric batch
// attributes, in units of what each rule allows, so that greedy filling does not spend
// the allowed spread early. Equals stay by age.
func (f *finder) orderByCloseness(st *stage, anchor *entry, group []*entry) {
	var distance map[*entry]float64
	for _, i := range st.enforced {
		r, ok := st.rules[i].(*batchDistanceRule)
		if !ok || r.text || r.most == 0 {
			continue
		}
		if distance == nil {
			distance = make(map[*entry]float64, len(group))
		}
		for _, e := range group {
			distance[e] += math.Abs(r.number(e)-r.number(anchor)) / r.most
		}
	}
	if distance == nil {
		return
	}
	slices.SortStableFunc(group, func(a, b *entry) int { return cmp.Compare(distance[a], distance[b]) })
}

// fill seats the anchor and then whoever of the group still fits.
func (f *finder) fill(st *stage, anchor *entry, group []*entry) *found {
	d := f.draft
	d.reset(st)
	if !f.take(anchor) {
		return nil
	}
	exact := anchor.level == f.level
	for _, e := range group {
		if f.work -= nodeWork + d.spent(); d.total >= d.capacity() {
			break
		}
		if f.take(e) {
			exact = exact || e.level == f.level
		}
	}
	if !exact || !d.finished() || !d.satisfied() {
		return nil
	}
	return d.found()
}

// take seats an entry in the first team of the fill order that has room, unless a rule
// objects.
func (f *finder) take(e *entry) bool {
	d := f.draft
	for _, team := range d.teamOrder(nil, e) {
		if !d.fits(e, team) {
			continue
		}
		d.push(e, team)
		if !d.doomed() {
			return true
		}
		d.pop()
		return false // the rules of large matches do not depend on teams
	}
	return false
}

// balance moves tickets between teams until their averages of the balanced attribute
// are close. Team sizes stay, so tickets change places with others of their size: dealt
// out from the greatest value down, each to the team that has least, and then exchanged
// between the teams furthest apart while that helps. The guide names the aim, not the
// method.
func (f *finder) balance(m *found) {
	attribute := f.set.algorithm.balancedAttribute
	if attribute < 0 || len(m.stage.teams) < 2 {
		return
	}
	b := balance{match: m, values: make([]float64, len(m.entries)), sums: make([]float64, len(m.stage.teams)), counts: make([]float64, len(m.stage.teams))}
	for i, e := range m.entries {
		b.values[i] = e.sum(attribute)
		for j := range e.players {
			team := m.placed[i]
			if e.backfill {
				team = e.seats[j]
				b.sums[team] += e.players[j].values[attribute].number
			}
			b.counts[team]++
		}
	}
	b.deal()
	for range 2 * len(m.entries) {
		if !b.exchange() {
			return
		}
	}
}

// balance is a match whose teams are being made alike.
type balance struct {
	match  *found
	values []float64 // per entry
	sums   []float64 // per team
	counts []float64 // per team, players
}

// deal gives each seat to a ticket of the size that sat there.
func (b *balance) deal() {
	m := b.match
	order := make([]int, 0, len(m.entries))
	open := map[int][]int{} // by size: per team, how many tickets of the size sit there
	for i, e := range m.entries {
		if m.placed[i] < 0 {
			continue
		}
		order = append(order, i)
		if open[len(e.players)] == nil {
			open[len(e.players)] = make([]int, len(b.sums))
		}
		open[len(e.players)][m.placed[i]]++
	}
	slices.SortStableFunc(order, func(i, j int) int {
		return cmp.Or(cmp.Compare(len(m.entries[j].players), len(m.entries[i].players)), cmp.Compare(b.values[j], b.values[i]))
	})
	for _, i := range order {
		seats, best := open[len(m.entries[i].players)], -1
		for team, n := range seats {
			if n > 0 && (best < 0 || b.sums[team]/b.counts[team] < b.sums[best]/b.counts[best]) {
				best = team
			}
		}
		seats[best]--
		m.placed[i] = best
		b.sums[best] += b.values[i]
	}
}

// exchange makes the best exchange between the teams with the greatest and the least
// average; false when none brings them closer.
func (b *balance) exchange() bool {
	m, hi, lo := b.match, -1, -1
	average := func(team int) float64 { return b.sums[team] / b.counts[team] }
	for team, n := range b.counts {
		if n == 0 {
			continue
		}
		if hi < 0 || average(team) > average(hi) {
			hi = team
		}
		if lo < 0 || average(team) < average(lo) {
			lo = team
		}
	}
	gap := average(hi) - average(lo)
	best, x, y := gap-1e-9*(1+gap), -1, -1
	for i := range m.entries {
		if m.placed[i] != hi {
			continue
		}
		for j := range m.entries {
			if m.placed[j] != lo || len(m.entries[i].players) != len(m.entries[j].players) {
				continue
			}
			delta := b.values[i] - b.values[j]
			after := (b.sums[hi]-delta)/b.counts[hi] - (b.sums[lo]+delta)/b.counts[lo]
			if math.Abs(after) < best {
				best, x, y = math.Abs(after), i, j
			}
		}
	}
	if x < 0 {
		return false
	}
	delta := b.values[x] - b.values[y]
	b.sums[hi] -= delta
	b.sums[lo] += delta
	m.placed[x], m.placed[y] = lo, hi
	return true
}

// FillTeams says how many players each team has, in the order of TeamSizes, after n
// players were seated one by one as large matches are filled: among the teams below
// their minimum, or among all when there are none, the one with the most open slots.
// Players beyond the maximum stay out.
func (s *RuleSet) FillTeams(n int) []int {
	d := newDraft(s, 0)
	d.reset(s.stages[0])
	nothing := make([]value, len(s.attributes))
	for range n {
		e := &entry{players: []player{{values: nothing}}}
		for _, team := range d.teamOrder(nil, e) {
			if d.fits(e, team) {
				d.push(e, team)
				break
			}
		}
	}
	out := make([]int, len(d.teams))
	for i, t := range d.teams {
		out[i] = len(t)
	}
	return out
}
