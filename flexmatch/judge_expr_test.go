package flexmatch_test

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"muster/flexmatch"
)

// tree is a property expression taken apart.
type tree struct {
	text     string
	function string // of arg
	arg      *tree
	literal  any // num or string
	teams    []int
	nested   bool // a list per team
	member   string
	key      string // of a map attribute
	strings  bool   // yields strings
	depth    int    // levels of lists
	plain    bool   // nothing but values of a string attribute
}

// num is a number. It is sure when every way to compute it gives the same bits.
type num struct {
	n    float64
	sure bool
}

var (
	callPattern = regexp.MustCompile(`^(min|max|avg|median|sum|count|stddev|flatten|set_intersection)\s*\((.*)\)$`)
	teamPattern = regexp.MustCompile(`^teams?\s*\[([^\]]*)\]\s*(?:(\.\s*players)\s*(?:\[\s*(?i:(playerid))\s*\]|\.\s*attributes\s*\[([^\]]*)\]\s*(?:\[([^\]]*)\])?)?)?$`)
	allPattern  = regexp.MustCompile(`^(players)\s*(?:\[\s*(?i:(playerid))\s*\]|\.\s*attributes\s*\[([^\]]*)\]\s*(?:\[([^\]]*)\])?)?$`)
)

// parse takes an expression apart; nil if it is none.
func (j *judge) parse(text string) *tree {
	if t := j.trees[text]; t != nil {
		return t
	}
	t := j.takeApart(strings.TrimSpace(text))
	if t != nil {
		t.text = text
		j.trees[text] = t
	}
	return t
}

func (j *judge) takeApart(text string) *tree {
	if m := callPattern.FindStringSubmatch(text); m != nil {
		return call(m[1], j.parse(m[2]))
	}
	if m := teamPattern.FindStringSubmatch(text); m != nil {
		out := &tree{}
		if names := strings.TrimSpace(m[1]); names == "*" {
			out.nested = true
			for i := range j.teams {
				out.teams = append(out.teams, i)
			}
		} else {
			for _, name := range strings.Split(names, ",") {
				instances := j.selected(strings.TrimSpace(name))
				out.nested = out.nested || len(instances) > 1
				out.teams = append(out.teams, instances...)
			}
			out.nested = out.nested || strings.Contains(names, ",")
			slices.Sort(out.teams)
			out.teams = slices.Compact(out.teams)
		}
		if out.nested {
			out.depth = 1
		}
		if m[2] == "" {
			out.member = "team"
			return out
		}
		out.depth++
		return j.ofPlayers(out, m[3], m[4], m[5])
	}
	if m := allPattern.FindStringSubmatch(text); m != nil {
		out := &tree{depth: 1}
		for i := range j.teams {
			out.teams = append(out.teams, i)
		}
		return j.ofPlayers(out, m[2], m[3], m[4])
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return &tree{literal: num{f, true}}
	}
	if n := len(text); n > 1 && text[0] == text[n-1] && (text[0] == '"' || text[0] == '\'') {
		return &tree{literal: text[1 : n-1], strings: true}
	}
	return nil
}

// ofPlayers finishes a path: the players themselves, their ids or an attribute.
func (j *judge) ofPlayers(out *tree, id, attribute, key string) *tree {
	switch {
	case id != "":
		out.member, out.strings = "playerId", true
		return out
	case attribute == "":
		out.member = "player"
		return out
	}
	out.member, out.key = "."+strings.TrimSpace(attribute), strings.TrimSpace(key)
	for _, a := range j.doc.Attributes {
		if "."+a.Name != out.member {
			continue
		}
		out.strings = a.Type == "string" || a.Type == "string_list"
		out.plain = a.Type == "string"
		if a.Type == "string_list" {
			out.depth++
		}
		return out
	}
	return nil
}

// call applies a function to an expression.
func call(function string, arg *tree) *tree {
	if arg == nil {
		return nil
	}
	out := &tree{function: function, arg: arg, depth: arg.depth - 1, strings: arg.strings}
	switch function {
	case "flatten":
		out.plain = arg.plain
		out.depth = max(out.depth, 1)
	case "count":
		out.strings = false
	}
	return out
}

// evaluate yields a num, a string, a list []any, nil for no value, or an opaque
// struct{}{} for a player or team.
func (t *tree) evaluate(a assignment) any {
	switch {
	case t.literal != nil:
		return t.literal
	case t.function == "flatten":
		list := t.arg.evaluate(a).([]any)
		if t.arg.depth < 2 {
			return list
		}
		out := []any{}
		for _, sub := range list {
			out = append(out, sub.([]any)...)
		}
		return out
	case t.function == "set_intersection":
		return inner(t.arg.evaluate(a), t.arg.depth-2, intersection)
	case t.function != "":
		return inner(t.arg.evaluate(a), t.arg.depth-1, func(list []any) any { return reduce(t.function, list) })
	}
	if !t.nested {
		if t.member == "team" {
			return struct{}{}
		}
		var all []*person
		for _, i := range t.teams {
			all = append(all, a.teams[i]...)
		}
		return t.values(all)
	}
	out := []any{}
	for _, i := range t.teams {
		if t.member == "team" {
			out = append(out, struct{}{})
		} else {
			out = append(out, t.values(a.teams[i]))
		}
	}
	return out
}

// values lists what the path says of each player. A player whose map lacks the key is
// left out.
func (t *tree) values(people []*person) []any {
	out := []any{}
	for _, p := range people {
		if t.member == "player" {
			out = append(out, struct{}{})
			continue
		}
		if t.member == "playerId" {
			out = append(out, p.id)
			continue
		}
		switch v := p.attributes[t.member[1:]]; v.Kind {
		case flexmatch.StringAttribute:
			out = append(out, v.String)
		case flexmatch.NumberAttribute:
			out = append(out, num{v.Number, true})
		case flexmatch.StringListAttribute:
			list := []any{}
			for _, s := range v.Strings {
				list = append(list, s)
			}
			out = append(out, list)
		case flexmatch.StringNumberMapAttribute:
			if n, ok := v.Numbers[t.key]; ok {
				out = append(out, num{n, true})
			}
		}
	}
	return out
}

// inner applies f to the lists that lie so many levels deep.
func inner(v any, levels int, f func([]any) any) any {
	if levels <= 0 {
		return f(v.([]any))
	}
	out := []any{}
	for _, sub := range v.([]any) {
		out = append(out, inner(sub, levels-1, f))
	}
	return out
}

// intersection lists the strings that are in every list.
func intersection(lists []any) any {
	out := []any{}
	for i, list := range lists {
		if i == 0 {
			for _, s := range list.([]any) {
				if !slices.Contains(out, s) {
					out = append(out, s)
				}
			}
			continue
		}
		out = slices.DeleteFunc(out, func(s any) bool { return !slices.Contains(list.([]any), s) })
	}
	return out
}

// reduce makes a number of a list; nil where there is none.
func reduce(function string, list []any) any {
	if function == "count" {
		return num{float64(len(list)), true}
	}
	var values []float64
	whole, sure := true, true
	for _, v := range list {
		if n, ok := v.(num); ok {
			values = append(values, n.n)
			sure = sure && n.sure
			whole = whole && n.sure && n.n == math.Trunc(n.n) && math.Abs(n.n) < 1<<40
		}
	}
	n := float64(len(values))
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	switch {
	case function == "sum":
		return num{sum, whole}
	case n == 0:
		return nil
	}
	slices.Sort(values)
	switch function {
	case "min":
		return num{values[0], sure}
	case "max":
		return num{values[len(values)-1], sure}
	case "avg":
		return num{sum / n, whole || n == 1 && sure}
	case "median":
		mid := len(values) / 2
		if len(values)%2 == 1 {
			return num{values[mid], sure}
		}
		return num{(values[mid-1] + values[mid]) / 2, whole}
	case "stddev":
		squares := 0.0
		for _, v := range values {
			squares += (v - sum/n) * (v - sum/n)
		}
		return num{math.Sqrt(squares / n), false}
	}
	panic(fmt.Sprintf("the judge knows no function %q", function))
}

// flat lists the single values in v, none left out: nil stands for one without value.
func flat(v any) []any {
	list, ok := v.([]any)
	if !ok {
		return []any{v}
	}
	out := []any{}
	for _, sub := range list {
		out = append(out, flat(sub)...)
	}
	return out
}

// present leaves out what has no value.
func present(list []any) []any {
	return slices.DeleteFunc(slices.Clone(list), func(v any) bool { return v == nil })
}
