package flexmatch

import (
	"encoding/binary"
	"math"
	"slices"
)

// index holds the waiting tickets so that those which might be with a given one in a
// match are found without looking at the others. It answers plan's conditions: it may
// let through tickets that the rules keep apart, never the other way round.
type index struct {
	limits limits
	plan   *plan
	size   int // tickets
	// backfills is how many of them are.
	backfills int
	groups    map[string]*group
	// locations numbers the locations that tickets report. Should there be more than fit
	// a number, the last ones share one.
	locations map[string]int
	scratch   []byte
	runs      []run // of the hunt at hand
}

// group holds the tickets that agree in every attribute of plan.equal.
type group struct {
	key     string
	known   int // tickets of the pool that belong here, waiting or not
	size    int // of them waiting
	cells   []*cell
	bySites map[sites]*cell
}

// cell holds the tickets of a group that accept the same locations, by plan.near.
type cell struct {
	sites   sites
	shelf   shelf
	players int
}

// sites is a set of locations by number.
type sites struct {
	bits uint64 // the first ones as bits (limits.bits); the last bit says that there are more
	more string // the others, ascending, two bytes each
}

const (
	maxSites  = 1 << 16
	moreSites = uint64(1) << 63
)

// everywhere is the set of all locations, of a ticket that no latency rule restricts.
const everywhere = ^uint64(0)

// meet tells whether two sets have a location in common.
func (s sites) meet(o sites) bool {
	both := s.bits & o.bits
	if both&^moreSites != 0 || s.bits == everywhere || o.bits == everywhere {
		return both != 0
	}
	if both == 0 {
		return false
	}
	for i := 0; i < len(s.more); i += 2 {
		for j := 0; j < len(o.more); j += 2 {
			if s.more[i:i+2] == o.more[j:j+2] {
				return true
			}
		}
	}
	return false
}

// add puts a location into the set; numbers must ascend.
func (s *sites) add(number, bits int) {
	if number < bits {
		s.bits |= 1 << number
		return
	}
	s.bits |= moreSites
	s.more += string([]byte{byte(number >> 8), byte(number)})
}

func newIndex(p *plan, l limits) *index {
	return &index{plan: p, limits: l, groups: map[string]*group{}, locations: map[string]int{}}
}

// place computes where an entry belongs: what it accepts at each stage, its number and
// its group: none when its own players differ in what must be equal, so that no match
// can have it.
func (x *index) place(set *RuleSet, e *entry) {
	e.sites.bits = everywhere
	if x.plan.reaches {
		x.reach(set, e)
	}
	if n := x.plan.near; n.attribute >= 0 {
		if len(e.players) == 1 {
			e.number = e.players[0].values[n.attribute].number
		} else {
			e.number, _ = n.party.overall(e, func(p *player) (float64, bool) { return p.values[n.attribute].number, true })
		}
		if math.IsNaN(e.number) {
			e.number = 0
		}
	}
	b := x.scratch[:0]
	for _, a := range x.plan.equal {
		first := e.players[0].values[a]
		for i := range e.players[1:] {
			if !e.players[1+i].values[a].equal(first) {
				return
			}
		}
		if first.kind == numberValue {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(first.number+0)) // +0 makes one of both zeros
			continue
		}
		b = binary.AppendUvarint(b, uint64(len(first.text)))
		b = append(b, first.text...)
	}
	x.scratch = b
	e.group = x.groups[string(b)]
	if e.group == nil {
		e.group = &group{key: string(b), bySites: map[sites]*cell{}}
		x.groups[e.group.key] = e.group
	}
	e.group.known++
}

// forget is the end of what place began.
func (x *index) forget(e *entry) {
	if e.group == nil {
		return
	}
	if e.group.known--; e.group.known == 0 {
		delete(x.groups, e.group.key)
	}
}

// reach computes the locations that the latency rules let a ticket play at: as bits by
// stage, and over all stages.
func (x *index) reach(set *RuleSet, e *entry) {
	e.reach, e.sites = make([]uint64, len(x.plan.stages)), sites{}
	var more []int
	for _, l := range e.latencies {
		number, anywhere := x.location(l.location), false
		for level, sp := range x.plan.stages {
			accepted := true
			for _, i := range sp.latency {
				r := set.stages[level].rules[i].(*latencyRule)
				accepted = accepted && r.of(l) <= r.most
			}
			if accepted {
				e.reach[level] |= x.bit(number)
			}
			anywhere = anywhere || accepted
		}
		switch {
		case anywhere && number >= x.limits.bits:
			more = append(more, number)
		case anywhere:
			e.sites.add(number, x.limits.bits)
		}
	}
	slices.Sort(more)
	for _, number := range more {
		e.sites.add(number, x.limits.bits)
	}
	for level, sp := range x.plan.stages {
		if len(sp.latency) == 0 {
			e.reach[level], e.sites = everywhere, sites{bits: everywhere}
		}
	}
}

// bit is a location as a bit; those without one of their own share the last.
func (x *index) bit(number int) uint64 {
	if number < x.limits.bits {
		return 1 << number
	}
	return moreSites
}

func (x *index) location(name string) int {
	number, known := x.locations[name]
	if !known {
		number = min(len(x.locations), maxSites-1)
		if number < maxSites-1 {
			x.locations[name] = number
		}
	}
	return number
}

// many tells that there are more locations than bits, so that bits alone do not say
// whether tickets share one.
func (x *index) many() bool { return len(x.locations) > x.limits.bits }

// insert makes an entry findable.
func (x *index) insert(e *entry) {
	c := e.group.bySites[e.sites]
	if c == nil {
		where := e.sites
		if len(e.group.cells) >= x.limits.cells {
			where = sites{bits: everywhere}
		}
		if c = e.group.bySites[where]; c == nil {
			c = &cell{sites: where}
			e.group.cells = append(e.group.cells, c)
			e.group.bySites[where] = c
		}
	}
	e.cell = c
	x.size++
	if e.backfill {
		x.backfills++
	}
	e.group.size++
	c.players += len(e.players)
	c.shelf.insert(item{e.number, e.rank, e})
}

// remove takes an entry out that insert put in.
func (x *index) remove(e *entry) {
	c := e.cell
	e.cell = nil
	x.size--
	if e.backfill {
		x.backfills--
	}
	e.group.size--
	c.players -= len(e.players)
	c.shelf.remove(e.number, e.rank)
	if c.shelf.size == 0 {
		g := e.group
		delete(g.bySites, c.sites)
		at := slices.Index(g.cells, c)
		g.cells[at] = g.cells[len(g.cells)-1]
		g.cells = g.cells[:len(g.cells)-1]
	}
}

// players counts the players of a group who accept one of the locations.
func (x *index) players(g *group, where sites) int {
	n := 0
	for _, c := range g.cells {
		if c.sites.meet(where) {
			n += c.players
		}
	}
	return n
}

// hunt begins a walk, oldest first, over the tickets behind a rank that might be with e
// in a match under a stage, e itself perhaps among them. The index must not change
// until the walk is over, and there is one walk at a time.
func (x *index) hunt(e *entry, level int, after rank) hunt {
	where := e.sites
	if e.reach != nil {
		where.bits = e.reach[level]
	}
	return x.walk(e.group, where, x.plan.window(e, level), after)
}

// huntAll is hunt for whatever stage may be in force.
func (x *index) huntAll(e *entry, after rank) hunt {
	return x.walk(e.group, e.sites, x.widest(e), after)
}

// everyone is a walk over a whole group.
func (x *index) everyone(g *group) hunt {
	return x.walk(g, sites{bits: everywhere}, everything, firstRank)
}

// widest is the window over all stages.
func (x *index) widest(e *entry) interval {
	out := interval{e.number, e.number}
	for level := range x.plan.stages {
		w := x.plan.window(e, level)
		out = interval{min(out.lo, w.lo), max(out.hi, w.hi)}
	}
	return out
}

func (x *index) walk(g *group, where sites, window interval, after rank) hunt {
	h := hunt{window: window, after: after, runs: x.runs[:0], ordered: x.plan.near.attribute < 0}
	for _, c := range g.cells {
		if !c.sites.meet(where) {
			h.unreached += c.shelf.size
			continue
		}
		h.add(&c.shelf)
	}
	for i := len(h.runs)/2 - 1; i >= 0; i-- {
		h.sink(i)
	}
	x.runs = h.runs[:0]
	return h
}

// hunt is a merge of the parts of shelves that lie in a window. Where shelves are in
// order of rank already a run is a shelf, otherwise it is a block.
type hunt struct {
	window  interval
	after   rank
	ordered bool
	runs    []run // a heap, by next
	// Tickets of the group that are passed over for their locations, or lie outside the
	// window.
	unreached, far int
}

// run is what one shelf or block still has to give.
type run struct {
	next  rank // of entry, or a lower bound while entry is nil
	entry *entry
	shelf *shelf
	block int // of the shelf
	at    int // in the block; ordered shelves only
}

func (h *hunt) add(s *shelf) {
	if h.ordered {
		from := h.after
		from.arrival++
		i := s.find(0, from)
		if i == len(s.blocks) {
			return
		}
		at := s.blocks[i].seek(0, from)
		first := s.blocks[i].items[at]
		h.runs = append(h.runs, run{next: first.rank, entry: first.entry, shelf: s, block: i, at: at})
		return
	}
	within := 0
	for i := s.find(h.window.lo, firstRank); i < len(s.blocks) && s.blocks[i].items[0].key <= h.window.hi; i++ {
		items := s.blocks[i].items
		within += len(items)
		if items[0].key < h.window.lo {
			within -= s.blocks[i].seek(h.window.lo, firstRank)
		}
		if items[len(items)-1].key > h.window.hi {
			within -= len(items) - s.blocks[i].seek(math.Nextafter(h.window.hi, math.Inf(1)), firstRank)
		}
		next := s.blocks[i].oldest
		if !h.after.before(next) {
			next = h.after
		}
		h.runs = append(h.runs, run{next: next, shelf: s, block: i})
	}
	h.far += s.size - within
}

// next is the next ticket of the walk, nil at its end.
func (h *hunt) next() *entry {
	for len(h.runs) > 0 {
		r := &h.runs[0]
		if out := r.entry; out != nil {
			h.advance(r)
			return out
		}
		h.resolve(r)
	}
	return nil
}

// advance moves the first run past its entry.
func (h *hunt) advance(r *run) {
	if !h.ordered {
		h.after, r.entry = r.next, nil
		h.resolve(r)
		return
	}
	r.at++
	if r.at == len(r.shelf.blocks[r.block].items) {
		r.block, r.at = r.block+1, 0
	}
	if r.block == len(r.shelf.blocks) {
		h.drop()
		return
	}
	i := r.shelf.blocks[r.block].items[r.at]
	r.next, r.entry = i.rank, i.entry
	h.sink(0)
}

// resolve finds the oldest ticket of the first run's block that the walk has not given
// yet.
func (h *hunt) resolve(r *run) {
	b := r.shelf.blocks[r.block]
	for _, i := range b.items {
		if h.after.before(i.rank) && (r.entry == nil || i.rank.before(r.next)) && h.window.lo <= i.key && i.key <= h.window.hi {
			r.next, r.entry = i.rank, i.entry
		}
	}
	if r.entry == nil {
		h.drop()
		return
	}
	h.sink(0)
}

// drop takes the first run out.
func (h *hunt) drop() {
	last := len(h.runs) - 1
	h.runs[0] = h.runs[last]
	h.runs = h.runs[:last]
	if last > 0 {
		h.sink(0)
	}
}

// sink restores the heap below a run that may have become later.
func (h *hunt) sink(i int) {
	for {
		child := 2*i + 1
		if child >= len(h.runs) {
			return
		}
		if child+1 < len(h.runs) && h.runs[child+1].next.before(h.runs[child].next) {
			child++
		}
		if !h.runs[child].next.before(h.runs[i].next) {
			return
		}
		h.runs[i], h.runs[child] = h.runs[child], h.runs[i]
		i = child
	}
}
