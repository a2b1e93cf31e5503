package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster"
)

var expiryTests = []test{
	{"a record is there until its last second and gone from then on", func(s *suite) {
		k := key("p", "s")
		at := s.clock.Now().Truncate(time.Second).Add(10 * time.Second)
		s.write(putUntil(k, "a", 0, at))
		s.has(k, "a", 1)
		s.clock.advance(9*time.Second + 499*time.Millisecond) // 1 ms before
		s.has(k, "a", 1)
		s.lists("p", muster.ListOptions{}, "s")
		s.clock.advance(time.Millisecond)
		s.lacks(k)
		s.lists("p", muster.ListOptions{})
		s.lists("p", muster.ListOptions{Descending: true})
	}},
	{"the instant of expiry is read back in whole seconds, UTC", func(s *suite) {
		k := key("p", "s")
		at := time.Date(2026, 3, 1, 15, 0, 7, 999_999_999, time.FixedZone("east", 2*3600))
		s.write(putUntil(k, "a", 0, at))
		want := time.Date(2026, 3, 1, 13, 0, 7, 0, time.UTC)
		got := s.has(k, "a", 1).ExpiresAt
		if !got.Equal(want) || got.Location() != time.UTC {
			s.Errorf("get: expires at %v, want %v", got, want)
		}
		if got := s.list("p", muster.ListOptions{})[0].ExpiresAt; !got.Equal(want) || got.Location() != time.UTC {
			s.Errorf("list: expires at %v, want %v", got, want)
		}
	}},
	{"a record written with a past expiry is absent", func(s *suite) {
		k := key("p", "s")
		for _, at := range []time.Time{s.clock.Now(), s.clock.Now().Add(-time.Hour), time.Unix(1, 0), time.Unix(0, 0)} {
			s.write(putUntil(k, "a", 0, at))
			s.lacks(k)
			s.lists("p", muster.ListOptions{})
		}
	}},
	{"an expired record is absent for version 0", func(s *suite) {
		k := key("p", "s")
		s.write(putUntil(k, "a", 0, s.clock.Now().Add(time.Minute)))
		s.conflicts(put(k, "b", 0))
		s.clock.advance(time.Minute)
		s.write(check(k, 0))
		s.write(put(k, "b", 0))
		s.has(k, "b", 1)
	}},
	{"an expired record no longer has a version", func(s *suite) {
		k := key("p", "s")
		s.write(putUntil(k, "a", 0, s.clock.Now().Add(time.Minute)))
		s.clock.advance(time.Minute)
		s.conflicts(put(k, "b", 1))
		s.conflicts(check(k, 1))
		s.conflicts(remove(k, 1))
		s.lacks(k)
		s.write(remove(k, 0))
	}},
	{"any version writes over and deletes an expired record", func(s *suite) {
		k := key("p", "s")
		expired := func() {
			s.write(putUntil(k, "a", 0, s.clock.Now().Add(time.Minute)))
			s.clock.advance(time.Minute)
		}
		expired()
		s.write(put(k, "b", muster.AnyVersion))
		r, err := s.store.Get(context.Background(), k)
		if err != nil || string(r.Value) != "b" || r.Version < 1 {
			s.Fatalf("got %q version %d and error %v", r.Value, r.Version, err)
		}
		s.write(remove(k, muster.AnyVersion))
		expired()
		s.write(remove(k, muster.AnyVersion))
		s.lacks(k)
	}},
	{"each put sets the expiry anew", func(s *suite) {
		k := key("p", "s")
		s.write(putUntil(k, "a", 0, s.clock.Now().Add(time.Minute)))
		s.write(putUntil(k, "b", 1, s.clock.Now().Add(time.Hour)))
		s.clock.advance(time.Minute)
		s.has(k, "b", 2)
		s.write(put(k, "c", 2))
		s.clock.advance(time.Hour)
		if r := s.has(k, "c", 3); !r.ExpiresAt.IsZero() {
			s.Fatalf("expires at %v, want never", r.ExpiresAt)
		}
		s.write(putUntil(k, "d", 3, s.clock.Now().Add(time.Minute)))
		s.clock.advance(time.Minute)
		s.lacks(k)
	}},
	{"expired records do not count against a limit", func(s *suite) {
		var live []string
		for i := range 40 {
			sort := fmt.Sprintf("r%02d", i)
			op := put(key("p", sort), "v", 0)
			if i%4 != 3 {
				op.ExpiresAt = s.clock.Now().Add(time.Minute)
			} else {
				live = append(live, sort)
			}
			s.write(op)
		}
		s.clock.advance(time.Minute)
		s.lists("p", muster.ListOptions{Limit: 3}, live[:3]...)
		if got := s.pages(muster.ListOptions{Limit: 3}); len(got) != len(live) {
			s.Fatalf("pages hold %q, want %q", got, live)
		}
	}},
	{"an expired record is absent also while many others wait to be cleared away", func(s *suite) {
		const others = 200
		for i := range others {
			s.write(putUntil(key("old", fmt.Sprintf("r%03d", i)), "v", 0, s.clock.Now().Add(time.Minute)))
		}
		a, b, c, d := key("p", "a"), key("p", "b"), key("p", "c"), key("p", "d")
		for _, k := range []muster.Key{a, b, c, d} {
			s.write(putUntil(k, "v", 0, s.clock.Now().Add(2*time.Minute)))
		}
		s.clock.advance(2 * time.Minute)
		s.conflicts(put(a, "w", 1))
		s.conflicts(check(b, 1))
		s.conflicts(remove(c, 1))
		s.write(put(a, "w", 0), check(b, 0), remove(c, 0), put(d, "w", 0))
		s.has(a, "w", 1)
		s.has(d, "w", 1)
		s.lists("p", muster.ListOptions{}, "a", "d")
		s.lists("old", muster.ListOptions{})
	}},
	{"what has expired stays gone under many later writes", func(s *suite) {
		for i := range 100 {
			s.write(putUntil(key("old", fmt.Sprintf("r%02d", i)), "v", 0, s.clock.Now().Add(time.Minute)))
		}
		s.write(putUntil(key("old", "kept"), "v", 0, s.clock.Now().Add(time.Hour)))
		s.clock.advance(time.Minute)
		for i := range 100 {
			s.write(put(key("new", fmt.Sprintf("r%02d", i)), "v", 0))
		}
		s.lists("old", muster.ListOptions{}, "kept")
		if got := len(s.list("new", muster.ListOptions{})); got != 100 {
			s.Fatalf("%d new records, want 100", got)
		}
	}},
	{"an expired lock has exactly one next owner", func(s *suite) {
		k := key("lock", "s")
		s.write(putUntil(k, "first", 0, s.clock.Now().Add(time.Minute)))
		s.clock.advance(time.Minute)
		winners := s.race(func(i int) (bool, error) {
			err := s.store.Write(context.Background(), putUntil(k, fmt.Sprint(i), 0, s.clock.Now().Add(time.Minute)))
			return err == nil, ignoreConflict(err)
		})
		if len(winners) != 1 {
			s.Fatalf("%d goroutines own the lock", len(winners))
		}
		s.has(k, fmt.Sprint(winners[0]), 1)
	}},
}

// ignoreConflict returns what is wrong with err beyond a lost race.
func ignoreConflict(err error) error {
	if errors.Is(err, muster.ErrConflict) {
		return nil
	}
	return err
}
