package simulate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawDistribution makes any valid distribution.
func drawDistribution(t *rapid.T) Distribution {
	shapes := []Shape{Normal, Uniform, Lognormal, Exponential, Histogram, Constant}
	d := unbounded(rapid.SampledFrom(shapes).Draw(t, "shape"))
	number := rapid.Float64Range(-1000, 1000)
	positive := rapid.Float64Range(0.01, 100)
	d.Mean, d.Deviation, d.Median, d.Sigma, d.Even = number.Draw(t, "mean"), positive.Draw(t, "deviation"), positive.Draw(t, "median"), rapid.Float64Range(0, 2).Draw(t, "sigma"), number.Draw(t, "value")
	if d.Shape == Exponential {
		d.Mean = positive.Draw(t, "positive mean")
	}
	if d.Shape == Uniform || rapid.Bool().Draw(t, "bounded") {
		d.Min = number.Draw(t, "min")
		d.Max = d.Min + positive.Draw(t, "width")
	}
	at := -50.0
	for range rapid.IntRange(1, 5).Draw(t, "bins") {
		at += rapid.Float64Range(0, 10).Draw(t, "space")
		width := rapid.Float64Range(0, 10).Draw(t, "bin")
		d.Bins = append(d.Bins, Bin{at, at + width, positive.Draw(t, "weight")})
		at += width
	}
	return d
}

func TestAHigherScoreNeverGivesALowerValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDistribution(t)
		a, b := rapid.Float64Range(-8, 8).Draw(t, "a"), rapid.Float64Range(-8, 8).Draw(t, "b")
		low, high := d.At(min(a, b)), d.At(max(a, b))
		if low > high+1e-9*math.Abs(high) || low < d.Min || high > d.Max || math.IsNaN(low) || math.IsInf(high, 0) {
			t.Errorf("%v: %v gives %v, %v gives %v", d, min(a, b), low, max(a, b), high)
		}
	})
}

func TestDrawsLieBelowQuantilesAsOftenAsTheyShould(t *testing.T) {
	for _, d := range []Distribution{
		{Shape: Normal, Mean: 1500, Deviation: 300, Min: math.Inf(-1), Max: math.Inf(1)},
		{Shape: Uniform, Min: -3, Max: 9},
		{Shape: Lognormal, Median: 180, Sigma: 0.6, Min: 0, Max: math.Inf(1)},
		{Shape: Exponential, Mean: 60, Min: 0, Max: math.Inf(1)},
		{Shape: Histogram, Bins: []Bin{{0, 10, 1}, {10, 20, 0}, {30, 40, 3}}, Min: math.Inf(-1), Max: math.Inf(1)},
	} {
		r := rand.New(rand.NewPCG(1, 2))
		const n = 20_000
		draws := make([]float64, n)
		for i := range draws {
			draws[i] = d.draw(r)
		}
		slices.Sort(draws)
		for _, p := range []float64{0.1, 0.5, 0.9, 0.99} {
			below, _ := slices.BinarySearch(draws, d.Quantile(p))
			if got := float64(below) / n; math.Abs(got-p) > 0.012 {
				t.Errorf("%v: %v of draws lie below the quantile of %v", d, got, p)
			}
		}
	}
}

func TestAHistogramDrawsOnlyFromItsBins(t *testing.T) {
	d := unbounded(Histogram)
	d.Bins = []Bin{{0, 1, 0}, {5, 6, 2}, {8, 8, 1}, {9, 10, 0}}
	r := rand.New(rand.NewPCG(3, 4))
	eights := 0
	for range 3000 {
		v := d.draw(r)
		if v == 8 {
			eights++
		} else if v < 5 || v > 6 {
			t.Fatalf("drew %v", v)
		}
	}
	if eights < 850 || eights > 1150 {
		t.Errorf("%d of 3000 are 8, want about a third", eights)
	}
}
