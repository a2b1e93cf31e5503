package main

import (
	"strings"
	"testing"

	"muster"
)

func TestPartiesOfAModeAreConfigured(t *testing.T) {
	c, err := parseConfig("c.yaml", []byte(`
modes:
  - {name: usual, ruleSet: good.json}
  - {name: own, ruleSet: good.json, party: {maxSize: 2, rating: highest, requireReady: true}}
  - {name: alone, ruleSet: good.json, party: {maxSize: 1}}
`), files)
	if err != nil {
		t.Fatal(err)
	}
	want := []muster.PartyRules{{}, {MaxSize: 2, Rating: muster.HighestRating, RequireReady: true}, {MaxSize: 1}}
	for i, m := range c.musterModes() {
		if m.Party != want[i] {
			t.Errorf("mode %s has %+v, want %+v", m.Name, m.Party, want[i])
		}
	}
}

func TestEveryProblemOfPartiesIsToldWithItsKey(t *testing.T) {
	for _, c := range []struct{ name, party, want string }{
		{"larger than the largest team", `{maxSize: 3}`, "c.yaml:2: modes[0].party.maxSize: is 3, but the largest team has 2 places and a party is never split"},
		{"larger than a ticket", `{maxSize: 11}`, "c.yaml:2: modes[0].party.maxSize: lies between 1 and 10, not 11"},
		{"no size", `{maxSize: 0}`, "c.yaml:2: modes[0].party.maxSize: is at least 1, for players by themselves, not 0"},
		{"less than that", `{maxSize: -1}`, "c.yaml:2: modes[0].party.maxSize: lies between 1 and 10, not -1"},
		{"an unknown rating", `{rating: median}`, `c.yaml:2: modes[0].party.rating: "median" is not a choice; use own, average or highest`},
		{"readiness that is no truth", `{requireReady: maybe}`, `c.yaml:2: modes[0].party.requireReady: wants true or false, not "maybe"`},
		{"an unknown key", `{size: 3}`, "c.yaml:2: size: there is no such key in modes[0].party"},
		{"no group", `4`, `c.yaml:2: modes[0].party: wants a group of keys, not "4"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := problemsOf(t, "modes:\n  - {name: a, ruleSet: good.json, party: "+c.party+"}\n")
			if strings.Join(got, "\n") != c.want {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), c.want)
			}
		})
	}
}

func TestASizeIsNotJudgedByARuleSetThatIsBroken(t *testing.T) {
	for _, p := range problemsOf(t, "modes:\n  - {name: a, ruleSet: bad.json, party: {maxSize: 4}}\n") {
		if strings.Contains(p, "party") {
			t.Errorf("it says %s", p)
		}
	}
}
