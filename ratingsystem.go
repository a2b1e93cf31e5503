package muster

import "time"

// Skill is a belief about a player's strength, on the scale of the system that made it:
// mean and standard deviation.
type Skill struct {
	Mu, Sigma float64
	// Volatility is how erratic the strength is, for systems that keep track of it; 0
	// in others.
	Volatility float64 `json:",omitempty"`
}

// RatingSystem rates players. Its methods are pure: equal arguments give equal answers
// to the last bit, now and later, for ratings are recomputed from results.
type RatingSystem interface {
	// Name is what the configuration calls the system.
	Name() string
	// New is the skill of a player of whom nothing is known.
	New() Skill
	// Rate computes what a match does to the skills of its players. The answer has the
	// shape of match.Teams.
	Rate(match RatedMatch) [][]Skill
	// Idle is the skill after a time without matches: less certain, perhaps.
	Idle(s Skill, idle time.Duration) Skill
	// Points is the number, 0 or more, that matchmaking uses and players see. Leaderboards
	// show that of the last match: of points that Idle changes they do not hear before the
	// next.
	Points(s Skill) int
	// Adopt is a skill that may be on the scale of another system, on this one's: of the
	// same points, and as sure in proportion. A skill on this scale comes back as it is.
	Adopt(s Skill) Skill
}

// RatedMatch is a match as a rating system sees it: two or more teams, none empty.
type RatedMatch struct{ Teams []RatedTeam }

// RatedTeam is one team of a match. Rank 1 is best, equal ranks are a draw, gaps mean
// nothing.
type RatedTeam struct {
	Rank    int
	Players []RatedPlayer
}

// RatedPlayer is one player of a match. Weight is the part of the match that they
// played, from 0 to 1; with 0 their skill does not change.
type RatedPlayer struct {
	Skill  Skill
	Weight float64
}

// ratingSystem is how a mode's results are rated.
func (b *Backend) ratingSystem(mode ModeName) RatingSystem {
	if own := b.modes[mode].Rating; own != nil {
		return own
	}
	return b.rating
}
