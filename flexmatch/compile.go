package flexmatch

import (
	"fmt"
	"slices"
	"strconv"
)

// compiler turns the nodes of a body into a RuleSet and reports what is wrong.
type compiler struct {
	reporter
	options    ParseOptions
	scope      scope
	teams      []TeamSize // instances, before any expansion
	teamNodes  []*node    // where scope.teams are declared
	total      int        // players that the teams take, as written
	sources    []ruleSource
	large      bool
	expansions []expansion
}

// compile reads the whole document. The result is useless when problems were
// reported.
func (c *compiler) compile(root *node) *RuleSet {
	if root.kind != objectNode {
		c.report(root, "a rule set is a JSON object, not %v", root.kind)
		return nil
	}
	set := &RuleSet{}
	c.version(root)
	if n := root.get("name"); n != nil && n.kind == stringNode {
		set.name = n.text
	} else if n != nil {
		c.report(n, "name is a string, not %v", n.kind)
	}
	c.attributes(root)
	c.teamSizes(root)
	set.attributes, set.groups, set.large = c.scope.attributes, c.scope.teams, c.large
	set.algorithm = c.algorithm(root)
	c.ruleSources(root)
	for _, src := range c.sources {
		set.ruleNames = append(set.ruleNames, src.name)
	}
	first := c.buildStage(overrides{}, nil)
	c.readExpansions(root)
	c.buildStages(set, first)
	if len(c.found) > 0 {
		c.misspelt(root)
		return nil
	}
	c.analyse(set)
	set.plan = newPlan(set)
	return set
}

func (c *compiler) version(root *node) {
	n := root.get("ruleLanguageVersion")
	switch {
	case n == nil:
		c.report(root, "a rule set needs \"ruleLanguageVersion\": \"1.0\"")
	case n.kind != stringNode:
		c.report(n, "ruleLanguageVersion must be the text \"1.0\", not %v", n.kind)
	case n.text != "1.0":
		c.report(n, "ruleLanguageVersion must be \"1.0\", not %q", clip(n.text))
	}
}

// list returns the objects of an optional list.
func (c *compiler) list(parent *node, key string) []*node {
	n := parent.get(key)
	if n == nil {
		return nil
	}
	if n.kind != arrayNode {
		c.report(n, "%s is a list of objects, not %v", key, n.kind)
		return nil
	}
	var out []*node
	for _, item := range n.items {
		if item.kind != objectNode {
			c.report(item, "expected an object, not %v", item.kind)
			continue
		}
		out = append(out, item)
	}
	return out
}

// text reads a required string that is not empty.
func (c *compiler) text(parent *node, key, what string) (string, bool) {
	n := parent.get(key)
	if n == nil {
		c.report(parent, "%s needs %q", what, key)
		return "", false
	}
	if n.kind != stringNode || n.text == "" {
		c.report(n, "%s is a string that is not empty", key)
		return "", false
	}
	return n.text, true
}

// strings reads a list of strings; a string that occurs again is left out.
func (c *compiler) strings(n *node) ([]string, bool) {
	if n.kind != arrayNode {
		c.report(n, "expected a list of strings, not %v", n.kind)
		return nil, false
	}
	out, ok := []string{}, true
	for _, item := range n.items {
		if item.kind != stringNode {
			c.report(item, "expected a string, not %v", item.kind)
			ok = false
			continue
		}
		if !slices.Contains(out, item.text) {
			out = append(out, item.text)
		}
	}
	return out, ok
}

// declared finds the attribute that a node names.
func (c *compiler) declared(n *node, what string) (int, bool) {
	if n.kind != stringNode {
		c.report(n, "%s is the name of a declared attribute, not %v", what, n.kind)
		return 0, false
	}
	i, ok := c.scope.attribute(n.text)
	if !ok {
		c.report(n, "%s", c.scope.undeclared(n.text))
		return 0, false
	}
	return i, c.scope.attributes[i].Kind != NoAttribute // else its declaration is reported
}

func (c *compiler) attributes(root *node) {
	for _, n := range c.list(root, "playerAttributes") {
		name, okName := c.text(n, "name", "a player attribute")
		if okName {
			if _, twice := c.scope.attribute(name); twice {
				c.report(n.get("name"), "the attribute %q is declared twice", clip(name))
				continue
			}
		}
		kind, okKind := NoAttribute, false
		if t := n.get("type"); t == nil {
			c.report(n, "a player attribute needs \"type\": %s", oneOf(attributeKindNames[1:]))
		} else if i, ok := c.word(t, "type", attributeKindNames[1:]); ok {
			kind, okKind = AttributeKind(i+1), true
		}
		a := Attribute{Name: name, Kind: kind}
		if d := n.get("default"); d != nil && okKind {
			a.Default = c.defaultValue(d, kind)
		}
		if okName {
			c.scope.attributes = append(c.scope.attributes, a)
		}
	}
}

// defaultValue reads a default of the declared type.
func (c *compiler) defaultValue(n *node, kind AttributeKind) Value {
	v := Value{Kind: kind}
	ok := true
	switch kind {
	case StringAttribute:
		v.String, ok = n.text, n.kind == stringNode
	case NumberAttribute:
		v.Number, ok = n.asNumber()
	case StringListAttribute:
		v.Strings, _ = c.strings(n)
	case StringNumberMapAttribute:
		if ok = n.kind == objectNode; !ok {
			break
		}
		v.Numbers = map[string]float64{}
		for _, item := range n.items {
			number, isNumber := item.asNumber()
			if !isNumber {
				c.report(item, "expected a number, not %v", item.kind)
			}
			v.Numbers[item.key] = number
		}
	}
	if !ok {
		c.report(n, "default is a %v, as the attribute's type says", kind)
	}
	return v
}

func (c *compiler) teamSizes(root *node) {
	teams := c.list(root, "teams")
	if n := root.get("teams"); n == nil {
		c.report(root, "a rule set needs \"teams\": one team or more")
	} else if n.kind == arrayNode && len(n.items) == 0 {
		c.report(n, "teams holds one team or more")
	}
	for _, n := range teams {
		c.total += c.team(n)
	}
	c.uniqueTeams()
	if c.total > maxLargeMatch {
		c.report(root.get("teams"), "the teams take %d players together; a match has at most %d", c.total, maxLargeMatch)
	}
	c.large = isLarge(c.total)
}

// isLarge tells by the players that all teams take together how a rule set is
// processed. Source: Amazon's FlexMatch guide, "Rule set schema for large matches".
func isLarge(players int) bool { return players > maxSmallMatch }

// team reads one team and returns how many players all its instances take. A team may
// be allowed to stay empty, but not be without places (the guide is silent; we chose).
func (c *compiler) team(n *node) (players int) {
	name, okName := c.text(n, "name", "a team")
	least, okLeast := c.wholeNumber(n, "minPlayers", "a team", 0)
	most, okMost := c.wholeNumber(n, "maxPlayers", "a team", 1)
	if okLeast && okMost && least > most {
		c.report(n.get("minPlayers"), "minPlayers is at most maxPlayers, which is %d", most)
	}
	quantity := 1
	if q := n.get("quantity"); q != nil {
		var ok bool
		if quantity, ok = c.wholeNumber(n, "quantity", "a team", 1); !ok {
			quantity = 1
		}
	}
	if quantity > maxLargeMatch {
		c.report(n.get("quantity"), "%d teams have more players than a match may, which is %d", quantity, maxLargeMatch)
		quantity = 1
	}
	if !okName {
		return most * quantity
	}
	group := teamGroup{name: name, first: len(c.teams)}
	// Beyond the limit there is a problem already; the name stays known.
	for i := range min(quantity, max(1, maxLargeMatch-len(c.teams))) {
		instance := name
		if quantity > 1 {
			instance += "_" + strconv.Itoa(i+1)
		}
		group.instances = append(group.instances, instance)
		c.teams = append(c.teams, TeamSize{Name: instance, Min: least, Max: most})
	}
	c.scope.teams = append(c.scope.teams, group)
	c.teamNodes = append(c.teamNodes, n)
	return most * quantity
}

// uniqueTeams reports names that two teams share, generated names included (that
// these may not collide is our reading).
func (c *compiler) uniqueTeams() {
	owner := map[string]bool{}
	for i, g := range c.scope.teams {
		names := g.instances
		if len(names) > 1 {
			names = append([]string{g.name}, names...)
		}
		for _, name := range names {
			if owner[name] {
				c.report(c.teamNodes[i].get("name"), "two teams are called %q", clip(name))
			}
			owner[name] = true
		}
	}
}

// wholeNumber reads a required whole number from least up.
func (c *compiler) wholeNumber(parent *node, key, what string, least int) (int, bool) {
	n := parent.get(key)
	if n == nil {
		c.report(parent, "%s needs %q: a whole number from %d", what, key, least)
		return 0, false
	}
	return c.whole(n, key, least)
}

// maxWhole bounds whole numbers so that sums of them cannot overflow.
const maxWhole = 1_000_000

func (c *compiler) whole(n *node, key string, least int) (int, bool) {
	f, ok := n.asNumber()
	if !ok || f != float64(int(f)) || f < float64(least) || f > maxWhole {
		c.report(n, "%s is a whole number from %d", key, least)
		return 0, false
	}
	return int(f), true
}

func (c *compiler) algorithm(root *node) algorithm {
	out := algorithm{balancedAttribute: -1}
	n := root.get("algorithm")
	if n != nil && n.kind != objectNode {
		c.report(n, "algorithm is an object, not %v", n.kind)
		return out
	}
	if n == nil {
		if c.large {
			c.report(root, "matches of more than %d players need \"algorithm\" with strategy \"balanced\" and a balancedAttribute", maxSmallMatch)
		}
		return out
	}
	src := ruleSource{node: n}
	// "balanced" is documented for large matches only, yet Amazon's own compound example
	// has it with 40 players: it is accepted, and all rules hold as usual.
	strategy, _ := c.enum(src, "strategy", "exhaustiveSearch", "balanced")
	out.balanced = strategy == 1
	if c.large && !out.balanced {
		c.report(n, "matches of more than %d players need strategy \"balanced\"", maxSmallMatch)
	}
	c.batching(src, &out)
	age, _ := c.enum(src, "expansionAgeSelection", "newest", "oldest")
	out.oldest = age == 1
	priority, _ := c.enum(src, "backfillPriority", "normal", "low", "high")
	out.priority = backfillPriority(priority)
	c.balancedAttribute(src, &out)
	return out
}

// batching reads what the strategy allows as batchingPreference: "random" and "sorted"
// go with an exhaustive search, the others with "balanced". Source: Amazon's FlexMatch
// guide, rule set property definitions.
func (c *compiler) batching(src ruleSource, out *algorithm) {
	words := []string{"random", "sorted"}
	if c.large || out.balanced {
		words = []string{"largestPopulation", "fastestRegion"}
	}
	i, _ := c.enum(src, "batchingPreference", words...)
	out.sorted, out.fastestRegion = words[i] == "sorted", words[i] == "fastestRegion"
	by := src.get("sortByAttributes")
	if by == nil {
		if out.sorted {
			c.report(src.node, "batchingPreference \"sorted\" needs \"sortByAttributes\": names of declared attributes")
		}
		return
	}
	names := []*node{by}
	if by.kind == arrayNode {
		names = by.items
	}
	for _, n := range names {
		if index, ok := c.declared(n, "sortByAttributes"); ok {
			out.sortBy = append(out.sortBy, index)
		}
	}
	if out.sorted && len(names) == 0 {
		c.report(by, "sortByAttributes holds one attribute or more")
	}
}

func (c *compiler) balancedAttribute(src ruleSource, out *algorithm) {
	n := src.get("balancedAttribute")
	if n == nil {
		if out.balanced {
			c.report(src.node, "strategy \"balanced\" needs \"balancedAttribute\": a declared number attribute")
		}
		return
	}
	index, ok := c.declared(n, "balancedAttribute")
	if !ok {
		return
	}
	if kind := c.scope.attributes[index].Kind; kind != NumberAttribute {
		c.report(n, "balancedAttribute is a number attribute, not a %v", kind)
		return
	}
	out.balancedAttribute = index
}

// ruleSources finds the rules with their names and types.
func (c *compiler) ruleSources(root *node) {
	for _, n := range c.list(root, "rules") {
		src := ruleSource{index: len(c.sources), node: n}
		src.name, _ = c.text(n, "name", "a rule")
		for _, other := range c.sources {
			if src.name != "" && other.name == src.name {
				c.report(n.get("name"), "two rules are called %q", clip(src.name))
				break
			}
		}
		if t := n.get("type"); t == nil {
			c.report(n, "a rule needs \"type\": %s", oneOf(ruleTypeNames()))
		} else if i, ok := c.word(t, "type", ruleTypeNames()); ok {
			src.kind = ruleTypes[i].name
		}
		if c.large && src.kind != "" && !knownInLarge(src.kind) {
			c.report(n.get("type"), "a match of more than %d players knows only the rule types latency and batchDistance", maxSmallMatch)
		}
		c.sources = append(c.sources, src)
	}
}

// knownInLarge tells which rules a large match knows. Amazon's guide says that others
// are "not recognized"; that they are refused, and not ignored, is our choice. A
// compound has a refusal of its own.
func knownInLarge(kind string) bool {
	return kind == "latency" || kind == "batchDistance" || kind == "compound"
}

// describe names a source for messages.
func (s ruleSource) describe() string { return fmt.Sprintf("%s rule %q", s.kind, clip(s.name)) }
