package flexmatch

import (
	"math"
	"slices"
	"sort"
)

// Bounds on the work of one pass over the pool. Work is counted in steps of some 40 ns:
// what it takes to look at one player for one rule. Within the bounds a match with the
// anchor is found if there is one; beyond, the search settles for the best match seen
// and a try with similar tickets. See limits for pools too large for one batch.
const (
	anchorWork  = 250_000   // around one anchor
	passWork    = 1_000_000 // around all anchors of a pass, but never less than leastWork each
	leastWork   = 5_000
	fewWork     = 2_000_000 // around all anchors of a pass of a few tickets
	largeWork   = 1_000_000 // around one anchor of a large match
	similarWork = 100_000   // of the try with similar tickets
	olderWork   = 100_000   // to exchange tickets of a match for older ones
	nodeWork    = 3         // to seat a ticket, without rules
	lookWork    = 2         // to look at a candidate, in order of rank
	digWork     = 10        // to find one in a shelf of another order
)

// found is a match that satisfies every rule.
type found struct {
	stage   *stage
	entries []*entry // the anchor first, then in batch order
	placed  []int    // per entry: its team, or backfillSeats
	total   int      // players
	metrics []tally  // of the search that found it
}

// query asks for a match.
type query struct {
	seeds []*entry // must all be in it
	after rank     // the others stand behind it in the batch
	// crowded: more tickets wait than a batch holds. Which of them make up the batch is
	// then ours to say, and the first match that a glance finds will do.
	crowded bool
}

// finder searches for matches. It keeps scratch space between searches.
type finder struct {
	set     *RuleSet
	index   *index
	draft   *draft
	classes classes
	// waiting counts searching tickets by level.
	waiting []int

	// The search at hand: list holds the seeds, which must be in the match, and then
	// the candidates as far as they were looked for.
	query    query
	level    int
	hunt     hunt
	drained  bool // the hunt is over
	list     []*entry
	seeds    int
	searches int // counts searches, to mark classes
	limits   limits

	// Of the full search.
	groups      []int  // per list item: equal numbers are interchangeable tickets
	playersFrom []int  // players in list[i:]
	exactFrom   []bool // some of list[i:] is of exactly the level
	exact       int    // entries in the draft of exactly the level
	skipped     []bool // by group: not to be taken below the current node
	goal        int    // players beyond which no match can be better
	work        int    // left to spend
	similar     int    // to spend on the try with similar tickets
	floor       int    // matches of so many players or fewer are of no interest
	best        *found
	order       []int // scratch: stack of team orders
	shuffle     []*entry
	sums        []float64
	mending     mending
}

func newFinder(set *RuleSet, x *index, additional int, l limits) *finder {
	return &finder{set: set, index: x, limits: l, draft: newDraft(set, additional), classes: classes{set, map[string]*class{}}, waiting: make([]int, len(set.stages))}
}

// find looks for the best match that answers a query. More players are better, then
// older tickets. work is what may be done and is lowered by what was.
func (f *finder) find(q query, work *int) *found {
	f.draft.bitsOnly = !f.index.many()
	f.best, f.query, f.work, f.similar = nil, q, *work, min(*work, similarWork)
	clear(f.draft.metrics)
	f.atLevels()
	*work = f.work
	q.seeds[0].credit(f.draft.metrics)
	if f.best != nil {
		f.best.sort(f.set)
		f.best.metrics = slices.Clone(f.draft.metrics)
	}
	return f.best
}

// credit adds the counts of a search to those of the ticket it was for.
func (e *entry) credit(counts []tally) {
	if e.metrics == nil {
		e.metrics = make([]tally, len(counts))
	}
	for i, t := range counts {
		e.metrics[i].passed += t.passed
		e.metrics[i].failed += t.failed
	}
}

// atLevels searches under every stage that a match with the seeds could be in. The
// stage of a match is that of its newest ticket (or its oldest: expansionAgeSelection),
// so under stage L take part only tickets that are at least that old, and one must be
// of exactly that level. Source: Amazon's FlexMatch guide and staff answers on
// expansions.
func (f *finder) atLevels() {
	seeds := f.query.seeds
	low, high := seeds[0].level, seeds[0].level
	for _, e := range seeds {
		low, high = min(low, e.level), max(high, e.level)
	}
	from, to := low, 0
	if f.set.algorithm.oldest {
		from, to = len(f.set.stages)-1, high
	}
	for level := from; level >= to; level-- {
		if f.waiting[level] > 0 && f.work > 0 {
			f.atLevel(level)
		}
	}
}

// joins tells whether a ticket may take part under a level.
func (f *finder) joins(e *entry, level int) bool {
	if f.set.algorithm.oldest {
		return e.level <= level
	}
	return e.level >= level
}

func (f *finder) atLevel(level int) {
	st, seeds := f.set.stages[level], f.query.seeds
	total, exact := 0, false
	for i, e := range seeds {
		total += len(e.players)
		exact = exact || e.level == level
		for _, other := range seeds[:i] {
			if f.apart(level, other, e) {
				return
			}
		}
	}
	if total > st.maxPlayers || total == st.maxPlayers && !exact {
		return
	}
	f.begin(level)
	before := f.best
	if f.glance(st) {
		return
	}
	for {
		f.gather(st)
		f.run(st)
		if f.best != before || f.drained || f.work <= 0 || f.arranged(st) {
			break
		}
		f.list = f.list[:f.seeds] // the next batch
	}
	if f.best == nil && f.work <= 0 {
		f.trySimilar(st)
	}
	if f.best != before && len(st.teams) > 1 {
		f.preferOlder(st)
	}
}

// trySimilar spends a little more on the tickets that are most like the anchor.
func (f *finder) trySimilar(st *stage) {
	f.work = f.similar
	if !f.arranged(st) {
		f.begin(f.level)
		for len(f.list) < f.limits.glanced && f.more() {
		}
	}
	f.survey() // for the ranges
	f.sortBySimilarity()
	f.list = f.list[:min(len(f.list), f.limits.candidates)]
	f.run(st)
	f.work = 0
}

// preferOlder exchanges tickets of the best match for ones that stand earlier in
// list, where a match of as many players allows it. The search itself does not see to
// that: it settles the teams of the first tickets before it chooses the next.
func (f *finder) preferOlder(st *stage) {
	list, groups, best, work := slices.Clone(f.list), slices.Clone(f.groups), f.best, f.work
	must, players := slices.Clone(list[:f.seeds]), 0
	for _, e := range must {
		players += len(e.players)
	}
	f.work, f.floor = olderWork, best.total-1
	rejected := map[int]bool{}
	for j := f.seeds; j < len(list) && f.work > 0 && players < best.total; j++ {
		e := list[j]
		if players+len(e.players) > best.total {
			continue
		}
		if !slices.Contains(best.entries, e) {
			if rejected[groups[j]] {
				continue
			}
			f.list = append(append(append(f.list[:0], must...), e), list[j+1:]...)
			f.seeds, f.best = len(must)+1, nil
			f.run(st)
			if f.best == nil {
				rejected[groups[j]] = true
				continue
			}
			best = f.best
		}
		must = append(must, e)
		players += len(e.players)
	}
	f.best, f.work, f.floor = best, work, 0
}

// gather completes the list of candidates, in the order to try them. Amazon splits a
// pool into batches of a size that is not documented; we take the oldest compatible
// tickets.
func (f *finder) gather(st *stage) {
	if !f.arranged(st) {
		for len(f.list) < f.limits.candidates && f.more() {
		}
	}
	f.list = f.list[:min(len(f.list), f.limits.candidates)]
	f.meetable(st)
}

// arranged tells that candidates are not tried in batch order.
func (f *finder) arranged(st *stage) bool { return len(st.sorts) > 0 || f.set.algorithm.sorted }

// arrange lists all candidates and puts them in order. With batchingPreference "sorted"
// and more tickets than a batch holds, it keeps those nearest to the anchor by the
// attributes.
func (f *finder) arrange(st *stage) {
	for len(f.list) < f.limits.sorted && f.more() {
	}
	if f.set.algorithm.sorted && len(f.list) > f.limits.candidates {
		f.drained = false // some are left out
		f.list = f.list[:f.seeds+f.nearest(f.list[0], f.list[f.seeds:])]
	}
	sortCandidates(st.sorts, f.list[0], f.list[f.seeds:])
}

// meetable drops the candidates that share with the seeds no location at which enough
// players could meet, and all of them if there is no such location.
func (f *finder) meetable(st *stage) {
	reach := meeting(f.list[:f.seeds], st.level)
	if reach == everywhere {
		return
	}
	viable := uint64(0)
	for rest := reach; rest != 0; rest &= rest - 1 {
		bit, players := rest&-rest, 0
		for _, e := range f.list {
			if e.reach[st.level]&bit != 0 {
				players += len(e.players)
			}
		}
		if players >= st.minPlayers {
			viable |= bit
		}
	}
	seeds := f.seeds
	f.list = append(f.list[:seeds], slices.DeleteFunc(f.list[seeds:], func(e *entry) bool { return e.reach[st.level]&viable == 0 })...)
}

// begin starts the list of a search with the seeds.
func (f *finder) begin(level int) {
	f.level, f.drained = level, false
	f.list = append(f.list[:0], f.query.seeds...)
	f.seeds = len(f.list)
	f.hunt = f.index.hunt(f.list[0], level, f.query.after)
	f.creditIndex(f.list[0])
}

// creditIndex counts what the index rules out as failures of the rules that it answers
// for: one for each ticket and search.
func (f *finder) creditIndex(anchor *entry) {
	sp, metrics := &f.set.plan.stages[f.level], f.draft.metrics
	if sp.equalRule >= 0 {
		metrics[sp.equalRule].failed += f.index.size - anchor.group.size
	}
	if sp.nearRule >= 0 {
		metrics[sp.nearRule].failed += f.hunt.far
	}
	for _, i := range sp.plain {
		metrics[i].failed += f.hunt.unreached
	}
}

// more adds the next candidate to the list.
func (f *finder) more() bool {
	for !f.drained && f.work > 0 {
		e := f.hunt.next()
		if f.work -= lookWork; !f.hunt.ordered {
			f.work -= digWork
		}
		if e == nil {
			f.drained = true
			break
		}
		if f.joins(e, f.level) && !f.excluded(e) {
			f.list = append(f.list, e)
			return true
		}
	}
	return false
}

// excluded tells that a candidate can never be with one of the seeds, or is one. With
// low priority backfills are anchors only, after all others.
func (f *finder) excluded(e *entry) bool {
	if e.backfill && f.set.backfillsLast() {
		return true
	}
	for _, s := range f.query.seeds {
		if s == e || s.backfill && e.backfill || f.apart(f.level, s, e) {
			return true
		}
	}
	return false
}

// apart tells that two tickets can never be in one match under a stage. It may err only
// towards false.
func (f *finder) apart(level int, a, b *entry) bool {
	if a.group != b.group {
		return true
	}
	sp := &f.set.plan.stages[level]
	if a.reach != nil && a.reach[level]&b.reach[level] == 0 {
		for _, i := range sp.plain {
			f.draft.metrics[i].failed++
		}
		return true
	}
	if f.set.plan.near.attribute >= 0 {
		if w := f.set.plan.window(a, level); b.number < w.lo || b.number > w.hi {
			return true
		}
	}
	if f.index.many() {
		for _, i := range sp.plain {
			if f.set.stages[level].rules[i].apart(a, b) {
				f.draft.metrics[i].failed++
				return true
			}
		}
	}
	for _, i := range sp.pairs {
		if f.set.stages[level].rules[i].apart(a, b) {
			f.draft.metrics[i].failed++
			return true
		}
	}
	return false
}

// nearest keeps in front those closest to the anchor in the order of sortByAttributes,
// themselves by age, and says how many: a batch with the anchor.
func (f *finder) nearest(anchor *entry, candidates []*entry) int {
	ordered := append([]*entry{anchor}, candidates...)
	slices.SortStableFunc(ordered, func(a, b *entry) int {
		for _, attribute := range f.set.algorithm.sortBy {
			r := sortRule{attribute: attribute, kind: f.set.attributes[attribute].Kind}
			if c := r.compare(r.key(a, "", 0), r.key(b, "", 0)); c != 0 {
				return c
			}
		}
		return 0
	})
	batch := min(f.limits.candidates, len(ordered))
	from := max(0, min(slices.Index(ordered, anchor)-batch/2, len(ordered)-batch))
	near := slices.DeleteFunc(ordered[from:from+batch], func(e *entry) bool { return e == anchor })
	slices.SortStableFunc(near, func(a, b *entry) int { return a.rank.compare(b.rank) })
	return copy(candidates, near)
}

// sortBySimilarity reorders the candidates by how far their number attributes lie
// from the anchor's, each in units of its range.
func (f *finder) sortBySimilarity() {
	anchor := f.list[0]
	distance := make(map[*entry]float64, len(f.list))
	for _, e := range f.list {
		for i, a := range f.set.attributes {
			width := f.draft.ranges[i].hi - f.draft.ranges[i].lo
			if a.Kind != NumberAttribute || width <= 0 || math.IsInf(width, 0) {
				continue
			}
			r := sortRule{attribute: i, kind: NumberAttribute}
			mine, _ := r.number(anchor, "")
			other, _ := r.number(e, "")
			distance[e] += math.Abs(other-mine) / width
		}
	}
	sort.SliceStable(f.list[f.seeds:], func(i, j int) bool {
		return distance[f.list[f.seeds+i]] < distance[f.list[f.seeds+j]]
	})
}

// run searches list under a stage.
func (f *finder) run(st *stage) {
	d := f.draft
	d.reset(st)
	f.survey()
	f.exact = 0
	f.goal = st.maxPlayers - d.additional
	d.mayBackfill = slices.ContainsFunc(f.list, func(e *entry) bool { return e.backfill })
	if d.mayBackfill {
		f.goal = st.maxPlayers
	}
	f.goal = min(f.goal, f.playersFrom[0])
	f.extend(0)
}

// survey computes what the search wants to know about list.
func (f *finder) survey() {
	n := len(f.list)
	f.playersFrom = append(f.playersFrom[:0], make([]int, n+1)...)
	f.exactFrom = append(f.exactFrom[:0], make([]bool, n+1)...)
	for i := n - 1; i >= 0; i-- {
		e := f.list[i]
		f.playersFrom[i] = f.playersFrom[i+1] + len(e.players)
		f.exactFrom[i] = f.exactFrom[i+1] || e.level == f.level
	}
	f.groups = f.groups[:0]
	f.searches++
	for i, e := range f.list {
		c, first := f.classes.of(e), i
		switch {
		case c == nil:
		case c.seen == f.searches && c.seenLevel == e.level:
			first = c.first
		default:
			c.seen, c.seenLevel, c.first = f.searches, e.level, i
		}
		f.groups = append(f.groups, first)
	}
	f.skipped = append(f.skipped[:0], make([]bool, n)...)
	for i, a := range f.set.attributes {
		if a.Kind != NumberAttribute {
			continue
		}
		r := interval{math.Inf(1), math.Inf(-1)}
		for _, e := range f.list {
			for j := range e.players {
				r = r.including(e.players[j].values[i].number)
			}
		}
		f.draft.ranges[i] = r
	}
}

func (f *finder) done() bool {
	return f.work <= 0 || f.best != nil && f.best.total >= f.goal
}

// promising tells whether adding from list[i:] can still lead to a better match.
func (f *finder) promising(i int) bool {
	d := f.draft
	reach := min(d.total+f.playersFrom[i], f.goal)
	return d.deficit <= f.playersFrom[i] &&
		(f.exact > 0 || f.exactFrom[i]) &&
		reach > f.floor && (f.best == nil || reach > f.best.total)
}

// extend tries to add tickets of list[i:] to the draft, older ones first, and then
// judges the draft as it stands. Tickets that are left out take their equals with them:
// a match with an equal one instead is the same match with a younger ticket.
func (f *finder) extend(i int) {
	if i < f.seeds {
		if f.promising(i) {
			f.seat(i)
		}
		return
	}
	var left []int
	for j := i; j < len(f.list) && !f.done() && f.promising(j) && f.draft.total < f.draft.stage.maxPlayers; j++ {
		if g := f.groups[j]; !f.skipped[g] {
			f.seat(j)
			f.skipped[g] = true
			left = append(left, g)
		}
	}
	for _, g := range left {
		f.skipped[g] = false
	}
	f.judge()
}

// judge records the draft if it is a better match than the best so far.
func (f *finder) judge() {
	d := f.draft
	if !d.finished() || f.exact == 0 || d.total <= f.floor || f.best != nil && d.total <= f.best.total {
		return
	}
	satisfied := d.satisfied()
	if f.work -= d.spent(); !satisfied {
		return
	}
	f.best = d.found()
}

// found is the draft as a match.
func (d *draft) found() *found {
	return &found{stage: d.stage, entries: slices.Clone(d.entries), placed: slices.Clone(d.placed), total: d.total}
}

// sort brings the entries into batch order, the anchor first: the oldest, or with low
// priority the backfill.
func (m *found) sort(set *RuleSet) {
	first := func(e *entry) bool { return e.backfill && set.backfillsLast() }
	for i := 1; i < len(m.entries); i++ {
		e, team, at := m.entries[i], m.placed[i], i
		for ; at > 0 && (first(e) || !first(m.entries[at-1]) && e.rank.before(m.entries[at-1].rank)); at-- {
			m.entries[at], m.placed[at] = m.entries[at-1], m.placed[at-1]
		}
		m.entries[at], m.placed[at] = e, team
	}
}

// seat puts list[i] into every team in turn and goes on from there.
func (f *finder) seat(i int) {
	e, d := f.list[i], f.draft
	base := len(f.order)
	f.order = d.teamOrder(f.order, e)
	teams := f.order[base:]
	for n, team := range teams {
		if f.done() {
			break
		}
		if !d.fits(e, team) || !e.backfill && f.mirrored(teams[:n], team) {
			continue
		}
		d.push(e, team)
		if e.level == f.level {
			f.exact++
		}
		doomed := d.doomed()
		f.work -= nodeWork + d.spent()
		if !doomed {
			f.extend(i + 1)
		}
		if e.level == f.level {
			f.exact--
		}
		d.pop()
	}
	f.order = f.order[:base]
}

// mirrored tells that a team is empty and one tried before it is too, and neither a
// rule nor a backfill that may still join can tell them apart.
func (f *finder) mirrored(tried []int, team int) bool {
	if len(f.draft.teams[team]) > 0 || f.draft.mayBackfill && f.draft.backfill == nil {
		return false
	}
	for _, t := range tried {
		if len(f.draft.teams[t]) == 0 && f.set.lookalikes[t] == f.set.lookalikes[team] {
			return true
		}
	}
	return false
}

// teamOrder appends the teams in the order to try for an entry: teams below their
// minimum first, then the most open slots, then by declaration. This is the order in
// which Amazon's guide fills large matches.
func (d *draft) teamOrder(out []int, e *entry) []int {
	if e.backfill {
		return append(out, backfillSeats)
	}
	base := len(out)
	for team := range d.teams {
		at := len(out)
		out = append(out, team)
		for ; at > base && d.fillOrder(team, out[at-1]) < 0; at-- {
			out[at] = out[at-1]
		}
		out[at] = team
	}
	return out
}

// fillOrder compares two teams by which is to be filled first.
func (d *draft) fillOrder(a, b int) int {
	ta, tb := d.stage.teams[a], d.stage.teams[b]
	wantsA, wantsB := len(d.teams[a]) < ta.Min, len(d.teams[b]) < tb.Min
	if wantsA != wantsB {
		if wantsA {
			return -1
		}
		return 1
	}
	return (tb.Max - len(d.teams[b])) - (ta.Max - len(d.teams[a]))
}
