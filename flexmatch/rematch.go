package flexmatch

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// rematch exchanges partners in the two-ticket matches of a pass so that tickets which
// were left over find one too: an oldest ticket that took the only partner of another
// takes somebody else instead. Nobody who was matched is left out by it. Amazon's
// batches mix a large pool at random; this is the mix we choose.
//
// From a ticket left over, a chain leads to a partner it could have had, to who that
// partner was given to, to a partner that one could have had, and so on to a second
// ticket left over; then every second link makes a match.
func (p *Pool) rematch(held []*found) []*found {
	byGroup := map[*group]*exchange{}
	var order []*exchange
	for i, m := range held {
		g := m.entries[0].group
		if len(m.entries) != 2 || m.total != m.stage.maxPlayers || g.size < 2 {
			continue
		}
		if byGroup[g] == nil {
			byGroup[g] = &exchange{pool: p}
			order = append(order, byGroup[g])
		}
		x := byGroup[g]
		x.places = append(x.places, partner{m.entries[0], i, -1}, partner{m.entries[1], i, -1})
	}
	for _, x := range order {
		// Whom a few matches could exchange is not worth a look at a group of many.
		if g := x.places[0].entry.group; exchangeShare*len(x.places) >= g.size {
			held = x.run(held)
		}
	}
	slices.SortFunc(held, func(a, b *found) int { return a.entries[0].rank.compare(b.entries[0].rank) })
	return held
}

// exchange is rematch within one group of tickets.
type exchange struct {
	pool   *Pool
	held   []*found
	places []partner // all tickets of the group that may be exchanged or are left over, by number
	steps  int       // left to spend

	// Of the chain at hand.
	root  int
	next  []int // by place: the first place from there on that the chain has not touched
	from  []int // by place: the place whose mate led here; -1: the root did
	queue []int // places whose mates are to be asked
}

// partner is a ticket with its match, an index of held, and the place of whom it is matched
// with; both are -1 for a ticket left over.
type partner struct {
	entry       *entry
	match, mate int
}

// run lengthens held by a match for each chain it finds.
func (x *exchange) run(held []*found) []*found {
	x.held = held
	var left []*entry
	for h := x.pool.index.everyone(x.places[0].entry.group); ; {
		e := h.next()
		if e == nil {
			break
		}
		left = append(left, e)
		x.places = append(x.places, partner{e, -1, -1})
	}
	slices.SortFunc(x.places, func(a, b partner) int {
		return cmp.Or(cmp.Compare(a.entry.number, b.entry.number), a.entry.rank.compare(b.entry.rank))
	})
	first, place := map[int]int{}, map[*entry]int{}
	for i, s := range x.places {
		switch other, ok := first[s.match]; {
		case s.match < 0:
			place[s.entry] = i
		case ok:
			x.places[i].mate, x.places[other].mate = other, i
		default:
			first[s.match] = i
		}
	}
	x.steps = stepsPerPlace * len(x.places)
	for _, e := range left {
		if x.root = place[e]; x.places[x.root].match < 0 && x.steps > 0 {
			x.chain()
		}
	}
	return x.held
}

// exchangeShare is how many tickets may be left over for each that could be exchanged.
const exchangeShare = 8

// stepsPerPlace bounds the work of an exchange.
const stepsPerPlace = 50

// chain looks for a chain from the root and exchanges along it.
func (x *exchange) chain() {
	n := len(x.places)
	x.next, x.from, x.queue = slices.Grow(x.next[:0], n+1)[:n+1], slices.Grow(x.from[:0], n)[:n], x.queue[:0]
	for i := range x.next {
		x.next[i] = i
	}
	x.next[x.root] = x.root + 1
	if x.ask(x.root, -1) {
		return
	}
	for at := 0; at < len(x.queue) && x.steps > 0; at++ {
		if i := x.queue[at]; x.ask(x.places[i].mate, i) {
			return
		}
	}
}

// ask goes over those that a ticket could be with: one that is left over completes the
// chain, the mates of the others are asked later.
func (x *exchange) ask(who, from int) (done bool) {
	e := x.places[who].entry
	window := x.pool.index.widest(e)
	i := sort.Search(len(x.places), func(i int) bool { return x.places[i].entry.number >= window.lo })
	for i = x.untouched(i); i < len(x.places) && x.places[i].entry.number <= window.hi; i = x.untouched(i + 1) {
		if x.steps--; x.steps <= 0 {
			return false
		}
		s := x.places[i]
		switch {
		case i == who || !x.fit(e, s.entry):
		case s.match >= 0:
			// Its mate is touched too: a chain that came back to the match would give it away
			// twice.
			x.from[i], x.next[i], x.next[s.mate] = from, i+1, s.mate+1
			x.queue = append(x.queue, i)
		case from >= 0 && x.apply(from, i):
			return true
		}
	}
	return false
}

// untouched is the first place from i on that the chain has not touched.
func (x *exchange) untouched(i int) int {
	for x.next[i] != i {
		x.next[i] = x.next[x.next[i]] // halves the way for the next time
		i = x.next[i]
	}
	return i
}

// fit tells that two tickets might make a match.
func (x *exchange) fit(a, b *entry) bool {
	level := min(a.level, b.level)
	if x.pool.set.algorithm.oldest {
		level = max(a.level, b.level)
	}
	return !x.pool.finder.apart(level, a, b)
}

// apply makes the matches of a chain whose last mate, at place last, goes with end;
// false when the rules refuse one of them.
func (x *exchange) apply(last, end int) bool {
	type link struct{ a, b, match int }
	var links []link
	other := end
	for i := last; i >= 0; i = x.from[i] {
		links = append(links, link{x.places[i].mate, other, x.places[i].match})
		other = i
	}
	links = append(links, link{x.root, other, len(x.held)})
	made := make([]*found, len(links))
	for i, l := range links {
		if made[i] = x.pair(x.places[l.a].entry, x.places[l.b].entry); made[i] == nil {
			return false
		}
	}
	x.held = append(x.held, nil)
	for i, l := range links {
		x.held[l.match] = made[i]
		x.places[l.a].mate, x.places[l.b].mate = l.b, l.a
		x.places[l.a].match, x.places[l.b].match = l.match, l.match
	}
	return true
}

// pair makes a full match of two tickets, nil if the rules refuse it.
func (x *exchange) pair(a, b *entry) *found {
	if b.rank.before(a.rank) {
		a, b = b, a
	}
	work := leastWork
	m := x.pool.finder.find(query{seeds: []*entry{a, b}, after: rank{at: math.MaxInt64}}, &work)
	if m == nil || m.total != m.stage.maxPlayers {
		return nil
	}
	return m
}
