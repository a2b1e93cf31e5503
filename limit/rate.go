package limit

import "time"

// Rate lets Count through at once, and as many again within each Per, evenly. Zero: no
// limit.
type Rate struct {
	Count int
	Per   time.Duration
}

// unlimited says that the rate refuses nothing.
func (r Rate) unlimited() bool { return r.Count <= 0 || r.Per <= 0 }

// interval is how long it takes until one more may pass.
func (r Rate) interval() time.Duration { return max(r.Per/time.Duration(r.Count), 1) }

// take lets up to n through. debt is the instant at which all that was let through is
// forgotten; zero: nothing was. It returns how many may pass, the debt from then on, and,
// where none may, how long until one does: at least a nanosecond, at most Per, even after
// the clock has been put back. (The generic cell rate algorithm of ITU-T I.371: the same as
// a bucket of tokens, in one number.)
func (r Rate) take(debt, now time.Time, n int) (taken int, after time.Time, wait time.Duration) {
	full := now.Add(r.interval() * time.Duration(r.Count))
	if debt.Before(now) {
		debt = now
	}
	if debt.After(full) { // the clock was put back
		debt = full
	}
	room := int(full.Sub(debt) / r.interval())
	if taken = min(n, room); taken <= 0 {
		return 0, debt, max(debt.Add(r.interval()).Sub(full), 1)
	}
	return taken, debt.Add(r.interval() * time.Duration(taken)), 0
}
