package simulate

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestASketchAgreesWithSortedSamples(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(0, 1), rapid.Float64Range(0.001, 1e6), rapid.Just(0.0)), 1, 300).Draw(t, "values")
		var s sketch
		sum := 0.0
		for _, v := range values {
			s.add(v, 1)
			sum += v
		}
		slices.Sort(values)
		for _, q := range []float64{0.01, 0.25, 0.5, 0.9, 0.99, 1} {
			want := values[max(int(math.Ceil(q*float64(len(values)))), 1)-1]
			if got := s.quantile(q); math.Abs(got-want) > accuracy*want*(1+1e-9)+smallest {
				t.Errorf("quantile %v of %v is %v, want %v", q, values, got, want)
			}
		}
		mean := sum / float64(len(values))
		squares := 0.0
		for _, v := range values {
			squares += (v - mean) * (v - mean)
		}
		got := s.summary()
		if got.Count != len(values) || got.Max != values[len(values)-1] || !near(got.Mean, mean) || !near(got.Deviation, math.Sqrt(squares/float64(len(values)))) {
			t.Errorf("summary %+v of %v", got, values)
		}
	})
}

// near allows for rounding.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*(1+math.Abs(b)) }

func TestACurveRisesToTheShareThatWasCounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(0, 1e4), 1, 500).Draw(t, "values")
		others := rapid.IntRange(0, 100).Draw(t, "others")
		var s sketch
		for _, v := range values {
			s.add(v, 1)
		}
		total := len(values) + others
		curve := s.curve(total)
		for i, p := range curve {
			if i > 0 && (p.Value < curve[i-1].Value || p.Share < curve[i-1].Share) {
				t.Errorf("falls at %d: %v", i, curve)
			}
			below := 0
			for _, v := range values {
				if v <= p.Value*(1+2*accuracy)+smallest {
					below++
				}
			}
			if i > 0 && p.Share > float64(below)/float64(total)+1e-9 {
				t.Errorf("share %v at %v, but only %d of %d are below", p.Share, p.Value, below, total)
			}
		}
		last := curve[len(curve)-1]
		if last.Value != s.high || !near(last.Share, float64(len(values))/float64(total)) || len(curve) > 400 {
			t.Errorf("ends at %v after %d points", last, len(curve))
		}
	})
}

func TestASketchStaysSmall(t *testing.T) {
	var s sketch
	for v := 1e-9; v < 1e15; v *= 1.003 {
		s.add(v, 1)
	}
	s.add(math.NaN(), 1)
	s.add(math.Inf(1), 1)
	if len(s.bins) > 1500 {
		t.Errorf("%d bins", len(s.bins))
	}
	if math.IsNaN(s.mean) || math.IsInf(s.high, 0) {
		t.Errorf("mean %v, highest %v: what is no number must not count", s.mean, s.high)
	}
}

func TestAnEmptySketchIsZero(t *testing.T) {
	var s sketch
	if got := s.summary(); got != (Summary{}) {
		t.Errorf("%+v", got)
	}
	if len(s.curve(10)) != 0 {
		t.Error("a curve of nothing")
	}
}
