package main

import (
	"strings"
	"testing"
	"time"

	"muster"
)

const oneMode = "modes:\n  - {name: duel, ruleSet: good.json}\n"

func TestProfilesAreConfigured(t *testing.T) {
	c, err := parseConfig("c.yaml", []byte(oneMode+"profile: {names: unique, renameEveryHours: 0.5, avatars: [owl, fox]}\n"), files)
	if err != nil {
		t.Fatal(err)
	}
	o := c.Profile.options()
	if o.Names != muster.NamesUnique || o.RenameEvery != 30*time.Minute || len(o.Avatars) != 2 {
		t.Errorf("options are %+v", o)
	}
}

func TestProblemsOfProfilesAreNamed(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a policy that there is none of": {"profile: {names: odd}", "profile.names: \"odd\" is no policy"},
		"a time that never ends":         {"profile: {renameEveryHours: 1e9}", "profile.renameEveryHours: is at most"},
		"an address for an avatar":       {"profile: {avatars: ['https://x.example/a.png']}", "profile.avatars[0]: \"https://x.example/a.png\" is no id"},
		"a key that there is none of":    {"profile: {nick: x}", "nick: there is no such key"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseConfig("c.yaml", []byte(oneMode+c.text+"\n"), files); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestNamespacesAreConfigured(t *testing.T) {
	c, err := parseConfig("c.yaml", []byte(oneMode+`
data:
  settings: {write: player, maxBytes: 4096, requireMatch: true}
  badges: {read: public, playerFields: [title]}
`), files)
	if err != nil {
		t.Fatal(err)
	}
	all := c.namespaces()
	if len(all) != 2 || all[0].Name != "badges" || all[0].Read != muster.AllRead || all[0].MaxBytes != 65536 || len(all[0].PlayerFields) != 1 {
		t.Errorf("namespaces are %+v", all)
	}
	if s := all[1]; s.Write != muster.PlayerWrites || s.MaxBytes != 4096 || !s.RequireMatch {
		t.Errorf("settings are %+v", s)
	}
}

func TestProblemsOfNamespacesAreNamed(t *testing.T) {
	const reads = "modes:\n  - {name: duel, ruleSet: typed.json, attributes: {skill: {from: player, field: bag.level, value: 1}, map: {from: const, value: x}, tags: {from: const, value: [x]}}}\n"
	for name, c := range map[string]struct{ text, want string }{
		"a writer that there is none of":    {oneMode + "data: {bag: {write: me}}", `c.yaml:3: data.bag.write: "me" may not write`},
		"a document of no bytes":            {oneMode + "data: {bag: {maxBytes: 0}}", "c.yaml:3: data.bag.maxBytes: is at least 1"},
		"a document beyond every store":     {oneMode + "data: {bag: {maxBytes: 500000}}", "c.yaml:3: data.bag.maxBytes: lies between"},
		"a truth that is none":              {oneMode + "data: {bag: {requireMatch: 1}}", "wants true or false"},
		"a name that is none":               {oneMode + "data: {Bag: {}}", `c.yaml:3: data.Bag: "Bag" is no name`},
		"matchmaking from nowhere":          {reads, "modes[0].attributes.skill.field: there is no namespace \"bag\""},
		"matchmaking that trusts a player":  {reads + "data: {bag: {write: player}}", "modes[0].attributes.skill.field: players write bag.level themselves"},
		"matchmaking that trusts the owner": {reads + "data: {bag: {playerFields: [level]}}", "modes[0].attributes.skill.field: players write bag.level themselves"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseConfig("c.yaml", []byte(c.text+"\n"), files); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
