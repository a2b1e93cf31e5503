package simulate

import (
	"reflect"
	"testing"
	"time"

	"muster/flexmatch"
)

func TestWhatKeepsATicketFromAMatchHasOneName(t *testing.T) {
	rules := []flexmatch.RuleObstacle{{Rule: "near", Candidates: 9}, {Rule: "mode", Candidates: 2}}
	failed := &flexmatch.Attempt{Failed: []flexmatch.RuleMiss{{Rule: "fair"}}}
	for _, c := range []struct {
		name    string
		in      flexmatch.Explanation
		waiting int
		rule    string
		ok      bool
	}{
		{"a rule that its own values break", flexmatch.Explanation{Never: []flexmatch.Obstacle{{Kind: flexmatch.NoLocation, Rule: "far"}}}, 50, "far", true},
		{"a party that no team takes", flexmatch.Explanation{Never: []flexmatch.Obstacle{{Kind: flexmatch.PartyTooLarge}}}, 50, "", false},
		{"a lone player", flexmatch.Explanation{Players: 1, NeededPlayers: 9, Rules: rules}, 4, "", true},
		{"too few compatible", flexmatch.Explanation{Players: 1, NeededPlayers: 9, Rules: rules, Attempt: failed}, 50, "near", true},
		{"compatible as pairs, not as a match", flexmatch.Explanation{Players: 1, NeededPlayers: 9, CompatiblePlayers: 20, Rules: rules, Attempt: failed}, 50, "fair", true},
		{"next in line", flexmatch.Explanation{Players: 1, NeededPlayers: 1, CompatiblePlayers: 20, Attempt: &flexmatch.Attempt{}}, 50, "", false},
		{"asked to accept", flexmatch.Explanation{Standing: flexmatch.StandsProposed}, 50, "", false},
	} {
		if rule, ok := obstacle(c.in, c.waiting); rule != c.rule || ok != c.ok {
			t.Errorf("%s: %q, %v, want %q, %v", c.name, rule, ok, c.rule, c.ok)
		}
	}
}

func TestTheRuleThatStandsInTheWayIsNamed(t *testing.T) {
	strict := mustParse(t, "strict", `{
		"ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "skill", "type": "number"}],
		"teams": [{"name": "a", "minPlayers": 1, "maxPlayers": 1}, {"name": "b", "minPlayers": 1, "maxPlayers": 1}],
		"rules": [
			{"name": "alike", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 0.000001},
			{"name": "near", "type": "latency", "maxLatency": 400}
		]
	}`)
	r := mustRun(t, Options{Duration: time.Hour}, strict)[0]
	if r.Players.Matched > 0 || len(r.Obstacles) == 0 || r.Obstacles[0].Rule != "alike" || r.Obstacles[0].Tickets*2 < r.Asked {
		t.Errorf("%d matched; of %d asked: %+v", r.Players.Matched, r.Asked, r.Obstacles)
	}
	quiet := DefaultPopulation()
	quiet.ScaleTo(20)
	r = mustRun(t, Options{Population: quiet}, mustParse(t, "trio", trioRules))[0]
	if want := []Obstacle{{"", r.Asked}}; r.Asked == 0 || !reflect.DeepEqual(r.Obstacles, want) {
		t.Errorf("of %d asked: %+v, want that too few players wait", r.Asked, r.Obstacles)
	}
}

func TestTalliesListTheMostFrequentFirst(t *testing.T) {
	var counts tally
	for _, rule := range []string{"b", "c", "a", "c"} {
		counts.add(rule)
	}
	if want := []Obstacle{{"c", 2}, {"a", 1}, {"b", 1}}; counts.asked != 4 || !reflect.DeepEqual(counts.list(), want) {
		t.Errorf("%d asked: %v", counts.asked, counts.list())
	}
}
