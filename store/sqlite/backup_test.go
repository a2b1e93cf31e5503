package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"muster"
	"muster/store/sqlite"
)

// fill writes n records of 1 kB to partition p.
func fill(t *testing.T, s *sqlite.Store, n int) {
	t.Helper()
	records := make([]muster.Record, n)
	for i := range records {
		records[i] = muster.Record{Key: muster.Key{Partition: "p", Sort: fmt.Sprintf("%06d", i)}, Value: make([]byte, 1000), Version: 3}
	}
	if err := s.Load(context.Background(), records); err != nil {
		t.Fatal(err)
	}
}

func TestABackupIsADatabaseOfItsOwn(t *testing.T) {
	ctx := context.Background()
	s := openStore(t, sqlite.Options{Path: filepath.Join(t.TempDir(), "muster.db")})
	fill(t, s, 20_000)
	folder := t.TempDir()
	copied := filepath.Join(folder, "copy.db")
	var last, total int64
	calls := 0
	err := s.Backup(ctx, copied, func(done, all int64) {
		if done < last {
			t.Errorf("the progress went from %d to %d", last, done)
		}
		last, total = done, all
		calls++
	})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(copied)
	if err != nil || calls < 3 || last != total || info.Size() != total {
		t.Errorf("%d calls, the last of %d of %d bytes; the file has %v, error %v", calls, last, total, info.Size(), err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("the copy has permissions %v: others can read it", mode)
	}
	if names, err := os.ReadDir(folder); err != nil || len(names) != 1 {
		t.Errorf("the folder holds %v, error %v", names, err)
	}
	again := openStore(t, sqlite.Options{Path: copied})
	if r, err := again.Get(ctx, muster.Key{Partition: "p", Sort: "019999"}); err != nil || r.Version != 3 {
		t.Errorf("got %+v and error %v", r, err)
	}
	if err := again.Write(ctx, put("p", "new", "v", 0)); err != nil {
		t.Error(err)
	}
	if _, err := s.Get(ctx, muster.Key{Partition: "p", Sort: "new"}); !errors.Is(err, muster.ErrNotFound) {
		t.Errorf("the original has what was written to the copy: %v", err)
	}
}

// Two records are always changed together; a copy taken meanwhile has both of one moment,
// and all that was acknowledged before it began.
func TestABackupWhileOthersWriteIsOfOneInstant(t *testing.T) {
	ctx := context.Background()
	s := openStore(t, sqlite.Options{Path: filepath.Join(t.TempDir(), "muster.db"), Durability: sqlite.SurviveCrash})
	fill(t, s, 5_000)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	acknowledged := make([]int64, 8)
	for client := range acknowledged {
		wg.Go(func() {
			for version := int64(0); ; version++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := s.Write(ctx, put("a", fmt.Sprint(client), "v", version), put("z", fmt.Sprint(client), "v", version)); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acknowledged[client] = version + 1
				mu.Unlock()
			}
		})
	}
	folder := t.TempDir()
	for round := range 5 {
		mu.Lock()
		before := append([]int64{}, acknowledged...)
		mu.Unlock()
		path := filepath.Join(folder, fmt.Sprint(round, ".db"))
		if err := s.Backup(ctx, path, nil); err != nil {
			t.Fatal(err)
		}
		copied := openStore(t, sqlite.Options{Path: path})
		for client, least := range before {
			a, _ := copied.Get(ctx, muster.Key{Partition: "a", Sort: fmt.Sprint(client)}) // absent: version 0
			z, _ := copied.Get(ctx, muster.Key{Partition: "z", Sort: fmt.Sprint(client)})
			if a.Version != z.Version || a.Version < least {
				t.Errorf("round %d, client %d: the copy has versions %d and %d, %d was acknowledged before", round, client, a.Version, z.Version, least)
			}
		}
	}
	close(stop)
	wg.Wait()
}

func TestABackupIsRefusedInOneSentence(t *testing.T) {
	ctx := context.Background()
	from := ours(t)
	taken := file(t, []byte("precious"))
	broken := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(broken+".partial", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, from, to, says string
	}{
		{"over a file", from, taken, "exists already"},
		{"over a folder", from, t.TempDir(), "exists already"},
		{"over itself", from, from, "exists already"},
		{"beside another backup", from, broken, "another backup writes it, or one was broken off"},
		{"into a folder that does not exist", from, filepath.Join(t.TempDir(), "none", "copy.db"), "its folder does not exist"},
		{"of nothing", filepath.Join(t.TempDir(), "none.db"), filepath.Join(t.TempDir(), "copy.db"), "there is no such file"},
		{"of another program's database", changed(t, file(t, nil), "CREATE TABLE player (id)"), filepath.Join(t.TempDir(), "copy.db"), "another program"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := sqlite.Backup(ctx, c.from, c.to, nil)
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got error %v, want one sentence that says %q", err, c.says)
			}
			if _, err := os.Stat(c.to + ".partial"); err == nil && c.to != broken {
				t.Error("an unfinished copy was left behind")
			}
		})
	}
	if body, err := os.ReadFile(taken); err != nil || string(body) != "precious" {
		t.Errorf("the file that was there holds %q, error %v", body, err)
	}
}

func TestABackupCanBeStopped(t *testing.T) {
	s := openStore(t, sqlite.Options{Path: filepath.Join(t.TempDir(), "muster.db")})
	fill(t, s, 20_000)
	folder := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	err := s.Backup(ctx, filepath.Join(folder, "copy.db"), func(int64, int64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
	if names, err := os.ReadDir(folder); err != nil || len(names) != 0 {
		t.Errorf("the folder holds %v, error %v", names, err)
	}
	if err := s.Write(context.Background(), put("q", "s", "v", 0)); err != nil {
		t.Error(err)
	}
}

// A database that nobody has open is backed up as well, also one whose last process was
// killed; the mark of the crash stays.
func TestAClosedDatabaseIsBackedUp(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "muster.db")
	acknowledged := killAfter(t, path, 200, false)
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := sqlite.Backup(ctx, path, copied, nil); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, sqlite.Options{Path: copied})
	for client := range crashClients {
		checkCrashed(t, s, client, acknowledged[client])
	}
	if mark, err := os.ReadFile(path + ".lock"); err != nil || len(mark) == 0 {
		t.Errorf("the crash is forgotten: %q, error %v", mark, err)
	}
}
