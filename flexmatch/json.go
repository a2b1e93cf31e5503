package flexmatch

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

type nodeKind uint8

const (
	nullNode nodeKind = iota
	boolNode
	numberNode
	stringNode
	arrayNode
	objectNode
)

var nodeKindNames = [...]string{"null", "a boolean", "a number", "a string", "a list", "an object"}

func (k nodeKind) String() string { return nodeKindNames[k] }

// node is one JSON value that remembers where it stood.
type node struct {
	kind   nodeKind
	offset int    // of its first byte in the body
	parent *node  // nil at the document's root
	key    string // its name, when the parent is an object
	index  int    // its position, when the parent is an array
	text   string // a string's value; the characters of a number
	number float64
	items  []*node // of an array, or the member values of an object, in document order
}

// get returns the member of an object, or nil. Of duplicate keys the last counts, and
// a member that is null counts as absent: that is what common JSON readers do, and
// tools that write rule sets do write nulls; Amazon's guide says nothing about either.
func (n *node) get(key string) *node {
	if n.kind != objectNode {
		return nil
	}
	for i := len(n.items) - 1; i >= 0; i-- {
		if n.items[i].key == key {
			if n.items[i].kind == nullNode {
				return nil
			}
			return n.items[i]
		}
	}
	return nil
}

// path is the JSON path of the node.
func (n *node) path() string {
	var steps []string
	for ; n.parent != nil; n = n.parent {
		switch {
		case n.parent.kind == arrayNode:
			steps = append(steps, "["+strconv.Itoa(n.index)+"]")
		case isPlainKey(n.key):
			steps = append(steps, "."+n.key)
		default:
			steps = append(steps, "["+strconv.Quote(n.key)+"]")
		}
	}
	var b strings.Builder
	b.WriteByte('$')
	for i := len(steps) - 1; i >= 0; i-- {
		b.WriteString(steps[i])
	}
	return b.String()
}

func isPlainKey(key string) bool {
	for _, c := range []byte(key) {
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return key != ""
}

// asNumber reads a number, also one in quotes: Amazon's own examples write
// "maxDistance": "500".
func (n *node) asNumber() (float64, bool) {
	switch n.kind {
	case numberNode:
		return n.number, true
	case stringNode:
		return parseNumber(strings.TrimSpace(n.text))
	}
	return 0, false
}

// parseNumber accepts exactly the numbers of JSON that fit a float64.
func parseNumber(s string) (float64, bool) {
	if s == "" || (s[0] != '-' && (s[0] < '0' || s[0] > '9')) || !json.Valid([]byte(s)) {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsInf(f, 0)
}

// maxJSONDepth bounds the nesting of a body. Rule sets need six levels.
const maxJSONDepth = 32

// jsonReader reads a body into nodes.
type jsonReader struct {
	body     []byte
	at       int
	comments bool // accept "//" comments
	// comment is where the first comment stands, -1 without any.
	comment int
}

// byteOrderMark begins files that some editors write. It is no part of JSON.
const byteOrderMark = "\uFEFF"

// syntaxError is why a body is not JSON.
type syntaxError struct {
	offset  int
	message string
}

func (e *syntaxError) Error() string { return e.message }

func (r *jsonReader) fail(offset int, format string, args ...any) *syntaxError {
	return &syntaxError{offset, fmt.Sprintf(format, args...)}
}

// read reads the whole body as one value.
func (r *jsonReader) read() (*node, *syntaxError) {
	r.comment = -1
	if strings.HasPrefix(string(r.body[:min(len(byteOrderMark), len(r.body))]), byteOrderMark) {
		return nil, r.fail(0, "the document begins with a byte order mark; save it as UTF-8 without one")
	}
	root, err := r.value(nil, 0)
	if err != nil {
		return nil, err
	}
	if err := r.space(); err != nil {
		return nil, err
	}
	if r.at < len(r.body) {
		return nil, r.fail(r.at, "the document ended before this; remove %s", r.here())
	}
	return root, nil
}

// space skips blanks and, where accepted, comments.
func (r *jsonReader) space() *syntaxError {
	for r.at < len(r.body) {
		switch r.body[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		case '/':
			if !strings.HasPrefix(string(r.body[r.at:min(r.at+2, len(r.body))]), "//") {
				return r.fail(r.at, "a comment begins with two slashes")
			}
			if !r.comments {
				return r.fail(r.at, "comments are not accepted here")
			}
			if r.comment < 0 {
				r.comment = r.at
			}
			for r.at < len(r.body) && r.body[r.at] != '\n' {
				r.at++
			}
		default:
			return nil
		}
	}
	return nil
}

// here names what stands at the reading position.
func (r *jsonReader) here() string {
	if r.at >= len(r.body) {
		return "the end of the document"
	}
	c, _ := utf8.DecodeRune(r.body[r.at:])
	return strconv.QuoteRune(c)
}

func (r *jsonReader) peek() byte {
	if r.at < len(r.body) {
		return r.body[r.at]
	}
	return 0
}

func (r *jsonReader) value(parent *node, depth int) (*node, *syntaxError) {
	if err := r.space(); err != nil {
		return nil, err
	}
	if depth > maxJSONDepth {
		return nil, r.fail(r.at, "nested more than %d levels deep", maxJSONDepth)
	}
	n := &node{offset: r.at, parent: parent}
	switch c := r.peek(); {
	case c == '{':
		n.kind = objectNode
		return n, r.object(n, depth)
	case c == '[':
		n.kind = arrayNode
		return n, r.array(n, depth)
	case c == '"':
		n.kind = stringNode
		text, err := r.str()
		n.text = text
		return n, err
	case c == '-' || c >= '0' && c <= '9':
		n.kind = numberNode
		return n, r.num(n)
	}
	for _, word := range []struct {
		text string
		kind nodeKind
	}{{"true", boolNode}, {"false", boolNode}, {"null", nullNode}} {
		if strings.HasPrefix(string(r.body[r.at:min(r.at+5, len(r.body))]), word.text) {
			r.at += len(word.text)
			n.kind, n.text = word.kind, word.text
			return n, nil
		}
	}
	return nil, r.fail(r.at, "expected a value, found %s", r.here())
}

func (r *jsonReader) object(n *node, depth int) *syntaxError {
	r.at++ // {
	for first := true; ; first = false {
		if err := r.space(); err != nil {
			return err
		}
		if first && r.peek() == '}' {
			r.at++
			return nil
		}
		if r.peek() != '"' {
			return r.fail(r.at, "expected a name in double quotes, found %s", r.here())
		}
		key, err := r.str()
		if err != nil {
			return err
		}
		if err := r.space(); err != nil {
			return err
		}
		if r.peek() != ':' {
			return r.fail(r.at, "expected ':' after the name %q, found %s", key, r.here())
		}
		r.at++
		item, err := r.value(n, depth+1)
		if err != nil {
			return err
		}
		item.key = key
		n.items = append(n.items, item)
		done, err := r.closing('}')
		if done || err != nil {
			return err
		}
	}
}

func (r *jsonReader) array(n *node, depth int) *syntaxError {
	r.at++ // [
	if err := r.space(); err != nil {
		return err
	}
	if r.peek() == ']' {
		r.at++
		return nil
	}
	for {
		item, err := r.value(n, depth+1)
		if err != nil {
			return err
		}
		item.index = len(n.items)
		n.items = append(n.items, item)
		done, err := r.closing(']')
		if done || err != nil {
			return err
		}
	}
}

// closing reads the ',' or the end that follows an item. A comma before the end is an
// error, as in JSON itself.
func (r *jsonReader) closing(end byte) (done bool, err *syntaxError) {
	if err := r.space(); err != nil {
		return false, err
	}
	switch r.peek() {
	case end:
		r.at++
		return true, nil
	case ',':
		comma := r.at
		r.at++
		if err := r.space(); err != nil {
			return false, err
		}
		if r.peek() == end {
			return false, r.fail(comma, "a comma stands before the closing %q; remove it", rune(end))
		}
		return false, nil
	}
	return false, r.fail(r.at, "expected ',' or %q, found %s", rune(end), r.here())
}

func (r *jsonReader) str() (string, *syntaxError) {
	start := r.at
	for r.at++; r.at < len(r.body); r.at++ {
		switch r.body[r.at] {
		case '\\':
			r.at++
		case '"':
			r.at++
			var s string
			if err := json.Unmarshal(r.body[start:r.at], &s); err != nil {
				return "", r.fail(start, "this string holds a control character or an unknown escape")
			}
			return s, nil
		case '\n':
			return "", r.fail(start, "this string is not closed on its line")
		}
	}
	return "", r.fail(start, "this string is not closed")
}

func (r *jsonReader) num(n *node) *syntaxError {
	for r.at < len(r.body) && strings.IndexByte("+-.0123456789eE", r.body[r.at]) >= 0 {
		r.at++
	}
	n.text = string(r.body[n.offset:r.at])
	var ok bool
	if n.number, ok = parseNumber(n.text); !ok {
		return r.fail(n.offset, "%s is not a number that can be represented", clip(n.text))
	}
	return nil
}

// clip shortens text that is quoted in a message.
func clip(s string) string {
	const limit = 60
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit]) + "..."
}
