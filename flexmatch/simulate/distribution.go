package simulate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strings"

	"muster/flexmatch/simulate/internal/spell"
)

// Shape names a kind of distribution, as population files spell it.
type Shape string

// The shapes. In brackets, what each reads.
const (
	Normal      Shape = "normal"      // mean, deviation
	Uniform     Shape = "uniform"     // min, max
	Lognormal   Shape = "lognormal"   // median, sigma (of the logarithm)
	Exponential Shape = "exponential" // mean
	Histogram   Shape = "histogram"   // bins: from, to, weight; even inside a bin
	Constant    Shape = "constant"    // value
)

// Distribution says how a number varies. Values beyond Min and Max are moved to them;
// infinities do not bound.
type Distribution struct {
	Shape                                Shape
	Mean, Deviation, Median, Sigma, Even float64 // Even is the value of a Constant
	Min, Max                             float64
	Bins                                 []Bin // ascending, without overlap, of positive total weight
}

// Bin is one bar of a histogram.
type Bin struct{ From, To, Weight float64 }

// At returns the value at a score: the value that as large a share of draws stay below
// as of a standard normal variable stay below the score. It never falls as z rises, so
// that scores which correlate give values which do.
func (d Distribution) At(z float64) float64 {
	return min(max(d.at(z), d.Min), d.Max)
}

func (d Distribution) at(z float64) float64 {
	switch d.Shape {
	case Normal:
		return d.Mean + d.Deviation*z
	case Uniform:
		return d.Min + (d.Max-d.Min)*share(z)
	case Lognormal:
		return d.Median * math.Exp(d.Sigma*z)
	case Exponential:
		return -d.Mean * math.Log(max(share(-z), math.SmallestNonzeroFloat64))
	case Histogram:
		return d.bar(share(z))
	}
	return d.Even
}

// bar is the value of a histogram at a share of its weight.
func (d Distribution) bar(p float64) float64 {
	total := 0.0
	for _, b := range d.Bins {
		total += b.Weight
	}
	rest, last := p*total, d.Bins[0].From
	for _, b := range d.Bins {
		if b.Weight > 0 && rest <= b.Weight {
			return b.From + (b.To-b.From)*rest/b.Weight
		}
		if b.Weight > 0 {
			last = b.To
		}
		rest -= b.Weight
	}
	return last
}

// Quantile is the value that a share p of draws stay below; p lies between 0 and 1,
// neither included.
func (d Distribution) Quantile(p float64) float64 {
	return d.At(math.Sqrt2 * math.Erfinv(2*p-1))
}

func (d Distribution) draw(r *rand.Rand) float64 { return d.At(r.NormFloat64()) }

// share is the part of a standard normal variable below z.
func share(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// String says the distribution in words.
func (d Distribution) String() string {
	var s string
	switch d.Shape {
	case Normal:
		s = fmt.Sprintf("normal, mean %v, deviation %v", d.Mean, d.Deviation)
	case Uniform:
		return fmt.Sprintf("uniform from %v to %v", d.Min, d.Max)
	case Lognormal:
		s = fmt.Sprintf("lognormal, median %v, sigma %v", d.Median, d.Sigma)
	case Exponential:
		s = fmt.Sprintf("exponential, mean %v", d.Mean)
	case Histogram:
		s = "histogram of " + spell.Plural(float64(len(d.Bins)), "bin")
	default:
		return fmt.Sprintf("always %v", d.Even)
	}
	if !math.IsInf(d.Min, 0) {
		s += fmt.Sprintf(", at least %v", d.Min)
	}
	if !math.IsInf(d.Max, 0) {
		s += fmt.Sprintf(", at most %v", d.Max)
	}
	return s
}

// unbounded is a distribution without Min and Max.
func unbounded(s Shape) Distribution {
	return Distribution{Shape: s, Min: math.Inf(-1), Max: math.Inf(1)}
}

// distribution reads an object as a distribution. What it knows besides are other keys
// that the caller reads. Values are kept at low or above.
func (c *checker) distribution(n *node, low float64, others ...string) Distribution {
	if n.kind == numberNode {
		d := unbounded(Constant)
		d.Even = c.amount(n, span{low, anyNumber.high})
		return d
	}
	if n.kind != objectNode {
		c.report(n, "must be a number or an object with \"distribution\", not %v", n.kind)
		return unbounded(Constant)
	}
	name := n.get("distribution")
	if name == nil || name.kind != stringNode {
		c.problems = append(c.problems, Problem{join(n.path, "distribution"), "must be one of " + shapeNames()})
		return unbounded(Constant)
	}
	d := unbounded(Shape(name.text))
	keys, ok := shapeKeys[d.Shape]
	if !ok {
		c.report(name, "must be one of %s, not %q", shapeNames(), clip(name.text))
		return unbounded(Constant)
	}
	c.object(n, append(append([]string{"distribution", "min", "max"}, keys...), others...)...)
	positive := span{max(low, 0), anyNumber.high}
	switch d.Shape {
	case Normal:
		d.Mean, d.Deviation = c.number(n, "mean", anyNumber, required), c.number(n, "deviation", positive, required)
	case Lognormal:
		d.Median, d.Sigma = c.number(n, "median", span{1e-9, 1e12}, required), c.number(n, "sigma", span{0, 10}, required)
	case Exponential:
		d.Mean = c.number(n, "mean", span{1e-9, 1e12}, required)
	case Histogram:
		d.Bins = c.bins(n, low)
	case Constant:
		d.Even = c.number(n, "value", span{low, anyNumber.high}, required)
	}
	c.bounds(n, &d, low)
	return d
}

// bounds reads min and max, which a uniform distribution must have.
func (c *checker) bounds(n *node, d *Distribution, low float64) {
	least, most := math.Inf(-1), math.Inf(1)
	if low > anyNumber.low {
		least = low
	}
	if d.Shape == Uniform {
		least, most = required, required
	}
	allowed := span{low, anyNumber.high}
	d.Min, d.Max = c.number(n, "min", allowed, least), c.number(n, "max", allowed, most)
	if d.Min > d.Max {
		c.report(n.get("max"), "must be at least min, which is %v", d.Min)
		d.Max = d.Min
	}
}

func (c *checker) bins(n *node, low float64) []Bin {
	fallback := []Bin{{0, 1, 1}}
	list := n.get("bins")
	if list == nil || list.kind != listNode || len(list.items) == 0 {
		c.problems = append(c.problems, Problem{join(n.path, "bins"), "must be a list of objects with from, to and weight"})
		return fallback
	}
	var out []Bin
	total, end := 0.0, low
	for _, item := range list.items {
		if !c.object(item, "from", "to", "weight") {
			continue
		}
		b := Bin{c.number(item, "from", anyNumber, required), c.number(item, "to", anyNumber, required), c.number(item, "weight", span{0, 1e12}, required)}
		if b.From < end || b.To < b.From {
			c.report(item, "bins must ascend from %v without overlap", end)
		}
		end, total = b.To, total+b.Weight
		out = append(out, b)
	}
	if !(total > 0) || len(out) < len(list.items) {
		if total == 0 {
			c.report(list, "the weights must not all be 0")
		}
		return fallback
	}
	return out
}

var shapeKeys = map[Shape][]string{
	Normal: {"mean", "deviation"}, Uniform: {}, Lognormal: {"median", "sigma"},
	Exponential: {"mean"}, Histogram: {"bins"}, Constant: {"value"},
}

func shapeNames() string {
	var out []string
	for s := range shapeKeys {
		out = append(out, string(s))
	}
	sort.Strings(out)
	return strings.Join(out, ", ")
}

// clip shortens what a file says for a message.
func clip(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}
