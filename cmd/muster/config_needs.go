package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// need is something outside the configuration that has to be there when the program starts:
// a secret, or a file that is too large to read with the others.
type need struct {
	at   string // path of its key
	line int
	look func(getenv func(string) string) error
}

// need notes what has to be there at the start.
func (k *checker) need(at string, look func(getenv func(string) string) error) {
	k.needs = append(k.needs, need{at: at, look: look})
}

// missing lists all that has to be there and is not, each with line and key. Whoever only
// reads a configuration need not ask.
func (c *config) missing(getenv func(string) string) error {
	needs := slices.SortedStableFunc(slices.Values(c.needs), func(a, b need) int { return cmp.Compare(a.line, b.line) })
	var problems []error
	for _, n := range needs {
		if err := n.look(getenv); err != nil {
			problems = append(problems, placedError{n.line, fmt.Sprintf("%s:%d: %s: %v", c.name, n.line, n.at, err)})
		}
	}
	return errors.Join(problems...)
}
