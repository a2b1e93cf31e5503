package flexmatch_test

import (
	"fmt"
	"time"

	"muster/flexmatch"
)

// A ticket that waits is explained as of the last Step: who else waits, which rule is in
// the way by how much, and when it relaxes.
func ExamplePool_Explain() {
	set, err := flexmatch.ParseRuleSet([]byte(`{
		"ruleLanguageVersion": "1.0",
		"playerAttributes": [{"name": "skill", "type": "number"}],
		"teams": [{"name": "side", "minPlayers": 1, "maxPlayers": 1, "quantity": 2}],
		"rules": [{"name": "Near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 100}],
		"expansions": [{"target": "rules[Near].maxDistance", "steps": [{"waitTimeSeconds": 30, "value": 200}]}]
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	player := func(id string, skill float64) flexmatch.Input {
		return flexmatch.Start{Ticket: flexmatch.Ticket{ID: id, StartAt: start, Players: []flexmatch.Player{{
			ID: id, Attributes: map[string]flexmatch.Value{"skill": {Kind: flexmatch.NumberAttribute, Number: skill}},
		}}}}
	}
	pool := flexmatch.NewPool(flexmatch.Config{RuleSet: set})
	pool.Step(start.Add(12*time.Second), player("ann", 1500), player("bob", 1640))

	why, _ := pool.Explain("ann")
	fmt.Println("keeps away:", why.Rules[0].Rule, "by", why.Rules[0].Nearest.Amount, "until", why.Reach.After)
	fmt.Println(why.Summary())
	// Output:
	// keeps away: Near by 40 until 30s
	// Ticket ann, 1 player, has been searching for 12 s, past 0 of 1 expansion step.
	// 1 other ticket waits; none could be in a match with it now.
	// It needs 1 player more, 0 compatible.
	// The next becomes compatible in 18 s, at expansion step 1.
	// Rule Near keeps 1 ticket away: the nearest misses maxDistance 100 by 40 skill; it lets the first in after 18 s.
	// The next expansion step comes in 18 s, at the age of 30 s, and changes rules[Near].maxDistance from 100 to 200.
}
