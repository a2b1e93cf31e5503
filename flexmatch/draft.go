package flexmatch

// draft is a match under construction: tickets seated in teams, under the rules of
// one stage. It is the scratch space of one search and is reused by the next.
type draft struct {
	plan    *plan
	stage   *stage
	entries []*entry
	placed  []int      // per entry: its team, or backfillSeats
	common  []uint64   // per entry: the locations that it and those before it accept
	near    []interval // per entry: what plan.near allows beside it and those before it
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

	// stats sums up the number attributes of plan.numbers over each team: of team t from
	// t*len(numbers) on. saved is what pop restores.
	stats, saved []stat

	// bounded is scratch: the bounds that rules compare.
	bounded []bound

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
	d.stats = make([]stat, len(d.teams)*len(set.plan.numbers))
	d.metrics = make([]tally, len(set.ruleNames))
	d.reset(set.stages[0])
	return d
}

// reset empties the draft for a search under a stage.
func (d *draft) reset(s *stage) {
	d.stage, d.entries, d.placed, d.common, d.total, d.backfill, d.mayBackfill = s, d.entries[:0], d.placed[:0], d.common[:0], 0, nil, false
	d.near, d.saved = d.near[:0], d.saved[:0]
	for i := range d.stats {
		d.stats[i] = noStat
	}
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
	d.common, d.near = append(d.common, d.meetingWith(e)), append(d.near, d.nearWith(e))
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
		d.count(t, &e.players[i])
	}
	d.total += len(e.players)
}

// pop takes the last entry out again.
func (d *draft) pop() {
	last := len(d.entries) - 1
	e, team := d.entries[last], d.placed[last]
	d.entries, d.placed, d.common, d.near = d.entries[:last], d.placed[:last], d.common[:last], d.near[:last]
	for i := len(e.players) - 1; i >= 0; i-- {
		t := team
		if e.backfill {
			t = e.seats[i]
		}
		d.uncount(t)
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

// nearWith is what the numbers of further tickets must lie in once an entry joins.
func (d *draft) nearWith(e *entry) interval {
	out := d.plan.window(e, d.stage.level)
	if n := len(d.near); n > 0 {
		out = interval{max(out.lo, d.near[n-1].lo), min(out.hi, d.near[n-1].hi)}
	}
	return out
}

// far tells that the newest entry is too far from one before it.
func (d *draft) far() bool {
	last := len(d.entries) - 1
	return last > 0 && (d.entries[last].number < d.near[last-1].lo || d.entries[last].number > d.near[last-1].hi)
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
		each := 4
		if r.operation == containsCount {
			each = 1
		}
		d.looks += each * (2 + d.total) * len(r.measurements)
	case *compoundRule:
		r.statement.visit(d.look)
	case *comparisonRule:
		d.looks += (2 + d.total) * (1 + len(r.measurements))
	case *distanceRule:
		d.looks += (2 + d.total) * (1 + len(r.measurements))
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
	d.bounded = d.bounded[:0]
	sp := &d.plan.stages[d.stage.level]
	if n := len(d.common); n > 0 && d.common[n-1] == 0 {
		for _, i := range sp.plain {
			d.metrics[i].failed++
		}
		return true
	}
	if d.far() {
		if sp.nearRule >= 0 {
			d.metrics[sp.nearRule].failed++
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
