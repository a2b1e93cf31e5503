package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"muster"
)

// copyTests hold what muster.Copier promises. Every driver is one.
var copyTests = []test{
	{"a scan sees every live record once, whole, in pages of bounded size", func(s *suite) {
		want := s.load(many(2*muster.MaxListLimit + 300))
		s.scans(want)
	}},
	{"a scan of an empty store visits nothing", func(s *suite) {
		s.scans(nil)
		s.write(put(key("p", "s"), "v", 0))
		s.write(remove(key("p", "s"), 1))
		s.scans(nil)
	}},
	{"a scan sees what was written, and leaves out what has expired", func(s *suite) {
		at := s.clock.Now().Truncate(time.Second).Add(time.Minute)
		s.write(put(key("p", "kept"), "a", 0), putUntil(key("p", "later"), "b", 0, at.Add(time.Hour)), putUntil(key("q", "soon"), "c", 0, at))
		s.write(put(key("p", "kept"), "d", 1))
		kept := muster.Record{Key: key("p", "kept"), Value: []byte("d"), Version: 2}
		later := muster.Record{Key: key("p", "later"), Value: []byte("b"), Version: 1, ExpiresAt: at.Add(time.Hour)}
		soon := muster.Record{Key: key("q", "soon"), Value: []byte("c"), Version: 1, ExpiresAt: at}
		s.scans([]muster.Record{kept, later, soon})
		s.clock.advance(time.Minute)
		s.scans([]muster.Record{kept, later})
	}},
	{"an error of the visitor ends the scan and is returned", func(s *suite) {
		s.load(many(muster.MaxListLimit + 300))
		enough := errors.New("enough")
		calls := 0
		err := s.copier().Scan(context.Background(), func([]muster.Record) error { calls++; return enough })
		if !errors.Is(err, enough) || calls != 1 {
			s.Fatalf("got error %v after %d visits, want the visitor's after 1", err, calls)
		}
	}},
	{"an ended context ends a scan and stops a load", func(s *suite) {
		s.load(many(muster.MaxListLimit + 300))
		ctx, cancel := context.WithCancel(context.Background())
		calls := 0
		err := s.copier().Scan(ctx, func([]muster.Record) error { calls++; cancel(); return nil })
		if !errors.Is(err, context.Canceled) || calls != 1 {
			s.Errorf("scan: got error %v after %d visits, want context.Canceled after 1", err, calls)
		}
		if err := s.copier().Load(ctx, []muster.Record{{Key: key("new", "s"), Version: 1}}); !errors.Is(err, context.Canceled) {
			s.Errorf("load: got error %v, want context.Canceled", err)
		}
		s.lacks(key("new", "s"))
	}},
	{"a visitor may use the store, and keep what it was shown", func(s *suite) {
		want := s.load(many(muster.MaxListLimit + 300))
		var kept []muster.Record
		err := s.copier().Scan(context.Background(), func(page []muster.Record) error {
			kept = append(kept, page...)
			if _, err := s.store.Get(context.Background(), page[0].Key); err != nil {
				return err
			}
			return s.store.Write(context.Background(), put(key("seen", "s"), "v", muster.AnyVersion))
		})
		if err != nil {
			s.Fatalf("scan: %v", err)
		}
		kept = slices.DeleteFunc(kept, func(r muster.Record) bool { return r.Partition == "seen" })
		s.sameRecords(kept, want)
		for _, r := range kept {
			clear(r.Value)
		}
		s.write(remove(key("seen", "s"), muster.AnyVersion))
		s.scans(want)
	}},
	{"a scan sees what does not change, whatever changes beside it", func(s *suite) {
		still := s.load(many(2*muster.MaxListLimit + 300))
		stop, done := make(chan struct{}), make(chan error, 1)
		go func() { done <- s.churn(stop) }()
		var seen []muster.Record
		err := s.copier().Scan(context.Background(), func(page []muster.Record) error {
			seen = append(seen, page...)
			return nil
		})
		close(stop)
		if churn := <-done; err != nil || churn != nil {
			s.Fatalf("scan: error %v, writes beside it: error %v", err, churn)
		}
		s.sameRecords(slices.DeleteFunc(seen, func(r muster.Record) bool { return r.Partition == "churn" }), still)
	}},
	{"a loaded record keeps its version and expiry, and goes on from there", func(s *suite) {
		at := s.clock.Now().Truncate(time.Second).Add(time.Minute)
		k, expiring := key("p", "s"), key("p", "expiring")
		s.load([]muster.Record{{Key: k, Value: []byte("a"), Version: 7}, {Key: expiring, Value: []byte("b"), Version: 1 << 40, ExpiresAt: at}})
		s.has(k, "a", 7)
		if r := s.has(expiring, "b", 1<<40); !r.ExpiresAt.Equal(at) || r.ExpiresAt.Location() != time.UTC {
			s.Fatalf("expires at %v, want %v", r.ExpiresAt, at)
		}
		s.lists("p", muster.ListOptions{}, "expiring", "s")
		s.conflicts(put(k, "c", 0))
		s.conflicts(put(k, "c", 1))
		s.write(put(k, "c", 7))
		s.has(k, "c", 8)
		s.clock.advance(time.Minute)
		s.lacks(expiring)
	}},
	{"a load replaces whatever was there, and the same again is harmless", func(s *suite) {
		s.write(put(key("p", "a"), "old", 0), putUntil(key("p", "b"), "old", 0, s.clock.Now().Add(time.Minute)), put(key("p", "c"), "stays", 0))
		want := []muster.Record{{Key: key("p", "a"), Value: []byte("new"), Version: 1}, {Key: key("p", "b"), Value: []byte("new"), Version: 3}}
		for range 2 {
			s.load(want)
			s.scans(append(want, muster.Record{Key: key("p", "c"), Value: []byte("stays"), Version: 1}))
		}
		s.clock.advance(time.Minute)
		s.has(key("p", "b"), "new", 3)
	}},
	{"an expired record that is loaded is absent", func(s *suite) {
		k := key("p", "s")
		s.load([]muster.Record{{Key: k, Value: []byte("a"), Version: 4, ExpiresAt: s.clock.Now().Add(-time.Minute)}})
		s.lacks(k)
		s.scans(nil)
		s.write(put(k, "b", 0))
		s.has(k, "b", 1)
	}},
	{"a load takes any number of records, of any size and text", func(s *suite) {
		s.load(nil)
		s.scans(nil)
		var want []muster.Record
		for i := range 12 { // more than a Write may hold
			want = append(want, muster.Record{Key: key("large", fmt.Sprint(i)), Value: bytes.Repeat([]byte{byte(i)}, 390_000), Version: 1})
		}
		for _, text := range byteOrder {
			want = append(want, muster.Record{Key: key("p"+text, text), Version: 2})
		}
		s.load(want)
		s.scans(want)
	}},
	{"a record that could not exist is not loaded", func(s *suite) {
		for name, r := range map[string]muster.Record{
			"an empty partition":     {Key: key("", "s"), Version: 1},
			"a sort too long":        {Key: key("p", strings.Repeat("s", muster.MaxSortBytes+1)), Version: 1},
			"a key that is not text": {Key: key("p", "\xff"), Version: 1},
			"a record too large":     {Key: key("p", "s"), Value: make([]byte, muster.MaxRecordBytes-1), Version: 1},
			"no version":             {Key: key("p", "s")},
			"a version below none":   {Key: key("p", "s"), Version: muster.AnyVersion},
		} {
			if err := s.copier().Load(context.Background(), []muster.Record{r}); muster.KindOf(err) != muster.Invalid {
				s.Errorf("%s: got error %v, want kind invalid", name, err)
			}
		}
		s.scans(nil)
	}},
}

// copier is the store as what can be copied.
func (s *suite) copier() muster.Copier {
	s.Helper()
	c, ok := s.store.(muster.Copier)
	if !ok {
		s.Fatalf("%T is no muster.Copier", s.store)
	}
	return c
}

// load does what must succeed, and returns the records.
func (s *suite) load(records []muster.Record) []muster.Record {
	s.Helper()
	if err := s.copier().Load(context.Background(), records); err != nil {
		s.Fatalf("load %d records: %v", len(records), err)
	}
	return records
}

// scans checks that a Scan sees exactly these records, in any order.
func (s *suite) scans(want []muster.Record) {
	s.Helper()
	var got []muster.Record
	err := s.copier().Scan(context.Background(), func(page []muster.Record) error {
		if len(page) == 0 || len(page) > muster.MaxListLimit {
			s.Errorf("a page has %d records", len(page))
		}
		got = append(got, page...)
		return nil
	})
	if err != nil {
		s.Fatalf("scan: %v", err)
	}
	s.sameRecords(got, want)
}

// sameRecords checks that got is want, in any order.
func (s *suite) sameRecords(got, want []muster.Record) {
	s.Helper()
	missing := make(map[muster.Key]muster.Record, len(want))
	for _, r := range want {
		missing[r.Key] = r
	}
	for _, r := range got {
		expected, ok := missing[r.Key]
		if !ok {
			s.Fatalf("record %q was seen twice, or should not be there", r.Key)
		}
		if !same(r, expected) {
			s.Fatalf("record %q is %.40q version %d until %v, want %.40q version %d until %v",
				r.Key, r.Value, r.Version, r.ExpiresAt, expected.Value, expected.Version, expected.ExpiresAt)
		}
		delete(missing, r.Key)
	}
	for k := range maps.Keys(missing) {
		s.Fatalf("%d of %d records were not seen, such as %q", len(missing), len(want), k)
	}
}

// churn writes and deletes records of one partition until stop is closed.
func (s *suite) churn(stop <-chan struct{}) error {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return nil
		default:
		}
		k := key("churn", fmt.Sprintf("%02d", i%50))
		for _, op := range []muster.Op{put(k, fmt.Sprint(i), muster.AnyVersion), remove(key("churn", fmt.Sprintf("%02d", i*7%50)), muster.AnyVersion)} {
			if err := s.store.Write(context.Background(), op); err != nil {
				return err
			}
		}
	}
}

// many makes n records: half of them in one partition, the others in one of their own.
func many(n int) []muster.Record {
	records := make([]muster.Record, n)
	for i := range records {
		k := key("one", fmt.Sprintf("%06d", i))
		if i%2 == 1 {
			k = key(fmt.Sprintf("own %06d", i), "s")
		}
		records[i] = muster.Record{Key: k, Value: []byte(fmt.Sprint("value ", i)), Version: int64(1 + i%5)}
	}
	return records
}
