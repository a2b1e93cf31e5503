package flexmatch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// ruleSetWith is a correct two-team rule set with some parts of its own.
func ruleSetWith(extra string) string {
	return `{
  "ruleLanguageVersion": "1.0",
  "playerAttributes": [
    {"name": "skill", "type": "number", "default": 10},
    {"name": "mode", "type": "string", "default": "any"},
    {"name": "maps", "type": "string_list", "default": ["a"]},
    {"name": "roles", "type": "string_number_map", "default": {"tank": 1}}
  ],
  "teams": [
    {"name": "red", "minPlayers": 1, "maxPlayers": 2},
    {"name": "blue", "minPlayers": 1, "maxPlayers": 2}
  ]` + extra + `}`
}

func rules(list ...string) string {
	return ruleSetWith(`, "rules": [` + strings.Join(list, ",") + `]`)
}

func TestProblemsSayWhatAndWhere(t *testing.T) {
	Covers(t, "name and ruleLanguageVersion", "minPlayers and maxPlayers", "quantity", "mistakes", "large: other rule types are refused")
	cases := []struct {
		name, body    string
		path, message string // message is a part of it
	}{
		{"an empty body", "", "$", "expected a value"},
		{"not JSON", "hello", "$", "expected a value"},
		{"text after the document", "{} x", "$", "remove 'x'"},
		{"a trailing comma", `{"a":1,}`, "$", "remove it"},
		{"an open string", `{"a`, "$", "not closed"},
		{"an unknown escape", `{"a":"\q"}`, "$", "unknown escape"},
		{"a number out of range", `{"a":1e999}`, "$", "not a number"},
		{"nested too deep", strings.Repeat("[", 100), "$", "levels deep"},
		{"not an object", `[]`, "$", "a list"},
		{"no version", `{"teams":[{"name":"a","minPlayers":1,"maxPlayers":1}]}`, "$", "ruleLanguageVersion"},
		{"another version", `{"ruleLanguageVersion":"2.0","teams":[{"name":"a","minPlayers":1,"maxPlayers":1}]}`, "$.ruleLanguageVersion", `"1.0"`},
		{"no teams", `{"ruleLanguageVersion":"1.0"}`, "$", "teams"},
		{"an empty list of teams", `{"ruleLanguageVersion":"1.0","teams":[]}`, "$.teams", "one team or more"},
		{"a team without name", `{"ruleLanguageVersion":"1.0","teams":[{"minPlayers":1,"maxPlayers":1}]}`, "$.teams[0]", "name"},
		{"a team with more minimum than maximum", `{"ruleLanguageVersion":"1.0","teams":[{"name":"a","minPlayers":3,"maxPlayers":1}]}`, "$.teams[0].minPlayers", "at most maxPlayers"},
		{"half a player", `{"ruleLanguageVersion":"1.0","teams":[{"name":"a","minPlayers":0.5,"maxPlayers":1}]}`, "$.teams[0].minPlayers", "whole number"},
		{"a quantity of none", `{"ruleLanguageVersion":"1.0","teams":[{"name":"a","minPlayers":1,"maxPlayers":1,"quantity":0}]}`, "$.teams[0].quantity", "whole number from 1"},
		{"too many players", `{"ruleLanguageVersion":"1.0","teams":[{"name":"a","minPlayers":1,"maxPlayers":101,"quantity":2}]}`, "$.teams", "at most 200"},
		{"an absurd quantity", `{"ruleLanguageVersion":"1.0","teams":[{"name":"a","minPlayers":1,"maxPlayers":1,"quantity":1000000}]}`, "$.teams[0].quantity", "more players"},
		{"two teams of one name", `{"ruleLanguageVersion":"1.0","teams":[{"name":"a","minPlayers":1,"maxPlayers":1},{"name":"a","minPlayers":1,"maxPlayers":1}]}`, "$.teams[1].name", "two teams"},
		{"a name that a quantity generates", `{"ruleLanguageVersion":"1.0","teams":[{"name":"a","minPlayers":1,"maxPlayers":1,"quantity":2},{"name":"a_2","minPlayers":1,"maxPlayers":1}]}`, "$.teams[1].name", `"a_2"`},
		{"a large match without algorithm", `{"ruleLanguageVersion":"1.0","teams":[{"name":"a","minPlayers":1,"maxPlayers":41}]}`, "$", "balanced"},
		{"an attribute of unknown type", `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"x","type":"int"}],"teams":[{"name":"a","minPlayers":1,"maxPlayers":1}]}`, "$.playerAttributes[0].type", `"number"`},
		{"a default of another type", `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"x","type":"number","default":"ten"}],"teams":[{"name":"a","minPlayers":1,"maxPlayers":1}]}`, "$.playerAttributes[0].default", "number"},
		{"an attribute twice", `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"x","type":"number"},{"name":"x","type":"number"}],"teams":[{"name":"a","minPlayers":1,"maxPlayers":1}]}`, "$.playerAttributes[1].name", "twice"},
		{"an unknown strategy", ruleSetWith(`, "algorithm": {"strategy": "fast"}`), "$.algorithm.strategy", "exhaustiveSearch"},
		{"sorting by nothing", ruleSetWith(`, "algorithm": {"batchingPreference": "sorted"}`), "$.algorithm", "sortByAttributes"},
		{"sorting by an undeclared attribute", ruleSetWith(`, "algorithm": {"batchingPreference": "sorted", "sortByAttributes": ["height"]}`), "$.algorithm.sortByAttributes[0]", "not declared"},
		{"a batching preference of large matches", ruleSetWith(`, "algorithm": {"batchingPreference": "fastestRegion"}`), "$.algorithm.batchingPreference", "sorted"},
		{"balance of a string", ruleSetWith(`, "algorithm": {"strategy": "balanced", "balancedAttribute": "mode"}`), "$.algorithm.balancedAttribute", "number attribute"},
		{"balance of nothing", ruleSetWith(`, "algorithm": {"strategy": "balanced"}`), "$.algorithm", "balancedAttribute"},
		{"an unknown rule type", rules(`{"name":"r","type":"magic"}`), "$.rules[0].type", "comparison"},
		{"two rules of one name", rules(`{"name":"r","type":"latency","maxLatency":1}`, `{"name":"r","type":"latency","maxLatency":1}`), "$.rules[1].name", "two rules"},
		{"a comparison without operation", rules(`{"name":"r","type":"comparison","measurements":["teams[red].players.attributes[skill]"]}`), "$.rules[0]", "operation"},
		{"an order without reference", rules(`{"name":"r","type":"comparison","measurements":["teams[red].players.attributes[skill]"],"operation":"<"}`), "$.rules[0]", "referenceValue"},
		{"an order of strings", rules(`{"name":"r","type":"comparison","measurements":["teams[red].players.attributes[mode]"],"operation":"<","referenceValue":"a"}`), "$.rules[0].operation", "strings compare"},
		{"a number against strings", rules(`{"name":"r","type":"comparison","measurements":["teams[red].players.attributes[mode]"],"operation":"=","referenceValue":1}`), "$.rules[0].referenceValue", "a string"},
		{"a distance without limits", rules(`{"name":"r","type":"distance","measurements":["teams[red].players.attributes[skill]"],"referenceValue":1}`), "$.rules[0]", "maxDistance"},
		{"a distance of strings", rules(`{"name":"r","type":"distance","measurements":["teams[red].players.attributes[mode]"],"referenceValue":1,"maxDistance":1}`), "$.rules[0].measurements[0]", "measures numbers"},
		{"a misspelt function is not a literal", rules(`{"name":"r","type":"distance","measurements":["teams[red].players.attributes[skill]"],"referenceValue":"avg(teams[purple].players.attributes[skill])","maxDistance":1}`), "$.rules[0].referenceValue", "purple"},
		{"a collection without reference", rules(`{"name":"r","type":"collection","measurements":["flatten(teams[*].players.attributes[maps])"],"operation":"contains"}`), "$.rules[0]", "referenceValue"},
		{"a collection averaged over parties", rules(`{"name":"r","type":"collection","measurements":["flatten(teams[*].players.attributes[maps])"],"operation":"intersection","partyAggregation":"avg"}`), "$.rules[0].partyAggregation", "union"},
		{"a latency rule without limits", rules(`{"name":"r","type":"latency"}`), "$.rules[0]", "maxLatency"},
		{"half a latency distance", rules(`{"name":"r","type":"latency","maxDistance":5}`), "$.rules[0]", "come together"},
		{"a batch distance of a list", rules(`{"name":"r","type":"batchDistance","batchAttribute":"maps","maxDistance":5}`), "$.rules[0].batchAttribute", "string or number"},
		{"a batch distance without distance", rules(`{"name":"r","type":"batchDistance","batchAttribute":"skill"}`), "$.rules[0]", "maxDistance"},
		{"a sort without direction", rules(`{"name":"r","type":"absoluteSort","sortAttribute":"skill"}`), "$.rules[0]", "sortDirection"},
		{"a sort by a map without key", rules(`{"name":"r","type":"absoluteSort","sortDirection":"ascending","sortAttribute":"roles"}`), "$.rules[0]", "mapKey"},
		{"a map key of a number", rules(`{"name":"r","type":"absoluteSort","sortDirection":"ascending","sortAttribute":"skill","mapKey":"minValue"}`), "$.rules[0].mapKey", "map attributes"},
		{"a statement of an unknown rule", rules(`{"name":"r","type":"compound","statement":"not(other)"}`), "$.rules[0].statement", `"other"`},
		{"a statement of itself", rules(`{"name":"r","type":"compound","statement":"not(r)"}`), "$.rules[0].statement", "itself"},
		{"a statement of a later rule", rules(`{"name":"r","type":"compound","statement":"not(l)"}`, `{"name":"l","type":"latency","maxLatency":1}`), "$.rules[0].statement", "later"},
		{"a statement of a batch distance", rules(`{"name":"b","type":"batchDistance","batchAttribute":"mode"}`, `{"name":"r","type":"compound","statement":"not(b)"}`), "$.rules[1].statement", "batchDistance"},
		{"too many arguments", rules(`{"name":"l","type":"latency","maxLatency":1}`, `{"name":"r","type":"compound","statement":"not(l,l)"}`), "$.rules[1].statement", "one argument"},
		{"an unknown operator", rules(`{"name":"l","type":"latency","maxLatency":1}`, `{"name":"r","type":"compound","statement":"nand(l,l)"}`), "$.rules[1].statement", "nand"},
		{"a target that is none", ruleSetWith(`, "expansions": [{"target":"algorithm.strategy","steps":[]}]`), "$.expansions[0].target", "rules[name].property"},
		{"a target of an unknown rule", ruleSetWith(`, "expansions": [{"target":"rules[x].maxDistance","steps":[]}]`), "$.expansions[0].target", "no rule"},
		{"a target of an unknown team", ruleSetWith(`, "expansions": [{"target":"teams[x].minPlayers","steps":[]}]`), "$.expansions[0].target", "red, blue"},
		{"a team's name cannot expand", ruleSetWith(`, "expansions": [{"target":"teams[red].name","steps":[]}]`), "$.expansions[0].target", "minPlayers"},
		{"steps out of order", ruleSetWith(`, "expansions": [{"target":"teams[red].minPlayers","steps":[{"waitTimeSeconds":5,"value":1},{"waitTimeSeconds":5,"value":0}]}]`), "$.expansions[0].steps[1].waitTimeSeconds", "longer"},
		{"a step of the wrong type", ruleSetWith(`, "expansions": [{"target":"teams[red].minPlayers","steps":[{"waitTimeSeconds":5,"value":"few"}]}]`), "$.expansions[0].steps[0].value", "whole number"},
		{"an expansion of a property the rule lacks", ruleSetWith(`, "rules":[{"name":"r","type":"latency","maxLatency":1}], "expansions":[{"target":"rules[r].minCount","steps":[]}]`), "$.expansions[0].target", "latency rule \"r\" has no property"},
		{"an expansion of a compound", ruleSetWith(`, "rules":[{"name":"l","type":"latency","maxLatency":1},{"name":"r","type":"compound","statement":"not(l)"}], "expansions":[{"target":"rules[r].statement","steps":[]}]`), "$.expansions[0].target", "cannot be expanded"},
		{"an expansion without steps", ruleSetWith(`, "expansions":[{"target":"teams[red].minPlayers"}]`), "$.expansions[0]", "steps"},
		{"an expansion of something else", ruleSetWith(`, "expansions":[{"target":"players[red].minPlayers","steps":[]}]`), "$.expansions[0].target", "begins with"},
		{"a step without value", ruleSetWith(`, "expansions":[{"target":"teams[red].minPlayers","steps":[{"waitTimeSeconds":1}]}]`), "$.expansions[0].steps[0]", "value"},
		{"a step without wait", ruleSetWith(`, "expansions":[{"target":"teams[red].minPlayers","steps":[{"value":1}]}]`), "$.expansions[0].steps[0]", "waitTimeSeconds"},
		{"a negative wait", ruleSetWith(`, "expansions":[{"target":"teams[red].minPlayers","steps":[{"waitTimeSeconds":-1,"value":1}]}]`), "$.expansions[0].steps[0].waitTimeSeconds", "from 0"},
		{"a step that makes the match too large", ruleSetWith(`, "expansions":[{"target":"teams[red].maxPlayers","steps":[{"waitTimeSeconds":1,"value":199}]}]`), "$.expansions[0].steps[0].value", "at most 200"},
		{"rules that are no list", ruleSetWith(`, "rules": {}`), "$.rules", "a list of objects"},
		{"a rule that is no object", ruleSetWith(`, "rules": [5]`), "$.rules[0]", "an object"},
		{"a rule without name", rules(`{"type":"latency","maxLatency":1}`), "$.rules[0]", "name"},
		{"an empty rule name", rules(`{"name":"","type":"latency","maxLatency":1}`), "$.rules[0].name", "not empty"},
		{"a type that is no string", rules(`{"name":"r","type":7}`), "$.rules[0].type", "not a number"},
		{"a negative distance", rules(`{"name":"r","type":"latency","maxLatency":-1}`), "$.rules[0].maxLatency", "from 0"},
		{"a limit that is no number", rules(`{"name":"r","type":"latency","maxLatency":"fast"}`), "$.rules[0].maxLatency", "is a number"},
		{"an unknown aggregation", rules(`{"name":"r","type":"latency","maxLatency":1,"partyAggregation":"sum"}`), "$.rules[0].partyAggregation", "avg"},
		{"no measurements", rules(`{"name":"r","type":"comparison","operation":"="}`), "$.rules[0]", "measurements"},
		{"empty measurements", rules(`{"name":"r","type":"comparison","operation":"=","measurements":[]}`), "$.rules[0].measurements", "one property expression"},
		{"a measurement that is a number", rules(`{"name":"r","type":"comparison","operation":"=","measurements":[5]}`), "$.rules[0].measurements[0]", "in quotes"},
		{"numbers beside strings", rules(`{"name":"r","type":"comparison","operation":"=","measurements":["teams[red].players.attributes[skill]","teams[red].players.attributes[mode]"]}`), "$.rules[0].measurements", "all numbers or all strings"},
		{"players as a measurement", rules(`{"name":"r","type":"comparison","operation":"=","measurements":["teams[red].players"]}`), "$.rules[0].measurements[0]", "list of players"},
		{"a reference of strings for numbers", rules(`{"name":"r","type":"comparison","operation":"=","measurements":["teams[red].players.attributes[skill]"],"referenceValue":"teams[red].players.attributes[mode]"}`), "$.rules[0].referenceValue", "list of strings"},
		{"a word as reference for numbers", rules(`{"name":"r","type":"comparison","operation":"=","measurements":["teams[red].players.attributes[skill]"],"referenceValue":"high"}`), "$.rules[0].referenceValue", "is a number or"},
		{"a distance without reference", rules(`{"name":"r","type":"distance","maxDistance":1,"measurements":["teams[red].players.attributes[skill]"]}`), "$.rules[0]", "referenceValue"},
		{"a collection of numbers", rules(`{"name":"r","type":"collection","operation":"intersection","measurements":["teams[red].players.attributes[skill]"]}`), "$.rules[0].measurements[0]", "measures strings"},
		{"a collection of one string", rules(`{"name":"r","type":"collection","operation":"intersection","measurements":["'x'"]}`), "$.rules[0].measurements[0]", "lists of strings"},
		{"a collection without operation", rules(`{"name":"r","type":"collection","measurements":["teams[red].players[playerId]"]}`), "$.rules[0]", "operation"},
		{"contains of a list", rules(`{"name":"r","type":"collection","operation":"contains","referenceValue":["a"],"measurements":["teams[red].players[playerId]"]}`), "$.rules[0].referenceValue", "one string"},
		{"a count of numbers as reference", rules(`{"name":"r","type":"collection","operation":"reference_intersection_count","referenceValue":"count(teams[red].players)","measurements":["teams[red].players[playerId]"]}`), "$.rules[0].referenceValue", "strings are counted"},
		{"a list with a number as reference", rules(`{"name":"r","type":"collection","operation":"reference_intersection_count","referenceValue":["a",1],"measurements":["teams[red].players[playerId]"]}`), "$.rules[0].referenceValue[1]", "a string"},
		{"a boolean as reference", rules(`{"name":"r","type":"collection","operation":"reference_intersection_count","referenceValue":true,"measurements":["teams[red].players[playerId]"]}`), "$.rules[0].referenceValue", "a boolean"},
		{"a batch attribute that is not declared", rules(`{"name":"r","type":"batchDistance","batchAttribute":"height","maxDistance":1}`), "$.rules[0].batchAttribute", "not declared"},
		{"no batch attribute", rules(`{"name":"r","type":"batchDistance","maxDistance":1}`), "$.rules[0]", "batchAttribute"},
		{"a distance sort of strings", rules(`{"name":"r","type":"distanceSort","sortDirection":"ascending","sortAttribute":"mode"}`), "$.rules[0].sortAttribute", "no distance"},
		{"a sort of lists", rules(`{"name":"r","type":"absoluteSort","sortDirection":"ascending","sortAttribute":"maps"}`), "$.rules[0].sortAttribute", "string_list"},
		{"no statement", rules(`{"name":"r","type":"compound"}`), "$.rules[0]", "statement"},
		{"an empty argument", rules(`{"name":"l","type":"latency","maxLatency":1}`, `{"name":"r","type":"compound","statement":"or(l,)"}`), "$.rules[1].statement", "expected a rule name"},
		{"an open statement", rules(`{"name":"l","type":"latency","maxLatency":1}`, `{"name":"r","type":"compound","statement":"or(l,l"}`), "$.rules[1].statement", "expected ','"},
		{"text after a statement", rules(`{"name":"l","type":"latency","maxLatency":1}`, `{"name":"r","type":"compound","statement":"or(l,l) l"}`), "$.rules[1].statement", "complete before"},
		{"one argument of or", rules(`{"name":"l","type":"latency","maxLatency":1}`, `{"name":"r","type":"compound","statement":"or(l)"}`), "$.rules[1].statement", "two arguments or more"},
		{"three arguments of xor", rules(`{"name":"l","type":"latency","maxLatency":1}`, `{"name":"r","type":"compound","statement":"xor(l,l,l)"}`), "$.rules[1].statement", "two arguments, found 3"},
		{"a statement too deep", rules(`{"name":"l","type":"latency","maxLatency":1}`, `{"name":"r","type":"compound","statement":"`+strings.Repeat("not(", 20)+`"}`), "$.rules[1].statement", "nested"},
		{"a name that is a number", ruleSetWith(`, "name": 5`), "$.name", "a string"},
		{"an algorithm that is a list", ruleSetWith(`, "algorithm": []`), "$.algorithm", "an object"},
		{"a comment of one slash", `{ / }`, "$", "two slashes"},
		{"a name without quotes", `{a:1}`, "$", "double quotes"},
		{"a missing colon", `{"a" 1}`, "$", "expected ':'"},
		{"a missing comma", `{"a":[1 2]}`, "$", "expected ','"},
		{"a string over two lines", "{\"a\":\"x\ny\"}", "$", "on its line"},
		{"a large match with a comparison", strings.Replace(rules(`{"name":"r","type":"comparison","operation":"=","measurements":["teams[red].players[playerId]"]}`), `"maxPlayers": 2`, `"maxPlayers": 60`, 1), "$.rules[0].type", "latency and batchDistance"},
		{"a large match with a compound", strings.Replace(rules(`{"name":"l","type":"latency","maxLatency":1}`, `{"name":"r","type":"compound","statement":"not(l)"}`), `"maxPlayers": 2`, `"maxPlayers": 60`, 1), "$.rules[1]", "up to 40 players"},
		{"a map default with a word", `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"x","type":"string_number_map","default":{"a b":"c"}}],"teams":[{"name":"a","minPlayers":1,"maxPlayers":1}]}`, `$.playerAttributes[0].default["a b"]`, "expected a number"},
		{"a list default that is none", `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"x","type":"string_list","default":3}],"teams":[{"name":"a","minPlayers":1,"maxPlayers":1}]}`, "$.playerAttributes[0].default", "list of strings"},
		{"a step that makes a team impossible", ruleSetWith(`, "expansions": [{"target":"teams[red].minPlayers","steps":[{"waitTimeSeconds":5,"value":3}]}]`), "$.expansions[0].steps[0].value", "above maxPlayers"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseRuleSet([]byte(c.body))
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("error %v, want Problems", err)
			}
			for _, p := range problems {
				if p.Path == c.path && strings.Contains(p.Message, c.message) {
					return
				}
			}
			t.Errorf("no problem at %s with %q in:\n%v", c.path, c.message, problems)
		})
	}
}

func TestAnExpansionStepIsCheckedAsItsRuleIs(t *testing.T) {
	body := ruleSetWith(`,
  "rules": [{"name":"r","type":"latency","maxLatency":1}],
  "expansions": [{"target":"rules[r].maxLatency","steps":[{"waitTimeSeconds":5,"value":[]}]}]`)
	_, err := ParseRuleSet([]byte(body))
	if err == nil || !strings.Contains(err.Error(), "14:88: $.expansions[0].steps[0].value: maxLatency is a number") {
		t.Errorf("error %v", err)
	}
}

func TestAllProblemsAreListedInTheOrderOfTheDocument(t *testing.T) {
	Covers(t, "mistakes")
	body := "{\n \"teams\": [{\"name\": \"ä\", \"minPlayers\": 2, \"maxPlayers\": 1}],\n \"rules\": [{\"type\": \"x\"}]\n}"
	_, err := ParseRuleSet([]byte(body))
	want := []string{"1:1: $: ", "2:40: $.teams[0].minPlayers: ", "3:12: $.rules[0]: ", "3:21: $.rules[0].type: "}
	lines := strings.Split(fmt.Sprint(err), "\n")
	if len(lines) != len(want) {
		t.Fatalf("problems:\n%v", err)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("problem %d is %q, want it at %q", i, line, want[i])
		}
	}
}

func TestWhatIsAcceptedBeyondTheSchema(t *testing.T) {
	Covers(t, "one measurement without a list", "numbers in quotes", "comments", "unknown fields", "duplicate keys", "team[...] for teams[...]")
	cases := map[string]string{
		"comments":               "// head\n" + ruleSetWith(" // tail\n"),
		"one measurement":        rules(`{"name":"r","type":"distance","measurements":"teams[red].players.attributes[skill]","referenceValue":1,"maxDistance":1}`),
		"numbers in quotes":      rules(`{"name":"r","type":"distance","measurements":["teams[red].players.attributes[skill]"],"referenceValue":"1","maxDistance":"500"}`),
		"unknown fields":         ruleSetWith(`, "author": {"name": null, "age": [true, false]}`),
		"duplicate keys":         ruleSetWith(`, "name": 5, "name": "last"`),
		"balanced when small":    ruleSetWith(`, "algorithm": {"strategy":"balanced","balancedAttribute":"skill","batchingPreference":"largestPopulation"}`),
		"blanks in a target":     ruleSetWith(`, "expansions": [{"target":" teams[red , blue].minPlayers","steps":[{"waitTimeSeconds":5,"value":0}]}]`),
		"singular team":          rules(`{"name":"r","type":"comparison","measurements":["count(team[red].players)"],"operation":"<","referenceValue":9}`),
		"hyphens in a statement": rules(`{"name":"low-ping","type":"latency","maxLatency":1}`, `{"name":"r","type":"compound","statement":" or( low-ping , not (low-ping) ) "}`),
	}
	for name, body := range cases {
		if _, err := ParseRuleSet([]byte(body)); err != nil {
			t.Errorf("%s:\n%v", name, err)
		}
	}
	if _, err := (ParseOptions{RejectComments: true}).Parse([]byte(cases["comments"])); err == nil {
		t.Error("comments are accepted although they are to be rejected")
	}
}

func TestARuleSetTellsWhatAServiceNeeds(t *testing.T) {
	body, err := os.ReadFile(filepath.Join("testdata", "rulesets", "ranked-trios.json"))
	if err != nil {
		t.Fatal(err)
	}
	set := mustParse(t, string(body))
	if got := fmt.Sprint(set.TeamSizes()); got != "[{crew_1 2 3} {crew_2 2 3} {crew_3 2 3}]" {
		t.Errorf("team sizes %v", got)
	}
	if set.Name() != "ranked trios" || set.MinPlayers() != 6 || set.MaxPlayers() != 9 || set.Large() || !set.UsesLatency() {
		t.Errorf("%q, %d to %d players, large %v, latency %v", set.Name(), set.MinPlayers(), set.MaxPlayers(), set.Large(), set.UsesLatency())
	}
	if got := fmt.Sprint(set.RuleNames()); got != "[even close same-mode nearest]" {
		t.Errorf("rules %v", got)
	}
	attributes := set.Attributes()
	if len(attributes) != 2 || attributes[0].Default.Number != 1000 || attributes[1].Default.Kind != NoAttribute {
		t.Errorf("attributes %+v", attributes)
	}
	if got := fmt.Sprint(StringNumberMapAttribute, AttributeKind(9)); got != "string_number_map attribute kind 9" {
		t.Errorf("kinds print as %q", got)
	}
}

func TestAHugeBodyIsRefusedUnread(t *testing.T) {
	_, err := ParseRuleSet([]byte(strings.Repeat(" ", maxBodyRunes+1)))
	if err == nil || !strings.Contains(err.Error(), "65535 characters") {
		t.Errorf("error %v", err)
	}
	_, err = ParseRuleSet([]byte("\"\xff\""))
	if err == nil || !strings.Contains(err.Error(), "UTF-8") {
		t.Errorf("error %v", err)
	}
}

func TestOwnRuleSetsParse(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "rulesets", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no rule sets: %v", err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseRuleSet(body); err != nil {
			t.Errorf("%s:\n%v", file, err)
		}
	}
}

func TestAnyReportedPlaceLiesInTheBody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := ruleSetWith(`, "rules": [{"name":"r","type":"latency","maxLatency":1}]`)
		from := rapid.IntRange(0, len(whole)).Draw(t, "from")
		to := rapid.IntRange(from, len(whole)).Draw(t, "to")
		body := whole[:from] + whole[to:]
		checkProblems(t, []byte(body))
	})
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkProblems parses a body and checks that problems are complete.
func checkProblems(t fataler, body []byte) *RuleSet {
	t.Helper()
	set, err := ParseRuleSet(body)
	var problems Problems
	switch {
	case err == nil:
		problems = set.Warnings()
	case !errors.As(err, &problems) || len(problems) == 0 || set != nil:
		t.Fatalf("rule set %v and error %v, want Problems alone", set, err)
	}
	lines := strings.Count(string(body), "\n") + 1
	for _, p := range problems {
		if p.Line < 1 || p.Line > lines || p.Column < 1 || !strings.HasPrefix(p.Path, "$") || p.Message == "" {
			t.Fatalf("incomplete problem %+v", p)
		}
	}
	return set
}

func FuzzParseRuleSet(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join("testdata", "rulesets", "*.json"))
	for _, file := range files {
		if body, err := os.ReadFile(file); err == nil {
			f.Add(body)
		}
	}
	f.Add([]byte("{\"teams\":[{\"name\":\"a\",\"minPlayers\":1,\"maxPlayers\":1}] // x\n}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		set := checkProblems(t, body)
		if set == nil {
			return
		}
		// Whatever parses can be matched with.
		pool := NewPool(Config{RuleSet: set})
		var in []Input
		for i := range 3 {
			in = append(in, Start{Ticket{ID: fmt.Sprint(i), StartAt: epoch, Players: []Player{{ID: fmt.Sprint(i), LatencyInMs: map[string]int{"x": 1}}}}})
		}
		if len(pool.Step(epoch, in...)) == 0 {
			t.Fatal("three tickets had no effect")
		}
	})
}
