package flexmatch

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// distanceOf is a distance rule with some members of its own.
func distanceOf(more string) string {
	return `{"name":"r","type":"distance","measurements":["avg(teams[*].players.attributes[skill])"],"referenceValue":"avg(flatten(teams[*].players.attributes[skill]))"` + more + `}`
}

// comparisonOf is a comparison rule of one measurement.
func comparisonOf(measurement, operation, reference string) string {
	return fmt.Sprintf(`{"name":"r","type":"comparison","measurements":[%q],"operation":%q%s}`, measurement, operation, reference)
}

// twoTeams is a rule set of two duelists with one attribute, which some rule uses.
func twoTeams(more string) string {
	return `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"skill","type":"number","default":1}],
		"teams":[{"name":"red","minPlayers":1,"maxPlayers":2},{"name":"blue","minPlayers":1,"maxPlayers":2}]` + more + `}`
}

// elevenAttributes declares one more attribute than a request may carry.
func elevenAttributes() string {
	var out []string
	for i := range mostPlayerAttributes + 1 {
		out = append(out, fmt.Sprintf(`{"name":"x%d","type":"string"}`, i))
	}
	return strings.Join(out, ",")
}

func TestWarningsSayWhatIsLikelyNotMeant(t *testing.T) {
	withRules := func(list ...string) string { return twoTeams(`,"rules":[` + strings.Join(list, ",") + `]`) }
	expanding := func(rule, target, steps string) string {
		return twoTeams(`,"rules":[` + rule + `],"expansions":[{"target":"` + target + `","steps":[` + steps + `]}]`)
	}
	fair := distanceOf(`,"maxDistance":5`)
	cases := []struct{ name, body, path, message string }{
		{"a misspelt property", withRules(distanceOf(`,"maxDistance":5,"minDistence":1`)), "$.rules[0].minDistence", `did you mean "minDistance"?`},
		{"a misspelt member of the rule set", twoTeams(`,"expansion":[]`), "$.expansion", `did you mean "expansions"?`},
		{"an unknown member like no other", twoTeams(`,"author":"me"`), "$.author", `"author" is not known and is ignored`},
		{"a setting of the configuration", twoTeams(`,"acceptanceRequired":true`), "$.acceptanceRequired", "belongs in the matchmaking configuration"},
		{"a property of another rule type", withRules(fair, `{"name":"l","type":"latency","maxLatency":9,"minDistance":1}`), "$.rules[1].minDistance", "a latency rule has no minDistance"},
		{"a misspelt member of a team", strings.Replace(withRules(fair), `"maxPlayers":2}]`, `"maxPlayers":2,"quantty":2}]`, 1), "$.teams[1].quantty", `did you mean "quantity"?`},
		{"a misspelt member of a step", expanding(fair, "rules[r].maxDistance", `{"waitTimeSeconds":1,"value":9,"values":8}`), "$.expansions[0].steps[0].values", `did you mean "value"?`},
		{"a member that stands twice", withRules(distanceOf(`,"maxDistance":5,"maxDistance":6`)), "$.rules[0].maxDistance", "stands again later"},
		{"a comment", "// hello\n" + withRules(fair), "$", "comments are accepted here"},
		{"an attribute without use", twoTeams(""), "$.playerAttributes[0]", `no rule uses the attribute "skill"; it is only passed on`},
		{"an attribute without use or default", strings.Replace(twoTeams(""), `,"default":1`, "", 1), "$.playerAttributes[0]", "players without it never match"},
		{"a lone player is a match", strings.ReplaceAll(twoTeams(""), `"minPlayers":1`, `"minPlayers":0`), "$.teams", "a player alone is enough"},
		{"sorting that is not asked for", twoTeams(`,"algorithm":{"sortByAttributes":["skill"]}`), "$.algorithm.sortByAttributes", "ignored"},
		{"balance that is not asked for", twoTeams(`,"algorithm":{"balancedAttribute":"skill"}`), "$.algorithm.balancedAttribute", "ignored"},
		{"sorting by what has no order", ruleSetWith(`,"algorithm":{"batchingPreference":"sorted","sortByAttributes":["skill","maps"]}`), "$.algorithm.sortByAttributes[1]", "has no order"},
		{"a priority that large matches do not have", strings.Replace(twoTeams(`,"algorithm":{"strategy":"balanced","balancedAttribute":"skill","backfillPriority":"low"}`), `"maxPlayers":2`, `"maxPlayers":60`, 1), "$.algorithm.backfillPriority", "backfills always go first"},
		{"attributes beyond what a request carries", `{"ruleLanguageVersion":"1.0","playerAttributes":[` + elevenAttributes() + `],"teams":[{"name":"a","minPlayers":2,"maxPlayers":2}]}`, "$.playerAttributes", "nobody matches"},
		{"balance of a small match", twoTeams(`,"algorithm":{"strategy":"balanced","balancedAttribute":"skill"}`), "$.algorithm.strategy", "more than 40 players"},
		{"limits that contradict", withRules(distanceOf(`,"minDistance":6,"maxDistance":5`)), "$.rules[0]", "can never hold: minDistance is above maxDistance"},
		{"a team size that is never reached", withRules(comparisonOf("count(teams[red].players)", ">", `,"referenceValue":2`)), "$.rules[0]", "can never hold"},
		{"a team size reached by an expansion", expanding(comparisonOf("count(teams[red].players)", ">", `,"referenceValue":2`), "teams[red].maxPlayers", `{"waitTimeSeconds":90,"value":3}`), "$.rules[0]", "cannot hold before 90 s have passed"},
		{"a latency below a millisecond", withRules(`{"name":"l","type":"latency","maxLatency":0}`), "$.rules[0]", "can never hold"},
		{"a count without limits", withRules(`{"name":"c","type":"collection","operation":"intersection","measurements":["teams[red].players[playerId]"]}`), "$.rules[0]", "never fails"},
		{"a value compared with itself", withRules(comparisonOf("avg(teams[red].players.attributes[skill])", "=", `,"referenceValue":"avg(teams[red].players.attributes[skill])"`)), "$.rules[0]", "never fails"},
		{"one value compared with no other", withRules(comparisonOf("max(teams[red].players.attributes[skill])", "!=", "")), "$.rules[0]", "never fails"},
		{"an aggregation without effect", withRules(distanceOf(`,"maxDistance":5,"partyAggregation":"max"`)), "$.rules[0].partyAggregation", "every player is measured"},
		{"a reference that is not read", withRules(`{"name":"c","type":"collection","operation":"intersection","minCount":1,"referenceValue":"x","measurements":["teams[red].players[playerId]"]}`), "$.rules[0].referenceValue", "ignores referenceValue"},
		{"a statement that is always true", withRules(fair, `{"name":"c","type":"compound","statement":"or(r, not(r))"}`), "$.rules[1].statement", "is true whatever"},
		{"a statement that is never true", withRules(fair, `{"name":"c","type":"compound","statement":"xor(r, r)"}`), "$.rules[1].statement", "is false whatever"},
		{"a step that tightens", expanding(fair, "rules[r].maxDistance", `{"waitTimeSeconds":1,"value":4}`), "$.expansions[0].steps[0].value", "tightens: maxDistance was 5"},
		{"a step that asks for more players", expanding(fair, "teams[red].minPlayers", `{"waitTimeSeconds":1,"value":2}`), "$.expansions[0].steps[0].value", "tightens"},
		{"a reference that tightens", expanding(comparisonOf("teams[red].players.attributes[skill]", ">=", `,"referenceValue":5`), "rules[r].referenceValue", `{"waitTimeSeconds":1,"value":6}`), "$.expansions[0].steps[0].value", "tightens"},
		{"a step that changes nothing", expanding(fair, "rules[r].maxDistance", `{"waitTimeSeconds":1,"value":"5"}`), "$.expansions[0].steps[0].value", "changes nothing"},
		{"a step that comes after any request", expanding(fair, "rules[r].maxDistance", `{"waitTimeSeconds":43200,"value":9}`), "$.expansions[0].steps[0].waitTimeSeconds", "never reached"},
		{"a step that is in force from the start", expanding(fair, "rules[r].maxDistance", `{"waitTimeSeconds":0,"value":9}`), "$.expansions[0].steps[0].waitTimeSeconds", "the value before it (5) never is"},
		{"no steps", expanding(fair, "rules[r].maxDistance", ""), "$.expansions[0]", "without steps"},
		{"a small match that grows large", expanding(fair, "teams[red].maxPlayers", `{"waitTimeSeconds":1,"value":60}`), "$.expansions[0].steps[0].value", "up to 62 players"},
		{"a target twice", twoTeams(`,"rules":[` + fair + `],"expansions":[{"target":"rules[r].maxDistance","steps":[{"waitTimeSeconds":1,"value":6}]},{"target":"rules[r].maxDistance","steps":[{"waitTimeSeconds":2,"value":7}]}]`), "$.expansions[1].target", "same target"},
		{"a distance of batch strings", rules(`{"name":"r","type":"batchDistance","batchAttribute":"mode","maxDistance":1}`), "$.rules[0].maxDistance", "strings have no distance"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			warnings := mustParse(t, c.body).Warnings()
			for _, w := range warnings {
				if w.Path == c.path && strings.Contains(w.Message, c.message) {
					return
				}
			}
			t.Errorf("no warning at %s with %q in:\n%v", c.path, c.message, Problems(warnings))
		})
	}
}

func TestAPlainRuleSetHasNoWarnings(t *testing.T) {
	for name, body := range map[string]string{
		"a rule that relaxes":           twoTeams(`,"rules":[` + distanceOf(`,"maxDistance":5,"description":"even"`) + `],"expansions":[{"target":"rules[r].maxDistance","steps":[{"waitTimeSeconds":1,"value":6}]}]`),
		"a rule that not() turns round": twoTeams(`,"rules":[` + distanceOf(`,"maxDistance":5`) + `,{"name":"far","type":"compound","statement":"not(r)"}],"expansions":[{"target":"rules[r].maxDistance","steps":[{"waitTimeSeconds":1,"value":4}]}]`),
		"remarks of its author":         twoTeams(`,"_author":"me","comment":"x","rules":[` + distanceOf(`,"maxDistance":5`) + `]`),
	} {
		if warnings := mustParse(t, body).Warnings(); len(warnings) > 0 {
			t.Errorf("%s:\n%v", name, Problems(warnings))
		}
	}
}

// A rule of which a warning says that it never holds is in no match, and one that never
// fails is broken by none.
func TestWarningsAboutRulesAreTrue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		measurement := rapid.SampledFrom([]string{
			"count(teams[red].players)", "max(count(teams[*].players))", "avg(teams[*].players.attributes[skill])",
			"count(players)", "min(teams[blue].players.attributes[skill])",
		}).Draw(t, "measurement")
		operation := rapid.SampledFrom(operationNames).Draw(t, "operation")
		reference := rapid.SampledFrom([]string{"0", "1", "2", "3", "4", "5", `"count(teams[blue].players)"`, `"max(count(teams[*].players))"`}).Draw(t, "reference")
		set, err := ParseRuleSet([]byte(twoTeams(`,"rules":[` + comparisonOf(measurement, operation, `,"referenceValue":`+reference) + `]`)))
		if err != nil {
			t.Fatal(err)
		}
		var verdicts [3]int
		for red := 1; red <= 2; red++ {
			for blue := 1; blue <= 2; blue++ {
				d := newDraft(set, 0)
				for i, n := range []int{red, blue} {
					for j := range n {
						skill := Value{Kind: NumberAttribute, Number: float64(rapid.IntRange(0, 3).Draw(t, "skill"))}
						d.push(set.prepare(Ticket{ID: fmt.Sprint(i, j), Players: []Player{{ID: "p", Attributes: map[string]Value{"skill": skill}}}}), i)
					}
				}
				verdicts[set.stages[0].rules[0].check(d)]++
			}
		}
		for _, w := range set.Warnings() {
			if strings.Contains(w.Message, "can never hold") && verdicts[failed] < 4 || strings.Contains(w.Message, "never fails") && verdicts[failed] > 0 {
				t.Fatalf("%s, yet %d matches fail, %d pass", w.Message, verdicts[failed], verdicts[passed])
			}
		}
	})
}
