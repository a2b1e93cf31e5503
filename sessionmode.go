package muster

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// ModeKind says who puts players together, and who asks for their session.
type ModeKind string

// The kinds of modes.
const (
	// Matchmaking: FlexMatch does both.
	Matchmaking ModeKind = "matchmaking"
	// Queue: nobody matches. Sessions are placed on a queue when somebody asks for one,
	// and others join them.
	Queue ModeKind = "queue"
	// Standalone: FlexMatch matches, and the backend asks a queue for the session.
	Standalone ModeKind = "standalone"
)

// CreateRight says who may ask for a session of a mode.
type CreateRight string

// Who may create sessions. Game servers may wherever players may.
const (
	CreateByPlayers CreateRight = "players"
	CreateByServers CreateRight = "servers"
	CreateByNobody  CreateRight = "nobody"
)

// SessionOptions say how sessions of a mode are placed, found and joined.
type SessionOptions struct {
	// Queue is the name of the GameLift session queue.
	Queue string
	// MaxPlayers is how many may play in a session, spectators not counted. For
	// Standalone: 0 stands for as many as the teams hold.
	MaxPlayers int
	// Create says who may ask for a session; empty: nobody may.
	Create CreateRight
	// PerPlayer is how many sessions of the mode may run at once that one player asked for,
	// whether they are in them or not. 0: 2.
	PerPlayer int
	// Browse lists open sessions that are not private.
	Browse bool
	// Spectators is how many may watch a session.
	Spectators int
	// Properties lists the game properties that may be set when a session is made, each
	// with the values allowed. One without values is for game servers alone, which may
	// give it any value.
	Properties map[string][]string
	// LocationOrder is where sessions are tried first. Empty: by the players' latencies.
	LocationOrder []string
}

// Limits of a session. Source: GameLift API reference, GameSession and GameProperty.
const (
	maxSessionSeats    = 200
	maxProperties      = 16
	maxPropertyKey     = 32 // characters
	maxPropertyValue   = 96
	maxLocationOrder   = 10
	maxSessionNameRune = 64 // ours; GameLift takes 1024
)

// matches says that players of the mode are put together by FlexMatch.
func (m Mode) matches() bool { return m.Kind != Queue }

// places says that the backend asks for the mode's sessions.
func (m Mode) places() bool { return m.Kind == Queue || m.Kind == Standalone }

// maxPlayers is how many may play in a session of the mode.
func (m Mode) maxPlayers() int {
	if m.Sessions.MaxPlayers > 0 {
		return m.Sessions.MaxPlayers
	}
	most := 0
	for _, t := range m.Teams {
		most += t.MaxPlayers
	}
	return most
}

// sessionProblems reports what is wrong with the kind and the session options.
func (m Mode) sessionProblems() []FieldError {
	var problems []FieldError
	report := func(field, format string, args ...any) {
		problems = append(problems, FieldError{field, fmt.Sprintf(format, args...)})
	}
	switch m.Kind {
	case "", Matchmaking:
		if m.Sessions != nil {
			report("sessions", "is for the kinds queue and standalone; matchmaking places sessions by itself")
		}
		return problems
	case Queue, Standalone:
	default:
		report("kind", "%q is not a kind of mode: there are matchmaking, queue and standalone", m.Kind)
		return problems
	}
	if m.Sessions == nil {
		report("sessions", "a mode of kind %s needs it: queue and more", m.Kind)
		return problems
	}
	if m.Kind == Queue && m.Configuration != "" {
		report("configuration", "a mode of kind queue has no matchmaking configuration")
	}
	m.checkSeats(report)
	m.Sessions.check(report)
	if o := m.Sessions; o.PerPlayer != 0 && o.Create != CreateByPlayers {
		report("sessions.perPlayer", "is for modes whose sessions players create")
	}
	if m.Kind == Standalone && m.Sessions.Create != "" && m.Sessions.Create != CreateByNobody {
		report("sessions.create", "in a mode of kind standalone matches make sessions, nobody else")
	}
	return problems
}

// checkSeats compares what a session holds with what GameLift takes and teams need.
func (m Mode) checkSeats(report func(field, format string, args ...any)) {
	o := m.Sessions
	inTeams := 0
	for _, t := range m.Teams {
		inTeams += t.MaxPlayers
	}
	switch {
	case o.MaxPlayers < 0 || o.MaxPlayers == 0 && m.Kind == Queue:
		report("sessions.maxPlayers", "is at least 1, not %d", o.MaxPlayers)
	case o.Spectators < 0:
		report("sessions.spectators", "is at least 0, not %d", o.Spectators)
	case m.maxPlayers()+o.Spectators > maxSessionSeats:
		report("sessions.maxPlayers", "a session has %d seats, spectators included, not %d", maxSessionSeats, m.maxPlayers()+o.Spectators)
	case m.Kind == Queue && len(m.Teams) > 0 && o.MaxPlayers > inTeams:
		report("sessions.maxPlayers", "the teams hold %d, not %d", inTeams, o.MaxPlayers)
	case m.Kind == Standalone && m.maxPlayers() < inTeams:
		report("sessions.maxPlayers", "a match may have %d players, more than %d", inTeams, o.MaxPlayers)
	}
}

func (o *SessionOptions) check(report func(field, format string, args ...any)) {
	if o.Queue == "" {
		report("sessions.queue", "names the session queue")
	}
	if o.PerPlayer < 0 || o.PerPlayer > maxRoomsPerPlayer {
		report("sessions.perPlayer", "is 1 to %d, not %d", maxRoomsPerPlayer, o.PerPlayer)
	}
	switch o.Create {
	case "", CreateByPlayers, CreateByServers, CreateByNobody:
	default:
		report("sessions.create", "%q is none of players, servers and nobody", o.Create)
	}
	if len(o.LocationOrder) > maxLocationOrder {
		report("sessions.order", "GameLift takes %d locations, not %d", maxLocationOrder, len(o.LocationOrder))
	}
	if len(o.Properties) > maxProperties {
		report("sessions.properties", "GameLift takes %d properties, not %d", maxProperties, len(o.Properties))
	}
	for _, key := range slices.Sorted(maps.Keys(o.Properties)) {
		if !propertyKey(key) {
			report("sessions.properties."+key, "a key has 1 to %d characters and no dot", maxPropertyKey)
		}
		for _, value := range o.Properties[key] {
			if !propertyValue(value) {
				report("sessions.properties."+key, "a value has 1 to %d characters; %q has not", maxPropertyValue, value)
			}
		}
	}
}

// propertyKey says that text can be a key. GameLift cannot search for one with a dot.
func propertyKey(text string) bool {
	n := utf8.RuneCountInString(text)
	return n >= 1 && n <= maxPropertyKey && utf8.ValidString(text) && !strings.Contains(text, ".")
}

func propertyValue(text string) bool {
	n := utf8.RuneCountInString(text)
	return n >= 1 && n <= maxPropertyValue && utf8.ValidString(text)
}

// SessionOptionsView is what players are told of a mode's sessions.
type SessionOptionsView struct {
	MaxPlayers int                 `json:"maxPlayers"`
	Spectators int                 `json:"spectators"`
	Create     bool                `json:"create"` // players may
	Browse     bool                `json:"browse"`
	Properties map[string][]string `json:"properties,omitempty"`
}

// view is nil for modes whose sessions nobody creates or joins by themselves.
func (o *SessionOptions) view() *SessionOptionsView {
	if o == nil {
		return nil
	}
	v := &SessionOptionsView{MaxPlayers: o.MaxPlayers, Spectators: o.Spectators, Create: o.Create == CreateByPlayers, Browse: o.Browse}
	for key, values := range o.Properties {
		if len(values) == 0 {
			continue
		}
		if v.Properties == nil {
			v.Properties = make(map[string][]string)
		}
		v.Properties[key] = values
	}
	return v
}
