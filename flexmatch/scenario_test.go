package flexmatch

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// epoch is second 0 of the scenario clock.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time {
	return epoch.Add(time.Duration(seconds * float64(time.Second)))
}

// sharedFolder finds reference material beside the repository; a clone alone has none.
func sharedFolder(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "reference", name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("needs ../shared/reference/%s: not part of a clone", name)
	}
	return dir
}

func mustParse(t testing.TB, body string) *RuleSet {
	t.Helper()
	set, err := ParseRuleSet([]byte(body))
	if err != nil {
		t.Fatalf("rule set refused:\n%v", err)
	}
	return set
}

func TestEveryReferenceRuleSetParses(t *testing.T) {
	dir := sharedFolder(t, "rulesets")
	files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
	if len(files) < 20 {
		t.Fatalf("found %d rule sets", len(files))
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseRuleSet(body); err != nil {
			t.Errorf("%s:\n%v", filepath.Base(file), err)
		}
	}
}

func TestEveryInvalidReferenceRuleSetIsRefused(t *testing.T) {
	dir := sharedFolder(t, "rulesets")
	files, _ := filepath.Glob(filepath.Join(dir, "invalid", "*.json"))
	if len(files) == 0 {
		t.Fatal("found no rule sets")
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ParseRuleSet(body)
		var problems Problems
		if !errors.As(err, &problems) || len(problems) == 0 {
			t.Errorf("%s: error %v, want Problems", filepath.Base(file), err)
			continue
		}
		for _, p := range problems {
			if p.Path == "" || p.Line < 1 || p.Column < 1 || p.Message == "" {
				t.Errorf("%s: incomplete problem %+v", filepath.Base(file), p)
			}
		}
		t.Logf("%s:\n%v", filepath.Base(file), problems)
	}
}
