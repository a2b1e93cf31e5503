package report

import (
	"math"
	"strconv"

	"muster/flexmatch/simulate"
	"muster/flexmatch/simulate/internal/spell"
)

// unit is how the values of a measure are spelled.
type unit uint8

const (
	countUnit unit = iota
	shareUnit
	secondsUnit
	millisecondsUnit
	skillUnit
)

func (u unit) spell(f float64) string {
	switch u {
	case countUnit:
		return spell.Number(f)
	case shareUnit:
		return spell.Percent(f)
	case secondsUnit:
		return spell.Seconds(f)
	case millisecondsUnit:
		return spell.Number(math.Round(f)) + " ms"
	}
	return spell.Number(f)
}

// spellDifference spells b less a, with its sign.
func (u unit) spellDifference(a, b float64) string {
	d := b - a
	if math.IsNaN(d) {
		return ""
	}
	if u == shareUnit {
		points := math.Round(1000*d) / 10
		if points == 0 {
			return "±0"
		}
		return signed(points, 1) + " points"
	}
	s := u.spell(math.Abs(d))
	switch {
	case d == 0 || s == u.spell(0):
		return "±0"
	case d > 0:
		s = "+" + s
	default:
		s = "−" + s
	}
	if a > 0 {
		s += " (" + signed(100*d/a, 0) + " %)"
	}
	return s
}

// signed spells a number with its sign, a minus as long as a plus.
func signed(f float64, digits int) string {
	s := strconv.FormatFloat(math.Abs(f), 'f', digits, 64)
	if f < 0 {
		return "−" + s
	}
	return "+" + s
}

// better says which way players like a measure to go.
type better uint8

const (
	neither better = iota
	lower
	higher
)

// measure is one line of the comparison.
type measure struct {
	section, name string
	unit          unit
	better        better
	values        []float64 // by result; NaN: not known
}

// measures lists what results have in numbers.
func measures(results []*simulate.Result) []measure {
	var out []measure
	section := ""
	add := func(name string, u unit, b better, of func(*simulate.Result) float64) {
		m := measure{section: section, name: name, unit: u, better: b}
		known := false
		for _, r := range results {
			v := of(r)
			m.values = append(m.values, v)
			known = known || !math.IsNaN(v)
		}
		if known {
			out = append(out, m)
		}
	}
	section = "Players"
	add("queued", countUnit, neither, func(r *simulate.Result) float64 { return float64(r.Players.Queued) })
	for _, o := range outcomeWords {
		add(o.name, shareUnit, o.better, func(r *simulate.Result) float64 {
			n := o.of(r.Players)
			if n == 0 && o.rare {
				return math.NaN()
			}
			return ratio(n, r.Players.Queued)
		})
	}
	section = "Waiting time of matched players"
	addSummary(add, secondsUnit, func(r *simulate.Result) simulate.Summary { return r.Wait })
	section = "Skill gap in a match"
	addSummary(add, skillUnit, func(r *simulate.Result) simulate.Summary { return r.SkillGap })
	section = "Difference of team averages"
	addSummary(add, skillUnit, func(r *simulate.Result) simulate.Summary { return r.TeamDifference })
	section = "Latency at the best common location"
	addSummary(add, millisecondsUnit, func(r *simulate.Result) simulate.Summary { return r.Latency })
	section = "Matches"
	add("made", countUnit, neither, func(r *simulate.Result) float64 { return float64(r.Matches) })
	add("players in a match, mean", countUnit, neither, func(r *simulate.Result) float64 { return quotient(float64(r.Players.Matched), float64(r.Matches)) })
	add("made before any expansion", shareUnit, higher, func(r *simulate.Result) float64 {
		if len(r.Expansions) < 2 {
			return math.NaN()
		}
		return ratio(r.Expansions[0].Matches, r.Matches)
	})
	add("without a common location", shareUnit, lower, func(r *simulate.Result) float64 {
		if r.NoCommonLocation == 0 {
			return math.NaN()
		}
		return ratio(r.NoCommonLocation, r.Matches)
	})
	section = "Players in the queue"
	add("mean", countUnit, lower, func(r *simulate.Result) float64 { return r.QueueMean })
	add("most", countUnit, lower, func(r *simulate.Result) float64 { return float64(r.QueueMax) })
	return out
}

// addSummary adds the percentiles of a quantity of which players like little.
func addSummary(add func(string, unit, better, func(*simulate.Result) float64), u unit, of func(*simulate.Result) simulate.Summary) {
	for _, q := range []struct {
		name string
		of   func(simulate.Summary) float64
	}{
		{"half (p50)", func(s simulate.Summary) float64 { return s.P50 }},
		{"nine in ten (p90)", func(s simulate.Summary) float64 { return s.P90 }},
		{"99 in 100 (p99)", func(s simulate.Summary) float64 { return s.P99 }},
		{"longest", func(s simulate.Summary) float64 { return s.Max }},
	} {
		name := q.name
		if name == "longest" && u != secondsUnit {
			name = "most"
		}
		add(name, u, lower, func(r *simulate.Result) float64 {
			s := of(r)
			if s.Count == 0 {
				return math.NaN()
			}
			return q.of(s)
		})
	}
}

// outcomeWords are the outcomes in the order of reports. A rare one is left out where it
// does not occur.
var outcomeWords = []struct {
	name   string
	better better
	rare   bool
	of     func(simulate.Outcomes) int
}{
	{"matched", higher, false, func(o simulate.Outcomes) int { return o.Matched }},
	{"gave up", lower, true, func(o simulate.Outcomes) int { return o.Abandoned }},
	{"timed out", lower, true, func(o simulate.Outcomes) int { return o.TimedOut }},
	{"did not accept", neither, true, func(o simulate.Outcomes) int { return o.Declined }},
	{"refused, queue full", lower, true, func(o simulate.Outcomes) int { return o.Refused }},
	{"still waiting at the end", lower, true, func(o simulate.Outcomes) int { return o.Waiting }},
}

func ratio(n, of int) float64 { return quotient(float64(n), float64(of)) }

// quotient is NaN when there is nothing to divide by.
func quotient(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}
