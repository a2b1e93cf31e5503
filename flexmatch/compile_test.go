package flexmatch

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// Every mistake in this document is reported, each at its place, and no problem is
// reported that is only the consequence of another.
func TestEveryProblemIsReportedAtOnce(t *testing.T) {
	body := `{
 "ruleLanguageVersion": "1.0",
 "playerAttributes": [{"name": "skill", "type": "numbr"}, {"name": "map", "type": "string"}],
 "teams": [{"name": "red", "minPlayers": 1, "maxPlayers": 3}, {"name": "red", "minPlayers": 1, "maxPlayers": 3}],
 "algorithm": {"strategy": "balanced", "batchingPreference": "sorted", "balancedAttribute": "skill"},
 "rules": [
  {"name": "a", "type": "distance", "maxDistance": -3, "referenceValue": "avg(teams[*].players.attributes[map])", "measurements": [
   "avg(teams[gren].players.attributes[skill])",
   "agv(teams[red].players.attributes[skill])",
   "teams[red].players.attributes[mapp]",
   "avg(teams[red].players.attributes[skill])"]},
  {"name": "b", "type": "compound", "statement": "or(A, x, a)"},
  {"name": "c", "type": "comparison", "operation": "==", "measurements": ["teams[red].players.attributes[map]"], "referenceValue": ["m", 1]}
 ],
 "expansions": [
  {"target": "rules[a].maxDistence", "steps": [{"waitTimeSeconds": 5, "value": 1}]},
  {"target": "rules[a].minDistance", "steps": [{"waitTimeSeconds": 5, "value": "x"}]},
  {"target": "teams[red].minPlayer", "steps": [{"waitTimeSeconds": 5}]}
 ]
}`
	_, err := ParseRuleSet([]byte(body))
	want := []string{
		`3:49: $.playerAttributes[0].type: type is "string", "number", "string_list" or "string_number_map", not "numbr"; did you mean "number"?`,
		`4:72: $.teams[1].name: two teams are called "red"`,
		`5:62: $.algorithm.batchingPreference: batchingPreference is "largestPopulation" or "fastestRegion", not "sorted"`,
		`7:52: $.rules[0].maxDistance: maxDistance is a number from 0, not -3`,
		`7:74: $.rules[0].referenceValue: this expression cannot be read: character 1: avg takes a list of numbers, not a list of lists of strings`,
		`8:4: $.rules[0].measurements[0]: this expression cannot be read: character 10: there is no team "gren"; the teams are red`,
		`9:4: $.rules[0].measurements[1]: this expression cannot be read: character 1: expected teams[...], a number or one of the functions min, max, avg, median, sum, count, stddev, flatten, set_intersection; did you mean "avg"?`,
		`10:4: $.rules[0].measurements[2]: this expression cannot be read: character 30: the attribute "mapp" is not declared in playerAttributes; did you mean "map"?`,
		`12:50: $.rules[1].statement: this statement cannot be read: there is no rule "A"; did you mean "a"?`,
		`12:50: $.rules[1].statement: this statement cannot be read: there is no rule "x"`,
		`13:52: $.rules[2].operation: operation is "<", "<=", "=", "!=", ">" or ">=", not "=="`,
		`13:138: $.rules[2].referenceValue[1]: expected a string, as the measurements are, not a number`,
		`16:14: $.expansions[0].target: the distance rule "a" has no property "maxDistence"; it has measurements, referenceValue, minDistance, maxDistance, partyAggregation; did you mean "maxDistance"?`,
		`17:80: $.expansions[1].steps[0].value: minDistance is a number, not a string`,
		`18:14: $.expansions[2].target: of a team, minPlayers and maxPlayers can be expanded, not "minPlayer"; did you mean "minPlayers"?`,
		`18:48: $.expansions[2].steps[0]: a step needs "value"`,
	}
	got := strings.Split(fmt.Sprint(err), "\n")
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("missing: %s", want[i])
		case i >= len(want):
			t.Errorf("not wanted: %s", got[i])
		case got[i] != want[i]:
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
	}
}

func TestATeamBeyondTheLimitStaysKnown(t *testing.T) {
	_, err := ParseRuleSet([]byte(`{"ruleLanguageVersion":"1.0",
		"algorithm":{"strategy":"balanced","balancedAttribute":"skill"},"playerAttributes":[{"name":"skill","type":"number"}],
		"teams":[{"name":"all","minPlayers":1,"maxPlayers":300}],
		"expansions":[{"target":"teams[all].minPlayers","steps":[{"waitTimeSeconds":1,"value":0}]}]}`))
	if got := fmt.Sprint(err); strings.Count(got, "\n") > 0 || !strings.Contains(got, "a match has at most 200") {
		t.Errorf("problems:\n%s\nwant only that 300 players are too many", got)
	}
}

func TestNullCountsAsAbsent(t *testing.T) {
	set := mustParse(t, `{"name":null,"ruleLanguageVersion":"1.0","algorithm":null,
		"playerAttributes":[{"name":"skill","type":"number","default":null}],
		"teams":[{"name":"red","minPlayers":1,"maxPlayers":2,"quantity":null}],
		"rules":[{"name":"r","type":"distance","measurements":["teams[red].players.attributes[skill]"],"referenceValue":1,"minDistance":null,"maxDistance":5}],
		"expansions":null}`)
	if a := set.Attributes()[0]; a.Default.Kind != NoAttribute {
		t.Errorf("default %v, want none", a.Default)
	}
	_, err := ParseRuleSet([]byte(`{"ruleLanguageVersion":"1.0","teams":null}`))
	if err == nil || !strings.Contains(err.Error(), `a rule set needs "teams"`) {
		t.Errorf("error %v, want that teams are needed", err)
	}
}

func TestAByteOrderMarkIsNamed(t *testing.T) {
	_, err := ParseRuleSet([]byte(byteOrderMark + ruleSetWith("")))
	if err == nil || !strings.Contains(err.Error(), "1:1: $: not JSON: the document begins with a byte order mark") {
		t.Errorf("error %v", err)
	}
}

func TestTheStrategyDecidesHowTicketsAreBatched(t *testing.T) {
	large := func(algorithm string) string {
		return strings.Replace(ruleSetWith(`, "algorithm": {`+algorithm+`}`), `"maxPlayers": 2`, `"maxPlayers": 60`, 1)
	}
	small := func(algorithm string) string { return ruleSetWith(`, "algorithm": {` + algorithm + `}`) }
	const balanced = `"strategy":"balanced","balancedAttribute":"skill"`
	for _, c := range []struct {
		name, body string
		ok         bool
	}{
		{"random with an exhaustive search", small(`"strategy":"exhaustiveSearch","batchingPreference":"random"`), true},
		{"sorted without a strategy", small(`"batchingPreference":"sorted","sortByAttributes":["skill","mode"]`), true},
		{"one attribute to sort by, without a list", small(`"batchingPreference":"sorted","sortByAttributes":"skill"`), true},
		{"sorted with balanced", small(balanced + `,"batchingPreference":"sorted","sortByAttributes":["skill"]`), false},
		{"random with balanced", small(balanced + `,"batchingPreference":"random"`), false},
		{"fastestRegion with balanced", small(balanced + `,"batchingPreference":"fastestRegion"`), true},
		{"fastestRegion with an exhaustive search", small(`"strategy":"exhaustiveSearch","batchingPreference":"fastestRegion"`), false},
		{"a large match", large(balanced), true},
		{"a large match with all settings", large(balanced + `,"batchingPreference":"fastestRegion","expansionAgeSelection":"oldest","backfillPriority":"high"`), true},
		{"a large match searched exhaustively", large(`"strategy":"exhaustiveSearch","balancedAttribute":"skill"`), false},
		{"a large match without balanced attribute", large(`"strategy":"balanced"`), false},
		{"a large match sorted", large(balanced + `,"batchingPreference":"sorted","sortByAttributes":["skill"]`), false},
	} {
		if _, err := ParseRuleSet([]byte(c.body)); (err == nil) != c.ok {
			t.Errorf("%s: accepted %v, want %v: %v", c.name, err == nil, c.ok, err)
		}
	}
}

func TestReferencesMayBeLiteralLists(t *testing.T) {
	pair := func(a, b float64) []Ticket { return []Ticket{one("a", 0, a), one("b", 0, b)} }
	even := `"type":"distance","measurements":["max(teams[*].players.attributes[skill])"],"referenceValue":[10,"20"],"maxDistance":1`
	set := mustParse(t, rules(`{"name":"r",`+even+`}`))
	if got := matchedTickets(set, pair(10, 21)...); len(got) != 1 {
		t.Errorf("matches %v: 10 and 21 are near 10 and 20, one by one", got)
	}
	if got := matchedTickets(set, pair(10, 12)...); len(got) != 0 {
		t.Errorf("matches %v: 12 is far from 20", got)
	}
	words := mustParse(t, rules(`{"name":"r","type":"comparison","operation":"=","measurements":["teams[red].players[playerId]"],"referenceValue":["a","b"]}`))
	if got := matchedTickets(words, pair(1, 1)...); len(got) != 0 {
		t.Errorf("matches %v: one player of red and two names", got)
	}
}

func TestTargetsAreReadWithAnyBlanks(t *testing.T) {
	for _, target := range []string{"rules[r].maxDistance", " rules [ r ] . maxDistance ", "rules[r] .maxDistance"} {
		set := mustParse(t, ruleSetWith(`, "rules":[`+distanceOf(`,"maxDistance":5`)+`],
			"expansions":[{"target":"`+target+`","steps":[{"waitTimeSeconds":2.5,"value":50}]}]`))
		if set.level(2500*time.Millisecond) != 1 || set.stages[1].rules[0].(*distanceRule).most != 50 {
			t.Errorf("%q expands nothing", target)
		}
	}
}

func TestEveryRulePropertyExpands(t *testing.T) {
	attribute := func(name string) string { return `"flatten(teams[*].players.attributes[` + name + `])"` }
	for _, c := range []struct{ rule, property, value string }{
		{distanceOf(`,"maxDistance":1`), "maxDistance", "2"},
		{distanceOf(`,"maxDistance":1`), "minDistance", "0.5"},
		{distanceOf(`,"maxDistance":1`), "measurements", "[" + attribute("skill") + "]"},
		{distanceOf(`,"maxDistance":1`), "measurements", attribute("skill")},
		{distanceOf(`,"maxDistance":1`), "referenceValue", "7"},
		{distanceOf(`,"maxDistance":1`), "referenceValue", `"max(teams[red].players.attributes[skill])"`},
		{distanceOf(`,"maxDistance":1`), "partyAggregation", `"min"`},
		{comparisonOf("teams[red].players.attributes[skill]", "<", `,"referenceValue":5`), "operation", `"<="`},
		{comparisonOf("teams[red].players.attributes[skill]", "<", `,"referenceValue":5`), "referenceValue", "6"},
		{comparisonOf("teams[red].players.attributes[mode]", "=", ""), "referenceValue", `"gold"`},
		{`{"name":"r","type":"collection","operation":"intersection","minCount":2,"measurements":[` + attribute("maps") + `]}`, "minCount", "1"},
		{`{"name":"r","type":"collection","operation":"contains","referenceValue":"a","maxCount":1,"measurements":[` + attribute("maps") + `]}`, "maxCount", "2"},
		{`{"name":"r","type":"collection","operation":"contains","referenceValue":"a","measurements":[` + attribute("maps") + `]}`, "operation", `"reference_intersection_count"`},
		{`{"name":"r","type":"collection","operation":"contains","referenceValue":"a","measurements":[` + attribute("maps") + `]}`, "partyAggregation", `"intersection"`},
		{`{"name":"r","type":"latency","maxLatency":50}`, "maxLatency", "100"},
		{`{"name":"r","type":"latency","maxDistance":5,"distanceReference":"min"}`, "distanceReference", `"avg"`},
		{`{"name":"r","type":"batchDistance","batchAttribute":"skill","maxDistance":5}`, "maxDistance", "9"},
		{`{"name":"r","type":"batchDistance","batchAttribute":"skill","maxDistance":5}`, "batchAttribute", `"mode"`},
		{`{"name":"r","type":"absoluteSort","sortAttribute":"skill","sortDirection":"ascending"}`, "sortDirection", `"descending"`},
		{`{"name":"r","type":"distanceSort","sortAttribute":"roles","sortDirection":"ascending","mapKey":"minValue"}`, "mapKey", `"maxValue"`},
	} {
		body := ruleSetWith(`, "rules":[` + c.rule + `], "expansions":[{"target":"rules[r].` + c.property + `","steps":[{"waitTimeSeconds":1,"value":` + c.value + `}]}]`)
		set, err := ParseRuleSet([]byte(body))
		if err != nil {
			t.Errorf("%s to %s: %v", c.property, c.value, err)
			continue
		}
		before, after := fmt.Sprintf("%+v %+v", set.stages[0].rules[0], set.stages[0].sorts), fmt.Sprintf("%+v %+v", set.stages[1].rules[0], set.stages[1].sorts)
		if before == after && c.property != "partyAggregation" {
			t.Errorf("%s to %s changes nothing", c.property, c.value)
		}
		wrong := strings.Replace(body, `"value":`+c.value+`}]`, `"value":{}}]`, 1)
		if _, err := ParseRuleSet([]byte(wrong)); err == nil || !strings.Contains(err.Error(), "$.expansions[0].steps[0].value") {
			t.Errorf("%s to {}: error %v, want one at the step's value", c.property, err)
		}
	}
}

func TestTheRuleSetOfThePackageCommentIsCorrect(t *testing.T) {
	source, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	text := string(source)
	from, to := strings.Index(text, "//\t{\n"), strings.Index(text, "//\t}\n")
	if from < 0 || to < from {
		t.Fatal("the package comment has no rule set")
	}
	set := mustParse(t, strings.ReplaceAll(text[from:to]+"}", "//\t", ""))
	if len(set.Warnings()) > 0 || set.MinPlayers() != 4 || set.MaxPlayers() != 8 || !set.UsesLatency() {
		t.Errorf("%d to %d players, latency %v, warnings %v", set.MinPlayers(), set.MaxPlayers(), set.UsesLatency(), set.Warnings())
	}
}

func TestAMisspeltExpressionIsNoLiteral(t *testing.T) {
	for reference, literal := range map[string]bool{
		"medic": true, "players": true, "teams": true, "count me in": true, "max": true,
		"agv(teams[red].players.attributes[mode])": false, "Teams[red].players[playerId]": false,
		"player(teams[red])": false, "players.atributes[mode]": false, "min(": false,
	} {
		_, err := ParseRuleSet([]byte(rules(`{"name":"r","type":"comparison","operation":"=","measurements":["teams[red].players.attributes[mode]"],"referenceValue":"` + reference + `"}`)))
		if (err == nil) != literal {
			t.Errorf("%q is taken for a literal: %v, want %v (%v)", reference, err == nil, literal, err)
		}
	}
}

// A document that is wrong in every way it can be is answered soon and briefly.
func TestAHostileDocumentIsAnsweredBriefly(t *testing.T) {
	var names, operands []string
	for i := range 300 {
		names = append(names, fmt.Sprintf(`{"name":"rule-of-thirty-letters-%07d","type":"latency","maxLatency":1}`, i))
		operands = append(operands, fmt.Sprintf("rule-of-thirty-letterz-%07dx", i))
	}
	names = append(names, `{"name":"c","type":"compound","statement":"or(`+strings.Repeat(strings.Join(operands, ",")+",", 3)+`x)"}`)
	_, err := ParseRuleSet([]byte(rules(names...)))
	if got := fmt.Sprint(err); !strings.Contains(got, "names more rules") || strings.Count(got, "\n") != 20 {
		t.Errorf("%d lines, want 21", strings.Count(got, "\n")+1)
	}
}

// A member that is misspelt is mostly why the rest is wrong: it is named too, in the
// order of the document.
func TestMisspeltMembersAreNamedBesideTheProblems(t *testing.T) {
	cases := []struct {
		name, body string
		want       []string
	}{
		{"in a team", `{"ruleLanguageVersion":"1.0","teams":[{"name":"a","minPlayer":1,"maxPlayers":2}]}`, []string{
			`1:39: $.teams[0]: a team needs "minPlayers": a whole number from 0`,
			`1:63: $.teams[0].minPlayer: "minPlayer" is not known; did you mean "minPlayers"?`,
		}},
		{"in a rule and in the rule set", `{"ruleLanguageVersion":"1.0","playerAttribute":[{"name":"skill","type":"number"}],
"teams":[{"name":"a","minPlayers":1,"maxPlayers":2}],
"rules":[{"name":"r","type":"batchDistance","batchAttribute":"skill","maxDistence":5,"author":"me"}]}`, []string{
			`1:48: $.playerAttribute: "playerAttribute" is not known; did you mean "playerAttributes"?`,
			`3:62: $.rules[0].batchAttribute: the attribute "skill" is not declared in playerAttributes`,
			`3:84: $.rules[0].maxDistence: "maxDistence" is not known; did you mean "maxDistance"?`,
		}},
		{"in a rule of a type that there is not", `{"ruleLanguageVersion":1.0,"teams":[{"name":"a","minPlayers":1,"maxPlayers":2}],
"rules":[{"name":"r","type":"latencies","maxLatncy":5}]}`, []string{
			`1:24: $.ruleLanguageVersion: ruleLanguageVersion must be the text "1.0", not a number`,
			`2:53: $.rules[0].maxLatncy: "maxLatncy" is not known; did you mean "maxLatency"?`,
		}},
		{"in expansions and the algorithm", `{"ruleLanguageVersion":"2.0","algorithm":{"stratgy":"balanced"},"teams":[{"name":"a","minPlayers":1,"maxPlayers":2}],
"expansions":[{"targt":"teams[a].maxPlayers","steps":[{"waitTimeSecond":5,"value":3}]}]}`, []string{
			`1:24: $.ruleLanguageVersion: ruleLanguageVersion must be "1.0", not "2.0"`,
			`"stratgy" is not known; did you mean "strategy"?`,
			`$.expansions[0]: `,
			`"targt" is not known; did you mean "target"?`,
			`"waitTimeSecond" is not known; did you mean "waitTimeSeconds"?`,
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseRuleSet([]byte(c.body))
			rest := fmt.Sprint(err)
			for _, want := range c.want {
				_, after, found := strings.Cut(rest, want)
				if !found {
					t.Fatalf("no %s, in this order, in\n%v", want, err)
				}
				rest = after
			}
		})
	}
}
