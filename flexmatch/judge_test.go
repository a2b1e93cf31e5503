package flexmatch_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"muster/flexmatch"
)

// A judge decides what a rule set says about a finished match. It is written from
// Amazon's documents in the plainest way and shares no code with the matchmaker: it
// reads the JSON with encoding/json, takes expressions apart with regular expressions,
// evaluates them on slices, and knows no search. Of the package it uses the exported
// types only.
type judge struct {
	doc        document
	additional int
	teams      []string // instances, in order
	trees      map[string]*tree
	waits      []time.Duration
	stages     []*inForce // by number of waits passed
	features   map[string]bool
}

// document is a rule set as it is written.
type document struct {
	Name       string         `json:"name,omitempty"`
	Version    string         `json:"ruleLanguageVersion"`
	Attributes []docAttribute `json:"playerAttributes,omitempty"`
	Algorithm  *docAlgorithm  `json:"algorithm,omitempty"`
	Teams      []docTeam      `json:"teams"`
	Rules      []docRule      `json:"rules,omitempty"`
	Expansions []docExpansion `json:"expansions,omitempty"`
}

type docAttribute struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Default any    `json:"default,omitempty"`
}

type docAlgorithm struct {
	Strategy              string   `json:"strategy,omitempty"`
	BatchingPreference    string   `json:"batchingPreference,omitempty"`
	SortByAttributes      []string `json:"sortByAttributes,omitempty"`
	ExpansionAgeSelection string   `json:"expansionAgeSelection,omitempty"`
	BackfillPriority      string   `json:"backfillPriority,omitempty"`
	BalancedAttribute     string   `json:"balancedAttribute,omitempty"`
}

type docTeam struct {
	Name     string `json:"name"`
	Min      loose  `json:"minPlayers"`
	Max      loose  `json:"maxPlayers"`
	Quantity loose  `json:"quantity,omitempty"`
}

// docRule is a rule with its properties by name, so that an expansion can replace any.
type docRule map[string]any

type docExpansion struct {
	Target string    `json:"target"`
	Steps  []docStep `json:"steps"`
}

type docStep struct {
	Wait  loose `json:"waitTimeSeconds"`
	Value any   `json:"value"`
}

// loose is a number that may stand in quotes.
type loose float64

func (l *loose) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(strings.Trim(string(b), `"`), 64)
	*l = loose(f)
	return err
}

// looseNumber reads a number from what encoding/json made of one.
func looseNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return f, err == nil
	}
	return 0, false
}

// inForce is a rule set under the expansions of one age.
type inForce struct {
	sizes []size
	rules []*ruleInForce
	total int // of all maximums
}

type size struct{ least, most int }

// person is a player with the attributes that count: defaults put in, undeclared ones
// left out.
type person struct {
	id         string
	team       string // backfill only
	attributes map[string]flexmatch.Value
}

// group is a ticket as the judge sees it.
type group struct {
	ticket    flexmatch.Ticket
	backfill  bool
	people    []*person
	matchable bool // has all attributes and, with a latency rule, latencies
}

// assignment is a finished match to be judged: who sits where.
type assignment struct {
	groups []*group
	teams  [][]*person // by team instance
}

func newJudge(body []byte, additional int) (*judge, error) {
	j := &judge{additional: additional, trees: map[string]*tree{}, features: map[string]bool{}}
	if err := json.Unmarshal(body, &j.doc); err != nil {
		return nil, fmt.Errorf("the judge cannot read the rule set: %w", err)
	}
	for _, t := range j.doc.Teams {
		j.teams = append(j.teams, t.instances()...)
	}
	for _, x := range j.doc.Expansions {
		for _, s := range x.Steps {
			j.waits = append(j.waits, seconds(float64(s.Wait)))
		}
	}
	slices.Sort(j.waits)
	j.waits = slices.Compact(j.waits)
	for i := 0; i <= len(j.waits); i++ {
		age := time.Duration(math.MinInt64)
		if i > 0 {
			age = j.waits[i-1]
		}
		st, err := j.at(age)
		if err != nil {
			return nil, err
		}
		j.stages = append(j.stages, st)
	}
	return j, nil
}

func seconds(s float64) time.Duration { return time.Duration(math.Round(s * float64(time.Second))) }

// instances names the teams that a declaration stands for.
func (t docTeam) instances() []string {
	if t.Quantity <= 1 {
		return []string{t.Name}
	}
	var out []string
	for i := 1; i <= int(t.Quantity); i++ {
		out = append(out, fmt.Sprintf("%s_%d", t.Name, i))
	}
	return out
}

// selected lists the indices of the instances that a name stands for.
func (j *judge) selected(name string) []int {
	for _, t := range j.doc.Teams {
		if t.Name != name {
			continue
		}
		var out []int
		for _, instance := range t.instances() {
			out = append(out, slices.Index(j.teams, instance))
		}
		return out
	}
	if i := slices.Index(j.teams, name); i >= 0 {
		return []int{i}
	}
	return nil
}

// at applies all expansions to an age: of each the last step that is due replaces the
// value; of two expansions with one target the later counts.
func (j *judge) at(age time.Duration) (*inForce, error) {
	out := &inForce{}
	for _, t := range j.doc.Teams {
		for range t.instances() {
			out.sizes = append(out.sizes, size{int(t.Min), int(t.Max)})
		}
	}
	rules := make([]docRule, len(j.doc.Rules))
	for i, r := range j.doc.Rules {
		rules[i] = docRule{}
		for k, v := range r {
			rules[i][k] = v
		}
	}
	for _, x := range j.doc.Expansions {
		var value any
		for _, s := range x.Steps {
			if seconds(float64(s.Wait)) <= age {
				value = s.Value
			}
		}
		if value == nil {
			continue
		}
		open, end := strings.Index(x.Target, "["), strings.LastIndex(x.Target, "].")
		names, property := x.Target[open+1:end], strings.TrimSpace(x.Target[end+2:])
		if strings.HasPrefix(strings.TrimSpace(x.Target), "rules") {
			for _, r := range rules {
				if r["name"] == strings.TrimSpace(names) {
					r[property] = value
				}
			}
			continue
		}
		n, _ := looseNumber(value)
		for _, name := range strings.Split(names, ",") {
			for _, i := range j.selected(strings.TrimSpace(name)) {
				if property == "minPlayers" {
					out.sizes[i].least = int(n)
				} else {
					out.sizes[i].most = int(n)
				}
			}
		}
	}
	for _, s := range out.sizes {
		out.total += s.most
	}
	for _, r := range rules {
		one, err := j.rule(r)
		if err != nil {
			return nil, err
		}
		out.rules = append(out.rules, one)
	}
	for _, r := range out.rules {
		for _, name := range r.named {
			for _, other := range out.rules {
				other.supporting = other.supporting || other.name == name
			}
		}
	}
	return out, nil
}

func (j *judge) oldestCounts() bool {
	return j.doc.Algorithm != nil && j.doc.Algorithm.ExpansionAgeSelection == "oldest"
}

// stage is what is in force for a candidate match at an instant.
func (j *judge) stage(groups []*group, now time.Time) *inForce {
	start := groups[0].ticket.StartAt
	for _, g := range groups {
		if at := g.ticket.StartAt; at.After(start) != j.oldestCounts() && !at.Equal(start) {
			start = at
		}
	}
	passed := 0
	for passed < len(j.waits) && j.waits[passed] <= now.Sub(start) {
		passed++
	}
	return j.stages[passed]
}

// admit makes a group of a ticket: defaults, and whether it can ever match.
func (j *judge) admit(t flexmatch.Ticket) *group {
	g := &group{ticket: t, backfill: t.Backfill || t.GameSessionARN != "", matchable: true}
	latency := slices.ContainsFunc(j.doc.Rules, func(r docRule) bool { return r["type"] == "latency" })
	for _, p := range t.Players {
		who := &person{id: p.ID, team: p.Team, attributes: map[string]flexmatch.Value{}}
		for _, a := range j.doc.Attributes {
			v, sent := p.Attributes[a.Name]
			if !sent {
				v = a.value()
			}
			if v.Kind == flexmatch.NoAttribute {
				g.matchable = false
			}
			v.Strings = distinct(v.Strings)
			who.attributes[a.Name] = v
		}
		if latency && len(p.LatencyInMs) == 0 {
			g.matchable = false
		}
		g.people = append(g.people, who)
	}
	return g
}

// value is the default, of kind NoAttribute without one.
func (a docAttribute) value() flexmatch.Value {
	switch d := a.Default.(type) {
	case string:
		if a.Type == "number" {
			n, _ := looseNumber(d)
			return flexmatch.Value{Kind: flexmatch.NumberAttribute, Number: n}
		}
		return flexmatch.Value{Kind: flexmatch.StringAttribute, String: d}
	case float64:
		return flexmatch.Value{Kind: flexmatch.NumberAttribute, Number: d}
	case []any:
		out := flexmatch.Value{Kind: flexmatch.StringListAttribute}
		for _, s := range d {
			out.Strings = append(out.Strings, s.(string))
		}
		return out
	case map[string]any:
		out := flexmatch.Value{Kind: flexmatch.StringNumberMapAttribute, Numbers: map[string]float64{}}
		for k, v := range d {
			out.Numbers[k], _ = looseNumber(v)
		}
		return out
	}
	return flexmatch.Value{}
}

// distinct keeps the first of equal strings.
func distinct(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// misshapen says what is wrong with the sizes of a match, "" when nothing is.
func (j *judge) misshapen(a assignment, st *inForce) string {
	total, backfills := 0, 0
	for i, people := range a.teams {
		if n := len(people); n < st.sizes[i].least || n > st.sizes[i].most {
			return fmt.Sprintf("team %s has %d players, not %d to %d", j.teams[i], n, st.sizes[i].least, st.sizes[i].most)
		}
		total += len(people)
	}
	for _, g := range a.groups {
		if g.backfill {
			backfills++
		}
	}
	switch {
	case backfills > 1:
		return fmt.Sprintf("%d backfills in one match", backfills)
	case backfills == 1 && len(a.groups) == 1:
		return "a backfill without a new ticket"
	case total == 0:
		return "a match of nobody"
	case backfills == 0 && total > st.total-j.additional:
		return fmt.Sprintf("%d players leave fewer than the %d slots that stay open", total, j.additional)
	}
	return ""
}

// misfilled compares a large match of single players with the documented walk: each
// player goes to the team with the most open slots, among those below their minimum as
// long as there are any.
func (j *judge) misfilled(a assignment, st *inForce) string {
	if !j.large() || slices.ContainsFunc(a.groups, func(g *group) bool { return g.backfill || len(g.people) > 1 }) {
		return ""
	}
	walk := make([]int, len(st.sizes))
	for range a.groups {
		next := -1
		for _, onlyWanting := range []bool{true, false} {
			for i, s := range st.sizes {
				if walk[i] == s.most || onlyWanting && walk[i] >= s.least {
					continue
				}
				if next < 0 || s.most-walk[i] > st.sizes[next].most-walk[next] {
					next = i
				}
			}
			if next >= 0 {
				break
			}
		}
		if next < 0 {
			return "more players than slots"
		}
		walk[next]++
	}
	for i, people := range a.teams {
		if len(people) != walk[i] {
			return fmt.Sprintf("team %s has %d players, the documented order fills %v", j.teams[i], len(people), walk)
		}
	}
	return ""
}

// broken lists the rules in force that the match does not satisfy, beyond doubt about
// rounding if certain is set, else possibly.
func (j *judge) broken(a assignment, st *inForce, certain bool) []string {
	var out []string
	verdicts := map[string]verdicts{}
	for _, r := range st.rules {
		v := r.check(j, a, verdicts)
		verdicts[r.name] = v
		if r.supporting {
			continue
		}
		if v == fails || !certain && v&fails != 0 {
			out = append(out, fmt.Sprintf("rule %s (%s) is broken", r.name, r.kind))
		}
	}
	return out
}

// violations lists everything that is wrong with a match made at an instant: teams,
// parties, seats, attributes and every rule in force.
func (j *judge) violations(m flexmatch.Match, tickets map[string]flexmatch.Ticket, now time.Time) []string {
	a, out := j.seat(m, tickets)
	if len(out) > 0 {
		return out
	}
	st := j.stage(a.groups, now)
	for _, g := range a.groups {
		if !g.matchable {
			out = append(out, fmt.Sprintf("ticket %s lacks an attribute or a latency", g.ticket.ID))
		}
	}
	if wrong := j.misshapen(a, st); wrong != "" {
		out = append(out, wrong)
	}
	if wrong := j.misfilled(a, st); wrong != "" {
		out = append(out, wrong)
	}
	if len(out) > 0 {
		return out
	}
	j.note(a, st, now)
	return j.broken(a, st, true)
}

// seat reads the teams of a match and checks that they are made of whole tickets.
func (j *judge) seat(m flexmatch.Match, tickets map[string]flexmatch.Ticket) (assignment, []string) {
	var wrong []string
	fail := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	a := assignment{teams: make([][]*person, len(j.teams))}
	expected := map[string]*person{} // by ticket and player
	owner := map[string]*group{}
	for i, id := range m.TicketIDs {
		t, ok := tickets[id]
		if !ok || slices.Contains(m.TicketIDs[:i], id) {
			fail("ticket %s is unknown or twice in the match", id)
			continue
		}
		g := j.admit(t)
		a.groups = append(a.groups, g)
		owner[id] = g
		for _, p := range g.people {
			expected[id+"/"+p.id] = p
		}
	}
	if len(m.Teams) != len(j.teams) {
		fail("%d teams, not %d", len(m.Teams), len(j.teams))
		return a, wrong
	}
	home := map[string]int{} // team of a ticket
	for i, team := range m.Teams {
		if team.Name != j.teams[i] {
			fail("team %d is called %s, not %s", i, team.Name, j.teams[i])
		}
		for _, p := range team.Players {
			key := p.TicketID + "/" + p.ID
			who := expected[key]
			if who == nil {
				fail("player %s is in no ticket of the match, or sits twice", key)
				continue
			}
			delete(expected, key)
			if g := owner[p.TicketID]; g.backfill && who.team != team.Name {
				fail("seated player %s was moved from %s to %s", key, who.team, team.Name)
			} else if first, known := home[p.TicketID]; !g.backfill && known && first != i {
				fail("the party %s is split", p.TicketID)
			}
			home[p.TicketID] = i
			if !sameAttributes(p.Attributes, who.attributes) {
				fail("player %s carries attributes %v, not %v", key, p.Attributes, who.attributes)
			}
			a.teams[i] = append(a.teams[i], who)
		}
	}
	for key := range expected {
		fail("player %s has no seat", key)
	}
	slices.Sort(wrong)
	return a, wrong
}

func sameAttributes(a, b map[string]flexmatch.Value) bool {
	if len(a) != len(b) {
		return false
	}
	for name, v := range a {
		w := b[name]
		if v.Kind != w.Kind || v.String != w.String || v.Number != w.Number || !slices.Equal(v.Strings, w.Strings) || len(v.Numbers) != len(w.Numbers) {
			return false
		}
		for k, n := range v.Numbers {
			if m, ok := w.Numbers[k]; !ok || m != n {
				return false
			}
		}
	}
	return true
}
