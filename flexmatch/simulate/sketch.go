package simulate

import "math"

// sketch holds the distribution of numbers from 0 up in bounded memory: counts of bins
// whose borders grow by a constant factor, so that a percentile read from it is true to
// 1 % of its value. Count, mean, deviation and extremes are exact. The zero sketch is
// empty.
//
// The idea of bins with a relative width is that of DDSketch (Masson, Rim, Lee, 2019).
type sketch struct {
	count     int
	mean, m2  float64 // Welford's running mean and sum of squared deviations
	low, high float64
	zeros     int   // values below smallest
	first     int   // bin of bins[0]
	bins      []int // counts
}

const (
	// smallest and largest bound what bins tell apart; the rest goes to their ends.
	smallest = 1e-3
	largest  = 1e9
	// accuracy is the relative error of a bin's middle.
	accuracy = 0.01
)

// binsPerE is the number of bins between 1 and e.
var binsPerE = 1 / math.Log((1+accuracy)/(1-accuracy))

// add counts a value n times. NaN and infinities are left out.
func (s *sketch) add(v float64, n int) {
	if n <= 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return
	}
	v = max(v, 0)
	if s.count == 0 || v < s.low {
		s.low = v
	}
	s.high = max(s.high, v)
	s.count += n
	delta := v - s.mean
	s.mean += delta * float64(n) / float64(s.count)
	s.m2 += delta * (v - s.mean) * float64(n)
	if v < smallest {
		s.zeros += n
		return
	}
	*s.bin(int(math.Ceil(math.Log(min(v, largest)) * binsPerE))) += n
}

// bin makes room for a bin.
func (s *sketch) bin(i int) *int {
	switch {
	case len(s.bins) == 0:
		s.first, s.bins = i, make([]int, 1, 32)
	case i < s.first:
		grown := make([]int, s.first-i+len(s.bins))
		copy(grown[s.first-i:], s.bins)
		s.first, s.bins = i, grown
	}
	for i-s.first >= len(s.bins) {
		s.bins = append(s.bins, 0)
	}
	return &s.bins[i-s.first]
}

// middle is the value that stands for a bin: at most accuracy off any in it.
func middle(i int) float64 {
	return math.Exp(float64(i)/binsPerE) * (1 - accuracy)
}

// quantile is the least value that a share q of all do not exceed, 0 of an empty sketch.
func (s *sketch) quantile(q float64) float64 {
	rank := max(int(math.Ceil(q*float64(s.count))), 1)
	switch {
	case s.count == 0:
		return 0
	case rank == 1:
		return s.low
	case rank >= s.count:
		return s.high
	}
	rank -= s.zeros
	if rank <= 0 {
		return s.low
	}
	for i, n := range s.bins {
		if rank -= n; rank <= 0 {
			return min(max(middle(s.first+i), s.low), s.high)
		}
	}
	return s.high
}

func (s *sketch) deviation() float64 {
	if s.count == 0 {
		return 0
	}
	return math.Sqrt(max(s.m2, 0) / float64(s.count))
}

func (s *sketch) summary() Summary {
	return Summary{
		Count: s.count, Mean: s.mean, Deviation: s.deviation(),
		P50: s.quantile(0.5), P90: s.quantile(0.9), P99: s.quantile(0.99), Max: s.high,
	}
}

// curve lists values with the share of total that does not exceed them, ascending: some
// hundred and fifty of them, at borders of bins, where counts are exact.
func (s *sketch) curve(total int) []CurvePoint {
	out := []CurvePoint{}
	if s.count == 0 || total == 0 {
		return out
	}
	const points = 150
	share := func(n int) float64 { return float64(n) / float64(total) }
	out = append(out, CurvePoint{s.low, 0})
	if s.zeros > 0 {
		out = append(out, CurvePoint{s.low, share(s.zeros)})
	}
	seen, last := s.zeros, s.zeros
	for i, n := range s.bins {
		// The border before the first of some new bins, so that gaps stay level.
		if border := math.Exp(float64(s.first+i-1) / binsPerE); n > 0 && last == seen && border > s.low {
			out = append(out, CurvePoint{border, share(seen)})
		}
		if seen += n; seen-last > s.count/points {
			out = append(out, CurvePoint{min(math.Exp(float64(s.first+i)/binsPerE), s.high), share(seen)})
			last = seen
		}
	}
	return append(out, CurvePoint{s.high, share(s.count)})
}
