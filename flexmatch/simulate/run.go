package simulate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"muster/flexmatch/simulate/internal/spell"
)

// Bounds of Options.
const (
	maxDuration = 100 * 24 * time.Hour
	maxRules    = 4
)

// Options say what to simulate. Zero values mean what is said.
type Options struct {
	Population *Population // nil: DefaultPopulation
	// Duration of simulated time, at most 100 days. Zero: a day; of recorded tickets,
	// until a quarter of an hour after the last.
	Duration time.Duration
	// Seed replaces the population's, if Seeded.
	Seed   uint64
	Seeded bool
	// RequestTimeout removes tickets that wait longer. Zero: never.
	RequestTimeout time.Duration
	// Progress, if any, is told how far the run is, some hundred times over the run and
	// never from two goroutines at once.
	Progress func(Progress)
}

// Progress is how far a run is.
type Progress struct {
	Simulated, Total time.Duration
	StartHour        int
	// Queued and Matches are those of the first rule set.
	Queued, Matches int
}

// Clock is the simulated time of day.
func (p Progress) Clock() string { return spell.Clock(p.StartHour, p.Simulated) }

// Run simulates the same players under each rule set and returns a result for each, in
// order. When ctx ends, the results are those of the time simulated until then, the same
// for each, marked Interrupted, and the error is nil. An error is about the options or says, as Problems,
// what in the population does not go with a rule set.
func Run(ctx context.Context, rules []Rules, o Options) ([]*Result, error) {
	if o.Population == nil {
		o.Population = DefaultPopulation()
	}
	if !o.Seeded {
		o.Seed = o.Population.Seed
	}
	o.Duration, o.Population = o.duration(), o.Population.fit(rules)
	switch {
	case len(rules) == 0 || len(rules) > maxRules:
		return nil, fmt.Errorf("simulate 1 to %d rule sets, not %d", maxRules, len(rules))
	case o.Duration < 0 || o.Duration > maxDuration:
		return nil, fmt.Errorf("simulate at most %s, not %s", spell.Seconds(maxDuration.Seconds()), spell.Seconds(o.Duration.Seconds()))
	case o.RequestTimeout < 0:
		return nil, errors.New("the request timeout is negative")
	}
	rules = pooled(rules)
	if err := o.Population.checkSkill(rules); err != nil {
		return nil, err
	}
	simulations := make([]*simulation, len(rules))
	for i, r := range rules {
		var err error
		if simulations[i], err = newSimulation(r, o); err != nil {
			return nil, err
		}
	}
	run(ctx, simulations, o)
	results := make([]*Result, len(rules))
	for i, s := range simulations {
		results[i] = s.result(s.now < o.Duration)
	}
	return results, nil
}

func (o Options) duration() time.Duration {
	tickets := o.Population.Tickets
	switch {
	case o.Duration != 0:
		return o.Duration
	case len(tickets) == 0:
		return 24 * time.Hour
	}
	first, last := tickets[0].StartAt, tickets[0].StartAt
	for _, t := range tickets {
		if t.StartAt.Before(first) {
			first = t.StartAt
		}
		if t.StartAt.After(last) {
			last = t.StartAt
		}
	}
	return last.Sub(first) + 15*time.Minute
}

// Parts of a bucket: run looks for the end of ctx after each slice, and after each turn,
// some slices, tells progress and lets the simulations look at who waits.
const (
	slicesOfBucket = 50
	slicesOfTurn   = 25
)

// run advances all simulations side by side, a slice of time after the other, and stops
// only between slices: an interrupted comparison has simulated the same time under each
// rule set.
func run(ctx context.Context, simulations []*simulation, o Options) {
	slice := bucketWidth(o.Duration) / slicesOfBucket
	until := time.Duration(0)
	for n := 1; until < o.Duration && ctx.Err() == nil; n++ {
		until = min(until+slice, o.Duration)
		turn := n%slicesOfTurn == 0 || until == o.Duration
		var all sync.WaitGroup
		for _, s := range simulations {
			all.Go(func() {
				s.advance(until)
				if turn {
					s.ask()
				}
			})
		}
		all.Wait()
		if turn && o.Progress != nil {
			first := simulations[0]
			o.Progress(Progress{first.now, o.Duration, o.Population.StartHour, first.record.players.Queued, first.record.matches})
		}
	}
}
