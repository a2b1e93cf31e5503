package main

import (
	"reflect"
	"strings"
	"testing"

	"muster"
)

func TestModesWithSessionsAreRead(t *testing.T) {
	c, err := parseConfig("c.yaml", []byte(`
modes:
  - name: lobby
    kind: queue
    sessions:
      maxPlayers: 4
      perPlayer: 5
      browse: true
      spectators: 2
      order: [custom-local]
      properties: {map: [harbour, tower], round: []}
      teams: [{name: red, maxPlayers: 2}, {name: blue, minPlayers: 1, maxPlayers: 2}]
  - name: ranked
    kind: standalone
    ruleSet: good.json
    sessions: {queue: shared, order: latency}
  - {name: quick, ruleSet: good.json}
  - {name: again, kind: queue, sessions: {queue: shared, maxPlayers: 2, create: nobody}}
`), files)
	if err != nil {
		t.Fatal(err)
	}
	modes := c.musterModes()
	want := &muster.SessionOptions{
		Queue: "lobby", MaxPlayers: 4, Create: muster.CreateByPlayers, PerPlayer: 5, Browse: true, Spectators: 2, LocationOrder: []string{"custom-local"},
		Properties: map[string][]string{"map": {"harbour", "tower"}, "round": {}},
	}
	if m := modes[0]; m.Kind != muster.Queue || m.Configuration != "" || len(m.Teams) != 2 || !reflect.DeepEqual(m.Sessions, want) {
		t.Errorf("the first mode is %+v with %+v", m, m.Sessions)
	}
	if m := modes[1]; m.Kind != muster.Standalone || m.Configuration != "ranked" || m.Sessions.Queue != "shared" || len(m.Sessions.LocationOrder) != 0 {
		t.Errorf("the second mode is %+v with %+v", m, m.Sessions)
	}
	if m := modes[2]; m.Sessions != nil || m.Configuration != "quick" {
		t.Errorf("the third mode is %+v", m)
	}
	if got := c.sessionQueues(); !reflect.DeepEqual(got, []string{"lobby", "shared"}) {
		t.Errorf("the queues are %v", got)
	}
}

func TestEveryProblemOfSessionsIsNamed(t *testing.T) {
	cases := []struct{ name, body, want string }{
		{"an unknown kind", "kind: party, ruleSet: good.json", `modes[0].kind: "party" is not a kind of mode: there are matchmaking, queue and standalone`},
		{"an unknown kind, of which nobody knows whether it needs a rule set", "kind: que", `modes[0].kind: "que" is not a kind`},
		{"an unknown kind with sessions", "kind: que, sessions: {maxPlayers: 3}", `modes[0].kind: "que" is not a kind`},
		{"sessions of a mode whose sessions matchmaking places", "ruleSet: good.json, sessions: {browse: true}", "modes[0].sessions: is for the kinds queue and standalone"},
		{"no limit of players", "kind: queue", "modes[0].sessions.maxPlayers: is at least 1, not 0"},
		{"too many seats", "kind: queue, sessions: {maxPlayers: 199, spectators: 2}", "modes[0].sessions.maxPlayers: a session has 200 seats"},
		{"fewer than no spectators", "kind: queue, sessions: {maxPlayers: 1, spectators: -1}", "modes[0].sessions.spectators: is at least 0"},
		{"a rule set without matchmaking", "kind: queue, ruleSet: good.json, sessions: {maxPlayers: 1}", "modes[0].ruleSet: a mode of kind queue"},
		{"a configuration without matchmaking", "kind: queue, configuration: x, sessions: {maxPlayers: 1}", "modes[0].configuration: a mode of kind queue"},
		{"who creates", "kind: queue, sessions: {maxPlayers: 1, create: admins}", `modes[0].sessions.create: "admins" is none of`},
		{"no session a player", "kind: queue, sessions: {maxPlayers: 1, perPlayer: 0}", "modes[0].sessions.perPlayer: is at least 1"},
		{"sessions that no player creates", "kind: queue, sessions: {maxPlayers: 1, create: servers, perPlayer: 3}", "modes[0].sessions.perPlayer: is for modes whose sessions players create"},
		{"too many sessions a player", "kind: queue, sessions: {maxPlayers: 1, perPlayer: 21}", "modes[0].sessions.perPlayer: is 1 to 20, not 21"},
		{"matches are not created", "kind: standalone, ruleSet: good.json, sessions: {create: players}", "modes[0].sessions.create: in a mode of kind standalone"},
		{"a session smaller than a match", "kind: standalone, ruleSet: good.json, sessions: {maxPlayers: 2}", "modes[0].sessions.maxPlayers: a match may have 4 players"},
		{"a queue's name", "kind: queue, sessions: {queue: a b, maxPlayers: 1}", `modes[0].sessions.queue: "a b" is not a name`},
		{"a place that is none", "kind: queue, sessions: {maxPlayers: 1, order: [custom-far]}", `modes[0].sessions.order: "custom-far" is not among the locations`},
		{"an order that is none", "kind: queue, sessions: {maxPlayers: 1, order: cost}", "modes[0].sessions.order: wants latency or a list of locations"},
		{"a property's key", "kind: queue, sessions: {maxPlayers: 1, properties: {a.b: []}}", "modes[0].sessions.properties.a.b: a key has"},
		{"a property's value", "kind: queue, sessions: {maxPlayers: 1, properties: {a: ['']}}", "modes[0].sessions.properties.a: a value has"},
		{"teams of a match", "kind: standalone, ruleSet: good.json, sessions: {teams: [{name: a, maxPlayers: 1}]}", "modes[0].sessions.teams: the teams of a mode with matchmaking"},
		{"teams that hold too few", "kind: queue, sessions: {maxPlayers: 3, teams: [{name: a, maxPlayers: 2}]}", "modes[0].sessions.maxPlayers: the teams hold 2"},
		{"a team without a name", "kind: queue, sessions: {maxPlayers: 1, teams: [{maxPlayers: 2}]}", "modes[0].sessions.teams[0].name: every team"},
		{"a team of nobody", "kind: queue, sessions: {maxPlayers: 1, teams: [{name: a}, {name: b, maxPlayers: 1}]}", "modes[0].sessions.teams[0].maxPlayers: is at least 1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := problemsOf(t, "modes:\n  - {name: a, "+c.body+"}\n")
			if all := strings.Join(got, "\n"); !strings.Contains(all, c.want) || len(got) != 1 {
				t.Errorf("got\n%s\nwant one line with %s", all, c.want)
			}
		})
	}
}
