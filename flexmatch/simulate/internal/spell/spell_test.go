package spell

import (
	"math"
	"testing"
	"time"
)

func TestNumbersAreSpelledForPeople(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Percent(0), "0 %"},
		{Percent(0.14), "14 %"},
		{Percent(0.0004), "<0.1 %"},
		{Percent(0.1234), "12.3 %"},
		{Percent(0.99999), ">99.9 %"},
		{Percent(1), "100 %"},
		{Percent(math.NaN()), "-"},
		{Count(1234567), "1,234,567"},
		{Count(-1234), "-1,234"},
		{Count(999), "999"},
		{Plural(1, "player"), "1 player"},
		{Plural(0, "match"), "0 matches"},
		{Plural(1234, "ticket"), "1,234 tickets"},
		{Number(0), "0"},
		{Number(31.54), "31.5"},
		{Number(2.5), "2.5"},
		{Number(53.04), "53"},
		{Number(477.6), "478"},
		{Seconds(0), "0 s"},
		{Seconds(0.03), "<0.1 s"},
		{Seconds(2.84), "2.8 s"},
		{Seconds(45.2), "45 s"},
		{Seconds(113), "1 min 53 s"},
		{Seconds(120), "2 min"},
		{Seconds(3600), "1 h"},
		{Seconds(3599.6), "1 h"},
		{Seconds(5_400), "1 h 30 min"},
		{Seconds(21_600), "6 h"},
		{Seconds(7_260), "2 h 1 min"},
		{Seconds(-12), "-12 s"},
		{Compact(59), "59 s"},
		{Compact(90), "1:30"},
		{Compact(3725), "1:02:05"},
		{Clock(17, 90*time.Minute), "18:30"},
		{Clock(0, 0), "00:00"},
		{Clock(23, 2*time.Hour), "day 2, 01:00"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
