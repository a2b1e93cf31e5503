package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
)

func TestTheCacheKeepsWhatIsUsed(t *testing.T) {
	c := newCache(cacheShards * 2 * 10_000)
	now := time.Unix(1_800_000_000, 0)
	used := muster.Key{Partition: "used", Sort: "s"}
	record := func(key muster.Key) muster.Record {
		return muster.Record{Key: key, Value: make([]byte, 1000), Version: 1}
	}
	_, _, ticket := c.get(used, now)
	c.put(record(used), ticket)
	for i := range 20_000 { // 24 MB through 1.3 MB
		key := muster.Key{Partition: "p", Sort: fmt.Sprint(i)}
		_, ok, ticket := c.get(key, now)
		if ok {
			t.Fatalf("%v is kept before it was put", key)
		}
		c.put(record(key), ticket)
		if _, ok, _ := c.get(used, now); !ok {
			t.Fatalf("after %d others what is used was forgotten", i)
		}
	}
	bytes := 0
	for i := range c.shards {
		for _, entries := range []map[muster.Key]kept{c.shards[i].young, c.shards[i].old} {
			for key, k := range entries {
				bytes += size(key, k)
			}
		}
	}
	if limit := cacheShards * 2 * 12_000; bytes > limit || bytes < limit/8 {
		t.Errorf("%d bytes are kept, want at most %d", bytes, limit)
	}
}

// What a slow reader has read is not kept once a commit has begun to change it.
func TestTheCacheTakesNothingOlderThanACommit(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	key := muster.Key{Partition: "p", Sort: "s"}
	old := muster.Record{Key: key, Value: []byte("old"), Version: 1}
	put := []change{{key, &kept{value: []byte("new"), version: 2}}}
	gone := []change{{key, nil}}
	cases := []struct {
		name string
		// steps between a reader's look and its put; want is the version that is kept.
		before func(c *cache)
		after  func(c *cache)
		want   int64
	}{
		{"nothing happens", func(*cache) {}, func(*cache) {}, 1},
		{"a commit begins", func(*cache) {}, func(c *cache) { c.hold(put) }, 0},
		{"a commit goes by", func(*cache) {}, func(c *cache) { c.hold(put); c.release(put, true) }, 2},
		{"a commit fails", func(*cache) {}, func(c *cache) { c.hold(put); c.release(put, false) }, 0},
		{"a deletion goes by", func(*cache) {}, func(c *cache) { c.hold(gone); c.release(gone, true) }, 0},
		{"a commit was under way", func(c *cache) { c.hold(put) }, func(*cache) {}, 0},
		{"a commit was under way and ends", func(c *cache) { c.hold(put) }, func(c *cache) { c.release(put, true) }, 2},
		{"a deletion was under way and ends", func(c *cache) { c.hold(gone) }, func(c *cache) { c.release(gone, true) }, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cache := newCache(1 << 20)
			c.before(cache)
			_, _, ticket := cache.get(key, now)
			c.after(cache)
			cache.put(old, ticket)
			if r, _, _ := cache.get(key, now); r.Version != c.want {
				t.Errorf("version %d is kept, want %d", r.Version, c.want)
			}
		})
	}
}

// While many write, no reader ever sees a record become older, nor older than what was
// acknowledged before it asked, whether by Get or by List; with room for all and for few.
func TestReadsNeverGoBack(t *testing.T) {
	for _, size := range []int{0, 1, 200_000, 1 << 20} {
		t.Run(fmt.Sprint(size, " bytes of cache"), func(t *testing.T) {
			s := openInternal(t, time.Now)
			s.cache = newCache(size)
			s.writer.cache = s.cache
			const keys, writes, readers = 8, 50, 4
			acknowledged := make([]struct {
				sync.Mutex
				version int64
			}, keys)
			var writing, reading sync.WaitGroup
			stop := make(chan struct{})
			for k := range keys {
				writing.Go(func() {
					for version := range int64(writes) {
						if err := s.Write(context.Background(), putOf(fmt.Sprint(k), 100, version)); err != nil {
							t.Error(err)
							return
						}
						acknowledged[k].Lock()
						acknowledged[k].version = version + 1
						acknowledged[k].Unlock()
					}
				})
			}
			for range readers {
				reading.Go(func() {
					var seen [keys]int64
					for {
						select {
						case <-stop:
							return
						default:
						}
						k := rand.IntN(keys)
						acknowledged[k].Lock()
						least := max(seen[k], acknowledged[k].version)
						acknowledged[k].Unlock()
						got, err := readEither(s, fmt.Sprint(k))
						if err != nil || got < least {
							t.Errorf("key %d: version %d and error %v after version %d", k, got, err, least)
							return
						}
						seen[k] = got
					}
				})
			}
			writing.Wait()
			close(stop)
			reading.Wait()
		})
	}
}

// readEither is the version of a record, read in one of two ways; 0 when it is absent.
func readEither(s *Store, sort string) (int64, error) {
	if rand.IntN(2) == 0 {
		r, err := s.Get(context.Background(), muster.Key{Partition: "p", Sort: sort})
		if errors.Is(err, muster.ErrNotFound) {
			err = nil
		}
		return r.Version, err
	}
	records, err := s.List(context.Background(), "p", muster.ListOptions{Prefix: sort, Limit: 1})
	if err != nil || len(records) == 0 {
		return 0, err
	}
	return records[0].Version, nil
}

// A record that is kept expires, and a large one is read from the file.
func TestWhatIsKeptExpires(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := openInternal(t, func() time.Time { return now })
	op := putOf("s", 10, 0)
	op.ExpiresAt = now.Add(time.Minute)
	if err := s.Write(context.Background(), op, putOf("large", cacheValue+1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := s.cache.get(op.Key, now); !ok {
		t.Error("what was written is not kept")
	}
	large := muster.Key{Partition: "p", Sort: "large"}
	if _, ok, _ := s.cache.get(large, now); ok {
		t.Error("a large record is kept")
	}
	if r, err := s.Get(context.Background(), large); err != nil || len(r.Value) != cacheValue+1 {
		t.Errorf("got %d bytes and error %v", len(r.Value), err)
	}
	now = now.Add(time.Minute)
	if _, err := s.Get(context.Background(), op.Key); !errors.Is(err, muster.ErrNotFound) || !strings.Contains(err.Error(), `"p/s"`) {
		t.Errorf("after its expiry: %v", err)
	}
}
