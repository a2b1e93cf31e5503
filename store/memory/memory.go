// Package memory is a muster.Store in this process's memory, for tests and for
// trying things out. Everything is gone when the process ends.
//
// Start with New. It keeps the whole contract of the port, limits included, but does
// not bound how much is stored.
package memory

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"muster"
)

// Store implements muster.Store. It is safe for concurrent use.
type Store struct {
	now func() time.Time

	mu         sync.RWMutex // guards everything below
	partitions map[string][]*entry
	expiring   expiryQueue
}

var _ muster.Store = (*Store)(nil)

// entry is one record. It is replaced, never changed, so a reader may copy it after
// it let go of the lock; only place belongs to the writer.
type entry struct {
	key       muster.Key
	value     []byte
	version   int64
	expiresAt time.Time // whole seconds, UTC; zero: never
	place     int       // index in the expiry queue, when expiresAt is set
}

// New returns an empty store whose records expire by the clock now; nil means
// time.Now.
func New(now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{now: now, partitions: make(map[string][]*entry)}
}

// Get implements muster.Store.
func (s *Store) Get(ctx context.Context, key muster.Key) (muster.Record, error) {
	if err := muster.CheckKey(key); err != nil {
		return muster.Record{}, err
	}
	if err := ctx.Err(); err != nil {
		return muster.Record{}, fmt.Errorf("get %q: %w", key.Redacted(), err)
	}
	now := s.now()
	s.mu.RLock()
	e := s.live(key, now)
	s.mu.RUnlock()
	if e == nil {
		return muster.Record{}, fmt.Errorf("get %q: %w", key.Redacted(), muster.ErrNotFound)
	}
	return e.record(), nil
}

// List implements muster.Store.
func (s *Store) List(ctx context.Context, partition string, opts muster.ListOptions) ([]muster.Record, error) {
	if err := muster.CheckPartition(partition); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("list %q: %w", muster.Key{Partition: partition}.Redacted(), err)
	}
	found := s.inRange(partition, opts, s.now())
	records := make([]muster.Record, len(found))
	for i, e := range found {
		records[i] = e.record()
	}
	return records, nil
}

// inRange returns the live entries that opts asks for, in its order.
func (s *Store) inRange(partition string, opts muster.ListOptions, now time.Time) []*entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	from, to := opts.Range()
	entries := s.partitions[partition]
	first, _ := search(entries, from)
	end, _ := search(entries, to)
	var found []*entry
	for n := range max(end-first, 0) {
		i := first + n
		if opts.Descending {
			i = end - 1 - n
		}
		if entries[i].liveAt(now) {
			found = append(found, entries[i])
		}
		if len(found) == opts.Max() {
			break
		}
	}
	return found
}

// Write implements muster.Store.
func (s *Store) Write(ctx context.Context, ops ...muster.Op) error {
	if err := muster.CheckOps(ops); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now, 2*len(ops))
	for _, op := range ops {
		if err := s.check(op, now); err != nil {
			return err
		}
	}
	for _, op := range ops {
		s.apply(op, now)
	}
	return nil
}

// check says whether the record has the version that op names. Callers hold mu.
func (s *Store) check(op muster.Op, now time.Time) error {
	if op.Version == muster.AnyVersion {
		return nil
	}
	var version int64
	if e := s.live(op.Key, now); e != nil {
		version = e.version
	}
	if version != op.Version {
		return fmt.Errorf("write %q: version is %d, not %d: %w", op.Key.Redacted(), version, op.Version, muster.ErrConflict)
	}
	return nil
}

// apply does what op says, its version being checked. Callers hold mu for writing.
func (s *Store) apply(op muster.Op, now time.Time) {
	switch op.Kind {
	case muster.Put:
		e := &entry{key: op.Key, value: op.Value, version: 1, expiresAt: wholeSeconds(op.ExpiresAt)}
		if old := s.live(op.Key, now); old != nil {
			e.version = old.version + 1
		}
		s.remove(op.Key)
		s.insert(e)
	case muster.Delete:
		s.remove(op.Key)
	case muster.Check: // changes nothing
	}
}

// wholeSeconds cuts off the fraction; the zero time, which means never, stays.
func wholeSeconds(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.Unix(t.Unix(), 0).UTC()
}

// live finds the entry at key unless it has expired; nil means none. Callers hold mu.
func (s *Store) live(key muster.Key, now time.Time) *entry {
	entries := s.partitions[key.Partition]
	if i, ok := search(entries, key.Sort); ok && entries[i].liveAt(now) {
		return entries[i]
	}
	return nil
}

// insert adds e, whose key must be free. Callers hold mu for writing.
func (s *Store) insert(e *entry) {
	entries := s.partitions[e.key.Partition]
	i, _ := search(entries, e.key.Sort)
	s.partitions[e.key.Partition] = slices.Insert(entries, i, e)
	if !e.expiresAt.IsZero() {
		s.expiring.add(e)
	}
}

// remove drops the entry at key, live or not, if there is one. Callers hold mu for
// writing.
func (s *Store) remove(key muster.Key) {
	entries := s.partitions[key.Partition]
	i, ok := search(entries, key.Sort)
	if !ok {
		return
	}
	if e := entries[i]; !e.expiresAt.IsZero() {
		s.expiring.remove(e)
	}
	if len(entries) == 1 {
		delete(s.partitions, key.Partition)
		return
	}
	s.partitions[key.Partition] = slices.Delete(entries, i, i+1)
}

// sweep removes up to limit expired entries. A Write sweeps twice as many as it can
// add, so what has expired never piles up. Callers hold mu for writing.
func (s *Store) sweep(now time.Time, limit int) {
	for range limit {
		e := s.expiring.next()
		if e == nil || e.liveAt(now) {
			return
		}
		s.remove(e.key)
	}
}

// search returns where sort stands, or would stand, in entries.
func search(entries []*entry, sort string) (int, bool) {
	return slices.BinarySearchFunc(entries, sort, func(e *entry, sort string) int {
		return strings.Compare(e.key.Sort, sort)
	})
}

func (e *entry) liveAt(now time.Time) bool {
	return e.expiresAt.IsZero() || now.Before(e.expiresAt)
}

// record copies e, so that the caller may change what it gets.
func (e *entry) record() muster.Record {
	return muster.Record{Key: e.key, Value: bytes.Clone(e.value), Version: e.version, ExpiresAt: e.expiresAt}
}
