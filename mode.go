package muster

import (
	"cmp"
	"fmt"
	"sort"
	"time"
)

// Mode is one playable queue of the configuration.
type Mode struct {
	Name        ModeName
	Title       string
	Description string
	// Kind says who puts players together and who asks for sessions. Empty: Matchmaking.
	Kind ModeKind
	// Sessions is how the mode's sessions are placed and joined, for the kinds whose
	// sessions the backend asks for. Nil otherwise.
	Sessions *SessionOptions
	// Configuration is the name of the GameLift matchmaking configuration; empty for a
	// mode without matchmaking.
	Configuration string
	// AcceptanceTimeout is how long players have to accept a match. Zero: the mode
	// does not ask.
	AcceptanceTimeout time.Duration
	Teams             []ModeTeam
	// Attributes says, for each matchmaking attribute, where its value comes from.
	Attributes map[string]AttributeSource
	// Rating is how the mode's results are rated. Nil: as Options says.
	Rating RatingSystem
	// Party is what the mode asks of players who queue together.
	Party PartyRules
	// Competition is how the mode's results count.
	Competition Competition
}

// Validate reports everything that is wrong with the mode, each with the key it
// stands under ("attributes.skill.from").
func (m Mode) Validate() []FieldError {
	var problems []FieldError
	report := func(field, format string, args ...any) {
		problems = append(problems, FieldError{field, fmt.Sprintf(format, args...)})
	}
	if m.Name == "" {
		report("name", "a mode needs a name")
	}
	if m.matches() && m.Configuration == "" {
		report("configuration", "a mode needs the name of its matchmaking configuration")
	}
	if m.matches() && len(m.Teams) == 0 {
		report("teams", "a mode needs at least one team")
	}
	if field, problem := m.Party.problem(m.largestTeam()); problem != "" {
		report("party"+field, "%s", problem)
	}
	problems = append(problems, m.sessionProblems()...)
	names := make([]string, 0, len(m.Attributes))
	for name := range m.Attributes {
		names = append(names, name)
	}
	sort.Strings(names)
	if len(names) > 10 {
		report("attributes", "GameLift takes 10 attributes a player, not %d", len(names))
	}
	for _, name := range names {
		if field, problem := m.Attributes[name].problem(); problem != "" {
			report("attributes."+name+field, "%s", problem)
		}
	}
	return append(problems, m.Competition.problems()...)
}

// FieldError is one problem of a configuration, at a key relative to its owner.
type FieldError struct{ Field, Message string }

func (f FieldError) Error() string { return f.Field + ": " + f.Message }

func (m Mode) view() ModeView {
	v := ModeView{
		Name: m.Name, Title: m.Title, Description: m.Description,
		Acceptance:               m.AcceptanceTimeout > 0,
		AcceptanceTimeoutSeconds: int(m.AcceptanceTimeout / time.Second),
		Teams:                    m.Teams,
		Party:                    PartyRulesView{MaxSize: m.partyLimit(), Rating: m.Party.rating(), RequireReady: m.Party.RequireReady},
		Kind:                     cmp.Or(m.Kind, Matchmaking), Sessions: m.Sessions.view(),
	}
	if v.Teams == nil {
		v.Teams = []ModeTeam{}
	}
	for name, source := range m.Attributes {
		if source.From == FromClient {
			if v.Choices == nil {
				v.Choices = make(map[string][]string)
			}
			v.Choices[name] = source.Choices
		}
	}
	return v
}
