package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"muster/flexmatch"
	"muster/flexmatch/scenario"
)

// matchInput is what rules match reads.
type matchInput struct {
	set      *flexmatch.RuleSet
	warnings checkedFile // about the rule set
	file     scenario.TicketFile
}

// read reads the rule set and the tickets. What is wrong with them goes to the standard
// error, one a line; with --json to the standard output, in the form of rules check.
func (c *rulesMatchCmd) read(p *process) (matchInput, error) {
	var in matchInput
	body, err := p.readInput(c.Rules)
	if err != nil {
		return in, err
	}
	in.set, err = flexmatch.ParseRuleSet(body)
	checked := checkRuleSet(shownName(c.Rules), body)
	if err != nil {
		if c.JSON {
			printJSON(p.stdout, refusal(checked))
		} else {
			checked.print(p.stderr)
		}
		return in, fmt.Errorf("%s is not a rule set that GameLift would accept: %s", checked.File, plural(len(checked.Problems), "problem"))
	}
	in.warnings = checkedFile{File: checked.File, Warnings: checked.Warnings}
	if body, err = p.readInput(c.Tickets); err != nil {
		return in, err
	}
	if other := notTicketLines(c.Tickets, body); other != "" {
		if c.JSON {
			printJSON(p.stdout, refusal(checkedFile{File: shownName(c.Tickets), Error: other}))
		}
		return in, fmt.Errorf("%s", other)
	}
	var problems scenario.Problems
	in.file, err = scenario.ReadTicketFile(bytes.NewReader(body))
	what := "cannot be read as tickets"
	if errors.As(err, &problems) {
		err = nil
	} else if err == nil {
		problems, what = unacceptable(in.set, in.file), "has tickets that GameLift would not accept"
	}
	if err != nil || len(problems) == 0 {
		return in, err
	}
	checked = checkedFile{File: shownName(c.Tickets)}
	for _, one := range problems {
		checked.Problems = append(checked.Problems, ruleProblem{Path: one.Path, Line: one.Line, Message: one.Message})
		if !c.JSON {
			fmt.Fprintf(p.stderr, "%s: %v\n", checked.File, one)
		}
	}
	if c.JSON {
		printJSON(p.stdout, refusal(checked))
	}
	return in, fmt.Errorf("%s %s: %s", checked.File, what, plural(len(problems), "problem"))
}

// refusal is what --json prints of an input that cannot be used.
func refusal(f checkedFile) map[string]any {
	return map[string]any{"ok": false, "files": []checkedFile{f}}
}

// unacceptable lists the tickets that a matchmaker of the rule set refuses, not too
// many.
func unacceptable(set *flexmatch.RuleSet, file scenario.TicketFile) scenario.Problems {
	var out scenario.Problems
	for i, t := range file.Tickets {
		if err := set.CheckTicket(t); err != nil && len(out) < maxShown {
			out = append(out, scenario.Problem{Line: file.Lines[i], Message: err.Error()})
		}
	}
	return out
}

// notTicketLines says what a file is that is not one ticket a line; "" of one that may
// be.
func notTicketLines(name string, body []byte) string {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	var first map[string]json.RawMessage
	line, _, more := bytes.Cut(body, []byte("\n"))
	values := json.NewDecoder(bytes.NewReader(body))
	switch err := values.Decode(&first); {
	case bytes.HasPrefix(body, []byte("[")) && json.Valid(body):
		return fmt.Sprintf("%s is one list; a line is one ticket: jq -c '.[]' writes it so", shownName(name))
	case err != nil:
		return ""
	case first["ruleLanguageVersion"] != nil:
		return fmt.Sprintf("%s is a rule set, not tickets", shownName(name))
	case first["tickets"] != nil && first["ticketId"] == nil:
		return fmt.Sprintf("%s is not one ticket a line, but an object with tickets; a scenario is for rules scenario, and jq -c '.tickets[]' writes its tickets one a line", shownName(name))
	case more && !json.Valid(line):
		return fmt.Sprintf("%s has tickets over several lines; a line is one ticket: jq -c . writes it so", shownName(name))
	}
	return ""
}

// texts lists the warnings as lines.
func (f checkedFile) texts() []string {
	var out []string
	for _, one := range f.Warnings {
		out = append(out, fmt.Sprintf("%s:%d:%d: %s: %s", f.File, one.Line, one.Column, one.Path, one.Message))
	}
	return out
}

// notes tells what of the tickets is not read.
func (in matchInput) notes(name string) []string {
	var out []string
	for _, one := range in.file.Warnings {
		out = append(out, shownName(name)+": "+one)
	}
	return slices.Concat(out[:min(len(out), maxShown)], undeclared(in.set, in.file.Tickets))
}

// undeclared tells of attributes that tickets bring and the rule set does not declare:
// most likely a slip of the pen.
func undeclared(set *flexmatch.RuleSet, tickets []flexmatch.Ticket) []string {
	var names []string
	for _, a := range set.Attributes() {
		names = append(names, a.Name)
	}
	sent := make(map[string]int)
	for _, t := range tickets {
		for _, p := range t.Players {
			for name := range p.Attributes {
				if !slices.Contains(names, name) {
					sent[name]++
				}
			}
		}
	}
	var out []string
	for name, n := range sent {
		out = append(out, fmt.Sprintf("the attribute %s of %s is ignored: the rule set does not declare it%s",
			printable(name), plural(n, "player"), flexmatch.DidYouMean(name, names)))
	}
	slices.Sort(out)
	return out[:min(len(out), maxShown)]
}

// sharedPlayers tells of players who stand in several tickets that took part.
func (m *matchPass) sharedPlayers(in matchInput) []string {
	type place struct {
		ticket flexmatch.Ticket
		line   int
	}
	known := make(map[string]place)
	var out []string
	for i, t := range in.file.Tickets {
		if _, took := m.tickets[t.ID]; !took {
			continue
		}
		for _, p := range t.Players {
			earlier, twice := known[p.ID]
			known[p.ID] = place{t, in.file.Lines[i]}
			if !twice || t.GameSessionARN != "" && t.GameSessionARN == earlier.ticket.GameSessionARN || len(out) >= maxShown {
				continue
			}
			out = append(out, fmt.Sprintf("player %s is in ticket %s (line %d) and in ticket %s (line %d): GameLift cancels a player's earlier request, here both take part",
				printable(p.ID), printable(earlier.ticket.ID), earlier.line, printable(t.ID), in.file.Lines[i]))
		}
	}
	return out
}

// emptiness says why nobody took part; nil when somebody did.
func (m *matchPass) emptiness(name string) []string {
	switch {
	case len(m.tickets) > 0:
		return nil
	case len(m.later) == 0:
		return []string{shownName(name) + " holds no tickets"}
	}
	first := slices.MinFunc(m.later, func(a, b flexmatch.Ticket) int { return a.StartAt.Compare(b.StartAt) })
	return []string{fmt.Sprintf("no ticket has started at %s s; the first, %s, starts at %s s",
		plainNumber(scenario.Seconds(m.at)), printable(first.ID), plainNumber(scenario.Seconds(first.StartAt)))}
}
