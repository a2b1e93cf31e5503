package scenario_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/flexmatch"
	"muster/flexmatch/scenario"
)

var update = flag.Bool("update", false, "rewrite what failing scenarios say")

// play runs one scenario file.
func play(t *testing.T, file string) (scenario.Result, error) {
	t.Helper()
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return scenario.Run(body, func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join(filepath.Dir(file), name))
	})
}

// scenarios lists the scenario files of a folder.
func scenarios(t *testing.T, dir string, least int) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) < least {
		t.Fatalf("%d scenarios in %s, expected %d: %v", len(files), dir, least, err)
	}
	return files
}

func title(file string) string { return strings.TrimSuffix(filepath.Base(file), ".json") }

// holds plays every scenario of a folder, which must succeed.
func holds(t *testing.T, dir string, least int) {
	for _, file := range scenarios(t, dir, least) {
		t.Run(title(file), func(t *testing.T) {
			result, err := play(t, file)
			if err != nil {
				t.Fatal(err)
			}
			if !result.OK() {
				t.Errorf("it fails:\n%s", strings.Join(result.Failures, "\n"))
			}
			if result.Name != title(file) || len(result.Warnings) > 0 {
				t.Errorf("named %q, warnings %q", result.Name, result.Warnings)
			}
		})
	}
}

func TestReferenceScenariosHold(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "reference", "scenarios")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("needs ../shared/reference/scenarios: not part of a clone")
	}
	holds(t, dir, 18)
}

func TestOwnScenariosHold(t *testing.T) { holds(t, filepath.Join("testdata", "hold"), 12) }

// A scenario that fails says why. What it says is kept beside it; -update rewrites it.
func TestFailingScenariosExplainThemselves(t *testing.T) {
	for _, file := range scenarios(t, filepath.Join("testdata", "fail"), 6) {
		t.Run(title(file), func(t *testing.T) {
			result, err := play(t, file)
			var said strings.Builder
			if err != nil {
				said.WriteString(err.Error() + "\n")
			}
			for _, line := range result.Failures {
				said.WriteString(line + "\n")
			}
			for _, line := range result.Warnings {
				said.WriteString("warning: " + line + "\n")
			}
			if err == nil && result.OK() {
				t.Error("it holds, but was made to fail")
			}
			golden := strings.TrimSuffix(file, ".json") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(said.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if said.String() != string(want) {
				t.Errorf("it says\n%s\nnot\n%s", said.String(), want)
			}
		})
	}
}

func TestAMatchThatDoesNotFormIsExplained(t *testing.T) {
	result, err := scenario.Run([]byte(`{
	  "ruleSet": {"ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "skill", "type": "number"}],
	    "teams": [{"name": "all", "minPlayers": 2, "maxPlayers": 2}],
	    "rules": [{"name": "Alike", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 5}]},
	  "tickets": [
	    {"ticketId": "low", "startTime": 0, "players": [{"playerId": "p1", "attributes": {"skill": {"N": 1}}}]},
	    {"ticketId": "high", "startTime": 0, "players": [{"playerId": "p2", "attributes": {"skill": {"N": 50}}}]}],
	  "expect": [{"at": 1, "matches": [{"tickets": ["low", "high"]}]}]}`), nil)
	if err != nil || len(result.Failures) != 1 || len(result.Hints) != 1 {
		t.Fatalf("%+v, %v", result, err)
	}
	for _, want := range []string{"low", "Alike", "44"} {
		if !strings.Contains(result.Hints[0], want) {
			t.Errorf("%q lacks %q", result.Hints[0], want)
		}
	}
}

func TestARuleSetThatIsRefusedIsTheError(t *testing.T) {
	_, err := scenario.Run([]byte(`{"ruleSet": {"ruleLanguageVersion": "1.0"}, "tickets": [], "expect": [{"at": 0, "matches": []}]}`), nil)
	var problems flexmatch.Problems
	if !errors.As(err, &problems) || len(problems) == 0 || !strings.Contains(problems[0].Message, "teams") {
		t.Errorf("error %v, want the rule set's problems", err)
	}
}

func TestARuleSetFileThatCannotBeReadIsTheError(t *testing.T) {
	_, err := scenario.Run([]byte(`{"ruleSetFile": "absent.json", "expect": [{"at": 0, "matches": []}]}`), func(string) ([]byte, error) {
		return nil, os.ErrNotExist
	})
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "absent.json") {
		t.Errorf("error %v", err)
	}
}

const oneOnOne = `{"ruleLanguageVersion": "1.0", "teams": [{"name": "red", "minPlayers": 1, "maxPlayers": 1}, {"name": "blue", "minPlayers": 1, "maxPlayers": 1}]}`

const twoTickets = `"tickets": [{"ticketId": "a", "players": [{"playerId": "pa"}]}, {"ticketId": "b", "players": [{"playerId": "pb"}]}]`

func TestScenariosAreReadGenerously(t *testing.T) {
	quoted := `"` + strings.ReplaceAll(oneOnOne, `"`, `\"`) + `"`
	for name, test := range map[string]struct{ body, kind, warning string }{
		"without a kind it is a match":                         {`"expect": [{"at": 0, "matches": [{"tickets": ["a", "b"]}]}]`, "match", ""},
		"without a kind, with actions, it is about acceptance": {`"actions": [{"at": 0, "tick": true}], "expect": [{"status": {"a": "PLACING"}}]`, "acceptance", ""},
		"a kind in other letters":                              {`"kind": "Match", "expect": [{"at": 0, "matches": [{"tickets": ["a", "b"]}]}]`, "match", ""},
		"one expectation without a list":                       {`"expect": {"at": 1, "unmatched": []}`, "match", ""},
		"an action without a time follows at once": {
			`"actions": [{"at": 5, "tick": true}, {"acceptMatch": {"TicketId": "a", "PlayerIds": "pa", "AcceptanceType": "accept"}}], "expect": {"at": 5, "status": {"a": "requires_acceptance"}}`, "acceptance", "",
		},
		"one action does several things in their order": {
			`"actions": [{"at": 5, "tick": true, "startMatchmaking": {"ticketId": "c", "players": [{"playerId": "pc"}]}}], "expect": {"at": 5, "unmatched": ["c"]}`, "acceptance", "",
		},
		"matches of an earlier tick count at the next expectation": {
			`"actions": [{"at": 1, "tick": true}], "expect": [{"at": 2, "matches": [{"tickets": ["a", "b"]}]}, {"at": 3, "matches": []}]`, "acceptance", "",
		},
		"an action before the one that precedes it": {
			`"actions": [{"at": 5, "tick": true}, {"at": 4, "stopMatchmaking": "a"}], "config": {"acceptanceRequired": true}, "expect": {"at": 5, "status": {"a": "CANCELLED"}}`, "acceptance", "is before the action",
		},
		"an action that does nothing known":                       {`"actions": [{"at": 5, "dance": true}, {"at": 6, "tick": false}], "expect": {"at": 5, "status": {"a": "QUEUED"}}`, "acceptance", "dance is not a field that is read"},
		"an expectation that checks nothing beside one that does": {`"expect": [{"at": 0}, {"at": 1, "unmatched": []}]`, "match", "expect[0]: checks nothing"},
		"a field that is nearly known":                            {`"expect": [{"at": 0, "unmatched": []}], "actionss": 1`, "match", `did you mean "actions"?`},
		"a field that stands twice":                               {`"expect": [{"at": 0, "at": 0, "unmatched": []}]`, "match", "at stands twice"},
		"a status that there is not beside one that there is":     {`"expect": [{"at": 0, "statusIn": {"a": ["DONE", "COMPLETED"]}}]`, "match", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, rules := range []string{oneOnOne, quoted} {
				result, err := scenario.Run([]byte("\ufeff{\"ruleSet\": "+rules+", "+twoTickets+", "+test.body+"}"), nil)
				if err != nil || !result.OK() || result.Kind != test.kind {
					t.Errorf("%+v, %v", result, err)
				}
				if said := strings.Join(result.Warnings, "\n"); (said != "") != (test.warning != "") || !strings.Contains(said, test.warning) {
					t.Errorf("warnings %q, want %q", said, test.warning)
				}
			}
		})
	}
}

func TestScenariosThatCannotBePlayedAreProblems(t *testing.T) {
	for name, test := range map[string]struct{ body, want string }{
		"a kind that is none":              {`"kind": "battle", "expect": []`, "kind: must be match, acceptance, largeFill, not battle"},
		"nothing that is expected":         {`"expect": []`, "expect: nothing is checked: expect is a list of objects with matches, unmatched"},
		"no expectation":                   {`"expects": [{"at": 1, "unmatched": []}]`, "expect: nothing is checked"},
		"expectations of another kind":     {`"expect": [{"at": 1, "teamSizes": {"red": 1}}]`, "expect: nothing is checked"},
		"a fill that checks no size":       {`"kind": "largeFill", "expect": [{"players": 1, "unmatched": []}]`, "with teamSizes"},
		"a fill of nobody":                 {`"kind": "largeFill", "expect": [{"teamSizes": {"red": 1}}]`, "expect[0].players: must be 1 to 1000"},
		"a start of a ticket nobody knows": {`"actions": [{"startMatchmaking": "z"}]`, "z is not in tickets"},
		"a placement without an outcome":   {`"actions": [{"placement": "a"}]`, "actions[0].placement.outcome: must be one of FULFILLED, FAILED, TIMED_OUT"},
		"a call that is a number":          {`"actions": [{"acceptMatch": 1}]`, "actions[0].acceptMatch: must be an object"},
		"a timeout below zero":             {`"config": {"requestTimeoutSeconds": -1}`, "config.requestTimeoutSeconds: must be 0 to 1000000, not -1"},
		"a status that is a number":        {`"expect": [{"at": 1, "status": {"a": 1}}]`, "expect[0].status.a[0]: must be text"},
		"matches that are text":            {`"expect": [{"at": 1, "matches": "all"}]`, "expect[0].matches[0]: must be an object"},
		"a status list that is text":       {`"expect": [{"at": 1, "status": "all"}]`, "expect[0].status: must be an object, not text"},
		"an expectation that is null":      {`"expect": [null]`, "expect[0]: must be an object"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := scenario.Run([]byte(`{"ruleSet": `+oneOnOne+`, `+twoTickets+`, `+test.body+`}`), nil)
			var problems scenario.Problems
			if !errors.As(err, &problems) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func FuzzRun(f *testing.F) {
	for _, folder := range []string{"hold", "fail"} {
		files, _ := filepath.Glob(filepath.Join("testdata", folder, "*.json"))
		for _, file := range files {
			body, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(body))
		}
	}
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > 20_000 {
			t.Skip("large inputs only make the search slow")
		}
		open := func(string) ([]byte, error) { return nil, os.ErrNotExist }
		first, err := scenario.Run([]byte(body), open)
		again, errAgain := scenario.Run([]byte(body), open)
		if (err == nil) != (errAgain == nil) || strings.Join(first.Failures, "\n") != strings.Join(again.Failures, "\n") {
			t.Errorf("two runs differ: %q %v, %q %v", first.Failures, err, again.Failures, errAgain)
		}
		if err != nil && strings.TrimSpace(err.Error()) == "" {
			t.Error("an error without text")
		}
	})
}

func TestWhatThereIsNotIsSaid(t *testing.T) {
	for name, test := range map[string]struct{ body, want string }{
		"a status":             {`"expect": [{"at": 0, "status": {"a": "COMPLETE"}}]`, `expected COMPLETE; there is no status COMPLETE; did you mean "COMPLETED"? (those are QUEUED, SEARCHING,`},
		"an event":             {`"expect": [{"at": 0, "events": ["MatchmakingSuceeded"]}]`, `there is no event MatchmakingSuceeded; did you mean "MatchmakingSucceeded"? (those are`},
		"a team":               {`"expect": [{"at": 0, "matches": [{"tickets": ["a", "b"], "teamSizes": {"rad": 1}}]}]`, `there is no team rad, the teams are [blue red]; did you mean "red"?`},
		"a team with players":  {`"expect": [{"at": 0, "matches": [{"tickets": ["a", "b"], "teams": {"green": ["pa"]}}]}]`, "there is no team green, the teams are [blue red]"},
		"room in a large fill": {`"kind": "largeFill", "expect": [{"players": 1000, "teamSizes": {"red": 500}}]`, "after 1000 players, of whom 2 are seated: team red has 1, not 500"},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := scenario.Run([]byte(`{"ruleSet": `+oneOnOne+`, `+twoTickets+`, `+test.body+`}`), nil)
			if err != nil || len(result.Failures) != 1 || !strings.Contains(result.Failures[0], test.want) {
				t.Errorf("failures %q, %v; want %q", result.Failures, err, test.want)
			}
		})
	}
}

func TestOtherFilesAreNotTakenForScenarios(t *testing.T) {
	for body, want := range map[string]string{
		oneOnOne:                 "this is a rule set, not a scenario: a scenario names it as its ruleSetFile",
		`{"playersPerDay": 300}`: "this looks like a population for rules simulate, not like a scenario",
		`{"ticketId": "a"}`:      "this is a ticket, not a scenario: a scenario lists it in its tickets",
	} {
		if result, err := scenario.Run([]byte(body), nil); err == nil || err.Error() != want || len(result.Warnings) > 0 {
			t.Errorf("%s: %v, warnings %q", body, err, result.Warnings)
		}
	}
}

func TestProblemsOfAnInlineRuleSetHaveTheirPlaceInTheScenario(t *testing.T) {
	_, err := scenario.Run([]byte(`{"expect": [{"at": 0, "matches": []}],
  "ruleSet": {"ruleLanguageVersion": 1.0,
    "teams": [{"name": "a", "minPlayers": 2, "maxPlayers": 1}]}}`), nil)
	const want = "2:38: $.ruleSet.ruleLanguageVersion: ruleLanguageVersion must be the text \"1.0\", not a number\n" +
		"3:43: $.ruleSet.teams[0].minPlayers: minPlayers is at most maxPlayers, which is 1"
	if err == nil || err.Error() != want {
		t.Errorf("it says\n%v\nnot\n%s", err, want)
	}
}
