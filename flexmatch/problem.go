package flexmatch

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// Problem is one thing wrong with a rule set, and what would be accepted instead.
type Problem struct {
	// Path is the JSON path of the value, for example "$.rules[2].maxDistance"; "$" is
	// the document.
	Path string
	// Line and Column are the place in the body where the value begins; both count
	// from 1, columns in characters.
	Line, Column int
	Message      string
}

// String is "line:column: path: message".
func (p Problem) String() string {
	return fmt.Sprintf("%d:%d: %s: %s", p.Line, p.Column, p.Path, p.Message)
}

// Problems is the error of ParseRuleSet: everything wrong with a rule set, in the
// order of the document, never empty.
type Problems []Problem

// Error lists all problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// reporter collects problems while a body is read. The zero reporter with a body is
// ready.
type reporter struct {
	body  []byte
	found []placedProblem
}

type placedProblem struct {
	offset  int
	path    string
	message string
}

// maxProblems bounds the report: a hostile body must not make a long answer.
const maxProblems = 200

// report adds a problem at a node. The same message at the same place counts once.
func (r *reporter) report(n *node, format string, args ...any) {
	r.reportAt(n.offset, n.path(), fmt.Sprintf(format, args...))
}

func (r *reporter) reportAt(offset int, path, message string) {
	if len(r.found) >= maxProblems {
		return
	}
	for _, p := range r.found {
		if p.offset == offset && p.message == message {
			return
		}
	}
	r.found = append(r.found, placedProblem{offset, path, message})
}

// problems returns what was reported in the order of the document; nil when nothing
// was.
func (r *reporter) problems() Problems {
	if len(r.found) == 0 {
		return nil
	}
	sort.SliceStable(r.found, func(i, j int) bool { return r.found[i].offset < r.found[j].offset })
	out := make(Problems, len(r.found))
	line, lineStart, at := 1, 0, 0
	for i, p := range r.found {
		for ; at < p.offset && at < len(r.body); at++ {
			if r.body[at] == '\n' {
				line, lineStart = line+1, at+1
			}
		}
		column := utf8.RuneCount(r.body[lineStart:min(p.offset, len(r.body))]) + 1
		out[i] = Problem{Path: p.path, Line: line, Column: column, Message: p.message}
	}
	return out
}
