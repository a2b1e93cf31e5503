// Package rating keeps players' skill as pure functions: ratings before a match and
// its result in, ratings after it out. The module's storage and matchmaking know
// nothing of the mathematics, and this package knows nothing of them.
//
// Two systems have the same three methods, Start for a new player, Rate for a finished
// match and Idle for a player who has not played for a while:
//
//   - WengLin: Weng and Lin's five models ("A Bayesian Approximation Method for Online
//     Ranking", JMLR 12, 2011), known as OpenSkill. With zero options the numbers are
//     those of npm openskill 5.0.1. Take it when matches have teams or many sides.
//   - Glicko2: Glickman's system ("Example of the Glicko-2 system", 2022), which also
//     follows how steady a player is. Take it for duels.
//
// A zero WengLin or Glicko2 is ready for use.
package rating

import (
	"fmt"
	"math"
)

// limit bounds the magnitude of Mu and Sigma, far beyond any real rating, so that no
// input makes a result that is not a number.
const limit = 1e9

// Rating is what we believe of a player's skill: a normal distribution around Mu,
// Sigma wide, both in points of the system's scale. Ratings of one system mean nothing
// to another.
type Rating struct {
	Mu    float64
	Sigma float64 // not negative; smaller is surer. Glicko calls it RD
	// Volatility is by how much Glicko2 expects the skill to move in one period, on
	// Glicko-2's inner scale. WengLin hands it on as it is.
	Volatility float64
}

// Ordinal is one number to sort players by: the skill that the player has almost
// certainly, three Sigmas below Mu. With WengLin a new player has 0.
func (r Rating) Ordinal() float64 { return r.Mu - 3*r.Sigma }

// Match is a finished match.
type Match struct {
	// Teams are the ratings before the match. A team without players takes no part.
	Teams [][]Rating
	// Ranks is the place of each team: lower is better, equal is a draw, gaps mean
	// nothing. Nil: the teams stand in the order of their places.
	Ranks []int
	// Weights say for each player which part of the match they played, from 0 to 1:
	// that part of the evidence reaches their rating. Who has 0 stays as they were, and
	// counts for the others all the same. Nil, for all or for a team: 1.
	Weights [][]float64
}

// check panics where a match is a mistake of the program: lists of different lengths.
func (m Match) check() {
	if m.Ranks != nil && len(m.Ranks) != len(m.Teams) {
		panic(fmt.Sprintf("rating: %d ranks for %d teams", len(m.Ranks), len(m.Teams)))
	}
	if m.Weights == nil {
		return
	}
	if len(m.Weights) != len(m.Teams) {
		panic(fmt.Sprintf("rating: weights of %d teams for %d", len(m.Weights), len(m.Teams)))
	}
	for i, weights := range m.Weights {
		if weights != nil && len(weights) != len(m.Teams[i]) {
			panic(fmt.Sprintf("rating: %d weights for %d players of team %d", len(weights), len(m.Teams[i]), i))
		}
	}
}

// rank is the place of team i.
func (m Match) rank(i int) int {
	if m.Ranks == nil {
		return i
	}
	return m.Ranks[i]
}

// weight is that of player j of team i, within its bounds.
func (m Match) weight(i, j int) float64 {
	if m.Weights == nil || m.Weights[i] == nil {
		return 1
	}
	w := m.Weights[i][j]
	if math.IsNaN(w) {
		return 1
	}
	return max(0, min(w, 1))
}

// sane is r with what cannot be calculated with replaced by start's, and the rest
// brought within limit.
func (r Rating) sane(start Rating) Rating {
	if !finite(r.Mu) {
		r.Mu = start.Mu
	}
	if !finite(r.Sigma) || r.Sigma < 0 {
		r.Sigma = start.Sigma
	}
	r.Mu = max(-limit, min(r.Mu, limit))
	r.Sigma = min(r.Sigma, limit)
	return r
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// positive is x if it is a finite number above 0, at most limit, and else fallback.
func positive(x, fallback float64) float64 {
	if !finite(x) || x <= 0 {
		return fallback
	}
	return min(x, limit)
}
