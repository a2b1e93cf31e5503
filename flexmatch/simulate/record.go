package simulate

import (
	"fmt"
	"math"
	"slices"
	"time"

	"muster/flexmatch"
	"muster/flexmatch/simulate/internal/spell"
)

// outcome is how a ticket left the queue.
type outcome uint8

const (
	matched outcome = iota
	abandoned
	timedOut
	declined
	refused
	numOutcomes
)

// record counts what happens in a simulation. Its size is bounded by the number of
// buckets, groups and match sizes, whatever the number of players.
type record struct {
	world   *world
	width   time.Duration // of a bucket
	now     time.Duration
	tickets int
	matches int
	players Outcomes
	waits   sketch // matched players
	gaveUp  sketch

	quality
	skillDeviation sketch
	apart          int // matches without a common location
	levels         []int
	sizes          map[int]int

	deciles, regions, parties []groupRecord
	buckets                   []bucketRecord

	// waiting is the number of players in the queue, most the highest it was, and total
	// its integral over time in player-nanoseconds.
	waiting, most int
	total         float64
}

// quality is what matches are like.
type quality struct{ skillGap, teamDifference, latency sketch }

type groupRecord struct {
	players Outcomes
	waits   sketch
}

type bucketRecord struct {
	groupRecord
	quality
	matches, expanded, most int
	area                    float64 // of players in the queue over time, in player-nanoseconds
}

// bucketWidth divides a duration into at most 100 buckets of a length that people use,
// a quarter of an hour for a day.
func bucketWidth(d time.Duration) time.Duration {
	minutes := []time.Duration{15, 30, 60, 120, 180, 360, 720}
	switch {
	case d <= 30*time.Minute:
		return time.Minute
	case d <= 2*time.Hour:
		return 5 * time.Minute
	}
	for _, m := range minutes {
		if d <= 100*m*time.Minute {
			return m * time.Minute
		}
	}
	return 24 * time.Hour
}

func newRecord(w *world, d time.Duration) *record {
	r := &record{
		world: w, width: bucketWidth(d), sizes: map[int]int{},
		levels:  make([]int, len(w.rules.waits)+1),
		regions: make([]groupRecord, len(w.regions)),
		parties: make([]groupRecord, maxParty+1),
	}
	if w.bounds != nil {
		r.deciles = make([]groupRecord, len(w.bounds)+1)
	}
	r.buckets = make([]bucketRecord, max(1, (d+r.width-1)/r.width))
	return r
}

func (r *record) bucket(at time.Duration) *bucketRecord {
	return &r.buckets[min(int(at/r.width), len(r.buckets)-1)]
}

// advance lets time pass until an instant with the queue as it is.
func (r *record) advance(to time.Duration) {
	for r.now < to {
		b := r.bucket(r.now)
		end := min(to, (r.now/r.width+1)*r.width)
		area := float64(r.waiting) * float64(end-r.now)
		b.area, r.total = b.area+area, r.total+area
		r.now = end
		if r.now < to {
			next := r.bucket(r.now)
			next.most = max(next.most, r.waiting)
		}
	}
}

// queued counts a party that joins.
func (r *record) queued(t *ticket) {
	n := len(t.party.players)
	r.tickets++
	r.players.Queued += n
	r.waiting += n
	b := r.bucket(r.now)
	b.most, r.most = max(b.most, r.waiting), max(r.most, r.waiting)
	r.each(t, func(g *groupRecord, players int) { g.players.Queued += players })
}

// each calls for every group that some of a ticket's players are in.
func (r *record) each(t *ticket, count func(g *groupRecord, players int)) {
	n := len(t.party.players)
	count(&r.bucket(t.startAt).groupRecord, n)
	count(&r.regions[t.party.region], n)
	count(&r.parties[n], n)
	if r.deciles == nil {
		return
	}
	for _, m := range t.party.members {
		if m.hasSkill {
			count(&r.deciles[r.world.decile(m.skill)], 1)
		}
	}
}

// left counts a party that leaves the queue.
func (r *record) left(t *ticket, how outcome) {
	n, wait := len(t.party.players), (r.now - t.startAt).Seconds()
	r.waiting -= n
	*r.players.of(how) += n
	switch how {
	case matched:
		r.waits.add(wait, n)
	case abandoned:
		r.gaveUp.add(wait, n)
	}
	r.each(t, func(g *groupRecord, players int) {
		*g.players.of(how) += players
		if how == matched {
			g.waits.add(wait, players)
		}
	})
}

// of is the count of an outcome.
func (o *Outcomes) of(how outcome) *int {
	return [numOutcomes]*int{&o.Matched, &o.Abandoned, &o.TimedOut, &o.Declined, &o.Refused}[how]
}

// match counts a match that was made.
func (r *record) match(m flexmatch.Match, tickets []*ticket) {
	b := r.bucket(r.now)
	r.matches++
	b.matches++
	r.levels[m.Step]++
	if m.Step > 0 {
		b.expanded++
	}
	players := 0
	for _, t := range tickets {
		players += len(t.party.players)
	}
	r.sizes[players]++
	if r.world.skill != "" {
		gap, deviation, difference := skills(m, r.world.skill)
		r.skillDeviation.add(deviation, 1)
		for _, q := range []*quality{&r.quality, &b.quality} {
			q.skillGap.add(gap, 1)
			q.teamDifference.add(difference, 1)
		}
	}
	location := common(tickets, len(r.world.locations))
	if location < 0 {
		r.apart++
		return
	}
	for _, t := range tickets {
		for _, p := range t.party.members {
			r.latency.add(p.latencies[location], 1)
			b.latency.add(p.latencies[location], 1)
		}
	}
}

// skills measures a match: highest less lowest skill, standard deviation, and highest
// less lowest average of a team with players. NaN where too few have the attribute.
func skills(m flexmatch.Match, attribute string) (gap, deviation, difference float64) {
	var all, averages []float64
	for _, team := range m.Teams {
		first := len(all)
		for _, p := range team.Players {
			if v := p.Attributes[attribute]; v.Kind == flexmatch.NumberAttribute {
				all = append(all, v.Number)
			}
		}
		if len(all) > first {
			averages = append(averages, mean(all[first:]))
		}
	}
	if len(all) == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	center, squares := mean(all), 0.0
	for _, v := range all {
		squares += (v - center) * (v - center)
	}
	deviation = math.Sqrt(squares / float64(len(all)))
	if len(averages) < 2 {
		return slices.Max(all) - slices.Min(all), deviation, math.NaN()
	}
	return slices.Max(all) - slices.Min(all), deviation, slices.Max(averages) - slices.Min(averages)
}

func mean(list []float64) float64 {
	sum := 0.0
	for _, v := range list {
		sum += v
	}
	return sum / float64(len(list))
}

// common is the location that all players report and whose average is least, -1 when
// there is none.
func common(tickets []*ticket, locations int) int {
	best, least := -1, math.Inf(1)
	for l := range locations {
		sum := 0.0
		for _, t := range tickets {
			for _, m := range t.party.members {
				sum += m.latencies[l] // NaN stays NaN, which is less than nothing
			}
		}
		if sum < least {
			best, least = l, sum
		}
	}
	return best
}

// result sums up. waiting are the tickets that are still in the queue.
func (r *record) result(s *simulation, waiting []*ticket, interrupted bool) *Result {
	for _, t := range waiting {
		n := len(t.party.players)
		r.players.Waiting += n
		r.each(t, func(g *groupRecord, players int) { g.players.Waiting += players })
	}
	p := r.world.population
	out := &Result{
		Rules: r.world.rules.Name, Population: p.Name, Seed: r.world.seed, StartHour: p.StartHour,
		SimulatedSeconds: s.now.Seconds(), Interrupted: interrupted, Assumptions: append([]string{}, r.world.notes...),
		MinPlayers: r.world.rules.Set.MinPlayers(), Tickets: r.tickets, Matches: r.matches, Players: r.players,
		Wait: r.waits.summary(), GaveUpAfter: r.gaveUp.summary(),
		SkillAttribute: r.world.skill,
		SkillGap:       r.skillGap.summary(), SkillDeviation: r.skillDeviation.summary(), TeamDifference: r.teamDifference.summary(),
		Latency: r.latency.summary(), UsesLatency: r.world.rules.Set.UsesLatency(), NoCommonLocation: r.apart,
		QueueMax:      r.most,
		BucketSeconds: r.width.Seconds(),
		WaitCurve:     r.waits.curve(r.players.Queued), GapCurve: r.skillGap.curve(r.skillGap.count), TeamCurve: r.teamDifference.curve(r.teamDifference.count), LatencyCurve: r.latency.curve(r.latency.count),
		Asked: s.obstacles.asked, Obstacles: s.obstacles.list(),
		Expansions: []Step{}, MatchSizes: []SizeCount{}, Buckets: []Bucket{},
	}
	if s.now > 0 {
		out.QueueMean = r.total / float64(s.now)
	}
	for i, n := range r.levels {
		step := Step{Matches: n}
		if i > 0 {
			step.FromSeconds = r.world.rules.waits[i-1].Seconds()
		}
		out.Expansions = append(out.Expansions, step)
	}
	for size, n := range r.sizes {
		out.MatchSizes = append(out.MatchSizes, SizeCount{size, n})
	}
	slices.SortFunc(out.MatchSizes, func(a, b SizeCount) int { return a.Players - b.Players })
	r.groups(out)
	r.timeline(out, s.now)
	return out
}

func (r *record) groups(out *Result) {
	out.ByDecile, out.ByRegion, out.BySize = []Group{}, []Group{}, []Group{}
	add := func(list *[]Group, name string, g *groupRecord) {
		if g.players.Queued > 0 {
			*list = append(*list, Group{name, g.players, g.waits.summary()})
		}
	}
	for i := range r.deciles {
		add(&out.ByDecile, r.decileName(i), &r.deciles[i])
	}
	for i := range r.regions {
		add(&out.ByRegion, r.world.regions[i], &r.regions[i])
	}
	for i := range r.parties {
		add(&out.BySize, fmt.Sprint(i), &r.parties[i])
	}
}

// decileName says the skills of a tenth of the players.
func (r *record) decileName(i int) string {
	bounds := r.world.bounds
	switch i {
	case 0:
		return "to " + spell.Number(bounds[0])
	case len(bounds):
		return "from " + spell.Number(bounds[i-1])
	}
	return spell.Number(bounds[i-1]) + " to " + spell.Number(bounds[i])
}

// timeline lists the buckets that the simulation reached.
func (r *record) timeline(out *Result, until time.Duration) {
	for i := range r.buckets {
		b := &r.buckets[i]
		from := time.Duration(i) * r.width
		if from >= until {
			return
		}
		length := min(r.width, until-from)
		out.Buckets = append(out.Buckets, Bucket{
			FromSeconds: from.Seconds(), Players: b.players, Wait: b.waits.summary(),
			Matches: b.matches, Expanded: b.expanded,
			SkillGap: b.skillGap.summary(), TeamDifference: b.teamDifference.summary(), Latency: b.latency.summary(),
			QueueMean: b.area / float64(length), QueueMax: b.most,
		})
	}
}
