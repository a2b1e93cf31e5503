package simulate

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"muster/flexmatch"
)

// Rules is a rule set to simulate. Make it with ParseRules.
type Rules struct {
	Name string // how reports call it
	Body string // as it was read
	Set  *flexmatch.RuleSet

	waits   []time.Duration // at which some expansion takes a step, ascending
	hints   map[attributeKey]hint
	largest int // players of the largest team, over all expansions
}

// attributeKey is an attribute as rule sets declare it.
type attributeKey struct {
	name string
	kind flexmatch.AttributeKind
}

// hint is what rule sets let guess about an attribute's values. How far apart players
// may be is none: the players would follow the rule that is tried on them.
type hint struct {
	words     []string        // that rules compare it with
	numbers   []float64       // that comparison rules compare it with
	distinct  bool            // rules want it different across players
	equal     bool            // rules want it the same across players
	byDefault flexmatch.Value // of the declaration
}

// join adds what another rule set lets guess. The first default that says something
// stays.
func (h hint) join(other hint) hint {
	for _, word := range other.words {
		if !slices.Contains(h.words, word) {
			h.words = append(slices.Clip(h.words), word)
		}
	}
	for _, n := range other.numbers {
		if !slices.Contains(h.numbers, n) {
			h.numbers = append(slices.Clip(h.numbers), n)
		}
	}
	h.distinct, h.equal = h.distinct || other.distinct, h.equal || other.equal
	if h.byDefault.Number == 0 && h.byDefault.String == "" && other.byDefault.Kind != flexmatch.NoAttribute {
		h.byDefault = other.byDefault
	}
	return h
}

// pooled lets rule sets that are compared guess the same about an attribute, so that
// they get the same players: what any of them lets guess.
func pooled(rules []Rules) []Rules {
	all := map[attributeKey]hint{}
	for _, r := range rules {
		for key, h := range r.hints {
			if before, known := all[key]; known {
				h = before.join(h)
			}
			all[key] = h
		}
	}
	out := slices.Clone(rules)
	for i := range out {
		out[i].hints = all
	}
	return out
}

// ParseRules reads a rule set for a simulation. The error is that of
// flexmatch.ParseRuleSet.
func ParseRules(name string, body []byte) (Rules, error) {
	set, err := flexmatch.ParseRuleSet(body)
	if err != nil {
		return Rules{}, err
	}
	r := Rules{Name: name, Body: string(body), Set: set, hints: map[attributeKey]hint{}, largest: set.LargestTeam()}
	for _, step := range set.Expansions() {
		r.waits = append(r.waits, step.After)
	}
	var root any
	// What the matchmaker reads as a rule set is JSON but for comments.
	if err := json.Unmarshal(withoutComments(body), &root); err != nil {
		return Rules{}, fmt.Errorf("read what the rules compare with: %w", err)
	}
	r.readHints(root)
	return r, nil
}

// readHints looks for the literals that rules compare attributes with.
func (r *Rules) readHints(root any) {
	for _, a := range r.Set.Attributes() {
		r.hints[attributeKey{a.Name, a.Kind}] = hint{byDefault: a.Default}
	}
	for _, rule := range list(field(root, "rules")) {
		measurements := strings.ReplaceAll(fmt.Sprint(field(rule, "measurements")), " ", "")
		reference := field(rule, "referenceValue")
		for _, a := range r.Set.Attributes() {
			if !strings.Contains(measurements, "attributes["+strings.ReplaceAll(a.Name, " ", "")+"]") && field(rule, "batchAttribute") != a.Name {
				continue
			}
			key := attributeKey{a.Name, a.Kind}
			h := r.hints[key]
			for _, word := range literals(reference) {
				if !slices.Contains(h.words, word) {
					h.words = append(h.words, word)
				}
			}
			if n, ok := number(reference); ok && field(rule, "type") == "comparison" && !slices.Contains(h.numbers, n) {
				h.numbers = append(h.numbers, n)
			}
			h.distinct = h.distinct || field(rule, "operation") == "!=" && reference == nil
			h.equal = h.equal || field(rule, "operation") == "=" && reference == nil
			r.hints[key] = h
		}
	}
}

// literals are the strings of a referenceValue that are no expressions.
func literals(reference any) []string {
	var out []string
	for _, v := range append(list(reference), reference) {
		if s, ok := v.(string); ok && s != "" && !strings.ContainsAny(s, "[]()") {
			out = append(out, s)
		}
	}
	return out
}

func field(v any, key string) any {
	object, _ := v.(map[string]any)
	return object[key]
}

func list(v any) []any {
	items, _ := v.([]any)
	return items
}

// number takes numbers in quotes too, as rule sets may have them.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return f, err == nil
	}
	return 0, false
}

// withoutComments blanks "//" comments outside strings.
func withoutComments(body []byte) []byte {
	out := slices.Clone(body)
	inString := false
	for i := 0; i < len(out); i++ {
		switch {
		case inString && out[i] == '\\':
			i++
		case out[i] == '"':
			inString = !inString
		case !inString && out[i] == '/' && i+1 < len(out) && out[i+1] == '/':
			for ; i < len(out) && out[i] != '\n'; i++ {
				out[i] = ' '
			}
		}
	}
	return out
}
