package simulate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Limits of a population file.
const (
	maxPopulationBytes = 1 << 20
	maxDepth           = 12
	maxProblems        = 50
)

// Problem is one thing that is wrong with a population, and the key it is wrong at, such
// as "attributes.skill.mean". Key is empty for the document as a whole.
type Problem struct {
	Key     string
	Message string
}

// Problems is the error of ParsePopulation: everything that is wrong, at most 50, in the
// order of the file where there is one.
type Problems []Problem

// Error lists the problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.Message
		if one.Key != "" {
			lines[i] = one.Key + ": " + one.Message
		}
	}
	return strings.Join(lines, "\n")
}

type nodeKind uint8

const (
	nullNode nodeKind = iota
	boolNode
	numberNode
	stringNode
	listNode
	objectNode
)

var nodeKindNames = [...]string{"null", "true or false", "a number", "a string", "a list", "an object"}

func (k nodeKind) String() string { return nodeKindNames[k] }

// node is one value of a JSON document and where it stands.
type node struct {
	path   string
	kind   nodeKind
	yes    bool
	number float64
	text   string
	keys   []string // of an object, without duplicates
	items  []*node  // of a list, or of an object in the order of keys
}

// get returns the value at a key of an object, nil without.
func (n *node) get(key string) *node {
	if i := slices.Index(n.keys, key); i >= 0 {
		return n.items[i]
	}
	return nil
}

// readDocument reads one JSON value that is all of the body. Keys must not repeat.
func readDocument(body []byte) (*node, error) {
	if len(body) > maxPopulationBytes {
		return nil, Problems{{Message: fmt.Sprintf("a population has at most %d bytes", maxPopulationBytes)}}
	}
	d := documentReader{json.NewDecoder(bytes.NewReader(body))}
	d.UseNumber()
	n, err := d.value("", 0)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("something follows after its end")
		}
	}
	var problems Problems
	switch {
	case err == nil:
		return n, nil
	case errors.As(err, &problems):
		return nil, problems
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	offset := min(int(d.InputOffset()), len(body))
	line := 1 + bytes.Count(body[:offset], []byte{'\n'})
	return nil, Problems{{Message: fmt.Sprintf("not JSON, near line %d: %v", line, err)}}
}

type documentReader struct{ *json.Decoder }

func (d documentReader) value(path string, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, Problems{{path, fmt.Sprintf("nested more than %d deep", maxDepth)}}
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	n := &node{path: path}
	switch t := token.(type) {
	case bool:
		n.kind, n.yes = boolNode, t
	case string:
		n.kind, n.text = stringNode, t
	case json.Number:
		n.kind = numberNode
		if n.number, err = strconv.ParseFloat(t.String(), 64); err != nil {
			return nil, Problems{{path, "a number beyond all bounds"}}
		}
	case json.Delim:
		if t == '{' {
			return n, d.object(n, depth)
		}
		return n, d.list(n, depth)
	}
	return n, nil
}

func (d documentReader) object(n *node, depth int) error {
	n.kind = objectNode
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string) // the decoder lets nothing else stand here
		path := join(n.path, key)
		if slices.Contains(n.keys, key) {
			return Problems{{path, "given twice"}}
		}
		item, err := d.value(path, depth+1)
		if err != nil {
			return err
		}
		n.keys, n.items = append(n.keys, key), append(n.items, item)
		if len(n.keys) > maxEntries {
			return Problems{{n.path, fmt.Sprintf("more than %d entries", maxEntries)}}
		}
	}
	_, err := d.Token()
	return err
}

func (d documentReader) list(n *node, depth int) error {
	n.kind = listNode
	for d.More() {
		item, err := d.value(fmt.Sprintf("%s[%d]", n.path, len(n.items)), depth+1)
		if err != nil {
			return err
		}
		if n.items = append(n.items, item); len(n.items) > maxEntries {
			return Problems{{n.path, fmt.Sprintf("more than %d entries", maxEntries)}}
		}
	}
	_, err := d.Token()
	return err
}

// join spells the path of a key; keys of our language need no quotes.
func join(path, key string) string {
	if len(key) > 60 {
		key = strings.ToValidUTF8(key[:60], "") + "..."
	}
	if key == "" || strings.ContainsAny(key, ". []\"\n\t") {
		key = strconv.Quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// checker reads nodes as what they should be and collects what they are not.
type checker struct{ problems Problems }

func (c *checker) report(n *node, format string, args ...any) {
	if len(c.problems) < maxProblems {
		c.problems = append(c.problems, Problem{n.path, fmt.Sprintf(format, args...)})
	}
}

// object checks that a node is an object with no other than the known keys.
func (c *checker) object(n *node, known ...string) bool {
	if n.kind != objectNode {
		c.report(n, "must be an object, not %v", n.kind)
		return false
	}
	for i, key := range n.keys {
		if !slices.Contains(known, key) {
			c.report(n.items[i], "unknown key; there are %s", strings.Join(known, ", "))
		}
	}
	return true
}

// span is a range of numbers that a key allows, bounds included.
type span struct{ low, high float64 }

var anyNumber = span{-1e12, 1e12}

func (s span) String() string {
	if s.high >= 1e12 {
		return fmt.Sprintf("%v or more", s.low)
	}
	return fmt.Sprintf("from %v to %v", s.low, s.high)
}

// number reads a key of an object; absent gives the fallback. NaN as fallback makes the
// key required.
func (c *checker) number(n *node, key string, allowed span, fallback float64) float64 {
	item := n.get(key)
	if item == nil {
		if math.IsNaN(fallback) {
			c.problems = append(c.problems, Problem{join(n.path, key), "is required: a number"})
		}
		return fallback
	}
	return c.amount(item, allowed)
}

var required = math.NaN()

func (c *checker) amount(n *node, allowed span) float64 {
	switch {
	case n.kind != numberNode:
		c.report(n, "must be a number, not %v", n.kind)
		return allowed.low
	case n.number < allowed.low || n.number > allowed.high:
		c.report(n, "must be %v, not %v", allowed, n.number)
		return allowed.low
	}
	return n.number
}

// whole is number for integers.
func (c *checker) whole(n *node, key string, allowed span, fallback int) int {
	f := c.number(n, key, allowed, float64(fallback))
	if f != math.Trunc(f) {
		c.report(n.get(key), "must be a whole number, not %v", f)
	}
	return int(f)
}

func (c *checker) text(n *node, key string) string {
	item := n.get(key)
	if item == nil {
		return ""
	}
	if item.kind != stringNode {
		c.report(item, "must be a string, not %v", item.kind)
	}
	return item.text
}

func (c *checker) flag(n *node, key string) bool {
	item := n.get(key)
	if item == nil {
		return false
	}
	if item.kind != boolNode {
		c.report(item, "must be true or false, not %v", item.kind)
	}
	return item.yes
}

// err is the problems as an error, nil without any.
func (c *checker) err() error {
	if len(c.problems) == 0 {
		return nil
	}
	return c.problems
}
