package flexmatch

import (
	"slices"
	"time"
)

// longestRequest is the longest time that a matchmaking request may take
// (RequestTimeoutSeconds). Source: Amazon's GameLift API reference.
const longestRequest = 43_200 * time.Second

// mostPlayerAttributes is how many attributes a request may carry per player. Source:
// Amazon's GameLift API reference.
const mostPlayerAttributes = 10

// warn looks at a correct rule set for what is likely not meant. comment is where the
// first comment stands, -1 without any.
func (c *compiler) warn(set *RuleSet, root *node, comment int) Problems {
	w := &adviser{compiler: c, set: set, root: root, notes: reporter{body: c.body}, draft: newDraft(set, 0), proofs: 2_000}
	if comment >= 0 {
		w.notes.reportAt(comment, "$", "comments are accepted here and in Amazon's samples, but Amazon's API reference does not allow them")
	}
	w.keys()
	w.attributes()
	w.algorithm()
	w.teams()
	w.rules()
	w.expansions()
	return w.notes.problems()
}

// adviser collects warnings about a rule set that compiled.
type adviser struct {
	*compiler
	set    *RuleSet
	root   *node
	notes  reporter
	draft  *draft
	proofs int // that impossible may still try
}

func (w *adviser) note(n *node, format string, args ...any) { w.notes.report(n, format, args...) }

// attributes: what nothing reads is passed on to the game server only, and still keeps
// out players who do not have it.
func (w *adviser) attributes() {
	used := w.usedAttributes()
	list := w.root.get("playerAttributes")
	if list == nil {
		return
	}
	required := 0
	for i, a := range w.set.attributes {
		n := list.items[i]
		if a.Default.Kind == NoAttribute {
			required++
		}
		switch {
		case used[i]:
		case a.Default.Kind == NoAttribute:
			w.note(n, "no rule uses the attribute %q, yet players without it never match; give it a default", clip(a.Name))
		default:
			w.note(n, "no rule uses the attribute %q; it is only passed on to the game server", clip(a.Name))
		}
	}
	if required > mostPlayerAttributes {
		w.note(list, "%d attributes have no default, but a request carries at most %d for a player: nobody matches", required, mostPlayerAttributes)
	}
}

// usedAttributes marks what some rule or the algorithm reads, by index.
func (w *adviser) usedAttributes() []bool {
	used := make([]bool, len(w.set.attributes))
	for _, st := range w.set.stages {
		for _, r := range st.rules {
			for _, e := range expressions(r) {
				e.visit(func(p *path) {
					if p.member == attributeMember {
						used[p.attr] = true
					}
				})
			}
			if b, ok := r.(*batchDistanceRule); ok {
				used[b.attribute] = true
			}
		}
		for _, s := range st.sorts {
			used[s.attribute] = true
		}
	}
	for _, i := range w.set.algorithm.sortBy {
		used[i] = true
	}
	if i := w.set.algorithm.balancedAttribute; i >= 0 {
		used[i] = true
	}
	return used
}

// algorithm: settings that the strategy does not read.
func (w *adviser) algorithm() {
	n := w.root.get("algorithm")
	if n == nil {
		return
	}
	a := w.set.algorithm
	if by := n.get("sortByAttributes"); by != nil && !a.sorted {
		w.note(by, "sortByAttributes is ignored without batchingPreference \"sorted\"")
	}
	for i, index := range a.sortBy {
		if kind := w.set.attributes[index].Kind; a.sorted && (kind == StringListAttribute || kind == StringNumberMapAttribute) {
			by := n.get("sortByAttributes")
			if by.kind == arrayNode {
				by = by.items[i]
			}
			w.note(by, "a %v has no order: sorting by it changes nothing", kind)
		}
	}
	if b := n.get("balancedAttribute"); b != nil && !a.balanced {
		w.note(b, "balancedAttribute is ignored without strategy \"balanced\"")
	}
	if a.balanced && !w.set.large {
		w.note(n.get("strategy"), "Amazon's guide has \"balanced\" for more than %d players; for fewer, matches are searched exhaustively", maxSmallMatch)
	}
	if p := n.get("backfillPriority"); p != nil && a.balanced && w.set.large && a.priority != highPriority {
		w.note(p, "in matches of more than %d players backfills always go first", maxSmallMatch)
	}
}

// teams: a ticket of one player that is a match by itself.
func (w *adviser) teams() {
	if w.set.MinPlayers() <= 1 && w.set.MaxPlayers() > 1 {
		w.note(w.root.get("teams"), "a player alone is enough for a match, so one is made at once and hardly anybody is matched with others")
	}
}

// expansions: steps that never come, change nothing or tighten.
func (w *adviser) expansions() {
	for i, x := range w.compiler.expansions {
		if len(x.steps) == 0 {
			w.note(x.node, "an expansion without steps changes nothing")
		}
		for _, earlier := range w.compiler.expansions[:i] {
			if earlier.sameTarget(x) {
				w.note(x.node.get("target"), "an earlier expansion has the same target; where both apply, this one counts")
				break
			}
		}
		before := w.original(x)
		for _, s := range x.steps {
			if s.wait == 0 {
				w.note(s.node.get("waitTimeSeconds"), "this step is in force from the start: the value before it%s never is", inParentheses(before))
			}
			if s.wait >= longestRequest {
				w.note(s.node.get("waitTimeSeconds"), "a request lasts at most %d seconds: this step is never reached", int(longestRequest.Seconds()))
			}
			w.step(x, before, s.value)
			before = s.value
		}
	}
	for _, x := range w.compiler.expansions {
		for _, s := range x.steps {
			st := w.set.stages[w.set.level(s.wait)]
			if x.property == "maxPlayers" && !w.set.large && st.maxPlayers > maxSmallMatch {
				w.note(s.value, "with this a match has up to %d players, but it is still searched as one of at most %d: by trying combinations", st.maxPlayers, maxSmallMatch)
			}
		}
	}
}

func (x expansion) sameTarget(y expansion) bool {
	return x.property == y.property && x.rule == y.rule && slices.Equal(x.teams, y.teams)
}

// original is the value that an expansion starts from; nil where there is none.
func (w *adviser) original(x expansion) *node {
	if x.rule >= 0 {
		return w.sources[x.rule].get(x.property)
	}
	for i, g := range w.scope.teams {
		if len(x.teams) > 0 && g.first == x.teams[0] {
			return w.teamNodes[i].get(x.property)
		}
	}
	return nil
}

// step compares a step with the value before it.
func (w *adviser) step(x expansion, before, after *node) {
	a, okA := numberOf(before)
	b, okB := numberOf(after)
	if !okA || !okB {
		if before != nil && before.kind == stringNode && after.kind == stringNode && before.text == after.text {
			w.note(after, "this step changes nothing: the value before it is the same")
		}
		return
	}
	if a == b {
		w.note(after, "this step changes nothing: the value before it is the same")
		return
	}
	if up, known := w.relaxesUpwards(x); known && (b > a) != up {
		w.note(after, "this step tightens: %s was %v before it; expansions are meant to relax", x.property, a)
	}
}

// inParentheses shows a number or a string, "" of anything else.
func inParentheses(n *node) string {
	if n == nil || n.kind != numberNode && n.kind != stringNode {
		return ""
	}
	return " (" + clip(n.text) + ")"
}

func numberOf(n *node) (float64, bool) {
	if n == nil {
		return 0, false
	}
	return n.asNumber()
}

// relaxesUpwards tells whether a greater value admits more matches; known is false for
// properties without a direction and for rules under "not" or "xor".
func (w *adviser) relaxesUpwards(x expansion) (up, known bool) {
	if x.rule >= 0 && w.reversed(x.rule) {
		return false, false
	}
	switch x.property {
	case "maxDistance", "maxLatency", "maxCount", "maxPlayers":
		return true, true
	case "minDistance", "minCount", "minPlayers":
		return false, true
	case "referenceValue":
		if r, ok := underlying(w.set.stages[0].rules[x.rule]).(*comparisonRule); ok {
			switch r.operation {
			case less, lessOrEqual:
				return true, true
			case greater, greaterOrEqual:
				return false, true
			}
		}
	}
	return false, false
}

// reversed tells that a rule is named below a "not" or "xor".
func (w *adviser) reversed(rule int) bool {
	for _, r := range w.set.stages[0].rules {
		if c, ok := r.(*compoundRule); ok && c.statement.reverses(rule, false) {
			return true
		}
	}
	return false
}

func (l logic) reverses(rule int, below bool) bool {
	if l.operator == "" {
		return below && l.rule == rule
	}
	below = below || l.operator == "not" || l.operator == "xor"
	return slices.ContainsFunc(l.args, func(a logic) bool { return a.reverses(rule, below) })
}
