package wire

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// violation is one broken constraint of an input.
type violation struct {
	value any    // nil: the member is absent
	path  string // "players.1.member.playerId"
	must  string // "Member must not be null"
	quiet bool   // the value is not to be repeated
}

// String words the violation as Amazon's services do.
func (v violation) String() string {
	var value string
	switch {
	case v.quiet:
	case v.value == nil:
		value = " null"
	default:
		value = " '" + printValue(v.value) + "'"
	}
	return fmt.Sprintf("Value%s at '%s' failed to satisfy constraint: %s", value, v.path, v.must)
}

// check finds every broken constraint of an input that decodes without error, in the
// order of the SDK's members.
func check(s *shape, tree map[string]any) []violation {
	var c checker
	c.structure(s, tree, "")
	return c.broken
}

type checker struct {
	broken []violation
}

func (c *checker) add(l *limits, v any, path, must string) {
	c.broken = append(c.broken, violation{v, path, must, l.sensitive && v != nil})
}

func (c *checker) structure(s *shape, members map[string]any, path string) {
	for _, f := range s.fields {
		v, at := members[f.name], memberPath(path, f.name)
		switch {
		case v != nil:
			c.value(f.shape, v, at)
		case f.required:
			c.add(&f.shape.limits, nil, at, mustNotBeNull)
		}
	}
}

// value checks one value that is not nil and all below it.
func (c *checker) value(s *shape, v any, path string) {
	for _, must := range brokenBy(s, v) {
		c.add(&s.limits, v, path, must)
	}
	switch v := v.(type) {
	case map[string]any:
		if s.kind == kindStructure {
			c.structure(s, v, path)
			return
		}
		c.entries(s, v, path)
	case []any:
		c.elements(s, v, path)
	}
}

// elements checks a list. Broken scalars are reported on the list as a whole, once, with
// all that an element must fulfil, and structures by their own members.
func (c *checker) elements(s *shape, list []any, path string) {
	reported := false
	for i, e := range list {
		switch {
		case e != nil && isCollection(s.of):
			c.value(s.of, e, elementPath(path, i))
		case !reported && (e == nil || len(brokenBy(s.of, e)) > 0):
			reported = true
			c.add(quiet(s), list, path, "Member must satisfy constraint: "+listRules(s.of))
		}
	}
}

func (c *checker) entries(s *shape, m map[string]any, path string) {
	badKey, badValue := false, false
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if !badKey && len(brokenBy(s.key, k)) > 0 {
			badKey = true
			c.add(quiet(s), m, path, "Map keys must satisfy constraint: "+listRules(s.key))
		}
		switch e := m[k]; {
		case e != nil && isCollection(s.of):
			c.value(s.of, e, entryPath(path, k))
		case !badValue && (e == nil || len(brokenBy(s.of, e)) > 0):
			badValue = true
			c.add(quiet(s), m, path, "Map value must satisfy constraint: "+listRules(s.of))
		}
	}
}

// quiet hides a collection if it or its parts are sensitive.
func quiet(s *shape) *limits {
	return &limits{sensitive: s.limits.sensitive || s.of.limits.sensitive || s.key != nil && s.key.limits.sensitive}
}

func isCollection(s *shape) bool {
	return s.kind == kindStructure || s.kind == kindList || s.kind == kindMap
}

const mustNotBeNull = "Member must not be null"

// brokenBy returns the constraints of s itself, not of its parts, that v breaks.
func brokenBy(s *shape, v any) []string {
	var broken []string
	for _, r := range s.rules {
		if !r.holds(v) {
			broken = append(broken, r.must)
		}
	}
	return broken
}

// listRules words everything that a part of a collection must fulfil.
func listRules(s *shape) string {
	texts := []string{}
	for _, r := range s.rules {
		texts = append(texts, r.must)
	}
	return "[" + strings.Join(append(texts, mustNotBeNull), ", ") + "]"
}

// rule is one constraint. holds is asked about values of the shape's own kind only.
type rule struct {
	must  string // "Member must have length less than or equal to 128"
	holds func(v any) bool
}

// rules words the constraints of a shape in the order that Amazon's services list them.
func rules(s *shape) []rule {
	var out []rule
	l, noun := s.limits, "length"
	if s.kind == kindInteger || s.kind == kindFloat {
		noun = "value"
	}
	if l.max != nil {
		out = append(out, rule{
			fmt.Sprintf("Member must have %s less than or equal to %s", noun, formatNumber(*l.max)),
			func(v any) bool { return measure(v) <= *l.max },
		})
	}
	if l.min != nil {
		out = append(out, rule{
			fmt.Sprintf("Member must have %s greater than or equal to %s", noun, formatNumber(*l.min)),
			func(v any) bool { return measure(v) >= *l.min },
		})
	}
	if l.matcher != nil {
		out = append(out, rule{
			"Member must satisfy regular expression pattern: " + l.pattern,
			func(v any) bool { text, ok := v.(string); return !ok || l.matcher.MatchString(text) },
		})
	}
	if s.kind == kindEnum {
		out = append(out, rule{
			"Member must satisfy enum value set: [" + strings.Join(s.values, ", ") + "]",
			func(v any) bool { text, _ := v.(string); return slices.Contains(s.values, text) },
		})
	}
	return out
}

func formatNumber(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// measure is what minimum and maximum compare: the value of a number, the characters of
// a text, the bytes of a blob, the entries of a collection.
func measure(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	case string:
		return float64(utf8.RuneCountInString(v))
	case []byte:
		return float64(len(v))
	case []any:
		return float64(len(v))
	case map[string]any:
		return float64(len(v))
	}
	return 0
}

// longestPrinted bounds, in bytes, how much of a value an error repeats.
const longestPrinted = 256

// printValue prints a value roughly as Java prints it: [a, b] and {k=v}.
func printValue(v any) string {
	s := appendValue(nil, v)
	if len(s) <= longestPrinted {
		return string(s)
	}
	return strings.ToValidUTF8(string(s[:longestPrinted]), "") + "..."
}

// appendValue stops soon after the text is long enough.
func appendValue(b []byte, v any) []byte {
	if len(b) > longestPrinted {
		return b
	}
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return strconv.AppendFloat(b, v, 'g', -1, 64)
	case string:
		return append(b, v[:min(len(v), longestPrinted+1)]...)
	case []byte:
		return fmt.Appendf(b, "%d bytes", len(v))
	case instant:
		return time.Time(v).AppendFormat(b, time.RFC3339)
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ", "...)
			}
			if b = appendValue(b, e); len(b) > longestPrinted {
				return b
			}
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for i, k := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(append(b, k[:min(len(k), longestPrinted)]...), '=')
			if b = appendValue(b, v[k]); len(b) > longestPrinted {
				return b
			}
		}
		return append(b, '}')
	}
	return b
}
