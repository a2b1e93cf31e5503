package limit

import "time"

// Slowdown is how long to wait after failures: not at all after the first Free, then First,
// and twice as long after each, up to Longest. One failure is forgiven within each Longest
// without another.
type Slowdown struct {
	Free           int
	First, Longest time.Duration
}

// failures is what failed.
type failures struct {
	Count int       `json:"n"`
	At    time.Time `json:"at,omitzero"` // of the latest
}

// since is what has not been forgiven. A clock that was put back makes nothing later than
// now.
func (s Slowdown) since(f failures, now time.Time) failures {
	if f.At.After(now) {
		f.At = now
	}
	if forgiven := int(now.Sub(f.At) / s.Longest); forgiven > 0 {
		f.Count = max(f.Count-forgiven, 0)
		f.At = f.At.Add(s.Longest * time.Duration(forgiven))
	}
	return f
}

// wait is how long until the next try; zero: it may be now. pending tries are under way
// elsewhere in this process and count as failed.
func (s Slowdown) wait(f failures, now time.Time, pending int) time.Duration {
	left := s.since(f, now).Count
	if pending > 0 && left+pending >= s.Free {
		return max(s.pause(left+pending), s.First)
	}
	passed := max(now.Sub(f.At), 0) // less than that: the clock was put back
	return max(s.pause(left)-passed, 0)
}

// pause is how long to wait after that many failures.
func (s Slowdown) pause(count int) time.Duration {
	if count < s.Free {
		return 0
	}
	pause := s.First
	for range count - s.Free {
		if pause *= 2; pause >= s.Longest {
			return s.Longest
		}
	}
	return min(pause, s.Longest)
}

// failed is f with one failure more. It grows no further once the wait is the longest.
func (s Slowdown) failed(f failures, now time.Time) failures {
	f = s.since(f, now)
	if f.Count < s.Free || s.pause(f.Count) < s.Longest {
		f.Count++
	}
	f.At = now.UTC()
	return f
}

// over is when nothing of f is left.
func (s Slowdown) over(f failures) time.Time {
	return f.At.Add(s.Longest * time.Duration(f.Count+1))
}
