package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// scenarioText is a scenario of a duel in which a and b are expected to match.
func scenarioText(rules, expect string) string {
	return `{"name": "pair", "kind": "match", ` + rules + `, "tickets": [` +
		strings.Join(strings.Split(strings.TrimSpace(ticketLine("a", 0, 10)+ticketLine("b", 1, 12)), "\n"), ",") +
		`], "expect": [{"at": 2, "matches": [` + expect + `]}]}`
}

// scenarioFolder holds a rule set, two scenarios that hold, one of them a folder below,
// and whatever more is given by name.
func scenarioFolder(t *testing.T, more map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"rules.json":      duelRules,
		"good.json":       scenarioText(`"ruleSetFile": "rules.json"`, `{"tickets": ["t-a", "t-b"]}`),
		"below/good.json": scenarioText(`"ruleSetFile": "../rules.json"`, `{"tickets": ["t-b", "t-a"]}`),
		"notes.txt":       "not a scenario",
	}
	for name, body := range more {
		files[name] = body
	}
	for name, body := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRulesScenarioPlaysFilesAndFolders(t *testing.T) {
	dir := scenarioFolder(t, nil)
	code, stdout, stderr := runRules(t, "", "scenario", dir, filepath.Join(dir, "good.json"))
	if code != 0 || stderr != "" {
		t.Fatalf("code %d: %s%s", code, stdout, stderr)
	}
	want := "ok    " + filepath.Join(dir, "below", "good.json") + "\nok    " + filepath.Join(dir, "good.json") + "\nok    " + filepath.Join(dir, "good.json") + "\n3 scenarios, all ok\n"
	if stdout != want {
		t.Errorf("it says\n%s\nnot\n%s", stdout, want)
	}
}

func TestRulesScenarioReadsTheStandardInput(t *testing.T) {
	quoted := strings.NewReplacer("\n", " ").Replace(duelRules)
	code, stdout, stderr := runRules(t, scenarioText(`"ruleSet": `+quoted, `{"tickets": ["t-a", "t-b"]}`), "scenario", "-")
	if code != 0 || stdout != "ok    <stdin>\n1 scenario, all ok\n" {
		t.Errorf("code %d: %s%s", code, stdout, stderr)
	}
}

func TestRulesScenarioExplainsWhatFails(t *testing.T) {
	for name, test := range map[string]struct{ body, want string }{
		"an expectation that does not hold":   {scenarioText(`"ruleSetFile": "rules.json"`, ``), "at 2 s: a match formed that was not expected: tickets [t-a t-b]"},
		"a field that nobody reads":           {scenarioText(`"ruleSetFile": "rules.json", "tikets": 1`, ``), "warning: tikets is not a field that is read"},
		"a scenario that cannot be read":      {`{"kind": "match"`, "not JSON: unexpected end of JSON input"},
		"a wrong value":                       {scenarioText(`"ruleSetFile": "rules.json", "actions": 3`, ``), "actions[0]: must be an object"},
		"a rule set that is refused":          {scenarioText(`"ruleSet": {"ruleLanguageVersion": "1.0"}`, ``), "its rule set: "},
		"a file that checks nothing":          {strings.Replace(scenarioText(`"ruleSetFile": "rules.json"`, ``), `"expect"`, `"expects"`, 1), `expect: nothing is checked`},
		"a population":                        {`{"playersPerDay": 5}`, "this looks like a population"},
		"a rule set file that is not there":   {scenarioText(`"ruleSetFile": "absent.json"`, ``), "the ruleSetFile absent.json: "},
		"a rule set file that is no rule set": {scenarioText(`"ruleSetFile": "notes.txt"`, ``), "its rule set: notes.txt:1:1: $: not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := scenarioFolder(t, map[string]string{"zzz.json": test.body})
			code, stdout, stderr := runRules(t, "", "scenario", dir)
			if code != 1 || stderr != "muster: 1 scenario failed, of 3\n" {
				t.Errorf("code %d: %s", code, stderr)
			}
			if !strings.Contains(stdout, "FAIL  "+filepath.Join(dir, "zzz.json")+"\n") || !strings.Contains(stdout, "      "+test.want) {
				t.Errorf("no %q in\n%s", test.want, stdout)
			}
			if strings.Count(stdout, "ok  ") != 2 {
				t.Errorf("the others are not ok:\n%s", stdout)
			}
		})
	}
}

func TestRulesScenarioPlaysOnAfterAFileThatIsNotThere(t *testing.T) {
	dir := scenarioFolder(t, nil)
	good, absent := filepath.Join(dir, "good.json"), filepath.Join(dir, "absent.json")
	code, stdout, stderr := runRules(t, "", "scenario", absent, good, filepath.Join(dir, "rules.json"))
	if code != 2 || !strings.Contains(stderr, absent+" cannot be read: no such file or directory") {
		t.Errorf("code %d: %s", code, stderr)
	}
	for _, want := range []string{"FAIL  " + absent + "\n", "ok    " + good + "\n", "this is a rule set, not a scenario"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
}

func TestProblemsOfARuleSetNameItsFile(t *testing.T) {
	dir := scenarioFolder(t, map[string]string{
		"broken.json": brokenRules,
		"named.json":  scenarioText(`"ruleSetFile": "broken.json"`, ``),
		"inside.json": scenarioText(`"ruleSet": {"ruleLanguageVersion": "1.0"}`, ``),
	})
	for name, want := range map[string]string{
		"named.json":  "its rule set: broken.json:3:",
		"inside.json": "its rule set: " + filepath.Join(dir, "inside.json") + ":1:46: $.ruleSet: ",
	} {
		if code, stdout, _ := runRules(t, "", "scenario", filepath.Join(dir, name)); code != 1 || !strings.Contains(stdout, want) {
			t.Errorf("code %d, no %q in\n%s", code, want, stdout)
		}
	}
}

func TestRulesScenarioPrintsJSON(t *testing.T) {
	dir := scenarioFolder(t, map[string]string{"zzz.json": scenarioText(`"ruleSetFile": "rules.json"`, ``)})
	code, stdout, _ := runRules(t, "", "scenario", "--json", dir)
	var got struct {
		OK        bool
		Scenarios []playedFile
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	if code != 1 || got.OK || len(got.Scenarios) != 3 {
		t.Fatalf("code %d: %+v", code, got)
	}
	if good := got.Scenarios[1]; !good.OK || good.Name != "pair" || good.Kind != "match" || len(good.Failures) != 0 {
		t.Errorf("the good one: %+v", good)
	}
	if bad := got.Scenarios[2]; bad.OK || len(bad.Failures) != 1 {
		t.Errorf("the bad one: %+v", bad)
	}
}

func TestRulesScenarioTellsUnreadableFilesFromFailures(t *testing.T) {
	dir := scenarioFolder(t, nil)
	for name, args := range map[string][]string{
		"a file that is not there":   {filepath.Join(dir, "absent.json")},
		"beside one that holds":      {filepath.Join(dir, "good.json"), filepath.Join(dir, "absent.json")},
		"a folder without scenarios": {t.TempDir()},
		"no argument":                {},
	} {
		if code, _, stderr := runRules(t, "", append([]string{"scenario"}, args...)...); code != 2 || !strings.HasPrefix(stderr, "muster: ") {
			t.Errorf("%s: code %d, %q", name, code, stderr)
		}
	}
}

// The examples of docs/rules.md: a rule set, a scenario of it, and tickets.
func TestTheRulesDocumentTellsTheTruth(t *testing.T) {
	body, err := os.ReadFile(filepath.Join("..", "..", "docs", "rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(body), "```json\n")
	if len(blocks) != 5 {
		t.Fatalf("%d blocks of JSON", len(blocks)-1)
	}
	example := func(i int) string { return blocks[i][:strings.Index(blocks[i], "```")] }
	accepting := strings.NewReplacer(`"kind": "match",`, "", `{"N": 80}`, `{"N": 12}`).Replace(example(2)) // alike
	accepting = accepting[:strings.Index(accepting, `"expect"`)] + example(3) + "}"
	dir := scenarioFolder(t, map[string]string{
		"duel.json": example(1), "example.json": example(2), "fill.json": example(4), "accepting.json": accepting,
		"wrong.json": strings.Replace(example(1), `"batchDistance"`, `"batchdistance"`, 1),
	})
	_, stdout, _ := runRules(t, "", "check", filepath.Join(dir, "wrong.json"))
	if place, _, _ := strings.Cut(stdout, " type is "); !strings.Contains(string(body), "    duel.json"+strings.TrimPrefix(place, filepath.Join(dir, "wrong.json"))) {
		t.Errorf("a wrong one is said as %s", stdout)
	}
	for _, name := range []string{"fill.json", "accepting.json"} {
		if code, stdout, stderr := runRules(t, "", "scenario", filepath.Join(dir, name)); code != 0 || strings.Contains(stdout, "warning") {
			t.Errorf("%s: code %d: %s%s", name, code, stdout, stderr)
		}
	}
	if code, stdout, stderr := runRules(t, "", "check", filepath.Join(dir, "duel.json")); code != 0 ||
		!strings.Contains(string(body), "    "+strings.TrimPrefix(stdout, dir+string(filepath.Separator))) {
		t.Errorf("check: code %d: %s%s", code, stdout, stderr)
	}
	if code, stdout, stderr := runRules(t, "", "scenario", filepath.Join(dir, "example.json")); code != 0 || strings.Contains(stdout, "warning") {
		t.Errorf("scenario: code %d: %s%s", code, stdout, stderr)
	}
	var tickets strings.Builder
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, `    {"ticketId":"`) {
			tickets.WriteString(strings.TrimSpace(line) + "\n")
		}
	}
	code, stdout, stderr := runRules(t, tickets.String(), "match", "--rules", filepath.Join(dir, "duel.json"), "--tickets", "-", "--json")
	if code != 0 || !strings.Contains(stdout, `"tickets":["t1","t2"]`) || !strings.Contains(stdout, `"matched_players":2,"waiting_tickets":0`) {
		t.Errorf("match: code %d: %s%s", code, stdout, stderr)
	}
}

func TestRulesScenarioAgreesWithTheReference(t *testing.T) {
	dir := reference(t, "scenarios")
	code, stdout, stderr := runRules(t, "", "scenario", dir)
	if code != 0 || !strings.Contains(stdout, "18 scenarios, all ok") {
		t.Errorf("code %d: %s%s", code, stdout, stderr)
	}
}
