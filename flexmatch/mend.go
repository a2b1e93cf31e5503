package flexmatch

import "slices"

// Bounds on a mending.
const (
	mendTeams = 8 // teams at most
	mendMoves = 6
)

// mending is a full match that the rules refuse, because its teams differ too much in
// an attribute: tickets change teams or are replaced until the teams are alike.
type mending struct {
	attribute int
	crew      []*entry
	team      []int     // per crew
	sums      []float64 // per team, of the attribute
	counts    []float64 // per team, players
}

// mend tries to make a match of a draft that was refused, of its tickets (shuffle) and
// what other candidates there are. It is for crowded pools only: it does not see to it
// that older tickets are preferred.
func (f *finder) mend(st *stage) bool {
	if !f.query.crowded || len(st.teams) < 2 || len(st.teams) > mendTeams || f.draft.backfill != nil {
		return false
	}
	for !f.arranged(st) && len(f.list) < f.limits.mended && f.more() {
	}
	for _, attribute := range f.set.plan.even {
		m := &f.mending
		if !m.start(f.draft, st, attribute, f.shuffle) {
			continue
		}
		for range mendMoves {
			if !f.improve(m) || !f.reseat(st, m) {
				break
			}
			if f.draft.satisfied() {
				return true
			}
		}
	}
	return false
}

// start seats the tickets anyhow, the largest first.
func (m *mending) start(d *draft, st *stage, attribute int, tickets []*entry) bool {
	slices.SortStableFunc(tickets, func(a, b *entry) int { return len(b.players) - len(a.players) })
	m.attribute = attribute
	m.crew, m.team = append(m.crew[:0], tickets...), m.team[:0]
	m.sums = append(m.sums[:0], make([]float64, len(st.teams))...)
	m.counts = append(m.counts[:0], make([]float64, len(st.teams))...)
	d.reset(st)
	for _, e := range m.crew {
		team := 0
		for team < len(st.teams) && !d.fits(e, team) {
			team++
		}
		if team == len(st.teams) {
			return false
		}
		d.push(e, team)
		m.team = append(m.team, team)
		m.sums[team] += e.sum(attribute)
		m.counts[team] += float64(len(e.players))
	}
	return d.finished()
}

// spread is how far the averages of the teams lie apart if two teams' sums changed.
func (m *mending) spread(a int, da float64, b int, db float64) float64 {
	lo, hi := everything.hi, everything.lo
	for t, n := range m.counts {
		if n == 0 {
			continue
		}
		sum := m.sums[t]
		if t == a {
			sum += da
		}
		if t == b {
			sum += db
		}
		lo, hi = min(lo, sum/n), max(hi, sum/n)
	}
	return hi - lo
}

// improve makes the one move that brings the teams closest: two tickets of one size
// change places, or a candidate takes a seat. The seeds stay.
func (f *finder) improve(m *mending) bool {
	best := m.spread(0, 0, 0, 0) * (1 - 1e-9)
	from, to, into := -1, -1, (*entry)(nil)
	for i, e := range m.crew {
		mine := e.sum(m.attribute)
		for j := range i {
			if other := m.crew[j]; m.team[i] != m.team[j] && len(other.players) == len(e.players) {
				delta := other.sum(m.attribute) - mine
				if s := m.spread(m.team[i], delta, m.team[j], -delta); s < best {
					best, from, to, into = s, i, j, nil
				}
			}
		}
		if slices.Contains(f.query.seeds, e) {
			continue
		}
		for _, c := range f.list[f.seeds:] {
			if len(c.players) != len(e.players) || c.backfill || c.level != e.level {
				continue
			}
			if s := m.spread(m.team[i], c.sum(m.attribute)-mine, -1, 0); s < best && !slices.Contains(m.crew, c) {
				best, from, to, into = s, i, -1, c
			}
		}
	}
	switch {
	case from < 0:
		return false
	case into != nil:
		m.sums[m.team[from]] += into.sum(m.attribute) - m.crew[from].sum(m.attribute)
		m.crew[from] = into
	default:
		delta := m.crew[to].sum(m.attribute) - m.crew[from].sum(m.attribute)
		m.sums[m.team[from]] += delta
		m.sums[m.team[to]] -= delta
		m.team[from], m.team[to] = m.team[to], m.team[from]
	}
	return true
}

// reseat puts the crew into the draft; false when some of them cannot be in one match.
func (f *finder) reseat(st *stage, m *mending) bool {
	f.draft.reset(st)
	for i, e := range m.crew {
		if f.clashes(e) || !f.draft.fits(e, m.team[i]) {
			return false
		}
		f.draft.push(e, m.team[i])
	}
	return true
}
