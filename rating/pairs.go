package rating

import "math"

// pair is the evidence of a comparison of two sides for the first of them.
func (w WengLin) pair(s, other side, teams int) evidence {
	c := math.Sqrt(s.variance + other.variance + 2*w.Beta*w.Beta)
	if w.Model == ThurstoneMostellerPart {
		c *= 2 // as the paper's partial pairing has it
	}
	x := (s.mu - other.mu) / c
	var e evidence // in units of the deviation c
	switch w.Model {
	case ThurstoneMostellerFull, ThurstoneMostellerPart:
		e = thurstoneMosteller(x, w.Epsilon/c, s.rank, other.rank)
	default:
		e = bradleyTerry(x, s.rank, other.rank)
	}
	return evidence{
		omega: e.omega * s.variance / c,
		delta: e.delta * s.variance / (c * c) * w.gamma(s, c, teams),
	}
}

// bradleyTerry compares two sides of which the first is stronger by x.
func bradleyTerry(x float64, rank, otherRank int) evidence {
	chance := 1 / (1 + math.Exp(-x))
	score := 0.5
	switch {
	case rank < otherRank:
		score = 1
	case rank > otherRank:
		score = 0
	}
	return evidence{omega: score - chance, delta: chance * (1 - chance)}
}

// thurstoneMosteller compares two sides of which the first is stronger by x; they
// draw when their performances are no more than t apart.
func thurstoneMosteller(x, t float64, rank, otherRank int) evidence {
	switch {
	case rank < otherRank:
		return evidence{omega: winMean(x - t), delta: winSpread(x, t)}
	case rank > otherRank:
		return evidence{omega: -winMean(-x - t), delta: winSpread(-x, t)}
	}
	return evidence{omega: drawMean(x, t), delta: drawSpread(x, t)}
}

// tiny is a probability as small as the rounding of 1, below which limits take the
// place of quotients. So small, and at likelyDraw, the peers do the same.
const (
	tiny       = 0x1p-52
	likelyDraw = 1e-5
)

// density is that of the standard normal distribution; below is the probability of a
// value below x, in the form that the peers calculate: far below the mean it loses
// digits.
func density(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }
func below(x float64) float64   { return 0.5 * (1 + math.Erf(x/math.Sqrt2)) }

// The functions of the paper's section 3.2: by how much the mean of a normal variable
// moves, and which part of its variance goes, when it is known to be above -x (V and W),
// or within t of -x (V~ and W~). Spreads are parts of 1, whatever the rounding.

func winMean(x float64) float64 {
	p := below(x)
	if p < tiny {
		return -x
	}
	return density(x) / p
}

func winSpread(x, t float64) float64 {
	if below(x-t) < tiny {
		if x < 0 {
			return 1
		}
		return 0
	}
	v := winMean(x - t)
	return part(v * (v + x - t))
}

func drawMean(x, t float64) float64 {
	distance := math.Abs(x)
	p := below(t-distance) - below(-t-distance)
	mean := t - distance
	if p >= likelyDraw {
		mean = (density(-t-distance) - density(t-distance)) / p
	}
	if x < 0 {
		return -mean
	}
	return mean
}

func drawSpread(x, t float64) float64 {
	distance := math.Abs(x)
	p := below(t-distance) - below(-t-distance)
	if p < tiny {
		return 1
	}
	v := drawMean(x, t)
	return part(((t-distance)*density(t-distance)+(t+distance)*density(-t-distance))/p + v*v)
}

func part(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return max(0, min(x, 1))
}
