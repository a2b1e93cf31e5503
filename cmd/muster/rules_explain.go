package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"

	"muster"
	"muster/advisor"
	"muster/flexmatch"
	"muster/flexmatch/scenario"
)

// explainFlag is --explain: absent, alone, or with the id of a ticket.
type explainFlag struct {
	set    bool
	ticket string // empty: every ticket that waits
}

// Decode is called by the command line parser. The id may follow after a blank.
func (f *explainFlag) Decode(ctx *kong.DecodeContext) error {
	f.set = true
	if !ctx.Scan.Peek().IsValue() {
		return nil
	}
	return ctx.Scan.PopValueInto("ticket", &f.ticket)
}

// maxExplained bounds how many waiting tickets are explained at once.
const maxExplained = 50

// explanations says why tickets are not matched, after the pass. An id that took no
// part is a mistake on the command line.
func (m *matchPass) explanations(f explainFlag) ([]muster.Advice, error) {
	if !f.set {
		return nil, nil
	}
	if f.ticket != "" {
		x, known := m.pool.Explain(f.ticket)
		if !known {
			return nil, usageError{"--explain: " + m.absent(f.ticket)}
		}
		return []muster.Advice{m.advice(x)}, nil
	}
	out := []muster.Advice{}
	for _, t := range m.waiting[:min(len(m.waiting), maxExplained)] {
		if x, known := m.pool.Explain(t.ID); known {
			out = append(out, m.advice(x))
		}
	}
	return out, nil
}

// advice is an explanation for people without a GameLift: who is matched waits for no
// session.
func (m *matchPass) advice(x flexmatch.Explanation) muster.Advice {
	a := advisor.Of(x)
	for i, match := range m.matches {
		if slices.Contains(match.TicketIDs, x.TicketID) {
			a.Lines = []string{fmt.Sprintf("Ticket %s, %s, is in match %d.", x.TicketID, plural(x.Players, "player"), i+1)}
		}
	}
	return a
}

// absent says why a ticket took no part in the pass.
func (m *matchPass) absent(id string) string {
	for _, t := range m.later {
		if t.ID == id {
			return fmt.Sprintf("ticket %q starts at %s s, and the pass is at %s s; --at %s has it", id,
				plainNumber(scenario.Seconds(t.StartAt)), plainNumber(scenario.Seconds(m.at)), plainNumber(scenario.Seconds(t.StartAt)))
		}
	}
	if _, took := m.tickets[id]; took {
		return fmt.Sprintf("ticket %q was cancelled: a later backfill of its session replaced it", id)
	}
	var known []string
	for _, t := range m.waiting {
		known = append(known, t.ID)
	}
	for _, t := range m.later {
		known = append(known, t.ID)
	}
	return fmt.Sprintf("there is no ticket %q%s", id, flexmatch.DidYouMean(id, known))
}

// mostLookedAt bounds the waiting tickets that printInTheWay explains.
const mostLookedAt = 20

// printInTheWay names the rule that stands in the way of most of the oldest tickets
// that wait.
func (m *matchPass) printInTheWay(w io.Writer) {
	looked := m.waiting[:min(len(m.waiting), mostLookedAt)]
	blocked, never := make(map[string]int), 0
	for _, t := range looked {
		x, known := m.pool.Explain(t.ID)
		switch {
		case !known:
			continue
		case len(x.Never) > 0:
			never++
		}
		var rules []string
		for _, r := range x.Rules {
			rules = append(rules, r.Rule)
		}
		if x.Attempt != nil {
			for _, f := range x.Attempt.Failed {
				rules = append(rules, f.Rule)
			}
		}
		slices.Sort(rules)
		for _, r := range slices.Compact(rules) {
			blocked[r]++
		}
	}
	of := fmt.Sprintf(" of %s", plural(len(looked), "waiting ticket"))
	if len(looked) < len(m.waiting) {
		of = fmt.Sprintf(" of the %d oldest waiting tickets", len(looked))
	}
	if never > 0 {
		fmt.Fprintf(w, "\n%d%s can never match; --explain says why\n", never, of)
	}
	worst := ""
	for _, rule := range m.set.RuleNames() {
		if blocked[rule] > blocked[worst] {
			worst = rule
		}
	}
	if worst != "" {
		fmt.Fprintf(w, "\nrule %s stands in the way most, for %d%s; --explain says by how much\n", printable(worst), blocked[worst], of)
	}
}

// printExplanations writes why tickets wait.
func (m *matchPass) printExplanations(w io.Writer, f explainFlag, list []muster.Advice) {
	for _, a := range list {
		fmt.Fprintf(w, "\n%s\n", onOneLine(a.Lines[0]))
		for _, line := range a.Lines[1:] {
			fmt.Fprintf(w, "  %s\n", onOneLine(line))
		}
	}
	if left := len(m.waiting) - len(list); f.set && f.ticket == "" && left > 0 {
		fmt.Fprintf(w, "\nand %s more; --explain TICKET explains one\n", plural(left, "ticket"))
	}
}

// onOneLine keeps names from outside from steering a terminal.
func onOneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
