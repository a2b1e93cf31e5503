// Package spell writes numbers as people read them.
package spell

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Percent spells a share.
func Percent(share float64) string {
	p := math.Round(100*share*1e9) / 1e9 // 0.14 is 14 %, not a hair more
	switch {
	case math.IsNaN(share):
		return "-"
	case p > 0 && p < 0.1:
		return "<0.1 %"
	case p == math.Trunc(p) || p >= 99.95 && p > 100-1e-9:
		return fmt.Sprintf("%.0f %%", p)
	case p >= 99.95:
		return ">99.9 %"
	}
	return fmt.Sprintf("%.1f %%", p)
}

// Count spells a whole number with its thousands apart.
func Count(f float64) string {
	s := strconv.FormatFloat(math.Round(math.Abs(f)), 'f', 0, 64)
	var b strings.Builder
	if math.Round(f) < 0 {
		b.WriteString("-")
	}
	for i, digit := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// Plural spells a count and what is counted, whose plural ends in s or es.
func Plural(n float64, thing string) string {
	if math.Round(n) != 1 {
		if strings.HasSuffix(thing, "ch") {
			thing += "e"
		}
		thing += "s"
	}
	return Count(n) + " " + thing
}

// Number spells a quantity with as many digits as mean something.
func Number(f float64) string {
	switch a := math.Abs(f); {
	case math.IsNaN(f):
		return "-"
	case a >= 100 || f == math.Trunc(f):
		return Count(f)
	case a >= 10:
		return trimmed(f, 1)
	case a >= 0.1:
		return trimmed(f, 2)
	}
	return strconv.FormatFloat(f, 'g', 2, 64)
}

func trimmed(f float64, digits int) string {
	s := strconv.FormatFloat(f, 'f', digits, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// Seconds spells a duration.
func Seconds(f float64) string {
	sign := ""
	if f < 0 {
		sign, f = "-", -f
	}
	switch {
	case math.IsNaN(f):
		return "-"
	case f == 0:
		return "0 s"
	case f < 0.1:
		return sign + "<0.1 s"
	case f < 9.95:
		return sign + trimmed(f, 1) + " s"
	case f < 99.5:
		return sign + strconv.Itoa(int(math.Round(f))) + " s"
	case f < 3599.5:
		m := int(math.Round(f))
		if m%60 == 0 {
			return fmt.Sprintf("%s%d min", sign, m/60)
		}
		return fmt.Sprintf("%s%d min %d s", sign, m/60, m%60)
	}
	m := int(math.Round(f / 60))
	if m%60 == 0 {
		return fmt.Sprintf("%s%d h", sign, m/60)
	}
	return fmt.Sprintf("%s%d h %d min", sign, m/60, m%60)
}

// Clock spells an instant of the simulation as a time of day, with the day from the
// second on.
func Clock(startHour int, since time.Duration) string {
	at := time.Duration(startHour)*time.Hour + since
	day, minutes := int(at/(24*time.Hour)), int(at.Round(time.Minute)/time.Minute)%(24*60)
	s := fmt.Sprintf("%02d:%02d", minutes/60, minutes%60)
	if day > 0 && (startHour > 0 || since >= 24*time.Hour) {
		s = fmt.Sprintf("day %d, %s", day+1, s)
	}
	return s
}

// Compact spells seconds in as few characters as can be read: 45 s, 1:30, 1:02:00.
func Compact(f float64) string {
	n := int(math.Round(f))
	switch {
	case n < 60:
		return fmt.Sprintf("%d s", n)
	case n < 3600:
		return fmt.Sprintf("%d:%02d", n/60, n%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", n/3600, n/60%60, n%60)
}
