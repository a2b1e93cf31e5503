package flexmatch

import (
	"slices"
	"strings"
)

// The members of each object of a rule set. Source: Amazon's FlexMatch guide, rule set
// schema. Rules have those of ruleTypes besides.
var (
	ruleSetKeys   = []string{"name", "ruleLanguageVersion", "playerAttributes", "algorithm", "teams", "rules", "expansions"}
	attributeKeys = []string{"name", "type", "default"}
	algorithmKeys = []string{"strategy", "batchingPreference", "balancedAttribute", "sortByAttributes", "expansionAgeSelection", "backfillPriority"}
	teamKeys      = []string{"name", "minPlayers", "maxPlayers", "quantity"}
	ruleKeys      = []string{"name", "type"}
	expansionKeys = []string{"target", "steps"}
	stepKeys      = []string{"waitTimeSeconds", "value"}
)

// configurationKeys are settings of the matchmaking configuration that are looked for
// in rule sets.
var configurationKeys = []string{
	"acceptanceRequired", "acceptanceTimeoutSeconds", "requestTimeoutSeconds", "backfillMode", "flexMatchMode", "additionalPlayerCount",
}

// keys: members that nothing reads, because they are misspelt, misplaced or repeated.
func (w *adviser) keys() {
	w.repeated(w.root)
	w.eachUnknown(w.root, func(item *node, known []string, src *ruleSource) {
		if i := slices.IndexFunc(configurationKeys, func(k string) bool { return strings.EqualFold(k, item.key) }); i >= 0 && src == nil {
			w.note(item, "%s is ignored here: it belongs in the matchmaking configuration", item.key)
			return
		}
		if src != nil && isRuleProperty(item.key) {
			w.note(item, "a %s rule has no %s: it is ignored", src.kind, item.key)
			return
		}
		w.note(item, "%q is not known and is ignored%s", clip(item.key), didYouMean(item.key, known))
	})
}

// misspelt reports, beside the problems of a rule set that is refused, the members that
// look like a known one: they are likely the cause.
func (c *compiler) misspelt(root *node) {
	c.eachUnknown(root, func(item *node, known []string, _ *ruleSource) {
		if hint := didYouMean(item.key, known); hint != "" {
			c.report(item, "%q is not known%s", clip(item.key), hint)
		}
	})
}

// eachUnknown calls f with every member that is not among those that its object may
// have, and is no remark. src is the rule it stands in, nil elsewhere; of a rule
// without a known type all properties count as known.
func (c *compiler) eachUnknown(root *node, f func(item *node, known []string, src *ruleSource)) {
	object := func(n *node, known []string, src *ruleSource) {
		if n.kind != objectNode {
			return
		}
		for _, item := range n.items {
			if !slices.Contains(known, item.key) && !isRemark(item.key) {
				f(item, known, src)
			}
		}
	}
	object(root, ruleSetKeys, nil)
	for _, n := range members(root, "playerAttributes") {
		object(n, attributeKeys, nil)
	}
	if n := root.get("algorithm"); n != nil {
		object(n, algorithmKeys, nil)
	}
	for _, n := range members(root, "teams") {
		object(n, teamKeys, nil)
	}
	for i := range c.sources {
		src := &c.sources[i]
		own, ok := ruleProperties(src.kind)
		if !ok {
			own = allRuleProperties()
		}
		object(src.node, slices.Concat(ruleKeys, own), src)
	}
	for _, n := range members(root, "expansions") {
		object(n, expansionKeys, nil)
		for _, s := range members(n, "steps") {
			object(s, stepKeys, nil)
		}
	}
}

// members are the items of a list in an object.
func members(n *node, key string) []*node {
	if list := n.get(key); list != nil && list.kind == arrayNode {
		return list.items
	}
	return nil
}

// isRuleProperty tells what some type of rule has.
func isRuleProperty(key string) bool { return slices.Contains(allRuleProperties(), key) }

// allRuleProperties lists the properties of every type of rule.
func allRuleProperties() []string {
	var out []string
	for _, t := range ruleTypes {
		for _, p := range t.properties {
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// isRemark tells a member that is plainly meant for people. Amazon's API reference says
// that most elements support a description.
func isRemark(key string) bool {
	switch strings.ToLower(key) {
	case "description", "comment", "comments", "note", "notes", "":
		return true
	}
	return strings.ContainsRune("_$/#", rune(key[0]))
}

// repeated notes members that stand in an object again later.
func (w *adviser) repeated(n *node) {
	last := map[string]int{}
	if n.kind == objectNode {
		for i, item := range n.items {
			last[item.key] = i
		}
	}
	for i, item := range n.items {
		if n.kind == objectNode && last[item.key] != i {
			w.note(item, "%q stands again later in the same object, and only the last one counts", clip(item.key))
		}
		w.repeated(item)
	}
}
