package flexmatch

import (
	"math"
	"slices"
)

type valueKind uint8

const (
	noValue valueKind = iota // for example the average of an empty team
	numberValue
	textValue
	listValue
	otherValue // a player or a team: it can only be counted
)

// value is what an expression yields. Lists are shared: do not modify them.
type value struct {
	kind   valueKind
	number float64
	text   string
	list   []value
}

func (v value) equal(w value) bool {
	return v.kind == w.kind && v.number == w.number && v.text == w.text
}

// player is a player of a waiting ticket, prepared for evaluation.
type player struct {
	id     string
	ticket *entry
	// values are the declared attributes by index, defaults filled in, ready to evaluate:
	// no value where a required one is missing, and for maps, which stand in maps (nil
	// where the rule set declares none).
	values []value
	maps   []map[string]float64
	// used are the attributes as the ticket sent them, nil where others count: with
	// defaults, or without what is not declared.
	used map[string]Value
}

// numbers is the player's value of a map attribute.
func (p *player) numbers(attribute int) map[string]float64 {
	if p.maps == nil {
		return nil
	}
	return p.maps[attribute]
}

// arena hands out short lists of values that live until reset.
type arena struct{ buffer []value }

func (a *arena) reset() { a.buffer = a.buffer[:0] }

// list returns an empty list with room for n values.
func (a *arena) list(n int) []value {
	used := len(a.buffer)
	if used+n > cap(a.buffer) {
		a.buffer = make([]value, 0, max(256, 2*cap(a.buffer), n))
		used = 0
	}
	a.buffer = a.buffer[:used+n]
	return a.buffer[used : used : used+n]
}

// eval computes the expression over the players seated in the draft. The result
// lives until the draft's arena is reset.
func (d *draft) eval(e *expr) value {
	switch {
	case e.literal != nil:
		return *e.literal
	case e.path != nil:
		return d.evalPath(e.path)
	}
	if v, ok := d.kept(e); ok {
		return v
	}
	v := d.eval(e.arg)
	if e.function == flattenFunction {
		return d.flatten(v, e.arg.typ.depth)
	}
	inner := 1
	if e.function == intersectFunction {
		inner = 2
	}
	return d.apply(e.function, v, e.arg.typ.depth-inner)
}

func (d *draft) evalPath(p *path) value {
	if p.member == teamMember {
		if !p.nested {
			return value{kind: otherValue}
		}
		out := d.arena.list(len(p.teams))
		for range p.teams {
			out = append(out, value{kind: otherValue})
		}
		return value{kind: listValue, list: out}
	}
	if p.nested {
		out := d.arena.list(len(p.teams))
		for i := range p.teams {
			out = append(out, d.evalTeams(p, p.teams[i:i+1]))
		}
		return value{kind: listValue, list: out}
	}
	return d.evalTeams(p, p.teams)
}

// evalTeams lists the path's values of all players of the teams.
func (d *draft) evalTeams(p *path, teams []int) value {
	n := 0
	for _, t := range teams {
		n += len(d.teams[t])
	}
	out := d.arena.list(n)
	for _, t := range teams {
		for _, player := range d.teams[t] {
			if v, ok := p.of(player); ok {
				out = append(out, v)
			}
		}
	}
	return value{kind: listValue, list: out}
}

// of is the path's value of one player; false where the player's map has no such key,
// which leaves the player out (the guide is silent; we chose).
func (p *path) of(who *player) (value, bool) {
	switch p.member {
	case playerIDMember:
		return value{kind: textValue, text: who.id}, true
	case attributeMember:
		if p.kind == StringNumberMapAttribute {
			n, ok := who.numbers(p.attr)[p.key]
			return value{kind: numberValue, number: n}, ok
		}
		v := who.values[p.attr]
		return v, v.kind != noValue
	}
	return value{kind: otherValue}, true
}

// flatten removes the outermost level of a list of lists.
func (d *draft) flatten(v value, depth int) value {
	if depth < 2 {
		return v
	}
	n := 0
	for _, sub := range v.list {
		n += len(sub.list)
	}
	out := d.arena.list(n)
	for _, sub := range v.list {
		out = append(out, sub.list...)
	}
	return value{kind: listValue, list: out}
}

// apply runs a function on each list that lies the given number of levels deep.
func (d *draft) apply(f function, v value, levels int) value {
	if levels == 0 {
		if f == intersectFunction {
			return d.intersect(v)
		}
		return d.reduce(f, v.list)
	}
	out := d.arena.list(len(v.list))
	for _, sub := range v.list {
		out = append(out, d.apply(f, sub, levels-1))
	}
	return value{kind: listValue, list: out}
}

// reduce makes one number of a list. Elements without a value are left out. The
// minimum, maximum, average, median and deviation of nothing are no value; the sum and
// count are 0 (the guide is silent; we chose).
func (d *draft) reduce(f function, list []value) value {
	if f == countFunction {
		return value{kind: numberValue, number: float64(len(list))}
	}
	numbers := d.numbers[:0]
	for _, v := range list {
		if v.kind == numberValue {
			numbers = append(numbers, v.number)
		}
	}
	d.numbers = numbers
	if len(numbers) == 0 {
		if f == sumFunction {
			return value{kind: numberValue}
		}
		return value{}
	}
	return value{kind: numberValue, number: statistic(f, numbers)}
}

// statistic computes a function of one or more numbers. It may reorder them.
// The median of an even count is the mean of the middle two, the deviation is that of
// a population (the guide names neither; we chose).
func statistic(f function, numbers []float64) float64 {
	switch f {
	case minFunction:
		return slices.Min(numbers)
	case maxFunction:
		return slices.Max(numbers)
	case medianFunction:
		slices.Sort(numbers)
		mid := len(numbers) / 2
		if len(numbers)%2 == 1 {
			return numbers[mid]
		}
		return numbers[mid-1]/2 + numbers[mid]/2
	}
	var sum float64
	for _, n := range numbers {
		sum += n
	}
	if f == sumFunction {
		return sum
	}
	mean := sum / float64(len(numbers))
	if f == avgFunction {
		return mean
	}
	var squares float64
	for _, n := range numbers {
		squares += (n - mean) * (n - mean)
	}
	return math.Sqrt(squares / float64(len(numbers)))
}

// intersect lists the strings that occur in all lists, in the order of the first, each
// once. Of no lists it is empty.
func (d *draft) intersect(v value) value {
	if len(v.list) == 0 {
		return value{kind: listValue}
	}
	first := v.list[0].list
	out := d.arena.list(len(first))
	for i, candidate := range first {
		if contains(first[:i], candidate) {
			continue
		}
		everywhere := true
		for _, other := range v.list[1:] {
			if everywhere = contains(other.list, candidate); !everywhere {
				break
			}
		}
		if everywhere {
			out = append(out, candidate)
		}
	}
	return value{kind: listValue, list: out}
}

func contains(list []value, v value) bool {
	for _, w := range list {
		if v.equal(w) {
			return true
		}
	}
	return false
}

// scalars appends the single values inside v, whatever the nesting, without those
// that have no value.
func scalars(out []value, v value) []value {
	switch v.kind {
	case listValue:
		for _, sub := range v.list {
			out = scalars(out, sub)
		}
	case noValue:
	default:
		out = append(out, v)
	}
	return out
}
