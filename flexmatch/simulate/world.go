package simulate

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"

	"muster/flexmatch"
	"muster/flexmatch/simulate/internal/spell"
)

// world is a population bound to a rule set: it makes the parties that come. The same
// seed makes the same parties, whatever the rule set: each property of a party has a
// random stream of its own.
type world struct {
	population *Population
	rules      Rules
	seed       uint64
	samplers   []sampler
	skill      string // attribute that skill statistics are about; "" without
	fallback   float64
	bounds     []float64 // the nine borders of the skill deciles
	locations  []string  // of all regions, by name
	regions    []string
	sends      bool // tickets carry latencies: some rule or batching reads them
	notes      []string
}

// sampler draws one attribute.
type sampler struct {
	Attribute
	kind   flexmatch.AttributeKind
	stream uint64
	// absent: nobody sends the attribute, the rule set's default applies.
	absent bool
}

// party is players who queue together, perhaps more than once.
type party struct {
	index   uint64
	region  int
	members []member
	players []flexmatch.Player
}

type member struct {
	skill     float64
	hasSkill  bool
	latencies []float64 // by location of the world, in milliseconds; NaN where unknown
}

// newWorld binds a population to a rule set, or says which attribute cannot be made.
func newWorld(p *Population, rules Rules, seed uint64) (*world, error) {
	w := &world{population: p, rules: rules, seed: seed}
	w.sends = rules.Set.UsesLatency() || rules.Set.Large()
	if p.Recorded != "" || p.Tickets != nil {
		return w, w.bindRecorded()
	}
	var c checker
	for _, a := range rules.Set.Attributes() {
		w.bind(&c, a)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	for _, a := range p.Attributes {
		if !slices.ContainsFunc(w.samplers, func(s sampler) bool { return s.Name == a.Name }) {
			w.note("%q is not declared: the population's values for it are not used", a.Name)
		}
	}
	for _, r := range p.Regions {
		w.regions = append(w.regions, r.Name)
		for _, l := range r.Latencies {
			w.locations = append(w.locations, l.Location)
		}
	}
	slices.Sort(w.locations)
	w.locations = slices.Compact(w.locations)
	w.partyNotes()
	w.chooseSkill()
	return w, nil
}

func (w *world) note(format string, args ...any) {
	w.notes = append(w.notes, fmt.Sprintf(format, args...))
}

// partyNotes warns of parties that no team can take.
func (w *world) partyNotes() {
	if w.population.fitted > 0 {
		w.note("parties have at most %s, as the largest team", spell.Plural(float64(w.population.fitted), "player"))
	}
	total, big := 0.0, 0.0
	for _, s := range w.population.Parties {
		total += s.Weight
		if s.Players > w.rules.largest {
			big += s.Weight
		}
	}
	if big > 0 {
		w.note("%s of parties are bigger than the largest team (%d): they can never be matched", spell.Percent(big/total), w.rules.largest)
	}
}

// bind finds how the population fills a declared attribute, or supposes something.
func (w *world) bind(c *checker, declared flexmatch.Attribute) {
	s := sampler{kind: declared.Kind, stream: nameStream(declared.Name)}
	i := slices.IndexFunc(w.population.Attributes, func(a Attribute) bool { return a.Name == declared.Name })
	if i >= 0 {
		s.Attribute = w.population.Attributes[i]
		if wants, fits := s.fits(declared.Kind); !fits {
			c.report(&node{path: join("attributes", declared.Name)}, "%s declares a %v, so give %s", w.rules.Name, declared.Kind, wants)
			return
		}
	} else if !w.suppose(&s, declared) {
		c.report(&node{path: join("attributes", declared.Name)}, "%s declares a %v without default, which needs \"keys\": each key with a distribution", w.rules.Name, declared.Kind)
		return
	}
	w.samplers = append(w.samplers, s)
}

// fits tells whether the attribute can make values of a kind, and what would.
func (a Attribute) fits(kind flexmatch.AttributeKind) (wants string, ok bool) {
	switch kind {
	case flexmatch.NumberAttribute:
		return "\"distribution\"", a.Number != nil
	case flexmatch.StringNumberMapAttribute:
		return "\"keys\"", a.Keys != nil
	}
	return "\"values\"", a.Words != nil
}

// suppose fills in an attribute that the population does not mention, and notes it. It
// cannot for maps, whose keys nobody knows.
func (w *world) suppose(s *sampler, declared flexmatch.Attribute) bool {
	s.Attribute = Attribute{Name: declared.Name, PickMin: 1, PickMax: 1}
	switch declared.Kind {
	case flexmatch.NumberAttribute:
		w.supposeNumber(s)
	case flexmatch.StringNumberMapAttribute:
		if declared.Default.Kind == flexmatch.NoAttribute {
			return false
		}
		w.leaveOut(s)
	default:
		w.supposeWords(s, declared.Default)
	}
	return true
}

// leaveOut lets everybody have the default.
func (w *world) leaveOut(s *sampler) {
	s.absent = true
	w.note("%q is not in the population: everybody has the rule set's default", s.Name)
}

// choices is how many values an attribute has whose values rules want equal or
// different, and that say no more.
const choices = 10

// supposeNumber takes a number that rules compare for equality as a choice, and any
// other as a skill, whose scale the default gives away. How far rules let players be
// apart says nothing about who plays.
func (w *world) supposeNumber(s *sampler) {
	hint := w.rules.hints[attributeKey{s.Name, s.kind}]
	byDefault := hint.byDefault
	d := unbounded(Normal)
	switch {
	case len(hint.numbers) > 0:
		d = flags(byDefault, hint.numbers)
		s.Number = &d
		w.note("%q is not in the population: its default and what the rules name, each as often", s.Name)
		return
	case hint.equal || hint.distinct:
		first := max(1, math.Trunc(byDefault.Number))
		var numbers []float64
		for i := range choices {
			numbers = append(numbers, first+float64(i))
		}
		d = flags(flexmatch.Value{}, numbers)
		s.Number = &d
		w.note("%q is not in the population: one of the whole numbers from %s to %s, each as often", s.Name, spell.Number(first), spell.Number(first+choices-1))
		return
	case byDefault.Number != 0:
		d.Mean, d.Deviation = byDefault.Number, math.Abs(byDefault.Number)/5
	default:
		d.Mean, d.Deviation = 1500, 300
	}
	s.Number = &d
	w.note("%q is not in the population: taken as %v", s.Name, d)
}

// supposeWords takes a string, or a list of one, as what the rules speak of.
func (w *world) supposeWords(s *sampler, byDefault flexmatch.Value) {
	hint := w.rules.hints[attributeKey{s.Name, s.kind}]
	switch {
	case hint.distinct:
		for i := range choices {
			s.Words = append(s.Words, Word{string(rune('A' + i)), 1})
		}
		s.PerPlayer = true
		w.note("%q is not in the population, and the rules want it different: each player has one of %d values", s.Name, choices)
	case len(hint.words) > 0:
		for _, word := range hint.words {
			s.Words = append(s.Words, Word{word, 1})
		}
		other := cmp.Or(hint.byDefault.String, "other")
		if !slices.Contains(hint.words, other) {
			s.Words = append(s.Words, Word{other, 3})
		}
		s.PerPlayer = true
		w.note("%q is not in the population: each player has one of what the rules name, and %q: %s", s.Name, other, s.Attribute)
	case byDefault.Kind != flexmatch.NoAttribute:
		w.leaveOut(s)
	default:
		s.Words = []Word{{cmp.Or(hint.byDefault.String, "any"), 1}}
		w.note("%q is not in the population: everybody has the same value", s.Name)
	}
}

// flags is as often each of some numbers and an attribute's default.
func flags(byDefault flexmatch.Value, numbers []float64) Distribution {
	if byDefault.Kind != flexmatch.NoAttribute && !slices.Contains(numbers, byDefault.Number) {
		numbers = append([]float64{byDefault.Number}, numbers...)
	}
	d := unbounded(Histogram)
	for _, n := range slices.Sorted(slices.Values(numbers)) {
		d.Bins = append(d.Bins, Bin{n, n, 1})
	}
	return d
}

// checkSkill refuses a skill attribute that is no number attribute of any rule set.
func (p *Population) checkSkill(rules []Rules) error {
	if p.SkillAttribute == "" {
		return nil
	}
	var known []string
	for _, r := range rules {
		for _, a := range r.Set.Attributes() {
			switch {
			case a.Kind != flexmatch.NumberAttribute:
			case a.Name == p.SkillAttribute:
				return nil
			case !slices.Contains(known, a.Name):
				known = append(known, a.Name)
			}
		}
	}
	message := fmt.Sprintf("no rule set declares a number attribute %q; ", clip(p.SkillAttribute))
	if len(known) == 0 {
		message += "there is none"
	} else {
		message += "there are " + strings.Join(known, ", ")
	}
	return Problems{{"skillAttribute", message}}
}

// chooseSkill settles which attribute skill statistics are about and its deciles.
func (w *world) chooseSkill() {
	var numbers []sampler
	for _, s := range w.samplers {
		if s.kind == flexmatch.NumberAttribute {
			numbers = append(numbers, s)
		}
	}
	i := w.skillAmong(len(numbers), func(i int) string { return numbers[i].Name })
	if i < 0 {
		return
	}
	w.skill = numbers[i].Name
	for tenth := 1; tenth <= 9; tenth++ {
		w.bounds = append(w.bounds, numbers[i].Number.Quantile(float64(tenth)/10))
	}
}

// skillAmong picks one of n number attributes: the population's choice, or -1 where it
// is not among them; without a choice, one whose name says so, else the first.
func (w *world) skillAmong(n int, name func(int) string) int {
	for i := range n {
		if name(i) == w.population.SkillAttribute {
			return i
		}
	}
	if w.population.SkillAttribute != "" { // another rule set declares it
		w.note("%q is not declared: there are no figures of skill", w.population.SkillAttribute)
		return -1
	}
	if n == 0 {
		return -1
	}
	for _, word := range []string{"skill", "rating", "mmr", "elo", "rank", "level"} {
		for i := range n {
			if strings.Contains(strings.ToLower(name(i)), word) {
				return i
			}
		}
	}
	return 0
}

// decile is the tenth of players that a skill belongs to, 0 to 9.
func (w *world) decile(skill float64) int { return sort.SearchFloat64s(w.bounds, skill) }

// Streams of a party, beside those of attributes (which are hashes of their names).
const (
	shapeStream uint64 = iota + 1
	latencyStream
	patienceStream
	answerStream
	returnStream
	arrivalStream
)

// stream is a source of randomness of its own for a party and a purpose.
func (w *world) stream(purpose, party, visit uint64) *rand.Rand {
	a := scramble(w.seed + scramble(purpose))
	b := scramble(a ^ scramble(party+scramble(visit)))
	return rand.New(rand.NewPCG(a, b))
}

// scramble spreads every bit of x over all others (the finaliser of SplitMix64).
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func nameStream(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	return h.Sum64()
}

// invent makes the party with an index.
func (w *world) invent(index uint64) *party {
	r := w.stream(shapeStream, index, 0)
	size := w.population.Parties[weighted(r, w.population.Parties, func(s PartySize) float64 { return s.Weight })].Players
	p := &party{
		index:   index,
		region:  weighted(r, w.population.Regions, func(g Region) float64 { return g.Weight }),
		members: make([]member, size),
		players: make([]flexmatch.Player, size),
	}
	for i := range p.players {
		p.players[i] = flexmatch.Player{ID: fmt.Sprintf("p%d.%d", index, i+1), Attributes: make(map[string]flexmatch.Value, len(w.samplers))}
	}
	for i := range w.samplers {
		w.sample(&w.samplers[i], p)
	}
	w.locate(p)
	return p
}

// sample draws one attribute of all members.
func (w *world) sample(s *sampler, p *party) {
	if s.absent {
		return
	}
	r := w.stream(s.stream, p.index, 0)
	shared := r.NormFloat64()
	var value flexmatch.Value
	for i := range p.players {
		switch {
		case s.Number != nil:
			z := math.Sqrt(s.PartyCorrelation)*shared + math.Sqrt(1-s.PartyCorrelation)*r.NormFloat64()
			value = flexmatch.Value{Kind: s.kind, Number: s.Number.At(z)}
		case s.Keys != nil:
			value = flexmatch.Value{Kind: s.kind, Numbers: make(map[string]float64, len(s.Keys))}
			for _, k := range s.Keys {
				value.Numbers[k.Name] = k.Number.draw(r)
			}
		case i == 0 || s.PerPlayer:
			value = s.word(r)
		}
		p.players[i].Attributes[s.Name] = value
		if s.Name == w.skill {
			p.members[i].skill, p.members[i].hasSkill = value.Number, true
		}
	}
}

// word draws a string, or a list of different strings.
func (s *sampler) word(r *rand.Rand) flexmatch.Value {
	weight := func(w Word) float64 { return w.Weight }
	if s.kind == flexmatch.StringAttribute {
		return flexmatch.Value{Kind: s.kind, String: s.Words[weighted(r, s.Words, weight)].Text}
	}
	value := flexmatch.Value{Kind: s.kind, Strings: []string{}}
	left := slices.Clone(s.Words)
	for range s.PickMin + r.IntN(s.PickMax-s.PickMin+1) {
		i := weighted(r, left, weight)
		value.Strings = append(value.Strings, left[i].Text)
		left = slices.Delete(left, i, i+1)
	}
	return value
}

// locate draws the latencies of all members.
func (w *world) locate(p *party) {
	r := w.stream(latencyStream, p.index, 0)
	ways := w.population.Regions[p.region].Latencies
	for i := range p.members {
		latencies := make([]float64, len(w.locations))
		for j := range latencies {
			latencies[j] = math.NaN()
		}
		byName := make(map[string]int, len(ways))
		for _, l := range ways {
			ms := max(1, int(math.Round(l.Mean+l.Spread*r.NormFloat64())))
			j, _ := slices.BinarySearch(w.locations, l.Location)
			latencies[j], byName[l.Location] = float64(ms), ms
		}
		p.members[i].latencies = latencies
		if w.sends {
			p.players[i].LatencyInMs = byName
		}
	}
}

// weighted picks an index by weight. When no weight is left, each is as likely.
func weighted[T any](r *rand.Rand, of []T, weight func(T) float64) int {
	total := 0.0
	for _, one := range of {
		total += weight(one)
	}
	if total <= 0 {
		return r.IntN(len(of))
	}
	rest := r.Float64() * total
	last := 0
	for i, one := range of {
		w := weight(one)
		if w <= 0 {
			continue
		}
		if rest < w {
			return i
		}
		rest, last = rest-w, i
	}
	return last
}
