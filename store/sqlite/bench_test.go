package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster"
	"muster/store/sqlite"
)

const (
	benchClients   = 64  // each waits for its answer before it asks again
	benchValue     = 200 // bytes of a value
	benchFolderVar = "MUSTER_BENCH_FOLDER"
)

// benchOpen opens a store in a new folder.
func benchOpen(b *testing.B, durability sqlite.Durability, now func() time.Time) *sqlite.Store {
	b.Helper()
	return benchOpenAt(b, sqlite.Options{Path: filepath.Join(benchTemp(b), "muster.db"), Durability: durability, Now: now})
}

func benchOpenAt(b *testing.B, opts sqlite.Options) *sqlite.Store {
	b.Helper()
	s, err := sqlite.Open(context.Background(), opts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

// benchFolder is where the databases of the benchmarks are: on the disk that is to be
// measured. A large one is kept there from one run to the next.
func benchFolder(b *testing.B) string {
	b.Helper()
	folder := os.Getenv(benchFolderVar)
	if folder == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			b.Fatalf("%v: name a folder with %s", err, benchFolderVar)
		}
		folder = filepath.Join(cache, "muster-bench")
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		b.Fatal(err)
	}
	return folder
}

func benchTemp(b *testing.B) string {
	b.Helper()
	folder, err := os.MkdirTemp(benchFolder(b), "run-")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(folder) }) // registered first: the store is closed by then
	return folder
}

// playerKey is that of player n. Neighbours are scattered over the table, as the ids of
// players are.
func playerKey(n int64) muster.Key {
	return muster.Key{Partition: fmt.Sprintf("PLAYER#%016x", uint64(n)*0x9e3779b97f4a7c15), Sort: "PROFILE"}
}

// measure lets the clients do b.N operations altogether, each op getting the client's
// number and how many it has done, and reports operations per second, the median and
// the 99th percentile of their times, and the processor time that one took.
func measure(b *testing.B, clients int, op func(client int, n int64) error) {
	b.Helper()
	times := make([][]time.Duration, clients)
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	processor := processorTime()
	b.ResetTimer()
	for client := range clients {
		wg.Go(func() {
			for n := int64(0); left.Add(-1) >= 0; n++ {
				began := time.Now()
				if err := op(client, n); err != nil {
					b.Error(err)
					return
				}
				times[client] = append(times[client], time.Since(began))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	all := slices.Concat(times...)
	slices.Sort(all)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
	b.ReportMetric(float64(processorTime()-processor)/float64(b.N)/1e3, "cpu-µs/op")
	for _, p := range []int{50, 99} {
		b.ReportMetric(float64(all[len(all)*p/100])/1e3, fmt.Sprintf("p%d-µs", p))
	}
}

var durabilities = []struct {
	name       string
	durability sqlite.Durability
}{{"power", sqlite.SurvivePowerLoss}, {"crash", sqlite.SurviveCrash}}

// Writes of one operation each, from 64 clients that each have keys of their own: new
// records, and ten of its own that a client replaces in turn.
func BenchmarkWrite(b *testing.B) {
	value := make([]byte, benchValue)
	kinds := []struct {
		name string
		op   func(client int, n int64) muster.Op
	}{
		{"new", func(client int, n int64) muster.Op {
			return muster.Op{Key: playerKey(n*benchClients + int64(client)), Value: value}
		}},
		{"replace", func(client int, n int64) muster.Op {
			return muster.Op{Key: playerKey(n%10*benchClients + int64(client)), Value: value, Version: n / 10}
		}},
	}
	for _, d := range durabilities {
		for _, kind := range kinds {
			b.Run(d.name+"/"+kind.name, func(b *testing.B) {
				var commits atomic.Int64 // each asks for the time once
				s := benchOpen(b, d.durability, func() time.Time { commits.Add(1); return time.Now() })
				measure(b, benchClients, func(client int, n int64) error {
					return s.Write(context.Background(), kind.op(client, n))
				})
				b.ReportMetric(float64(b.N)/float64(commits.Load()), "writes/commit")
			})
		}
		b.Run(d.name+"/alone", func(b *testing.B) {
			s := benchOpen(b, d.durability, nil)
			measure(b, 1, func(client int, n int64) error {
				return s.Write(context.Background(), kinds[0].op(client, n))
			})
		})
	}
}

// What the disk does in place of a commit: one page written and flushed.
func BenchmarkFlush(b *testing.B) {
	f, err := os.Create(filepath.Join(benchTemp(b), "file"))
	if err != nil {
		b.Fatal(err)
	}
	page := make([]byte, 4096)
	measure(b, 1, func(_ int, n int64) error {
		if _, err := f.WriteAt(page, n%4096*int64(len(page))); err != nil {
			return err
		}
		return f.Sync()
	})
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}

// tables are sizes of a table of players, in records.
var tables = []struct {
	name    string
	players int64
}{{"10k", 10_000}, {"10M", 10_000_000}}

// benchTable opens a table of so many players, which is built once by Load and kept.
func benchTable(b *testing.B, name string, players int64, cache int) *sqlite.Store {
	b.Helper()
	path := filepath.Join(benchFolder(b), "players-"+name+".db")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := buildTable(path+".new", players); err != nil {
			b.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			b.Fatal(err)
		}
	}
	return benchOpenAt(b, sqlite.Options{Path: path, CacheBytes: cache})
}

func buildTable(path string, players int64) (err error) {
	ctx := context.Background()
	_ = os.Remove(path) // of a run that was ended
	s, err := sqlite.Open(ctx, sqlite.Options{Path: path, Durability: sqlite.SurviveCrash})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	keys := make([]muster.Key, players)
	for n := range players {
		keys[n] = playerKey(n)
	}
	slices.SortFunc(keys, func(a, b muster.Key) int { return strings.Compare(a.Partition, b.Partition) })
	began := time.Now()
	const chunk = 500_000
	records := make([]muster.Record, 0, chunk)
	for done := range players {
		records = append(records, muster.Record{Key: keys[done], Value: make([]byte, benchValue), Version: 1})
		if len(records) < chunk && done+1 < players {
			continue
		}
		if err := s.Load(ctx, records); err != nil {
			return err
		}
		records = records[:0]
		if players > chunk {
			fmt.Fprintf(os.Stderr, "build %s: %d %% of %d records, %.0f a second\n", filepath.Base(path), 100*(done+1)/players, players, float64(done+1)/time.Since(began).Seconds())
		}
	}
	return nil
}

// Point operations on tables of two sizes, from 64 clients: a read, and a read with the
// write of what was read, as the backend changes records. Either by 10,000 active players,
// whose records are kept in memory, or at random places of the whole table without that
// memory. -short leaves out the large table, which takes a few minutes to build.
func BenchmarkTable(b *testing.B) {
	who := []struct {
		name   string
		active int64 // 0: all
		cache  int
	}{{"active", 10_000, 0}, {"anywhere", 0, -1}}
	ops := []struct {
		name string
		op   func(*sqlite.Store, muster.Key) error
	}{{"get", get}, {"change", change}}
	for _, table := range tables {
		if testing.Short() && table.players > 1_000_000 {
			continue
		}
		for _, w := range who {
			players := table.players
			if w.active > 0 {
				players = w.active
			}
			for _, o := range ops {
				b.Run(o.name+"/"+w.name+"/"+table.name, func(b *testing.B) {
					s := benchTable(b, table.name, table.players, w.cache)
					for n := range min(players, 50_000) { // as after some time of work
						if err := get(s, playerKey(n)); err != nil {
							b.Fatal(err)
						}
					}
					measure(b, benchClients, func(int, int64) error { return o.op(s, playerKey(rand.Int64N(players))) })
				})
			}
		}
	}
}

func get(s *sqlite.Store, key muster.Key) error {
	_, err := s.Get(context.Background(), key)
	return err
}

func change(s *sqlite.Store, key muster.Key) error {
	for {
		r, err := s.Get(context.Background(), key)
		if err != nil {
			return err
		}
		err = s.Write(context.Background(), muster.Op{Key: key, Value: r.Value, Version: r.Version})
		if !errors.Is(err, muster.ErrConflict) { // another client has the same player
			return err
		}
	}
}
