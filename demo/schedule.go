package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Report is what bots did. Its JSON is what scripts read.
type Report struct {
	Matches       int         `json:"matches"`       // whole matches: every bot in it has the result
	Players       int         `json:"players"`       // bots that played at least once
	Seated        int         `json:"seated"`        // seats granted and accepted by a game server
	SeatsRefused  int         `json:"seats_refused"` // by game servers
	Results       int         `json:"results"`       // matches whose result arrived
	QueueToSeatMs Percentiles `json:"queue_to_seat_ms"`
	Retries       int         `json:"retries,omitempty"`  // calls repeated and sockets opened again
	Failures      int         `json:"failures,omitempty"` // attempts to play that came to nothing, for whatever reason but the bots' own end
}

// Percentiles summarise durations in milliseconds; all zero when there were none.
type Percentiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// percentiles takes the nearest rank of each. It sorts durations.
func percentiles(durations []time.Duration) Percentiles {
	if len(durations) == 0 {
		return Percentiles{}
	}
	slices.Sort(durations)
	rank := func(percent int) float64 {
		i := (percent*len(durations) + 99) / 100 // rounded up, counted from 1
		return float64(durations[max(i, 1)-1].Microseconds()) / 1000
	}
	return Percentiles{P50: rank(50), P99: rank(99), Max: rank(100)}
}

// schedule decides which bot may queue and keeps the count. Safe for concurrent use.
type schedule struct {
	size     int // players of a full match
	wanted   int // matches to play; 0: no limit
	progress func(Report)

	mu       sync.Mutex // guards the rest
	waiting  int        // bots that queue and have no seat yet
	sessions map[string]*attendance
	players  map[string]bool
	waits    []time.Duration
	report   Report
	failures int           // in a row
	lastErr  error         // of the latest failure
	refusal  error         // that makes all further attempts useless; nil: none
	changed  chan struct{} // closed and replaced at every change
}

// attendance is how many bots play in a session and how many of them are through.
type attendance struct {
	bots, through int
	result        bool
	failed        bool
}

func newSchedule(size, wanted int, progress func(Report)) *schedule {
	return &schedule{
		size: size, wanted: wanted, progress: progress,
		sessions: map[string]*attendance{}, players: map[string]bool{}, changed: make(chan struct{}),
	}
}

// begin waits until the bot may queue. false: there is nothing more for it to do.
// With a number of matches wanted, no more bots queue at the same time than the
// matches that have not begun can take, so that nobody is left waiting at the end.
func (s *schedule) begin(ctx context.Context) bool {
	for {
		s.mu.Lock()
		room := s.size * (s.wanted - s.good())
		done := ctx.Err() != nil || s.refusal != nil || s.failures >= maxFailures || s.wanted > 0 && s.whole() >= s.wanted
		if !done && (s.wanted == 0 || s.waiting < room) {
			s.waiting++
			s.mu.Unlock()
			return true
		}
		changed := s.changed
		s.mu.Unlock()
		if done {
			return false
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// good counts the sessions that nothing went wrong with so far.
func (s *schedule) good() (n int) {
	for _, a := range s.sessions {
		if !a.failed {
			n++
		}
	}
	return n
}

// whole counts the matches that were played to their result by everybody in it.
func (s *schedule) whole() (n int) {
	for _, a := range s.sessions {
		if a.whole() {
			n++
		}
	}
	return n
}

func (a *attendance) whole() bool { return a.result && !a.failed && a.through == a.bots }

// seat says that a bot that queued got its place in a session.
func (s *schedule) seat(session string, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting--
	if s.sessions[session] == nil {
		s.sessions[session] = &attendance{}
	}
	s.sessions[session].bots++
	s.waits = append(s.waits, wait)
	s.tell()
}

// seated says that a game server let a player in.
func (s *schedule) seated(player string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Seated++
	s.players[player] = true
}

// refused says that a game server did not.
func (s *schedule) refused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.SeatsRefused++
}

// end says how a bot's attempt ended. session is empty when it got no seat.
func (s *schedule) end(session string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if session == "" {
		s.waiting--
	} else {
		a := s.sessions[session]
		a.through++
		a.failed = a.failed || err != nil
		a.result = a.result || err == nil
	}
	switch {
	case err == nil:
		s.failures = 0
	case !errors.Is(err, errStopped) && !errors.Is(err, errAway):
		s.failures++
		s.lastErr = err
	}
	if err != nil && !errors.Is(err, errStopped) && !errors.Is(err, context.Canceled) {
		s.report.Failures++
	}
	s.tell()
	if s.progress != nil && err == nil {
		s.progress(s.count())
	}
}

// gaveUp says that a bot stopped for good.
func (s *schedule) gaveUp(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastErr = err
	s.tell()
}

// giveUp ends it for all bots: what one was refused the others would be, too.
func (s *schedule) giveUp(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = err
	s.tell()
}

// tell wakes the bots that wait in begin. The caller holds mu.
func (s *schedule) tell() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// count brings the report up to date. The caller holds mu.
func (s *schedule) count() Report {
	r := s.report
	r.Matches, r.Players = s.whole(), len(s.players)
	for _, a := range s.sessions {
		if a.result {
			r.Results++
		}
	}
	r.QueueToSeatMs = percentiles(slices.Clone(s.waits))
	return r
}

// outcome is the final report, and an error in one line when something that was wanted
// is missing. cause says why the bots had to end early, if they had to.
func (s *schedule) outcome(cause error) (Report, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.count()
	interrupted := errors.Is(cause, context.Canceled) || errors.Is(cause, context.DeadlineExceeded)
	switch {
	case interrupted && s.wanted > 0:
		cause = errors.New("the bots were interrupted")
	case interrupted:
		cause = nil // without a number of matches that is how it ends
	case cause == nil && s.refusal != nil:
		cause = fmt.Errorf("the bots gave up: %w", s.refusal)
	case cause == nil && s.failures >= maxFailures:
		cause = fmt.Errorf("the bots gave up after %d failures in a row, the last one: %w", s.failures, s.lastErr)
	}
	switch {
	case s.wanted == 0:
		return r, cause
	case r.Matches >= s.wanted:
		return r, nil
	}
	if cause == nil {
		cause = s.lastErr
	}
	missing := fmt.Sprintf("%d of %d matches were played to their result", r.Matches, s.wanted)
	if cause == nil {
		return r, errors.New(missing)
	}
	return r, fmt.Errorf("%s: %w", missing, cause)
}
