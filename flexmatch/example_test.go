package flexmatch_test

import (
	"fmt"
	"time"

	"muster/flexmatch"
)

// A pool with a rule that loosens: two players who are too far apart at first match
// ten seconds later, without any further input.
func Example() {
	set, err := flexmatch.ParseRuleSet([]byte(`{
		"ruleLanguageVersion": "1.0",
		"playerAttributes": [{"name": "skill", "type": "number", "default": 10}],
		"teams": [{"name": "side", "minPlayers": 1, "maxPlayers": 1, "quantity": 2}],
		"rules": [{
			"name": "fair", "type": "distance", // half the gap between the two
			"measurements": ["avg(teams[*].players.attributes[skill])"],
			"referenceValue": "avg(flatten(teams[*].players.attributes[skill]))",
			"maxDistance": 5
		}],
		"expansions": [{"target": "rules[fair].maxDistance", "steps": [{"waitTimeSeconds": 10, "value": 50}]}]
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	noon := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	player := func(id string, skill float64) flexmatch.Start {
		return flexmatch.Start{Ticket: flexmatch.Ticket{
			ID: "ticket of " + id, StartAt: noon,
			Players: []flexmatch.Player{{ID: id, Attributes: map[string]flexmatch.Value{
				"skill": {Kind: flexmatch.NumberAttribute, Number: skill},
			}}},
		}}
	}

	pool := flexmatch.NewPool(flexmatch.Config{RuleSet: set, RequestTimeout: time.Minute})
	effects := pool.Step(noon, player("ann", 20), player("bob", 60))
	next, _ := pool.Deadline()
	fmt.Println(len(effects), "effects, next at", next.Format("15:04:05"))

	for _, effect := range pool.Step(next) {
		if e, ok := effect.(flexmatch.Matched); ok {
			for _, team := range e.Match.Teams {
				fmt.Println(e.At.Format("15:04:05"), team.Name, team.Players[0].ID)
			}
		}
	}
	// Output:
	// 2 effects, next at 12:00:10
	// 12:00:10 side_1 ann
	// 12:00:10 side_2 bob
}

// A rule set with mistakes gives all of them, each with its place.
func ExampleParseRuleSet_problems() {
	_, err := flexmatch.ParseRuleSet([]byte(`{
  "ruleLanguageVersion": "1.0",
  "teams": [{"name": "all", "minPlayers": 4, "maxPlayers": 2}],
  "rules": [{"name": "near", "type": "latency"}]
}`))
	fmt.Println(err)
	// Output:
	// 3:43: $.teams[0].minPlayers: minPlayers is at most maxPlayers, which is 2
	// 4:13: $.rules[0]: a latency rule needs "maxLatency", or "maxDistance" with "distanceReference"
}
