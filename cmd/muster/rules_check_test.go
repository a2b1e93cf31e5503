package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runRules runs `muster rules ...` with an input.
func runRules(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, said bytes.Buffer
	p := &process{stdout: &out, stderr: &said, stdin: strings.NewReader(stdin), getenv: func(string) string { return "" }}
	code = run(t.Context(), p, append([]string{"rules"}, args...))
	return code, out.String(), said.String()
}

// writeFile makes a file in a folder of the test's own and returns its path.
func writeFile(t *testing.T, name, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// reference finds reference material beside the repository; a clone alone has none.
func reference(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "reference", name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("needs ../shared/reference/%s: not part of a clone", name)
	}
	return dir
}

const pairRules = `{
  "name": "pairs",
  "ruleLanguageVersion": "1.0",
  "playerAttributes": [{"name": "skill", "type": "number", "default": 10}],
  "teams": [{"name": "red", "minPlayers": 1, "maxPlayers": 1}, {"name": "blue", "minPlayers": 1, "maxPlayers": 2}],
  "rules": [{"name": "Near", "type": "distance", "measurements": ["flatten(teams[*].players.attributes[skill])"],
    "referenceValue": 10, "maxDistance": 5}],
  "expansions": [{"target": "rules[Near].maxDistance", "steps": [{"waitTimeSeconds": 5, "value": 50}, {"waitTimeSeconds": 12, "value": 500}]}]
}`

const brokenRules = `{
  "ruleLanguageVersion": "1.0",
  "teams": [{"name": "red", "minPlayers": 3, "maxPlayers": 1}],
  "rules": [{"name": "Near", "type": "distence"}]
}`

func TestRulesCheckDescribesGoodFilesInOneLine(t *testing.T) {
	file := writeFile(t, "good.json", pairRules)
	code, stdout, stderr := runRules(t, "", "check", file)
	if code != 0 || stderr != "" || strings.Count(stdout, "\n") != 1 {
		t.Fatalf("code %d, %q, %q", code, stdout, stderr)
	}
	for _, want := range []string{file + ": ok: ", `"pairs"`, "2 to 3 players", "red (1)", "blue (1 to 2)", "1 rule: Near", "after 5 s Near.maxDistance 5 -> 50; after 12 s Near.maxDistance 50 -> 500"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q lacks %q", stdout, want)
		}
	}
}

func TestRulesCheckWritesLongTimesInFull(t *testing.T) {
	long := strings.Replace(pairRules, `"waitTimeSeconds": 12`, `"waitTimeSeconds": 40000000`, 1)
	if _, stdout, _ := runRules(t, long, "check", "-"); !strings.Contains(stdout, "after 40000000 s Near.maxDistance") {
		t.Errorf("it says %s", stdout)
	}
}

func TestRulesCheckListsEveryProblemWithItsPlace(t *testing.T) {
	file := writeFile(t, "bad.json", brokenRules)
	code, stdout, stderr := runRules(t, pairRules, "check", file, "-")
	if code != 1 {
		t.Errorf("code %d", code)
	}
	for _, want := range []string{file + ":3:", "$.teams[0]", file + ":4:", "$.rules[0].type", "<stdin>: ok: "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q lacks %q", stdout, want)
		}
	}
	if stderr != "muster: 1 rule set with problems, of 2 checked\n" {
		t.Errorf("the summary is %q", stderr)
	}
}

func TestRulesCheckWarnsOfWhatIsLikelyNotMeant(t *testing.T) {
	file := writeFile(t, "odd.json", strings.Replace(pairRules, `"maxDistance": 5`, `"maxDistance": 5, "minDistence": 1`, 1))
	code, stdout, stderr := runRules(t, "", "check", file)
	if code != 0 || stderr != "" {
		t.Errorf("code %d, %q: a warning is no problem", code, stderr)
	}
	for _, want := range []string{file + ":7:", `: warning: $.rules[0].minDistence: `, `did you mean "minDistance"?`, file + ": ok: "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q lacks %q", stdout, want)
		}
	}
}

func TestRulesCheckTellsUnreadableFilesFromWrongOnes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "absent.json")
	for name, args := range map[string][]string{
		"a file that is not there":        {"check", file},
		"beside a wrong one":              {"check", file, "-"},
		"a folder":                        {"check", t.TempDir()},
		"no file at all is a usage error": {"check"},
	} {
		if code, _, stderr := runRules(t, brokenRules, args...); code != 2 || !strings.HasPrefix(stderr, "muster: ") {
			t.Errorf("%s: code %d, %q", name, code, stderr)
		}
	}
}

func TestRulesCheckPrintsJSON(t *testing.T) {
	file := writeFile(t, "bad.json", brokenRules)
	code, stdout, _ := runRules(t, pairRules, "check", "--json", file, "-")
	var got struct {
		OK    bool
		Files []checkedFile
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatalf("%v in %q", err, stdout)
	}
	if code != 1 || got.OK || len(got.Files) != 2 {
		t.Fatalf("code %d: %+v", code, got)
	}
	if bad := got.Files[0]; bad.OK || len(bad.Problems) < 2 || bad.Problems[0].Line != 3 || bad.RuleSet != nil {
		t.Errorf("the wrong file: %+v", bad)
	}
	if good := got.Files[1]; !good.OK || good.RuleSet == nil || good.RuleSet.MaxPlayers != 3 || good.RuleSet.Rules[0] != "Near" {
		t.Errorf("the good file: %+v", good)
	}
}

func TestRulesCheckAgreesWithTheReference(t *testing.T) {
	dir := reference(t, "rulesets")
	for folder, want := range map[string]int{dir: 0, filepath.Join(dir, "invalid"): 1} {
		files, err := filepath.Glob(filepath.Join(folder, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no rule sets in %s: %v", folder, err)
		}
		for _, file := range files {
			if code, stdout, stderr := runRules(t, "", "check", file); code != want {
				t.Errorf("%s: code %d: %s%s", filepath.Base(file), code, stdout, stderr)
			}
		}
	}
}

func TestRulesCheckKeepsNamesFromSteeringTheTerminal(t *testing.T) {
	good := strings.ReplaceAll(strings.ReplaceAll(pairRules, `"red"`, `"r\u001b[2Jed"`), `"Near"`, `"Ne\u0007ar"`)
	good = strings.ReplaceAll(good, "rules[Near]", `rules[Ne\u0007ar]`)
	bad := strings.ReplaceAll(brokenRules, `"type": "distence"`, `"type": "distence", "x\u001b[2J": 1`)
	code, stdout, stderr := runRules(t, "", "check", writeFile(t, "good.json", good), writeFile(t, "bad.json", bad))
	if code != 1 || strings.ContainsAny(stdout+stderr, "\x1b\a") || !strings.Contains(stdout, "r?[2Jed") {
		t.Fatalf("code %d, %q, %q", code, stdout, stderr)
	}
}
