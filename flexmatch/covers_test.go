package flexmatch

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// covered collects what the tests of this run exercised: test names by feature of
// docs/rule-language.md. It is the only thing that tests share.
var covered struct {
	mu sync.Mutex // guards by
	by map[string][]string
}

// Covers records that a test exercises features of the rule language, by the names in
// the table of language_test.go.
func Covers(t testing.TB, features ...string) {
	t.Helper()
	name, _, _ := strings.Cut(t.Name(), "/")
	covered.mu.Lock()
	defer covered.mu.Unlock()
	if covered.by == nil {
		covered.by = map[string][]string{}
	}
	for _, f := range features {
		if !slices.Contains(covered.by[f], name) {
			covered.by[f] = append(covered.by[f], name)
		}
	}
}

// Covered lists the tests of this run that exercised a feature, and all features seen.
func Covered(feature string) (tests, features []string) {
	covered.mu.Lock()
	defer covered.mu.Unlock()
	for f := range covered.by {
		features = append(features, f)
	}
	slices.Sort(features)
	return covered.by[feature], features
}

// CheckCoverage is what TestMain runs after all tests of a complete run. The table sets
// it, as it lives in the external test package.
var CheckCoverage func() error

// TestMain holds the table of the rule language against what ran, when everything did.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	complete := !testing.Short() && os.Getenv("MUSTER_CASES") == "" && os.Getenv("MUSTER_SEED") == ""
	for _, name := range []string{"test.run", "test.skip", "test.list", "test.fuzz", "test.bench"} {
		complete = complete && flag.Lookup(name).Value.String() == ""
	}
	if code == 0 && complete && CheckCoverage != nil {
		if err := CheckCoverage(); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}
