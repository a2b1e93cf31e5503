package flexmatch

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The oracle judges matches with predicates written in plain Go beside the JSON of
// each rule. It shares no code with the compiled rules and knows no search: it tries
// every combination.

type oraclePlayer struct {
	id      string
	skill   float64
	mode    string
	modes   []string
	blocked []string
	latency map[string]int
	team    int // backfill only
}

type oracleTicket struct {
	id       string
	start    float64
	backfill bool
	players  []*oraclePlayer
}

// oracleMatch is a complete assignment. age is that of its newest ticket (or oldest).
type oracleMatch struct {
	tickets []*oracleTicket
	teams   [][]*oraclePlayer
	age     float64
}

func (m oracleMatch) everyone() []*oraclePlayer { return slices.Concat(m.teams...) }

func skills(players []*oraclePlayer) []float64 {
	var out []float64
	for _, p := range players {
		out = append(out, p.skill)
	}
	return out
}

func mean(list []float64) float64 {
	sum := 0.0
	for _, n := range list {
		sum += n
	}
	return sum / float64(len(list))
}

// oracleRule is a rule in both forms. After wait seconds an expansion puts grown in
// place of limit; a wait of 0 is no expansion.
type oracleRule struct {
	json     string // without name
	property string // what an expansion replaces
	holds    func(m oracleMatch, limit float64) bool
	limit    float64
	wait     float64
	grown    float64
	support  bool // counts only through a compound
}

func (r oracleRule) at(m oracleMatch) bool {
	limit := r.limit
	if r.wait > 0 && m.age >= r.wait {
		limit = r.grown
	}
	return r.holds(m, limit)
}

type oracleTeam struct{ least, most int }

type oracleSet struct {
	teams  []oracleTeam
	rules  []oracleRule
	oldest bool
	// After shrinkWait seconds the first team's minimum is shrinkTo; 0: no expansion.
	shrinkWait float64
	shrinkTo   int
	// compound is what statement says of the results of all rules; nil without.
	compound   func(results []bool) bool
	statement  string
	additional int
}

func (s oracleSet) json() string {
	var teams, rules, expansions []string
	for i, t := range s.teams {
		teams = append(teams, fmt.Sprintf(`{"name":"t%d","minPlayers":%d,"maxPlayers":%d}`, i, t.least, t.most))
	}
	for i, r := range s.rules {
		rules = append(rules, fmt.Sprintf(`{"name":"r%d",%s}`, i, r.json))
		if r.wait > 0 {
			expansions = append(expansions, fmt.Sprintf(`{"target":"rules[r%d].%s","steps":[{"waitTimeSeconds":%v,"value":%v}]}`, i, r.property, r.wait, r.grown))
		}
	}
	if s.statement != "" {
		rules = append(rules, fmt.Sprintf(`{"name":"both","type":"compound","statement":%q}`, s.statement))
	}
	if s.shrinkWait > 0 {
		expansions = append(expansions, fmt.Sprintf(`{"target":"teams[t0].minPlayers","steps":[{"waitTimeSeconds":%v,"value":%d}]}`, s.shrinkWait, s.shrinkTo))
	}
	algorithm := ""
	if s.oldest {
		algorithm = `"algorithm":{"expansionAgeSelection":"oldest"},`
	}
	return fmt.Sprintf(`{"ruleLanguageVersion":"1.0",%s
		"playerAttributes":[{"name":"skill","type":"number"},{"name":"mode","type":"string"},
			{"name":"modes","type":"string_list"},{"name":"blocked","type":"string_list"}],
		"teams":[%s],"rules":[%s],"expansions":[%s]}`,
		algorithm, strings.Join(teams, ","), strings.Join(rules, ","), strings.Join(expansions, ","))
}

// holds judges a complete assignment at an instant.
func (s oracleSet) holds(m oracleMatch, now float64) bool {
	newest, oldest, backfills, total, most := 0.0, math.Inf(1), 0, 0, 0
	for i, t := range m.tickets {
		if i == 0 || t.start > newest {
			newest = t.start
		}
		oldest = min(oldest, t.start)
		if t.backfill {
			backfills++
		}
	}
	m.age = now - newest
	if s.oldest {
		m.age = now - oldest
	}
	if backfills > 1 || backfills == 1 && len(m.tickets) == 1 || len(m.tickets) == 0 {
		return false
	}
	for i, players := range m.teams {
		least := s.teams[i].least
		if i == 0 && s.shrinkWait > 0 && m.age >= s.shrinkWait {
			least = s.shrinkTo
		}
		if len(players) < least || len(players) > s.teams[i].most {
			return false
		}
		total, most = total+len(players), most+s.teams[i].most
	}
	if backfills == 0 && total > most-s.additional {
		return false
	}
	var results []bool
	for _, r := range s.rules {
		ok := r.at(m)
		results = append(results, ok)
		if !ok && !r.support {
			return false
		}
	}
	return s.compound == nil || s.compound(results)
}

// best tries every combination of tickets that has the anchor and returns the most
// players that a match can have, 0 without any, and the oldest tickets for it.
func (s oracleSet) best(anchor *oracleTicket, rest []*oracleTicket, now float64) (best int, oldest []string) {
	var ages []int
	m := oracleMatch{teams: make([][]*oraclePlayer, len(s.teams))}
	var try func(list []*oracleTicket, must bool)
	try = func(list []*oracleTicket, must bool) {
		if len(list) == 0 {
			var mine []int
			var ids []string
			for _, ticket := range m.tickets {
				mine, ids = append(mine, slices.Index(rest, ticket)), append(ids, ticket.id)
			}
			n := len(m.everyone())
			if n >= max(best, 1) && (n > best || slices.Compare(mine, ages) < 0) && s.holds(m, now) {
				best, ages, oldest = n, mine, ids
			}
			return
		}
		t, before := list[0], m
		if !must {
			try(list[1:], false)
		}
		place := func(team func(*oraclePlayer) int) {
			m = oracleMatch{tickets: append(slices.Clone(before.tickets), t), teams: slices.Clone(before.teams)}
			for _, p := range t.players {
				m.teams[team(p)] = append(slices.Clone(m.teams[team(p)]), p)
			}
			for i, players := range m.teams {
				if len(players) > s.teams[i].most {
					m = before
					return
				}
			}
			try(list[1:], false)
			m = before
		}
		if t.backfill {
			place(func(p *oraclePlayer) int { return p.team })
			return
		}
		for i := range s.teams {
			place(func(*oraclePlayer) int { return i })
		}
	}
	try(append([]*oracleTicket{anchor}, rest...), true)
	return best, oldest
}

func drawSet(t *rapid.T) oracleSet {
	var s oracleSet
	for range rapid.IntRange(1, 3).Draw(t, "teams") {
		least := rapid.IntRange(0, 2).Draw(t, "least")
		s.teams = append(s.teams, oracleTeam{least, max(1, least+rapid.IntRange(0, 2).Draw(t, "more"))})
	}
	for range rapid.IntRange(0, 3).Draw(t, "rules") {
		r := rapid.SampledFrom(oracleRules).Draw(t, "rule")(t)
		if r.property != "" && rapid.Bool().Draw(t, "expands") {
			r.wait = float64(rapid.IntRange(1, 8).Draw(t, "wait"))
			r.grown = float64(rapid.IntRange(0, 60).Draw(t, "grown"))
		}
		s.rules = append(s.rules, r)
	}
	s.oldest = rapid.Bool().Draw(t, "oldest")
	if rapid.Bool().Draw(t, "shrinks") {
		s.shrinkWait = float64(rapid.IntRange(1, 8).Draw(t, "shrinkWait"))
		s.shrinkTo = rapid.IntRange(0, s.teams[0].least).Draw(t, "shrinkTo")
	}
	s.additional = rapid.IntRange(0, 1).Draw(t, "additional")
	usable := func(i int) bool { return !strings.Contains(s.rules[i].json, "batchDistance") }
	if len(s.rules) >= 2 && usable(0) && usable(1) && rapid.Bool().Draw(t, "combines") {
		s.rules[0].support, s.rules[1].support = true, true
		switch rapid.SampledFrom([]string{"and", "or", "xor", "not"}).Draw(t, "operator") {
		case "and":
			s.statement, s.compound = "and(r0,r1)", func(r []bool) bool { return r[0] && r[1] }
		case "or":
			s.statement, s.compound = "or( r0 , r1 )", func(r []bool) bool { return r[0] || r[1] }
		case "xor":
			s.statement, s.compound = "or(xor(r0, r1), r0)", func(r []bool) bool { return r[0] != r[1] || r[0] }
		case "not":
			s.statement, s.compound = "or(not(and(r0,r1)), r1)", func(r []bool) bool { return !(r[0] && r[1]) || r[1] }
		}
	}
	return s
}

func drawTicket(t *rapid.T, s oracleSet, id int, start float64) *oracleTicket {
	out := &oracleTicket{id: fmt.Sprintf("ticket-%d", id), start: start, backfill: rapid.IntRange(0, 5).Draw(t, "kind") == 0}
	modes := []string{"a", "b", "c"}
	for i := range rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, "size") {
		p := &oraclePlayer{id: fmt.Sprintf("p%d-%d", id, i), latency: map[string]int{}}
		p.skill = float64(rapid.IntRange(0, 10).Draw(t, "skill"))
		p.mode = rapid.SampledFrom(modes[:2]).Draw(t, "mode")
		for _, mode := range modes {
			if rapid.Bool().Draw(t, "has "+mode) {
				p.modes = append(p.modes, mode)
			}
		}
		if rapid.IntRange(0, 2).Draw(t, "blocks") == 0 {
			p.blocked = append(p.blocked, fmt.Sprintf("p%d-0", rapid.IntRange(0, 5).Draw(t, "whom")))
		}
		p.latency["x"] = rapid.IntRange(1, 100).Draw(t, "x")
		if rapid.Bool().Draw(t, "reports y") {
			p.latency["y"] = rapid.IntRange(1, 100).Draw(t, "y")
		}
		p.team = rapid.IntRange(0, len(s.teams)-1).Draw(t, "team")
		out.players = append(out.players, p)
	}
	return out
}

func (o *oracleTicket) ticket() Ticket {
	out := Ticket{ID: o.id, StartAt: at(o.start), Backfill: o.backfill}
	for _, p := range o.players {
		player := Player{ID: p.id, LatencyInMs: p.latency, Attributes: map[string]Value{
			"skill":   {Kind: NumberAttribute, Number: p.skill},
			"mode":    {Kind: StringAttribute, String: p.mode},
			"modes":   {Kind: StringListAttribute, Strings: p.modes},
			"blocked": {Kind: StringListAttribute, Strings: p.blocked},
		}}
		if o.backfill {
			player.Team = fmt.Sprintf("t%d", p.team)
		}
		out.Players = append(out.Players, player)
	}
	return out
}

// fillTeamsForCompound drops the two-valued oracle's blind spot: inside a compound, a rule without
// anything to measure is undecided, which only a three-valued oracle could follow. Such
// sets have every team filled.
func (s *oracleSet) fillTeamsForCompound() {
	if s.statement == "" {
		return
	}
	for i := range s.teams {
		s.teams[i].least = max(s.teams[i].least, 1)
		s.teams[i].most = max(s.teams[i].most, s.teams[i].least)
	}
	s.shrinkTo = max(s.shrinkTo, 1)
}

// oracleWorld follows a pool and knows which tickets wait.
type oracleWorld struct {
	set     oracleSet
	waiting []*oracleTicket // by age
	players map[string]*oraclePlayer
	tickets map[string]*oracleTicket
}

func (w *oracleWorld) add(o *oracleTicket) {
	w.waiting = append(w.waiting, o)
	slices.SortStableFunc(w.waiting, func(a, b *oracleTicket) int {
		if a.start < b.start {
			return -1
		} else if a.start > b.start {
			return 1
		}
		return 0
	})
	w.tickets[o.id] = o
	for _, p := range o.players {
		w.players[p.id] = p
	}
}

// take checks a match with the oracle's own predicates and removes its tickets.
func (w *oracleWorld) take(t *rapid.T, m Match, now float64) {
	own := oracleMatch{}
	seen := map[string]bool{}
	for _, id := range m.TicketIDs {
		own.tickets = append(own.tickets, w.tickets[id])
		i := slices.Index(w.waiting, w.tickets[id])
		if i < 0 {
			t.Fatalf("ticket %s was not waiting", id)
		}
		w.waiting = slices.Delete(w.waiting, i, i+1)
	}
	for i, team := range m.Teams {
		var players []*oraclePlayer
		for _, p := range team.Players {
			seen[p.ID] = true
			players = append(players, w.players[p.ID])
			if w.tickets[p.TicketID].backfill && w.players[p.ID].team != i {
				t.Fatalf("seated player %s was moved to %s", p.ID, team.Name)
			}
		}
		own.teams = append(own.teams, players)
	}
	for _, ticket := range own.tickets {
		teams := map[string]bool{}
		for _, p := range ticket.players {
			if !seen[p.id] {
				t.Fatalf("player %s of ticket %s is in no team", p.id, ticket.id)
			}
			for _, team := range m.Teams {
				if slices.ContainsFunc(team.Players, func(s SeatedPlayer) bool { return s.ID == p.id }) {
					teams[team.Name] = true
				}
			}
		}
		if !ticket.backfill && len(teams) != 1 {
			t.Fatalf("the party %s was split over %d teams", ticket.id, len(teams))
		}
	}
	if !w.set.holds(own, now) {
		t.Fatalf("at %v s the match %v breaks a rule in force\n%s", now, m, w.set.json())
	}
}

func newOracleWorld(set oracleSet) *oracleWorld {
	return &oracleWorld{set: set, players: map[string]*oraclePlayer{}, tickets: map[string]*oracleTicket{}}
}

func parseForRapid(t *rapid.T, body string) *RuleSet {
	set, err := ParseRuleSet([]byte(body))
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return set
}

func TestOnePassFindsWhatTryingEverythingFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSet(t)
		s.fillTeamsForCompound()
		pool := NewPool(Config{RuleSet: parseForRapid(t, s.json()), AdditionalPlayers: s.additional})
		w := newOracleWorld(s)
		var in []Input
		for i := range rapid.IntRange(1, 6).Draw(t, "tickets") {
			o := drawTicket(t, s, i, float64(rapid.IntRange(0, 9).Draw(t, "start")))
			in = append(in, Start{o.ticket()})
			w.add(o)
		}
		const now = 10
		var matches []Match
		for _, e := range pool.Step(at(now), in...) {
			if m, ok := e.(Matched); ok {
				matches = append(matches, m.Match)
			}
		}
		// Anchors from the oldest: each must get a match of the size the oracle finds.
		for i := 0; i < len(w.waiting); {
			anchor := w.waiting[i]
			best, oldest := s.best(anchor, w.waiting[i+1:], now)
			if best == 0 {
				i++
				continue
			}
			if len(matches) == 0 {
				t.Fatalf("no match for %s, although one of %d players exists\n%s", anchor.id, best, s.json())
			}
			m := matches[0]
			matches = matches[1:]
			if m.TicketIDs[0] != anchor.id {
				t.Fatalf("the match is around %s, not the oldest possible %s\n%s", m.TicketIDs[0], anchor.id, s.json())
			}
			n := 0
			for _, team := range m.Teams {
				n += len(team.Players)
			}
			if n != best {
				t.Fatalf("the match around %s has %d players, %d were possible\n%s", anchor.id, n, best, s.json())
			}
			// With expansions it is not defined which of two sets of tickets is the older.
			if !strings.Contains(s.json(), "waitTimeSeconds") && !slices.Equal(m.TicketIDs, oldest) {
				t.Fatalf("the match has tickets %v, the older %v could have it\n%s", m.TicketIDs, oldest, s.json())
			}
			w.take(t, m, now)
		}
		if len(matches) > 0 {
			t.Fatalf("matches that the oracle does not know: %v\n%s", matches, s.json())
		}
	})
}

func TestNothingThatCouldMatchIsLeftWaiting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSet(t)
		s.fillTeamsForCompound()
		pool := NewPool(Config{RuleSet: parseForRapid(t, s.json()), AdditionalPlayers: s.additional})
		w := newOracleWorld(s)
		now := 0.0
		for i := range rapid.IntRange(1, 7).Draw(t, "steps") {
			now += float64(rapid.IntRange(0, 5).Draw(t, "pause"))
			var in []Input
			if len(w.waiting) < 5 && rapid.IntRange(0, 3).Draw(t, "arrives") > 0 {
				o := drawTicket(t, s, i, now-float64(rapid.IntRange(0, 2).Draw(t, "delay")))
				in = append(in, Start{o.ticket()})
				w.add(o)
			}
			for _, e := range pool.Step(at(now), in...) {
				if m, ok := e.(Matched); ok {
					w.take(t, m.Match, m.At.Sub(epoch).Seconds())
				}
			}
			for j, anchor := range w.waiting {
				if best, _ := s.best(anchor, w.waiting[j+1:], now); best > 0 {
					t.Fatalf("at %v s a match of %d players around %s is left\n%s", now, best, anchor.id, s.json())
				}
			}
			if next, ok := pool.Deadline(); ok && !next.After(at(now)) {
				t.Fatalf("after the step to %v s the deadline is %v", now, next.Sub(epoch))
			}
		}
	})
}
