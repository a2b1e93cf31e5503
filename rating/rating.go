// Package rating keeps players' skill as pure functions: ratings before a match and
// its result in, ratings after it out. The module's storage and matchmaking know
// nothing of the mathematics, and this package knows nothing of them.
//
// Start with Default for a new player and PlackettLuce for each finished match. The
// method is Weng and Lin's ("A Bayesian Approximation Method for Online Ranking",
// JMLR 12, 2011), known as OpenSkill; with zero Options the numbers are those of npm
// openskill 5.0.1. Each method is a file of its own.
package rating

import "math"

// Where a new player stands: Default, and the scale that the zero Options mean.
const (
	defaultMu    = 25.0
	defaultSigma = defaultMu / 3
	defaultBeta  = defaultSigma / 2
	defaultTau   = defaultMu / 300
	defaultKappa = 1e-4
)

// limit bounds the magnitude of Mu and Sigma, far beyond any real rating, so that no
// input makes a result that is not a number.
const limit = 1e9

// Rating is what we believe of a player's skill: a normal distribution around Mu,
// Sigma wide. Both are in points; Default gives the scale.
type Rating struct {
	Mu    float64
	Sigma float64 // not negative; smaller is surer
}

// Default is the rating of a player of whom nothing is known: 25 points, 25/3 wide.
func Default() Rating { return Rating{Mu: defaultMu, Sigma: defaultSigma} }

// Ordinal is one number to sort players by: the skill that the player has almost
// certainly, three Sigmas below Mu. A new player has 0.
func (r Rating) Ordinal() float64 { return r.Mu - 3*r.Sigma }

// Options tune a method. The zero value is right for most games.
type Options struct {
	// Beta is how much one player's performance varies from game to game, in points;
	// 0 means 25/6. The more luck, the larger.
	Beta float64
	// Tau is what each match adds to Sigma first, as sqrt(Sigma²+Tau²), so that a
	// player's skill may change over the years; 0 means 25/300, negative none.
	Tau float64
	// Kappa is the least factor by which one match may shrink Sigma², above 0; 0 means
	// 0.0001.
	Kappa float64
	// LimitSigma keeps every Sigma from growing beyond what it was before the match.
	LimitSigma bool
}

func (o Options) withDefaults() Options {
	if !(o.Beta > 0) || math.IsInf(o.Beta, 0) {
		o.Beta = defaultBeta
	}
	switch {
	case o.Tau < 0:
		o.Tau = 0
	case o.Tau == 0 || math.IsNaN(o.Tau) || math.IsInf(o.Tau, 0):
		o.Tau = defaultTau
	}
	if !(o.Kappa > 0) || math.IsInf(o.Kappa, 0) {
		o.Kappa = defaultKappa
	}
	o.Beta, o.Tau, o.Kappa = min(o.Beta, limit), min(o.Tau, limit), min(o.Kappa, 1)
	return o
}

// sane is r with what cannot be calculated with replaced by the default, and the rest
// brought within limit.
func (r Rating) sane() Rating {
	if math.IsNaN(r.Mu) || math.IsInf(r.Mu, 0) {
		r.Mu = defaultMu
	}
	if !(r.Sigma >= 0) || math.IsInf(r.Sigma, 0) {
		r.Sigma = defaultSigma
	}
	r.Mu = max(-limit, min(r.Mu, limit))
	r.Sigma = min(r.Sigma, limit)
	return r
}
