package muster

import (
	"cmp"
	"fmt"
	"math"
)

// PartyRating is what members of a party send where an attribute comes from the rating.
type PartyRating string

// What each member sends: their own skill, the average of the party, or the skill of its
// best.
const (
	OwnRating     PartyRating = "own"
	AverageRating PartyRating = "average"
	HighestRating PartyRating = "highest"
)

// PartyRules is what a mode asks of parties. The zero value takes parties of up to the
// largest team, each member with their own rating, whether ready or not.
type PartyRules struct {
	MaxSize      int // 0: players of the largest team, at most 10
	Rating       PartyRating
	RequireReady bool // all but the leader, whose start says it
}

// problem finds what is wrong with the rules; the field is relative to them. largest is
// the size of the largest team, 0 when that is not known.
func (r PartyRules) problem(largest int) (field, problem string) {
	switch {
	case r.MaxSize < 0 || r.MaxSize > maxPartySize:
		return ".maxSize", fmt.Sprintf("lies between 1 and %d, not %d", maxPartySize, r.MaxSize)
	case largest > 0 && r.MaxSize > largest:
		return ".maxSize", fmt.Sprintf("is %d, but the largest team has %d places and a party is never split", r.MaxSize, largest)
	}
	switch r.Rating {
	case "", OwnRating, AverageRating, HighestRating:
		return "", ""
	}
	return ".rating", fmt.Sprintf("%q is not a choice; use own, average or highest", r.Rating)
}

func (r PartyRules) rating() PartyRating { return cmp.Or(r.Rating, OwnRating) }

// largestTeam is the size of the mode's largest team.
func (m Mode) largestTeam() int {
	largest := 0
	for _, t := range m.Teams {
		largest = max(largest, t.MaxPlayers)
	}
	return largest
}

// partyLimit is the largest party that the mode takes.
func (m Mode) partyLimit() int {
	return min(cmp.Or(m.Party.MaxSize, max(m.largestTeam(), 1)), maxPartySize)
}

// partyLimit is how large a party that wants to play a mode may be; without a mode, as
// large as any mode takes.
func (b *Backend) partyLimit(mode ModeName) int {
	if m, known := b.modes[mode]; known {
		return m.partyLimit()
	}
	largest := 1
	for _, m := range b.modes {
		largest = max(largest, m.partyLimit())
	}
	return largest
}

// shareRating gives all members of a party the points that the mode wants parties to be
// matched by. players are the caller's to change.
func (m Mode) shareRating(players []entrant) {
	how := m.Party.rating()
	if how == OwnRating || len(players) < 2 {
		return
	}
	sum, best := 0, 0
	for _, p := range players {
		sum, best = sum+p.facts.points, max(best, p.facts.points)
	}
	shared := best
	if how == AverageRating {
		shared = int(math.Round(float64(sum) / float64(len(players))))
	}
	for i := range players {
		players[i].facts.points, players[i].facts.shared = shared, how
	}
}

// offered keeps those of a player's preferences that the mode still takes.
func (m Mode) offered(preferences map[string]string) map[string]string {
	kept := make(map[string]string, len(preferences))
	for name, value := range preferences {
		if m.checkPreference(name, value) == nil {
			kept[name] = value
		}
	}
	return kept
}
