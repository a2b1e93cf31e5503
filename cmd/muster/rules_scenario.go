package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"muster/flexmatch"
	"muster/flexmatch/scenario"
)

type rulesScenarioCmd struct {
	Files []string `arg:"" name:"file" help:"Scenarios as JSON, or folders of them; - is the standard input."`
	JSON  bool     `name:"json" help:"Print JSON instead of text."`
}

// Help is the long description that --help shows.
func (*rulesScenarioCmd) Help() string {
	return "A scenario is a rule set, tickets, and the matches that must come of them; docs/rules.md describes the form. In a folder every " +
		"*.json is one, also in the folders below, but for rule sets. The exit code is 1 if any fails, 2 if one cannot be read."
}

// playedFile is what came of one scenario file.
type playedFile struct {
	File     string   `json:"file"`
	Name     string   `json:"name,omitempty"`
	Kind     string   `json:"kind,omitempty"`
	OK       bool     `json:"ok"`
	Failures []string `json:"failures,omitempty"`
	Hints    []string `json:"hints,omitempty"` // why expected matches did not form
	Warnings []string `json:"warnings,omitempty"`
}

// Run plays every scenario, also after one that fails.
func (c *rulesScenarioCmd) Run(p *process) error {
	files, err := scenarioFiles(c.Files)
	if err != nil {
		return err
	}
	played := make([]playedFile, 0, len(files))
	var unread error
	bad := 0
	for _, name := range files {
		body, err := p.readInput(name.path)
		if err != nil {
			unread = errors.Join(unread, err)
			played = append(played, playedFile{File: shownName(name.path), Failures: []string{err.Error()}})
			if !c.JSON {
				played[len(played)-1].print(p.stdout)
			}
			continue
		}
		if name.found && isRuleSet(body) {
			continue
		}
		one := playScenario(p, name.path, body)
		if !one.OK {
			bad++
		}
		played = append(played, one)
		if !c.JSON {
			one.print(p.stdout)
		}
	}
	if c.JSON {
		printJSON(p.stdout, map[string]any{"ok": unread == nil && bad == 0, "scenarios": played})
	}
	switch {
	case unread != nil:
		return unread
	case bad > 0:
		return fmt.Errorf("%s failed, of %d", plural(bad, "scenario"), len(played))
	case len(played) == 0:
		return usageError{"there are no scenarios in " + strings.Join(c.Files, ", ")}
	}
	if !c.JSON {
		fmt.Fprintf(p.stdout, "%s, all ok\n", plural(len(played), "scenario"))
	}
	return nil
}

// scenarioFile is a file to play; found means that it was met in a folder.
type scenarioFile struct {
	path  string
	found bool
}

// scenarioFiles replaces folders by the files in them, in the order of their names.
func scenarioFiles(args []string) ([]scenarioFile, error) {
	var out []scenarioFile
	for _, arg := range args {
		info, err := os.Stat(arg)
		if arg == "-" || err == nil && !info.IsDir() {
			out = append(out, scenarioFile{path: arg})
			continue
		}
		if err != nil { // reading it says why, in its turn
			out = append(out, scenarioFile{path: arg})
			continue
		}
		err = filepath.WalkDir(arg, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return unreadable(path, err)
			}
			if !entry.IsDir() && filepath.Ext(path) == ".json" {
				out = append(out, scenarioFile{path, true})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// isRuleSet tells a rule set, which may lie beside scenarios, from a scenario.
func isRuleSet(body []byte) bool {
	var probe struct {
		RuleLanguageVersion any `json:"ruleLanguageVersion"`
	}
	return json.Unmarshal(body, &probe) == nil && probe.RuleLanguageVersion != nil
}

// playScenario plays one file. A rule set that it names is looked for from its folder.
func playScenario(p *process, name string, body []byte) playedFile {
	result, err := scenario.Run(body, func(rules string) ([]byte, error) {
		if !filepath.IsAbs(rules) {
			rules = filepath.Join(filepath.Dir(name), filepath.FromSlash(rules))
		}
		return p.readInput(rules)
	})
	out := playedFile{
		File: shownName(name), Name: result.Name, Kind: result.Kind, OK: err == nil && result.OK(),
		Failures: result.Failures, Hints: result.Hints, Warnings: result.Warnings,
	}
	var problems scenario.Problems
	var inRules flexmatch.Problems
	switch {
	case errors.As(err, &problems):
		for _, one := range problems {
			out.Failures = append(out.Failures, one.String())
		}
	case errors.As(err, &inRules):
		where := out.File
		if result.RuleSetFile != "" {
			where = result.RuleSetFile
		}
		for _, one := range inRules {
			out.Failures = append(out.Failures, fmt.Sprintf("its rule set: %s:%v", where, one))
		}
	case err != nil:
		out.Failures = append(out.Failures, err.Error())
	}
	return out
}

// print writes what came of a scenario as lines of text.
func (f playedFile) print(w io.Writer) {
	verdict := "ok  "
	if !f.OK {
		verdict = "FAIL"
	}
	fmt.Fprintf(w, "%s  %s\n", verdict, f.File)
	for _, line := range f.Failures {
		fmt.Fprintf(w, "      %s\n", line)
	}
	for _, line := range f.Hints {
		fmt.Fprintf(w, "      why: %s\n", line)
	}
	for _, line := range f.Warnings {
		fmt.Fprintf(w, "      warning: %s\n", line)
	}
}
