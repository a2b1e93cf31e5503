package simulate

import (
	"math"
	"testing"
	"time"
)

func TestNumbersAreSpelledForPeople(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{percent(0), "0 %"},
		{percent(0.14), "14 %"},
		{percent(0.0004), "<0.1 %"},
		{percent(0.1234), "12.3 %"},
		{percent(0.99999), ">99.9 %"},
		{percent(1), "100 %"},
		{percent(math.NaN()), "-"},
		{grouped(1234567), "1,234,567"},
		{grouped(-1234), "-1,234"},
		{grouped(999), "999"},
		{plain(0), "0"},
		{plain(31.54), "31.5"},
		{plain(2.5), "2.5"},
		{plain(53.04), "53"},
		{plain(477.6), "478"},
		{seconds(0), "0 s"},
		{seconds(0.03), "<0.1 s"},
		{seconds(2.84), "2.8 s"},
		{seconds(45.2), "45 s"},
		{seconds(113), "1 min 53 s"},
		{seconds(120), "2 min"},
		{seconds(21_600), "6 h"},
		{seconds(7_260), "2 h 1 min"},
		{seconds(-12), "-12 s"},
		{compact(59), "59 s"},
		{compact(90), "1:30"},
		{compact(3725), "1:02:05"},
		{clock(17, 90*time.Minute), "18:30"},
		{clock(0, 0), "00:00"},
		{clock(23, 2*time.Hour), "day 2, 01:00"},
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
