// Package storetest is the suite that every muster.Store driver passes: a driver is
// done when Run is green. Only tests import it.
//
// A driver's test is a few lines:
//
//	storetest.Run(t, func(t *testing.T, now func() time.Time) muster.Store {
//		return memory.New(now)
//	})
package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"muster"
)

// Open returns an empty store whose records expire by the clock now, and sees to it
// that the store is closed when t ends. Expiry must follow now alone, which the suite
// moves by hand.
type Open func(t *testing.T, now func() time.Time) muster.Store

// Run checks every promise of muster.Store and muster.Copier against the stores that open makes, one
// for each test, so that a driver may do as it likes between them.
func Run(t *testing.T, open func(t *testing.T, now func() time.Time) muster.Store) {
	t.Helper()
	tests := slices.Concat(recordTests, listTests, writeTests, expiryTests, limitTests, contentionTests, modelTests, copyTests)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			clock := newClock()
			test.run(&suite{T: t, store: open(t, clock.Now), clock: clock})
		})
	}
}

// test is one promise, named as a sentence.
type test struct {
	name string
	run  func(s *suite)
}

// suite is what one test works with. Its methods end the test on a surprise.
type suite struct {
	*testing.T
	store muster.Store
	clock *clock
}

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

// newClock starts half a second into a second, so that a driver which rounds shows.
func newClock() *clock {
	return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 500_000_000, time.UTC)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func key(partition, sort string) muster.Key { return muster.Key{Partition: partition, Sort: sort} }

// put is a Put of value over version, which never expires.
func put(k muster.Key, value string, version int64) muster.Op {
	return muster.Op{Kind: muster.Put, Key: k, Value: []byte(value), Version: version}
}

// putUntil is a Put of value over version, which expires at the given instant.
func putUntil(k muster.Key, value string, version int64, at time.Time) muster.Op {
	return muster.Op{Kind: muster.Put, Key: k, Value: []byte(value), Version: version, ExpiresAt: at}
}

func remove(k muster.Key, version int64) muster.Op {
	return muster.Op{Kind: muster.Delete, Key: k, Version: version}
}

func check(k muster.Key, version int64) muster.Op {
	return muster.Op{Kind: muster.Check, Key: k, Version: version}
}

// write does what must succeed.
func (s *suite) write(ops ...muster.Op) {
	s.Helper()
	if err := s.store.Write(context.Background(), ops...); err != nil {
		s.Fatalf("write: %v", err)
	}
}

// conflicts does what must fail because of a version.
func (s *suite) conflicts(ops ...muster.Op) {
	s.Helper()
	err := s.store.Write(context.Background(), ops...)
	if !errors.Is(err, muster.ErrConflict) {
		s.Fatalf("write: got error %v, want ErrConflict", err)
	}
	if muster.KindOf(err) != muster.Conflict {
		s.Fatalf("a conflict is of kind %s", muster.KindOf(err))
	}
}

// isInvalid checks the error of a call that could never succeed.
func (s *suite) isInvalid(err error) {
	s.Helper()
	var e *muster.Error
	if !errors.As(err, &e) || e.Kind != muster.Invalid {
		s.Fatalf("got error %v, want an *Error of kind invalid", err)
	}
}

// has checks that k holds value at version, and returns the record.
func (s *suite) has(k muster.Key, value string, version int64) muster.Record {
	s.Helper()
	r, err := s.store.Get(context.Background(), k)
	if err != nil {
		s.Fatalf("get %v: %v", k, err)
	}
	if r.Key != k || string(r.Value) != value || r.Version != version {
		s.Fatalf("get %v: got %v %.40q version %d, want %.40q version %d", k, r.Key, r.Value, r.Version, value, version)
	}
	return r
}

// lacks checks that k is not found.
func (s *suite) lacks(k muster.Key) {
	s.Helper()
	r, err := s.store.Get(context.Background(), k)
	if !errors.Is(err, muster.ErrNotFound) {
		s.Fatalf("get %v: got %.40q and error %v, want ErrNotFound", k, r.Value, err)
	}
	if muster.KindOf(err) != muster.NotFound {
		s.Fatalf("an absent record is of kind %s", muster.KindOf(err))
	}
}

// list returns the records of a List that must succeed.
func (s *suite) list(partition string, opts muster.ListOptions) []muster.Record {
	s.Helper()
	records, err := s.store.List(context.Background(), partition, opts)
	if err != nil {
		s.Fatalf("list %q %+v: %v", partition, opts, err)
	}
	for _, r := range records {
		if r.Partition != partition {
			s.Fatalf("list %q returned a record of partition %q", partition, r.Partition)
		}
	}
	return records
}

// lists checks that a List returns exactly these Sorts, in this order.
func (s *suite) lists(partition string, opts muster.ListOptions, want ...string) {
	s.Helper()
	if got := sorts(s.list(partition, opts)); !slices.Equal(got, want) {
		s.Fatalf("list %q %+v: got %q, want %q", partition, opts, got, want)
	}
}

func sorts(records []muster.Record) []string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = r.Sort
	}
	return out
}

// fill writes one record for each sort, whose value is the sort.
func (s *suite) fill(partition string, sorts ...string) {
	s.Helper()
	for chunk := range slices.Chunk(sorts, muster.MaxWriteOps) {
		ops := make([]muster.Op, len(chunk))
		for i, sort := range chunk {
			ops[i] = put(key(partition, sort), sort, 0)
		}
		s.write(ops...)
	}
}
