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
	w.unknown(w.root, ruleSetKeys)
	for _, n := range w.members("playerAttributes") {
		w.unknown(n, attributeKeys)
	}
	if n := w.root.get("algorithm"); n != nil {
		w.unknown(n, algorithmKeys)
	}
	for _, n := range w.members("teams") {
		w.unknown(n, teamKeys)
	}
	for _, src := range w.sources {
		w.unknownOfRule(src)
	}
	for _, n := range w.members("expansions") {
		w.unknown(n, expansionKeys)
		if steps := n.get("steps"); steps != nil {
			for _, s := range steps.items {
				w.unknown(s, stepKeys)
			}
		}
	}
}

// members are the objects of a list.
func (w *adviser) members(key string) []*node {
	if n := w.root.get(key); n != nil {
		return n.items
	}
	return nil
}

// unknown notes the members of an object that are not among the known.
func (w *adviser) unknown(n *node, known []string) {
	for _, item := range n.items {
		if slices.Contains(known, item.key) || isRemark(item.key) {
			continue
		}
		if i := slices.IndexFunc(configurationKeys, func(k string) bool { return strings.EqualFold(k, item.key) }); i >= 0 {
			w.note(item, "%s is ignored here: it belongs in the matchmaking configuration", item.key)
			continue
		}
		w.note(item, "%q is not known and is ignored%s", clip(item.key), didYouMean(item.key, known))
	}
}

// unknownOfRule also knows what other types of rules have.
func (w *adviser) unknownOfRule(src ruleSource) {
	own, _ := ruleProperties(src.kind)
	known := slices.Concat(ruleKeys, own)
	misplaced := func(key string) bool {
		return slices.ContainsFunc(ruleTypes, func(t ruleType) bool { return slices.Contains(t.properties, key) })
	}
	for _, item := range src.node.items {
		switch {
		case slices.Contains(known, item.key), isRemark(item.key):
		case misplaced(item.key):
			w.note(item, "a %s rule has no %s: it is ignored", src.kind, item.key)
		default:
			w.note(item, "%q is not known and is ignored%s", clip(item.key), didYouMean(item.key, known))
		}
	}
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
