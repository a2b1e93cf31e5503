package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"muster"
)

// mappings are the two ways to read a file.
var mappings = map[string]int64{"mapped": 0, "in the ordinary way": -1}

// openMapped opens a store that keeps nothing in memory; mapped says how it reads.
func openMapped(t *testing.T, path string, bytes int64) *Store {
	t.Helper()
	s, err := Open(context.Background(), Options{Path: path, Durability: SurviveCrash, CacheBytes: -1, MapBytes: bytes})
	if err != nil {
		t.Fatal(err)
	}
	if mapped := s.mapping != nil; mapped && bytes < 0 {
		t.Fatal("the file is mapped in spite of the options")
	} else if !mapped && bytes >= 0 {
		_ = s.Close() // nothing was done with it
		t.Skip("files are mapped on 64-bit Linux alone, on ext, XFS, Btrfs, F2FS, tmpfs and overlayfs: set TMPDIR to a folder of one there")
	}
	return s
}

func numbered(n int) muster.Key {
	return muster.Key{Partition: fmt.Sprintf("p%06d", n), Sort: "record"}
}

// Somebody cuts the file of an open store short. Reads of what is missing are errors, and
// not the end of the process; nobody is shown anything that was not written; the store
// closes. All that is the same whether the file is mapped or not.
func TestAFileThatIsCutShortIsAnError(t *testing.T) {
	for name, mapped := range mappings {
		t.Run(name, func(t *testing.T) {
			const records = 4000
			path := filepath.Join(t.TempDir(), "muster.db")
			value := func(n int) string { return strings.Repeat(fmt.Sprintf("%d ", n), 200) }
			s := openMapped(t, path, -1)
			var all []muster.Record
			for n := range records {
				all = append(all, muster.Record{Key: numbered(n), Value: []byte(value(n)), Version: 1})
			}
			if err := errors.Join(s.Load(context.Background(), all), s.Close()); err != nil {
				t.Fatal(err)
			}
			s = openMapped(t, path, mapped) // that has read nothing yet
			for n := range 10 {
				if _, err := s.Get(context.Background(), numbered(n)); err != nil {
					t.Fatal(err)
				}
			}
			// With something in the log SQLite takes the size of the database from there, and
			// does not see at the start of each read how long the file is.
			if err := s.Write(context.Background(), muster.Op{Key: numbered(records), Value: []byte("v")}); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(path, 64<<10); err != nil {
				t.Fatal(err)
			}
			var failed atomic.Int64
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for n := range records {
						r, err := s.Get(context.Background(), numbered(n))
						if err != nil && muster.KindOf(err) != muster.NotFound {
							failed.Add(1)
						} else if string(r.Value) != value(n) {
							t.Errorf("record %d: %d bytes that are not its value, error %v", n, len(r.Value), err)
							return
						}
					}
				})
			}
			wg.Wait()
			if failed.Load() < records {
				t.Errorf("%d of %d reads failed of a file that was cut to a hundredth", failed.Load(), 8*records)
			}
			// Neither may hang.
			t.Log("a write says:", s.Write(context.Background(), muster.Op{Key: numbered(records / 2), Value: []byte("w"), Version: 1}))
			t.Log("closing says:", s.Close())
		})
	}
}

// While one client changes records, the file grows and the log is folded into it again and
// again, each reader sees at least what was acknowledged before it asked, and whole.
func TestReadsSeeWhatWasAcknowledgedWhileTheFileGrows(t *testing.T) {
	for name, mapped := range mappings {
		t.Run(name, func(t *testing.T) {
			const keys, writes, pages = 100, 1200, 5
			path := filepath.Join(t.TempDir(), "muster.db")
			s := openMapped(t, path, mapped)
			var acknowledged [keys]atomic.Int64
			var done atomic.Bool
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for !done.Load() {
						n := rand.IntN(keys)
						before := acknowledged[n].Load()
						r, err := s.Get(context.Background(), numbered(n))
						if err != nil && (before > 0 || muster.KindOf(err) != muster.NotFound) {
							t.Errorf("record %d of version %d: %v", n, before, err)
							return
						}
						if r.Version < before || !bytes.Equal(r.Value, versioned(r.Version, pages)) {
							t.Errorf("record %d: version %d is read after %d was acknowledged, or it is torn", n, r.Version, before)
							return
						}
					}
				})
			}
			// The log is folded beside all this, in its own time.
			for i := 0; i < writes || i < 6*writes && !grown(t, path, keys*pages*pageBytes); i++ {
				n := rand.IntN(keys)
				version := acknowledged[n].Load()
				if err := s.Write(context.Background(), muster.Op{Key: numbered(n), Value: versioned(version+1, pages), Version: version}); err != nil {
					t.Error(err)
					break
				}
				acknowledged[n].Store(version + 1)
			}
			done.Store(true)
			wg.Wait()
			if !grown(t, path, keys*pages*pageBytes) {
				t.Error("the log was not folded into the file")
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// grown says whether a file has so many bytes.
func grown(t *testing.T, path string, bytes int64) bool {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size() >= bytes
}

// versioned is the value of a record of a version; none for version 0.
func versioned(version int64, pages int) []byte {
	if version == 0 {
		return nil
	}
	return bytes.Repeat(fmt.Appendf(nil, "%8d", version), pages*pageBytes/8)
}

// A store that has mapped its file leaves nothing behind: neither the memory nor SQLite's
// knowledge of it, whether it was closed or could not be opened.
func TestAMappingEndsWithItsStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "muster.db")
	for range 3 {
		s := openMapped(t, path, 0)
		vfs := s.mapping.vfs()
		c, err := connect(context.Background(), dsn(path, map[string][]string{"vfs": {vfs}}))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(c.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
		if c, err := connect(context.Background(), dsn(path, map[string][]string{"vfs": {vfs}})); err == nil {
			t.Error("SQLite knows the mapping of a store that is closed")
			_ = c.Close()
		}
		maps, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(maps), path+"\n") {
			t.Error("the file of a store that is closed is mapped")
		}
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(context.Background(), Options{Path: path}); err == nil {
		_ = s.Close()
		t.Fatal("a text was opened")
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(maps), path+"\n") {
		t.Error("a file that could not be opened is mapped")
	}
}
