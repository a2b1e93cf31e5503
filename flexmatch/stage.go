package flexmatch

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"time"
)

// expansion is one target with its steps.
type expansion struct {
	rule     int   // index of the rule, or -1
	teams    []int // team instances, if no rule
	property string
	steps    []expansionStep
	node     *node
}

type expansionStep struct {
	wait  time.Duration
	value *node
	node  *node
}

// at returns the value in force at a wait, nil for the original one. Steps replace
// each other; they do not add up.
func (x expansion) at(wait time.Duration) *node {
	var out *node
	for _, s := range x.steps {
		if s.wait <= wait {
			out = s.value
		}
	}
	return out
}

// overrides are the values that expansions put in place at one stage.
type overrides struct {
	rules map[int]map[string]*node // by rule, by property
	teams map[int]map[string]*node // by team instance, by property
}

// overridesAt collects what all expansions say at a wait. Of two expansions with one
// target the later counts.
func overridesAt(list []expansion, wait time.Duration) overrides {
	out := overrides{map[int]map[string]*node{}, map[int]map[string]*node{}}
	put := func(m map[int]map[string]*node, key int, property string, n *node) {
		if m[key] == nil {
			m[key] = map[string]*node{}
		}
		m[key][property] = n
	}
	for _, x := range list {
		n := x.at(wait)
		if n == nil {
			continue
		}
		if x.rule >= 0 {
			put(out.rules, x.rule, x.property, n)
		}
		for _, t := range x.teams {
			put(out.teams, t, x.property, n)
		}
	}
	return out
}

// readExpansions reads what loosens with age. What has a problem has no steps.
func (c *compiler) readExpansions(root *node) {
	for _, n := range c.list(root, "expansions") {
		target, ok := c.text(n, "target", "an expansion")
		x := expansion{rule: -1, node: n}
		if ok {
			if err := c.target(&x, target); err != nil {
				c.report(n.get("target"), "%v", err)
			}
		}
		if n.get("steps") == nil {
			c.report(n, "an expansion needs \"steps\": objects with waitTimeSeconds and value")
		}
		for _, s := range c.list(n, "steps") {
			c.step(&x, s)
		}
		c.expansions = append(c.expansions, x)
	}
}

// step reads one step and checks that waits ascend. A step without a value is refused
// (the guide does not say whether it is required; we chose).
func (c *compiler) step(x *expansion, n *node) {
	const longest = 1e9 // seconds; keeps durations far from overflow
	wait, value := n.get("waitTimeSeconds"), n.get("value")
	if value == nil {
		c.report(n, "a step needs \"value\"")
	}
	if wait == nil {
		c.report(n, "a step needs \"waitTimeSeconds\": seconds")
		return
	}
	seconds, ok := wait.asNumber()
	if !ok || seconds < 0 || seconds > longest {
		c.report(wait, "waitTimeSeconds is a number of seconds from 0")
		return
	}
	d := time.Duration(math.Round(seconds * float64(time.Second)))
	if len(x.steps) > 0 && d <= x.steps[len(x.steps)-1].wait {
		c.report(wait, "each step waits longer than the one before it, which waits %v", x.steps[len(x.steps)-1].wait)
		return
	}
	if value != nil {
		x.steps = append(x.steps, expansionStep{d, value, n})
	}
}

// target reads rules[name].property or teams[name, name].property. Blanks mean nothing.
// Of the algorithm nothing can be expanded: the guide names rules and teams only.
func (c *compiler) target(x *expansion, text string) error {
	root, rest, hasOpen := strings.Cut(text, "[")
	end := strings.LastIndexByte(rest, ']')
	if !hasOpen || end < 0 {
		return fmt.Errorf("a target is rules[name].property or teams[name].property, not %q", clip(text))
	}
	names, property := rest[:end], strings.TrimSpace(rest[end+1:])
	if !strings.HasPrefix(property, ".") {
		return fmt.Errorf("a target is rules[name].property or teams[name].property, not %q", clip(text))
	}
	x.property = strings.TrimSpace(property[1:])
	switch root = strings.TrimSpace(root); root {
	case "rules":
		return c.ruleTarget(x, strings.TrimSpace(names))
	case "teams":
		return c.teamTarget(x, names)
	}
	return fmt.Errorf("a target begins with rules[...] or teams[...], not %q", clip(root))
}

// teamTarget finds the teams of a target; of a team with a quantity all instances.
func (c *compiler) teamTarget(x *expansion, names string) error {
	if properties := []string{"minPlayers", "maxPlayers"}; !slices.Contains(properties, x.property) {
		return fmt.Errorf("of a team, minPlayers and maxPlayers can be expanded, not %q%s", clip(x.property), didYouMean(x.property, properties))
	}
	for _, name := range strings.Split(names, ",") {
		instances, _, ok := c.scope.team(strings.TrimSpace(name))
		if !ok {
			return errors.New(c.scope.noTeam(strings.TrimSpace(name)))
		}
		x.teams = append(x.teams, instances...)
	}
	return nil
}

func (c *compiler) ruleTarget(x *expansion, name string) error {
	i := slices.IndexFunc(c.sources, func(s ruleSource) bool { return s.name == name })
	if i < 0 || name == "" {
		return errors.New(c.noRule(name))
	}
	src := c.sources[i]
	properties, known := ruleProperties(src.kind)
	switch {
	case !known:
		return nil // the rule's own type is reported already
	case src.kind == "compound":
		return fmt.Errorf("the compound rule %q cannot be expanded; expand the rules in its statement", clip(name))
	case !slices.Contains(properties, x.property):
		return fmt.Errorf("the %s has no property %q; it has %s%s", src.describe(), clip(x.property), strings.Join(properties, ", "), didYouMean(x.property, properties))
	}
	x.rule = i
	return nil
}

// buildStages compiles the rule set for every wait at which some expansion takes a
// step. It does so also for a rule set with problems, to find those of the steps.
func (c *compiler) buildStages(set *RuleSet, first *stage) {
	list := c.expansions
	for _, x := range list {
		for _, s := range x.steps {
			set.waits = append(set.waits, s.wait)
		}
	}
	slices.Sort(set.waits)
	set.waits = slices.Compact(set.waits)
	set.stages = []*stage{first}
	before := overrides{}
	for _, wait := range set.waits {
		now := overridesAt(list, wait)
		last := set.stages[len(set.stages)-1]
		next := c.buildStage(now, func(i int) (rule, bool) {
			return last.rules[i], sameOverrides(before.rules[i], now.rules[i])
		})
		next.level = len(set.stages)
		set.stages = append(set.stages, next)
		before = now
	}
}

func sameOverrides(a, b map[string]*node) bool {
	if len(a) != len(b) {
		return false
	}
	for k, n := range a {
		if b[k] != n {
			return false
		}
	}
	return true
}

// buildStage compiles teams and rules under some overrides. earlier, unless nil, may
// hand back a rule that has not changed since the stage before.
func (c *compiler) buildStage(over overrides, earlier func(rule int) (rule, bool)) *stage {
	out := &stage{teams: slices.Clone(c.teams)}
	for i := range out.teams {
		c.overrideTeam(&out.teams[i], over.teams[i])
		out.minPlayers += out.teams[i].Min
		out.maxPlayers += out.teams[i].Max
	}
	if out.maxPlayers > maxLargeMatch && c.total <= maxLargeMatch {
		for _, m := range sortedOverrides(over.teams) {
			c.report(m, "with this the teams take %d players together; a match has at most %d", out.maxPlayers, maxLargeMatch)
		}
	}
	supporting := map[int]bool{}
	for _, src := range c.sources {
		src.overrides = over.rules[src.index]
		r, same := rule(nil), false
		if earlier != nil {
			r, same = earlier(src.index)
		}
		if !same {
			r = c.compileRule(src)
		}
		if src.kind == "absoluteSort" || src.kind == "distanceSort" {
			if s := c.sortRule(src); s != nil {
				out.sorts = append(out.sorts, s)
			}
		}
		if compound, ok := r.(*compoundRule); ok {
			compound.statement.visit(func(i int) { supporting[i] = true })
		}
		out.rules = append(out.rules, r)
	}
	// A rule that a compound statement names counts only through that statement.
	// Source: Amazon's FlexMatch guide, compound example.
	for i, r := range out.rules {
		if r != nil && !supporting[i] {
			out.enforced = append(out.enforced, i)
		}
	}
	return out
}

func (c *compiler) overrideTeam(t *TeamSize, over map[string]*node) {
	if n := over["minPlayers"]; n != nil {
		t.Min, _ = c.whole(n, "minPlayers", 0)
	}
	if n := over["maxPlayers"]; n != nil {
		t.Max, _ = c.whole(n, "maxPlayers", 1)
	}
	if t.Min <= t.Max {
		return
	}
	for _, key := range []string{"minPlayers", "maxPlayers"} {
		if n := over[key]; n != nil {
			c.report(n, "with this the team %q has minPlayers %d above maxPlayers %d", clip(t.Name), t.Min, t.Max)
			return
		}
	}
}

// sortedOverrides lists the nodes of overrides in the order of the document.
func sortedOverrides(m map[int]map[string]*node) []*node {
	var out []*node
	for _, properties := range m {
		for _, n := range properties {
			if !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].offset < out[j].offset })
	return out
}

// analyse derives what the search wants to know about a correct rule set.
func (c *compiler) analyse(set *RuleSet) {
	marks := make([]strings.Builder, len(c.teams))
	paths := 0
	for i, st := range set.stages {
		for t, size := range st.teams {
			fmt.Fprintf(&marks[t], "%d:%d-%d ", i, size.Min, size.Max)
		}
		for _, r := range st.rules {
			if listed(r) {
				for t := range marks {
					fmt.Fprintf(&marks[t], "team %d ", t)
				}
			}
			for _, e := range expressions(r) {
				e.visit(func(p *path) {
					set.usesPlayerID = set.usesPlayerID || p.member == playerIDMember
					if p.everyone {
						return
					}
					paths++
					for _, t := range p.teams {
						fmt.Fprintf(&marks[t], "path %d ", paths)
					}
				})
			}
		}
	}
	for i := range marks {
		set.lookalikes = append(set.lookalikes, marks[i].String())
	}
	for i, src := range c.sources {
		if src.kind == "latency" {
			set.latencyRules = append(set.latencyRules, i)
		}
	}
}

// listed tells that a rule holds values against a list, team by team, so that its teams
// are not alike.
func listed(r rule) bool {
	var ref *expr
	switch r := underlying(r).(type) {
	case *comparisonRule:
		ref = r.reference
	case *distanceRule:
		ref = r.reference
	}
	return ref != nil && ref.literal != nil && ref.literal.kind == listValue
}

// expressions lists the property expressions of a rule.
func expressions(r rule) []*expr {
	var out []*expr
	switch r := underlying(r).(type) {
	case *comparisonRule:
		out = slices.Clone(r.measurements)
		if r.reference != nil {
			out = append(out, r.reference)
		}
	case *distanceRule:
		out = append(slices.Clone(r.measurements), r.reference)
	case *collectionRule:
		out = slices.Clone(r.measurements)
		if r.reference != nil {
			out = append(out, r.reference)
		}
	}
	return out
}
