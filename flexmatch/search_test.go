package flexmatch

import (
	"container/heap"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBeyondItsBoundTheSearchTriesSimilarTickets(t *testing.T) {
	// No bound sees through a deviation, so the search by age drowns in the thirty
	// unlike tickets; the nine that are like the anchor came last.
	set := mustParse(t, `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"skill","type":"number"}],
		"teams":[{"name":"red","minPlayers":5,"maxPlayers":5},{"name":"blue","minPlayers":5,"maxPlayers":5}],
		"rules":[{"name":"alike","type":"comparison","measurements":["stddev(flatten(teams[*].players.attributes[skill]))"],
			"operation":"<=","referenceValue":1}]}`)
	tickets := []Ticket{one("anchor", 0, 50)}
	for i := range 30 {
		tickets = append(tickets, one(fmt.Sprintf("far%d", i), 0, float64(1000+i*i*7)))
	}
	for i := range 9 {
		tickets = append(tickets, one(fmt.Sprintf("like%d", i), 0, 50+float64(i)/10))
	}
	got := matchedTickets(set, tickets...)
	want := "anchor+like0+like1+like2+like3+like4+like5+like6+like7+like8"
	if len(got) != 1 || got[0] != want {
		t.Errorf("matches %v, want %s", got, want)
	}
}

func TestAnOlderTicketIsPreferredWhateverTheTeam(t *testing.T) {
	// The anchor could sit in either team; only as the guard does it get the older one.
	set := mustParse(t, `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"role","type":"string_list"}],
		"teams":[{"name":"thief","minPlayers":1,"maxPlayers":1},{"name":"guard","minPlayers":1,"maxPlayers":1}],
		"rules":[{"name":"thieves","type":"collection","measurements":["teams[thief].players.attributes[role]"],"operation":"contains","referenceValue":"thief"},
			{"name":"guards","type":"collection","measurements":["teams[guard].players.attributes[role]"],"operation":"contains","referenceValue":"guard"}]}`)
	ticket := func(id string, roles ...string) Ticket {
		return Ticket{ID: id, StartAt: epoch, Players: []Player{{ID: id, Attributes: map[string]Value{"role": {Kind: StringListAttribute, Strings: roles}}}}}
	}
	got := matchedTickets(set, ticket("both", "thief", "guard"), ticket("thief", "thief"), ticket("guard", "guard"))
	if len(got) != 1 || got[0] != "both+thief" {
		t.Errorf("matches %v, want both+thief", got)
	}
}

func TestComparisonsOfIntervalsAllowWhatSomeNumbersAllow(t *testing.T) {
	draw := func(t *rapid.T, name string) interval {
		lo := rapid.IntRange(0, 5).Draw(t, name)
		return interval{float64(lo), float64(lo + rapid.IntRange(0, 3).Draw(t, name+" width"))}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		for op := less; op <= greaterOrEqual; op++ {
			some := false
			for x := a.lo; x <= a.hi; x++ {
				for y := b.lo; y <= b.hi; y++ {
					some = some || op.holds(value{kind: numberValue, number: x}, value{kind: numberValue, number: y})
				}
			}
			if op.possible(a, b) != some {
				t.Fatalf("%v %s %v is possible: %v, want %v", a, operationNames[op], b, !some, some)
			}
		}
	})
}

func TestAlarmsComeInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h alarms
		var list []*alarm
		for i := range rapid.IntRange(1, 20).Draw(t, "alarms") {
			list = append(list, &alarm{order: i})
		}
		for range rapid.IntRange(0, 60).Draw(t, "changes") {
			a := rapid.SampledFrom(list).Draw(t, "alarm")
			when := time.Time{}
			if s := rapid.IntRange(0, 9).Draw(t, "second"); s > 0 {
				when = at(float64(s))
			}
			h.set(a, when)
			if (a.index > 0) != !when.IsZero() {
				t.Fatalf("alarm at %v has index %d", when, a.index)
			}
		}
		var got []alarm
		for len(h) > 0 {
			got = append(got, *heap.Pop(&h).(*alarm))
		}
		if !slices.IsSortedFunc(got, func(a, b alarm) int {
			if c := a.at.Compare(b.at); c != 0 {
				return c
			}
			return a.order - b.order
		}) {
			t.Fatalf("alarms came as %v", got)
		}
	})
}

func TestStatisticsOfOneNumberAreTheNumber(t *testing.T) {
	for f := minFunction; f <= sumFunction; f++ {
		if got := statistic(f, []float64{4}); got != 4 {
			t.Errorf("%s of 4 is %v", functionNames[f], got)
		}
	}
	if got := statistic(stddevFunction, []float64{2, 4, 4, 4, 5, 5, 7, 9}); math.Abs(got-2) > 1e-12 {
		t.Errorf("the deviation is %v, want 2", got)
	}
}

// TestAPoolOfManyRulesStaysBounded guards against rule sets whose size makes a search
// endless: 300 rules that no bound sees through.
func TestAPoolOfManyRulesStaysBounded(t *testing.T) {
	var list []string
	for i := range 300 {
		list = append(list, fmt.Sprintf(`{"name":"r%d","type":"comparison","measurements":["stddev(flatten(teams[*].players.attributes[skill]))"],"operation":">=","referenceValue":0}`, i))
	}
	list = append(list, `{"name":"never","type":"comparison","measurements":["stddev(flatten(teams[*].players.attributes[skill]))"],"operation":"<","referenceValue":0}`)
	set := mustParse(t, rules(list...))
	p := NewPool(Config{RuleSet: set})
	var in []Input
	for i := range 30 {
		in = append(in, Start{one(fmt.Sprint(i), 0, float64(i))})
	}
	p.Step(at(0), in...)
	evaluated := 0
	for _, e := range p.entries {
		for _, m := range e.metrics {
			evaluated += m.passed + m.failed
		}
	}
	if limit := 2 * passWork; evaluated == 0 || evaluated > limit {
		t.Errorf("%d evaluations, want at most %d", evaluated, limit)
	}
}
