package flexmatch

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkBulk starts 1,000 tickets in one step: the time to match a full pool.
func BenchmarkBulk(b *testing.B) {
	for _, name := range []string{"open-1v1", "ranked-1v1"} {
		b.Run(name, func(b *testing.B) {
			set := ownRuleSet(b, name)
			random := rand.New(rand.NewPCG(1, 2))
			in := make([]Input, 1000)
			for i := range in {
				in[i] = Start{one(fmt.Sprint(i), float64(i)/1000, random.NormFloat64()*300)}
			}
			matched := 0
			for b.Loop() {
				p := NewPool(Config{RuleSet: set})
				matched = 0
				for _, e := range p.Step(at(1), in...) {
					if _, ok := e.(Matched); ok {
						matched += 2
					}
				}
			}
			b.ReportMetric(float64(matched), "players")
		})
	}
}

// BenchmarkArrival adds one ticket that fits nobody to 1,000 that wait.
func BenchmarkArrival(b *testing.B) {
	set := ownRuleSet(b, "ranked-1v1")
	p := NewPool(Config{RuleSet: set})
	for i := range 1000 {
		p.Step(at(0), Start{one(fmt.Sprint(i), 0, float64(i)*1000)})
	}
	for b.Loop() {
		p.Step(at(0), Start{one("late", 0, -5000)})
		p.Step(at(0), Stop{"late"})
	}
	if p.Size() != 1000 {
		b.Fatalf("%d tickets wait", p.Size())
	}
}

// BenchmarkTeams adds players of random skill to a 5v5 whose sides must be even.
func BenchmarkTeams(b *testing.B) {
	set := mustParse(b, `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"skill","type":"number"}],
		"teams":[{"name":"red","minPlayers":5,"maxPlayers":5},{"name":"blue","minPlayers":5,"maxPlayers":5}],
		"rules":[{"name":"close","type":"distance","measurements":["avg(teams[*].players.attributes[skill])"],
			"referenceValue":"avg(flatten(teams[*].players.attributes[skill]))","maxDistance":10}]}`)
	random := rand.New(rand.NewPCG(1, 2))
	p, n := NewPool(Config{RuleSet: set}), 0
	for b.Loop() {
		n++
		for _, e := range p.Step(at(float64(n)), Start{one(fmt.Sprint(n), float64(n), random.NormFloat64()*300)}) {
			if m, ok := e.(Matched); ok {
				p.Step(at(float64(n)), Placed{m.Match.ID})
			}
		}
	}
	b.ReportMetric(float64(p.Size()), "waiting")
}

// BenchmarkHopeless adds a ticket to 60 that wait for a rule no bound sees through:
// the search runs into its limit of work every time.
func BenchmarkHopeless(b *testing.B) {
	set := mustParse(b, `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"skill","type":"number"}],
		"teams":[{"name":"red","minPlayers":5,"maxPlayers":5},{"name":"blue","minPlayers":5,"maxPlayers":5}],
		"rules":[{"name":"odd","type":"comparison","measurements":["stddev(flatten(teams[*].players.attributes[skill]))"],
			"operation":"=","referenceValue":-1}]}`)
	p := NewPool(Config{RuleSet: set})
	for i := range 60 {
		p.Step(at(0), Start{one(fmt.Sprint(i), 0, float64(i)*1.5)})
	}
	for b.Loop() {
		p.Step(at(0), Start{one("late", 0, -5)})
		p.Step(at(0), Stop{"late"})
	}
	if p.Size() != 60 {
		b.Fatalf("%d tickets wait", p.Size())
	}
}
