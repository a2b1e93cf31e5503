package main

import (
	"slices"
	"strings"
	"time"

	"muster"
	"muster/rating"
)

// ratingConfig says how a mode's results are rated. Nil is the system's own default.
type ratingConfig struct {
	System string `yaml:"system"` // empty: plackettLuce
	// Of Glicko-2 and the Weng-Lin systems.
	Tau *float64 `yaml:"tau"`
	// Of the Weng-Lin systems.
	Beta            *float64 `yaml:"beta"`
	Epsilon         *float64 `yaml:"epsilon"`
	Gamma           string   `yaml:"gamma"`
	LimitSigma      bool     `yaml:"limitSigma"`
	ForgetAfterDays *float64 `yaml:"forgetAfterDays"`
	// Of Glicko-2.
	PeriodDays *float64 `yaml:"periodDays"`
}

func ratingShape() *shape {
	return group(map[string]*shape{
		"system": text(), "tau": number(), "beta": number(), "epsilon": number(), "gamma": text(),
		"limitSigma": truth(), "forgetAfterDays": number(), "periodDays": number(),
	})
}

const glicko2 = "glicko2"

// The names of the Weng-Lin systems and of gammas, each at the place of its constant.
var (
	wengLinSystems = []string{"plackettLuce", "bradleyTerryFull", "bradleyTerryPart", "thurstoneMostellerFull", "thurstoneMostellerPart"}
	gammas         = []string{"deviation", "teams", "none"}
)

// maxDays is what a duration of days may be: ten years.
const maxDays = 3650

// between bounds an option; nil: the system has no such option.
type between *[2]float64

func (c ratingConfig) check(k *checker, at string) {
	isGlicko := c.System == glicko2
	if c.System != "" && !isGlicko && !slices.Contains(wengLinSystems, c.System) {
		k.report(at+".system", "%q is not a rating system; use %s or %s", c.System, strings.Join(wengLinSystems, ", "), glicko2)
		return
	}
	for _, o := range []struct {
		key             string
		value           *float64
		wengLin, glicko between
	}{
		{"tau", c.Tau, &[2]float64{0, 10}, &[2]float64{0.1, 2}},
		{"beta", c.Beta, &[2]float64{0.001, 1000}, nil},
		{"epsilon", c.Epsilon, &[2]float64{0.001, 10}, nil},
		{"forgetAfterDays", c.ForgetAfterDays, &[2]float64{0, maxDays}, nil},
		{"periodDays", c.PeriodDays, nil, &[2]float64{0, maxDays}},
	} {
		bounds := o.wengLin
		if isGlicko {
			bounds = o.glicko
		}
		switch {
		case o.value == nil:
		case bounds == nil:
			k.report(at+"."+o.key, "is not an option of %s", c.name())
		case *o.value < bounds[0] || *o.value > bounds[1]:
			k.report(at+"."+o.key, "lies between %v and %v, not %v", bounds[0], bounds[1], *o.value)
		}
	}
	switch {
	case isGlicko && c.Gamma != "":
		k.report(at+".gamma", "is not an option of %s", glicko2)
	case isGlicko && c.LimitSigma:
		k.report(at+".limitSigma", "is not an option of %s", glicko2)
	case c.Gamma != "" && !slices.Contains(gammas, c.Gamma):
		k.report(at+".gamma", "%q is not a gamma; use %s", c.Gamma, strings.Join(gammas, ", "))
	}
}

func (c ratingConfig) name() string {
	if c.System == "" {
		return wengLinSystems[rating.PlackettLuce]
	}
	return c.System
}

// system is the port to what the configuration names; a broken one is the default.
func (c ratingConfig) system() muster.RatingSystem {
	if c.System == glicko2 {
		return newRatingSystem(glicko2, rating.Glicko2{Tau: orZero(c.Tau), Period: orNever(c.PeriodDays)})
	}
	w := rating.WengLin{
		Model: rating.Model(max(0, slices.Index(wengLinSystems, c.System))), Gamma: rating.Gamma(max(0, slices.Index(gammas, c.Gamma))),
		Beta: orZero(c.Beta), Tau: orZero(c.Tau), Epsilon: orZero(c.Epsilon), LimitSigma: c.LimitSigma, Forget: orNever(c.ForgetAfterDays),
	}
	if c.Tau != nil && *c.Tau == 0 {
		w.Tau = -1 // none
	}
	return newRatingSystem(c.name(), w)
}

func orZero(x *float64) float64 {
	if x == nil {
		return 0
	}
	return *x
}

// orNever is so many days: 0 where nothing is said, negative for 0.
func orNever(days *float64) time.Duration {
	switch {
	case days == nil:
		return 0
	case *days <= 0:
		return -1
	}
	return time.Duration(min(*days, maxDays) * 24 * float64(time.Hour))
}
