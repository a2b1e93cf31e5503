package flexmatch

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestAShelfIsASortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s shelf
		var list []item
		order := func(a, b item) int {
			if a.before(b.key, b.rank) {
				return -1
			}
			return 1
		}
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		keys := rapid.IntRange(1, 1000).Draw(t, "keys")
		for i := range rapid.IntRange(1, 2000).Draw(t, "changes") {
			if len(list) > 0 && random.IntN(5) < 2 {
				at := random.IntN(len(list))
				s.remove(list[at].key, list[at].rank)
				list = slices.Delete(list, at, at+1)
				continue
			}
			one := item{key: float64(random.IntN(keys)), rank: rank{at: int64(random.IntN(50)), arrival: i}, entry: &entry{arrival: i}}
			s.insert(one)
			list = append(list, one)
		}
		slices.SortFunc(list, order)
		var got []item
		for _, b := range s.blocks {
			if len(b.items) == 0 || len(b.items) > blockLimit {
				t.Fatalf("a block of %d items", len(b.items))
			}
			oldest := slices.MinFunc(b.items, func(a, b item) int { return a.rank.compare(b.rank) }).rank
			if oldest != b.oldest {
				t.Fatalf("a block says that its oldest is %v, it is %v", b.oldest, oldest)
			}
			got = append(got, b.items...)
		}
		if !slices.Equal(got, list) || s.size != len(list) {
			t.Fatalf("the shelf holds %d items (says %d) in another order than the %d put there", len(got), s.size, len(list))
		}
		if random.IntN(2) == 0 && len(list) > 0 {
			at := random.IntN(len(list))
			var want *entry
			if at+1 < len(list) {
				want = list[at+1].entry
			}
			if got := s.after(list[at].key, list[at].rank); got != want {
				t.Fatalf("behind item %d of %d stands %v", at, len(list), got)
			}
		}
	})
}

// TestTheIndexFindsWhoeverIsNotApart compares a hunt with a look at every ticket, also
// where there are more locations than bits.
func TestTheIndexFindsWhoeverIsNotApart(t *testing.T) {
	set := mustParse(t, `{"ruleLanguageVersion":"1.0",
		"playerAttributes":[{"name":"skill","type":"number"},{"name":"mode","type":"string"}],
		"teams":[{"name":"red","minPlayers":1,"maxPlayers":1},{"name":"blue","minPlayers":1,"maxPlayers":1}],
		"rules":[{"name":"same","type":"comparison","measurements":["flatten(teams[*].players.attributes[mode])"],"operation":"="},
			{"name":"close","type":"distance","measurements":["avg(teams[red].players.attributes[skill])"],"referenceValue":"avg(teams[blue].players.attributes[skill])","maxDistance":10},
			{"name":"near","type":"latency","maxLatency":50}],
		"expansions":[{"target":"rules[close].maxDistance","steps":[{"waitTimeSeconds":10,"value":30}]},
			{"target":"rules[near].maxLatency","steps":[{"waitTimeSeconds":5,"value":90}]}]}`)
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		locations := rapid.SampledFrom([]int{2, 5, 60, 64, 200}).Draw(t, "locations")
		x := newIndex(set.plan, defaultLimits)
		var all []*entry
		for i := range rapid.IntRange(1, 150).Draw(t, "tickets") {
			p := Player{ID: fmt.Sprint(i), LatencyInMs: map[string]int{}, Attributes: map[string]Value{
				"skill": {Kind: NumberAttribute, Number: float64(random.IntN(100))},
				"mode":  {Kind: StringAttribute, String: []string{"a", "b"}[random.IntN(2)]},
			}}
			for range 1 + random.IntN(3) {
				p.LatencyInMs[fmt.Sprint(random.IntN(locations))] = 1 + random.IntN(100)
			}
			e := set.prepare(Ticket{ID: p.ID, StartAt: at(float64(random.IntN(5))), Players: []Player{p}})
			e.arrival = i
			e.rank = set.rankOf(e)
			x.place(set, e)
			x.insert(e)
			all = append(all, e)
		}
		for range random.IntN(len(all)) {
			i := random.IntN(len(all))
			x.remove(all[i])
			all = slices.Delete(all, i, i+1)
		}
		slices.SortFunc(all, func(a, b *entry) int { return a.rank.compare(b.rank) })
		anchor, level := all[random.IntN(len(all))], random.IntN(len(set.stages))
		after := firstRank
		if random.IntN(2) == 0 {
			after = anchor.rank
		}
		f := newFinder(set, x, 0, defaultLimits)
		found := map[*entry]bool{}
		last := after
		for h := x.hunt(anchor, level, after); ; {
			e := h.next()
			if e == nil {
				break
			}
			if !last.before(e.rank) {
				t.Fatalf("%v came after %v", e.rank, last)
			}
			last = e.rank
			if e == anchor || !f.apart(level, anchor, e) {
				found[e] = true
			}
		}
		for _, e := range all {
			if e == anchor || !after.before(e.rank) {
				continue
			}
			if want := mayMeet(set.stages[level], anchor, e); found[e] != want {
				t.Fatalf("ticket %s of mode %s, skill %v, %v for one of mode %s, skill %v, %v at level %d: found %v",
					e.ticket.ID, e.players[0].values[1].text, e.number, e.latencies,
					anchor.players[0].values[1].text, anchor.number, anchor.latencies, level, found[e])
			}
		}
	})
}

// mayMeet asks the rules about two tickets of one player each.
func mayMeet(st *stage, a, b *entry) bool {
	skill := a.players[0].values[0].number - b.players[0].values[0].number
	if a.players[0].values[1].text != b.players[0].values[1].text || max(skill, -skill) > st.rules[1].(*distanceRule).most {
		return false
	}
	return !st.rules[2].(*latencyRule).apart(a, b)
}

func TestPlansReadWhatRulesSayOfPairs(t *testing.T) {
	const (
		singles = `"teams":[{"name":"red","minPlayers":1,"maxPlayers":1},{"name":"blue","minPlayers":1,"maxPlayers":1}]`
		fives   = `"teams":[{"name":"red","minPlayers":5,"maxPlayers":5},{"name":"blue","minPlayers":5,"maxPlayers":5}]`
		maybe   = `"teams":[{"name":"red","minPlayers":0,"maxPlayers":5},{"name":"blue","minPlayers":1,"maxPlayers":5}]`
	)
	distance := func(measured, reference string) string {
		return fmt.Sprintf(`{"name":"r","type":"distance","measurements":[%q],"referenceValue":%q,"maxDistance":10}`, measured, reference)
	}
	for _, c := range []struct {
		name, teams, rule string
		span              float64 // 0: nothing is said
	}{
		{"one against the other", singles, distance("avg(teams[red].players.attributes[skill])", "avg(teams[blue].players.attributes[skill])"), 10},
		{"either against the average", singles, distance("avg(teams[*].players.attributes[skill])", "avg(flatten(teams[*].players.attributes[skill]))"), 20},
		{"averages of fives say nothing of two players", fives, distance("avg(teams[*].players.attributes[skill])", "avg(flatten(teams[*].players.attributes[skill]))"), 0},
		{"every player against the average", fives, distance("flatten(teams[*].players.attributes[skill])", "avg(flatten(teams[*].players.attributes[skill]))"), 20},
		{"every player against the best", fives, distance("teams[*].players.attributes[skill]", "max(flatten(teams[*].players.attributes[skill]))"), 10},
		{"the best against the worst", fives, distance("max(flatten(teams[*].players.attributes[skill]))", "min(flatten(teams[*].players.attributes[skill]))"), 10},
		{"players of one team only", fives, distance("teams[red].players.attributes[skill]", "avg(flatten(teams[*].players.attributes[skill]))"), 0},
		{"against a team that may be empty", maybe, distance("flatten(teams[*].players.attributes[skill])", "avg(teams[red].players.attributes[skill])"), 0},
		{"against a team that is never empty", maybe, distance("flatten(teams[*].players.attributes[skill])", "avg(teams[blue].players.attributes[skill])"), 20},
		{"an average over both teams", singles, distance("avg(players.attributes[skill])", "max(flatten(teams[*].players.attributes[skill]))"), 0},
		{"a batch", fives, `{"name":"r","type":"batchDistance","batchAttribute":"skill","maxDistance":10}`, 10},
		{"against a map that may lack the key", fives, distance("flatten(teams[*].players.attributes[skill])", "max(players.attributes[roles][healer])"), 0},
		{"in an and", fives, distance("max(flatten(teams[*].players.attributes[skill]))", "min(flatten(teams[*].players.attributes[skill]))") +
			`,{"name":"x","type":"latency","maxLatency":10},{"name":"c","type":"compound","statement":"and(r, x)"}`, 10},
		{"in an or", fives, distance("max(flatten(teams[*].players.attributes[skill]))", "min(flatten(teams[*].players.attributes[skill]))") +
			`,{"name":"x","type":"latency","maxLatency":10},{"name":"c","type":"compound","statement":"or(r, x)"}`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := mustParse(t, `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"skill","type":"number"},{"name":"roles","type":"string_number_map"}],`+c.teams+`,"rules":[`+c.rule+`]}`)
			near := set.plan.near
			if c.span == 0 && near.attribute >= 0 || c.span > 0 && (near.attribute != 0 || near.spans[0] != c.span) {
				t.Fatalf("the plan says %+v, want a span of %v", near, c.span)
			}
		})
	}
}

func TestEveryoneIsMatchedWhoCouldBeInACrowd(t *testing.T) {
	// Groups of four in a row, 60 apart with 100 allowed, the inner two the oldest: they
	// would take each other and leave the outer two alone.
	set := mustParse(t, `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"skill","type":"number"}],
		"teams":[{"name":"side","minPlayers":1,"maxPlayers":1,"quantity":2}],
		"rules":[{"name":"close","type":"distance","measurements":["max(flatten(teams[*].players.attributes[skill]))"],
			"referenceValue":"min(flatten(teams[*].players.attributes[skill]))","maxDistance":100}]}`)
	var in []Input
	const groups = 100
	for i := range groups {
		base := float64(i * 10_000)
		for j, start := range []float64{2, 0, 1, 3} {
			in = append(in, Start{one(fmt.Sprintf("%d-%d", i, j), start, base+float64(j)*60)})
		}
	}
	p := NewPool(Config{RuleSet: set})
	matched := 0
	for _, e := range p.Step(at(5), in...) {
		if m, ok := e.(Matched); ok {
			matched += len(m.Match.TicketIDs)
		}
	}
	if matched != 4*groups {
		t.Fatalf("%d of %d tickets were matched", matched, 4*groups)
	}
}

func TestAChainOfExchangesDoesNotReturnToAMatch(t *testing.T) {
	// From root the only chain to end passes the match of j and k from both sides.
	set := mustParse(t, `{"ruleLanguageVersion":"1.0","teams":[{"name":"side","minPlayers":1,"maxPlayers":1,"quantity":2}],
		"rules":[{"name":"near","type":"latency","maxLatency":100}]}`)
	var in []Input
	for i, c := range []struct{ id, locations string }{{"i", "ABC"}, {"j", "BD"}, {"k", "DE"}, {"l", "DF"}, {"root", "A"}, {"end", "C"}, {"z1", "Z"}, {"z2", "Z"}} {
		latency := map[string]int{}
		for _, l := range c.locations {
			latency[string(l)] = 10
		}
		in = append(in, Start{Ticket{ID: c.id, StartAt: at(float64(i)), Players: []Player{{ID: c.id, LatencyInMs: latency}}}})
	}
	seen := map[string]bool{}
	for _, e := range NewTightPool(Config{RuleSet: set}).Step(at(10), in...) {
		m, ok := e.(Matched)
		if !ok {
			continue
		}
		for _, id := range m.Match.TicketIDs {
			if seen[id] {
				t.Fatalf("ticket %s is in two matches", id)
			}
			seen[id] = true
		}
	}
	if len(seen) != 6 {
		t.Fatalf("%d tickets were matched, want 6: %v", len(seen), seen)
	}
}

func TestASortedBatchHoldsNobodyTwice(t *testing.T) {
	set := mustParse(t, `{"ruleLanguageVersion":"1.0","algorithm":{"batchingPreference":"sorted","sortByAttributes":["level"]},
		"playerAttributes":[{"name":"skill","type":"number"},{"name":"level","type":"number"}],
		"teams":[{"name":"all","minPlayers":3,"maxPlayers":3}],
		"rules":[{"name":"close","type":"batchDistance","batchAttribute":"skill","maxDistance":50}]}`)
	ticket := func(id string, start, skill, level float64) Start {
		return Start{Ticket{ID: id, StartAt: at(start), Players: []Player{{ID: id, Attributes: map[string]Value{
			"skill": {Kind: NumberAttribute, Number: skill}, "level": {Kind: NumberAttribute, Number: level},
		}}}}}
	}
	in := []Input{ticket("anchor", 0, 0, 0), ticket("a1", 1, 50, 1000), ticket("a2", 1, 50, 1000), ticket("x", 2, -50, 1), ticket("b1", 3, 50, 1.1), ticket("b2", 3, 50, 1.2), ticket("b3", 3, 50, 1.3)}
	matches := 0
	for _, e := range NewTightPool(Config{RuleSet: set}).Step(at(10), in...) {
		if m, ok := e.(Matched); ok {
			matches++
			ids := slices.Clone(m.Match.TicketIDs)
			slices.Sort(ids)
			if len(slices.Compact(ids)) != 3 {
				t.Fatalf("a match of %v", m.Match.TicketIDs)
			}
		}
	}
	if matches == 0 {
		t.Fatal("no match")
	}
}
