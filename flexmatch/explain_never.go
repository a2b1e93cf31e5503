package flexmatch

import "slices"

// never lists what keeps the ticket out of every match. It errs only towards nothing:
// a ticket with an obstacle is never matched.
func (x *explainer) never() []Obstacle {
	if out := x.incomplete(x.me); len(out) > 0 {
		return out
	}
	var out []Obstacle
	for level := range x.set.stages {
		if !x.reachable(level) {
			continue
		}
		obstacles, free := x.alone(level)
		if free && x.me.unmatchable {
			return []Obstacle{{Kind: Unmatchable}} // the pool knows more
		}
		if free {
			return nil
		}
		for _, o := range obstacles {
			out = addObstacle(out, o)
		}
	}
	return out
}

// reachable tells whether a match with the ticket can be judged at a level: its newest
// ticket may yet be younger than this one, its oldest cannot.
func (x *explainer) reachable(level int) bool {
	if level > 0 && x.tooLate(x.set.waits[level-1]) {
		return false
	}
	return !x.set.algorithm.oldest || level >= x.level(x.me)
}

// incomplete says what a ticket lacks to be in any match of the rule set.
func (x *explainer) incomplete(e *entry) []Obstacle {
	var out []Obstacle
	for _, p := range e.ticket.Players {
		for _, a := range x.set.attributes {
			if v := p.Attributes[a.Name]; v.Kind == NoAttribute && a.Default.Kind == NoAttribute {
				out = append(out, Obstacle{Kind: MissingAttribute, PlayerID: p.ID, Attribute: a.Name})
			}
		}
		if x.set.UsesLatency() && len(p.LatencyInMs) == 0 {
			out = append(out, Obstacle{Kind: MissingLatency, PlayerID: p.ID})
		}
	}
	if !e.backfill && len(e.players) > x.set.plan.largestTeam {
		out = append(out, Obstacle{Kind: PartyTooLarge, Players: len(e.players), Limit: x.set.plan.largestTeam})
	}
	return out
}

// alone tells whether the ticket can be in a match under a level, whoever else is in
// it, and if not what is in the way.
func (x *explainer) alone(level int) (obstacles []Obstacle, free bool) {
	st, d := x.set.stages[level], x.pairs
	seated := false
	for _, team := range x.mine {
		d.reset(st)
		if !d.fits(x.me, team) || x.me.backfill && len(x.me.players) >= st.maxPlayers {
			continue
		}
		seated = true
		d.push(x.me, team)
		hopeless := false
		for _, i := range st.enforced {
			if !st.rules[i].hopeless(d) {
				continue
			}
			hopeless = true
			kind := NeverFits
			if _, ok := st.rules[i].(*latencyRule); ok {
				kind = NoLocation
			}
			obstacles = append(obstacles, Obstacle{Kind: kind, Rule: x.set.ruleNames[i], Miss: x.miss(st.rules[i], d)})
		}
		if !hopeless {
			return nil, true
		}
	}
	if !seated {
		obstacles = append(obstacles, x.tooMany(level))
	}
	return obstacles, false
}

// tooMany is the obstacle of a ticket that no team of a level can hold.
func (x *explainer) tooMany(level int) Obstacle {
	st := x.set.stages[level]
	if x.me.backfill {
		return Obstacle{Kind: SessionFull, Players: len(x.me.players), Limit: st.maxPlayers}
	}
	most := slices.MaxFunc(st.teams, func(a, b TeamSize) int { return a.Max - b.Max }).Max
	return Obstacle{Kind: PartyTooLarge, Players: len(x.me.players), Limit: most}
}

// addObstacle keeps one obstacle per kind and rule, that which misses least.
func addObstacle(list []Obstacle, o Obstacle) []Obstacle {
	for i, have := range list {
		if have.Kind != o.Kind || have.Rule != o.Rule {
			continue
		}
		if o.Miss.less(have.Miss) {
			list[i].Miss = o.Miss
		}
		list[i].Limit = max(have.Limit, o.Limit)
		return list
	}
	return append(list, o)
}
