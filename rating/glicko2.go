package rating

import (
	"math"
	"time"
)

// The scale that a zero Glicko2 means, as Glickman's paper has it.
const (
	glickoMu         = 1500.0
	glickoSigma      = 350.0
	glickoVolatility = 0.06
	glickoTau        = 0.5
	glickoPeriod     = 24 * time.Hour
)

// glickoScale is how many points one unit of Glicko-2's inner scale is: 400/ln 10, as
// the paper rounds it.
const glickoScale = 173.7178

// Bounds of what the iteration may meet and make.
const (
	minVolatility = 1e-4 // 0.02 points a period
	maxVolatility = 10.0 // 1,737 points a period
	minGlickoTau  = 1e-3
	maxGlickoTau  = 10.0
	minChance     = 1e-12 // of the weaker side; 4,800 points apart
	sureVariance  = 1e-12 // the least Sigma², on the inner scale
)

// Glicko2 rates by Glickman's Glicko-2. The zero value is the paper's recommendation.
// A number that is not finite, or out of its range, counts as 0.
//
// The system knows duels within rating periods. Here each match is a period of its own,
// and a match of several teams is made of duels like this: every two teams play one; a
// team plays as its composite, whose Mu is the mean of its members' and whose Sigma is
// their root mean square, so that a team of equals counts like one of them; and each
// member takes what the composite's duels say with their own Sigma and Volatility. In a
// duel of two players that is the paper's calculation.
type Glicko2 struct {
	// New is where a new player starts; a Sigma of 0 means 1500 points, 350 wide, of
	// volatility 0.06.
	New Rating
	// Tau says how fast volatilities change: 0.3 slowly, 1.2 fast; 0 means 0.5.
	Tau float64
	// Period is how long a rating period is for those who do not play, who grow unsurer
	// with each; 0 means a day, negative that Idle changes nothing.
	Period time.Duration
}

// Start is the rating of a player of whom nothing is known.
func (g Glicko2) Start() Rating {
	start := Rating{Mu: glickoMu, Sigma: glickoSigma, Volatility: glickoVolatility}
	if positive(g.New.Sigma, 0) == 0 || !finite(g.New.Mu) {
		return start
	}
	return g.sane(g.New, start)
}

func (g Glicko2) sane(r, start Rating) Rating {
	r = r.sane(start)
	r.Volatility = max(minVolatility, min(positive(r.Volatility, start.Volatility), maxVolatility))
	return r
}

// Idle is the rating of a player who has not played for so long: the paper's step 6
// for each period, parts of periods in proportion, up to the Sigma of Start. Idle time
// in two parts gives the same as in one.
func (g Glicko2) Idle(r Rating, idle time.Duration) Rating {
	start := g.Start()
	r = g.sane(r, start)
	period := g.Period
	if period == 0 {
		period = glickoPeriod
	}
	if period < 0 || idle <= 0 {
		return r
	}
	growth := r.Volatility * glickoScale
	grown := math.Sqrt(r.Sigma*r.Sigma + growth*growth*float64(idle)/float64(period))
	r.Sigma = max(r.Sigma, min(grown, start.Sigma))
	return r
}

// composite is a team in the calculation, on the inner scale. Mu counts from where
// everybody starts, which the scale's other conversions cancel.
type composite struct {
	mu, g float64 // g is by how much the composite's uncertainty discounts its duels
	rank  int
}

// Rate returns the new ratings in the order of the match, and changes nothing that it
// was given. Lists of different lengths are a mistake of the program, and panic. A
// rating that is not finite, or of negative Sigma or Volatility, counts as that of
// Start. Sigma never grows beyond that of Start, or what it was before. The time is
// quadratic in the number of teams.
func (g Glicko2) Rate(m Match) [][]Rating {
	m.check()
	start := g.Start()
	sides := make([]composite, len(m.Teams))
	for i, team := range m.Teams {
		sides[i] = g.composite(team, start, m.rank(i))
	}
	after := make([][]Rating, len(m.Teams))
	for i, team := range m.Teams {
		after[i] = make([]Rating, len(team))
		if len(team) == 0 {
			continue
		}
		e := duels(i, sides, m)
		for j, r := range team {
			after[i][j] = g.learn(g.sane(r, start), e, m.weight(i, j), start)
		}
	}
	return after
}

func (g Glicko2) composite(team []Rating, start Rating, rank int) composite {
	c := composite{rank: rank}
	square := 0.0
	for _, r := range team {
		r = g.sane(r, start)
		c.mu += (r.Mu - start.Mu) / glickoScale / float64(len(team))
		phi := r.Sigma / glickoScale
		square += phi * phi / float64(len(team))
	}
	c.g = 1 / math.Sqrt(1+3*square/(math.Pi*math.Pi))
	return c
}

// period is what a period says of a side: the information in its duels (1/v in the
// paper), and by how much it did better than expected.
type period struct{ information, surplus float64 }

// duels sums those of side i.
func duels(i int, sides []composite, m Match) period {
	var sum period
	for q, other := range sides {
		if q == i || len(m.Teams[q]) == 0 {
			continue
		}
		chance := 1 / (1 + math.Exp(-other.g*(sides[i].mu-other.mu)))
		chance = max(minChance, min(chance, 1-minChance))
		score := 0.5
		switch {
		case sides[i].rank < other.rank:
			score = 1
		case sides[i].rank > other.rank:
			score = 0
		}
		sum.information += other.g * other.g * chance * (1 - chance)
		sum.surplus += other.g * (score - chance)
	}
	return sum
}

// learn is steps 5 to 7 of the paper for one player, to whom a part of the evidence
// reaches. Where there were no duels only step 6 is left.
func (g Glicko2) learn(r Rating, e period, weight float64, start Rating) Rating {
	if weight == 0 {
		return r
	}
	before := r
	information, surplus := weight*e.information, weight*e.surplus
	variance := square(r.Sigma / glickoScale)
	if information > 0 {
		v := 1 / information
		r.Volatility = g.volatility(r.Volatility, variance, v, v*surplus)
	}
	variance = max(variance+square(r.Volatility), sureVariance)
	variance = 1 / (1/variance + information)
	r.Mu += glickoScale * variance * surplus
	r.Sigma = min(glickoScale*math.Sqrt(variance), max(start.Sigma, before.Sigma))
	return g.sane(r, start)
}

func square(x float64) float64 { return x * x }

// How near the iteration goes to the logarithm of the volatility's square, and how
// long it may take, which it never does.
const (
	closeEnough = 1e-7
	maxSteps    = 200
)

// volatility is the paper's step 5: the zero of f, by the Illinois algorithm. phi2 is
// the player's variance, v that of the period's duels, delta the improvement that they
// suggest, all on the inner scale.
func (g Glicko2) volatility(before, phi2, v, delta float64) float64 {
	tau := max(minGlickoTau, min(positive(g.Tau, glickoTau), maxGlickoTau))
	start := math.Log(before * before)
	f := func(x float64) float64 {
		ex := math.Exp(x)
		sum := phi2 + v + ex
		return ex*(delta*delta-sum)/(2*sum*sum) - (x-start)/(tau*tau)
	}
	a := start
	var b float64
	if excess := delta*delta - phi2 - v; excess > 0 {
		b = math.Log(excess)
	} else {
		// The first term of f is never below -1/2, so this ends within tau/2 steps.
		for b = start - tau; f(b) < 0; b -= tau {
		}
	}
	fa, fb := f(a), f(b)
	for step := 0; math.Abs(b-a) > closeEnough && step < maxSteps; step++ {
		c := a + (a-b)*fa/(fb-fa)
		fc := f(c)
		if fc*fb <= 0 {
			a, fa = b, fb
		} else {
			fa /= 2
		}
		b, fb = c, fc
	}
	if after := math.Exp(a / 2); finite(after) {
		return max(minVolatility, min(after, maxVolatility))
	}
	return before
}
