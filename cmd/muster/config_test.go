package main

import (
	"io/fs"
	"strings"
	"testing"
	"time"

	"muster"
)

const goodRules = `{"ruleLanguageVersion":"1.0","teams":[{"name":"red","minPlayers":1,"maxPlayers":2},{"name":"blue","minPlayers":1,"maxPlayers":2}]}`

// typedRules declares an attribute of every type without a default, and one with.
const typedRules = `{"ruleLanguageVersion":"1.0","teams":[{"name":"red","minPlayers":1,"maxPlayers":2}],"playerAttributes":[
{"name":"skill","type":"number"},{"name":"map","type":"string"},{"name":"tags","type":"string_list"},{"name":"level","type":"string","default":"novice"}]}`

// files reads rule sets from memory.
func files(name string) ([]byte, error) {
	switch name {
	case "good.json":
		return []byte(goodRules), nil
	case "typed.json":
		return []byte(typedRules), nil
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
    ruleSet: typed.json
    acceptanceTimeoutSeconds: 7
    attributes:
      skill: {from: const, value: 3}
      map: {from: client, choices: [harbour, tower]}
      tags: {from: const, value: [a, b]}
      level: {from: player, field: level, value: expert}
`), files)
	if err != nil {
		t.Fatal(err)
	}
	m := c.musterModes()[0]
	if m.Configuration != "quick" || m.Title != "quick" || m.AcceptanceTimeout != 7*time.Second || *c.Modes[0].RequestTimeoutSeconds != 300 {
		t.Errorf("the mode is %+v", m)
	}
	if len(m.Teams) != 1 || m.Teams[0] != (muster.ModeTeam{Name: "red", MinPlayers: 1, MaxPlayers: 2}) {
		t.Errorf("the teams are %+v", m.Teams)
	}
	if v := m.Attributes["skill"].Value; v == nil || v.N == nil || *v.N != 3 {
		t.Errorf("a constant number is %+v", v)
	}
	if v := m.Attributes["tags"].Value; v == nil || len(v.SL) != 2 {
		t.Errorf("a constant list is %+v", v)
	}
	if v := m.Attributes["level"].Value; v == nil || v.S == nil || *v.S != "expert" {
		t.Errorf("a default is %+v", v)
	}
	if c.Locations[0] != "custom-local" || *c.GameServers.Spare != 4 || *c.GameServers.Max != 32 {
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
		{"zeros that are not the default", "gameServers: {spare: 0}\nmodes:\n  - {name: a, ruleSet: good.json, requestTimeoutSeconds: 0}\n", []string{"c.yaml:1: gameServers.spare: is at least 1, not 0", "c.yaml:3: modes[0].requestTimeoutSeconds: lies between 1 and 43200, not 0"}},
		{"a maximum of none", "gameServers: {max: 0}\n", []string{"c.yaml:1: gameServers.max: lies between spare and 500, not 0"}},
		{"several locations", "locations: [custom-a, custom-a]\n", []string{"c.yaml:1: locations: names the one place where sessions run, not 2"}},
		{"no location", "locations: []\n", []string{"c.yaml:1: locations: names the one place where sessions run, not 0"}},
		{"a name that its rule set's name makes too long", "modes:\n  - ruleSet: good.json\n    name: " + strings.Repeat("n", 112) + "\n", []string{"c.yaml:3: modes[0].name:", "1 to 111 letters"}},
		{"a configuration's name that is too long", "modes:\n  - name: a\n    ruleSet: good.json\n    configuration: " + strings.Repeat("n", 112) + "\n", []string{"c.yaml:4: modes[0].configuration:", "1 to 111 letters"}},
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
	f.Add("modes: [7, ~, {<<: 1, name: !!binary x}]\n---\n# more\n")
	f.Add("modes: &m [{name: a, ruleSet: typed.json, attributes: {skill: {from: const, value: [a, .nan]}, ? [b] : c}}, *m]\n")
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
