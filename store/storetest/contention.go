package storetest

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"muster"
)

const (
	contenders = 8  // goroutines that want the same record
	rounds     = 12 // successes that each of them needs
)

var contentionTests = []test{
	{"no increment is lost when many read, change and write", func(s *suite) {
		k := key("counter", "s")
		s.race(func(int) (bool, error) {
			for range rounds {
				if err := s.increment(k); err != nil {
					return false, err
				}
			}
			return true, nil
		})
		s.has(k, strconv.Itoa(contenders*rounds), contenders*rounds)
	}},
	{"version 0 gives a lock to exactly one", func(s *suite) {
		for round := range rounds {
			k := key("lock", fmt.Sprint(round))
			winners := s.race(func(i int) (bool, error) {
				err := s.store.Write(context.Background(), put(k, fmt.Sprint(i), 0))
				return err == nil, ignoreConflict(err)
			})
			if len(winners) != 1 {
				s.Fatalf("round %d has winners %v", round, winners)
			}
			s.has(k, fmt.Sprint(winners[0]), 1)
		}
	}},
	{"writes that share one record of several never both happen", func(s *suite) {
		// Everybody needs an own record and two neighbours' forks, as philosophers do.
		forks := func(i int) (muster.Key, muster.Key) {
			return key("fork", fmt.Sprint(i)), key("fork", fmt.Sprint((i+1)%contenders))
		}
		eaters := s.race(func(i int) (bool, error) {
			left, right := forks(i)
			err := s.store.Write(context.Background(), put(key("eater", fmt.Sprint(i)), "x", 0), put(left, fmt.Sprint(i), 0), put(right, fmt.Sprint(i), 0))
			return err == nil, ignoreConflict(err)
		})
		if len(eaters) == 0 {
			s.Fatal("nobody got both forks")
		}
		for _, i := range eaters {
			left, right := forks(i)
			s.has(left, fmt.Sprint(i), 1)
			s.has(right, fmt.Sprint(i), 1)
		}
		if got, want := len(s.list("eater", muster.ListOptions{})), len(eaters); got != want {
			s.Fatalf("%d records of eaters, want %d: a failed write left something", got, want)
		}
	}},
	{"a sum over two records never changes while it is moved between them", func(s *suite) {
		a, b := key("sum", "a"), key("sum", "b")
		s.write(put(a, "100", 0), put(b, "100", 0))
		s.race(func(i int) (bool, error) {
			for range rounds {
				if i%2 == 0 {
					if err := s.move(a, b); err != nil {
						return false, err
					}
					continue
				}
				records, err := s.store.List(context.Background(), "sum", muster.ListOptions{})
				if err != nil {
					return false, err
				}
				if total := sum(records); total != 200 {
					return false, fmt.Errorf("one list saw a sum of %d", total)
				}
			}
			return true, nil
		})
		if total := sum(s.list("sum", muster.ListOptions{})); total != 200 {
			s.Fatalf("the sum became %d", total)
		}
	}},
	{"different records do not get in each other's way", func(s *suite) {
		s.race(func(i int) (bool, error) {
			for version := range int64(rounds) {
				if err := s.store.Write(context.Background(), put(key("own", fmt.Sprint(i)), "v", version)); err != nil {
					return false, err // a conflict included
				}
			}
			return true, nil
		})
		for i := range contenders {
			s.has(key("own", fmt.Sprint(i)), "v", rounds)
		}
	}},
}

// race runs f in as many goroutines at once as there are contenders, fails on any
// error, and returns the numbers for which f said true, ascending.
func (s *suite) race(f func(i int) (bool, error)) []int {
	s.Helper()
	var wg sync.WaitGroup
	start := make(chan struct{})
	won, errs := make([]bool, contenders), make([]error, contenders)
	for i := range contenders {
		wg.Go(func() {
			<-start
			won[i], errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	var winners []int
	for i := range contenders {
		if errs[i] != nil {
			s.Fatalf("goroutine %d: %v", i, errs[i])
		}
		if won[i] {
			winners = append(winners, i)
		}
	}
	return winners
}

// increment adds one to the number at k, as often as it takes to win.
func (s *suite) increment(k muster.Key) error {
	for {
		r, err := s.store.Get(context.Background(), k)
		if err != nil && muster.KindOf(err) != muster.NotFound {
			return err
		}
		err = s.store.Write(context.Background(), put(k, strconv.Itoa(number(r)+1), r.Version))
		if muster.KindOf(err) != muster.Conflict || err == nil {
			return err
		}
	}
}

// move takes one from a and gives it to b, as often as it takes to win.
func (s *suite) move(a, b muster.Key) error {
	for {
		from, err := s.store.Get(context.Background(), a)
		if err != nil {
			return err
		}
		to, err := s.store.Get(context.Background(), b)
		if err != nil {
			return err
		}
		err = s.store.Write(context.Background(),
			put(a, strconv.Itoa(number(from)-1), from.Version), put(b, strconv.Itoa(number(to)+1), to.Version))
		if muster.KindOf(err) != muster.Conflict || err == nil {
			return err
		}
	}
}

// number reads what increment and move wrote; an absent record is 0.
func number(r muster.Record) int {
	n, _ := strconv.Atoi(string(r.Value)) // no value: 0, as wanted
	return n
}

func sum(records []muster.Record) int {
	total := 0
	for _, r := range records {
		total += number(r)
	}
	return total
}
