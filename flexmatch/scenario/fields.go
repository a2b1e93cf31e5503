package scenario

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"muster/flexmatch"
)

// Problem is one thing wrong with a file, and what would be accepted instead.
type Problem struct {
	// Line counts from 1; 0: Path says enough.
	Line int
	// Path is the field, for example "players[0].attributes.skill"; "" is the whole
	// object.
	Path    string
	Message string
}

// String is "line 3: players[0].playerId: message".
func (p Problem) String() string {
	var parts []string
	if p.Line > 0 {
		parts = append(parts, fmt.Sprintf("line %d", p.Line))
	}
	if p.Path != "" {
		parts = append(parts, p.Path)
	}
	return strings.Join(append(parts, p.Message), ": ")
}

// Problems is everything that is wrong with a file, in its order, never empty.
type Problems []Problem

// Error lists all problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// maxProblems bounds a report: a hostile file must not make a long answer.
const maxProblems = 100

// reader collects what is wrong while decoded JSON is read. The zero reader is ready
// and strict.
type reader struct {
	line     int  // of the problems to come
	lenient  bool // an unknown field is a warning
	problems Problems
	warnings []string
}

func (r *reader) problem(path, format string, args ...any) {
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, Problem{Line: r.line, Path: path, Message: fmt.Sprintf(format, args...)})
	}
}

func (r *reader) warn(path, format string, args ...any) {
	if len(r.warnings) < maxProblems {
		r.warnings = append(r.warnings, Problem{Line: r.line, Path: path, Message: fmt.Sprintf(format, args...)}.String())
	}
}

// decode reads one JSON value. The error says where and what in one line.
func decode(body []byte) (any, error) {
	var v any
	err := json.Unmarshal(body, &v)
	var syntax *json.SyntaxError
	var number *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		// Offset counts the bytes read, the offending one included.
		before := body[:min(max(int(syntax.Offset)-1, 0), len(body))]
		line := 1 + strings.Count(string(before), "\n")
		column := 1 + utf8.RuneCount(before[strings.LastIndexByte(string(before), '\n')+1:])
		return nil, fmt.Errorf("not JSON: %w, at %d:%d", err, line, column)
	case errors.As(err, &number):
		return nil, fmt.Errorf("%s is beyond what a number can hold", number.Value)
	case err != nil:
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	return v, nil
}

// repeatedNames lists the names that stand twice in one object of a valid JSON text,
// each once, as they are written. Of such members only the last is read.
func repeatedNames(body []byte) []string {
	var out []string
	var open [][]string // names by nesting; nil is a list
	name := false       // a string here is a name
	for i := 0; i < len(body); i++ {
		switch c := body[i]; c {
		case '{':
			open, name = append(open, make([]string, 0, 8)), true
		case '[':
			open, name = append(open, nil), false
		case '}', ']':
			open, name = open[:len(open)-1], false
		case ',':
			name = len(open) > 0 && open[len(open)-1] != nil
		case '"':
			start := i
			for i++; body[i] != '"'; i++ {
				if body[i] == '\\' {
					i++
				}
			}
			if !name {
				continue
			}
			name = false
			key, names := string(body[start+1:i]), &open[len(open)-1]
			if !slices.Contains(*names, key) {
				*names = append(*names, key)
			} else if !slices.Contains(out, key) {
				out = append(out, key)
			}
		}
	}
	return out
}

// fields are the members of one JSON object.
type fields struct {
	r      *reader
	path   string
	values map[string]any
}

// object takes a value that must be an object with known members. Names in other case
// and PascalCase, as the API writes them, count as known. A member that is null is
// absent.
func (r *reader) object(path string, v any, known ...string) (fields, bool) {
	m, ok := v.(map[string]any)
	if !ok {
		r.problem(path, "must be an object with %s, not %s", strings.Join(known, ", "), kindOf(v))
		return fields{r, path, nil}, false
	}
	out := fields{r, path, make(map[string]any, len(m))}
	for name, value := range m {
		if value != nil && slices.Contains(known, name) {
			out.values[name] = value
		}
	}
	var unknown []string
	for _, name := range sortedKeys(m) {
		if slices.Contains(known, name) || m[name] == nil {
			continue
		}
		i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, name) })
		switch {
		case i < 0:
			unknown = append(unknown, name)
		case out.values[known[i]] == nil:
			out.values[known[i]] = m[name]
		default:
			r.odd(path, "%s is %s in other letters, which stands here too", shorten(name), known[i])
		}
	}
	for _, name := range unknown {
		hint := flexmatch.DidYouMean(name, known)
		if r.lenient {
			r.warn(path, "%s is not a field that is read (those are %s)%s", shorten(name), strings.Join(known, ", "), hint)
		} else {
			r.problem(path, "unknown field %s; there are %s%s", shorten(name), strings.Join(known, ", "), hint)
		}
	}
	return out, true
}

// odd is a problem to a strict reader and a warning to a lenient one.
func (r *reader) odd(path, format string, args ...any) {
	if r.lenient {
		r.warn(path, format, args...)
	} else {
		r.problem(path, format, args...)
	}
}

// at is the path of a member.
func (f fields) at(name string) string {
	if f.path == "" {
		return name
	}
	return f.path + "." + name
}

func (f fields) has(name string) bool { return f.values[name] != nil }

// text is a string member; "" when absent.
func (f fields) text(name string) string {
	switch v := f.values[name].(type) {
	case nil:
	case string:
		return v
	default:
		f.r.problem(f.at(name), "must be text, not %s", kindOf(v))
	}
	return ""
}

// id is a member that names something: text of 1 to limit characters.
func (f fields) id(name string, limit int) string {
	if !f.has(name) {
		f.r.problem(f.at(name), "is missing: text of 1 to %d characters", limit)
		return ""
	}
	id := f.text(name)
	if _, isText := f.values[name].(string); isText && (id == "" || utf8.RuneCountInString(id) > limit) {
		f.r.problem(f.at(name), "must have 1 to %d characters", limit)
	}
	return id
}

// truth is a boolean member; false when absent.
func (f fields) truth(name string) bool {
	switch v := f.values[name].(type) {
	case nil:
	case bool:
		return v
	default:
		f.r.problem(f.at(name), "must be true or false, not %s", kindOf(v))
	}
	return false
}

// number is a numeric member of at least low and at most high; 0 when absent.
func (f fields) number(name string, low, high float64) float64 {
	v, ok := f.values[name]
	if !ok {
		return 0
	}
	return f.r.number(f.at(name), v, low, high)
}

func (r *reader) number(path string, v any, low, high float64) float64 {
	n, ok := v.(float64)
	switch {
	case !ok:
		r.problem(path, "must be a number, not %s", kindOf(v))
	case n < low || n > high:
		r.problem(path, "must be %.0f to %.0f, not %v", low, high, n)
	default:
		return n
	}
	return 0
}

// count is a whole number of at least low.
func (f fields) count(name string, low int) int {
	v, ok := f.values[name]
	if !ok {
		return 0
	}
	return f.r.count(f.at(name), v, low)
}

func (r *reader) count(path string, v any, low int) int {
	n, ok := v.(float64)
	if !ok || n != math.Trunc(n) || n < float64(low) || n > math.MaxInt32 {
		r.problem(path, "must be a whole number of %d or more, not %s", low, spell(v))
		return low
	}
	return int(n)
}

// list is a member that is a list; nil when absent. A single value counts as a list of
// one in a lenient reader.
func (f fields) list(name string) []any {
	switch v := f.values[name].(type) {
	case nil:
	case []any:
		return v
	default:
		if f.r.lenient {
			return []any{v}
		}
		f.r.problem(f.at(name), "must be a list, not %s", kindOf(v))
	}
	return nil
}

// texts is a member that is a list of strings; nil when absent, else not nil.
func (f fields) texts(name string) []string {
	if !f.has(name) {
		return nil
	}
	return f.r.texts(f.at(name), f.list(name))
}

func (r *reader) texts(path string, list []any) []string {
	out := make([]string, 0, len(list))
	for i, v := range list {
		s, ok := v.(string)
		if !ok {
			r.problem(fmt.Sprintf("%s[%d]", path, i), "must be text, not %s", kindOf(v))
			continue
		}
		out = append(out, s)
	}
	return out
}

// each calls do with the members of an object member in the order of their names.
func (f fields) each(name string, do func(path, key string, v any)) {
	v, ok := f.values[name]
	if !ok {
		return
	}
	m, isObject := v.(map[string]any)
	if !isObject {
		f.r.problem(f.at(name), "must be an object, not %s", kindOf(v))
		return
	}
	for _, key := range sortedKeys(m) {
		do(f.at(name)+"."+shorten(key), key, m[key])
	}
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for key := range m {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}

// kindOf names the kind of a decoded JSON value.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case float64:
		return "a number"
	case string:
		return "text"
	case []any:
		return "a list"
	}
	return "an object"
}

// spell shows a small value, or else its kind.
func spell(v any) string {
	switch v := v.(type) {
	case float64:
		return fmt.Sprint(v)
	case string:
		return fmt.Sprintf("the text %q", shorten(v))
	}
	return kindOf(v)
}

// shorten keeps names from outside short and printable in messages.
func shorten(s string) string {
	const most = 80
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "..."
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }) {
		return fmt.Sprintf("%q", s)
	}
	return s
}
