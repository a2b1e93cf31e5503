package flexmatch

import "math"

// draft is a match under construction: tickets seated in teams, under the rules of
// one stage. It is the scratch space of one search and is reused by the next.
type draft struct {
	plan    *plan
	stage   *stage
	entries []*entry
	placed  []int    // per entry: its team, or backfillSeats
	common  []uint64 // per entry: the locations that it and those before it accept
	// bitsOnly: common says all there is to know of the locations in common.
	bitsOnly bool
	teams    [][]*player // per team instance
	total    int         // players seated
	deficit  int         // players that teams lack to their minimums
	// backfill is the one entry that brings a running session; nil without.
	backfill *entry
	// mayBackfill: a backfill is among the tickets that may join.
	mayBackfill bool
	additional  int // AdditionalPlayers of the configuration

	// ranges bound each number attribute over every ticket that may join; the widest
	// range where nothing is known.
	ranges []interval

	// metrics count verdicts by rule index; whoever starts a search replaces it.
	metrics []tally

	// looks counts work since spent was last called.
	looks int

	arena   arena
	numbers []float64
	flat    []value
	// sublists is scratch: the lists that a collection rule measures.
	sublists [][]value
}

// backfillSeats stands for a team in draft.placed: each player has a team already.
const backfillSeats = -1

// newDraft makes the scratch space for a rule set.
func newDraft(set *RuleSet, additional int) *draft {
	d := &draft{plan: set.plan, teams: make([][]*player, len(set.stages[0].teams)), additional: additional}
	d.ranges = make([]interval, len(set.attributes))
	d.metrics = make([]tally, len(set.ruleNames))
	d.reset(set.stages[0])
	return d
}

// reset empties the draft for a search under a stage.
func (d *draft) reset(s *stage) {
	d.stage, d.entries, d.placed, d.common, d.total, d.backfill, d.mayBackfill = s, d.entries[:0], d.placed[:0], d.common[:0], 0, nil, false
	d.deficit = s.minPlayers
	for i := range d.teams {
		d.teams[i] = d.teams[i][:0]
	}
	for i := range d.ranges {
		d.ranges[i] = everything
	}
}

// capacity is how many players the finished match may have. A new match leaves the
// additional slots open; a backfill is what fills them, so it may use them. How the
// open slots spread over teams is undocumented: they only lower the total.
func (d *draft) capacity() int {
	if d.backfill != nil {
		return d.stage.maxPlayers
	}
	return d.stage.maxPlayers - d.additional
}

// open is how many more players a team could get, now or once a backfill has joined.
func (d *draft) open(team int) int {
	return min(d.stage.teams[team].Max-len(d.teams[team]), d.growth())
}

// growth is how many more players the whole match could get.
func (d *draft) growth() int {
	if d.mayBackfill && d.backfill == nil {
		return d.stage.maxPlayers - d.total
	}
	return d.capacity() - d.total
}

// finished tells whether the draft has the size of a match: every team has its
// minimum, the slots that stay open are open, and a backfill has found someone.
func (d *draft) finished() bool {
	return d.deficit == 0 && len(d.entries) > 0 && d.total <= d.capacity() && (d.backfill == nil || len(d.entries) > 1)
}

// fits tells whether the entry's players can sit in the team.
func (d *draft) fits(e *entry, team int) bool {
	if e.backfill {
		if d.backfill != nil || d.total+len(e.players) > d.stage.maxPlayers {
			return false
		}
		for i, n := range e.seatCounts {
			if len(d.teams[i])+n > d.stage.teams[i].Max {
				return false
			}
		}
		return true
	}
	return len(e.players) <= d.open(team)
}

// push seats an entry that fits.
func (d *draft) push(e *entry, team int) {
	d.common = append(d.common, d.meetingWith(e))
	d.entries = append(d.entries, e)
	if e.backfill {
		team = backfillSeats
		d.backfill = e
	}
	d.placed = append(d.placed, team)
	for i := range e.players {
		t := team
		if e.backfill {
			t = e.seats[i]
		}
		if len(d.teams[t]) < d.stage.teams[t].Min {
			d.deficit--
		}
		d.teams[t] = append(d.teams[t], &e.players[i])
	}
	d.total += len(e.players)
}

// pop takes the last entry out again.
func (d *draft) pop() {
	last := len(d.entries) - 1
	e, team := d.entries[last], d.placed[last]
	d.entries, d.placed, d.common = d.entries[:last], d.placed[:last], d.common[:last]
	for i := range e.players {
		t := team
		if e.backfill {
			t = e.seats[i]
		}
		d.teams[t] = d.teams[t][:len(d.teams[t])-1]
		if len(d.teams[t]) < d.stage.teams[t].Min {
			d.deficit++
		}
	}
	d.total -= len(e.players)
	if e.backfill {
		d.backfill = nil
	}
}

// meetingWith is where those seated and an entry accept to play, as bits.
func (d *draft) meetingWith(e *entry) uint64 {
	out := everywhere
	if n := len(d.common); n > 0 {
		out = d.common[n-1]
	}
	if e.reach != nil {
		out &= e.reach[d.stage.level]
	}
	return out
}

// meeting is where all of the entries accept to play under a stage, as bits.
func meeting(entries []*entry, level int) uint64 {
	out := everywhere
	for _, e := range entries {
		if e.reach != nil {
			out &= e.reach[level]
		}
	}
	return out
}

// tally counts what a rule said.
type tally struct{ passed, failed int }

// judge evaluates one rule and counts the verdict.
func (d *draft) judge(rule int) verdict {
	d.look(rule)
	v := d.stage.rules[rule].check(d)
	if v == failed {
		d.metrics[rule].failed++
	} else {
		d.metrics[rule].passed++
	}
	return v
}

// look counts the work of asking a rule: to look at every player, and at each other's
// values where lists are compared.
func (d *draft) look(rule int) {
	switch r := d.stage.rules[rule].(type) {
	case *collectionRule:
		d.looks += 4 * (2 + d.total) * len(r.measurements)
	case *compoundRule:
		r.statement.visit(d.look)
	default:
		d.looks += 2 + d.total
	}
}

// spent is the work since the last call.
func (d *draft) spent() int {
	out := d.looks
	d.looks = 0
	return out
}

// satisfied tells whether every rule in force accepts the draft as a match.
func (d *draft) satisfied() bool {
	for _, i := range d.stage.enforced {
		if d.judge(i) == failed {
			return false
		}
	}
	return true
}

// doomed tells that no completion of the draft can satisfy the rules.
func (d *draft) doomed() bool {
	sp := &d.plan.stages[d.stage.level]
	if n := len(d.common); n > 0 && d.common[n-1] == 0 {
		for _, i := range sp.plain {
			d.metrics[i].failed++
		}
		return true
	}
	if !d.bitsOnly {
		for _, i := range sp.plain {
			if d.look(i); d.stage.rules[i].hopeless(d) {
				d.metrics[i].failed++
				return true
			}
		}
	}
	for _, i := range sp.prune {
		d.look(i)
		if d.stage.rules[i].hopeless(d) {
			d.metrics[i].failed++
			return true
		}
	}
	return false
}

// interval is a closed range of numbers.
type interval struct{ lo, hi float64 }

var everything = interval{math.Inf(-1), math.Inf(1)}

// including widens the interval to a number.
func (a interval) including(n float64) interval { return interval{min(a.lo, n), max(a.hi, n)} }

// widened allows for rounding: bounds are computed in another order than the values
// they bound.
func (a interval) widened() interval {
	const relative = 1e-9
	return interval{a.lo - relative*math.Abs(a.lo) - relative, a.hi + relative*math.Abs(a.hi) + relative}
}

// bound is an interval for one element of a measurement; unknown bounds nothing.
type bound struct {
	interval
	unknown bool
}

// bounds says what each element that a numeric expression yields for the draft must
// lie in, however the draft is completed. Elements that later players add are not
// listed.
func (d *draft) bounds(e *expr) []bound {
	switch {
	case e.literal != nil:
		return []bound{{interval: interval{e.literal.number, e.literal.number}}}
	case e.raw() != nil:
		d.flat = scalars(d.flat[:0], d.eval(e))
		out := make([]bound, 0, len(d.flat))
		for _, v := range d.flat {
			out = append(out, bound{interval: interval{v.number, v.number}})
		}
		return out
	}
	arg := e.arg
	if p := arg.raw(); p != nil {
		if len(p.teams) > 1 && p.nested && arg.function == noFunction && e.typ.depth >= 1 {
			out := make([]bound, 0, len(p.teams))
			for i := range p.teams {
				out = append(out, d.pathBound(e.function, p, p.teams[i:i+1]))
			}
			return out
		}
		if e.typ.depth == 0 || len(p.teams) == 1 {
			return []bound{d.pathBound(e.function, p, p.teams)}
		}
		return []bound{{unknown: true}}
	}
	return []bound{foldBounds(e.function, e.typ, d.bounds(arg))}
}

// foldBounds bounds a function of a fixed number of bounded elements.
func foldBounds(f function, typ exprType, elements []bound) bound {
	if typ.depth != 0 || len(elements) == 0 {
		return bound{unknown: true}
	}
	lo, hi := make([]float64, 0, len(elements)), make([]float64, 0, len(elements))
	for _, b := range elements {
		if b.unknown {
			return bound{unknown: true}
		}
		lo, hi = append(lo, b.lo), append(hi, b.hi)
	}
	switch f {
	case minFunction, maxFunction, avgFunction, medianFunction, sumFunction:
		return bound{interval: interval{statistic(f, lo), statistic(f, hi)}.widened()}
	}
	return bound{unknown: true}
}

// pathBound bounds a function of the values of all players of the teams: those seated
// and up to as many more as there are open slots, each within the attribute's range.
func (d *draft) pathBound(f function, p *path, teams []int) bound {
	seated, open := 0, 0
	for _, t := range teams {
		seated += len(d.teams[t])
		open += d.open(t)
	}
	open = min(open, d.growth())
	if f == countFunction {
		return d.countBound(p, teams, seated, open)
	}
	if p.member != attributeMember || p.kind != NumberAttribute || seated == 0 {
		return bound{unknown: true}
	}
	r := d.ranges[p.attr]
	low, high, sum := math.Inf(1), math.Inf(-1), 0.0
	for _, t := range teams {
		for _, who := range d.teams[t] {
			n := who.values[p.attr].number
			low, high, sum = min(low, n), max(high, n), sum+n
		}
	}
	if open == 0 {
		r = interval{low, high}
	}
	n, more := float64(seated), float64(open)
	var b interval
	switch f {
	case minFunction:
		b = interval{min(low, r.lo), low}
	case maxFunction:
		b = interval{high, max(high, r.hi)}
	case medianFunction:
		b = interval{min(low, r.lo), max(high, r.hi)}
	case avgFunction:
		b = interval{sum / n, sum / n}
		if open > 0 {
			b = interval{min(b.lo, (sum+more*r.lo)/(n+more)), max(b.hi, (sum+more*r.hi)/(n+more))}
		}
	case sumFunction:
		b = interval{sum, sum}
		if open > 0 {
			b = interval{min(sum, sum+more*r.lo), max(sum, sum+more*r.hi)}
		}
	default:
		return bound{unknown: true}
	}
	return bound{interval: b.widened()}
}

// countBound bounds the number of players in teams; what must still come to the
// minimums counts as certain.
func (d *draft) countBound(p *path, teams []int, seated, open int) bound {
	if p.member == teamMember || p.member == attributeMember {
		return bound{unknown: true}
	}
	least := 0
	for _, t := range teams {
		least += max(len(d.teams[t]), d.stage.teams[t].Min)
	}
	return bound{interval: interval{float64(least), float64(seated + open)}}
}
