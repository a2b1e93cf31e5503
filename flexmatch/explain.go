package flexmatch

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Bounds on the work of one explanation. Besides them it looks once at every ticket of
// the pool.
const (
	maxExplained  = 500 // candidates looked at: those that arrived nearest in time
	maxSeatings   = 32  // ways to seat a pair that are tried
	maxLater      = 20  // candidates per rule that later expansion steps are tried for
	laterWork     = 5_000
	maxPlaces     = 8   // teams that the ticket is seated in when whole matches are tried
	attemptLevels = 4   // expansion steps at which they are tried
	attemptWork   = 400 // rebuilt matches of the search for a better one
)

// Standing is where a ticket stands in a pool.
type Standing uint8

// The standings: it searches, its match waits for acceptance, or for a session.
const (
	StandsSearching Standing = iota
	StandsProposed
	StandsPlacing
)

// String names the standing.
func (s Standing) String() string {
	switch s {
	case StandsSearching:
		return "searching"
	case StandsProposed:
		return "proposed"
	}
	return "placing"
}

// Explanation says why a ticket is not matched yet. Of a ticket that does not search,
// only TicketID, Standing, Age, Players and Backfill are set.
type Explanation struct {
	TicketID string
	Standing Standing
	Age      time.Duration
	Players  int  // of the ticket
	Backfill bool // the ticket is of a running session
	// TimesOutIn is how long the ticket may still search. Zero: without limit.
	TimesOutIn time.Duration

	// Step is how many of the Steps expansion boundaries the ticket's own age has
	// passed. The age of a match, which decides what is in force for it, is that of its
	// newest ticket, or of its oldest if the rule set says so.
	Step, Steps int
	Next        *ExpansionStep // the boundary that comes next; nil: none

	// Never says what keeps the ticket out of every match, now and later. Not empty: it
	// waits in vain, and what follows is not looked into.
	Never []Obstacle

	// Waiting is how many other tickets could be in a match with it by their kind;
	// Considered how many of them were looked at, those that arrived nearest in time.
	Waiting, Considered int
	// Compatible is how many of the considered no rule keeps from it as a pair, and
	// CompatiblePlayers how many players they bring; NoRoom is how many are parties that no
	// teams could hold together with it.
	Compatible, CompatiblePlayers, NoRoom int
	// NeededPlayers is how many more players the smallest match with the ticket takes, and
	// LeftOpen how many slots the configuration keeps open in a new one.
	NeededPlayers, LeftOpen int
	// Rules lists what stands in the way of candidates, those of most candidates first.
	Rules []RuleObstacle
	// Reach is when a candidate that is kept away now becomes compatible, if rules relax
	// with time. Nil: not by any step, as far as was looked.
	Reach *Reach

	// Attempt is the best whole match that was tried with the compatible tickets; nil
	// when the ticket cannot even be seated.
	Attempt *Attempt
}

// ExpansionStep is a boundary of age at which the rule set changes.
type ExpansionStep struct {
	After   time.Duration // the age
	In      time.Duration // from now
	Changes []Change
}

// Change is what an expansion changes. Rule or Team is set.
type Change struct {
	Rule, Team string
	Property   string
	From, To   string // as the rule set would write them; "" where nothing stands
}

// Reach is when an expansion brings something within reach.
type Reach struct {
	Step  int           // of Explanation.Steps, from 1
	After time.Duration // age that the step begins at
	In    time.Duration // from now
}

// Miss is by how much a rule is missed. Known is false where that is not a matter of
// degree (strings that differ, a negated statement) or cannot be told yet; of the rest
// only Unit may be set then.
type Miss struct {
	Known    bool
	Amount   float64 // beyond Limit, in Unit; 0 where a strict comparison is just not met
	Unit     string  // "ms", "players", "strings" or the name of an attribute
	Rule     string  // compound only: the rule of the statement that is missed by this
	Property string  // of the rule: "maxDistance", "minCount", "referenceValue" ...
	Limit    float64 // its value in force
	Location string  // latency only: where the least is missing
}

// RuleObstacle is a rule that keeps the ticket from some candidates, as pairs.
type RuleObstacle struct {
	Rule      string
	Type      string // "distance", "latency" ...
	Statement string // of a compound, as the rule set writes it
	// Personal: the rule reads player ids, for example a list of blocked players. Whom it
	// keeps away is not for the players to know.
	Personal   bool
	Candidates int  // how many of the considered it keeps away
	Nearest    Miss // the least by which a candidate misses it
	Median     Miss // the median over the candidates with a known miss
	// Reach is when the rule, if it were the only one, lets the first of them in. Nil: at
	// no step.
	Reach *Reach
}

// ObstacleKind is why a ticket can never match.
type ObstacleKind uint8

// The obstacles. NeverFits is a rule that the ticket's own values break whoever joins
// it, NoLocation the same of a latency rule.
const (
	MissingAttribute ObstacleKind = iota + 1
	MissingLatency
	PartyTooLarge
	SessionFull
	NoLocation
	NeverFits
	Unmatchable // for a reason that is not known here
)

// Obstacle is one thing that keeps a ticket out of every match.
type Obstacle struct {
	Kind      ObstacleKind
	PlayerID  string // MissingAttribute, MissingLatency
	Attribute string // MissingAttribute
	Rule      string // NoLocation, NeverFits
	Miss      Miss   // NoLocation, NeverFits: the least over all expansion steps
	Players   int    // PartyTooLarge, SessionFull: of the ticket
	Limit     int    // PartyTooLarge, SessionFull: the most that a team or a match takes
}

// Attempt is a whole match that was tried.
type Attempt struct {
	Players int // seated, those of the ticket included
	Tickets int
	Missing int // players that teams lack to their minimums
	Step    int // of Explanation.Steps: the rules it was judged by
	// Together is how many players could be seated before a rule had to be broken.
	Together int
	// Failed lists the rules that the match breaks. Empty while players are missing, and
	// for a match that is possible.
	Failed []RuleMiss
}

// RuleMiss is a rule and by how much a match misses it.
type RuleMiss struct {
	Rule string
	Type string
	Miss Miss
}

// Possible tells that a match with the ticket was found among those that wait: nothing
// stands in its way. A pool makes it in the Step that makes it possible.
func (x Explanation) Possible() bool {
	return x.Attempt != nil && x.Attempt.Missing == 0 && len(x.Attempt.Failed) == 0
}

// Explain says why a ticket is not matched, as of the last Step; false for a ticket
// that the pool does not know. It changes nothing: what Step does next does not depend
// on it. Its work is one look at every ticket and then bounded: 500 candidates, each
// seated with the ticket in up to 32 ways.
func (p *Pool) Explain(ticketID string) (Explanation, bool) {
	e := p.entries[ticketID]
	if e == nil {
		return Explanation{}, false
	}
	x := newExplainer(p.config, p.now, e)
	for _, other := range p.entries {
		if other.state == searching {
			x.consider(other)
		}
	}
	return x.explain(), true
}

// Explain says why a ticket is not matched in a matchmaker of this configuration that
// others run: now is an instant, waiting the tickets that search there, the ticket
// among them. It forms no match. Tickets that the rule set cannot read are left out;
// that this is the ticket asked for, or that it is not there, is the error.
func (c Config) Explain(now time.Time, waiting []Ticket, ticketID string) (Explanation, error) {
	now = now.Round(0)
	var me *entry
	entries := make([]*entry, 0, len(waiting))
	for i, t := range waiting {
		if err := c.RuleSet.CheckTicket(t); err != nil {
			if t.ID == ticketID {
				return Explanation{}, err
			}
			continue
		}
		e := c.RuleSet.prepare(t)
		e.arrival = i
		entries = append(entries, e)
		if t.ID == ticketID && me == nil {
			me = e
		}
	}
	if me == nil {
		return Explanation{}, fmt.Errorf("ticket %q is not among those that wait", ticketID)
	}
	x := newExplainer(c, now, me)
	for _, e := range entries {
		x.consider(e)
	}
	return x.explain(), nil
}

// explainer makes one explanation. It reads entries and the rule set and writes only to
// drafts of its own.
type explainer struct {
	set     *RuleSet
	config  Config
	now     time.Time
	me      *entry
	waiting int
	// near are the candidates, the nearest by arrival; it is cut to maxExplained now and
	// then.
	near []*entry

	pairs *draft // as if the match left no slots open: what it refuses never works
	whole *draft // with AdditionalPlayers
	mine  []int  // one team of each kind that tells teams apart, for the ticket
	work  int    // left for trying later steps
}

func newExplainer(c Config, now time.Time, me *entry) *explainer {
	x := &explainer{set: c.RuleSet, config: c, now: now, me: me, work: laterWork}
	x.pairs, x.whole = newDraft(c.RuleSet, 0), newDraft(c.RuleSet, max(c.AdditionalPlayers, 0))
	x.mine = x.kinds(me)
	return x
}

// level is the number of expansion boundaries that a ticket's age has passed.
func (x *explainer) level(e *entry) int { return x.set.level(x.now.Sub(e.startAt)) }

// pairLevel is the level of a match of two tickets.
func (x *explainer) pairLevel(e *entry) int {
	if x.set.algorithm.oldest {
		return max(x.level(x.me), x.level(e))
	}
	return min(x.level(x.me), x.level(e))
}

// consider takes note of a searching ticket.
func (x *explainer) consider(e *entry) {
	if e == x.me || e.ticket.ID == x.me.ticket.ID || e.backfill && x.me.backfill || e.unmatchable && len(x.incomplete(e)) > 0 {
		return
	}
	x.waiting++
	x.near = append(x.near, e)
	if len(x.near) >= 4*maxExplained {
		x.keepNearest()
	}
}

// keepNearest cuts the candidates to those that arrived nearest to the ticket; ties
// break by age, then by arrival, then by id.
func (x *explainer) keepNearest() {
	slices.SortFunc(x.near, func(a, b *entry) int {
		return cmp.Or(
			cmp.Compare(a.startAt.Sub(x.me.startAt).Abs(), b.startAt.Sub(x.me.startAt).Abs()),
			a.startAt.Compare(b.startAt), cmp.Compare(a.arrival, b.arrival), cmp.Compare(a.ticket.ID, b.ticket.ID))
	})
	x.near = x.near[:min(len(x.near), maxExplained)]
}

// explain puts everything together.
func (x *explainer) explain() Explanation {
	e := x.me
	out := Explanation{
		TicketID: e.ticket.ID, Age: x.now.Sub(e.startAt), Players: len(e.players), Backfill: e.backfill,
		Standing: [...]Standing{searching: StandsSearching, proposed: StandsProposed, placing: StandsPlacing}[e.state],
	}
	if e.state != searching {
		return out
	}
	if x.config.RequestTimeout > 0 {
		out.TimesOutIn = max(e.startAt.Add(x.config.RequestTimeout).Sub(x.now), 0)
	}
	out.Step, out.Steps = x.level(e), len(x.set.waits)
	out.Next = x.next(out.Step)
	if out.Never = x.never(); len(out.Never) > 0 {
		return out
	}
	x.keepNearest()
	out.Waiting, out.Considered = x.waiting, len(x.near)
	out.NeededPlayers, out.LeftOpen = x.needed(out.Step), max(x.config.AdditionalPlayers, 0)
	compatible := x.explainPairs(&out)
	out.Attempt = x.attempt(compatible)
	return out
}

// next describes the boundary after a level; nil when there is none, or when the ticket
// times out before.
func (x *explainer) next(level int) *ExpansionStep {
	if level >= len(x.set.waits) || x.tooLate(x.set.waits[level]) {
		return nil
	}
	wait := x.set.waits[level]
	return &ExpansionStep{
		After: wait, In: x.me.startAt.Add(wait).Sub(x.now),
		Changes: x.set.changes(level, level+1),
	}
}

// tooLate tells that no ticket lives to this age.
func (x *explainer) tooLate(age time.Duration) bool {
	return x.config.RequestTimeout > 0 && age >= x.config.RequestTimeout
}

// kinds lists where an entry can be seated in an empty match so that no two places are
// alike to the rules: the first team of each kind.
func (x *explainer) kinds(e *entry) []int {
	if e.backfill {
		return []int{backfillSeats}
	}
	return x.kindsBut(-1)
}

// needed is how many players the smallest match still takes once the ticket is seated
// where that is fewest. A backfill is no match without another ticket.
func (x *explainer) needed(level int) int {
	least := -1
	for _, team := range x.mine {
		x.pairs.reset(x.set.stages[level])
		if !x.pairs.fits(x.me, team) {
			continue
		}
		x.pairs.push(x.me, team)
		if lack := lacking(x.pairs); least < 0 || lack < least {
			least = lack
		}
	}
	if x.me.backfill {
		least = max(least, 1)
	}
	return max(least, 0)
}

// lacking is how many players the draft's teams are below their minimums.
func lacking(d *draft) int {
	out := 0
	for i, t := range d.stage.teams {
		out += max(t.Min-len(d.teams[i]), 0)
	}
	return out
}
