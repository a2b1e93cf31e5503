package report

import (
	"math"
	"strconv"
	"time"

	"muster/flexmatch/simulate/internal/spell"
)

// tick is a mark of an axis. At is its place in the drawing.
type tick struct {
	At    float64
	Label string
}

// stepFor is a round distance between the marks of an axis that ends at high, so that
// there are about so many of them.
func stepFor(u unit, high float64, marks int) float64 {
	want := high / float64(marks)
	if u == secondsUnit {
		for _, s := range []float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200} {
			if s >= want {
				return s
			}
		}
	}
	if want <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(want)))
	for _, s := range []float64{1, 2, 5} {
		if s*power >= want*(1-1e-9) {
			return s * power
		}
	}
	return 10 * power
}

// axis places the values from 0 to high between two places of a drawing.
type axis struct {
	unit       unit
	high, step float64
	from, to   float64
}

// newAxis makes an axis that holds high and ends at a mark.
func newAxis(u unit, high, from, to float64, marks int) axis {
	if !(high > 0) || math.IsInf(high, 0) {
		high = 1
	}
	if u == shareUnit {
		high = min(high, 1)
	}
	step := stepFor(u, high, marks)
	return axis{unit: u, high: math.Ceil(high/step-1e-9) * step, step: step, from: from, to: to}
}

// at is the place of a value; what is beyond the axis goes to its end.
func (a axis) at(v float64) float64 {
	return a.from + (a.to-a.from)*min(max(v/a.high, 0), 1)
}

func (a axis) ticks() []tick {
	var out []tick
	for i := 0; ; i++ {
		v := float64(i) * a.step
		if v > a.high*(1+1e-9) || i > 50 {
			return out
		}
		out = append(out, tick{a.at(v), a.label(v)})
	}
}

// label spells a mark with as many digits as tell it from the next.
func (a axis) label(v float64) string {
	minutes := v / 60
	switch {
	case v == 0 && a.unit != shareUnit:
		return "0"
	case a.unit == shareUnit:
		return decimal(100*v, 100*a.step) + " %"
	case a.unit == millisecondsUnit:
		return decimal(v, a.step) + " ms"
	case a.unit != secondsUnit:
		return decimal(v, a.step)
	case v < 100 && v != 60, a.step < 1:
		return decimal(v, a.step) + " s"
	case v < 7200 && minutes == math.Trunc(minutes):
		return decimal(minutes, 1) + " min"
	case v < 7200:
		return spell.Compact(v) + " min"
	}
	return spell.Seconds(v)
}

// decimal spells a multiple of a step.
func decimal(v, step float64) string {
	digits := int(math.Ceil(-math.Log10(step) - 1e-9))
	if digits <= 0 {
		return spell.Count(v)
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// timeTicks marks round times of day between 0 and a number of seconds, on an axis from
// one place to another.
func timeTicks(startHour int, total, from, to float64) []tick {
	step := 86_400.0
	for _, s := range []float64{300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200} {
		if total/s <= 7 {
			step = s
			break
		}
	}
	for total/step > 8 {
		step *= 2
	}
	var out []tick
	offset := math.Mod(float64(startHour)*3600, step)
	for at := math.Mod(step-offset, step); at <= total; at += step {
		label := spell.Clock(startHour, time.Duration(at)*time.Second)
		if step >= 86_400 {
			label = "day " + spell.Number(1+math.Floor((at+float64(startHour)*3600)/86_400))
		} else {
			label = label[len(label)-5:] // the time of day alone
		}
		out = append(out, tick{from + (to-from)*at/total, label})
	}
	return out
}
