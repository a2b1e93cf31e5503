package muster_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"muster"
)

func TestADueRecordThatCannotBeReadHoldsNothingUp(t *testing.T) {
	r, ctx := newRig(false), context.Background()
	const unreadable = "not JSON"
	for shard := range 8 {
		key := muster.Key{Partition: fmt.Sprint("DUE#purge#", shard), Sort: "2000-01-01T00:00:00.000Z#x"}
		if err := r.store.Write(ctx, muster.Op{Kind: muster.Put, Key: key, Value: []byte(unreadable)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.DeleteAccount(ctx, r.guest("ann")); err != nil {
		t.Fatal(err)
	}
	r.clock.advance(time.Minute)
	if err := r.ErasePlayers(ctx); err != nil {
		t.Error(err)
	}
	skipped := 0
	err := r.store.Scan(ctx, func(page []muster.Record) error {
		for _, rec := range page {
			switch due := strings.HasPrefix(rec.Partition, "DUE#purge#"); {
			case due && string(rec.Value) == unreadable:
				skipped++
			case due && !strings.Contains(string(rec.Value), `"purged":true`):
				t.Errorf("what came after one that cannot be read was not done: %s", rec.Value)
			}
		}
		return nil
	})
	if err != nil || skipped != 8 {
		t.Errorf("%d of 8 are left, %v", skipped, err)
	}
}
