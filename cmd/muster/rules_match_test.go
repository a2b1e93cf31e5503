package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muster/flexmatch"
	"muster/flexmatch/scenario"
)

const duelRules = `{
  "name": "duel", "ruleLanguageVersion": "1.0",
  "playerAttributes": [{"name": "skill", "type": "number"}],
  "teams": [{"name": "red", "minPlayers": 1, "maxPlayers": 1}, {"name": "blue", "minPlayers": 1, "maxPlayers": 1}],
  "rules": [{"name": "Near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 5}],
  "expansions": [{"target": "rules[Near].maxDistance", "steps": [{"waitTimeSeconds": 10, "value": 50}]}]
}`

// ticketLine is a ticket of one player as a line of a tickets file.
func ticketLine(id string, start, skill float64) string {
	return fmt.Sprintf(`{"ticketId":"t-%s","startTime":%g,"players":[{"playerId":"%s","attributes":{"skill":{"N":%g}}}]}`+"\n", id, start, id, skill)
}

// fourTickets: a and b fit at once, c and d when both have waited 10 s.
func fourTickets() string {
	return ticketLine("a", 0, 10) + ticketLine("c", 1, 160) + ticketLine("b", 2, 12) + "\n" + ticketLine("d", 4, 190)
}

func TestRulesMatchPrintsTheAgreedJSON(t *testing.T) {
	rules, tickets := writeFile(t, "rules.json", duelRules), writeFile(t, "tickets.jsonl", fourTickets())
	code, stdout, stderr := runRules(t, "", "match", "--rules", rules, "--tickets", tickets, "--json")
	if code != 0 || stderr != "" {
		t.Fatalf("code %d: %s", code, stderr)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	if ms, ok := got["pass_ms"].(float64); !ok || ms < 0 {
		t.Errorf("pass_ms is %v", got["pass_ms"])
	}
	delete(got, "pass_ms")
	rest, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	red, blue := "a", "b"
	if strings.Contains(string(rest), `"red":["b"]`) {
		red, blue = blue, red // the teams are alike
	}
	// The agreed keys, and one more.
	want := fmt.Sprintf(`{"matched_players":2,"matches":[{"teams":{"blue":[%q],"red":[%q]},"tickets":["t-a","t-b"]}],"waiting":[{"ageSeconds":3,"ticketId":"t-c"},{"ageSeconds":0,"ticketId":"t-d"}],"waiting_tickets":2}`, blue, red)
	if string(rest) != want {
		t.Errorf("got  %s\nwant %s", rest, want)
	}
}

func TestRulesMatchRunsAtTheGivenSecond(t *testing.T) {
	rules := writeFile(t, "rules.json", duelRules)
	for _, test := range []struct {
		name             string
		at               []string
		matches, waiting int
	}{
		{"by default when the newest starts", nil, 1, 2},
		{"before anybody", []string{"--at=-1"}, 0, 0},
		{"one who starts at that very second takes part", []string{"--at", "2"}, 1, 1},
		{"one who starts later does not", []string{"--at", "1.999"}, 0, 2},
		{"after the rules have loosened", []string{"--at", "14"}, 2, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := runRules(t, fourTickets(), append([]string{"match", "--rules", rules, "--tickets", "-", "--json"}, test.at...)...)
			var got matchReport
			if err := json.Unmarshal([]byte(stdout), &got); code != 0 || err != nil {
				t.Fatalf("code %d, %v: %s", code, err, stderr)
			}
			if len(got.Matches) != test.matches || got.MatchedPlayers != 2*test.matches || got.WaitingTickets != test.waiting {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestRulesMatchOfNobodyIsEmpty(t *testing.T) {
	rules := writeFile(t, "rules.json", duelRules)
	code, stdout, _ := runRules(t, "", "match", "--rules", rules, "--tickets", "-", "--json")
	if code != 0 || !strings.Contains(stdout, `{"matches":[],"matched_players":0,"waiting_tickets":0,"pass_ms":`) {
		t.Errorf("code %d: %s", code, stdout)
	}
}

func TestRulesMatchShowsMatchesAndWhoWaits(t *testing.T) {
	rules := writeFile(t, "rules.json", duelRules)
	extra := `{"ticketId":"t-\u001b[2J","startTime":40,"players":[{"playerId":"late","attributes":{"skill":{"N":1},"skil":{"N":1}}}]}` + "\n"
	code, stdout, stderr := runRules(t, fourTickets()+extra, "match", "--rules", rules, "--tickets", "-", "--at", "5")
	if code != 0 {
		t.Fatalf("code %d: %s", code, stderr)
	}
	for _, want := range []string{
		"1 match of 2 players, 2 tickets waiting; the pass at 5 s took ", "1 ticket: started later, took no part",
		"match 1, 2 tickets, waited 3.0 to 5.0 s", "  red    1   ", "  blue   1   ", "  t-c   for 4.0 s   c", "  t-d   for 1.0 s   d",
		"\nrule Near stands in the way most, for 2 of 2 waiting tickets; --explain says by how much\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	if stderr != "muster: the attribute skil of 1 player is ignored: the rule set does not declare it; did you mean \"skill\"?\n" {
		t.Errorf("notes: %q", stderr)
	}
	_, stdout, _ = runRules(t, fourTickets()+extra, "match", "--rules", rules, "--tickets", "-", "--at", "41")
	if strings.Contains(stdout, "\x1b") || !strings.Contains(stdout, `"t-\x1b[2J"`) {
		t.Errorf("a name steers the terminal: %q", stdout)
	}
}

func TestRulesMatchListsNotTooMuch(t *testing.T) {
	rules := writeFile(t, "rules.json", duelRules)
	var many strings.Builder
	for i := range 300 {
		many.WriteString(ticketLine(fmt.Sprint("near", i), 0, 10) + ticketLine(fmt.Sprint("far", i), 0, float64(1000+10*i)))
	}
	code, stdout, _ := runRules(t, many.String(), "match", "--rules", rules, "--tickets", "-")
	if code != 0 || !strings.Contains(stdout, "150 matches of 300 players, 300 tickets waiting") {
		t.Fatalf("code %d: %s", code, stdout)
	}
	if !strings.Contains(stdout, "and 100 matches more") || !strings.Contains(stdout, "and 250 tickets more") || strings.Count(stdout, "\n") > 300 {
		t.Errorf("%d lines:\n%s", strings.Count(stdout, "\n"), stdout)
	}
}

func TestRulesMatchSaysWhatIsWrong(t *testing.T) {
	rules := writeFile(t, "rules.json", duelRules)
	broken := writeFile(t, "broken.json", brokenRules)
	absent := filepath.Join(t.TempDir(), "absent")
	for _, test := range []struct {
		name  string
		stdin string
		args  []string
		code  int
		want  string
	}{
		{"a rule set that is refused", "", []string{"--rules", broken, "--tickets", "-"}, 1, broken + ":3:"},
		{"a rule set that is not there", "", []string{"--rules", absent, "--tickets", "-"}, 2, absent + " cannot be read: no such file or directory"},
		{"tickets that are not there", "", []string{"--rules", rules, "--tickets", absent}, 2, absent + " cannot be read"},
		{"a line that is no ticket", ticketLine("a", 0, 1) + "x", []string{"--rules", rules, "--tickets", "-"}, 1, "<stdin>: line 2: a line is one ticket as a JSON object"},
		{"a wrong field", `{"ticketId":"t","players":[{"playerId":"p","latencyInMs":{"eu":"fast"}}]}`, []string{"--rules", rules, "--tickets", "-"}, 1, "<stdin>: line 1: players[0].latencyInMs.eu: must be a whole number"},
		{"an attribute of another type", `{"ticketId":"t","players":[{"playerId":"p","attributes":{"skill":{"S":"high"}}}]}`, []string{"--rules", rules, "--tickets", "-"}, 1, `the attribute "skill" of player "p" is a string, not a number`},
		{"no rules", "", []string{"--tickets", "-"}, 2, "missing flags: --rules=FILE"},
		{"one input for two", "", []string{"--rules", "-", "--tickets", "-"}, 2, "cannot both be the standard input"},
		{"a time that is none", "", []string{"--rules", rules, "--tickets", "-", "--at", "NaN"}, 2, "--at is seconds on the clock of the tickets' startTime, from -4000000000 to 4000000000, not NaN"},
		{"a time that is too far", "", []string{"--rules", rules, "--tickets", "-", "--at", "1e18"}, 2, "not 1e+18"},
		{"a line that is cut off is not a matter of GameLift", "{", []string{"--rules", rules, "--tickets", "-"}, 1, "<stdin> cannot be read as tickets: 1 problem"},
		{"an attribute of another type has its line", "\n" + `{"ticketId":"t","players":[{"playerId":"p","attributes":{"skill":{"S":"high"}}}]}`, []string{"--rules", rules, "--tickets", "-"}, 1, `<stdin>: line 2: ticket "t"`},
		{"a rule set for tickets", duelRules, []string{"--rules", rules, "--tickets", "-"}, 1, "<stdin> is a rule set, not tickets"},
		{"tickets over several lines", "{\n\"ticketId\": \"t\", \"players\": []}\n{\n}", []string{"--rules", rules, "--tickets", "-"}, 1, "<stdin> has tickets over several lines; a line is one ticket: jq -c . writes it so"},
		{"a list of tickets", "[\n{\"ticketId\": \"t\"}]", []string{"--rules", rules, "--tickets", "-"}, 1, "<stdin> is one list; a line is one ticket: jq -c '.[]' writes it so"},
		{"a scenario for tickets", `{"tickets": [], "expect": []}`, []string{"--rules", rules, "--tickets", "-"}, 1, "<stdin> is not one ticket a line"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := runRules(t, test.stdin, append([]string{"match"}, test.args...)...)
			if code != test.code || !strings.Contains(stderr, test.want) || stdout != "" {
				t.Errorf("code %d, not %d: %s%s, no %q", code, test.code, stdout, stderr, test.want)
			}
			if lines := strings.Split(strings.TrimSpace(stderr), "\n"); !strings.HasPrefix(lines[len(lines)-1], "muster: ") {
				t.Errorf("the last line is %q", lines[len(lines)-1])
			}
		})
	}
}

func TestRulesMatchPrintsProblemsAsJSONLikeCheck(t *testing.T) {
	rules, broken := writeFile(t, "rules.json", duelRules), writeFile(t, "broken.json", brokenRules)
	for name, test := range map[string]struct {
		rules, tickets string
		want           string
	}{
		"a rule set that is refused": {broken, "", `"problems":[{"path":"$.teams[0].minPlayers","line":3,"column":43,`},
		"tickets that are not read":  {rules, `{"ticketId":"t","players":[{}]}`, `"ok":false,"problems":[{"path":"players[0].playerId","line":1,"message":"is missing: text of 1 to 1024 characters"}]}],"ok":false}`},
		"tickets that do not fit":    {rules, `{"ticketId":"t","players":[{"playerId":"p","attributes":{"skill":{"S":"a"}}}]}`, `"problems":[{"path":"","line":1,"message":"ticket `},
		"another kind of file":       {rules, "[]", `"ok":false,"error":"\u003cstdin\u003e is one list;`},
	} {
		code, stdout, stderr := runRules(t, test.tickets, "match", "--rules", test.rules, "--tickets", "-", "--json")
		if code != 1 || !json.Valid([]byte(stdout)) || !strings.Contains(stdout, test.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: code %d, no %s in\n%s%s", name, code, test.want, stdout, stderr)
		}
	}
}

func TestRulesMatchWarnsOfWhatIsLikelyNotMeant(t *testing.T) {
	odd := writeFile(t, "odd.json", strings.Replace(duelRules, `"maxDistance": 5`, `"maxDistance": 5, "maxDistence": 9`, 1))
	tickets := writeFile(t, "tickets.jsonl", ticketLine("a", 0, 10)+strings.Replace(ticketLine("b", 1, 12), `"playerId":"b"`, `"playerId":"a","team":"red"`, 1))
	want := []string{
		odd + `:5:`, `$.rules[0].maxDistence: "maxDistence" is not known and is ignored; did you mean "maxDistance"?`,
		tickets + ": line 2: players[0].team: is ignored",
		"player a is in ticket t-a (line 1) and in ticket t-b (line 2): GameLift cancels a player's earlier request, here both take part",
	}
	_, _, stderr := runRules(t, "", "match", "--rules", odd, "--tickets", tickets)
	code, stdout, none := runRules(t, "", "match", "--rules", odd, "--tickets", tickets, "--json")
	var report matchReport
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || code != 0 || none != "" {
		t.Fatalf("code %d, %v: %s%s", code, err, stdout, none)
	}
	for _, w := range want {
		if !strings.Contains(stderr, w) || !strings.Contains(strings.Join(report.Warnings, "\n"), w) {
			t.Errorf("no %q in\n%s\nor in %q", w, stderr, report.Warnings)
		}
	}
}

func TestRulesMatchSaysWhyNobodyTookPart(t *testing.T) {
	rules := writeFile(t, "rules.json", duelRules)
	if _, _, stderr := runRules(t, " ", "match", "--rules", rules, "--tickets", "-"); stderr != "muster: <stdin> holds no tickets\n" {
		t.Errorf("of an empty file: %q", stderr)
	}
	_, _, stderr := runRules(t, fourTickets(), "match", "--rules", rules, "--tickets", "-", "--at=-5")
	if stderr != "muster: no ticket has started at -5 s; the first, t-a, starts at 0 s\n" {
		t.Errorf("before all: %q", stderr)
	}
}

func TestRulesMatchCountsTicketsThatCanNeverMatch(t *testing.T) {
	rules := writeFile(t, "rules.json", duelRules)
	var many strings.Builder
	for i := range 30 {
		fmt.Fprintf(&many, `{"ticketId":"t%d","players":[{"playerId":"p%d"}]}`+"\n", i, i)
	}
	if _, stdout, _ := runRules(t, many.String(), "match", "--rules", rules, "--tickets", "-"); !strings.Contains(stdout, "\n20 of the 20 oldest waiting tickets can never match; --explain says why\n") {
		t.Errorf("it says\n%s", stdout)
	}
}

func TestALaterBackfillOfASessionNeitherWaitsNorMatchesTwice(t *testing.T) {
	set, err := flexmatch.ParseRuleSet([]byte(duelRules))
	if err != nil {
		t.Fatal(err)
	}
	backfill := func(id string) string {
		return fmt.Sprintf(`{"ticketId":%q,"gameSessionArn":"s","players":[{"playerId":"x","team":"red","attributes":{"skill":{"N":1}}}]}`+"\n", id)
	}
	tickets, err := scenario.ReadTickets(strings.NewReader(backfill("one") + backfill("two")))
	if err != nil {
		t.Fatal(err)
	}
	pass := matchOnce(set, tickets, nil)
	if ids := ticketIDs(pass.waiting); !slices.Equal(ids, []string{"two"}) || len(pass.matches) != 0 {
		t.Errorf("waiting %v, matches %v", ids, pass.matches)
	}
}

func ticketIDs(tickets []flexmatch.Ticket) []string {
	var out []string
	for _, t := range tickets {
		out = append(out, t.ID)
	}
	return out
}
