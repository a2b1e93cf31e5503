package rating

import (
	"math"
	"slices"
	"time"
)

// Model is how WengLin explains a result.
type Model uint8

// The models of Weng and Lin's paper. Bradley-Terry and Plackett-Luce assume a
// logistic distribution of performances, Thurstone-Mosteller a normal one. Full pairing
// compares every two teams; partial pairing only neighbours in the ranking, which is
// faster, and coarser. Of teams that share a rank the neighbours are those next to each
// other in the order given.
const (
	PlackettLuce           Model = iota // the whole ranking at once; Algorithm 4
	BradleyTerryFull                    // Algorithm 1
	BradleyTerryPart                    // Algorithm 2
	ThurstoneMostellerFull              // Algorithm 3
	ThurstoneMostellerPart              // Algorithm 3 with the pairs of Algorithm 2
	numModels
)

// Gamma is the factor by which WengLin slows the shrinking of Sigma.
type Gamma uint8

// The gammas that the paper names.
const (
	GammaDeviation Gamma = iota // the team's deviation over that of the comparison
	GammaTeams                  // one over the number of teams
	GammaNone                   // 1
)

// The scale that a zero WengLin means.
const (
	defaultMu      = 25.0
	defaultSigma   = defaultMu / 3
	defaultBeta    = defaultSigma / 2
	defaultTau     = defaultMu / 300
	defaultKappa   = 1e-4
	defaultEpsilon = 0.1
)

// Default is where WengLin starts when nothing else is said: 25 points, 25/3 wide.
func Default() Rating { return Rating{Mu: defaultMu, Sigma: defaultSigma} }

// WengLin rates by Weng and Lin's method. The zero value is right for most games. A
// number that is not finite, or out of its range, counts as 0.
type WengLin struct {
	Model Model
	Gamma Gamma
	// New is where a new player starts; a Sigma of 0 means Default.
	New Rating
	// Beta is how much one player's performance varies from game to game, in points;
	// 0 means 25/6. The more luck, the larger.
	Beta float64
	// Tau is what each match adds to Sigma first, as sqrt(Sigma²+Tau²), so that a
	// player's skill may change over the years; 0 means 25/300, negative none.
	Tau float64
	// Kappa is the least factor by which one match may shrink Sigma², above 0; 0 means
	// 0.0001.
	Kappa float64
	// Epsilon is how near, in points, two performances are that draw, for
	// Thurstone-Mosteller; 0 means 0.1.
	Epsilon float64
	// LimitSigma keeps every Sigma from growing beyond what it was before the match.
	LimitSigma bool
	// Forget is how long a player of whom everything was known must be idle until as
	// little is known as of a new one; 0 or less: Idle changes nothing.
	Forget time.Duration
}

func (w WengLin) withDefaults() WengLin {
	if w.Model >= numModels {
		w.Model = PlackettLuce
	}
	w.New = w.Start()
	w.Beta = positive(w.Beta, defaultBeta)
	switch {
	case w.Tau < 0:
		w.Tau = 0
	default:
		w.Tau = positive(w.Tau, defaultTau)
	}
	w.Kappa = min(positive(w.Kappa, defaultKappa), 1)
	w.Epsilon = positive(w.Epsilon, defaultEpsilon)
	return w
}

// Start is the rating of a player of whom nothing is known.
func (w WengLin) Start() Rating {
	if positive(w.New.Sigma, 0) == 0 || !finite(w.New.Mu) {
		return Default()
	}
	return w.New.sane(Default())
}

// Idle is the rating of a player who has not played for so long: Sigma² grows evenly
// with time, up to that of Start. Idle time in two parts gives the same as in one.
func (w WengLin) Idle(r Rating, idle time.Duration) Rating {
	start := w.Start()
	r = r.sane(start)
	if w.Forget <= 0 || idle <= 0 {
		return r
	}
	grown := math.Sqrt(r.Sigma*r.Sigma + start.Sigma*start.Sigma*float64(idle)/float64(w.Forget))
	r.Sigma = max(r.Sigma, min(grown, start.Sigma))
	return r
}

// Rate returns the new ratings in the order of the match, and changes nothing that it
// was given. Lists of different lengths are a mistake of the program, and panic. A
// rating that is not finite, or of negative Sigma, counts as that of Start. The time is
// quadratic in the number of teams.
func (w WengLin) Rate(m Match) [][]Rating {
	m.check()
	w = w.withDefaults()
	after := make([][]Rating, len(m.Teams))
	sides := make([]side, 0, len(m.Teams))
	for i, team := range m.Teams {
		after[i] = make([]Rating, len(team))
		if len(team) > 0 {
			sides = append(sides, w.newSide(m, i, after[i]))
		}
	}
	slices.SortStableFunc(sides, func(a, b side) int {
		switch {
		case a.rank < b.rank:
			return -1
		case a.rank > b.rank:
			return 1
		}
		return 0
	})
	for i, e := range w.evidence(sides) {
		w.learn(sides[i], e)
	}
	return after
}

// side is a team in the calculation.
type side struct {
	before   []Rating // as given, but sane
	players  []Rating // with the drift of time: where the calculation starts
	weights  []float64
	after    []Rating // the result, of the same length
	rank     int
	mu       float64 // sum over the players
	variance float64 // sum of the players' Sigma²
}

func (w WengLin) newSide(m Match, i int, after []Rating) side {
	team := m.Teams[i]
	s := side{
		before: make([]Rating, len(team)), players: make([]Rating, len(team)), weights: make([]float64, len(team)),
		after: after, rank: m.rank(i),
	}
	for j, r := range team {
		r = r.sane(w.New)
		s.before[j], s.weights[j] = r, m.weight(i, j)
		variance := r.Sigma*r.Sigma + w.Tau*w.Tau
		s.players[j] = r
		s.players[j].Sigma = math.Sqrt(variance)
		s.mu += r.Mu
		s.variance += variance
	}
	return s
}

// evidence is what a match says of one side: omega, by how many points it did better
// than expected, and delta, the part of its variance that is settled by it.
type evidence struct{ omega, delta float64 }

// evidence judges the sides, which are sorted by rank.
func (w WengLin) evidence(sides []side) []evidence {
	if w.Model == PlackettLuce {
		return w.ranking(sides)
	}
	all := make([]evidence, len(sides))
	for i := range sides {
		from, to := 0, len(sides)
		if w.Model == BradleyTerryPart || w.Model == ThurstoneMostellerPart {
			from, to = max(i-1, 0), min(i+2, len(sides))
		}
		for q := from; q < to; q++ {
			if q == i {
				continue
			}
			e := w.pair(sides[i], sides[q], len(sides))
			all[i].omega += e.omega
			all[i].delta += e.delta
		}
	}
	return all
}

// gamma is the model's factor for a side in a comparison of deviation c.
func (w WengLin) gamma(s side, c float64, teams int) float64 {
	switch w.Gamma {
	case GammaTeams:
		return 1 / float64(teams)
	case GammaNone:
		return 1
	}
	return math.Sqrt(s.variance) / c
}

// learn writes the new ratings of a side. Each player takes part in what the side
// learns by their share of its uncertainty.
func (w WengLin) learn(s side, e evidence) {
	for j, r := range s.players {
		if s.weights[j] == 0 {
			s.after[j] = s.before[j]
			continue
		}
		share := 0.0
		if s.variance > 0 {
			share = r.Sigma * r.Sigma / s.variance * s.weights[j]
		}
		r.Mu += share * e.omega
		r.Sigma *= math.Sqrt(max(1-share*e.delta, w.Kappa))
		if w.LimitSigma {
			r.Sigma = min(r.Sigma, s.before[j].Sigma)
		}
		s.after[j] = r.sane(w.New)
	}
}
