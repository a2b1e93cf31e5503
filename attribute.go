package muster

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Source is where a matchmaking attribute comes from.
type Source string

// The sources. There is none that trusts a client's number.
const (
	FromRating Source = "rating" // the player's skill in this mode
	FromPlayer Source = "player" // stored player data
	FromClient Source = "client" // the client's choice among Choices
	FromConst  Source = "const"  // Value
)

// Outside is what becomes of a number that lies outside an attribute's bounds.
type Outside string

// The policies. Without one the default is sent where there is one, and nothing where
// there is none.
const (
	OutsideAbsent  Outside = "absent"  // nothing is sent
	OutsideClamp   Outside = "clamp"   // the nearest bound is sent
	OutsideDefault Outside = "default" // Value is sent
)

// AttributeType is the type of an attribute, as far as stored data can have it.
type AttributeType string

// The types.
const (
	NumberType AttributeType = "number"
	StringType AttributeType = "string"
)

// AttributeSource says where one attribute's value comes from.
type AttributeSource struct {
	From Source
	// Field names the stored number or string (FromPlayer): "namespace.field", or a
	// field of the namespace AttributesNamespace.
	Field string
	// Type is what the rule set declares (FromPlayer): stored data of another type is not
	// sent, since GameLift would refuse the whole ticket for it. Empty: number where there
	// are bounds, else the type of Value, else either.
	Type AttributeType
	// Min and Max bound a number (FromRating, FromPlayer). Nil: no bound.
	Min, Max *float64
	// Outside says what becomes of a number outside the bounds. Empty: see OutsideAbsent.
	Outside Outside
	// Choices lists what a client may choose (FromClient); the first is taken when it
	// says nothing.
	Choices []string
	// Value is the value of FromConst, and the default of FromPlayer and FromRating: it is
	// sent in place of what is missing or cannot be sent. Nil: none.
	Value *AttributeValue
}

// maxAttributeRunes bounds a string attribute. Source: GameLift API reference,
// AttributeValue.
const maxAttributeRunes = 100

func (s AttributeSource) problem() (field, problem string) {
	switch s.From {
	case FromRating:
	case FromPlayer:
		if _, name := s.document(); name == "" {
			return ".field", "is missing: the stored field to read"
		}
	case FromClient:
		if len(s.Choices) == 0 {
			return ".choices", "is missing or empty: what a client may choose, the first by default"
		}
	case FromConst:
		if s.Value == nil {
			return ".value", "is missing: the constant to send"
		}
	default:
		return ".from", fmt.Sprintf("%q is not a source; use rating, player, client or const", s.From)
	}
	if s.Type != "" && s.Type != NumberType && s.Type != StringType {
		return ".type", fmt.Sprintf("%q is no type of stored data; use number or string", s.Type)
	}
	if s.Min != nil && s.Max != nil && *s.Min > *s.Max {
		return ".min", "is greater than max"
	}
	for _, choice := range s.Choices {
		if n := utf8.RuneCountInString(choice); n < 1 || n > maxAttributeRunes {
			return ".choices", fmt.Sprintf("holds strings of 1 to %d characters", maxAttributeRunes)
		}
	}
	return s.outsideProblem()
}

func (s AttributeSource) outsideProblem() (field, problem string) {
	switch {
	case s.Outside == "":
	case s.From != FromRating && s.From != FromPlayer:
		return ".outside", "goes with rating and player: nothing else has bounds"
	case s.Outside != OutsideAbsent && s.Outside != OutsideClamp && s.Outside != OutsideDefault:
		return ".outside", fmt.Sprintf("%q is no policy; use absent, clamp or default", s.Outside)
	case s.Min == nil && s.Max == nil:
		return ".outside", "says what becomes of numbers outside min and max, and neither is given"
	case s.Outside == OutsideDefault && s.Value == nil:
		return ".outside", "is default, and value, the default, is not given"
	}
	return "", ""
}

// storedType is the type that stored data must have; empty: number or string.
func (s AttributeSource) storedType() AttributeType {
	switch {
	case s.Type != "":
		return s.Type
	case s.Min != nil || s.Max != nil || s.Value != nil && s.Value.N != nil:
		return NumberType
	case s.Value != nil && s.Value.S != nil:
		return StringType
	}
	return ""
}

// document is the namespace and the field that a FromPlayer source reads.
func (s AttributeSource) document() (namespace, field string) {
	if namespace, field, ok := strings.Cut(s.Field, "."); ok {
		return namespace, field
	}
	return AttributesNamespace, s.Field
}

// attributeProblem is why a source's own value was not sent.
type attributeProblem string

const (
	attributeNone  attributeProblem = "none"  // there is no such value, or the client chose nothing
	attributeType  attributeProblem = "type"  // not of the type that it should have
	attributeWild  attributeProblem = "wild"  // a number that is none, or is infinite
	attributeLong  attributeProblem = "long"  // a string that GameLift does not take
	attributeRange attributeProblem = "range" // outside min and max
)

// attributeRemedy is what was sent instead.
type attributeRemedy string

const (
	remedyAbsent  attributeRemedy = "absent" // nothing was
	remedyClamp   attributeRemedy = "clamp"
	remedyDefault attributeRemedy = "default"
)

// attributeReason says why an attribute was sent as it was, or was not. Its keys are
// short: every ticket keeps one for each attribute, and records cost by the kilobyte.
type attributeReason struct {
	From Source `json:"f"`
	// Field is what was read, for FromPlayer.
	Field string `json:"k,omitempty"`
	// Count is the games that a rating rests on, or the version of the stored document.
	Count int64 `json:"n,omitempty"`
	// Shared says what of the party's ratings was sent; empty: the player's own.
	Shared  PartyRating      `json:"g,omitempty"`
	Problem attributeProblem `json:"p,omitempty"`
	Was     *float64         `json:"w,omitempty"` // the number that was out of range
	Remedy  attributeRemedy  `json:"r,omitempty"` // set exactly with Problem
}

// playerFacts is what the backend knows of a player, as far as a mode's attributes need
// it.
type playerFacts struct {
	points int
	games  int
	// shared says that points are not the player's own but those of the party; empty:
	// they are.
	shared PartyRating
	// documents are the stored documents by namespace; one that the player lacks is
	// absent.
	documents map[string]storedDocument
}

// storedDocument is a stored document: fields by name, as JSON.
type storedDocument struct {
	fields  fields
	version int64
}

// attributes decides what GameLift is told about a player, and says why: every
// attribute comes from where the mode says. preferences that the mode does not ask for,
// or whose value is not among the choices, are the caller's mistake.
func (m Mode) attributes(facts playerFacts, preferences map[string]string) (map[string]AttributeValue, map[string]attributeReason, error) {
	for name, value := range preferences {
		if err := m.checkPreference(name, value); err != nil {
			return nil, nil, err
		}
	}
	values := make(map[string]AttributeValue, len(m.Attributes))
	reasons := make(map[string]attributeReason, len(m.Attributes))
	for name, source := range m.Attributes {
		value, why := source.value(facts, preferences[name])
		if value != nil {
			values[name] = *value
		}
		reasons[name] = why
	}
	return values, reasons, nil
}

// checkPreference says whether the mode lets a client choose value for an attribute.
func (m Mode) checkPreference(name, value string) error {
	source, known := m.Attributes[name]
	if !known || source.From != FromClient {
		return Errorf(Invalid, "ticket.preference_unknown", "mode %q has no choice %q", m.Name, name)
	}
	if !slices.Contains(source.Choices, value) {
		return Errorf(Invalid, "ticket.preference_invalid", "%q is not a choice for %q; choose one of %q", value, name, source.Choices)
	}
	return nil
}

// namespaces lists the stored documents that the mode's attributes are read from.
func (m Mode) namespaces() []string {
	var all []string
	for _, source := range m.Attributes {
		if source.From != FromPlayer {
			continue
		}
		if namespace, _ := source.document(); !slices.Contains(all, namespace) {
			all = append(all, namespace)
		}
	}
	slices.Sort(all)
	return all
}

// value resolves one attribute; nil: nothing is sent.
func (s AttributeSource) value(facts playerFacts, choice string) (*AttributeValue, attributeReason) {
	why := attributeReason{From: s.From}
	switch s.From {
	case FromRating:
		why.Count, why.Shared = int64(facts.games), facts.shared
		return s.number(float64(facts.points), why)
	case FromClient:
		if choice == "" {
			choice = s.Choices[0]
			why.Problem, why.Remedy = attributeNone, remedyDefault
		}
		return &AttributeValue{S: &choice}, why
	case FromPlayer:
		return s.stored(facts.documents, why)
	}
	return s.Value, why
}

// stored resolves an attribute from the player's documents.
func (s AttributeSource) stored(documents map[string]storedDocument, why attributeReason) (*AttributeValue, attributeReason) {
	namespace, field := s.document()
	why.Field, why.Count = namespace+"."+field, documents[namespace].version
	raw, there := documents[namespace].fields[field]
	if !there || string(raw) == "null" {
		return s.instead(attributeNone, why)
	}
	var text string
	var number float64
	isNumber := raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9'
	switch want := s.storedType(); {
	case isNumber && want == StringType || !isNumber && want == NumberType:
		return s.instead(attributeType, why)
	case isNumber && json.Unmarshal(raw, &number) != nil:
		return s.instead(attributeWild, why) // beyond all bounds
	case isNumber:
		return s.number(number, why)
	case json.Unmarshal(raw, &text) != nil:
		return s.instead(attributeType, why)
	case text == "":
		return s.instead(attributeNone, why)
	case utf8.RuneCountInString(text) > maxAttributeRunes:
		return s.instead(attributeLong, why)
	}
	return &AttributeValue{S: &text}, why
}

// number is v as an attribute, or what is sent in its place.
func (s AttributeSource) number(v float64, why attributeReason) (*AttributeValue, attributeReason) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return s.instead(attributeWild, why)
	}
	nearest := v
	if s.Min != nil {
		nearest = max(nearest, *s.Min)
	}
	if s.Max != nil {
		nearest = min(nearest, *s.Max)
	}
	if nearest == v {
		return &AttributeValue{N: &v}, why
	}
	why.Was = &v
	switch s.Outside {
	case OutsideClamp:
		why.Problem, why.Remedy = attributeRange, remedyClamp
		return &AttributeValue{N: &nearest}, why
	case OutsideAbsent:
		why.Problem, why.Remedy = attributeRange, remedyAbsent
		return nil, why
	}
	return s.instead(attributeRange, why)
}

// instead is the default in place of a value that cannot be sent, or nothing.
func (s AttributeSource) instead(problem attributeProblem, why attributeReason) (*AttributeValue, attributeReason) {
	why.Problem, why.Remedy = problem, remedyAbsent
	if s.Value != nil {
		why.Remedy = remedyDefault
	}
	return s.Value, why
}
