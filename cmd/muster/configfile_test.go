package main

import (
	"reflect"
	"strings"
	"testing"
)

// problemsOf parses a configuration that is refused.
func problemsOf(t *testing.T, body string) []string {
	t.Helper()
	_, err := parseConfig("c.yaml", []byte(body), files)
	if err == nil {
		t.Fatal("it was accepted")
	}
	return strings.Split(err.Error(), "\n")
}

func TestProblemsOfShapeAndOfSenseAreToldTogetherByLine(t *testing.T) {
	cases := []struct {
		name, body string
		want       []string // the whole error
	}{
		{"a number below its range and a value of the wrong type", "gameServers: {spare: -1}\nmodes: 7\n", []string{
			"c.yaml:1: gameServers.spare: is at least 1, not -1",
			`c.yaml:2: modes: wants a list of modes, not "7"`,
		}},
		{"a misspelt key and the key that is missing therefore", "modes:\n  - name: a\n    rulset: x\n", []string{
			"c.yaml:2: modes[0].ruleSet: names the file of the mode's rule set",
			"c.yaml:3: rulset: there is no such key in modes[0]",
		}},
		{"nothing that follows from a wrong type", "gameServers: {spare: many, max: 2}\nmodes:\n  - name: [a]\n    ruleSet: good.json\n", []string{
			`c.yaml:1: gameServers.spare: wants a whole number, not "many"`,
			"c.yaml:3: modes[0].name: wants a string, not a list",
		}},
		{"list items that do not fit, with the others in their places", "modes:\n  - 7\n  -\n  - name: c\n", []string{
			`c.yaml:2: modes[0]: wants a group of keys, not "7"`,
			"c.yaml:3: modes[1]: is empty",
			"c.yaml:4: modes[2].ruleSet: names the file of the mode's rule set",
		}},
		{"equal values on one line, each with its key", "gameServers: {spare: x, max: x}\nmodes: [{name: a, ruleSet: good.json}]\n", []string{
			`c.yaml:1: gameServers.spare: wants a whole number, not "x"`,
			`c.yaml:1: gameServers.max: wants a whole number, not "x"`,
		}},
		{"a key that stands there twice", "gameServers: {spare: 0}\nmodes: [{name: a, ruleSet: good.json}]\nmodes: 7\n", []string{
			"c.yaml:1: gameServers.spare: is at least 1, not 0",
			"c.yaml:3: modes: is already defined at line 2",
		}},
		{"a second document", "modes:\n  - name: a\n---\nmodes: []\n", []string{
			"c.yaml:2: modes[0].ruleSet: names the file of the mode's rule set",
			"c.yaml:3: ---: a second document begins here; a configuration is one",
		}},
		{"an attribute that is no group, once", "modes:\n  - name: a\n    ruleSet: typed.json\n    attributes:\n      skill: rating\n      map: {from: client, choices: [x]}\n      tags: {from: const, value: [x]}\n", []string{
			`c.yaml:5: modes[0].attributes.skill: wants a group of keys, not "rating"`,
		}},
		{"values of no kind that GameLift takes", "modes:\n  - name: a\n    ruleSet: typed.json\n    attributes:\n      skill: {from: const, value: .nan}\n      map: {from: const, value: true}\n      tags: {from: const, value: [{}]}\n", []string{
			`c.yaml:5: modes[0].attributes.skill.value: wants a number, a string or a list of strings, not ".nan"`,
			`c.yaml:6: modes[0].attributes.map.value: wants a number, a string or a list of strings, not "true"`,
			"c.yaml:7: modes[0].attributes.tags.value: wants a number, a string or a list of strings, not a list",
		}},
		{"secrets, whatever they look like, without what they are", "modes:\n  - {name: a, ruleSet: good.json}\nidentity:\n  mail: {smtp: {password: hunter2}}\n  providers:\n    steam: {appId: 480, key: [hunter2]}\n    discord: hunter2\n", []string{
			"c.yaml:4: identity.mail.smtp.password: a secret is never in this file: write {env: NAME} or {file: PATH}",
			"c.yaml:6: identity.providers.steam.key: a secret is never in this file: write {env: NAME} or {file: PATH}",
			"c.yaml:7: identity.providers.discord: wants a group of keys",
		}},
		{"a file that is a list", "- modes\n", []string{"c.yaml:1: the file: wants a group of keys, not a list"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := problemsOf(t, c.body)
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestAliasesAndMergesAreFollowed(t *testing.T) {
	c, err := parseConfig("c.yaml", []byte(`
modes:
  - &a {name: a, ruleSet: good.json, acceptanceTimeoutSeconds: 9}
  - {<<: *a, name: b}
`), files)
	if err != nil {
		t.Fatal(err)
	}
	if m := c.Modes[1]; m.Name != "b" || m.RuleSet != "good.json" || m.AcceptanceTimeoutSeconds != 9 {
		t.Errorf("the second mode is %+v", m)
	}
	if got := problemsOf(t, "modes:\n  - name: &n [a]\n    title: *n\n"); len(got) != 3 || !strings.Contains(got[2], "c.yaml:3: modes[0].title: wants a string, not a list") {
		t.Errorf("got %q", got)
	}
}

// TestTheShapeHasTheKeysOfTheConfiguration keeps shape.go and config.go together.
func TestTheShapeHasTheKeysOfTheConfiguration(t *testing.T) {
	// fieldsOf lists the fields of a struct that keys stand for, those of inline ones too.
	var fieldsOf func(of reflect.Type) []reflect.StructField
	fieldsOf = func(of reflect.Type) (fields []reflect.StructField) {
		for field := range of.Fields() {
			switch field.Tag.Get("yaml") {
			case "":
			case ",inline":
				fields = append(fields, fieldsOf(field.Type)...)
			default:
				fields = append(fields, field)
			}
		}
		return fields
	}
	var compare func(path string, of reflect.Type, s *shape)
	compare = func(path string, of reflect.Type, s *shape) {
		switch {
		case of.Kind() == reflect.Slice && s.items != nil:
			compare(path+"[]", of.Elem(), s.items)
		case of.Kind() == reflect.Map && s.each != nil:
			compare(path+".*", of.Elem(), s.each)
		case of.Kind() == reflect.Pointer && s.keys != nil:
			compare(path, of.Elem(), s)
		case of.Kind() == reflect.Struct:
			fields := fieldsOf(of)
			for _, field := range fields {
				tag := field.Tag.Get("yaml")
				if s.keys[tag] == nil {
					t.Errorf("the shape lacks %s.%s", path, tag)
					continue
				}
				compare(path+"."+tag, field.Type, s.keys[tag])
			}
			if len(fields) != len(s.keys) {
				t.Errorf("the shape of %q has %d keys, the type %d", path, len(s.keys), len(fields))
			}
		case len(s.keys) > 0:
			t.Errorf("the shape of %q is a group, the type %v", path, of)
		}
	}
	compare("", reflect.TypeFor[config](), fileShape())
}
