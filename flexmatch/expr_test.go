package flexmatch

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// exprWorld is a draft with red = {p1, p2}, blue = {p3, p4} and an empty green.
func exprWorld(t testing.TB) (*draft, *scope) {
	t.Helper()
	set := mustParse(t, `{"ruleLanguageVersion":"1.0",
		"playerAttributes":[{"name":"skill","type":"number"},{"name":"modes","type":"string_list"},
			{"name":"class","type":"string","default":"mage"},{"name":"roles","type":"string_number_map","default":{}}],
		"teams":[{"name":"red","minPlayers":0,"maxPlayers":2},{"name":"blue","minPlayers":0,"maxPlayers":2},
			{"name":"green team","minPlayers":0,"maxPlayers":1},{"name":"duo","minPlayers":0,"maxPlayers":1,"quantity":2}]}`)
	d := newDraft(set, 0)
	add := func(id string, team int, skill float64, roles map[string]float64, modes ...string) {
		d.push(set.prepare(Ticket{ID: id, Players: []Player{{ID: id, Attributes: map[string]Value{
			"skill": {Kind: NumberAttribute, Number: skill},
			"modes": {Kind: StringListAttribute, Strings: modes},
			"roles": {Kind: StringNumberMapAttribute, Numbers: roles},
		}}}}), team)
	}
	add("p1", 0, 10, map[string]float64{"tank": 3}, "a", "b")
	add("p2", 0, 20, nil, "a")
	add("p3", 1, 40, map[string]float64{"tank": 5}, "a", "c")
	add("p4", 1, 60, nil, "a")
	return d, &scope{teams: set.groups, attributes: set.attributes}
}

// String prints a value as the tables below write it.
func (v value) String() string {
	switch v.kind {
	case numberValue:
		return fmt.Sprint(v.number)
	case textValue:
		return v.text
	case listValue:
		var parts []string
		for _, sub := range v.list {
			parts = append(parts, sub.String())
		}
		return "[" + strings.Join(parts, ",") + "]"
	case otherValue:
		return "*"
	}
	return "none"
}

func TestExpressionsYieldWhatTheGuideSays(t *testing.T) {
	d, s := exprWorld(t)
	for expression, want := range map[string]string{
		"teams[red].players.attributes[skill]":                               "[10,20]",
		"avg(teams[red,blue].players.attributes[skill])":                     "[15,50]",
		"max(avg(teams[blue, red].players.attributes[skill]))":               "50",
		"avg(flatten(teams[*].players.attributes[skill]))":                   "32.5",
		"count(teams[*].players)":                                            "[2,2,0,0,0]",
		"count(teams[*])":                                                    "5",
		"count (teams[*].players)":                                           "[2,2,0,0,0]",
		"count(teams[red].players)":                                          "2",
		"count(players)":                                                     "4",
		"teams[red,blue]":                                                    "[*,*]",
		"teams[red].players":                                                 "[*,*]",
		"team[red,blue].players":                                             "[[*,*],[*,*]]",
		"teams[red].players[playerId]":                                       "[p1,p2]",
		"teams[red].players[playerid]":                                       "[p1,p2]",
		"count(teams[red,blue].players.attributes[modes])":                   "[[2,1],[2,1]]",
		"count(flatten(teams[red,blue].players.attributes[modes]))":          "[2,1,2,1]",
		"count(flatten(flatten(teams[red,blue].players.attributes[modes])))": "6",
		"set_intersection(set_intersection(teams[red,blue].players.attributes[modes]))": "[a]",
		"stddev(teams[red,blue].players.attributes[skill])":                             "[5,10]",
		"median(teams[red,blue].players.attributes[skill])":                             "[15,50]",
		"max(teams[red,blue].players.attributes[skill])":                                "[20,60]",
		"sum(avg(teams[red,blue].players.attributes[skill]))":                           "65",
		"flatten(teams[red].players.attributes[modes])":                                 "[a,b,a]",
		"teams[duo].players[playerId]":                                                  "[[],[]]",
		"teams[duo_1].players[playerId]":                                                "[]",
		"stddev(teams[red].players.attributes[skill])":                                  "5",
		"set_intersection(flatten(teams[red,blue].players.attributes[modes]))":          "[a]",
		"flatten(teams[*].players[playerId])":                                           "[p1,p2,p3,p4]",
		"flatten( teams [ * ] . players [ PLAYERID ] )":                                 "[p1,p2,p3,p4]",
		"teams[*].players[playerId]":                                                    "[[p1,p2],[p3,p4],[],[],[]]",
		"teams[red,blue].players.attributes[modes]":                                     "[[[a,b],[a]],[[a,c],[a]]]",
		"flatten(teams[red,blue].players.attributes[modes])":                            "[[a,b],[a],[a,c],[a]]",
		"set_intersection(teams[red,blue].players.attributes[modes])":                   "[[a],[a]]",
		"median(flatten(teams[*].players.attributes[skill]))":                           "30",
		"median(teams[red].players.attributes[skill])":                                  "15",
		"sum(teams[*].players.attributes[skill])":                                       "[30,100,0,0,0]",
		"min(teams[*].players.attributes[skill])":                                       "[10,40,none,none,none]",
		"min(min(teams[*].players.attributes[skill]))":                                  "10",
		"avg(teams[green team].players.attributes[skill])":                              "none",
		"count(teams[duo].players)":                                                     "[0,0]",
		"count(teams[duo_2].players)":                                                   "0",
		"players.attributes[class]":                                                     "[mage,mage,mage,mage]",
		"max(players.attributes[roles][tank])":                                          "5",
		"teams[red].players.attributes[roles][tank]":                                    "[3]",
		"team[red]":         "*",
		"12.5":              "12.5",
		`'a quoted string'`: "a quoted string",
		"flatten(teams[red].players.attributes[skill])": "[10,20]",
	} {
		e, err := parseExpr(expression, s)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		for part, feature := range map[string]string{
			"teams[red]": "teams[name]", "teams[red,blue]": "teams[name, name]", "teams[*]": "teams[*]", "teams[duo]": "teams[name] of a team with a quantity",
			"[playerId]": "players[playerId]", "attributes[skill]": "attributes[name]", "[tank]": "attributes[name][key] of a map", "max(avg(": "functions repeat over outer lists",
		} {
			if strings.Contains(expression, part) {
				Covers(t, feature)
			}
		}
		for f := minFunction; f < numFunctions; f++ {
			if strings.Contains(expression, functionNames[f]+"(") {
				Covers(t, "function "+functionNames[f])
			}
		}
		if strings.HasPrefix(expression, "players") {
			Covers(t, "players: everyone in one list")
		}
		d.arena.reset()
		if got := d.eval(e).String(); got != want {
			t.Errorf("%s is %s, want %s", expression, got, want)
		}
	}
}

func TestExpressionsThatCannotBeReadSayWhy(t *testing.T) {
	Covers(t, "expressions that cannot be read")
	_, s := exprWorld(t)
	for expression, want := range map[string]string{
		"":                                         "character 1: expected teams",
		"mean(teams[red].players)":                 "one of the functions min, max",
		"teams[purple]":                            `no team "purple"; the teams are red, blue`,
		"teams[red].count":                         "expected .players",
		"teams[red].players.count":                 "expected .attributes",
		"teams[red].players[name]":                 "[playerId]",
		"teams[red].players.attributes[height]":    `"height" is not declared`,
		"teams[red].players.attributes[roles]":     "expected [key of the map roles]",
		"teams[red":                                "expected ']'",
		"avg(teams[red].players.attributes[skill":  "expected ']'",
		"avg(teams[red].players.attributes[skill]": "expected ')'",
		"avg teams":                                "expected '('",
		"avg(teams[red].players)":                  "avg takes a list of numbers",
		"avg(teams[red].players[playerId])":        "not a list of strings",
		"count(3)":                                 "count takes a list",
		"flatten(3)":                               "flatten takes",
		"set_intersection(teams[red].players[playerId])": "lists of strings",
		"teams[red] teams[blue]":                         `complete before "teams[blue]"`,
		"'open":                                          "not closed",
		"1e":                                             "not a number",
		strings.Repeat("flatten(", 40):                   "nested",
	} {
		_, err := parseExpr(expression, s)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", expression, err, want)
		}
	}
}

func TestBoundsHoldTheValueOfEveryCompletion(t *testing.T) {
	set := mustParse(t, ruleSetWith(""))
	s := &scope{teams: set.groups, attributes: set.attributes}
	entryOf := func(skill float64) *entry {
		return set.prepare(Ticket{ID: "x", Players: []Player{{ID: "x", Attributes: map[string]Value{"skill": {Kind: NumberAttribute, Number: skill}}}}})
	}
	for _, expression := range []string{
		"avg(teams[red].players.attributes[skill])", "sum(flatten(teams[*].players.attributes[skill]))",
		"max(teams[red].players.attributes[skill])", "min(flatten(teams[*].players.attributes[skill]))",
		"median(flatten(teams[*].players.attributes[skill]))", "max(avg(teams[*].players.attributes[skill]))",
		"count(teams[red].players)", "max(count(teams[*].players))", "sum(count(teams[*].players))",
		"avg(flatten(teams[*].players.attributes[skill]))", "stddev(teams[red].players.attributes[skill])",
	} {
		e, err := parseExpr(expression, s)
		if err != nil {
			t.Fatal(err)
		}
		d := newDraft(set, 0)
		d.ranges[0] = interval{-5, 30}
		d.push(entryOf(3), 0)
		d.push(entryOf(7), 1)
		bounds := d.bounds(e)
		for _, red := range []float64{-5, 0, 12, 30, math.NaN()} {
			for _, blue := range []float64{-5, 4, 30, math.NaN()} {
				pushed := 0
				for team, skill := range []float64{red, blue} {
					if !math.IsNaN(skill) { // NaN stands for nobody
						d.push(entryOf(skill), team)
						pushed++
					}
				}
				d.arena.reset()
				for i, v := range scalars(nil, d.eval(e)) {
					if b := bounds[i]; !b.unknown && (v.number < b.lo || v.number > b.hi) {
						t.Errorf("%s with %v and %v more is %v, outside %v", expression, red, blue, v.number, b.interval)
					}
				}
				for range pushed {
					d.pop()
				}
			}
		}
	}
}

func FuzzExpression(f *testing.F) {
	for _, seed := range []string{
		"avg(flatten(teams[*].players.attributes[skill]))", "set_intersection(flatten(teams[*].players.attributes[modes]))",
		"teams[red, blue].players[playerId]", "players.attributes[roles][tank]", "'x'", "-1.5e3", "count(teams[duo].players)",
	} {
		f.Add(seed)
	}
	d, s := exprWorld(f)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseExpr(text, s)
		if err != nil {
			if err.Error() == "" || e != nil {
				t.Fatalf("expression %v and error %q", e, err)
			}
			return
		}
		d.arena.reset()
		v := d.eval(e)
		for range e.typ.depth {
			if v.kind != listValue {
				t.Fatalf("%q is a %v but yields %v", text, e.typ, v)
			}
			if len(v.list) == 0 {
				return
			}
			v = v.list[0]
		}
		if v.kind == listValue {
			t.Fatalf("%q is a %v but its elements are lists", text, e.typ)
		}
		d.bounds(e)
	})
}
