package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"muster"
)

// openSoon opens a database without waiting for its check.
func openSoon(t *testing.T, path string) (s *Store, log *bytes.Buffer) {
	t.Helper()
	log = new(bytes.Buffer)
	s, err := Open(context.Background(), Options{Path: path, CheckLimit: 1, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return s, log
}

func TestALongCheckGoesOnBesideTheOpenStore(t *testing.T) {
	path := crashed(t)
	s, log := openSoon(t, path)
	if r, err := s.List(context.Background(), "p", muster.ListOptions{}); err != nil || len(r) != 11 {
		t.Errorf("%d records and error %v, want 11", len(r), err)
	}
	<-s.late.ended
	for _, want := range []string{"the check takes long", "the database is whole"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q: %s", want, log)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, said, err := openLogged(path)
	if err != nil || said != "" {
		t.Fatalf("after the check the store opens with error %v and says %s", err, said)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A store that is closed before its check has come to an end leaves the mark of the crash.
func TestACloseBeforeTheEndOfTheCheckLeavesTheMark(t *testing.T) {
	path := crashed(t)
	s, _ := openSoon(t, path)
	s.late.end()
	s.late = newLateCheck(func(ctx context.Context) error { // one that takes long
		<-ctx.Done()
		return ctx.Err()
	})
	if err := s.Write(context.Background(), putOf("more", 1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, checked := range []bool{true, false} {
		s, log, err := openLogged(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(log, "the database is whole"); got != checked {
			t.Errorf("checked: %v, want %v; the log says %q", got, checked, log)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDamageFoundBesideTheOpenStoreStopsIt(t *testing.T) {
	path := crashed(t)
	damage(t, path)
	s, log := openSoon(t, path)
	<-s.late.ended
	_, get := s.Get(context.Background(), muster.Key{Partition: "p", Sort: "last"})
	_, list := s.List(context.Background(), "p", muster.ListOptions{})
	write := s.Write(context.Background(), putOf("more", 1, 0))
	for name, err := range map[string]error{"Get": get, "List": list, "Write": write} {
		if !errors.Is(err, errStoreDamaged) {
			t.Errorf("%s returns %v", name, err)
		}
	}
	if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), howToRestore) {
		t.Errorf("the log says %s", log)
	}
	if err := s.Close(); err != nil {
		t.Log("close:", err) // the file is damaged; what counts is the mark
	}
	if _, _, err := openLogged(path); err == nil || !strings.Contains(err.Error(), "the file is damaged (") {
		t.Errorf("the next Open returns %v", err)
	}
}

// Damage is an answer, whether the limit has passed by then or not.
func TestWhatACheckFindsCounts(t *testing.T) {
	found := fmt.Errorf("%w (page 7)", errDamaged)
	cases := []struct {
		name string
		err  error
		want bool
	}{
		{"nothing", nil, false},
		{"damage", found, true},
		{"damage beside the end of the time", errors.Join(found, context.DeadlineExceeded), true},
		{"the end of the time", context.DeadlineExceeded, false},
		{"a disk that cannot be read", errors.New("input/output error"), false},
	}
	for _, c := range cases {
		if got := foundDamage(c.err); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// An index that lacks a record would have it vanish, though the pages are all in order.
func TestACheckCountsTheIndexOfKeys(t *testing.T) {
	ctx := context.Background()
	s := openInternal(t, time.Now)
	for i := range 20 {
		if err := s.Write(ctx, putOf(fmt.Sprint(i), 10, 0)); err != nil {
			t.Fatal(err)
		}
	}
	edit := func(statements string) {
		t.Helper()
		c, err := connect(ctx, "file://"+s.path+"?"+url.Values{"mode": {"rw"}}.Encode()) // not defensive
		if err == nil {
			err = errors.Join(c.exec(ctx, statements), c.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	check := func() error {
		t.Helper()
		c, err := connect(ctx, dsn(s.path, url.Values{"mode": {"ro"}}))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }() // it was only read
		return quickCheck(ctx, c)
	}
	if err := check(); err != nil {
		t.Fatal(err)
	}
	// A row is deleted while SQLite does not know of the index.
	edit(`PRAGMA writable_schema = ON; CREATE TABLE aside AS SELECT * FROM sqlite_schema WHERE name = 'record_key';
		DELETE FROM sqlite_schema WHERE name = 'record_key'`)
	edit(`DELETE FROM record WHERE id = 5`)
	edit(`PRAGMA writable_schema = ON; INSERT INTO sqlite_schema SELECT * FROM aside`)
	if err := check(); !errors.Is(err, errDamaged) || !strings.Contains(err.Error(), "record_key") {
		t.Errorf("the check says %v", err)
	}
}
