package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"muster"
)

// The log is folded while many write, and starts anew: it does not grow with what is
// written.
func TestTheLogStaysShortUnderLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "muster.db")
	s, err := Open(context.Background(), Options{Path: path, Durability: SurviveCrash})
	if err != nil {
		t.Fatal(err)
	}
	const clients, writes, bytes = 32, 60, 20_000 // 38 MB, and as much again in the log
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			for n := range int64(writes) {
				op := muster.Op{Key: muster.Key{Partition: fmt.Sprint(client), Sort: fmt.Sprint(n % 3)}, Value: make([]byte, bytes), Version: muster.AnyVersion}
				if err := s.Write(context.Background(), op); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	// One length that starts the folding, and what is written while it goes on.
	if limit := int64(30 << 20); info.Size() > limit {
		t.Errorf("the log has %d bytes after %d of records, want at most %d", info.Size(), clients*writes*bytes, limit)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !os.IsNotExist(err) {
		t.Errorf("the log is there after the store was closed: %v", err)
	}
}

// A file of the first schema is brought to the newest, and keeps what it holds.
func TestAnOlderFileIsBroughtToTheNewestSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "muster.db")
	old := migrations[0] + fmt.Sprintf(`INSERT INTO record VALUES (x'70', x'61', 3, NULL, x'76'), (x'70', x'62', 1, 4000000000, x'77');
		PRAGMA application_id = %d; PRAGMA user_version = 1`, applicationID)
	c, err := connect(context.Background(), dsn(path, nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.exec(context.Background(), old); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s, err := Open(context.Background(), Options{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		records, err := s.List(context.Background(), "p", muster.ListOptions{})
		if err != nil || len(records) != 2 {
			t.Fatalf("got %v and error %v, want both records", records, err)
		}
		a, b := records[0], records[1]
		if a.Sort != "a" || string(a.Value) != "v" || a.Version != 3 || !a.ExpiresAt.IsZero() {
			t.Errorf("the first record is %+v", a)
		}
		if b.Sort != "b" || string(b.Value) != "w" || b.Version != 1 || !b.ExpiresAt.Equal(time.Unix(4_000_000_000, 0)) {
			t.Errorf("the second record is %+v", b)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
