package flexmatch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// seat is a player of one ticket in the tables below, with the attributes of
// ruleSetWith.
type seat struct {
	id      string
	skill   float64
	mode    string
	maps    []string
	roles   map[string]float64
	latency map[string]int
}

func party(id string, start float64, seats ...seat) Ticket {
	out := Ticket{ID: id, StartAt: at(start)}
	for _, s := range seats {
		p := Player{ID: s.id, LatencyInMs: s.latency, Attributes: map[string]Value{"skill": {Kind: NumberAttribute, Number: s.skill}}}
		if s.mode != "" {
			p.Attributes["mode"] = Value{Kind: StringAttribute, String: s.mode}
		}
		if s.maps != nil {
			p.Attributes["maps"] = Value{Kind: StringListAttribute, Strings: s.maps}
		}
		if s.roles != nil {
			p.Attributes["roles"] = Value{Kind: StringNumberMapAttribute, Numbers: s.roles}
		}
		out.Players = append(out.Players, p)
	}
	return out
}

// matchedTickets starts tickets at second 0 in one step and lists the matches.
func matchedTickets(set *RuleSet, tickets ...Ticket) []string {
	p := NewPool(Config{RuleSet: set})
	var in []Input
	for _, t := range tickets {
		in = append(in, Start{t})
	}
	var out []string
	for _, e := range p.Step(at(0), in...) {
		if m, ok := e.(Matched); ok {
			out = append(out, strings.Join(m.Match.TicketIDs, "+"))
		}
	}
	return out
}

func TestRulesDecideWhoMatches(t *testing.T) {
	pair := func(a, b seat) []Ticket {
		a.id, b.id = "pa", "pb"
		return []Ticket{party("a", 0, a), party("b", 0, b)}
	}
	x := func(ms int) map[string]int { return map[string]int{"x": ms} }
	cases := []struct {
		name, feature, rule string
		tickets             []Ticket
		want                bool
	}{
		{"a latency at the maximum passes", "latency: maxLatency", `"type":"latency","maxLatency":50`, pair(seat{latency: x(50)}, seat{latency: x(1)}), true},
		{"a latency above the maximum does not", "latency: maxLatency", `"type":"latency","maxLatency":50`, pair(seat{latency: x(51)}, seat{latency: x(1)}), false},
		{"good latencies to different locations do not", "latency: maxLatency", `"type":"latency","maxLatency":50`, pair(seat{latency: x(9)}, seat{latency: map[string]int{"y": 9}}), false},
		{"one common location is enough", "latency: maxLatency", `"type":"latency","maxLatency":50`, pair(seat{latency: map[string]int{"x": 9, "y": 99}}, seat{latency: x(9)}), true},
		{"a distance includes its bound", "distance: maxDistance", `"type":"distance","measurements":["teams[red].players.attributes[skill]"],"referenceValue":10,"maxDistance":5`, pair(seat{skill: 15}, seat{skill: 100}), true},
		{"a distance beyond its bound in both teams", "distance: maxDistance", `"type":"distance","measurements":["teams[*].players.attributes[skill]"],"referenceValue":10,"maxDistance":5`, pair(seat{skill: 15}, seat{skill: 16}), false},
		{"a list as reference is compared one by one", "reference that is a list: pairs", `"type":"distance","measurements":["avg(teams[*].players.attributes[skill])"],"referenceValue":"max(teams[*].players.attributes[skill])","maxDistance":0`, pair(seat{skill: 1}, seat{skill: 900}), true},
		{"greater is strict", "comparison operations", `"type":"comparison","measurements":["flatten(teams[*].players.attributes[skill])"],"operation":">","referenceValue":3`, pair(seat{skill: 4}, seat{skill: 3}), false},
		{"less or equal is not", "comparison with a reference", `"type":"comparison","measurements":["flatten(teams[*].players.attributes[skill])"],"operation":"<=","referenceValue":"4"`, pair(seat{skill: 4}, seat{skill: 3}), true},
		{"unlike a string", "comparison of strings", `"type":"comparison","measurements":["flatten(teams[*].players.attributes[mode])"],"operation":"!=","referenceValue":"coop"`, pair(seat{mode: "solo"}, seat{mode: "coop"}), false},
		{"contains counts lists once", "collection contains", `"type":"collection","measurements":["flatten(teams[*].players.attributes[maps])"],"operation":"contains","referenceValue":"a","maxCount":1`, pair(seat{maps: []string{"a", "a"}}, seat{maps: []string{"b"}}), true},
		{"contains without bounds wants one", "collection contains", `"type":"collection","measurements":["flatten(teams[*].players.attributes[maps])"],"operation":"contains","referenceValue":"z"`, pair(seat{}, seat{}), false},
		{"plain strings are lists of one", "collection: plain strings as lists of one", `"type":"collection","measurements":["flatten(teams[*].players.attributes[mode])"],"operation":"intersection","minCount":1`, pair(seat{mode: "a"}, seat{mode: "b"}), false},
		{"a literal list as reference", "collection reference_intersection_count", `"type":"collection","measurements":["flatten(teams[*].players.attributes[maps])"],"operation":"reference_intersection_count","referenceValue":["a","b"],"minCount":1`, pair(seat{maps: []string{"b"}}, seat{maps: []string{"a", "c"}}), true},
		{"a single string as reference", "collection reference_intersection_count", `"type":"collection","measurements":["flatten(teams[*].players.attributes[maps])"],"operation":"reference_intersection_count","referenceValue":"a","maxCount":0`, pair(seat{maps: []string{"b"}}, seat{maps: []string{"a"}}), false},
		{"equal strings of a batch", "batchDistance of strings", `"type":"batchDistance","batchAttribute":"mode"`, pair(seat{mode: "a"}, seat{mode: "a"}), true},
		{"different strings of a batch", "batchDistance of strings", `"type":"batchDistance","batchAttribute":"mode"`, pair(seat{mode: "a"}, seat{mode: "b"}), false},
		{"values of maps", "attribute of type string_number_map", `"type":"comparison","measurements":["max(flatten(teams[*].players.attributes[roles][tank]))"],"operation":">=","referenceValue":5`, pair(seat{roles: map[string]float64{"tank": 5}}, seat{roles: map[string]float64{"healer": 9}}), true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			Covers(t, c.feature)
			if strings.Contains(c.rule, "intersection") && !strings.Contains(c.rule, "reference") {
				Covers(t, "collection intersection")
			}
			set := mustParse(t, rules(`{"name":"r",`+c.rule+`}`))
			if got := matchedTickets(set, c.tickets...); (len(got) == 1) != c.want {
				t.Errorf("matches %v, want one: %v", got, c.want)
			}
		})
	}
}

func TestAPartyCountsByItsAggregate(t *testing.T) {
	Covers(t, "latency: partyAggregation", "batchDistance of numbers", "batchDistance: partyAggregation", "partyAggregation that changes nothing")
	duo := party("duo", 0, seat{id: "a", latency: map[string]int{"x": 40}, skill: 0}, seat{id: "b", latency: map[string]int{"x": 70}, skill: 100})
	solo := party("solo", 0, seat{id: "c", latency: map[string]int{"x": 10}, skill: 50})
	for rule, want := range map[string]bool{
		`"type":"latency","maxLatency":55`:                                                                          true,
		`"type":"latency","maxLatency":45,"partyAggregation":"min"`:                                                 true,
		`"type":"latency","maxLatency":69,"partyAggregation":"max"`:                                                 false,
		`"type":"batchDistance","batchAttribute":"skill","maxDistance":1`:                                           true,
		`"type":"batchDistance","batchAttribute":"skill","maxDistance":40,"partyAggregation":"max"`:                 false,
		`"type":"comparison","measurements":["players.attributes[skill]"],"operation":"=","partyAggregation":"avg"`: false,
	} {
		if got := matchedTickets(mustParse(t, rules(`{"name":"r",`+rule+`}`)), duo, solo); (len(got) == 1) != want {
			t.Errorf("%s: matches %v, want one: %v", rule, got, want)
		}
	}
}

func TestSortRulesOrderWhomTheAnchorMeets(t *testing.T) {
	Covers(t, "absoluteSort", "distanceSort")
	tickets := []Ticket{
		party("anchor", 0, seat{id: "p0", skill: 50, mode: "m", roles: map[string]float64{"tank": 9, "healer": 2}}),
		party("far", 0, seat{id: "p1", skill: 95, mode: "b", roles: map[string]float64{"tank": 1}}),
		party("near", 0, seat{id: "p2", skill: 52, mode: "a", roles: map[string]float64{"tank": 7, "healer": 5}}),
		party("low", 0, seat{id: "p3", skill: 1, mode: "z", roles: map[string]float64{"healer": 1}}),
	}
	base := `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"skill","type":"number"},{"name":"mode","type":"string"},
		{"name":"roles","type":"string_number_map"}],"teams":[{"name":"side","minPlayers":1,"maxPlayers":1,"quantity":2}],"rules":[%s]}`
	sort := func(kind, direction, attribute, more string) string {
		return fmt.Sprintf(`{"name":"%s%s","type":%q,"sortDirection":%q,"sortAttribute":%q%s}`, kind, attribute, kind, direction, attribute, more)
	}
	for _, c := range []struct{ name, rules, want string }{
		{"without sort rules by arrival", "", "far"},
		{"closest first", sort("distanceSort", "ascending", "skill", ""), "near"},
		{"furthest first", sort("distanceSort", "descending", "skill", ""), "low"},
		{"least first", sort("absoluteSort", "ascending", "skill", ""), "low"},
		{"by alphabet", sort("absoluteSort", "ascending", "mode", ""), "near"},
		{"by the anchor's best role, missing keys last", sort("absoluteSort", "descending", "roles", `,"mapKey":"maxValue"`), "near"},
		{"by the anchor's worst role", sort("absoluteSort", "ascending", "roles", `,"mapKey":"minValue"`), "low"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := matchedTickets(mustParse(t, fmt.Sprintf(base, c.rules)), tickets...)
			if len(got) != 2 || got[0] != "anchor+"+c.want {
				t.Errorf("matches %v, want the anchor with %s", got, c.want)
			}
		})
	}
}

func TestSortedBatchesKeepTheNearest(t *testing.T) {
	Covers(t, "batchingPreference sorted, sortByAttributes")
	set := mustParse(t, `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"skill","type":"number"}],
		"algorithm":{"batchingPreference":"sorted","sortByAttributes":["skill"]},
		"teams":[{"name":"all","minPlayers":3,"maxPlayers":3}]}`)
	var tickets []Ticket
	tickets = append(tickets, one("anchor", 0, 1e6))
	for i := range 2 * defaultLimits.candidates {
		tickets = append(tickets, one(fmt.Sprintf("t%d", i), 0, float64(i)))
	}
	got := matchedTickets(set, tickets...)
	if want := fmt.Sprintf("anchor+t%d+t%d", defaultLimits.candidates+1, defaultLimits.candidates+2); got[0] != want {
		t.Errorf("the first match is %s, want the oldest of the batch: %s", got[0], want)
	}
}

func TestCompoundsFollowThreeValues(t *testing.T) {
	Covers(t, "compound: and, or, not, xor")
	// "empty" measures a team that may be empty: it is undecided then.
	empty := `{"name":"empty","type":"comparison","measurements":["avg(teams[spare].players.attributes[skill])"],"operation":"=","referenceValue":-1}`
	pass := `{"name":"pass","type":"comparison","measurements":["count(teams[main].players)"],"operation":"=","referenceValue":2}`
	fail := `{"name":"fail","type":"comparison","measurements":["count(teams[main].players)"],"operation":"=","referenceValue":7}`
	for statement, want := range map[string]bool{
		"empty": true, "not(empty)": true, "and(empty, pass)": true, "and(empty, fail)": false,
		"or(empty, fail)": true, "xor(empty, pass)": true, "xor(pass, pass)": false, "xor(fail, pass)": true,
		"not(pass)": false, "not(fail)": true, "or(fail, fail, pass)": true, "and(pass, not(or(fail, fail)))": true, "xor(fail, fail)": false,
	} {
		set := mustParse(t, `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"skill","type":"number"}],
			"teams":[{"name":"main","minPlayers":2,"maxPlayers":2},{"name":"spare","minPlayers":0,"maxPlayers":1}],
			"rules":[`+strings.Join([]string{empty, pass, fail}, ",")+`,{"name":"c","type":"compound","statement":"`+statement+`"},
				{"name":"c2","type":"compound","statement":"or(or(empty,fail),pass)"}]}`)
		if got := matchedTickets(set, one("a", 0, 0), one("b", 0, 0)); (len(got) == 1) != want {
			t.Errorf("%s: matches %v, want one: %v", statement, got, want)
		}
	}
}

func TestExpansionsReplaceAnyProperty(t *testing.T) {
	Covers(t, "expansion of a rule's property", "steps replace each other")
	set := mustParse(t, ruleSetWith(`,
		"rules":[{"name":"r","type":"comparison","measurements":["flatten(teams[*].players.attributes[mode])"],"operation":"=","referenceValue":"gold"}],
		"expansions":[{"target":"rules[r].referenceValue","steps":[{"waitTimeSeconds":5,"value":"silver"},{"waitTimeSeconds":9,"value":"bronze"}]}]`))
	p := NewPool(Config{RuleSet: set})
	p.Step(at(0), Start{party("a", 0, seat{id: "a", mode: "bronze"})}, Start{party("b", 0, seat{id: "b", mode: "bronze"})},
		Start{party("c", 0, seat{id: "c", mode: "silver"})}, Start{party("d", 0, seat{id: "d", mode: "silver"})})
	wantTrace(t, p.Step(at(20)), "5 proposed m1 [c d]", "5 matched m1 [c d]", "9 proposed m2 [a b]", "9 matched m2 [a b]")
}

func TestSeatedPlayersCarryTheAttributesUsed(t *testing.T) {
	Covers(t, "default of an attribute", "attribute that is not declared", "attribute of type string_list")
	set := mustParse(t, rules())
	ticket := party("a", 0, seat{id: "a", skill: 3, maps: []string{"x", "y", "x"}})
	ticket.Players[0].Attributes["secret"] = Value{Kind: StringAttribute, String: "undeclared"}
	p := NewPool(Config{RuleSet: set})
	effects := p.Step(at(0), Start{ticket}, Start{one("b", 0, 1)})
	got := effects[len(effects)-1].(Matched).Match.Teams[0].Players[0].Attributes
	if len(got) != 4 || got["skill"].Number != 3 || got["mode"].String != "any" || !slices.Equal(got["maps"].Strings, []string{"x", "y"}) || got["roles"].Numbers["tank"] != 1 {
		t.Errorf("attributes %+v", got)
	}
}
