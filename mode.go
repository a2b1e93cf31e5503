package muster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"
	"unicode/utf8"
)

// Mode is one playable queue of the configuration.
type Mode struct {
	Name        ModeName
	Title       string
	Description string
	// Configuration is the name of the GameLift matchmaking configuration.
	Configuration string
	// AcceptanceTimeout is how long players have to accept a match. Zero: the mode
	// does not ask.
	AcceptanceTimeout time.Duration
	Teams             []ModeTeam
	// Attributes says, for each matchmaking attribute, where its value comes from.
	Attributes map[string]AttributeSource
	// Rating is how the mode's results are rated. Nil: as Options says.
	Rating RatingSystem
}

// Source is where a matchmaking attribute comes from.
type Source string

// The sources. There is none that trusts a client's number.
const (
	FromRating Source = "rating" // the player's skill in this mode
	FromPlayer Source = "player" // stored player data
	FromClient Source = "client" // the client's choice among Choices
	FromConst  Source = "const"  // Value
)

// AttributeSource says where one attribute's value comes from.
type AttributeSource struct {
	From Source
	// Field names the stored number or string (FromPlayer).
	Field string
	// Min and Max bound a number (FromRating, FromPlayer): a value outside is absent.
	// Nil: no bound.
	Min, Max *float64
	// Choices lists what a client may choose (FromClient); the first is taken when it
	// says nothing.
	Choices []string
	// Value is the value of FromConst, and the default of FromPlayer; nil: none.
	Value *AttributeValue
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
	if m.Configuration == "" {
		report("configuration", "a mode needs the name of its matchmaking configuration")
	}
	if len(m.Teams) == 0 {
		report("teams", "a mode needs at least one team")
	}
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
	return problems
}

// FieldError is one problem of a configuration, at a key relative to its owner.
type FieldError struct{ Field, Message string }

func (f FieldError) Error() string { return f.Field + ": " + f.Message }

func (s AttributeSource) problem() (field, problem string) {
	switch s.From {
	case FromRating:
	case FromPlayer:
		if s.Field == "" {
			return ".field", "names the stored field to read"
		}
	case FromClient:
		if len(s.Choices) == 0 {
			return ".choices", "lists what a client may choose"
		}
	case FromConst:
		if s.Value == nil {
			return ".value", "is the constant to send"
		}
	default:
		return ".from", fmt.Sprintf("%q is not a source; use rating, player, client or const", s.From)
	}
	if s.Min != nil && s.Max != nil && *s.Min > *s.Max {
		return ".min", "is greater than max"
	}
	for _, choice := range s.Choices {
		if n := utf8.RuneCountInString(choice); n < 1 || n > 100 {
			return ".choices", "holds strings of 1 to 100 characters"
		}
	}
	return "", ""
}

func (m Mode) view() ModeView {
	v := ModeView{
		Name: m.Name, Title: m.Title, Description: m.Description,
		Acceptance:               m.AcceptanceTimeout > 0,
		AcceptanceTimeoutSeconds: int(m.AcceptanceTimeout / time.Second),
		Teams:                    m.Teams,
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

// attributes decides what GameLift is told about a player: every attribute comes from
// where the mode says. preferences that the mode does not ask for, or whose value is
// not among the choices, are the caller's mistake.
func (m Mode) attributes(points int, stored map[string]any, preferences map[string]string) (map[string]AttributeValue, error) {
	for name, value := range preferences {
		source, known := m.Attributes[name]
		if !known || source.From != FromClient {
			return nil, Errorf(Invalid, "ticket.preference_unknown", "mode %q has no choice %q", m.Name, name)
		}
		if !slices.Contains(source.Choices, value) {
			return nil, Errorf(Invalid, "ticket.preference_invalid", "%q is not a choice for %q; choose one of %q", value, name, source.Choices)
		}
	}
	values := make(map[string]AttributeValue, len(m.Attributes))
	for name, source := range m.Attributes {
		if value, ok := source.value(points, stored, preferences[name]); ok {
			values[name] = value
		}
	}
	return values, nil
}

// value resolves one attribute; ok is false when there is none to send.
func (s AttributeSource) value(points int, stored map[string]any, choice string) (value AttributeValue, ok bool) {
	switch s.From {
	case FromRating:
		return s.number(float64(points))
	case FromClient:
		if choice == "" {
			choice = s.Choices[0]
		}
		return AttributeValue{S: &choice}, true
	case FromPlayer:
		switch v := stored[s.Field].(type) {
		case float64:
			if value, ok := s.number(v); ok {
				return value, true
			}
		case string:
			if n := utf8.RuneCountInString(v); n >= 1 && n <= 100 {
				return AttributeValue{S: &v}, true
			}
		}
	}
	if s.Value == nil {
		return AttributeValue{}, false
	}
	return *s.Value, true
}

// number is v as an attribute, unless it lies outside the bounds.
func (s AttributeSource) number(v float64) (AttributeValue, bool) {
	if math.IsNaN(v) || math.IsInf(v, 0) || s.Min != nil && v < *s.Min || s.Max != nil && v > *s.Max {
		return AttributeValue{}, false
	}
	return AttributeValue{N: &v}, true
}

// Latencies outside these bounds are treated as if they had not been sent.
const (
	minLatencyInMs = 1
	maxLatencyInMs = 10_000
	maxLocations   = 100
)

// latencies keeps what a client measured for the locations we run in: below a
// millisecond counts as one, wild values and unknown places are dropped.
func (b *Backend) latencies(measured map[string]int) (map[string]int, error) {
	if len(measured) > maxLocations {
		return nil, Errorf(Invalid, "ticket.too_many_latencies", "latencies for at most %d locations, not %d", maxLocations, len(measured))
	}
	kept := make(map[string]int, len(measured))
	for location, ms := range measured {
		if b.locations[location] && ms >= 0 && ms <= maxLatencyInMs {
			kept[location] = max(ms, minLatencyInMs)
		}
	}
	return kept, nil
}

// storedData reads the player data that matchmaking attributes may come from. Absent
// data is empty.
func (b *Backend) storedData(ctx context.Context, p PlayerID) (map[string]any, error) {
	data, _, err := loadOr(ctx, b.store, dataKey(p, attributesNamespace), map[string]any(nil))
	return data, err
}

// attributesNamespace is the player data that modes read with FromPlayer. Only game
// servers write it.
const attributesNamespace = "attributes"

// maxAttributeData bounds the data of one player that matchmaking may read.
const maxAttributeData = 16 << 10

// SetAttributes replaces the stored data that modes may read for a player with
// FromPlayer: numbers and strings by name. It is for game servers, never for players.
func (b *Backend) SetAttributes(ctx context.Context, p PlayerID, data map[string]any) error {
	for name, value := range data {
		switch value.(type) {
		case float64, string:
		default:
			return Errorf(Invalid, "attributes.type", "%q is neither a number nor a string", name)
		}
	}
	body, err := json.Marshal(data)
	if err != nil || len(body) > maxAttributeData {
		return Errorf(Invalid, "attributes.too_large", "the attributes of a player have at most %d bytes", maxAttributeData)
	}
	return Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		if _, _, err := b.account(ctx, p); err != nil {
			return nil, err
		}
		return []Op{{Kind: Put, Key: dataKey(p, attributesNamespace), Value: body, Version: AnyVersion}}, nil
	})
}

// playerNotFound turns an absent account into the error a caller sees.
func playerNotFound(err error) error {
	if errors.Is(err, ErrNotFound) {
		return Errorf(NotFound, "player.not_found", "there is no such player")
	}
	return err
}
