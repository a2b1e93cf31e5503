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
