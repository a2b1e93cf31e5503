package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"muster"
	"muster/store/sqlite"
	"muster/store/storetest"
)

// TestMain also lets the crash tests start this binary as the process to be killed.
func TestMain(m *testing.M) {
	if path := os.Getenv(crashPathVariable); path != "" {
		writeUntilKilled(path)
		return
	}
	goleak.VerifyTestMain(m)
}

// openStore opens a store that the test closes.
func openStore(t *testing.T, opts sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func put(partition, sort, value string, version int64) muster.Op {
	return muster.Op{Key: muster.Key{Partition: partition, Sort: sort}, Value: []byte(value), Version: version}
}

func TestStore(t *testing.T) {
	for name, durability := range map[string]sqlite.Durability{"power loss": sqlite.SurvivePowerLoss, "crash": sqlite.SurviveCrash} {
		t.Run("survive "+name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T, now func() time.Time) muster.Store {
				return openStore(t, sqlite.Options{Path: filepath.Join(t.TempDir(), "muster.db"), Now: now, Durability: durability})
			})
		})
	}
}

func TestARecordOutlivesItsStore(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "muster.db")
	expiresAt := time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	for version := range int64(3) {
		s := openStore(t, sqlite.Options{Path: path})
		op := put("p", "s", fmt.Sprint(version), version)
		op.ExpiresAt = expiresAt
		if err := s.Write(ctx, op); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	r, err := openStore(t, sqlite.Options{Path: path}).Get(ctx, muster.Key{Partition: "p", Sort: "s"})
	if err != nil || string(r.Value) != "2" || r.Version != 3 || !r.ExpiresAt.Equal(expiresAt) {
		t.Fatalf("got %+v and error %v", r, err)
	}
}

func TestCloseLeavesOneFileForItsOwner(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "muster.db")
	s := openStore(t, sqlite.Options{Path: path})
	if err := s.Write(context.Background(), put("p", "s", "v", 0)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 && os.PathSeparator == '/' {
			t.Errorf("%s has permissions %v: others can read it", name, mode)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(names) != 2 { // the other is the lock file
		t.Fatalf("the folder holds %q, error %v", names, err)
	}
}

func TestAfterCloseEveryCallIsRefused(t *testing.T) {
	ctx := context.Background()
	s := openStore(t, sqlite.Options{Path: filepath.Join(t.TempDir(), "muster.db")})
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, getErr := s.Get(ctx, muster.Key{Partition: "p", Sort: "s"})
	_, listErr := s.List(ctx, "p", muster.ListOptions{})
	writeErr := s.Write(ctx, put("p", "s", "v", 0))
	for call, err := range map[string]error{"get": getErr, "list": listErr, "write": writeErr} {
		if muster.KindOf(err) != muster.Unavailable {
			t.Errorf("%s: got error %v, want kind unavailable", call, err)
		}
	}
}

// Close comes while many write: each Write either is refused or is found afterwards.
func TestCloseBetweenWritesLosesNoneThatWasAcknowledged(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "muster.db")
	s := openStore(t, sqlite.Options{Path: path})
	const clients = 16
	var wg sync.WaitGroup
	begun := make(chan struct{}, clients)
	acknowledged := make([]int64, clients)
	for i := range clients {
		wg.Go(func() {
			for {
				err := s.Write(ctx, put("p", fmt.Sprint(i), "v", acknowledged[i]))
				if muster.KindOf(err) == muster.Unavailable && err != nil {
					return
				}
				if err != nil {
					t.Errorf("client %d: %v", i, err)
					return
				}
				if acknowledged[i]++; acknowledged[i] == 3 {
					begun <- struct{}{}
				}
			}
		})
	}
	for range clients {
		<-begun
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	again := openStore(t, sqlite.Options{Path: path})
	for i, want := range acknowledged {
		r, err := again.Get(ctx, muster.Key{Partition: "p", Sort: fmt.Sprint(i)})
		if err != nil || r.Version != want {
			t.Errorf("client %d was told of version %d, found %d, error %v", i, want, r.Version, err)
		}
	}
}

// A List that reads while others write sees the records of one instant.
func TestAListIsOneInstant(t *testing.T) {
	ctx := context.Background()
	s := openStore(t, sqlite.Options{Path: filepath.Join(t.TempDir(), "muster.db"), Durability: sqlite.SurviveCrash})
	const records, changes = 50, 100
	write := func(version int64) error {
		ops := make([]muster.Op, records)
		for i := range ops {
			ops[i] = put("p", fmt.Sprintf("s%02d", i), "v", version)
		}
		return s.Write(ctx, ops...)
	}
	if err := write(0); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		var err error
		for version := int64(1); version < changes && err == nil; version++ {
			err = write(version)
		}
		done <- err
	}()
	for last := int64(0); last < changes; {
		listed, err := s.List(ctx, "p", muster.ListOptions{})
		if err != nil || len(listed) != records {
			t.Fatalf("got %d records and error %v", len(listed), err)
		}
		for _, r := range listed {
			if r.Version != listed[0].Version {
				t.Fatalf("one list holds the versions %d and %d", listed[0].Version, r.Version)
			}
		}
		last = listed[0].Version
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
		default:
		}
	}
}

// A read that is given up midway says so, and the connection it used serves the next.
func TestAReadIsWholeOrCancelled(t *testing.T) {
	s := openStore(t, sqlite.Options{Path: filepath.Join(t.TempDir(), "muster.db"), Durability: sqlite.SurviveCrash})
	const records = 500
	for i := range records {
		if err := s.Write(context.Background(), put("p", fmt.Sprintf("%03d", i), "v", 0)); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for reader := range 4 {
		wg.Go(func() {
			for round := range 100 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(reader*round)*20*time.Microsecond)
				listed, err := s.List(ctx, "p", muster.ListOptions{})
				if err == nil && len(listed) != records || err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("reader %d, round %d: %d records and error %v", reader, round, len(listed), err)
				}
				cancel()
				if r, err := s.Get(context.Background(), muster.Key{Partition: "p", Sort: "007"}); err != nil || string(r.Value) != "v" {
					t.Errorf("reader %d, round %d: the next read got %+v and error %v", reader, round, r, err)
				}
			}
		})
	}
	wg.Wait()
}
