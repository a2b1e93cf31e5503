package muster

import (
	"fmt"
	"regexp"
	"time"
)

// SeasonName names a season of a mode. The empty name is the time before the first, or
// always in a mode without seasons.
type SeasonName string

// Season is a stretch of time in which a mode's ratings are kept apart. It ends where
// the next one starts.
type Season struct {
	Name     SeasonName
	StartsAt time.Time
}

// Competition is how a mode's results count.
type Competition struct {
	Leavers LeaverRule // zero: LeaversAsTeam
	Absent  AbsentRule // zero: AbsentRefused

	// Seasons are in the order of their starts. Which one it is, the clock says.
	Seasons []Season
	// CarryOver is the part of a player's distance from the start, in mean, uncertainty
	// and volatility alike, that goes with them into the next season: 0 to 1.
	CarryOver float64
	// DecayAfter is how long a player may be idle before the time counts for the rating
	// system's Idle. A season's start ends idleness.
	DecayAfter time.Duration
	// PlacementGames is how many rated matches of a season a player's rating is hidden.
	PlacementGames int
	// PublicHistory lets players see each other's matches.
	PublicHistory bool
}

// LeaverRule is what a result does to players who left before the end.
type LeaverRule string

// The rules for leavers.
const (
	LeaversAsTeam  LeaverRule = ""        // what it does to their team
	LeaversLose    LeaverRule = "loss"    // as if their team had come last
	LeaversIgnored LeaverRule = "ignored" // nothing: it counts as if they had not been there
)

// AbsentRule is what becomes of a report that leaves out players of the session.
type AbsentRule string

// The rules for players whom a report leaves out.
const (
	AbsentRefused AbsentRule = ""        // the report is refused
	AbsentUnrated AbsentRule = "unrated" // the result counts for the others
)

// The most seasons and placement games that a mode can have.
const (
	maxSeasons        = 200
	maxPlacementGames = 100
)

var seasonName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,32}$`)

// problems reports what is wrong with the competition, at keys relative to it.
func (c Competition) problems() []FieldError {
	var problems []FieldError
	report := func(field, format string, args ...any) {
		problems = append(problems, FieldError{field, fmt.Sprintf(format, args...)})
	}
	switch c.Leavers {
	case LeaversAsTeam, LeaversLose, LeaversIgnored:
	default:
		report("leavers", "is asTeam, loss or ignored, not %q", c.Leavers)
	}
	switch c.Absent {
	case AbsentRefused, AbsentUnrated:
	default:
		report("absent", "is refused or unrated, not %q", c.Absent)
	}
	if !(c.CarryOver >= 0 && c.CarryOver <= 1) {
		report("carryOver", "lies between 0 (everybody starts anew) and 1, not %v", c.CarryOver)
	}
	if c.DecayAfter < 0 {
		report("decay", "begins after 0 days or more")
	}
	if c.PlacementGames < 0 || c.PlacementGames > maxPlacementGames {
		report("placementGames", "lies between 0 and %d, not %d", maxPlacementGames, c.PlacementGames)
	}
	if len(c.Seasons) > maxSeasons {
		report("seasons", "are at most %d, not %d", maxSeasons, len(c.Seasons))
	}
	first := make(map[SeasonName]int, len(c.Seasons)) // where each name stands first
	for i, s := range c.Seasons {
		at := fmt.Sprintf("seasons[%d].", i)
		earlier, taken := first[s.Name]
		switch {
		case !seasonName.MatchString(string(s.Name)):
			report(at+"name", "%q is no name of a season: 1 to 32 letters, digits, dots, hyphens and underscores", s.Name)
		case taken:
			report(at+"name", "%q is the name of seasons[%d] already; every season has its own", s.Name, earlier)
		default:
			first[s.Name] = i
		}
		switch {
		case s.StartsAt.IsZero():
			report(at+"startsAt", "is the instant at which the season starts")
		case i > 0 && !s.StartsAt.After(c.Seasons[i-1].StartsAt):
			report(at+"startsAt", "is not after the start of the season before, %s: seasons stand in their order", c.Seasons[i-1].StartsAt.Format(time.RFC3339))
		}
	}
	return problems
}

// unknownSeason is the place of a season that the configuration no longer has: before
// all others. The place of the time before the first season is -1.
const unknownSeason = -2

// place is where a season stands among those of the mode.
func (c Competition) place(name SeasonName) int {
	if name == "" {
		return -1
	}
	for i, s := range c.Seasons {
		if s.Name == name {
			return i
		}
	}
	return unknownSeason
}

// placeAt is the place of the season at an instant.
func (c Competition) placeAt(at time.Time) int {
	for i := len(c.Seasons) - 1; i >= 0; i-- {
		if !at.Before(c.Seasons[i].StartsAt) {
			return i
		}
	}
	return -1
}

// named is the name of the season at a place.
func (c Competition) named(place int) SeasonName {
	if place < 0 {
		return ""
	}
	return c.Seasons[place].Name
}

// start is when a season began; zero for one that is not in the configuration.
func (c Competition) start(name SeasonName) time.Time {
	if place := c.place(name); place >= 0 {
		return c.Seasons[place].StartsAt
	}
	return time.Time{}
}

// seasonView is the season at an instant as players see it; nil for none.
func (c Competition) seasonView(at time.Time) *SeasonView {
	place := c.placeAt(at)
	if place < 0 {
		return nil
	}
	v := &SeasonView{Name: c.Seasons[place].Name, StartedAt: c.Seasons[place].StartsAt.UTC()}
	if place+1 < len(c.Seasons) {
		ends := c.Seasons[place+1].StartsAt.UTC()
		v.EndsAt = &ends
	}
	return v
}
