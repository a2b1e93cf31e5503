package memory

import (
	"context"
	"fmt"
	"testing"
	"time"

	"muster"
)

// What has expired is dropped by later writes, and replaced records leave nothing in
// the expiry queue.
func TestExpiredRecordsDoNotPileUp(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := New(func() time.Time { return now })
	write := func(sort string, lifetime time.Duration) {
		t.Helper()
		op := muster.Op{Key: muster.Key{Partition: "p", Sort: sort}, Version: muster.AnyVersion, ExpiresAt: now.Add(lifetime)}
		if err := s.Write(context.Background(), op); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1000 {
		write(fmt.Sprint(i), 10*time.Second)
		write("again", time.Hour)
		now = now.Add(time.Second)
	}
	// Ten seconds' worth is live; a write sweeps two, so at most that many are behind.
	if n := len(s.partitions["p"]); n > 14 {
		t.Errorf("%d records are kept", n)
	}
	if n := len(s.expiring.entries); n != len(s.partitions["p"]) {
		t.Errorf("%d places in the expiry queue for %d records", n, len(s.partitions["p"]))
	}
}

func TestAnEmptyPartitionIsForgotten(t *testing.T) {
	s := New(nil)
	k := muster.Key{Partition: "p", Sort: "s"}
	for _, op := range []muster.Op{{Key: k}, {Kind: muster.Delete, Key: k, Version: 1}} {
		if err := s.Write(context.Background(), op); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.partitions) != 0 {
		t.Errorf("%d partitions are kept", len(s.partitions))
	}
}
