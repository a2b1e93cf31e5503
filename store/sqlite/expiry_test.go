package sqlite

import (
	"context"
	"fmt"
	"testing"
	"time"

	"muster"
)

// Where everything expires, the file stops growing: each generation fills the pages of an
// earlier one. And no Write clears away more than twice what it adds, or a few records.
func TestWhatExpiresMakesRoomForWhatComes(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := openInternal(t, func() time.Time { return now })
	ctx := context.Background()
	count := func() int64 {
		t.Helper()
		n, err := s.readers.all[0].conn.number(ctx, "SELECT count(*) FROM record")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	pages := func() int64 {
		t.Helper()
		n, err := s.readers.all[0].conn.number(ctx, "PRAGMA page_count")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const generations, writes, ops = 12, 20, 50
	var atFirst int64
	for generation := range generations {
		for write := range writes {
			batch := make([]muster.Op, ops)
			for i := range batch {
				batch[i] = putOf(fmt.Sprint(generation, " ", write, " ", i), 500+i*10, 0)
				batch[i].ExpiresAt = now.Add(time.Minute)
			}
			before := count()
			if err := s.Write(ctx, batch...); err != nil {
				t.Fatal(err)
			}
			if swept := before + ops - count(); swept > 2*ops {
				t.Fatalf("a write of %d records cleared away %d", ops, swept)
			}
		}
		if generation == 1 {
			atFirst = pages()
		}
		now = now.Add(time.Minute)
	}
	if got := pages(); got > atFirst*5/4 {
		t.Errorf("the file has %d pages after %d generations, %d after two", got, generations, atFirst)
	}
	if got := count(); got > 2*writes*ops {
		t.Errorf("%d records are kept, of which %d can be live", got, writes*ops)
	}
}
