package rating

import (
	"fmt"
	"math"
)

// PlackettLuce rates a finished match of any number of teams of any sizes: the
// Plackett-Luce model, Algorithm 4 of Weng and Lin's paper. It returns the new
// ratings in the order of teams, each team in its own order, and changes nothing that
// it was given.
//
// ranks[i] is the place of teams[i]: lower is better, equal is a draw, gaps mean
// nothing. Nil ranks say that the teams stand in the order of their places. Any other
// length than that of teams is a mistake of the program, and panics.
//
// A team without players takes no part. A number that is not finite, or a negative
// Sigma, counts as that of Default. The time is quadratic in the number of teams.
func PlackettLuce(teams [][]Rating, ranks []int, opts Options) [][]Rating {
	if ranks != nil && len(ranks) != len(teams) {
		panic(fmt.Sprintf("rating: %d ranks for %d teams", len(ranks), len(teams)))
	}
	opts = opts.withDefaults()
	sides := make([]side, 0, len(teams))
	after := make([][]Rating, len(teams))
	for i, team := range teams {
		rank := i
		if ranks != nil {
			rank = ranks[i]
		}
		after[i] = make([]Rating, len(team))
		if len(team) > 0 {
			sides = append(sides, newSide(team, after[i], rank, opts))
		}
	}
	c := deviation(sides, opts)
	places := newPlaces(sides, c)
	for i, s := range sides {
		s.update(i, places, c, opts)
	}
	return after
}

// side is a team in the calculation.
type side struct {
	before   []Rating // as given, but sane
	players  []Rating // with the drift of time: where the calculation starts
	after    []Rating // the result, of the same length
	rank     int
	mu       float64 // sum over the players
	variance float64 // sum of the players' Sigma²
}

func newSide(team, after []Rating, rank int, opts Options) side {
	s := side{before: make([]Rating, len(team)), players: make([]Rating, len(team)), after: after, rank: rank}
	for i, r := range team {
		r = r.sane()
		s.before[i] = r
		variance := r.Sigma*r.Sigma + opts.Tau*opts.Tau
		s.players[i] = Rating{Mu: r.Mu, Sigma: math.Sqrt(variance)}
		s.mu += r.Mu
		s.variance += variance
	}
	return s
}

// deviation is the paper's c: how far the performances of all sides spread together.
func deviation(sides []side, opts Options) float64 {
	sum := 0.0
	for _, s := range sides {
		sum += s.variance + opts.Beta*opts.Beta
	}
	return math.Sqrt(sum)
}

// place is one step of the model: among the sides that rank no better than a certain
// one, which comes first?
type place struct {
	rank int
	ties float64 // how many sides share the rank, 1 or more
	top  float64 // the greatest mu/c of the sides in question
	sum  float64 // the sum of exp(mu/c - top) over them
}

// newPlaces returns a place for each side, in their order.
func newPlaces(sides []side, c float64) []place {
	places := make([]place, len(sides))
	for q, s := range sides {
		p := place{rank: s.rank, top: math.Inf(-1)}
		for _, other := range sides {
			if other.rank == s.rank {
				p.ties++
			}
			if other.rank >= s.rank {
				p.top = max(p.top, other.mu/c)
			}
		}
		for _, other := range sides {
			if other.rank >= s.rank {
				p.sum += math.Exp(other.mu/c - p.top)
			}
		}
		places[q] = p
	}
	return places
}

// update writes the new ratings of the side, whose own place is places[self].
func (s *side) update(self int, places []place, c float64, opts Options) {
	omega, delta := s.evidence(self, places, c)
	// The paper's gamma, its guard against a Sigma that shrinks too fast, is the side's
	// deviation over c.
	gamma := math.Sqrt(s.variance) / c
	omega *= s.variance / c
	delta *= s.variance / (c * c) * gamma
	for i, r := range s.players {
		share := 0.0 // of the side's uncertainty that is this player's
		if s.variance > 0 {
			share = r.Sigma * r.Sigma / s.variance
		}
		r.Mu += share * omega
		r.Sigma *= math.Sqrt(max(1-share*delta, opts.Kappa))
		if opts.LimitSigma {
			r.Sigma = min(r.Sigma, s.before[i].Sigma)
		}
		s.after[i] = r.sane()
	}
}

// evidence sums what each place up to the side's own says of it: omega, by how much it
// did better than expected, and delta, how much there was to learn.
func (s *side) evidence(self int, places []place, c float64) (omega, delta float64) {
	omega = 1 / places[self].ties // its own place, which it took
	for _, p := range places {
		if p.rank > s.rank {
			continue // it was out of that contest
		}
		chance := math.Exp(s.mu/c-p.top) / p.sum
		omega -= chance / p.ties
		delta += chance * (1 - chance) / p.ties
	}
	return omega, delta
}
