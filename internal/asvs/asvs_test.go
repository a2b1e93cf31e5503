// Package asvs holds us to the OWASP Application Security Verification Standard 5.0, level
// 2, where it speaks of signing in, sessions, tokens and OAuth: docs/asvs.md is printed from
// its tables, and every test that they name must exist.
package asvs

import (
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
)

var update = flag.Bool("update", false, "rewrite docs/asvs.md")

// state is how we stand to a requirement.
type state string

const (
	met    state = "met"
	partly state = "partly"
	notMet state = "not met"
	absent state = "does not apply"
)

// row is how one requirement is met, or why not.
type row struct {
	number string
	asks   string // in our words
	state  state
	how    string   // what we do; for anything but met: the reason
	tests  []string // "package.TestName" each; the root's is "muster"
}

type chapter struct {
	title string
	rows  []row
}

var chapters = []chapter{
	{"V6 Authentication", authentication},
	{"V7 Session management", sessions},
	{"V9 Self-contained tokens", tokens},
	{"V10 OAuth and OpenID Connect", oauth},
}

const (
	root    = "../.."
	page    = "docs/asvs.md"
	rewrite = "go test ./internal/asvs -update"
)

const docHead = `# Signing in by the letter: OWASP ASVS 5.0

How Muster stands to the [Application Security Verification Standard](https://owasp.org/asvs) 5.0.0,
levels 1 and 2, chapters V6, V7, V9 and V10. What each asks is in our words and short; the standard's
own text counts. Muster is the backend: what belongs to the game's client, to its pages or to a
platform is marked so and left to them. The other chapters are not judged here.

Nobody outside has audited this. "Met" means that the tests named show it; "partly" and "not met"
say what is missing. This page is written by

    ` + rewrite + `

from the tables in ` + "`internal/asvs`" + `. The test fails when a requirement lacks a row, when a test that
is named does not exist, when a page that is linked has no such heading, and when there is neither
a test nor a reason.
`

func printed() string {
	levels := map[string]int{}
	for _, r := range required {
		levels[r.number] = r.level
	}
	count := map[state]int{}
	for _, c := range chapters {
		for _, r := range c.rows {
			count[r.state]++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nOf %d requirements: %d met, %d partly, %d not met; %d do not apply.\n", docHead, len(required), count[met], count[partly], count[notMet], count[absent])
	for _, c := range chapters {
		fmt.Fprintf(&b, "\n## %s\n\n| # | level | asks for | | how, or why not | tests |\n|---|---|---|---|---|---|\n", c.title)
		for _, r := range c.rows {
			fmt.Fprintf(&b, "| %s | %d | %s | %s | %s | %s |\n", r.number, levels[r.number], r.asks, r.state, r.how, named(r.tests))
		}
	}
	return b.String()
}

// named lists tests as "package: TestA, TestB; other: TestC".
func named(tests []string) string {
	var b strings.Builder
	last := ""
	for _, t := range tests {
		pkg, name, _ := strings.Cut(t, ".")
		switch {
		case pkg == last:
			b.WriteString(", ")
		case last != "":
			b.WriteString("; ")
		}
		if pkg != last {
			b.WriteString("`" + pkg + "`: ")
		}
		b.WriteString(name)
		last = pkg
	}
	return b.String()
}

func TestEveryRequirementHasItsRow(t *testing.T) {
	there := map[string]map[string]bool{}
	var rows, want []string
	for _, c := range chapters {
		for _, r := range c.rows {
			rows = append(rows, r.number)
			checkRow(t, r, there)
		}
	}
	for _, r := range required {
		want = append(want, r.number)
	}
	if !slices.Equal(rows, want) {
		t.Errorf("the rows are for\n%v\nand should be for\n%v", rows, want)
	}
}

// checkRow holds a row to what it says. there are the tests of packages known by now.
func checkRow(t *testing.T, r row, there map[string]map[string]bool) {
	t.Helper()
	links := pageLinks(r.how)
	switch {
	case r.asks == "" || r.how == "":
		t.Errorf("%s does not say what is asked, or what we do", r.number)
	case !slices.Contains([]state{met, partly, notMet, absent}, r.state):
		t.Errorf("%s has the state %q", r.number, r.state)
	case r.state == met && len(r.tests) == 0 && len(links) == 0:
		t.Errorf("%s is met, but neither a test nor a page shows it", r.number)
	case r.state == partly && len(r.tests) == 0:
		t.Errorf("%s is met in part, but no test shows which", r.number)
	case strings.Contains(r.asks+r.how, "|"):
		t.Errorf("%s breaks the table", r.number)
	}
	for _, test := range r.tests {
		pkg, name, _ := strings.Cut(test, ".")
		if there[pkg] == nil {
			there[pkg] = testsOf(t, pkg)
		}
		if !there[pkg][name] {
			t.Errorf("%s names %s, which is not there", r.number, test)
		}
	}
	for _, link := range links {
		if !headed(t, link) {
			t.Errorf("%s links to %s, which is not there", r.number, link)
		}
	}
}

// testsOf lists the tests of a package: those in the files of its folder.
func testsOf(t *testing.T, pkg string) map[string]bool {
	t.Helper()
	folder := filepath.Join(root, filepath.FromSlash(pkg))
	if pkg == "muster" {
		folder = root
	}
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, file := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				names[f.Name.Name] = true
			}
		}
	}
	return names
}

// pageLinks are the targets of the links in a text, as in "[word](file.md#heading)".
func pageLinks(text string) []string {
	var links []string
	for _, part := range strings.Split(text, "](")[1:] {
		target, _, _ := strings.Cut(part, ")")
		links = append(links, target)
	}
	return links
}

// headed says whether a page in docs has the heading that a link leads to.
func headed(t *testing.T, link string) bool {
	t.Helper()
	file, anchor, _ := strings.Cut(link, "#")
	body, err := os.ReadFile(filepath.Join(root, "docs", file))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(body)) {
		if title := strings.TrimLeft(line, "#"); title != line && slug(title) == anchor {
			return true
		}
	}
	return anchor == ""
}

// slug is the anchor that a heading gets.
func slug(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return -1
	}, strings.TrimSpace(title))
}

func TestThePageIsPrinted(t *testing.T) {
	file := filepath.Join(root, filepath.FromSlash(page))
	if *update {
		if err := os.WriteFile(file, []byte(printed()), 0o644); err != nil { //nolint:gosec // a page for everybody
			t.Fatal(err)
		}
	}
	if body, err := os.ReadFile(file); err != nil || string(body) != printed() {
		t.Errorf("%s is out of date (%v): run %s", page, err, rewrite)
	}
}
