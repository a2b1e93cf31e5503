package main

import (
	"strings"
	"testing"

	"muster"
)

func TestAttributesAreComparedWithTheRuleSet(t *testing.T) {
	const skill, place, tags = "skill: {from: rating}", "map: {from: client, choices: [x]}", "tags: {from: const, value: [x]}"
	cases := []struct {
		name       string
		attributes []string
		want       string // the one problem's beginning; empty: none
	}{
		{"all as declared", []string{skill, place, tags}, ""},
		{"one that the rule set does not declare", []string{skill, place, tags, "speed: {from: rating}"}, "8: modes[0].attributes.speed: typed.json declares no player attribute"},
		{"one without default that nobody fills", []string{skill, tags}, "4: modes[0].attributes.map: typed.json needs it"},
		{"stored data that may be absent", []string{"skill: {from: player, field: f}", place, tags}, "5: modes[0].attributes.skill: a player may have no such data"},
		{"stored data with a value", []string{"skill: {from: player, field: f, value: 1}", place, tags}, ""},
		{"stored data where the rule set has a default", []string{skill, place, tags, "level: {from: player, field: f}"}, ""},
		{"a rating with a bound that it may cross", []string{"skill: {from: rating, max: 2000}", place, tags}, "5: modes[0].attributes.skill: a rating outside min and max"},
		{"a rating with a bound and a default", []string{"skill: {from: rating, max: 2000, value: 1}", place, tags}, ""},
		{"a rating with a bound and a default of another type", []string{"skill: {from: rating, max: 2000, value: high}", place, tags}, "5: modes[0].attributes.skill.value: is a string, and the rule set wants a number"},
		{"a rating with a bound and a default that is not to be used", []string{"skill: {from: rating, max: 2000, value: 1, outside: absent}", place, tags}, "5: modes[0].attributes.skill: a rating outside min and max"},
		{"a rating that is clamped to its bound", []string{"skill: {from: rating, max: 2000, outside: clamp}", place, tags}, ""},
		{"stored data with a value that is not to be used outside the bounds", []string{"skill: {from: player, field: f, max: 9, value: 1, outside: absent}", place, tags}, "5: modes[0].attributes.skill: data outside min and max"},
		{"a policy that there is none of", []string{"skill: {from: rating, max: 1, outside: drop}", place, tags}, `5: modes[0].attributes.skill.outside: "drop" is no policy`},
		{"a policy without bounds", []string{"skill: {from: rating, outside: clamp}", place, tags}, "5: modes[0].attributes.skill.outside: says what becomes"},
		{"a policy without its default", []string{"skill: {from: rating, max: 1, outside: default}", place, tags}, "5: modes[0].attributes.skill.outside: is default, and value"},
		{"a policy for a constant", []string{"skill: {from: const, value: 1, outside: clamp}", place, tags}, "5: modes[0].attributes.skill.outside: goes with rating and player"},
		{"a rating with a bound that it never crosses", []string{"skill: {from: rating, min: 0}", place, tags}, ""},
		{"a rating that is no number", []string{skill, place, tags, "level: {from: rating}"}, "8: modes[0].attributes.level.from: a rating is a number, and the rule set wants a string"},
		{"a choice that is no string", []string{"skill: {from: client, choices: [x]}", place, tags}, "5: modes[0].attributes.skill.from: a client's choice is a string, and the rule set wants a number"},
		{"stored data that is no list", []string{skill, place, "tags: {from: player, field: f}"}, "7: modes[0].attributes.tags.from: stored data is a number or a string"},
		{"a constant of another type", []string{"skill: {from: const, value: many}", place, tags}, "5: modes[0].attributes.skill.value: is a string, and the rule set wants a number"},
		{"a default of another type", []string{skill, place, tags, "level: {from: player, field: f, value: 3}"}, "8: modes[0].attributes.level.value: is a number, and the rule set wants a string"},
		{"a constant of nothing", []string{"skill: {from: const}", place, tags}, "5: modes[0].attributes.skill.value: is missing: the constant"},
		{"no choices", []string{skill, "map: {from: client, choices: []}", tags}, "6: modes[0].attributes.map.choices: is missing or empty"},
		{"stored data of no field", []string{"skill: {from: player, value: 1}", place, tags}, "5: modes[0].attributes.skill.field: is missing"},
		{"a source that there is none of, once", []string{"skill: {from: client-side}", place, tags}, `5: modes[0].attributes.skill.from: "client-side" is not a source`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			body := "modes:\n  - name: a\n    ruleSet: typed.json\n    attributes:\n      " + strings.Join(c.attributes, "\n      ") + "\n"
			_, err := parseConfig("c.yaml", []byte(body), files)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("got %v", err)
			case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), "c.yaml:"+c.want) || strings.Contains(err.Error(), "\n")):
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestStoredDataHasTheTypeThatTheRuleSetDeclares(t *testing.T) {
	body := "modes:\n  - name: a\n    ruleSet: typed.json\n    attributes:\n      skill: {from: player, field: f, value: 1}\n      map: {from: client, choices: [x]}\n      tags: {from: const, value: [x]}\n      level: {from: player, field: f}\n"
	conf, err := parseConfig("c.yaml", []byte(body), files)
	if err != nil {
		t.Fatal(err)
	}
	attributes := conf.musterModes()[0].Attributes
	for name, want := range map[string]muster.AttributeType{"skill": muster.NumberType, "level": muster.StringType, "map": "", "tags": ""} {
		if got := attributes[name].Type; got != want {
			t.Errorf("%s is a %q, want %q", name, got, want)
		}
	}
}
