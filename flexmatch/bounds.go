package flexmatch

import "math"

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
		return d.oneBound(bound{interval: interval{e.literal.number, e.literal.number}})
	case e.raw() != nil:
		d.flat = scalars(d.flat[:0], d.eval(e))
		out := d.boundList(len(d.flat))
		for _, v := range d.flat {
			out = append(out, bound{interval: interval{v.number, v.number}})
		}
		return out
	}
	arg := e.arg
	if p := arg.raw(); p != nil {
		if len(p.teams) > 1 && p.nested && arg.function == noFunction && e.typ.depth >= 1 {
			out := d.boundList(len(p.teams))
			for i := range p.teams {
				out = append(out, d.pathBound(e.function, p, p.teams[i:i+1]))
			}
			return out
		}
		if e.typ.depth == 0 || len(p.teams) == 1 {
			return d.oneBound(d.pathBound(e.function, p, p.teams))
		}
		return d.oneBound(bound{unknown: true})
	}
	return d.oneBound(d.foldBounds(e.function, e.typ, d.bounds(arg)))
}

// foldBounds bounds a function of a fixed number of bounded elements.
func (d *draft) foldBounds(f function, typ exprType, elements []bound) bound {
	if typ.depth != 0 || len(elements) == 0 {
		return bound{unknown: true}
	}
	switch f {
	case minFunction, maxFunction, avgFunction, medianFunction, sumFunction:
	default:
		return bound{unknown: true}
	}
	numbers := d.numbers[:0]
	for _, b := range elements {
		if b.unknown {
			return bound{unknown: true}
		}
		numbers = append(numbers, b.lo)
	}
	lo := statistic(f, numbers)
	for i, b := range elements {
		numbers[i] = b.hi
	}
	d.numbers = numbers
	return bound{interval: interval{lo, statistic(f, numbers)}.widened()}
}

// oneBound is a list of one.
func (d *draft) oneBound(b bound) []bound { return append(d.boundList(1), b) }

// boundList returns an empty list with room for n bounds, which lives until the next
// rule is asked.
func (d *draft) boundList(n int) []bound {
	used := len(d.bounded)
	if used+n > cap(d.bounded) {
		d.bounded, used = make([]bound, 0, max(64, 2*cap(d.bounded), n)), 0
	}
	d.bounded = d.bounded[:used+n]
	return d.bounded[used : used : used+n]
}

// stat sums up one attribute over the players of a team.
type stat struct{ sum, lo, hi float64 }

var noStat = stat{lo: math.Inf(1), hi: math.Inf(-1)}

// count adds a player to the sums of a team.
func (d *draft) count(team int, p *player) {
	n := len(d.plan.numbers)
	for i, a := range d.plan.numbers {
		s := &d.stats[team*n+i]
		d.saved = append(d.saved, *s)
		v := p.values[a].number
		*s = stat{s.sum + v, min(s.lo, v), max(s.hi, v)}
	}
}

// stat is what is kept of a number attribute of a team.
func (d *draft) stat(team, attribute int) stat {
	return d.stats[team*len(d.plan.numbers)+d.plan.numberAt[attribute]]
}

// kept answers for expressions whose value follows from what is kept, without a list
// of the players: the count, and min, max, avg and sum of a number attribute, for a team
// or for each of several.
func (d *draft) kept(e *expr) (value, bool) {
	p := e.arg.path
	if p == nil || d.stats == nil || p.member == teamMember || e.function > countFunction || e.function == medianFunction {
		return value{}, false
	}
	number := p.member == attributeMember && p.kind == NumberAttribute
	if !number && (e.function != countFunction || p.member == attributeMember) {
		return value{}, false
	}
	if !p.nested {
		if len(p.teams) != 1 {
			return value{}, false // the order of adding up would differ
		}
		return d.keptOf(e.function, p, p.teams[0]), true
	}
	out := d.arena.list(len(p.teams))
	for _, t := range p.teams {
		out = append(out, d.keptOf(e.function, p, t))
	}
	return value{kind: listValue, list: out}, true
}

// keptOf is kept for one team.
func (d *draft) keptOf(f function, p *path, team int) value {
	n := len(d.teams[team])
	switch {
	case f == countFunction:
		return value{kind: numberValue, number: float64(n)}
	case n == 0 && f != sumFunction:
		return value{}
	}
	s := d.stat(team, p.attr)
	switch f {
	case minFunction:
		return value{kind: numberValue, number: s.lo}
	case maxFunction:
		return value{kind: numberValue, number: s.hi}
	case avgFunction:
		return value{kind: numberValue, number: s.sum / float64(n)}
	}
	return value{kind: numberValue, number: s.sum}
}

// uncount takes the last player of a team out of its sums.
func (d *draft) uncount(team int) {
	n := len(d.plan.numbers)
	from := len(d.saved) - n
	copy(d.stats[team*n:(team+1)*n], d.saved[from:])
	d.saved = d.saved[:from]
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
	low, high, sum := noStat.lo, noStat.hi, 0.0
	for _, t := range teams {
		s := d.stat(t, p.attr)
		low, high, sum = min(low, s.lo), max(high, s.hi), sum+s.sum
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
