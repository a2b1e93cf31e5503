package main

import (
	"math"
	"time"

	"muster"
	"muster/rating"
)

// ratings is a rating system of package rating; both of them have this.
type ratings interface {
	Start() rating.Rating
	Rate(m rating.Match) [][]rating.Rating
	Idle(r rating.Rating, idle time.Duration) rating.Rating
}

// ratingSystem is the rules' port to the rating package.
type ratingSystem struct {
	ratings
	name        string
	pointsPerMu float64 // what players see of one point of the system's scale
}

// newcomersPoints is what a new player shows, whatever the system.
const newcomersPoints = 1500

func newRatingSystem(name string, r ratings) ratingSystem {
	return ratingSystem{ratings: r, name: name, pointsPerMu: newcomersPoints / r.Start().Mu}
}

// defaultRating rates the modes that say nothing about it.
func defaultRating() muster.RatingSystem { return ratingConfig{}.system() }

func (s ratingSystem) Name() string { return s.name }

func (s ratingSystem) New() muster.Skill { return muster.Skill(s.Start()) }

func (s ratingSystem) Points(skill muster.Skill) int {
	return int(math.Round(max(0, skill.Mu) * s.pointsPerMu))
}

// Adopt tells the two scales apart by the volatility, which Glicko-2 keeps, never 0, and the
// Weng-Lin systems do not.
func (s ratingSystem) Adopt(skill muster.Skill) muster.Skill {
	start := s.Start()
	if (skill.Volatility == 0) == (start.Volatility == 0) {
		return skill
	}
	from := rating.Glicko2{}.Start()
	if skill.Volatility == 0 {
		from = rating.WengLin{}.Start()
	}
	return muster.Skill{Mu: skill.Mu / from.Mu * start.Mu, Sigma: skill.Sigma / from.Sigma * start.Sigma, Volatility: start.Volatility}
}

func (s ratingSystem) Idle(skill muster.Skill, idle time.Duration) muster.Skill {
	return muster.Skill(s.ratings.Idle(rating.Rating(skill), idle))
}

func (s ratingSystem) Rate(match muster.RatedMatch) [][]muster.Skill {
	m := rating.Match{
		Teams: make([][]rating.Rating, len(match.Teams)), Ranks: make([]int, len(match.Teams)),
		Weights: make([][]float64, len(match.Teams)),
	}
	for i, team := range match.Teams {
		m.Ranks[i] = team.Rank
		for _, p := range team.Players {
			m.Teams[i] = append(m.Teams[i], rating.Rating(p.Skill))
			m.Weights[i] = append(m.Weights[i], p.Weight)
		}
	}
	after := make([][]muster.Skill, len(match.Teams))
	for i, team := range s.ratings.Rate(m) {
		for _, r := range team {
			after[i] = append(after[i], muster.Skill(r))
		}
	}
	return after
}
