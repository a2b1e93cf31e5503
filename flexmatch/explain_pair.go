package flexmatch

import (
	"cmp"
	"slices"
	"time"
)

// pairing is what rules say of the ticket and one candidate, seated as it suits them
// best.
type pairing struct {
	entry  *entry
	level  int
	seated bool // some teams hold both
	failed []failing
}

// failing is a rule that keeps a pair apart.
type failing struct {
	rule int
	miss Miss
}

func (p pairing) fits() bool { return p.seated && len(p.failed) == 0 }

func (p pairing) share() float64 {
	sum := 0.0
	for _, f := range p.failed {
		sum += f.miss.share()
	}
	return sum
}

// seating is where the ticket and a candidate sit.
type seating struct{ mine, other int }

// seatings lists the ways to seat a candidate that rules can tell apart: for each kind
// of team of the ticket the same team and, of every kind, another. Beside a backfill,
// whose players sit already, no two teams are alike.
func (x *explainer) seatings(e *entry) []seating {
	var out []seating
	switch {
	case e.backfill:
		for t := range x.set.stages[0].teams {
			out = append(out, seating{t, backfillSeats})
		}
	case x.me.backfill:
		for t := range x.set.stages[0].teams {
			out = append(out, seating{backfillSeats, t})
		}
	default:
		for _, mine := range x.mine {
			out = append(out, seating{mine, mine})
			for _, t := range x.kindsBut(mine) {
				out = append(out, seating{mine, t})
			}
		}
		if x.set.large && len(out) > 2 {
			out = out[:2] // the rules of large matches do not depend on teams
		}
	}
	return out[:min(len(out), maxSeatings)]
}

// kindsBut lists the first team of each kind, passing one team over.
func (x *explainer) kindsBut(team int) []int {
	var out []int
	for t := range x.set.stages[0].teams {
		known := func(o int) bool { return x.set.lookalikes[o] == x.set.lookalikes[t] }
		if t != team && !slices.ContainsFunc(out, known) {
			out = append(out, t)
		}
	}
	return out
}

// seat puts the ticket and a candidate into an empty draft; false when they do not fit.
// A backfill goes first: it opens the slots that the others leave.
func (x *explainer) seat(st *stage, e *entry, s seating) bool {
	d := x.pairs
	d.reset(st)
	first, second, a, b := x.me, e, s.mine, s.other
	if e.backfill {
		first, second, a, b = e, x.me, s.other, s.mine
	}
	if !d.fits(first, a) {
		return false
	}
	d.push(first, a)
	if !d.fits(second, b) {
		return false
	}
	d.push(second, b)
	return true
}

// keepsApart tells whether a rule rejects the pair that is seated, whoever joins it.
func (x *explainer) keepsApart(r rule, st *stage, e *entry) bool {
	if r.apart(x.me, e) {
		return true
	}
	if len(x.me.players)+len(e.players) >= st.maxPlayers {
		return r.check(x.pairs) == failed // nobody can join
	}
	return r.hopeless(x.pairs)
}

// pair judges a candidate under a level.
func (x *explainer) pair(e *entry, level int) pairing {
	st := x.set.stages[level]
	best := pairing{entry: e, level: level}
	for _, s := range x.seatings(e) {
		if !x.seat(st, e, s) {
			continue
		}
		now := pairing{entry: e, level: level, seated: true}
		for _, i := range st.enforced {
			if x.keepsApart(st.rules[i], st, e) {
				now.failed = append(now.failed, failing{i, x.miss(st.rules[i], x.pairs)})
			}
		}
		if now.fits() {
			return now
		}
		if !best.seated || cmp.Or(cmp.Compare(len(now.failed), len(best.failed)), cmp.Compare(now.share(), best.share())) < 0 {
			best = now
		}
	}
	return best
}

// explainPairs judges every candidate and returns the compatible ones.
func (x *explainer) explainPairs(out *Explanation) (compatible []*entry) {
	blocked := make([][]pairing, len(x.set.ruleNames))
	var apart []pairing
	for _, e := range x.near {
		p := x.pair(e, x.pairLevel(e))
		switch {
		case p.fits():
			compatible = append(compatible, e)
			out.CompatiblePlayers += len(e.players)
			continue
		case !p.seated:
			out.NoRoom++
		}
		apart = append(apart, p)
		for _, f := range p.failed {
			blocked[f.rule] = append(blocked[f.rule], p)
		}
	}
	out.Compatible = len(compatible)
	for i, list := range blocked {
		if len(list) > 0 {
			out.Rules = append(out.Rules, x.ruleObstacle(i, list))
		}
	}
	slices.SortStableFunc(out.Rules, func(a, b RuleObstacle) int { return b.Candidates - a.Candidates })
	slices.SortStableFunc(apart, func(a, b pairing) int {
		return cmp.Or(cmp.Compare(len(a.failed), len(b.failed)), cmp.Compare(a.share(), b.share()))
	})
	out.Reach = x.earliest(apart, func(e *entry, level int) bool { return x.pair(e, level).fits() })
	return compatible
}

// ruleObstacle sums up the candidates that one rule keeps away.
func (x *explainer) ruleObstacle(rule int, list []pairing) RuleObstacle {
	of := func(p pairing) Miss {
		return p.failed[slices.IndexFunc(p.failed, func(f failing) bool { return f.rule == rule })].miss
	}
	slices.SortStableFunc(list, func(a, b pairing) int { return of(a).compare(of(b)) })
	known := 0
	for known < len(list) && of(list[known]).Known {
		known++
	}
	r := x.set.stages[list[0].level].rules[rule]
	out := RuleObstacle{Rule: x.set.ruleNames[rule], Type: typeName(r), Candidates: len(list), Nearest: of(list[0]), Personal: x.set.personal(rule)}
	if c, ok := r.(*compoundRule); ok {
		out.Statement = x.set.statement(c.statement)
	}
	if known > 0 {
		out.Median = of(list[(known-1)/2])
	}
	out.Reach = x.earliest(list, func(e *entry, level int) bool { return !x.ruledOut(rule, e, level) })
	return out
}

// personal tells that a rule reads player ids, by itself or through rules that it names.
func (s *RuleSet) personal(rule int) bool {
	found := false
	for _, st := range s.stages {
		r := st.rules[rule]
		for _, e := range expressions(r) {
			e.visit(func(p *path) { found = found || p.member == playerIDMember })
		}
		if c, ok := r.(*compoundRule); ok {
			c.statement.visit(func(i int) { found = found || s.personal(i) })
		}
	}
	return found
}

// ruledOut tells whether a rule alone keeps a candidate away, however they sit.
func (x *explainer) ruledOut(rule int, e *entry, level int) bool {
	st := x.set.stages[level]
	if !slices.Contains(st.enforced, rule) {
		return false
	}
	for _, s := range x.seatings(e) {
		if x.seat(st, e, s) && !x.keepsApart(st.rules[rule], st, e) {
			return false
		}
	}
	return true
}

// earliest finds when one of the first pairs of a list passes a test by an expansion
// that is still to come. Its work is bounded over all calls.
func (x *explainer) earliest(list []pairing, passes func(e *entry, level int) bool) *Reach {
	var best *Reach
	for _, p := range list[:min(len(list), maxLater)] {
		for level := p.level + 1; level < len(x.set.stages); level++ {
			r, ok := x.reach(p.entry, level)
			if !ok || best != nil && r.In >= best.In {
				break
			}
			if x.work--; x.work < 0 {
				return best
			}
			if passes(p.entry, level) {
				best = &r
				break
			}
		}
	}
	return best
}

// reach is when a match of the two comes to a level; false when one of them times out
// before.
func (x *explainer) reach(e *entry, level int) (Reach, bool) {
	wait := x.set.waits[level-1]
	older, newer := x.me.startAt, e.startAt
	if older.After(newer) {
		older, newer = newer, older
	}
	decides := newer
	if x.set.algorithm.oldest {
		decides = older
	}
	at := decides.Add(wait)
	if x.config.RequestTimeout > 0 && !at.Before(older.Add(x.config.RequestTimeout)) {
		return Reach{}, false
	}
	return Reach{Step: level, After: wait, In: max(at.Sub(x.now), time.Duration(0))}, true
}
