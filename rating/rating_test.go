package rating_test

import (
	"math"
	"testing"

	"muster/rating"
)

func TestANewPlayerHasOrdinalZero(t *testing.T) {
	if got := rating.Default().Ordinal(); got != 0 {
		t.Errorf("got %v, want 0", got)
	}
}

func TestOrdinalIsThreeSigmasBelowMu(t *testing.T) {
	if got := (rating.Rating{Mu: 30, Sigma: 2}).Ordinal(); got != 24 {
		t.Errorf("got %v, want 24", got)
	}
}

func TestOptionsThatMakeNoSenseCountAsTheDefault(t *testing.T) {
	teams := [][]rating.Rating{{rating.Default()}, {{Mu: 30, Sigma: 2}}}
	want := rating.PlackettLuce(teams, nil, rating.Options{})
	for _, opts := range []rating.Options{
		{Beta: math.NaN()},
		{Beta: math.Inf(1)},
		{Beta: -1},
		{Tau: math.NaN()},
		{Tau: math.Inf(1)},
		{Kappa: math.NaN()},
		{Kappa: math.Inf(1)},
		{Kappa: -1},
	} {
		got := rating.PlackettLuce(teams, nil, opts)
		if got[0][0] != want[0][0] || got[1][0] != want[1][0] {
			t.Errorf("%+v: got %v, want %v", opts, got, want)
		}
	}
}
