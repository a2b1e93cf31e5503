package main

import (
	"strings"
	"testing"
)

func TestSampleClientsPlayAModeThatTheyCan(t *testing.T) {
	const modes = `
modes:
  - {name: duel, ruleSet: duel.json}
  - {name: ranked, ruleSet: duel.json, acceptanceTimeoutSeconds: 20}
  - {name: lobby, kind: queue, sessions: {queue: lobbies, maxPlayers: 4, create: players}}
identity:
  sampleClients: `
	for text, want := range map[string]string{
		"{mode: duel}":   "",
		"{mode: ranked}": `identity.sampleClients.mode: players of "ranked" accept`,
		"{mode: lobby}":  `identity.sampleClients.mode: "lobby" has no matchmaking`,
		"{mode: nobody}": `identity.sampleClients.mode: there is no mode "nobody"`,
		"{}":             "identity.sampleClients.mode: is needed",
		"{mods: duel}":   "mods: there is no such key in identity.sampleClients",
	} {
		_, err := parseConfig("muster.yaml", []byte(modes+text+"\n"), func(name string) ([]byte, error) { return builtin.ReadFile("builtin/" + name) })
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: error is %v, want %q", text, err, want)
		}
	}
}
