package launcher

import "time"

// stopOrder is a process to stop, and why.
type stopOrder struct {
	process *process
	reason  string
}

// observe records what the service knows of a process. It says whether the process
// has just turned out to be of use.
func (p *process) observe(s Status, proven time.Duration, now time.Time) (turned bool) {
	switch {
	case s != Unseen:
		p.seen, p.lostAt = true, time.Time{}
	case p.seen && p.lostAt.IsZero():
		p.lostAt = now
	}
	p.status = s
	before := p.useful
	p.useful = p.useful || s == Busy || s == Spare && now.Sub(p.startedAt) >= proven
	return p.useful && !before
}

// quiet says, once, that a process has not connected for that long.
func (p *process) quiet(now time.Time, limit time.Duration) bool {
	if p.seen || p.warned || p.stopping() || now.Sub(p.startedAt) < limit {
		return false
	}
	p.warned = true
	return true
}

// plan says how many processes to start and which to stop. A process that has not
// connected yet counts as spare, so that a slow start is not answered by many; one that
// the service has done with does not count, and is stopped unless it exits by itself.
func plan(o Options, now time.Time, processes []*process) (start int, stop []stopOrder) {
	spare := 0
	for _, p := range processes {
		switch {
		case p.stopping():
		case !p.lostAt.IsZero():
			if now.Sub(p.lostAt) >= o.StopGrace {
				stop = append(stop, stopOrder{p, "has ended its service but does not exit"})
			}
		case p.status == Busy:
		case !p.seen && now.Sub(p.startedAt) >= o.StartTimeout:
			stop = append(stop, stopOrder{p, "did not connect in time: does it call InitSDK of the server SDK?"})
		default:
			spare++
		}
	}
	return max(0, min(o.Spare-spare, o.Max-len(processes))), stop
}

// backoff is the wait after so many failures before: from the shortest, doubling.
func backoff(shortest, longest time.Duration, failures int) time.Duration {
	wait := shortest
	for range failures {
		if wait >= longest/2 {
			return longest
		}
		wait *= 2
	}
	return min(wait, longest)
}
