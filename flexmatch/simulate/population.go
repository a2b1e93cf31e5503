package simulate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"muster/flexmatch"
	"muster/flexmatch/simulate/internal/spell"
)

// maxEntries bounds every list and object of a population file.
const maxEntries = 10_000

// Population is who plays, when and how. ParsePopulation makes it of a file,
// DefaultPopulation without one. It is not changed by a simulation.
type Population struct {
	Name, Description string
	// Seed is used when Options give none.
	Seed uint64
	// StartHour is the hour of day at which the simulation begins, 0 to 23.
	StartHour int
	// PlayersByHour is how many players come in each hour of the day, who come for the
	// first time; they arrive one party at a time, at random (a Poisson process).
	PlayersByHour [24]float64
	// SkillAttribute is the number attribute that skill statistics are about. Empty: the
	// one whose name says skill or rating, or else the first.
	SkillAttribute string
	Attributes     []Attribute
	// Parties are the sizes of parties. A weight counts parties, not players.
	Parties []PartySize
	// FitParties leaves out sizes that are bigger than all teams of a simulated rule set,
	// unless all sizes are.
	FitParties bool
	Regions    []Region
	// Patience is how many seconds a party waits before it gives up; nil: for ever.
	Patience *Distribution
	// Acceptance makes players confirm matches; nil: they are not asked.
	Acceptance *Acceptance
	// Return lets parties queue again after a match; nil: nobody does.
	Return *Return
	// Recorded names a file of tickets to use in place of invented arrivals, relative to
	// the population's. Whoever opens files puts what it holds into Tickets.
	Recorded string
	Tickets  []flexmatch.Ticket

	fitted int // players that a party may have, if FitParties left some out
}

// Attribute is how one player attribute varies. Exactly one of Number, Words and Keys is
// set.
type Attribute struct {
	Name   string
	Number *Distribution
	// PartyCorrelation, 0 to 1, makes the members of a party alike in Number: it is the
	// correlation of their scores.
	PartyCorrelation float64
	Words            []Word
	// PerPlayer lets each member of a party choose its own Words; otherwise the party
	// shares a choice.
	PerPlayer bool
	// PickMin to PickMax different Words make the value of a string_list attribute.
	PickMin, PickMax int
	Keys             []Key // of a string_number_map
}

// Word is one value of a string attribute and how often it occurs.
type Word struct {
	Text   string
	Weight float64
}

// Key is one key of a map attribute.
type Key struct {
	Name   string
	Number Distribution
}

// PartySize is how often parties have a size.
type PartySize struct {
	Players int
	Weight  float64
}

// Region is where players live and how far they are from each location.
type Region struct {
	Name      string
	Weight    float64
	Latencies []Latency
}

// Latency is a player's way to a location in milliseconds: normal with a mean and a
// standard deviation, at least 1.
type Latency struct {
	Location     string
	Mean, Spread float64
}

// Acceptance is how players answer a proposed match. Who neither accepts nor stays silent
// declines.
type Acceptance struct {
	AcceptRate, SilentRate float64 // shares of players, 0 to 1
	AnswerSeconds          Distribution
	TimeoutSeconds         float64
}

// Return is what parties do after a match.
type Return struct {
	Rate            float64 // share of parties that queue again, 0 to below 1
	DurationSeconds Distribution
}

// ParsePopulation reads a population file: one JSON object. Absent keys are taken from
// DefaultPopulation, except patience, acceptance and matches: absent, players wait for
// ever, are not asked, and do not return. The error is of type Problems.
func ParsePopulation(body []byte) (*Population, error) {
	root, err := readDocument(body)
	if err != nil {
		return nil, err
	}
	var c checker
	p := c.population(root)
	if err := c.err(); err != nil {
		return nil, err
	}
	return p, nil
}

// ownKeys are what a population with recorded tickets must not have: the tickets say it.
var ownKeys = []string{"playersPerDay", "arrivalsByHour", "attributes", "parties", "regions"}

func (c *checker) population(root *node) *Population {
	p := DefaultPopulation()
	p.Name, p.Patience = "", nil
	if !c.object(root, append([]string{"name", "description", "seed", "startHour", "skillAttribute", "patience", "acceptance", "matches", "recorded"}, ownKeys...)...) {
		return p
	}
	p.Name, p.Description = c.text(root, "name"), c.text(root, "description")
	p.Seed = uint64(c.whole(root, "seed", span{0, 1 << 53}, int(p.Seed)))
	p.StartHour = c.whole(root, "startHour", span{0, 23}, 0)
	p.SkillAttribute = c.text(root, "skillAttribute")
	p.Recorded = c.text(root, "recorded")
	if p.Recorded != "" {
		for _, key := range ownKeys {
			if n := root.get(key); n != nil {
				c.report(n, "does not go with recorded: the tickets say it")
			}
		}
	}
	c.arrivals(root, p)
	if n := root.get("attributes"); n != nil {
		p.Attributes = c.attributes(n)
	}
	if n := root.get("parties"); n != nil {
		p.Parties, p.FitParties = c.parties(n), false
	}
	if n := root.get("regions"); n != nil {
		p.Regions = c.regions(n)
	}
	if n := root.get("patience"); n != nil && n.kind != nullNode {
		d := c.distribution(n, 0)
		p.Patience = &d
	}
	if n := root.get("acceptance"); n != nil && n.kind != nullNode {
		p.Acceptance = c.acceptance(n)
	}
	if n := root.get("matches"); n != nil && n.kind != nullNode {
		p.Return = c.returning(n)
	}
	return p
}

// maxPlayersPerDay bounds what a file may ask for.
const maxPlayersPerDay = 10_000_000

// arrivals reads playersPerDay and arrivalsByHour: with both, the hours are weights.
func (c *checker) arrivals(root *node, p *Population) {
	perDay := c.number(root, "playersPerDay", span{1, maxPlayersPerDay}, 0)
	if n := root.get("arrivalsByHour"); n != nil {
		if n.kind != listNode || len(n.items) != len(p.PlayersByHour) {
			c.report(n, "must be a list of 24 numbers, one for each hour from midnight")
			return
		}
		for i, item := range n.items {
			p.PlayersByHour[i] = c.amount(item, span{0, maxPlayersPerDay})
		}
		if total := p.PlayersPerDay(); total < 1 || total > maxPlayersPerDay && perDay == 0 {
			c.report(n, "must add up to 1 at least, and without playersPerDay to %d at most", maxPlayersPerDay)
			return
		}
	}
	if perDay > 0 {
		p.ScaleTo(perDay)
	}
}

// PlayersPerDay is how many players come in 24 hours.
func (p *Population) PlayersPerDay() float64 {
	total := 0.0
	for _, n := range p.PlayersByHour {
		total += n
	}
	return total
}

// ScaleTo keeps the shape of the day and makes it so many players a day.
func (p *Population) ScaleTo(playersPerDay float64) {
	total := p.PlayersPerDay()
	for i := range p.PlayersByHour {
		p.PlayersByHour[i] *= playersPerDay / total
	}
}

func (c *checker) attributes(n *node) []Attribute {
	if n.kind != objectNode {
		c.report(n, "must be an object: attribute names, each with its values")
		return nil
	}
	var out []Attribute
	for i, name := range n.keys {
		out = append(out, c.attribute(name, n.items[i]))
	}
	return out
}

func (c *checker) attribute(name string, n *node) Attribute {
	a := Attribute{Name: name, PickMin: 1, PickMax: 1}
	switch {
	case n.get("values") != nil:
		c.object(n, "values", "perPlayer", "pick")
		a.Words, a.PerPlayer = c.words(n.get("values")), c.flag(n, "perPlayer")
		if pick := n.get("pick"); pick != nil {
			a.PickMin, a.PickMax = c.pick(pick, len(a.Words))
		}
	case n.get("keys") != nil:
		c.object(n, "keys")
		keys := n.get("keys")
		if keys.kind != objectNode {
			c.report(keys, "must be an object: keys, each with a distribution")
			return a
		}
		for i, key := range keys.keys {
			a.Keys = append(a.Keys, Key{key, c.distribution(keys.items[i], anyNumber.low)})
		}
	default:
		d := c.distribution(n, anyNumber.low, "partyCorrelation")
		a.Number, a.PartyCorrelation = &d, 0
		if n.kind == objectNode {
			a.PartyCorrelation = c.number(n, "partyCorrelation", span{0, 1}, 0)
		}
	}
	return a
}

// weights reads an object of weights, of which one at least is positive.
func (c *checker) weights(n *node, what string) []float64 {
	if n.kind != objectNode {
		c.report(n, "must be an object: %s, each with its weight", what)
		return nil
	}
	var out []float64
	total := 0.0
	for _, item := range n.items {
		out = append(out, c.amount(item, span{0, 1e9}))
		total += out[len(out)-1]
	}
	if total == 0 {
		c.report(n, "one weight at least must be above 0")
	}
	return out
}

func (c *checker) words(n *node) []Word {
	var out []Word
	for i, w := range c.weights(n, "values") {
		out = append(out, Word{n.keys[i], w})
	}
	return out
}

// pick reads how many values a list has: one number, or the least and the most.
func (c *checker) pick(n *node, words int) (least, most int) {
	bounds := span{0, float64(words)}
	if n.kind != listNode {
		n = &node{path: n.path, kind: listNode, items: []*node{n, n}}
	}
	if len(n.items) != 2 {
		c.report(n, "must be a number or a list of two, the least and the most values")
		return 1, 1
	}
	low, high := c.amount(n.items[0], bounds), c.amount(n.items[1], bounds)
	if low > high || low != math.Trunc(low) || high != math.Trunc(high) {
		c.report(n, "must be whole numbers that do not fall")
	}
	return int(low), int(high)
}

// maxParty is the most players of a ticket. Source: Amazon's FlexMatch quotas, 2025.
const maxParty = 10

func (c *checker) parties(n *node) []PartySize {
	var out []PartySize
	for i, w := range c.weights(n, "sizes") {
		size := 0
		if _, err := fmt.Sscanf(n.keys[i], "%d", &size); err != nil || fmt.Sprint(size) != n.keys[i] || size < 1 || size > maxParty {
			c.report(n.items[i], "a party size is a whole number from 1 to %d", maxParty)
			continue
		}
		out = append(out, PartySize{size, w})
	}
	slices.SortFunc(out, func(a, b PartySize) int { return a.Players - b.Players })
	return out
}

func (c *checker) regions(n *node) []Region {
	if n.kind != objectNode || len(n.keys) == 0 {
		c.report(n, "must be an object: regions, each with weight and latency")
		return nil
	}
	var out []Region
	total := 0.0
	for i, name := range n.keys {
		item := n.items[i]
		if !c.object(item, "weight", "latency") {
			continue
		}
		r := Region{Name: name, Weight: c.number(item, "weight", span{0, 1e9}, 1)}
		total += r.Weight
		if l := item.get("latency"); l != nil {
			r.Latencies = c.latencies(l)
		} else {
			c.problems = append(c.problems, Problem{join(item.path, "latency"), "is required: " + latencyForm})
		}
		out = append(out, r)
	}
	if total == 0 {
		c.report(n, "one weight at least must be above 0")
	}
	return out
}

// latencyForm is how a region's latency is given.
const latencyForm = "an object: one location or more, each with mean and spread in milliseconds, or a number"

func (c *checker) latencies(n *node) []Latency {
	const most = 60_000 // milliseconds
	if n.kind != objectNode || len(n.keys) == 0 {
		c.report(n, "must be %s", latencyForm)
		return nil
	}
	var out []Latency
	for i, location := range n.keys {
		item := n.items[i]
		l := Latency{Location: location}
		if item.kind == numberNode {
			l.Mean = c.amount(item, span{1, most})
		} else if c.object(item, "mean", "spread") {
			l.Mean, l.Spread = c.number(item, "mean", span{1, most}, required), c.number(item, "spread", span{0, most}, 0)
		}
		out = append(out, l)
	}
	return out
}

// maxAcceptanceTimeout in seconds. Source: Amazon's API, AcceptanceTimeoutSeconds, 2025.
const maxAcceptanceTimeout = 600

func (c *checker) acceptance(n *node) *Acceptance {
	a := &Acceptance{AnswerSeconds: answerTime()}
	if !c.object(n, "acceptRate", "silentRate", "answerSeconds", "timeoutSeconds") {
		return a
	}
	a.AcceptRate = c.number(n, "acceptRate", span{0, 1}, required)
	a.SilentRate = c.number(n, "silentRate", span{0, 1}, 0)
	if a.AcceptRate+a.SilentRate > 1 {
		c.report(n, "acceptRate and silentRate add up to more than 1")
	}
	a.TimeoutSeconds = c.number(n, "timeoutSeconds", span{1, maxAcceptanceTimeout}, 30)
	if item := n.get("answerSeconds"); item != nil {
		a.AnswerSeconds = c.distribution(item, 0)
	}
	return a
}

func (c *checker) returning(n *node) *Return {
	r := &Return{DurationSeconds: unbounded(Constant)}
	if !c.object(n, "returnRate", "durationSeconds") {
		return r
	}
	r.Rate = c.number(n, "returnRate", span{0, 0.99}, required)
	if item := n.get("durationSeconds"); item != nil {
		r.DurationSeconds = c.distribution(item, 1)
	} else {
		c.problems = append(c.problems, Problem{join(n.path, "durationSeconds"), "is required: a number or a distribution"})
	}
	return r
}

// answerTime is how fast people answer a proposed match, when nothing else is said.
func answerTime() Distribution {
	d := unbounded(Lognormal)
	d.Median, d.Sigma, d.Min = 4, 0.6, 0
	return d
}

// DefaultPopulation is used without a file, and for the keys that a file leaves out:
// 20,000 players a day with a peak at eight in the evening, seven parties in ten single
// players, three regions with four locations between them, and patience that ends after
// two and a half minutes for half of them.
func DefaultPopulation() *Population {
	patience := unbounded(Lognormal)
	patience.Median, patience.Sigma, patience.Min = 150, 0.7, 0
	p := &Population{
		Name:       "default population",
		FitParties: true,
		Seed:       1,
		PlayersByHour: [24]float64{
			34, 22, 14, 10, 8, 8, 10, 15, 20, 25, 30, 36, 42, 45, 48, 54, 64, 78, 92, 104, 108, 98, 76, 52,
		},
		Parties:  []PartySize{{1, 70}, {2, 18}, {3, 7}, {4, 3}, {5, 2}},
		Patience: &patience,
		Regions: []Region{
			{"europe", 40, []Latency{{"eu-central-1", 35, 12}, {"us-east-1", 105, 15}, {"us-west-2", 160, 18}, {"ap-northeast-1", 240, 20}}},
			{"americas", 40, []Latency{{"us-east-1", 40, 15}, {"us-west-2", 60, 20}, {"eu-central-1", 115, 18}, {"ap-northeast-1", 165, 20}}},
			{"asia", 20, []Latency{{"ap-northeast-1", 45, 18}, {"us-west-2", 125, 18}, {"us-east-1", 180, 20}, {"eu-central-1", 235, 22}}},
		},
	}
	p.ScaleTo(20_000)
	return p
}

// fit is the population for rule sets that all get the same players: if FitParties,
// without parties that are too big for the teams of one of them.
func (p *Population) fit(rules []Rules) *Population {
	if !p.FitParties {
		return p
	}
	most := maxParty
	for _, r := range rules {
		most = min(most, r.largest)
	}
	out := *p
	out.Parties = slices.DeleteFunc(slices.Clone(p.Parties), func(s PartySize) bool { return s.Players > most })
	if len(out.Parties) == 0 || len(out.Parties) == len(p.Parties) {
		return p
	}
	out.fitted = most
	return &out
}

// Lines says the population in words, a line for each thing.
func (p *Population) Lines() []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if p.Recorded != "" || p.Tickets != nil {
		add("%s", spell.Plural(float64(len(p.Tickets)), "recorded ticket"))
	} else {
		peak := 0
		for h, n := range p.PlayersByHour {
			if n > p.PlayersByHour[peak] {
				peak = h
			}
		}
		add("%s a day, most from %d:00 (%s an hour)", spell.Plural(p.PlayersPerDay(), "player"), peak, spell.Count(p.PlayersByHour[peak]))
		add("parties: %s", p.partyWords())
		for _, a := range p.Attributes {
			add("%s: %s", a.Name, a)
		}
		add("regions: %s", p.regionWords())
	}
	if p.Patience != nil {
		add("patience in seconds: %v", p.Patience)
	} else {
		add("patience: nobody gives up")
	}
	if a := p.Acceptance; a != nil {
		add("acceptance: %s accept, %s are silent, the others decline; answer in seconds: %v; timeout %v s", spell.Percent(a.AcceptRate), spell.Percent(a.SilentRate), a.AnswerSeconds, a.TimeoutSeconds)
	}
	if r := p.Return; r != nil {
		add("after a match %s of parties queue again; match in seconds: %v", spell.Percent(r.Rate), r.DurationSeconds)
	}
	return out
}

func (p *Population) partyWords() string {
	total := 0.0
	for _, s := range p.Parties {
		total += s.Weight
	}
	var words []string
	for _, s := range p.Parties {
		words = append(words, fmt.Sprintf("%d: %s", s.Players, spell.Percent(s.Weight/total)))
	}
	return strings.Join(words, ", ")
}

func (p *Population) regionWords() string {
	total := 0.0
	for _, r := range p.Regions {
		total += r.Weight
	}
	var words []string
	for _, r := range p.Regions {
		word := fmt.Sprintf("%s %s", r.Name, spell.Percent(r.Weight/total))
		if near := r.nearest(); near.Location != "" {
			word += fmt.Sprintf(" (%s at %v ms)", near.Location, near.Mean)
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

func (r Region) nearest() Latency {
	var out Latency
	for _, l := range r.Latencies {
		if out.Location == "" || l.Mean < out.Mean {
			out = l
		}
	}
	return out
}

// String says how the attribute varies.
func (a Attribute) String() string {
	switch {
	case a.Number != nil && a.PartyCorrelation > 0:
		return fmt.Sprintf("%v; correlation %v in a party", *a.Number, a.PartyCorrelation)
	case a.Number != nil:
		return a.Number.String()
	case a.Keys != nil:
		var words []string
		for _, k := range a.Keys {
			words = append(words, fmt.Sprintf("%s (%v)", k.Name, k.Number))
		}
		return strings.Join(words, ", ")
	}
	total := 0.0
	for _, w := range a.Words {
		total += w.Weight
	}
	var words []string
	for _, w := range a.Words {
		words = append(words, fmt.Sprintf("%s %s", w.Text, spell.Percent(w.Weight/total)))
	}
	return strings.Join(words, ", ")
}
