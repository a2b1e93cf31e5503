package flexmatch

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// islander is a ticket for the storm royale.
func islander(id string, start, skill float64, island string, latency map[string]int, size int) Ticket {
	out := Ticket{ID: id, StartAt: at(start)}
	for i := range size {
		out.Players = append(out.Players, Player{ID: fmt.Sprintf("%s-%d", id, i), LatencyInMs: latency, Attributes: map[string]Value{
			"skill": {Kind: NumberAttribute, Number: skill}, "island": {Kind: StringAttribute, String: island},
		}})
	}
	return out
}

func matchesIn(effects []Effect) []Match {
	var out []Match
	for _, e := range effects {
		if m, ok := e.(Matched); ok {
			out = append(out, m.Match)
		}
	}
	return out
}

func TestALargeMatchFillsBothTeamsAlike(t *testing.T) {
	Covers(t, "large: balancing")
	p := NewPool(Config{RuleSet: ownRuleSet(t, "storm-royale")})
	var in []Input
	for i := range 60 {
		in = append(in, Start{islander(fmt.Sprint(i), 0, float64(i%30), "reef", map[string]int{"x": 50}, 1)})
	}
	in = append(in, Start{islander("other island", 0, 10, "cape", map[string]int{"x": 50}, 1)},
		Start{islander("slow", 0, 10, "reef", map[string]int{"x": 150}, 1)})
	got := matchesIn(p.Step(at(0), in...))
	if len(got) != 1 || len(got[0].Teams[0].Players) != 30 || len(got[0].Teams[1].Players) != 30 {
		t.Fatalf("matches %v", got)
	}
	if gap := math.Abs(averageSkill(got[0].Teams[0]) - averageSkill(got[0].Teams[1])); gap > 0.1 {
		t.Errorf("the teams' average skills are %v apart", gap)
	}
	if p.Size() != 62 {
		t.Errorf("the pool knows %d tickets", p.Size())
	}
}

func averageSkill(team Team) float64 {
	sum := 0.0
	for _, p := range team.Players {
		sum += p.Attributes["skill"].Number
	}
	return sum / float64(len(team.Players))
}

func TestALargeMatchSettlesForLessWhenItHasWaited(t *testing.T) {
	p := NewPool(Config{RuleSet: ownRuleSet(t, "storm-royale")})
	for i := range 4 {
		p.Step(at(0), Start{islander(fmt.Sprint(i), 0, 10, "reef", map[string]int{"x": 50}, 1)})
	}
	if got := matchesIn(p.Step(at(29))); len(got) != 0 {
		t.Fatalf("matches %v before the expansion", got)
	}
	if got := matchesIn(p.Step(at(30))); len(got) != 1 || len(got[0].TicketIDs) != 4 {
		t.Errorf("matches %v", got)
	}
}

func TestBatchingPrefersPopulationOrSpeed(t *testing.T) {
	Covers(t, "large: batchingPreference")
	for preference, want := range map[string]string{"largestPopulation": "[anchor far-0 far-1 far-2]", "fastestRegion": "[anchor near-0]"} {
		set := mustParse(t, fmt.Sprintf(`{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"skill","type":"number"}],
			"algorithm":{"strategy":"balanced","balancedAttribute":"skill","batchingPreference":%q},
			"teams":[{"name":"all","minPlayers":2,"maxPlayers":50}],"rules":[{"name":"ping","type":"latency","maxLatency":100}]}`, preference))
		var in []Input
		add := func(id string, latency map[string]int) {
			in = append(in, Start{islander(id, 0, 1, "", latency, 1)})
		}
		add("anchor", map[string]int{"near": 10, "far": 90})
		add("near-0", map[string]int{"near": 20})
		for i := range 3 {
			add(fmt.Sprintf("far-%d", i), map[string]int{"far": 20})
		}
		got := matchesIn(NewPool(Config{RuleSet: set}).Step(at(0), in...))
		if len(got) == 0 || fmt.Sprint(got[0].TicketIDs) != want {
			t.Errorf("%s: matches %v, want %s", preference, got, want)
		}
	}
}

func TestFillTeamsFollowsTheDocumentedWalk(t *testing.T) {
	Covers(t, "large: teams fill to their minimums, then by open slots")
	set := mustParse(t, `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"skill","type":"number"}],
		"algorithm":{"strategy":"balanced","balancedAttribute":"skill"},
		"teams":[{"name":"Hunters","minPlayers":12,"maxPlayers":15,"quantity":10},{"name":"Monsters","minPlayers":5,"maxPlayers":5}]}`)
	for players, want := range map[int]string{
		0:   "[0 0 0 0 0 0 0 0 0 0 0]",
		100: "[10 10 10 10 10 10 10 10 10 10 0]",
		122: "[12 12 12 12 12 12 12 12 12 12 2]",
		125: "[12 12 12 12 12 12 12 12 12 12 5]",
		155: "[15 15 15 15 15 15 15 15 15 15 5]",
		500: "[15 15 15 15 15 15 15 15 15 15 5]",
	} {
		if got := fmt.Sprint(set.FillTeams(players)); got != want {
			t.Errorf("after %d players %s, want %s", players, got, want)
		}
	}
}

func TestEveryLargeMatchKeepsItsRules(t *testing.T) {
	set := ownRuleSet(t, "storm-royale")
	rapid.Check(t, func(t *rapid.T) {
		p := NewPool(Config{RuleSet: set})
		tickets := map[string]Ticket{}
		now := 0.0
		for i := range rapid.IntRange(1, 60).Draw(t, "tickets") {
			now += float64(rapid.IntRange(0, 2).Draw(t, "pause"))
			latency := map[string]int{"x": rapid.IntRange(10, 140).Draw(t, "x")}
			if rapid.Bool().Draw(t, "reports y") {
				latency["y"] = rapid.IntRange(10, 140).Draw(t, "y")
			}
			ticket := islander(fmt.Sprint(i), now, float64(rapid.IntRange(0, 80).Draw(t, "skill")),
				rapid.SampledFrom([]string{"reef", "reef", "cape"}).Draw(t, "island"), latency, rapid.IntRange(1, 4).Draw(t, "size"))
			tickets[ticket.ID] = ticket
			for _, e := range p.Step(at(now), Start{ticket}) {
				if m, ok := e.(Matched); ok {
					checkStorm(t, m, tickets)
				}
			}
		}
	})
}

// checkStorm judges a match of the storm royale in plain Go.
func checkStorm(t *rapid.T, m Matched, tickets map[string]Ticket) {
	least, newest := 20, math.Inf(-1)
	low, high, x, y := math.Inf(1), math.Inf(-1), true, true
	islands := map[string]bool{}
	for _, id := range m.Match.TicketIDs {
		ticket := tickets[id]
		if ticket.ID == "" {
			t.Fatalf("ticket %s was matched twice", id)
		}
		delete(tickets, id)
		newest = max(newest, ticket.StartAt.Sub(epoch).Seconds())
		first := ticket.Players[0]
		low, high = min(low, first.Attributes["skill"].Number), max(high, first.Attributes["skill"].Number)
		islands[first.Attributes["island"].String] = true
		x = x && first.LatencyInMs["x"] <= 100
		ms, reported := first.LatencyInMs["y"]
		y = y && reported && ms <= 100
	}
	if m.At.Sub(epoch).Seconds()-newest >= 30 {
		least = 2
	}
	for _, team := range m.Match.Teams {
		if len(team.Players) < least || len(team.Players) > 30 {
			t.Fatalf("team %s has %d players", team.Name, len(team.Players))
		}
	}
	if high-low > 40 || len(islands) != 1 || !x && !y {
		t.Fatalf("skills %v to %v, islands %v, common locations %v %v", low, high, islands, x, y)
	}
}
