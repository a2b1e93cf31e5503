package flexmatch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/flexmatch"
)

// The judge itself, by the worked examples of Amazon's guide and by matches that are
// plainly wrong.

const judgedSet = `{"ruleLanguageVersion":"1.0",
	"playerAttributes":[{"name":"skill","type":"number","default":7},{"name":"modes","type":"string_list","default":[]}],
	"teams":[{"name":"red","minPlayers":1,"maxPlayers":2},{"name":"blue","minPlayers":1,"maxPlayers":2}],
	"rules":[%s],"expansions":[{"target":"teams[red,blue].maxPlayers","steps":[{"waitTimeSeconds":10,"value":3}]}]}`

func judged(t *testing.T, rules string) *judge {
	t.Helper()
	j, err := newJudge(fmt.Appendf(nil, judgedSet, rules), 0)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// soul is a ticket of one player of the same name.
func soul(id string, skill float64, modes ...string) flexmatch.Ticket {
	return flexmatch.Ticket{ID: id, StartAt: dawn, Players: []flexmatch.Player{{ID: id, Attributes: map[string]flexmatch.Value{
		"skill": {Kind: flexmatch.NumberAttribute, Number: skill}, "modes": {Kind: flexmatch.StringListAttribute, Strings: modes},
	}}}}
}

func TestTheJudgeReadsTheGuidesWorkedExamples(t *testing.T) {
	j := judged(t, "")
	a := assignment{teams: make([][]*person, 2)}
	for i, ticket := range []flexmatch.Ticket{soul("p1", 10, "a", "b"), soul("p2", 20, "a"), soul("p3", 40, "a", "c"), soul("p4", 60, "a")} {
		g := j.admit(ticket)
		a.groups, a.teams[i/2] = append(a.groups, g), append(a.teams[i/2], g.people...)
	}
	for expression, want := range map[string]string{
		"teams[red].players.attributes[skill]":                          "[{10 true} {20 true}]",
		"avg(teams[*].players.attributes[skill])":                       "[{15 true} {50 true}]",
		"max(avg(teams[*].players.attributes[skill]))":                  "{50 true}",
		"avg(flatten(teams[*].players.attributes[skill]))":              "{32.5 true}",
		"count(teams[*].players)":                                       "[{2 true} {2 true}]",
		"stddev(teams[red].players.attributes[skill])":                  "{5 false}",
		"set_intersection(flatten(teams[*].players.attributes[modes]))": "[a]",
		"flatten(teams[*].players[playerId])":                           "[p1 p2 p3 p4]",
		"flatten(teams[*].players.attributes[modes])":                   "[[a b] [a] [a c] [a]]",
	} {
		if got := fmt.Sprint(j.parse(expression).evaluate(a)); got != want {
			t.Errorf("%s is %s, want %s", expression, got, want)
		}
	}
}

func TestTheJudgeObjectsToWhatIsWrong(t *testing.T) {
	const close = `{"name":"close","type":"distance","measurements":["avg(teams[red].players.attributes[skill])"],"referenceValue":"avg(teams[blue].players.attributes[skill])","maxDistance":5}`
	seat := func(t flexmatch.Ticket) flexmatch.SeatedPlayer {
		return flexmatch.SeatedPlayer{ID: t.Players[0].ID, TicketID: t.ID, Attributes: t.Players[0].Attributes}
	}
	a, b, c, d := soul("a", 10), soul("b", 12), soul("c", 90), soul("d", 11)
	fill := soul("fill", 11)
	fill.Backfill, fill.Players[0].Team = true, "red"
	duo := soul("duo", 11)
	duo.Players = append(duo.Players, soul("duo2", 11).Players[0])
	lacking := flexmatch.Ticket{ID: "lacking", StartAt: dawn, Players: []flexmatch.Player{{ID: "lacking"}}}
	match := func(red, blue []flexmatch.Ticket) flexmatch.Match {
		out := flexmatch.Match{ID: "m", Teams: []flexmatch.Team{{Name: "red"}, {Name: "blue"}}}
		for i, team := range [][]flexmatch.Ticket{red, blue} {
			for _, ticket := range team {
				out.TicketIDs = append(out.TicketIDs, ticket.ID)
				out.Teams[i].Players = append(out.Teams[i].Players, seat(ticket))
			}
		}
		return out
	}
	good := match([]flexmatch.Ticket{a}, []flexmatch.Ticket{b})
	cases := []struct {
		name  string
		match flexmatch.Match
		age   time.Duration
		want  string // a part of the only objection; "" for none
	}{
		{"nothing is wrong", good, 0, ""},
		{"a rule is broken", match([]flexmatch.Ticket{a}, []flexmatch.Ticket{c}), 0, "rule close"},
		{"a team is empty", match([]flexmatch.Ticket{a, b}, nil), 0, "too few"},
		{"a team has too many", match([]flexmatch.Ticket{a, b, d}, []flexmatch.Ticket{fill}), 9 * time.Second, "fill was moved"},
		{"a team has many before it may", match([]flexmatch.Ticket{fill, a, b}, []flexmatch.Ticket{d}), 9 * time.Second, "too many"},
		{"a team has many when it may", match([]flexmatch.Ticket{fill, a, b}, []flexmatch.Ticket{d}), 10 * time.Second, ""},
		{"a backfill alone", match([]flexmatch.Ticket{fill}, nil), 0, "too few"},
		{"half a party", match([]flexmatch.Ticket{a}, []flexmatch.Ticket{duo}), 0, "duo2 has no seat"},
		{"a ticket twice", match([]flexmatch.Ticket{a}, []flexmatch.Ticket{a}), 0, "twice"},
		{"a stranger", match([]flexmatch.Ticket{a}, []flexmatch.Ticket{soul("stranger", 9)}), 0, "unknown"},
		{"another attribute than sent", func() flexmatch.Match {
			m := match([]flexmatch.Ticket{a}, []flexmatch.Ticket{b})
			m.Teams[0].Players[0].Attributes = c.Players[0].Attributes
			return m
		}(), 0, "carries attributes"},
		{"no default put in", match([]flexmatch.Ticket{a}, []flexmatch.Ticket{lacking}), 0, "carries attributes"},
		{"a team by another name", func() flexmatch.Match {
			m := match([]flexmatch.Ticket{a}, []flexmatch.Ticket{b})
			m.Teams = slices.Clone(m.Teams)
			m.Teams[1].Name = "green"
			return m
		}(), 0, "called green"},
	}
	tickets := map[string]flexmatch.Ticket{}
	for _, ticket := range []flexmatch.Ticket{a, b, c, d, fill, duo, lacking} {
		tickets[ticket.ID] = ticket
	}
	for _, one := range cases {
		t.Run(one.name, func(t *testing.T) {
			got := strings.Join(judged(t, close).violations(one.match, tickets, dawn.Add(one.age)), "; ")
			if (got == "") != (one.want == "") || !strings.Contains(got, one.want) {
				t.Errorf("objections %q, want %q", got, one.want)
			}
		})
	}
}

func TestTheJudgeIsUnsureOnlyOfRounding(t *testing.T) {
	third := num{0.1 + 0.2, false}
	for _, c := range []struct {
		a    num
		op   string
		b    num
		want verdicts
	}{
		{num{3, true}, "=", num{3, true}, passes},
		{num{3, true}, "<", num{3, true}, fails},
		{third, "=", num{0.3, true}, fails | passes},
		{third, "<=", num{0.3, true}, fails | passes},
		{third, "<=", num{0.4, true}, passes},
		{third, ">", num{0.4, true}, fails},
	} {
		if got := compare(c.a, c.op, c.b); got != c.want {
			t.Errorf("%v %s %v: %b, want %b", c.a, c.op, c.b, got, c.want)
		}
	}
	if got := decide("or(sure, unsure)", map[string]verdicts{"sure": passes, "unsure": fails | passes}); got != passes {
		t.Errorf("a sure argument leaves the disjunction %b", got)
	}
	if got := decide("xor(sure, unsure)", map[string]verdicts{"sure": passes, "unsure": fails | passes}); got != fails|passes {
		t.Errorf("an unsure argument makes the exclusive or %b", got)
	}
}
