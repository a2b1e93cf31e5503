package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"muster/flexmatch"
)

type rulesCheckCmd struct {
	Files []string `arg:"" name:"file" help:"Rule sets as JSON; - is the standard input."`
	JSON  bool     `name:"json" help:"Print JSON instead of text."`
}

// Help is the long description that --help shows.
func (*rulesCheckCmd) Help() string {
	return "A problem is printed as file:line:column: path: message, and so is, after the word warning, what is accepted but likely not meant. " +
		"The exit code is 1 if any file has a problem, 2 if one cannot be read."
}

// checkedFile is what was found about one rule set.
type checkedFile struct {
	File     string           `json:"file"`
	OK       bool             `json:"ok"`
	Error    string           `json:"error,omitempty"` // it could not be read
	Problems []ruleProblem    `json:"problems,omitempty"`
	Warnings []ruleProblem    `json:"warnings,omitempty"`
	RuleSet  *ruleSetOverview `json:"ruleSet,omitempty"`
}

// ruleProblem is a flexmatch.Problem as JSON.
type ruleProblem struct {
	Path    string `json:"path"`
	Line    int    `json:"line"`
	Column  int    `json:"column,omitempty"` // absent of tickets
	Message string `json:"message"`
}

// ruleSetOverview is what a rule set is, in short.
type ruleSetOverview struct {
	Name       string         `json:"name"`
	Teams      []teamOverview `json:"teams"`
	MinPlayers int            `json:"minPlayers"`
	MaxPlayers int            `json:"maxPlayers"`
	Rules      []string       `json:"rules"`
	Large      bool           `json:"large"`
	// Expansions lists what waiting changes, empty without expansions.
	Expansions []expansionOverview `json:"expansions"`
}

type expansionOverview struct {
	AfterSeconds float64  `json:"afterSeconds"`
	Changes      []string `json:"changes"` // "Near.maxDistance 5 -> 100"
}

type teamOverview struct {
	Name       string `json:"name"`
	MinPlayers int    `json:"minPlayers"`
	MaxPlayers int    `json:"maxPlayers"`
}

// Run checks every file, also after one that is wrong.
func (c *rulesCheckCmd) Run(p *process) error {
	checked := make([]checkedFile, len(c.Files))
	var unread error
	wrong := 0
	for i, name := range c.Files {
		body, err := p.readInput(name)
		if err != nil {
			checked[i] = checkedFile{File: shownName(name), Error: err.Error()}
			unread = errors.Join(unread, err)
			continue
		}
		checked[i] = checkRuleSet(shownName(name), body)
		if !checked[i].OK {
			wrong++
		}
	}
	if c.JSON {
		printJSON(p.stdout, map[string]any{"ok": unread == nil && wrong == 0, "files": checked})
	} else {
		for _, f := range checked {
			f.print(p.stdout)
		}
	}
	switch {
	case unread != nil:
		return unread
	case wrong > 0:
		return fmt.Errorf("%s with problems, of %d checked", plural(wrong, "rule set"), len(checked))
	}
	return nil
}

// checkRuleSet reads one rule set.
func checkRuleSet(name string, body []byte) checkedFile {
	set, err := flexmatch.ParseRuleSet(body)
	var problems flexmatch.Problems
	switch {
	case errors.As(err, &problems):
		return checkedFile{File: name, Problems: ruleProblems(problems)}
	case err != nil:
		return checkedFile{File: name, Problems: []ruleProblem{{Path: "$", Line: 1, Column: 1, Message: err.Error()}}}
	}
	return checkedFile{File: name, OK: true, RuleSet: overview(set), Warnings: ruleProblems(set.Warnings())}
}

func ruleProblems(list []flexmatch.Problem) []ruleProblem {
	var out []ruleProblem
	for _, one := range list {
		out = append(out, ruleProblem{Path: one.Path, Line: one.Line, Column: one.Column, Message: one.Message})
	}
	return out
}

func overview(set *flexmatch.RuleSet) *ruleSetOverview {
	out := &ruleSetOverview{
		Name: set.Name(), MinPlayers: set.MinPlayers(), MaxPlayers: set.MaxPlayers(), Large: set.Large(),
		Rules: append([]string{}, set.RuleNames()...),
	}
	for _, t := range set.TeamSizes() {
		out.Teams = append(out.Teams, teamOverview{t.Name, t.Min, t.Max})
	}
	out.Expansions = []expansionOverview{}
	for _, step := range set.Expansions() {
		x := expansionOverview{AfterSeconds: step.After.Seconds()}
		for _, c := range step.Changes {
			x.Changes = append(x.Changes, fmt.Sprintf("%s.%s %s -> %s", cmp.Or(c.Rule, c.Team), c.Property, cmp.Or(c.From, "none"), cmp.Or(c.To, "none")))
		}
		out.Expansions = append(out.Expansions, x)
	}
	return out
}

// print writes what was found as lines of text. What could not be read is for the
// error.
func (f checkedFile) print(to io.Writer) {
	var lines strings.Builder
	defer func() { _, _ = io.WriteString(to, harmless(lines.String())) }()
	w := &lines
	for _, one := range f.Problems {
		fmt.Fprintf(w, "%s:%d:%d: %s: %s\n", f.File, one.Line, one.Column, one.Path, one.Message)
	}
	for _, one := range f.Warnings {
		fmt.Fprintf(w, "%s:%d:%d: warning: %s: %s\n", f.File, one.Line, one.Column, one.Path, one.Message)
	}
	if f.OK {
		fmt.Fprintf(w, "%s: ok: %s\n", f.File, f.RuleSet)
	}
}

// harmless keeps what a file says from steering a terminal.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}

// mostTeamsShown is how many teams a line names; more are counted.
const mostTeamsShown = 6

// String is one line: name, players, teams, rules.
func (o *ruleSetOverview) String() string {
	name, size, rules := "without a name", "", "no rules"
	if o.Name != "" {
		name = fmt.Sprintf("%q", o.Name)
	}
	if o.Large {
		size = " (large match)"
	}
	teams := make([]string, len(o.Teams))
	for i, t := range o.Teams {
		teams[i] = fmt.Sprintf("%s (%s)", t.Name, fromTo(t.MinPlayers, t.MaxPlayers))
	}
	if len(teams) > mostTeamsShown {
		teams = append(teams[:mostTeamsShown-1], fmt.Sprintf("%d more", len(teams)-mostTeamsShown+1))
	}
	if len(o.Rules) > 0 {
		rules = plural(len(o.Rules), "rule") + ": " + strings.Join(o.Rules, ", ")
	}
	for _, x := range o.Expansions {
		if len(x.Changes) > 0 {
			rules += fmt.Sprintf("; after %s s %s", plainNumber(x.AfterSeconds), strings.Join(x.Changes, ", "))
		}
	}
	return fmt.Sprintf("%s: %s players%s in %s; %s", name, fromTo(o.MinPlayers, o.MaxPlayers), size, strings.Join(teams, ", "), rules)
}

// fromTo spells a range: "5" or "2 to 5".
func fromTo(least, most int) string {
	if least == most {
		return fmt.Sprint(least)
	}
	return fmt.Sprintf("%d to %d", least, most)
}
