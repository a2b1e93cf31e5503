package main

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"muster"
)

const goodRules = `{"ruleLanguageVersion":"1.0","teams":[{"name":"red","minPlayers":1,"maxPlayers":2},{"name":"blue","minPlayers":1,"maxPlayers":2}]}`

// files reads rule sets from memory.
func files(name string) ([]byte, error) {
	switch name {
	case "good.json":
		return []byte(goodRules), nil
	case "bad.json":
		return []byte("{\n \"teams\": 1\n}"), nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func TestTheBuiltInConfigurationIsValid(t *testing.T) {
	c, err := (&upCmd{}).config()
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Modes) != 2 || c.Modes[0].Name != "duel" || len(c.musterModes()[0].Teams) != 2 {
		t.Errorf("modes are %+v", c.musterModes())
	}
}

func TestAConfigurationIsReadWithItsDefaults(t *testing.T) {
	c, err := parseConfig("muster.yaml", []byte(`
modes:
  - name: quick
    ruleSet: good.json
    acceptanceTimeoutSeconds: 7
    attributes:
      skill: {from: rating, min: 0, max: 5000}
      map: {from: client, choices: [harbour, tower]}
      tier: {from: const, value: 3}
      tags: {from: const, value: [a, b]}
      level: {from: player, field: level, value: novice}
`), files)
	if err != nil {
		t.Fatal(err)
	}
	m := c.musterModes()[0]
	if m.Configuration != "quick" || m.Title != "quick" || m.AcceptanceTimeout != 7*time.Second || c.Modes[0].RequestTimeoutSeconds != 300 {
		t.Errorf("the mode is %+v", m)
	}
	if len(m.Teams) != 2 || m.Teams[1] != (muster.ModeTeam{Name: "blue", MinPlayers: 1, MaxPlayers: 2}) {
		t.Errorf("the teams are %+v", m.Teams)
	}
	if v := m.Attributes["tier"].Value; v == nil || v.N == nil || *v.N != 3 {
		t.Errorf("a constant number is %+v", v)
	}
	if v := m.Attributes["tags"].Value; v == nil || len(v.SL) != 2 {
		t.Errorf("a constant list is %+v", v)
	}
	if v := m.Attributes["level"].Value; v == nil || v.S == nil || *v.S != "novice" {
		t.Errorf("a default is %+v", v)
	}
	if c.Locations[0] != "custom-local" || c.GameServers.Spare != 4 || c.GameServers.Max != 32 {
		t.Errorf("the defaults are %+v %+v", c.Locations, c.GameServers)
	}
}

func TestEveryProblemOfAConfigurationIsNamedWithItsLine(t *testing.T) {
	cases := []struct {
		name, body string
		says       []string
	}{
		{"an empty file", "", []string{"c.yaml: ", "empty"}},
		{"no modes", "locations: [custom-a]\n", []string{"c.yaml:1: modes: at least one mode"}},
		{"a mode without a rule set", "modes:\n  - name: a\n", []string{"c.yaml:2: modes[0].ruleSet: names the file"}},
		{"a rule set that is not there", "modes:\n  - name: a\n    ruleSet: gone.json\n", []string{"c.yaml:3: modes[0].ruleSet", "gone.json"}},
		{"a broken rule set, each problem", "modes:\n  - name: a\n    ruleSet: bad.json\n", []string{"bad.json: 2:11", "ruleLanguageVersion"}},
		{"two modes of one name", "modes:\n  - {name: a, ruleSet: good.json}\n  - {name: a, ruleSet: good.json}\n", []string{"c.yaml:3: modes[1].name"}},
		{"a source that there is none of", "modes:\n  - name: a\n    ruleSet: good.json\n    attributes:\n      skill: {from: client-side}\n", []string{`c.yaml:5: modes[0].attributes.skill.from: "client-side" is not a source`}},
		{"a choice without choices", "modes:\n  - name: a\n    ruleSet: good.json\n    attributes:\n      map: {from: client}\n", []string{"c.yaml:5: modes[0].attributes.map.choices"}},
		{"unknown keys, all of them", "mods: 1\nmodes:\n  - name: a\n    rules: x\n", []string{"c.yaml:1: mods: there is no such key", "c.yaml:4: rules: there is no such key"}},
		{"fractions where whole numbers belong", "gameServers:\n  spare: 1.5\n  max: many\n", []string{"c.yaml:2: gameServers.spare: wants a whole number", "c.yaml:3: gameServers.max: wants a whole number"}},
		{"a list where a string belongs", "modes:\n  - name: [a]\n", []string{"c.yaml:2: modes[0].name: wants a string"}},
		{"numbers out of range", "gameServers: {spare: 9, max: 2}\nmodes:\n  - name: a\n    ruleSet: good.json\n    acceptanceTimeoutSeconds: 601\n", []string{"c.yaml:1: gameServers:", "c.yaml:5: modes[0].acceptanceTimeoutSeconds"}},
		{"a key twice", "modes: []\nmodes: []\n", []string{"already defined"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseConfig("c.yaml", []byte(c.body), files)
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, word := range c.says {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("the error does not say %q:\n%v", word, err)
				}
			}
		})
	}
}

func FuzzParseConfig(f *testing.F) {
	body, err := builtin.ReadFile("builtin/muster.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(body))
	f.Add("modes:\n  - name: a\n    ruleSet: good.json\n    attributes: {x: {from: const, value: {a: 1}}}\n")
	f.Add("a: &a [*a]\n")
	f.Fuzz(func(t *testing.T, body string) {
		c, err := parseConfig("c.yaml", []byte(body), files)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Error("an error without words")
			}
			return
		}
		for _, m := range c.musterModes() {
			if problems := m.Validate(); len(problems) > 0 {
				t.Errorf("an accepted mode is not valid: %v", problems)
			}
		}
	})
}

func TestAStackEndsNewestFirstAndTellsWhoFailed(t *testing.T) {
	s := newStack()
	var order []string
	for _, name := range []string{"first", "second", "third"} {
		s.onEnd(name, func() error { order = append(order, name); return nil })
	}
	s.onEnd("broken", func() error { return errors.New("no") })
	if err := s.end(); err == nil || err.Error() != "broken: no" {
		t.Errorf("the end says %v", err)
	}
	if strings.Join(order, " ") != "third second first" {
		t.Errorf("ended in the order %v", order)
	}
	if err := s.end(); err != nil {
		t.Errorf("a second end says %v", err)
	}
}
