package muster

import (
	"testing"
	"time"
)

func TestAQuotaIsOfAWindowAndOfWhoUsesIt(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(1_700_000_000+int64(s), 0) }
	q := newQuota(2, 10*time.Second)
	for _, step := range []struct {
		name string
		who  string
		at   int
		want time.Duration
	}{
		{"the first", "ann", 0, 0},
		{"the second", "ann", 3, 0},
		{"one too many", "ann", 4, 6 * time.Second},
		{"somebody else's first", "bob", 4, 0},
		{"in the next window", "ann", 10, 0},
		{"after the clock was set back", "ann", -3600, 0},
		{"and on", "ann", -3599, 0},
		{"until it is spent", "ann", -3598, 8 * time.Second},
	} {
		if got := q.take(step.who, at(step.at)); got != step.want {
			t.Errorf("%s: waits %v, want %v", step.name, got, step.want)
		}
	}
	if !q.spent("ann", at(-3597)) || q.spent("bob", at(-3597)) {
		t.Error("spent is by who")
	}
}
