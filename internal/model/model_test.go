package model

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
)

// Seeds of a normal run; MUSTER_SEEDS sets another number.
const usualSeeds = 300

// steps of one history, where a driver has no number of its own.
const steps = 400

// stepsOf are the numbers of slow drivers.
var stepsOf = map[string]int{"dynamo": 80, "dynamo-faults": 200}

// shareOf are the drivers that play only one in so many of the usual seeds: what takes a
// store in memory no time goes the whole way to DynamoDB's protocol there.
var shareOf = map[string]int{"dynamo-faults": 5}

// seedsOf is how many seeds a driver plays, of those of all.
func seedsOf(driver string, seeds int) int {
	if os.Getenv("MUSTER_SEEDS") != "" {
		return seeds
	}
	return max(1, seeds/cmp.Or(shareOf[driver], 1))
}

// TestWhateverHappens plays random histories against every driver.
func TestWhateverHappens(t *testing.T) {
	histories(t, usualSeeds, func(w *world, length int) {
		w.play(length)
		if !w.t.Failed() {
			w.checkRest()
		}
	}, (*tally).check)
}

// histories plays a history of each seed on every driver, several at a time, and has what they
// counted checked. usual is how many seeds a run has that is told nothing; length is the number
// of a history's steps.
func histories(t *testing.T, usual int, play func(w *world, length int), check func(total *tally, t *testing.T, seeds, length int)) {
	t.Helper()
	if testing.Short() {
		usual /= 10
	}
	seeds := number(t, "MUSTER_SEEDS", usual)
	first := number(t, "MUSTER_FIRST", 1)
	if alone := number(t, "MUSTER_SEED", 0); alone > 0 {
		first, seeds = alone, 1
	}
	for _, name := range slices.Sorted(maps.Keys(drivers)) {
		if only := os.Getenv("MUSTER_DRIVER"); only != "" && only != name {
			continue
		}
		t.Run(name, func(t *testing.T) {
			open, seeds := drivers[name](t), seedsOf(name, seeds)
			workers := runtime.GOMAXPROCS(0)
			if name == "dynamo" {
				workers *= 4 // they wait for its answers
			}
			length := cmp.Or(stepsOf[name], steps)
			var total tally
			t.Cleanup(func() { check(&total, t, seeds, length) })
			for k := range workers {
				t.Run(fmt.Sprint("worker ", k), func(t *testing.T) {
					t.Parallel()
					for seed := first + k; seed < first+seeds && !t.Failed(); seed += workers {
						w := newWorld(t, uint64(seed), open)
						if seeds == 1 {
							w.trace = t.Logf
						}
						play(w, length)
						w.store.close()
						total.add(w.counts)
					}
				})
			}
		})
	}
}

// number reads a number from the environment.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s is %q, not a number", name, text)
	}
	return n
}

// tally adds up what happened in all histories.
type tally struct {
	mu     sync.Mutex // guards counts
	counts map[string]int
}

func (t *tally) add(counts map[string]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	for what, n := range counts {
		t.counts[what] += n
	}
}

// check says what happened, and fails when too little of something did to prove anything.
// length is the histories' number of steps.
func (t *tally) check(test *testing.T, seeds, length int) {
	test.Logf("%d histories: %v", seeds, t.counts)
	if seeds < usualSeeds || test.Failed() {
		return
	}
	for what, oneIn := range map[string]int{
		"crashes": 2, "meanwhiles": 2, "results": 2, "parties": 2, "joins": 2, "deletions": 2, "documents": 2, "names": 2, "seats": 2, "evenings": 3,
		"tickets completed": 2, "tickets cancelled": 2, "tickets timedOut": 2, "tickets failed": 4, "backfills": 60, "seasons left": 150,
	} {
		if t.counts[what] < enough(seeds, oneIn, length) {
			test.Errorf("%d histories had only %d %s", seeds, t.counts[what], what)
		}
	}
}

// enough is how often something must have happened in so many histories that happens once
// in oneIn of the usual length. Of shorter ones less is wanted, by the square: a match takes
// a while, and what comes of it comes later.
func enough(seeds, oneIn, length int) int { return seeds * length * length / (oneIn * steps * steps) }
