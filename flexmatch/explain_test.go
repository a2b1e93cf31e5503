package flexmatch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// Rule sets of the situations below.
const (
	explainDuel = `{"ruleLanguageVersion":"1.0",
		"playerAttributes":[{"name":"skill","type":"number"},{"name":"mode","type":"string","default":"any"}],
		"teams":[{"name":"red","minPlayers":1,"maxPlayers":1},{"name":"blue","minPlayers":1,"maxPlayers":1}],
		"rules":[
			{"name":"Close","type":"distance","measurements":["avg(teams[*].players.attributes[skill])"],
				"referenceValue":"avg(flatten(teams[*].players.attributes[skill]))","maxDistance":50},
			{"name":"SameMode","type":"comparison","measurements":["flatten(teams[*].players.attributes[mode])"],"operation":"="},
			{"name":"Nearby","type":"latency","maxLatency":100}],
		"expansions":[
			{"target":"rules[Close].maxDistance","steps":[{"waitTimeSeconds":10,"value":100},{"waitTimeSeconds":20,"value":200}]},
			{"target":"rules[Nearby].maxLatency","steps":[{"waitTimeSeconds":20,"value":150}]}]}`
	explainFour = `{"ruleLanguageVersion":"1.0",
		"playerAttributes":[{"name":"skill","type":"number","default":10},{"name":"roles","type":"string_list","default":["any"]}],
		"teams":[{"name":"team","minPlayers":2,"maxPlayers":2,"quantity":2}],
		"rules":[
			{"name":"Fair","type":"distance","measurements":["avg(teams[*].players.attributes[skill])"],
				"referenceValue":"avg(flatten(teams[*].players.attributes[skill]))","maxDistance":5},
			{"name":"Healers","type":"collection","operation":"contains","measurements":["flatten(teams[*].players.attributes[roles])"],
				"referenceValue":"healer","maxCount":2}],
		"expansions":[{"target":"teams[team].minPlayers","steps":[{"waitTimeSeconds":30,"value":1}]}]}`
	explainLiteral = `{"ruleLanguageVersion":"1.0",
		"playerAttributes":[{"name":"level","type":"number"}],
		"teams":[{"name":"red","minPlayers":1,"maxPlayers":2},{"name":"blue","minPlayers":1,"maxPlayers":2}],
		"rules":[{"name":"Grown","type":"comparison","measurements":["flatten(teams[*].players.attributes[level])"],
			"operation":">=","referenceValue":20}],
		"expansions":[{"target":"rules[Grown].referenceValue","steps":[{"waitTimeSeconds":10,"value":15}]}]}`
	explainEither = `{"ruleLanguageVersion":"1.0",
		"playerAttributes":[{"name":"skill","type":"number"},{"name":"rank","type":"number","default":0}],
		"teams":[{"name":"red","minPlayers":1,"maxPlayers":1},{"name":"blue","minPlayers":1,"maxPlayers":1}],
		"rules":[
			{"name":"BySkill","type":"distance","measurements":["teams[red].players.attributes[skill]"],"referenceValue":"avg(teams[blue].players.attributes[skill])","maxDistance":10},
			{"name":"ByRank","type":"distance","measurements":["teams[red].players.attributes[rank]"],"referenceValue":"avg(teams[blue].players.attributes[rank])","maxDistance":1},
			{"name":"Either","type":"compound","statement":"or(BySkill, ByRank)"}]}`
	explainCrew   = `{"ruleLanguageVersion":"1.0","teams":[{"name":"crew","minPlayers":3,"maxPlayers":3}]}`
	explainBattle = `{"ruleLanguageVersion":"1.0",
		"playerAttributes":[{"name":"skill","type":"number","default":10}],
		"algorithm":{"strategy":"balanced","balancedAttribute":"skill","batchingPreference":"largestPopulation"},
		"teams":[{"name":"storm","minPlayers":3,"maxPlayers":30},{"name":"calm","minPlayers":3,"maxPlayers":30}],
		"rules":[
			{"name":"Ping","type":"latency","maxLatency":100},
			{"name":"Alike","type":"batchDistance","batchAttribute":"skill","maxDistance":40}],
		"expansions":[{"target":"teams[storm, calm].minPlayers","steps":[{"waitTimeSeconds":30,"value":1}]}]}`
)

// skilled is a ticket of players with a skill and 50 ms to "here".
func skilled(id string, start float64, skills ...float64) Ticket {
	var seats []seat
	for i, s := range skills {
		seats = append(seats, seat{id: id + string(rune('a'+i)), skill: s, latency: map[string]int{"here": 50}})
	}
	return party(id, start, seats...)
}

func withMode(t Ticket, mode string) Ticket {
	for _, p := range t.Players {
		p.Attributes["mode"] = Value{Kind: StringAttribute, String: mode}
	}
	return t
}

func withLatency(t Ticket, ms map[string]int) Ticket {
	for i := range t.Players {
		t.Players[i].LatencyInMs = ms
	}
	return t
}

func withRoles(t Ticket, roles ...string) Ticket {
	for _, p := range t.Players {
		p.Attributes["roles"] = Value{Kind: StringListAttribute, Strings: roles}
	}
	return t
}

func withLevel(t Ticket, level float64) Ticket {
	for _, p := range t.Players {
		p.Attributes["level"] = Value{Kind: NumberAttribute, Number: level}
	}
	return t
}

func withoutSkill(t Ticket) Ticket {
	delete(t.Players[0].Attributes, "skill")
	return t
}

func ranked(id string, start, skill, rank float64) Ticket {
	t := party(id, start, seat{id: id, skill: skill})
	t.Players[0].Attributes["rank"] = Value{Kind: NumberAttribute, Number: rank}
	return t
}

// seatedIn is a backfill of a session with one player of skill 100 in each team.
func seatedIn(id string, start float64, teams ...string) Ticket {
	out := Ticket{ID: id, StartAt: at(start), GameSessionARN: "session of " + id}
	for _, team := range teams {
		out.Players = append(out.Players, Player{
			ID: id + " " + team, Team: team, LatencyInMs: map[string]int{"here": 50},
			Attributes: map[string]Value{"skill": {Kind: NumberAttribute, Number: 100}},
		})
	}
	return out
}

func TestExplanationsOfSituations(t *testing.T) {
	cases := []struct {
		name    string
		set     string
		config  Config
		now     float64
		tickets []Ticket // the first is explained
		want    string
	}{
		{"a lone ticket waits for company", explainDuel, Config{}, 4, []Ticket{skilled("me", 0, 100)}, `
Ticket me, 1 player, has been searching for 4 s, past 0 of 2 expansion steps.
No other ticket waits; it needs 1 player more.
The next expansion step comes in 6 s, at the age of 10 s, and changes rules[Close].maxDistance from 50 to 100.`},
		{
			"a rating out of reach comes within reach later", explainDuel,
			Config{RequestTimeout: time.Minute},
			4,
			[]Ticket{skilled("me", 0, 100), skilled("far", 1, 320), skilled("further", 2, 460), skilled("furthest", 2, 800)},
			`
Ticket me, 1 player, has been searching for 4 s, past 0 of 2 expansion steps, and times out in 56 s.
3 other tickets wait; none could be in a match with it now.
It needs 1 player more, 0 compatible.
The next becomes compatible in 17 s, at expansion step 2.
Rule Close keeps 3 tickets away: the nearest misses maxDistance 50 by 60 skill, the median by 130 skill; it lets the first in after 17 s.
The next expansion step comes in 6 s, at the age of 10 s, and changes rules[Close].maxDistance from 50 to 100.`,
		},
		{
			"an expansion after the time limit never comes", explainDuel,
			Config{RequestTimeout: 8 * time.Second},
			4,
			[]Ticket{skilled("me", 0, 100), skilled("far", 1, 320)},
			`
Ticket me, 1 player, has been searching for 4 s, past 0 of 2 expansion steps, and times out in 4 s.
1 other ticket waits; none could be in a match with it now.
It needs 1 player more, 0 compatible.
Rule Close keeps 1 ticket away: the nearest misses maxDistance 50 by 60 skill.`,
		},
		{
			"another mode is no matter of degree", explainDuel,
			Config{},
			4,
			[]Ticket{withMode(skilled("me", 0, 100), "day"), withMode(skilled("night", 1, 100), "night")},
			`
Ticket me, 1 player, has been searching for 4 s, past 0 of 2 expansion steps.
1 other ticket waits; none could be in a match with it now.
It needs 1 player more, 0 compatible.
Rule SameMode keeps 1 ticket away.
The next expansion step comes in 6 s, at the age of 10 s, and changes rules[Close].maxDistance from 50 to 100.`,
		},
		{
			"no location is good for both yet", explainDuel,
			Config{},
			4,
			[]Ticket{withLatency(skilled("me", 0, 100), map[string]int{"east": 20, "west": 120}), withLatency(skilled("west", 1, 100), map[string]int{"west": 30, "east": 220})},
			`
Ticket me, 1 player, has been searching for 4 s, past 0 of 2 expansion steps.
1 other ticket waits; none could be in a match with it now.
It needs 1 player more, 0 compatible.
The next becomes compatible in 17 s, at expansion step 2.
Rule Nearby keeps 1 ticket away: the nearest misses maxLatency 100 by 20 ms at west; it lets the first in after 17 s.
The next expansion step comes in 6 s, at the age of 10 s, and changes rules[Close].maxDistance from 50 to 100.`,
		},
		{
			"no location that both report", explainDuel,
			Config{},
			4,
			[]Ticket{withLatency(skilled("me", 0, 100), map[string]int{"east": 20}), withLatency(skilled("west", 1, 100), map[string]int{"west": 30})},
			`
Ticket me, 1 player, has been searching for 4 s, past 0 of 2 expansion steps.
1 other ticket waits; none could be in a match with it now.
It needs 1 player more, 0 compatible.
Rule Nearby keeps 1 ticket away.
The next expansion step comes in 6 s, at the age of 10 s, and changes rules[Close].maxDistance from 50 to 100.`,
		},
		{
			"two rules in the way of one candidate", explainDuel,
			Config{},
			4,
			[]Ticket{withMode(skilled("me", 0, 100), "day"), withMode(skilled("night", 1, 240), "night")},
			`
Ticket me, 1 player, has been searching for 4 s, past 0 of 2 expansion steps.
1 other ticket waits; none could be in a match with it now.
It needs 1 player more, 0 compatible.
Rule Close keeps 1 ticket away: the nearest misses maxDistance 50 by 20 skill; without the other rules it would let the first in after 7 s.
Rule SameMode keeps 1 ticket away.
The next expansion step comes in 6 s, at the age of 10 s, and changes rules[Close].maxDistance from 50 to 100.`,
		},
		{"a missing attribute", explainDuel, Config{}, 4, []Ticket{withoutSkill(skilled("me", 0, 100)), skilled("other", 0, 100)}, `
Ticket me, 1 player, has been searching for 4 s, past 0 of 2 expansion steps.
It can never match: player mea has no attribute skill and the rule set gives no default.`},
		{"no latency", explainDuel, Config{}, 4, []Ticket{withLatency(skilled("me", 0, 100), nil)}, `
Ticket me, 1 player, has been searching for 4 s, past 0 of 2 expansion steps.
It can never match: player mea reported no latency and the rule set has a latency rule.`},
		{"a party larger than any team", explainDuel, Config{}, 4, []Ticket{skilled("me", 0, 100, 120)}, `
Ticket me, 2 players, has been searching for 4 s, past 0 of 2 expansion steps.
It can never match: a party of 2 is larger than any team, which takes 1.`},
		{"no acceptable location at any step", explainDuel, Config{}, 25, []Ticket{withLatency(skilled("me", 0, 100), map[string]int{"east": 180, "west": 220})}, `
Ticket me, 1 player, has been searching for 25 s, past 2 of 2 expansion steps.
It can never match: no location is good enough for rule Nearby at any expansion step; the best misses maxLatency 150 by 30 ms at east.`},
		{"no acceptable location before the time limit", explainDuel, Config{RequestTimeout: 15 * time.Second}, 5, []Ticket{withLatency(skilled("me", 0, 100), map[string]int{"east": 120})}, `
Ticket me, 1 player, has been searching for 5 s, past 0 of 2 expansion steps, and times out in 10 s.
It can never match: no location is good enough for rule Nearby at any expansion step; the best misses maxLatency 100 by 20 ms at east.`},
		{"its own value breaks a rule on a constant", explainLiteral, Config{}, 5, []Ticket{withLevel(party("me", 0, seat{id: "p"}), 9)}, `
Ticket me, 1 player, has been searching for 5 s, past 0 of 1 expansion step.
It can never match: its own values break rule Grown at every expansion step (it misses referenceValue 15 by 6 level).`},
		{"its own value breaks a rule on a constant until an expansion", explainLiteral, Config{}, 5, []Ticket{withLevel(party("me", 0, seat{id: "p"}), 17), withLevel(party("x", 0, seat{id: "q"}), 30)}, `
Ticket me, 1 player, has been searching for 5 s, past 0 of 1 expansion step.
1 other ticket waits; none could be in a match with it now.
It needs 1 player more, 0 compatible.
The next becomes compatible in 5 s, at expansion step 1.
Rule Grown keeps 1 ticket away: the nearest misses referenceValue 20 by 3 level; it lets the first in after 5 s.
The next expansion step comes in 5 s, at the age of 10 s, and changes rules[Grown].referenceValue from 20 to 15.`},
		{"too few players", explainFour, Config{}, 5, []Ticket{skilled("me", 0, 10), skilled("a", 1, 10), skilled("b", 2, 12)}, `
Ticket me, 1 player, has been searching for 5 s, past 0 of 1 expansion step.
2 other tickets wait; 2 of them, with 2 players, could be in a match with it.
It needs 3 players more, 2 compatible.
The next expansion step comes in 25 s, at the age of 30 s, and changes teams[team_1].minPlayers from 2 to 1, teams[team_2].minPlayers from 2 to 1.`},
		{"teams that cannot be fair", explainFour, Config{}, 5, []Ticket{skilled("me", 0, 100), skilled("a", 1, 10), skilled("b", 2, 12), skilled("c", 2, 14)}, `
Ticket me, 1 player, has been searching for 5 s, past 0 of 1 expansion step.
3 other tickets wait; 3 of them, with 3 players, could be in a match with it.
The best match tried, of 4 players, breaks rule Fair: it misses maxDistance 5 by 16 skill.
Without breaking a rule, 3 players fit together.
The next expansion step comes in 25 s, at the age of 30 s, and changes teams[team_1].minPlayers from 2 to 1, teams[team_2].minPlayers from 2 to 1.`},
		{"too many of a kind", explainFour, Config{}, 5, []Ticket{withRoles(skilled("me", 0, 10), "healer"), withRoles(skilled("pair", 1, 10, 10), "healer"), skilled("c", 2, 14)}, `
Ticket me, 1 player, has been searching for 5 s, past 0 of 1 expansion step.
2 other tickets wait; 1 of them, with 1 player, could be in a match with it.
It needs 3 players more, 1 compatible.
Rule Healers keeps 1 ticket away: the nearest misses maxCount 2 by 1 string.
The next expansion step comes in 25 s, at the age of 30 s, and changes teams[team_1].minPlayers from 2 to 1, teams[team_2].minPlayers from 2 to 1.`},
		{"parties that do not fill the teams", explainFour, Config{}, 5, []Ticket{skilled("me", 0, 60), skilled("pair", 1, 40, 40), skilled("couple", 1, 80, 80)}, `
Ticket me, 1 player, has been searching for 5 s, past 0 of 1 expansion step.
2 other tickets wait; 2 of them, with 4 players, could be in a match with it.
The compatible parties do not fill the teams: the fullest match tried lacks 1 player.
The next expansion step comes in 25 s, at the age of 30 s, and changes teams[team_1].minPlayers from 2 to 1, teams[team_2].minPlayers from 2 to 1.`},
		{"a slot that the match leaves open", explainDuel, Config{AdditionalPlayers: 1}, 1, []Ticket{skilled("me", 0, 10), skilled("other", 0, 10)}, `
Ticket me, 1 player, has been searching for 1 s, past 0 of 2 expansion steps.
1 other ticket waits; 1 of them, with 1 player, could be in a match with it.
The compatible parties do not fill the teams: the fullest match tried lacks 1 player, and 1 slot stays open for later.
The next expansion step comes in 9 s, at the age of 10 s, and changes rules[Close].maxDistance from 50 to 100.`},
		{"a party that finds no room beside it", explainCrew, Config{}, 1, []Ticket{skilled("me", 0, 10, 10), skilled("pair", 0, 10, 10)}, `
Ticket me, 2 players, has been searching for 1 s.
1 other ticket waits; none could be in a match with it now.
It needs 1 player more, 0 compatible.
1 ticket finds no room in a match with it.`},
		{"a statement that neither rule satisfies", explainEither, Config{}, 3, []Ticket{ranked("me", 0, 100, 0), ranked("far", 0, 130, 3)}, `
Ticket me, 1 player, has been searching for 3 s.
1 other ticket waits; none could be in a match with it now.
It needs 1 player more, 0 compatible.
Rule Either, which is or(BySkill, ByRank), keeps 1 ticket away: the nearest misses maxDistance 1 of ByRank by 2 rank.`},
		{"a backfill without a slot", explainDuel, Config{}, 3, []Ticket{seatedIn("me", 0, "red", "blue")}, `
Backfill ticket me, 2 players, has been searching for 3 s, past 0 of 2 expansion steps.
It can never match: the session has 2 players and a match takes 2.`},
		{"a backfill that nobody can join", explainDuel, Config{}, 3, []Ticket{seatedIn("me", 0, "red"), skilled("far", 1, 400), seatedIn("other", 1, "red")}, `
Backfill ticket me, 1 player, has been searching for 3 s, past 0 of 2 expansion steps.
1 other ticket waits; none could be in a match with it now.
It needs 1 player more, 0 compatible.
The next becomes compatible in 18 s, at expansion step 2.
Rule Close keeps 1 ticket away: the nearest misses maxDistance 50 by 100 skill; it lets the first in after 18 s.
The next expansion step comes in 7 s, at the age of 10 s, and changes rules[Close].maxDistance from 50 to 100.`},
		{"a backfill that it could join but for its skill", explainDuel, Config{}, 3, []Ticket{skilled("me", 0, 400), seatedIn("session", 1, "red")}, `
Ticket me, 1 player, has been searching for 3 s, past 0 of 2 expansion steps.
1 other ticket waits; none could be in a match with it now.
It needs 1 player more, 0 compatible.
The next becomes compatible in 18 s, at expansion step 2.
Rule Close keeps 1 ticket away: the nearest misses maxDistance 50 by 100 skill; it lets the first in after 18 s.
The next expansion step comes in 7 s, at the age of 10 s, and changes rules[Close].maxDistance from 50 to 100.`},
		{"a large match short of players", explainBattle, Config{}, 5, []Ticket{skilled("me", 0, 10), skilled("a", 0, 20), skilled("b", 0, 30), skilled("far", 0, 90)}, `
Ticket me, 1 player, has been searching for 5 s, past 0 of 1 expansion step.
3 other tickets wait; 2 of them, with 2 players, could be in a match with it.
It needs 5 players more, 2 compatible.
Rule Alike keeps 1 ticket away: the nearest misses maxDistance 40 by 40 skill.
The next expansion step comes in 25 s, at the age of 30 s, and changes teams[storm].minPlayers from 3 to 1, teams[calm].minPlayers from 3 to 1.`},
		{"a large match whose players fit the ticket but not each other", explainBattle, Config{}, 5, []Ticket{skilled("me", 0, 50), skilled("a", 0, 20), skilled("b", 0, 20, 20), skilled("far", 0, 85), skilled("far2", 1, 85, 85)}, `
Ticket me, 1 player, has been searching for 5 s, past 0 of 1 expansion step.
4 other tickets wait; 4 of them, with 6 players, could be in a match with it.
The best match tried, of 7 players, breaks rule Alike: it misses maxDistance 40 by 25 skill.
Without breaking a rule, 4 players fit together.
The next expansion step comes in 25 s, at the age of 30 s, and changes teams[storm].minPlayers from 3 to 1, teams[calm].minPlayers from 3 to 1.`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var in []Input
			for _, ticket := range c.tickets {
				in = append(in, Start{ticket})
			}
			c.config.RuleSet = mustParse(t, c.set)
			p := NewPool(c.config)
			p.Step(at(c.now), in...)
			got, ok := p.Explain(c.tickets[0].ID)
			if !ok {
				t.Fatal("the pool does not know the ticket")
			}
			if text := got.Summary(); text != strings.TrimSpace(c.want) {
				t.Errorf("explained as\n%s\nwant\n%s", text, c.want)
			}
		})
	}
}

func TestExplanationsOfTicketsThatDoNotSearch(t *testing.T) {
	p := NewPool(Config{RuleSet: ownRuleSet(t, "open-1v1"), AcceptanceRequired: true})
	p.Step(at(0), Start{one("a", 0, 0)}, Start{one("b", 0, 0)})
	if x, _ := p.Explain("a"); x.Summary() != "Ticket a, 1 player, is in a match that waits to be accepted." || x.Standing.String() != "proposed" {
		t.Errorf("a proposed ticket: %s", x.Summary())
	}
	p.Step(at(1), accept("a", true), accept("b", true))
	if x, _ := p.Explain("a"); x.Summary() != "Ticket a, 1 player, is in a match that waits for a session." || x.Standing.String() != "placing" {
		t.Errorf("a ticket that is being placed: %s", x.Summary())
	}
	if _, ok := p.Explain("nobody"); ok {
		t.Error("a ticket that the pool does not know is explained")
	}
}

func TestAnExplanationLooksAtTheNearestOfManyTickets(t *testing.T) {
	p := NewPool(Config{RuleSet: ownRuleSet(t, "ranked-1v1")})
	in := []Input{Start{one("me", 5000, -1e6)}}
	for i := range 3000 {
		in = append(in, Start{one(fmt.Sprintf("t%d", i), float64(i)*3, float64(i)*1e6)})
	}
	p.Step(at(9000), in...)
	x, _ := p.Explain("me")
	if x.Waiting != 3000 || x.Considered != maxExplained || len(x.Rules) != 1 || x.Rules[0].Candidates != maxExplained {
		t.Errorf("%d wait, %d were looked at, rules %v", x.Waiting, x.Considered, x.Rules)
	}
	// 5000 s lies between t1666 and t1667, so that t1417 to t1916 are the nearest 500; half
	// of 1,417 million and one, less the 10,000 allowed, is missing.
	if got := x.Rules[0].Nearest.Amount; got != (1417e6+1e6)/2-10000 {
		t.Errorf("the nearest misses by %v", got)
	}
	if !strings.Contains(x.Summary(), "3000 other tickets wait, of which the nearest 500 by age were looked at") {
		t.Error(x.Summary())
	}
}

func TestExplanationsFromOutsideNeedTheTicket(t *testing.T) {
	c := Config{RuleSet: ownRuleSet(t, "ranked-1v1")}
	broken := one("broken", 0, 0)
	broken.Players = nil
	waiting := []Ticket{one("a", 0, 0), broken, one("b", 0, 10)}
	x, err := c.Explain(at(1), waiting, "a")
	if err != nil || x.Waiting != 1 || !x.Possible() || !strings.Contains(x.Summary(), "A match of 2 players is possible now.") {
		t.Errorf("%v, error %v", x.Summary(), err)
	}
	if _, err := c.Explain(at(1), waiting, "broken"); err == nil || err.Error() != `ticket "broken" has no players` {
		t.Errorf("a broken ticket: %v", err)
	}
	if _, err := c.Explain(at(1), waiting, "gone"); err == nil || err.Error() != `ticket "gone" is not among those that wait` {
		t.Errorf("an absent ticket: %v", err)
	}
}

func TestWhatAnExpansionChangesIsSpelledAsInTheRuleSet(t *testing.T) {
	set := mustParse(t, `{"ruleLanguageVersion":"1.0",
		"playerAttributes":[{"name":"skill","type":"number","default":1},{"name":"modes","type":"string_list","default":["a"]},
			{"name":"power","type":"string_number_map","default":{"a":1}},{"name":"other","type":"number","default":1}],
		"teams":[{"name":"duo","minPlayers":2,"maxPlayers":3,"quantity":2},{"name":"solo","minPlayers":1,"maxPlayers":2}],
		"rules":[
			{"name":"D","type":"distance","measurements":["avg(teams[*].players.attributes[skill])"],"referenceValue":10,"minDistance":1},
			{"name":"C","type":"comparison","measurements":["count(teams[solo].players)"],"referenceValue":"count(teams[duo_1].players)","operation":"="},
			{"name":"L","type":"collection","operation":"intersection","measurements":["flatten(teams[*].players.attributes[modes])"],"maxCount":2},
			{"name":"R","type":"collection","operation":"reference_intersection_count","measurements":["teams[duo].players.attributes[modes]"],"referenceValue":["a","b"],"minCount":1},
			{"name":"N","type":"latency","maxLatency":100},
			{"name":"B","type":"batchDistance","batchAttribute":"skill","maxDistance":5},
			{"name":"S","type":"absoluteSort","sortDirection":"ascending","sortAttribute":"skill"}],
		"expansions":[
			{"target":"teams[duo, solo].minPlayers","steps":[{"waitTimeSeconds":1,"value":0}]},
			{"target":"teams[solo].maxPlayers","steps":[{"waitTimeSeconds":1,"value":4}]},
			{"target":"rules[D].referenceValue","steps":[{"waitTimeSeconds":1,"value":"max(players.attributes[power][a])"}]},
			{"target":"rules[D].maxDistance","steps":[{"waitTimeSeconds":1,"value":7.5}]},
			{"target":"rules[C].operation","steps":[{"waitTimeSeconds":1,"value":"<="}]},
			{"target":"rules[L].maxCount","steps":[{"waitTimeSeconds":1,"value":4}]},
			{"target":"rules[R].referenceValue","steps":[{"waitTimeSeconds":1,"value":"set_intersection(flatten(teams[*].players.attributes[modes]))"}]},
			{"target":"rules[N].maxLatency","steps":[{"waitTimeSeconds":1,"value":200}]},
			{"target":"rules[B].batchAttribute","steps":[{"waitTimeSeconds":1,"value":"other"}]},
			{"target":"rules[S].sortDirection","steps":[{"waitTimeSeconds":1,"value":"descending"}]}]}`)
	var got []string
	for _, c := range set.changes(0, 1) {
		got = append(got, c.String())
	}
	want := []string{
		"teams[duo_1].minPlayers from 2 to 0",
		"teams[duo_2].minPlayers from 2 to 0",
		"teams[solo].minPlayers from 1 to 0",
		"teams[solo].maxPlayers from 2 to 4",
		"rules[D].referenceValue from 10 to max(players.attributes[power][a])",
		"rules[D].maxDistance from none to 7.5",
		"rules[C].operation from = to <=",
		"rules[L].maxCount from 2 to 4",
		`rules[R].referenceValue from ["a", "b"] to set_intersection(flatten(teams[*].players.attributes[modes]))`,
		"rules[N].maxLatency from 100 to 200",
		"rules[B].batchAttribute from skill to other",
		"rules[S].sortDirection from ascending to descending",
	}
	if !slices.Equal(got, want) {
		t.Errorf("changes\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, c := range []struct {
		teams []int
		want  string
	}{{[]int{0, 1, 2}, "*"}, {[]int{0, 1}, "duo"}, {[]int{0}, "duo_1"}, {[]int{0, 2}, "duo_1, solo"}, {[]int{1, 2}, "duo_2, solo"}} {
		if got := set.teamList(c.teams); got != c.want {
			t.Errorf("teams %v are %s, want %s", c.teams, got, c.want)
		}
	}
	measured := set.text(set.stages[0].rules[3].(*collectionRule).measurements[0])
	if measured != "teams[duo].players.attributes[modes]" {
		t.Errorf("a team with a quantity is written as %s", measured)
	}
}

// BenchmarkExplain explains one ticket of a pool in which none match.
func BenchmarkExplain(b *testing.B) {
	p := NewPool(Config{RuleSet: ownRuleSet(b, "ranked-1v1")})
	var in []Input
	for i := range 10_000 {
		in = append(in, Start{one(fmt.Sprintf("t%d", i), float64(i)/1000, float64(i)*1e6)})
	}
	p.Step(at(10), in...)
	b.ReportAllocs()
	for b.Loop() {
		p.Explain("t5000")
	}
}

func TestRulesThatReadPlayerIdsArePersonal(t *testing.T) {
	set := mustParse(t, `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"blocked","type":"string_list","default":[]}],
		"teams":[{"name":"side","minPlayers":1,"maxPlayers":1,"quantity":2}],
		"rules":[{"name":"blocks","type":"collection","measurements":["flatten(teams[*].players.attributes[blocked])"],"operation":"reference_intersection_count","referenceValue":"flatten(teams[*].players[playerId])","maxCount":0},
			{"name":"near","type":"latency","maxLatency":50},
			{"name":"both","type":"compound","statement":"and(blocks, near)"}]}`)
	for rule, want := range []bool{true, false, true} {
		if got := set.personal(rule); got != want {
			t.Errorf("rule %s is personal: %v", set.ruleNames[rule], got)
		}
	}
}
