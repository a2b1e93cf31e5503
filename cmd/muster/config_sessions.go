package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"gopkg.in/yaml.v3"

	"muster"
)

// sessionsConfig says how sessions of a mode are placed, found and joined: for the kinds
// queue and standalone.
type sessionsConfig struct {
	Queue      string `yaml:"queue"`      // the GameLift session queue; default: the mode's name
	MaxPlayers *int   `yaml:"maxPlayers"` // default for standalone: as many as the teams hold
	Create     string `yaml:"create"`     // players, servers or nobody; default: players in mode queue
	PerPlayer  *int   `yaml:"perPlayer"`  // how many a player may have running that they asked for; default 2
	Browse     bool   `yaml:"browse"`
	Spectators int    `yaml:"spectators"`
	// Order is "latency", or the locations to try first.
	Order      any                 `yaml:"order"`
	Properties map[string][]string `yaml:"properties"`
	Teams      []teamConfig        `yaml:"teams"` // of kind queue; those of the others are in the rule set
}

type teamConfig struct {
	Name       string `yaml:"name"`
	MinPlayers int    `yaml:"minPlayers"`
	MaxPlayers *int   `yaml:"maxPlayers"`
}

func sessionsShape() *shape {
	return group(map[string]*shape{
		"queue": text(), "maxPlayers": whole(), "create": text(), "perPlayer": whole(), "browse": truth(), "spectators": whole(),
		"order":      {want: "latency or a list of locations", takes: isOrder},
		"properties": {want: "a group of properties, each with a list of values", takes: isGroup, each: list("a list of strings", text())},
		"teams":      list("a list of teams", group(map[string]*shape{"name": text(), "minPlayers": whole(), "maxPlayers": whole()})),
	})
}

func isOrder(n *yaml.Node) bool {
	if n.Kind != yaml.SequenceNode {
		return n.Kind == yaml.ScalarNode && n.Value == byLatency
	}
	return !slices.ContainsFunc(n.Content, func(item *yaml.Node) bool { return resolved(item).Kind != yaml.ScalarNode })
}

// byLatency is the order of locations by what the players measured.
const byLatency = "latency"

// queuePattern is what a session queue can be called. Source: GameLift API reference,
// GameSessionQueueName.
var queuePattern = regexp.MustCompile(`^[a-zA-Z0-9-]{1,128}$`)

// places says that the backend asks for sessions of the mode.
func (m *modeConfig) places() bool {
	return m.kind() == muster.Queue || m.kind() == muster.Standalone
}

// matches says that the mode is known to have matchmaking: of which kind it is may be
// misspelt.
func (m *modeConfig) matches() bool {
	return m.kind() == "" || m.kind() == muster.Matchmaking || m.kind() == muster.Standalone
}

func (m *modeConfig) kind() muster.ModeKind { return muster.ModeKind(m.Kind) }

// given says that the file says anything about sessions.
func (s sessionsConfig) given() bool {
	return s.Queue != "" || s.MaxPlayers != nil || s.Create != "" || s.PerPlayer != nil || s.Browse || s.Spectators != 0 ||
		s.Order != nil || len(s.Properties) > 0 || len(s.Teams) > 0
}

func (m *modeConfig) setSessionDefaults() {
	if m.kind() != muster.Queue {
		m.Configuration = cmp.Or(m.Configuration, m.Name)
	}
	if !m.places() {
		return
	}
	m.Sessions.Queue = cmp.Or(m.Sessions.Queue, m.Name)
	if m.kind() == muster.Queue {
		m.Sessions.Create = cmp.Or(m.Sessions.Create, string(muster.CreateByPlayers))
	}
}

// checkSessions looks at what only the file can get wrong; muster.Mode.Validate says the
// rest.
func (m *modeConfig) checkSessions(k *checker, at string, locations []string) {
	if !m.places() {
		return
	}
	if m.Sessions.Queue != "" && !queuePattern.MatchString(m.Sessions.Queue) {
		k.report(at+".sessions.queue", "%q is not a name for a session queue: 1 to 128 letters, digits and hyphens", m.Sessions.Queue)
	}
	for _, place := range m.Sessions.order() {
		if !slices.Contains(locations, place) {
			k.report(at+".sessions.order", "%q is not among the locations of this file", place)
		}
	}
	if n := m.Sessions.PerPlayer; n != nil && *n == 0 {
		k.report(at+".sessions.perPlayer", "is at least 1: where players are to make no sessions, set create")
	}
	if m.kind() != muster.Queue {
		if len(m.Sessions.Teams) > 0 {
			k.report(at+".sessions.teams", "the teams of a mode with matchmaking come from its rule set")
		}
		return
	}
	if m.RuleSet != "" {
		k.report(at+".ruleSet", "a mode of kind queue has no matchmaking, so no rule set either")
	}
	taken := make(map[string]bool)
	for i, t := range m.Sessions.Teams {
		key := fmt.Sprintf("%s.sessions.teams[%d]", at, i)
		most := *cmp.Or(t.MaxPlayers, new(t.MinPlayers))
		switch {
		case t.Name == "" || taken[t.Name]:
			k.report(key+".name", "every team has a name of its own")
		case t.MinPlayers < 0 || most < 1 || most < t.MinPlayers:
			k.report(key+".maxPlayers", "is at least 1 and at least minPlayers, but they are %d and %d", most, t.MinPlayers)
		}
		taken[t.Name] = true
		m.teams = append(m.teams, muster.ModeTeam{Name: t.Name, MinPlayers: t.MinPlayers, MaxPlayers: most})
	}
}

// order is where sessions are tried first; empty: by latency.
func (s sessionsConfig) order() []string {
	list, _ := s.Order.([]any)
	places := make([]string, 0, len(list))
	for _, item := range list {
		places = append(places, fmt.Sprint(item))
	}
	return places
}

// options are the rules' own; nil where the file says nothing and the kind needs nothing.
func (m *modeConfig) options() *muster.SessionOptions {
	s := m.Sessions
	if !m.places() && !s.given() {
		return nil
	}
	return &muster.SessionOptions{
		Queue: s.Queue, MaxPlayers: *cmp.Or(s.MaxPlayers, new(0)), Create: muster.CreateRight(s.Create),
		PerPlayer: *cmp.Or(s.PerPlayer, new(0)), Browse: s.Browse, Spectators: s.Spectators, Properties: s.Properties, LocationOrder: s.order(),
	}
}

// sessionQueues are the queues that the backend asks for sessions itself, each once.
func (c *config) sessionQueues() []string {
	var queues []string
	for i := range c.Modes {
		if m := &c.Modes[i]; m.places() && !slices.Contains(queues, m.Sessions.Queue) {
			queues = append(queues, m.Sessions.Queue)
		}
	}
	return queues
}
