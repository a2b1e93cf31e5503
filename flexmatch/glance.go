package flexmatch

import "slices"

// glance seats the candidates one after the other where they fit, without going back on
// any. done tells that the full search could find nothing better: glance has found the
// best match, or there is none.
//
// Where a match of the greatest size comes out, no candidate that it passed over could
// be in it, but for those that did not fit the teams as they were filled: these might
// in another arrangement, and are older than what came instead.
func (f *finder) glance(st *stage) (done bool) {
	if f.best != nil && f.best.total >= st.maxPlayers {
		return true
	}
	if f.arranged(st) {
		f.arrange(st)
	}
	done, refused := f.seatWithin(st, 1)
	if refused && f.query.crowded && f.set.plan.near.attribute >= 0 {
		// Tickets twice as near to each other may please a rule that wants them near to
		// their average.
		done, _ = f.seatWithin(st, 0.5)
	}
	return done
}

// seatWithin is one glance, at tickets within a share of the span that the index allows.
// refused tells that the rules did not accept the match that came out.
func (f *finder) seatWithin(st *stage, share float64) (done, refused bool) {
	d := f.draft
	d.reset(st)
	players, clashed, unfit := f.seatAll(st, share)
	if players < 0 {
		return false, false
	}
	full := d.total >= d.capacity()
	if !full && f.drained && players < st.minPlayers {
		return true, false
	}
	better := f.best == nil || d.total > f.best.total
	if !better || !d.finished() || !f.hasExact() {
		return false, false
	}
	// A match smaller than the teams allow is the best one only if everybody is in it.
	if !full && !(f.drained && !clashed && !unfit) {
		return false, false
	}
	if !d.satisfied() && !f.even(st) && !f.mend(st) {
		return false, true
	}
	f.best = d.found()
	mayGrow := d.additional > 0 && d.backfill == nil && f.index.backfills > 0 // into the slots left open
	return f.query.crowded || !unfit && !mayGrow, false
}

// seatAll seats the seeds and then candidates until the match is full. players counts
// all that were looked at, -1 when the seeds themselves do not fit; clashed tells that
// a candidate was passed over for what it is, unfit that one found no room.
func (f *finder) seatAll(st *stage, share float64) (players int, clashed, unfit bool) {
	d := f.draft
	near, exact, arranged := everything, false, f.arranged(st)
	for j := 0; d.total < d.capacity() && j < f.limits.glanced; j++ {
		if j == len(f.list) && (arranged || !f.more()) {
			break
		}
		e, seed := f.list[j], j < f.seeds
		players += len(e.players)
		if !seed && (e.number < near.lo || e.number > near.hi || f.clashes(e)) {
			clashed = true
			continue
		}
		// Someone of the stage's own level must be in: the last seat is kept for that.
		last := d.total+len(e.players) >= d.capacity() && !exact && e.level != f.level
		if last || !f.sit(e) {
			if seed {
				return -1, clashed, unfit
			}
			unfit = true
			continue
		}
		if !seed && f.nothingShared() {
			d.pop()
			unfit = true // in another team it might share something
			continue
		}
		exact = exact || e.level == f.level
		w := f.set.plan.window(e, f.level)
		near = interval{max(near.lo, e.number-share*(e.number-w.lo)), min(near.hi, e.number+share*(w.hi-e.number))}
	}
	return players, clashed, unfit
}

// nothingShared tells that the lists of those seated fail a rule on what they share.
func (f *finder) nothingShared() bool {
	for _, i := range f.set.plan.stages[f.level].lists {
		if f.draft.stage.rules[i].hopeless(f.draft) {
			f.draft.metrics[i].failed++
			return true
		}
	}
	return false
}

// clashes tells that a candidate cannot be with all of those seated.
func (f *finder) clashes(e *entry) bool {
	d := f.draft
	if d.meetingWith(e) == 0 || !d.bitsOnly && d.parted(e) {
		return true
	}
	for _, i := range f.set.plan.stages[f.level].pairs {
		for _, other := range d.entries {
			if d.stage.rules[i].apart(other, e) {
				d.metrics[i].failed++
				return true
			}
		}
	}
	return false
}

// parted tells that no location is left in common once an entry joins.
func (d *draft) parted(e *entry) bool {
	d.entries = append(d.entries, e)
	defer func() { d.entries = d.entries[:len(d.entries)-1] }()
	return slices.ContainsFunc(d.plan.stages[d.stage.level].plain, func(i int) bool { return d.stage.rules[i].hopeless(d) })
}

// sit puts an entry into the first team of the fill order that has room.
func (f *finder) sit(e *entry) bool {
	d := f.draft
	base := len(f.order)
	f.order = d.teamOrder(f.order, e)
	defer func() { f.order = f.order[:base] }()
	for _, team := range f.order[base:] {
		if d.fits(e, team) {
			d.push(e, team)
			return true
		}
	}
	return false
}

func (f *finder) hasExact() bool {
	for _, e := range f.draft.entries {
		if e.level == f.level {
			return true
		}
	}
	return false
}

// even rearranges the seated tickets over the teams so that the teams are alike in an
// attribute that rules average or add up: the most first, each to the team that has
// least. It tells whether a rearrangement satisfies the rules; otherwise the draft is
// left in disorder.
func (f *finder) even(st *stage) bool {
	d := f.draft
	f.shuffle = append(f.shuffle[:0], d.entries...)
	if len(st.teams) < 2 || d.backfill != nil {
		return false
	}
	for _, attribute := range f.set.plan.even {
		slices.SortStableFunc(f.shuffle, func(a, b *entry) int {
			if n := len(b.players) - len(a.players); n != 0 {
				return n
			}
			switch x, y := a.sum(attribute), b.sum(attribute); {
			case x > y:
				return -1
			case x < y:
				return 1
			}
			return 0
		})
		if f.deal(st, attribute) && d.satisfied() {
			return true
		}
	}
	return false
}

// deal seats the shuffled entries, each in the team with the least sum that has room.
func (f *finder) deal(st *stage, attribute int) bool {
	d := f.draft
	d.reset(st)
	sums := append(f.sums[:0], make([]float64, len(st.teams))...)
	f.sums = sums
	for _, e := range f.shuffle {
		best := -1
		for team := range st.teams {
			if d.fits(e, team) && (best < 0 || sums[team] < sums[best]) {
				best = team
			}
		}
		if best < 0 {
			return false
		}
		d.push(e, best)
		sums[best] += e.sum(attribute)
	}
	return d.finished()
}

// sum adds up a number attribute over a ticket's players.
func (e *entry) sum(attribute int) float64 {
	total := 0.0
	for i := range e.players {
		total += e.players[i].values[attribute].number
	}
	return total
}
