package main

import (
	"math"
	"time"

	"muster"
	"muster/rating"
)

// plackettLuce is the rules' port to the rating package.
type plackettLuce struct{}

func (plackettLuce) New() muster.Skill {
	r := rating.Default()
	return muster.Skill{Mu: r.Mu, Sigma: r.Sigma}
}

// pointsPerMu turns a mean into the number that players and rule sets see: a new
// player of mean 25 has 1500.
const pointsPerMu = 60

func (plackettLuce) Points(s muster.Skill) int { return int(math.Round(max(0, s.Mu) * pointsPerMu)) }

// Idle changes nothing: a belief does not age by itself.
func (plackettLuce) Idle(s muster.Skill, _ time.Duration) muster.Skill { return s }

// Rate lets each player's skill move by the part of the match that they played.
func (plackettLuce) Rate(match muster.RatedMatch) [][]muster.Skill {
	teams, ranks := make([][]rating.Rating, len(match.Teams)), make([]int, len(match.Teams))
	for i, team := range match.Teams {
		ranks[i] = team.Rank
		for _, p := range team.Players {
			teams[i] = append(teams[i], rating.Rating{Mu: p.Skill.Mu, Sigma: p.Skill.Sigma})
		}
	}
	out := make([][]muster.Skill, len(teams))
	for i, team := range rating.PlackettLuce(teams, ranks, rating.Options{}) {
		for j, r := range team {
			p := match.Teams[i].Players[j]
			after := muster.Skill{Mu: r.Mu, Sigma: r.Sigma}
			if p.Weight < 1 {
				after.Mu = p.Skill.Mu + p.Weight*(r.Mu-p.Skill.Mu)
				after.Sigma = p.Skill.Sigma + p.Weight*(r.Sigma-p.Skill.Sigma)
			}
			out[i] = append(out[i], after)
		}
	}
	return out
}
