package muster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// errRefused is GameLift's refusal of a ticket, with the ticket's id, by which operators see
// what was sent, and with the attributes and players that GameLift's own text speaks of. The
// text itself may name resources.
func errRefused(err error, mode Mode, t *ticket) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != Invalid {
		return err
	}
	told := *e
	told.Details = map[string]any{"ticketId": t.ID}
	maps.Copy(told.Details, e.Details)
	told.Message += "; an operator sees at the ticket what was sent"
	if e.Err == nil {
		return &told
	}
	words := strings.FieldsFunc(e.Err.Error(), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.", r)
	})
	for i := range words {
		words[i] = strings.Trim(words[i], ".")
	}
	var attributes []string
	for _, name := range slices.Sorted(maps.Keys(mode.Attributes)) {
		if slices.Contains(words, name) {
			attributes = append(attributes, name)
		}
	}
	var players []PlayerID
	for i := range t.Players {
		if id := t.Players[i].ID; slices.Contains(words, string(id)) {
			players = append(players, id)
		}
	}
	if len(attributes) > 0 {
		told.Details["attributes"] = attributes
	}
	if len(players) > 0 {
		told.Details["playerIds"] = players
	}
	return &told
}

// notThere says of GameLift's refusal of a request that it lacks what the mode names: a
// queue or a matchmaking configuration. That is the operator's to mend, not the caller's
// mistake, so it is Unavailable. Any other error stays what it is.
func (b *Backend) notThere(ctx context.Context, mode Mode, what, name string, err error) error {
	if KindOf(err) != NotFound {
		return err
	}
	b.log.ErrorContext(ctx, "GameLift lacks what a mode names", "mode", mode.Name, what, name, "error", err)
	return &Error{Kind: Unavailable, Code: "mode.unavailable", Message: fmt.Sprintf("mode %q cannot be played now", mode.Name), Err: err}
}

// forParties refuses modes that no party can ever queue for.
func (m Mode) forParties() error {
	if m.matches() {
		return nil
	}
	return Errorf(Denied, "party.no_matchmaking", "nobody is matched in mode %q, so no party queues for it: create a session or join one", m.Name)
}

// errProperty names what a mode allows instead of a property, or instead of its value. A
// property without choices takes any value from game servers, and none from players.
func errProperty(allowed map[string][]string, byServer bool, key, value string) error {
	choices, listed := allowed[key]
	switch {
	case !listed || len(choices) == 0 && !byServer:
		keys := slices.DeleteFunc(slices.Sorted(maps.Keys(allowed)), func(k string) bool { return len(allowed[k]) == 0 && !byServer })
		return Errorf(Invalid, "session.property", "%q is not a property that can be set; allowed: %s", key, named(keys))
	case len(choices) == 0:
		return Errorf(Invalid, "session.property", "a value of property %q has 1 to %d characters", key, maxPropertyValue)
	}
	return Errorf(Invalid, "session.property", "property %q cannot be %q; allowed: %s", key, value, named(choices))
}

// checkFilters refuses filters that no session of a mode can ever fit.
func (b *Backend) checkFilters(mode Mode, q SessionQuery) error {
	for _, key := range slices.Sorted(maps.Keys(q.Properties)) {
		choices, listed := mode.Sessions.Properties[key]
		if !listed {
			return Errorf(Invalid, "session.property", "sessions of mode %q have no property %q; allowed: %s",
				mode.Name, key, named(slices.Sorted(maps.Keys(mode.Sessions.Properties))))
		}
		if value := q.Properties[key]; len(choices) > 0 && !slices.Contains(choices, value) {
			return errProperty(mode.Sessions.Properties, true, key, value)
		}
	}
	if q.Location != "" && len(b.locations) > 0 && !b.locations[q.Location] {
		return Errorf(Invalid, "session.location", "there is no location %q; allowed: %s", q.Location, named(slices.Sorted(maps.Keys(b.locations))))
	}
	return nil
}

// maxNamed bounds how many choices an error repeats.
const maxNamed = 20

// named lists what may be chosen, for a message.
func named(choices []string) string {
	switch {
	case len(choices) == 0:
		return "none"
	case len(choices) > maxNamed:
		return strings.Join(choices[:maxNamed], ", ") + ", ..."
	}
	return strings.Join(choices, ", ")
}
