package sqlite

import (
	"bytes"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"muster"
)

const (
	cacheShards = 64
	cacheValue  = 64 << 10 // a larger value is not kept, in bytes
	cacheEntry  = 200      // about what an entry takes beside its key and value, in bytes
)

// cache keeps records that were read or written lately. It never shows anything but what
// the database holds: this process is the only one that changes it, and a commit takes the
// records that it changes out before and puts them back after.
//
// Each key is in one of three states. Kept: reads take it from here. Unknown: reads go to
// the database, and may then keep what they found, unless a commit has begun to change
// something meanwhile. Held by a commit: reads go to the database and keep nothing.
type cache struct {
	seed   maphash.Seed
	shards [cacheShards]shard
}

// shard is a part of the cache.
type shard struct {
	limit int // bytes of young

	mu    sync.Mutex              // guards everything below
	young map[muster.Key]kept     // kept or used since the last turn
	old   map[muster.Key]kept     // not used since; forgotten at the next turn
	bytes int                     // of young
	held  map[muster.Key]struct{} // by the commit under way
	holds uint64                  // how many keys have ever been held
}

// kept is a record without its key. The value belongs to the cache.
type kept struct {
	value     []byte
	version   int64
	expiresAt time.Time
}

// newCache makes a cache of about so many bytes; nil, which keeps nothing, for 0 or less.
func newCache(size int) *cache {
	if size <= 0 {
		return nil
	}
	c := &cache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i] = shard{limit: size / cacheShards / 2, young: make(map[muster.Key]kept), held: make(map[muster.Key]struct{})}
	}
	return c
}

func (c *cache) shard(key muster.Key) *shard {
	return &c.shards[maphash.Comparable(c.seed, key)%cacheShards]
}

// ticket is what a reader that found nothing shows when it has read the database.
type ticket struct {
	holds uint64
	valid bool
}

// get returns the record at key, if it is kept and live. Otherwise the ticket is for put.
func (c *cache) get(key muster.Key, now time.Time) (r muster.Record, ok bool, t ticket) {
	if c == nil {
		return r, false, t
	}
	s := c.shard(key)
	s.mu.Lock()
	k, ok := s.find(key)
	_, held := s.held[key]
	t = ticket{s.holds, !held}
	s.mu.Unlock()
	if !ok || !k.expiresAt.IsZero() && !now.Before(k.expiresAt) {
		return r, false, t
	}
	return muster.Record{Key: key, Value: bytes.Clone(k.value), Version: k.version, ExpiresAt: k.expiresAt}, true, t
}

// put keeps what was read from the database after get gave the ticket, unless it may have
// changed since.
func (c *cache) put(r muster.Record, t ticket) {
	if c == nil || !t.valid {
		return
	}
	s := c.shard(r.Key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.holds == t.holds {
		s.keep(r.Key, kept{bytes.Clone(r.Value), r.Version, r.ExpiresAt})
	}
}

// hold takes the records that a transaction changes out, before it commits.
func (c *cache) hold(changes []change) {
	if c == nil {
		return
	}
	for _, change := range changes {
		s := c.shard(change.key)
		s.mu.Lock()
		s.forget(change.key)
		s.held[change.key] = struct{}{}
		s.holds++
		s.mu.Unlock()
	}
}

// release ends hold: the transaction, of the same changes, has been committed or has not.
// It may have changed a record more than once. What it left counts, so release begins with
// the last change and passes over those before it: were an earlier one kept even for a
// moment, a reader could see it after it has seen the last in the database.
func (c *cache) release(changes []change, committed bool) {
	if c == nil {
		return
	}
	for _, change := range slices.Backward(changes) {
		s := c.shard(change.key)
		s.mu.Lock()
		_, held := s.held[change.key]
		delete(s.held, change.key)
		if held && committed && change.kept != nil {
			s.keep(change.key, *change.kept)
		}
		s.mu.Unlock()
	}
}

// find looks a key up, and counts as use. Callers hold mu.
func (s *shard) find(key muster.Key) (kept, bool) {
	if k, ok := s.young[key]; ok {
		return k, true
	}
	k, ok := s.old[key]
	if ok {
		s.keep(key, k)
	}
	return k, ok
}

// keep adds an entry to the young ones, which grow old when they are too many. Callers
// hold mu.
func (s *shard) keep(key muster.Key, k kept) {
	if len(k.value) > cacheValue {
		return
	}
	s.forget(key)
	s.young[key] = k
	if s.bytes += size(key, k); s.bytes > s.limit {
		s.old, s.young, s.bytes = s.young, make(map[muster.Key]kept), 0
	}
}

// forget drops an entry, if there is one. Callers hold mu.
func (s *shard) forget(key muster.Key) {
	if k, ok := s.young[key]; ok {
		s.bytes -= size(key, k)
		delete(s.young, key)
	}
	delete(s.old, key)
}

func size(key muster.Key, k kept) int {
	return len(key.Partition) + len(key.Sort) + len(k.value) + cacheEntry
}
