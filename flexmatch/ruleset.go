package flexmatch

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of the rule language. Source: Amazon's FlexMatch guide and quotas, 2025.
const (
	maxBodyRunes  = 65_535
	maxSmallMatch = 40  // players; above, a match is "large"
	maxLargeMatch = 200 // players
	maxParty      = 10  // players of a ticket
	maxSeated     = 199 // players of a backfill ticket
)

// RuleSet is a parsed rule set. It is immutable and safe for concurrent use: pools may
// share one. Make it with ParseRuleSet.
type RuleSet struct {
	name       string
	attributes []Attribute
	ruleNames  []string
	groups     []teamGroup

	// stages are the rules in force by age: stages[i] from waits[i-1] on. Waits
	// ascend without duplicates.
	waits  []time.Duration
	stages []*stage

	algorithm algorithm
	large     bool

	usesPlayerID bool     // some expression reads player ids
	latencyRules []int    // indices of the latency rules
	lookalikes   []string // per team instance: equal strings are interchangeable teams
	plan         *plan

	warnings Problems
}

// stage is the rule set as it stands at one age of a candidate match.
type stage struct {
	level                  int // its index
	teams                  []TeamSize
	minPlayers, maxPlayers int
	rules                  []rule // by index of declaration; nil for sort rules
	enforced               []int  // the rules that a match must satisfy
	sorts                  []*sortRule
}

// Attribute is a declared player attribute. Default has kind NoAttribute where the
// rule set gives none: a player without the attribute then never matches.
type Attribute struct {
	Name    string
	Kind    AttributeKind
	Default Value
}

// TeamSize is one team of a match and how many players it takes.
type TeamSize struct {
	Name     string
	Min, Max int
}

// algorithm is the rule set's choice of search.
type algorithm struct {
	balanced          bool
	sorted            bool // batchingPreference "sorted"
	fastestRegion     bool // large matches: instead of the largest population
	sortBy            []int
	oldest            bool // expansionAgeSelection "oldest"
	priority          backfillPriority
	balancedAttribute int // -1 without
}

type backfillPriority uint8

const (
	normalPriority backfillPriority = iota
	lowPriority
	highPriority
)

// ParseOptions chooses between readings of the language where Amazon's documents are
// silent or contradict each other. The zero value reads as ParseRuleSet does.
type ParseOptions struct {
	// RejectComments refuses "//" comments. Amazon's API reference says that they are
	// not allowed, but rule sets with comments are deployed by Amazon's own samples.
	RejectComments bool

	// SeparateLocations lets a latency rule accept a match whose tickets each have a good
	// location of their own. It is the literal reading of the guide ("a player must have
	// a latency value below the maximum in at least one location"). By default all
	// tickets of a match share one, as users of the service report. Matches of more
	// than 40 players are grouped by location and always share one.
	SeparateLocations bool

	// AggregateParties makes comparison, distance and collection rules measure a party
	// as one player with the party's values put together by partyAggregation: the
	// literal reading of the guide. By default partyAggregation does not change who is
	// accepted by these rules: every player is measured (an answer of Amazon's staff).
	AggregateParties bool
}

// ParseRuleSet reads the JSON body of a rule set. The error is of type Problems and
// lists everything that is wrong, with its place. What it accepts beyond strict JSON and
// the schema: "//" comments, numbers in quotes, one measurement without a list, null for
// what may be absent, unknown fields. RuleSet.Warnings lists what was accepted but is
// likely a mistake.
func ParseRuleSet(body []byte) (*RuleSet, error) { return ParseOptions{}.Parse(body) }

// Parse is ParseRuleSet with options.
func (o ParseOptions) Parse(body []byte) (*RuleSet, error) {
	c := &compiler{reporter: reporter{body: body}, options: o}
	switch {
	case len(body) > 4*maxBodyRunes || utf8.RuneCount(body) > maxBodyRunes:
		c.reportAt(0, "$", fmt.Sprintf("a rule set has at most %d characters", maxBodyRunes))
		return nil, c.problems()
	case !utf8.Valid(body):
		c.reportAt(0, "$", "a rule set is text in UTF-8")
		return nil, c.problems()
	}
	reader := jsonReader{body: body, comments: !o.RejectComments}
	root, err := reader.read()
	if err != nil {
		c.reportAt(err.offset, "$", "not JSON: "+err.message)
		return nil, c.problems()
	}
	set := c.compile(root)
	if problems := c.problems(); problems != nil {
		return nil, problems
	}
	set.warnings = c.warn(set, root, reader.comment)
	return set, nil
}

// Warnings lists what was accepted although it is likely not what was meant, in the
// order of the document: names that look misspelt, rules that can never hold or never
// fail, expansions that tighten a rule, and the like. Each has its place. The result is
// shared: do not modify it.
func (s *RuleSet) Warnings() []Problem { return s.warnings }

// Name is the label inside the rule set; it may be empty.
func (s *RuleSet) Name() string { return s.name }

// Attributes lists the declared player attributes. The result is a copy, but for what
// the defaults point to: do not modify that.
func (s *RuleSet) Attributes() []Attribute { return slices.Clone(s.attributes) }

// RuleNames lists all rules in the order of declaration, the order of RuleMetrics.
func (s *RuleSet) RuleNames() []string { return slices.Clone(s.ruleNames) }

// TeamSizes lists the teams, with a team of quantity n as n teams named name_1 to
// name_n, before any expansion.
func (s *RuleSet) TeamSizes() []TeamSize { return slices.Clone(s.stages[0].teams) }

// MinPlayers is the least number of players of a match before any expansion.
func (s *RuleSet) MinPlayers() int { return s.stages[0].minPlayers }

// MaxPlayers is the most players a match can have, over all expansions.
func (s *RuleSet) MaxPlayers() int {
	most := 0
	for _, st := range s.stages {
		most = max(most, st.maxPlayers)
	}
	return most
}

// LargestTeam is the most players a team can have, and so a party, over all expansions.
func (s *RuleSet) LargestTeam() int { return s.plan.largestTeam }

// Large tells whether this is a rule set for more than 40 players.
func (s *RuleSet) Large() bool { return s.large }

// UsesLatency tells whether tickets need latencies: with a latency rule, a ticket in
// which a player reports none never matches.
func (s *RuleSet) UsesLatency() bool { return len(s.latencyRules) > 0 }

// Expansions lists the ages of a candidate match at which the rule set changes,
// ascending, and what changes there. In is zero.
func (s *RuleSet) Expansions() []ExpansionStep {
	out := make([]ExpansionStep, len(s.waits))
	for i, after := range s.waits {
		out[i] = ExpansionStep{After: after, Changes: s.changes(i, i+1)}
	}
	return out
}

// backfillsLast: with low priority backfill tickets are anchors only, after all others.
// Large matches treat them as of high priority.
func (s *RuleSet) backfillsLast() bool { return s.algorithm.priority == lowPriority && !s.large }

// level is how many expansion boundaries an age has passed; it indexes stages.
func (s *RuleSet) level(age time.Duration) int {
	return sort.Search(len(s.waits), func(i int) bool { return s.waits[i] > age })
}

// String names an attribute kind as the rule language does.
func (k AttributeKind) String() string {
	if int(k) < len(attributeKindNames) {
		return attributeKindNames[k]
	}
	return fmt.Sprintf("attribute kind %d", uint8(k))
}

var attributeKindNames = []string{"none", "string", "number", "string_list", "string_number_map"}

// oneOf lists words for a message.
func oneOf(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = fmt.Sprintf("%q", w)
	}
	if len(quoted) < 2 {
		return strings.Join(quoted, "")
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " or " + quoted[len(quoted)-1]
}
