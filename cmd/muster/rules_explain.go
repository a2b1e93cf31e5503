package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"

	"muster"
	"muster/advisor"
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
			return nil, usageError{fmt.Sprintf("--explain: no ticket %q took part", f.ticket)}
		}
		return []muster.Advice{advisor.Of(x)}, nil
	}
	out := []muster.Advice{}
	for _, t := range m.waiting[:min(len(m.waiting), maxExplained)] {
		if x, known := m.pool.Explain(t.ID); known {
			out = append(out, advisor.Of(x))
		}
	}
	return out, nil
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
