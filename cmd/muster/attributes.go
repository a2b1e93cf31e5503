package main

import (
	"fmt"
	"maps"
	"slices"

	"muster"
	"muster/flexmatch"
)

// checkAttributes compares where the mode takes attributes from with what its rule set
// declares.
func (m *modeConfig) checkAttributes(k *checker, at string, declared []flexmatch.Attribute) {
	at += ".attributes."
	m.declared = declared
	for _, name := range slices.Sorted(maps.Keys(m.Attributes)) {
		if !slices.ContainsFunc(declared, func(d flexmatch.Attribute) bool { return d.Name == name }) {
			k.report(at+name, "%s declares no player attribute of this name", m.RuleSet)
		}
	}
	for _, d := range declared {
		source, given := m.Attributes[d.Name]
		if key, message := source.mismatch(d.Kind); given && message != "" {
			k.report(at+d.Name+key, "%s", message)
			continue
		}
		if d.Default.Kind != flexmatch.NoAttribute {
			continue
		}
		if message := source.gap(); !given {
			k.report(at+d.Name, "%s needs it and gives no default: say where it comes from", m.RuleSet)
		} else if message != "" {
			k.report(at+d.Name, "%s, and %s gives no default: such a player would never match", message, m.RuleSet)
		}
	}
}

// storedType is what the rule set declares an attribute to be, where stored data can be that.
func (m *modeConfig) storedType(name string) muster.AttributeType {
	if muster.Source(m.Attributes[name].From) != muster.FromPlayer {
		return ""
	}
	for _, d := range m.declared {
		switch {
		case d.Name != name:
		case d.Kind == flexmatch.NumberAttribute:
			return muster.NumberType
		case d.Kind == flexmatch.StringAttribute:
			return muster.StringType
		}
	}
	return ""
}

// mismatch says why the source cannot fill an attribute of that type, and at which of
// its keys; the message is empty when it can, or when the source is none.
func (a attributeConfig) mismatch(want flexmatch.AttributeKind) (key, message string) {
	number, text := want == flexmatch.NumberAttribute, want == flexmatch.StringAttribute
	switch muster.Source(a.From) {
	case muster.FromRating:
		if !number {
			return ".from", fmt.Sprintf("a rating is a number, and the rule set wants a %v", want)
		}
	case muster.FromClient:
		if !text {
			return ".from", fmt.Sprintf("a client's choice is a string, and the rule set wants a %v", want)
		}
		return "", "" // a value here is not used
	case muster.FromPlayer:
		if !number && !text {
			return ".from", fmt.Sprintf("stored data is a number or a string, and the rule set wants a %v", want)
		}
	case muster.FromConst:
	default:
		return "", ""
	}
	if got := kindOf(a.value()); got != flexmatch.NoAttribute && got != want {
		return ".value", fmt.Sprintf("is a %v, and the rule set wants a %v", got, want)
	}
	return "", ""
}

// gap says when the source leaves a player without the attribute; empty: never, or the
// source is none.
func (a attributeConfig) gap() string {
	bounded := a.Max != nil || a.Min != nil && *a.Min > 0 // a rating is never less than 0
	dropped := bounded && (a.Outside == string(muster.OutsideAbsent) || a.Outside == "" && a.value() == nil)
	switch from := muster.Source(a.From); {
	case from == muster.FromPlayer && a.value() == nil:
		return "a player may have no such data"
	case from == muster.FromPlayer && a.Outside == string(muster.OutsideAbsent):
		return "data outside min and max is not sent"
	case from == muster.FromRating && dropped:
		return "a rating outside min and max is not sent"
	}
	return ""
}

func kindOf(v *muster.AttributeValue) flexmatch.AttributeKind {
	switch {
	case v == nil:
		return flexmatch.NoAttribute
	case v.N != nil:
		return flexmatch.NumberAttribute
	case v.S != nil:
		return flexmatch.StringAttribute
	}
	return flexmatch.StringListAttribute
}
