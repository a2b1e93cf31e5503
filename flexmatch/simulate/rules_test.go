package simulate

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/flexmatch"
)

func TestRulesTellTheirStepsInOrderWithoutDuplicates(t *testing.T) {
	r := mustParse(t, "steps", `{
		"ruleLanguageVersion": "1.0", 
		"teams": [{"name": "a", "minPlayers": 2, "maxPlayers": 4}],
		"expansions": [
			{"target": "teams[a].minPlayers", "steps": [{"waitTimeSeconds": 30, "value": 1}]},
			{"target": "teams[a].maxPlayers", "steps": [{"waitTimeSeconds": "2.5", "value": 6}, {"waitTimeSeconds": 30, "value": 5}]}
		]
	}`)
	if want := []time.Duration{2500 * time.Millisecond, 30 * time.Second}; !reflect.DeepEqual(r.waits, want) {
		t.Errorf("waits %v, want %v", r.waits, want)
	}
	if r.largest != 6 {
		t.Errorf("largest team %d", r.largest)
	}
}

func TestRulesGiveAwayWhatTheyCompareAttributesWith(t *testing.T) {
	r := mustParse(t, "hints", `{
		"ruleLanguageVersion": "1.0",
		"playerAttributes": [{"name": "role", "type": "string_list"}, {"name": "flag", "type": "number"}, {"name": "map", "type": "string"}, {"name": "rank", "type": "number"}],
		"teams": [{"name": "a", "minPlayers": 1, "maxPlayers": 4}],
		"rules": [
			{"name": "roles", "type": "collection", "operation": "reference_intersection_count", "measurements": "flatten(teams[*].players.attributes[ role ])", "referenceValue": ["tank", "medic", "tank"], "minCount": 1},
			{"name": "flag", "type": "comparison", "operation": ">=", "measurements": ["max(teams[a].players.attributes[flag])"], "referenceValue": "1"},
			{"name": "maps", "type": "comparison", "operation": "=", "measurements": ["flatten(teams[*].players.attributes[map])"]},
			{"name": "near", "type": "distance", "measurements": ["flatten(teams[*].players.attributes[rank])"], "referenceValue": "avg(flatten(teams[*].players.attributes[rank]))", "maxDistance": "40"}
		]
	}`)
	for key, want := range map[attributeKey]hint{
		{"role", flexmatch.StringListAttribute}: {words: []string{"tank", "medic"}},
		{"flag", flexmatch.NumberAttribute}:     {words: []string{"1"}, numbers: []float64{1}},
		{"map", flexmatch.StringAttribute}:      {equal: true},
		{"rank", flexmatch.NumberAttribute}:     {},
	} {
		if got := r.hints[key]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", key.name, got, want)
		}
	}
}

func TestRuleSetsThatAreComparedGuessTheSame(t *testing.T) {
	const body = `{
		"ruleLanguageVersion": "1.0",
		"playerAttributes": [{"name": "rank", "type": "number", "default": %RANK}, {"name": "role", "type": "string", "default": "fighter"}],
		"teams": [{"name": "a", "minPlayers": 1, "maxPlayers": 4}],
		"rules": [{"name": "roles", "type": "collection", "operation": "contains", "measurements": "flatten(teams[*].players.attributes[role])", "referenceValue": "%ROLE", "minCount": 1}]
	}`
	of := func(rank, role string) Rules {
		return mustParse(t, role, strings.NewReplacer("%RANK", rank, "%ROLE", role).Replace(body))
	}
	both := pooled([]Rules{of("0", "tank"), of("40", "medic"), of("70", "tank")})
	for _, r := range both {
		if got := r.hints[attributeKey{"role", flexmatch.StringAttribute}].words; !slices.Equal(got, []string{"tank", "medic"}) {
			t.Errorf("%s: the words are %q", r.Name, got)
		}
		if got := r.hints[attributeKey{"rank", flexmatch.NumberAttribute}].byDefault.Number; got != 40 {
			t.Errorf("%s: the default is %v, want the first that says something", r.Name, got)
		}
	}
}

func TestCommentsAreBlankedOnlyOutsideStrings(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"{} // all", "{}       "},
		{`{"a": "http://x"} // y`, `{"a": "http://x"}     `},
		{`{"a": "\"// no"}`, `{"a": "\"// no"}`},
		{"1 //\n2", "1   \n2"},
		{"/", "/"},
		{`"`, `"`},
		{`"\`, `"\`},
	} {
		if got := string(withoutComments([]byte(c.in))); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.in, got, c.want)
		}
	}
}

func TestExampleRuleSetsCanBeSimulated(t *testing.T) {
	p := DefaultPopulation()
	for _, folder := range []string{"../../examples/rules", "../testdata/rulesets"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", folder, files, err)
		}
		for _, file := range files {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			r := mustRun(t, Options{Population: p, Duration: 10 * time.Minute}, mustParse(t, filepath.Base(file), string(body)))[0]
			checkBooks(t, r)
			if r.Players.Queued == 0 {
				t.Errorf("%s: nobody came", file)
			}
		}
	}
}

// What the matchmaker accepts can be simulated: reading a rule set a second time, for
// its expansions, must not be stricter.
func FuzzParseRules(f *testing.F) {
	for _, body := range []string{openRules, trioRules} {
		f.Add([]byte(body))
	}
	files, _ := filepath.Glob("../testdata/rulesets/*.json")
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_, wrong := flexmatch.ParseRuleSet(body)
		rules, err := ParseRules("fuzzed", body)
		if (wrong == nil) != (err == nil) {
			t.Fatalf("the matchmaker says %v, the simulation %v", wrong, err)
		}
		if err == nil && rules.largest < 1 {
			t.Errorf("the largest team has %d players", rules.largest)
		}
	})
}
