package sqlite

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"muster"
)

// The clock is set back after a record has expired and was swept away: it stays away, and
// its key is free. What has expired and was not swept comes back in every way of reading.
func TestAfterAStepBackOfTheClockTheCacheShowsWhatTheTableHolds(t *testing.T) {
	began := time.Unix(1_800_000_000, 0)
	cases := []struct {
		name   string
		sweeps bool // whether something is written while the record has expired
	}{
		{"a record that was swept is gone", true},
		{"a record that was not swept is there again", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			now := began
			s := openInternal(t, func() time.Time { return now })
			ctx := context.Background()
			op := putOf("s", 10, 0)
			op.ExpiresAt = began.Add(time.Hour)
			if err := s.Write(ctx, op); err != nil {
				t.Fatal(err)
			}
			now = began.Add(2 * time.Hour)
			if _, err := s.Get(ctx, op.Key); !errors.Is(err, muster.ErrNotFound) {
				t.Errorf("after its expiry Get returns %v", err)
			}
			if c.sweeps {
				if err := s.Write(ctx, muster.Op{Key: muster.Key{Partition: "other", Sort: "s"}}); err != nil {
					t.Fatal(err)
				}
			}
			now = began
			want := 1
			if c.sweeps {
				want = 0
			}
			r, err := s.Get(ctx, op.Key)
			if r.Version != int64(want) || (want == 0) != errors.Is(err, muster.ErrNotFound) {
				t.Errorf("Get returns version %d and %v, want version %d", r.Version, err, want)
			}
			if list, err := s.List(ctx, "p", muster.ListOptions{}); err != nil || len(list) != want {
				t.Errorf("List returns %d records and %v, want %d", len(list), err, want)
			}
			op.Version = r.Version
			if err := s.Write(ctx, op); err != nil {
				t.Errorf("a Write at the version that was read: %v", err)
			}
		})
	}
}

// A commit that changes a key more than once shows readers the last of it alone.
func TestACommitShowsOnlyTheLastOfItsChangesToAKey(t *testing.T) {
	key := muster.Key{Partition: "p", Sort: "s"}
	now := time.Unix(1_800_000_000, 0)
	first, last := change{key, &kept{version: 1}}, change{key, &kept{version: 2}}
	cases := []struct {
		name    string
		changes []change
		want    int64 // 0: none is kept
	}{
		{"put twice", []change{first, last}, 2},
		{"put and deleted", []change{first, {key, nil}}, 0},
		{"swept and made anew", []change{{key, nil}, last}, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cache := newCache(1 << 20)
			stop := make(chan struct{})
			var reading sync.WaitGroup
			reading.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					if r, ok, _ := cache.get(key, now); ok && r.Version != c.want {
						t.Errorf("version %d was shown, want %d", r.Version, c.want)
						return
					}
				}
			})
			for range 20_000 {
				cache.hold(c.changes)
				cache.release(c.changes, true)
			}
			close(stop)
			reading.Wait()
			r, ok, _ := cache.get(key, now)
			if r.Version != c.want || ok != (c.want != 0) {
				t.Errorf("version %d is kept, want %d", r.Version, c.want)
			}
		})
	}
}
