package flexmatch

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawLackingTicket is drawTicket, but now and then something is missing.
func drawLackingTicket(t *rapid.T, s oracleSet, id int, start float64) Ticket {
	out := drawTicket(t, s, id, start).ticket()
	p := &out.Players[rapid.IntRange(0, len(out.Players)-1).Draw(t, "who")]
	switch rapid.IntRange(0, 9).Draw(t, "lacks") {
	case 0:
		delete(p.Attributes, "skill")
	case 1:
		p.LatencyInMs = nil
	}
	return out
}

// explainedRun drives a pool with drawn inputs and calls look after every step.
func explainedRun(t *rapid.T, s oracleSet, c Config, look func(p *Pool, now float64, effects []Effect)) {
	c.RuleSet = parseForRapid(t, s.json())
	p := NewPool(c)
	now := 0.0
	for i := range rapid.IntRange(1, 8).Draw(t, "steps") {
		now += float64(rapid.IntRange(0, 5).Draw(t, "pause"))
		var in []Input
		if p.Size() < 7 && rapid.IntRange(0, 4).Draw(t, "arrives") > 0 {
			in = append(in, Start{drawLackingTicket(t, s, i, now-float64(rapid.IntRange(0, 2).Draw(t, "delay")))})
		}
		look(p, now, p.Step(at(now), in...))
	}
}

func drawConfig(t *rapid.T, s oracleSet) Config {
	c := Config{AdditionalPlayers: s.additional, AcceptanceRequired: rapid.Bool().Draw(t, "acceptance"), AcceptanceTimeout: 4 * time.Second}
	if rapid.Bool().Draw(t, "times out") {
		c.RequestTimeout = time.Duration(rapid.IntRange(2, 12).Draw(t, "timeout")) * time.Second
	}
	return c
}

func TestATicketThatCanNeverMatchNeverDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSet(t)
		hopeless := map[string]Explanation{}
		explainedRun(t, s, drawConfig(t, s), func(p *Pool, now float64, effects []Effect) {
			for _, e := range effects {
				if m, ok := e.(Proposed); ok {
					for _, id := range m.Match.TicketIDs {
						if x, doomed := hopeless[id]; doomed {
							t.Fatalf("at %v s %s is matched, of which was said:\n%s\n%s", now, id, x.Summary(), s.json())
						}
					}
				}
			}
			for id := range p.entries {
				if x, _ := p.Explain(id); len(x.Never) > 0 {
					hopeless[id] = x
				}
			}
		})
	})
}

func TestExplainingChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSet(t)
		c := drawConfig(t, s)
		var steps [][]Input
		var nows []float64
		explainedRun(t, s, c, func(p *Pool, now float64, _ []Effect) { nows = append(nows, now) })
		tickets := 0
		for i, now := range nows {
			var in []Input
			for range rapid.IntRange(0, 2).Draw(t, fmt.Sprintf("in step %d", i)) {
				tickets++
				in = append(in, Start{drawLackingTicket(t, s, tickets, now)})
			}
			steps = append(steps, in)
		}
		c.RuleSet = parseForRapid(t, s.json())
		asked, left := NewPool(c), NewPool(c)
		for i, in := range steps {
			a, b := asked.Step(at(nows[i]), in...), left.Step(at(nows[i]), in...)
			if !reflect.DeepEqual(a, b) {
				t.Fatalf("step %d of the explained pool:\n%swithout:\n%s%s", i, trace(a), trace(b), s.json())
			}
			for id := range asked.entries {
				first, _ := asked.Explain(id)
				again, _ := asked.Explain(id)
				if !reflect.DeepEqual(first, again) {
					t.Fatalf("two explanations of one state differ:\n%s\n%s", first.Summary(), again.Summary())
				}
			}
		}
	})
}

func TestAPoolLeavesNoMatchThatAnExplanationFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSet(t)
		c := drawConfig(t, s)
		explainedRun(t, s, c, func(p *Pool, now float64, _ []Effect) {
			for id := range p.entries {
				if x, _ := p.Explain(id); x.Possible() {
					t.Fatalf("at %v s of %s:\n%s\n%s", now, id, x.Summary(), s.json())
				}
			}
		})
	})
}

func TestExplanationsFromOutsideSayTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSet(t)
		c := Config{AdditionalPlayers: s.additional}
		explainedRun(t, s, c, func(p *Pool, now float64, _ []Effect) {
			byArrival := slices.SortedFunc(maps.Values(p.entries), func(a, b *entry) int { return a.arrival - b.arrival })
			var waiting []Ticket
			for _, e := range byArrival {
				if e.state == searching {
					waiting = append(waiting, e.ticket)
				}
			}
			for id, e := range p.entries {
				if e.state != searching {
					continue
				}
				inside, _ := p.Explain(id)
				outside, err := p.config.Explain(at(now), waiting, id)
				if err != nil {
					t.Fatal(err)
				}
				if inside.Compatible != outside.Compatible || inside.Possible() != outside.Possible() || len(inside.Never) != len(outside.Never) || !reflect.DeepEqual(inside.Rules, outside.Rules) {
					t.Fatalf("the pool says\n%s\nand from outside it is\n%s\n%s", inside.Summary(), outside.Summary(), s.json())
				}
			}
		})
	})
}
