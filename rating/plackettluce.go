package rating

import "math"

// place is one step of the Plackett-Luce model: among the sides that rank no better
// than a certain one, which comes first?
type place struct {
	rank int
	ties float64 // how many sides share the rank, 1 or more
	top  float64 // the greatest mu/c of the sides in question
	sum  float64 // the sum of exp(mu/c - top) over them
}

// ranking is the evidence of a whole ranking at once.
func (w WengLin) ranking(sides []side) []evidence {
	sum := 0.0
	for _, s := range sides {
		sum += s.variance + w.Beta*w.Beta
	}
	c := math.Sqrt(sum) // how far the performances of all sides spread together
	places := newPlaces(sides, c)
	all := make([]evidence, len(sides))
	for i, s := range sides {
		e := s.placed(i, places, c)
		all[i].omega = e.omega * s.variance / c
		all[i].delta = e.delta * s.variance / (c * c) * w.gamma(s, c, len(sides))
	}
	return all
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

// placed sums what each place up to the side's own says of it, in units of c.
func (s side) placed(self int, places []place, c float64) (e evidence) {
	e.omega = 1 / places[self].ties // its own place, which it took
	for _, p := range places {
		if p.rank > s.rank {
			continue // it was out of that contest
		}
		chance := math.Exp(s.mu/c-p.top) / p.sum
		e.omega -= chance / p.ties
		e.delta += chance * (1 - chance) / p.ties
	}
	return e
}
