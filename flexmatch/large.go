package flexmatch

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// large looks for a match of a rule set of more than 40 players: tickets that share a
// location with the anchor and are alike in the batch attributes, taken greedily until
// the teams are full, then balanced. rest is in batch order.
func (f *finder) large(q query) *found {
	anchor := q.seeds[0]
	clear(f.draft.metrics)
	f.query = q
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
	if best != nil {
		f.balance(best)
		best.sort(f.set)
		best.metrics = slices.Clone(f.draft.metrics)
	}
	return best
}

// largeAt tries the anchor's locations in the order of batchingPreference under one
// stage and takes the first that makes a match.
func (f *finder) largeAt(level int, anchor *entry) *found {
	st := f.set.stages[level]
	f.begin(level)
	players := 0
	for f.more() {
	}
	for _, e := range f.list {
		players += len(e.players)
	}
	if players < st.minPlayers {
		return nil
	}
	joining := slices.Clone(f.list[f.seeds:])
	for _, group := range f.groupsByLocation(st, anchor, joining) {
		f.orderByCloseness(st, anchor, group)
		if m := f.fill(st, anchor, group); m != nil {
			return m
		}
	}
	return nil
}

// groupsByLocation gathers for each location that the anchor accepts the tickets that
// accept it too: the largest population first, or with fastestRegion the anchor's
// lowest latency first. Without a latency rule there is one group of everybody (the
// guide does not say how tickets are batched then; we chose).
func (f *finder) groupsByLocation(st *stage, anchor *entry, joining []*entry) [][]*entry {
	if len(f.set.latencyRules) == 0 {
		return [][]*entry{joining}
	}
	type group struct {
		latency float64
		players int
		members []*entry
	}
	var groups []group
	for _, l := range anchor.latencies {
		if !f.acceptsLocation(st, anchor, l.location) {
			continue
		}
		g := group{latency: l.mean}
		for _, e := range joining {
			if f.acceptsLocation(st, e, l.location) {
				g.members = append(g.members, e)
				g.players += len(e.players)
			}
		}
		groups = append(groups, g)
	}
	sort.SliceStable(groups, func(i, j int) bool {
		if f.set.algorithm.fastestRegion {
			return groups[i].latency < groups[j].latency
		}
		return groups[i].players > groups[j].players
	})
	out := make([][]*entry, len(groups))
	for i, g := range groups {
		out[i] = g.members
	}
	return out
}

func (f *finder) acceptsLocation(st *stage, e *entry, location string) bool {
	for _, i := range f.set.latencyRules {
		if r, ok := st.rules[i].(*latencyRule); ok && !r.acceptable(e, location) {
			return false
		}
	}
	return true
}

// orderByCloseness sorts a group by distance to the anchor in the numeric batch
// attributes, in units of what each rule allows, so that greedy filling does not spend
// the allowed spread early. Equals stay by age.
func (f *finder) orderByCloseness(st *stage, anchor *entry, group []*entry) {
	distance := make(map[*entry]float64, len(group))
	for _, i := range st.enforced {
		r, ok := st.rules[i].(*batchDistanceRule)
		if !ok || r.text || r.most == 0 {
			continue
		}
		for _, e := range group {
			distance[e] += math.Abs(r.number(e)-r.number(anchor)) / r.most
		}
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
		if d.total >= d.capacity() {
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

// balance swaps tickets of equal size between teams until no swap brings the teams'
// averages of the balanced attribute closer. Team sizes stay. The guide names the aim,
// not the method.
func (f *finder) balance(m *found) {
	attribute := f.set.algorithm.balancedAttribute
	if attribute < 0 || len(m.stage.teams) < 2 {
		return
	}
	sums, counts := make([]float64, len(m.stage.teams)), make([]float64, len(m.stage.teams))
	values := make([]float64, len(m.entries))
	var total, players float64
	for i, e := range m.entries {
		for j := range e.players {
			v, team := e.players[j].values[attribute].number, m.placed[i]
			if e.backfill {
				team = e.seats[j]
			}
			values[i] += v
			sums[team], counts[team] = sums[team]+v, counts[team]+1
			total, players = total+v, players+1
		}
	}
	mean := total / players
	// cost is a team's squared distance to the mean if its sum changed by delta.
	cost := func(team int, delta float64) float64 {
		off := (sums[team]+delta)/counts[team] - mean
		return off * off
	}
	for range m.entries {
		bestGain, a, b := 1e-9, -1, -1
		for i := range m.entries {
			for j := range i {
				s, t := m.placed[i], m.placed[j]
				if s == t || s < 0 || t < 0 || len(m.entries[i].players) != len(m.entries[j].players) {
					continue
				}
				delta := values[j] - values[i]
				gain := cost(s, 0) + cost(t, 0) - cost(s, delta) - cost(t, -delta)
				if gain > bestGain {
					bestGain, a, b = gain, i, j
				}
			}
		}
		if a < 0 {
			return
		}
		delta := values[b] - values[a]
		sums[m.placed[a]] += delta
		sums[m.placed[b]] -= delta
		m.placed[a], m.placed[b] = m.placed[b], m.placed[a]
	}
}

// FillTeams says how many players each team has, in the order of TeamSizes, after n
// players were seated one by one as large matches are filled: among the teams below
// their minimum, or among all when there are none, the one with the most open slots.
// Players beyond the maximum stay out.
func (s *RuleSet) FillTeams(n int) []int {
	d := newDraft(s, 0)
	d.reset(s.stages[0])
	for range n {
		e := &entry{players: make([]player, 1)}
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
