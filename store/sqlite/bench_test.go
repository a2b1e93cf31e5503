package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"

	"muster"
	"muster/store/sqlite"
)

func benchStore(b *testing.B, durability sqlite.Durability) *sqlite.Store {
	b.Helper()
	s, err := sqlite.Open(context.Background(), sqlite.Options{Path: filepath.Join(b.TempDir(), "muster.db"), Durability: durability})
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

// record i of a typical size: a player's slot or ticket in JSON.
func benchPut(i int64) muster.Op {
	k := muster.Key{Partition: fmt.Sprintf("P#%08x", uint32(i)*2654435761), Sort: "PROFILE"}
	return muster.Op{Key: k, Value: make([]byte, 300), Version: muster.AnyVersion}
}

var durabilities = []struct {
	name       string
	durability sqlite.Durability
}{{"power loss", sqlite.SurvivePowerLoss}, {"crash", sqlite.SurviveCrash}}

// Reports Writes per second of one operation each, from 64 clients that wait for each.
func BenchmarkWriteFrom64Clients(b *testing.B) {
	for _, d := range durabilities {
		b.Run("survive "+d.name, func(b *testing.B) {
			s := benchStore(b, d.durability)
			var next atomic.Int64
			b.SetParallelism(max(1, 64/runtime.GOMAXPROCS(0)))
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := s.Write(context.Background(), benchPut(next.Add(1))); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
		})
	}
}

// Reports how long a Write takes when nothing else goes on.
func BenchmarkLoneWrite(b *testing.B) {
	for _, d := range durabilities {
		b.Run("survive "+d.name, func(b *testing.B) {
			s := benchStore(b, d.durability)
			for i := int64(0); b.Loop(); i++ {
				if err := s.Write(context.Background(), benchPut(i)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Reports point reads from as many goroutines as there are processors.
func BenchmarkGet(b *testing.B) {
	const records = 10_000
	s := benchStore(b, sqlite.SurviveCrash)
	for i := int64(0); i < records; i += muster.MaxWriteOps {
		var ops []muster.Op
		for j := range int64(muster.MaxWriteOps) {
			ops = append(ops, benchPut(i+j))
		}
		if err := s.Write(context.Background(), ops...); err != nil {
			b.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background()) // as a request's is
	defer cancel()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := int64(0); pb.Next(); i++ {
			if _, err := s.Get(ctx, benchPut(i*7919%records).Key); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
}
