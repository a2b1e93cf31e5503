package report

import (
	"math"
	"testing"
)

func TestDifferencesAreSpelledWithTheirSign(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{shareUnit.spellDifference(0.5, 0.594), "+9.4 points"},
		{shareUnit.spellDifference(0.5, 0.5001), "±0"},
		{secondsUnit.spellDifference(30, 24), "−6 s (−20 %)"},
		{skillUnit.spellDifference(math.NaN(), 2), ""},
		{shorten("abcdef", 4), "abc…"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestAxesEndAtARoundMarkThatHoldsAll(t *testing.T) {
	for _, c := range []struct {
		unit       unit
		high, want float64
	}{
		{secondsUnit, 130, 150},
		{secondsUnit, 7, 8},
		{skillUnit, 713, 800},
		{countUnit, 0, 1},
		{shareUnit, 3, 1},
	} {
		a := newAxis(c.unit, c.high, 0, 100, 5)
		if a.high != c.want {
			t.Errorf("%v ends at %v, want %v", c.high, a.high, c.want)
		}
		ticks := a.ticks()
		if last := ticks[len(ticks)-1]; math.Abs(last.At-100) > 1e-9 || ticks[0].At != 0 {
			t.Errorf("%v has marks %v", c.high, ticks)
		}
	}
}

func TestTimeIsMarkedAtRoundHours(t *testing.T) {
	ticks := timeTicks(17, 6*3600, 0, 600)
	if len(ticks) != 7 || ticks[0] != (tick{0, "17:00"}) || ticks[6] != (tick{600, "23:00"}) {
		t.Errorf("%v", ticks)
	}
	days := timeTicks(6, 3*86_400, 0, 300)
	if days[0].Label != "18:00" && days[0].Label != "12:00" {
		t.Errorf("%v", days)
	}
	for _, total := range []float64{60, 3600, 86_400, 100 * 86_400} {
		if n := len(timeTicks(3, total, 0, 1)); n > 9 {
			t.Errorf("%v s have %d marks", total, n)
		}
	}
}
