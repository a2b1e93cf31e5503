package memory_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"muster"
	"muster/store/memory"
	"muster/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(_ *testing.T, now func() time.Time) muster.Store {
		return memory.New(now)
	})
}

func TestNoClockMeansTheSystemClock(t *testing.T) {
	ctx := context.Background()
	s := memory.New(nil)
	past := muster.Op{Key: muster.Key{Partition: "p", Sort: "past"}, ExpiresAt: time.Now().Add(-time.Hour)}
	future := muster.Op{Key: muster.Key{Partition: "p", Sort: "future"}, ExpiresAt: time.Now().Add(time.Hour)}
	if err := s.Write(ctx, past, future); err != nil {
		t.Fatal(err)
	}
	records, err := s.List(ctx, "p", muster.ListOptions{})
	if err != nil || len(records) != 1 || records[0].Sort != "future" {
		t.Fatalf("got %+v and error %v, want the record of the future", records, err)
	}
}

func BenchmarkPutInOneLargePartition(b *testing.B) {
	ctx := context.Background()
	s := memory.New(nil)
	for i := 0; b.Loop(); i++ {
		k := muster.Key{Partition: "p", Sort: fmt.Sprintf("%08x", uint32(i)*2654435761)} // scattered
		if err := s.Write(ctx, muster.Op{Key: k, Version: muster.AnyVersion}); err != nil {
			b.Fatal(err)
		}
	}
}
