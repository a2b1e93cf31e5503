package flexmatch_test

import (
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muster/flexmatch"
)

var update = flag.Bool("update", false, "rewrite docs/rule-language.md")

// languageRow is one line of docs/rule-language.md. The tests named must say, by Covers,
// that they exercise the feature: TestMain holds them to it.
type languageRow struct {
	feature  string
	page     string // of Amazon's FlexMatch guide
	decision string // where the guide is silent or contradicts itself
	tests    []string
}

type languageSection struct {
	title string
	rows  []languageRow
}

// Pages of Amazon's FlexMatch developer guide.
const (
	pageSchema      = "Rule set schema"
	pageProperties  = "Rule set property definitions"
	pageAttributes  = "Define player attributes"
	pageTeams       = "Define match teams"
	pageRules       = "Set rules for player matching"
	pageTypes       = "Rule types"
	pageExpressions = "Property expressions"
	pageAlgorithm   = "Customize the match algorithm"
	pageExpansions  = "Allow requirements to relax over time"
	pageLarge       = "Design a large-match rule set"
	pageWorks       = "How FlexMatch works"
	pageAcceptance  = "Request player acceptance"
	pageBackfill    = "Backfill existing games"
	pageExamples    = "Rule set examples"
	pageRequest     = "Request matchmaking"
	pageAPI         = "API reference"
)

const docHead = `# The rule language, and which test covers what

What of FlexMatch's rule language Muster reads and obeys, where Amazon's FlexMatch
developer guide describes it (by page title), what we decided where the guide is silent,
and the tests that exercise it. This page is written by

    go test ./flexmatch -run TestTheLanguageTable -update

from the table in ` + "`flexmatch/language_test.go`" + `. The tests fail when a named test does not exist or
did not exercise the feature. The random tests draw rule sets in the whole language, and
a checker that shares no code with the matchmaker judges every match.
`

func languageDoc() string {
	var b strings.Builder
	b.WriteString(docHead)
	for _, s := range language {
		fmt.Fprintf(&b, "\n## %s\n\n| feature | guide | decided by us | tests |\n| --- | --- | --- | --- |\n", s.title)
		for _, r := range s.rows {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", strings.ReplaceAll(r.feature, "|", "\\|"), r.page, r.decision, strings.Join(r.tests, ", "))
		}
	}
	return b.String()
}

func TestTheLanguageTableNamesTestsAndIsPrinted(t *testing.T) {
	flexmatch.CheckCoverage = checkCoverage
	exist := testNames(t)
	seen := map[string]bool{}
	for _, s := range language {
		for _, r := range s.rows {
			if seen[r.feature] || r.page == "" || len(r.tests) == 0 {
				t.Errorf("feature %q: stands twice, or without page or tests", r.feature)
			}
			seen[r.feature] = true
			for _, name := range r.tests {
				if !exist[name] {
					t.Errorf("feature %q: there is no test %s", r.feature, name)
				}
			}
		}
	}
	file := filepath.Join("..", "docs", "rule-language.md")
	if *update {
		if err := os.WriteFile(file, []byte(languageDoc()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if body, err := os.ReadFile(file); err != nil || string(body) != languageDoc() {
		t.Errorf("docs/rule-language.md is out of date (%v): run go test ./flexmatch -run TestTheLanguageTable -update", err)
	}
}

// testNames lists the test functions of this folder.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, file := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				out[f.Name.Name] = true
			}
		}
	}
	return out
}

// checkCoverage compares the table with what a complete run exercised.
func checkCoverage() error {
	var wrong []error
	known := map[string]bool{}
	for _, s := range language {
		for _, r := range s.rows {
			known[r.feature] = true
			ran, _ := flexmatch.Covered(r.feature)
			for _, name := range r.tests {
				if !slices.Contains(ran, name) {
					wrong = append(wrong, fmt.Errorf("language table: %s did not exercise %q; %v did", name, r.feature, ran))
				}
			}
		}
	}
	_, features := flexmatch.Covered("")
	for _, f := range features {
		if !known[f] {
			ran, _ := flexmatch.Covered(f)
			wrong = append(wrong, fmt.Errorf("language table: %v cover %q, which has no row", ran, f))
		}
	}
	return errors.Join(wrong...)
}
