package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// rulesCmd gathers what a designer does with rule sets, offline: nothing is started and
// nothing leaves the machine.
type rulesCmd struct {
	Check    rulesCheckCmd    `cmd:"" help:"Say everything that is wrong with rule sets, and where."`
	Match    rulesMatchCmd    `cmd:"" help:"Run a rule set once on a pool of tickets."`
	Scenario rulesScenarioCmd `cmd:"" help:"Play scenarios and say what does not hold."`
	Simulate rulesSimulateCmd `cmd:"" help:"Show waits and match quality on a simulated population."`
}

// maxRulesInput bounds a file that a rules command reads, in bytes.
const maxRulesInput = 256 << 20

// readInput reads a file whole, or the standard input for "-". Its error is one
// sentence that names the file.
func (p *process) readInput(name string) ([]byte, error) {
	from, shown := p.stdin, "the standard input"
	if name != "-" {
		shown = name
		file, err := os.Open(name)
		if err != nil {
			return nil, unreadable(shown, err)
		}
		defer func() { _ = file.Close() }() // it was only read
		from = file
	}
	if from == nil {
		return nil, unreadable(shown, errors.New("there is none"))
	}
	body, err := io.ReadAll(io.LimitReader(from, maxRulesInput+1))
	switch {
	case err != nil:
		return nil, unreadable(shown, err)
	case len(body) > maxRulesInput:
		return nil, unreadable(shown, fmt.Errorf("it has more than %d MiB", maxRulesInput>>20))
	}
	return body, nil
}

// unreadable is a file that a command was given and cannot use: exit code 2, as for
// every mistake on the command line.
func unreadable(name string, err error) error {
	return usageError{fmt.Sprintf("%s cannot be read: %v", name, underlying(err))}
}

// shownName is what a file is called in findings.
func shownName(name string) string {
	if name == "-" {
		return "<stdin>"
	}
	return name
}

// plural counts things: "1 rule", "2 rules".
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if strings.HasSuffix(thing, "ch") {
		thing += "e"
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// plainNumber writes a number without an exponent.
func plainNumber(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
