package hosting

import (
	"slices"
	"time"
)

// mayCreate applies the fleet's ResourceCreationLimitPolicy or, without one, Amazon's
// throttle of one session per creator and second.
func (f *fleet) mayCreate(creator string, now time.Time) error {
	limit, period := f.creatorLimit()
	switch {
	case creator == "" && f.SessionsPerCreator > 0:
		return refuse(Invalid, "the fleet's ResourceCreationLimitPolicy needs a CreatorId")
	case creator == "":
		return nil
	}
	if len(recent(f.creators[creator], now.Add(-period))) >= limit {
		return refuse(LimitExceeded, "creator %q may make %d game session(s) in %v", creator, limit, period)
	}
	return nil
}

// created counts a session for its creator, and forgets creators that count for
// nothing any more.
func (f *fleet) created(creator string, now time.Time) {
	if creator == "" {
		return
	}
	_, period := f.creatorLimit()
	since := now.Add(-period)
	for name, at := range f.creators {
		if at = recent(at, since); len(at) == 0 {
			delete(f.creators, name)
			continue
		}
		f.creators[name] = at
	}
	f.creators[creator] = append(f.creators[creator], now)
}

func (f *fleet) creatorLimit() (sessions int, period time.Duration) {
	if f.SessionsPerCreator > 0 {
		return f.SessionsPerCreator, f.CreatorPeriod
	}
	return 1, time.Second
}

// recent drops the instants that are not after since.
func recent(at []time.Time, since time.Time) []time.Time {
	return slices.DeleteFunc(at, func(t time.Time) bool { return !t.After(since) })
}
