package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"muster/flexmatch"
)

// Open reads the rule set that a scenario names with ruleSetFile: a path relative to
// the scenario's folder.
type Open func(name string) ([]byte, error)

// Result is what came of a scenario.
type Result struct {
	Name string
	Kind string // match, acceptance or largeFill
	// RuleSetFile is as the scenario names it; "" with a rule set inside the scenario.
	RuleSetFile string
	// Failures says for each expectation that did not hold what was expected and what
	// happened; empty: the scenario holds.
	Failures []string
	// Hints says why tickets of expected matches that did not form still wait.
	Hints []string
	// Warnings are what in the file was not read or not as it seems to be meant.
	Warnings []string
}

// OK tells whether every expectation held.
func (r Result) OK() bool { return len(r.Failures) == 0 }

// maxFailures bounds a result.
const maxFailures = 200

// Run plays one scenario. The error is for a file that cannot be played: of type
// Problems when the scenario itself is wrong, of type flexmatch.Problems when its rule
// set is, else that of open. The places of problems in a rule set inside the scenario
// are those in the scenario, unless it is one text: then they count within that. The
// Result is then valid but for its failures.
func Run(body []byte, open Open) (Result, error) {
	r := &reader{lenient: true}
	d := r.read(body)
	result := Result{Name: d.name, Kind: d.kind, RuleSetFile: d.ruleSetFile, Warnings: r.warnings}
	if len(r.problems) > 0 {
		return result, r.problems
	}
	rules := d.ruleSet
	if d.ruleSetFile != "" {
		var err error
		if rules, err = open(d.ruleSetFile); err != nil {
			return result, fmt.Errorf("the ruleSetFile %s: %w", shorten(d.ruleSetFile), err)
		}
	}
	set, err := flexmatch.ParseRuleSet(rules)
	if err != nil {
		if d.ruleSetFile == "" {
			err = within(body, rules, err)
		}
		return result, err
	}
	d.config.RuleSet = set
	if d.kind == largeFillKind {
		failures, warnings := checkFill(d.expect, set)
		result.Failures, result.Warnings = failures, append(result.Warnings, warnings...)
	} else {
		p := newPlay(d)
		p.run()
		result.Failures, result.Hints = p.failures, p.hints
	}
	if len(result.Failures) > maxFailures {
		result.Failures = append(result.Failures[:maxFailures], fmt.Sprintf("and %d more", len(result.Failures)-maxFailures))
	}
	return result, nil
}

// within moves the problems of a part to their places in the whole text.
func within(whole, part []byte, err error) error {
	var problems flexmatch.Problems
	start := bytes.Index(whole, part)
	if start < 0 || !errors.As(err, &problems) {
		return err
	}
	line := bytes.Count(whole[:start], []byte("\n"))
	column := utf8.RuneCount(whole[bytes.LastIndexByte(whole[:start], '\n')+1 : start])
	out := slices.Clone(problems)
	for i := range out {
		if out[i].Line == 1 {
			out[i].Column += column
		}
		out[i].Line += line
		out[i].Path = "$.ruleSet" + strings.TrimPrefix(out[i].Path, "$")
	}
	return out
}
