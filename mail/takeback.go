package mail

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"muster"
)

// TakeBack removes the letters of an owner who is gone, and those to an owner's address: all that
// wait, or those that were posted before an instant unless it is zero. One that a sender has
// in hand may still go out, for leaseFor at most. Every letter that waits is read, which are
// few but for a server of mails that is down; one that cannot be decoded is left.
func (o *Outbox) TakeBack(ctx context.Context, owner muster.MailOwner, before time.Time) error {
	for shard := range shards {
		for after, more := "", true; more; {
			page, err := o.o.Store.List(ctx, partition(shard), muster.ListOptions{After: after, Limit: maxPerShard})
			if err != nil {
				return fmt.Errorf("list letters: %w", err)
			}
			for _, rec := range page {
				after = rec.Sort
				l, err := letterOf(rec)
				if err != nil { // whose it is nobody can say; it goes when it expires
					o.o.Log.ErrorContext(ctx, "skip a letter", "key", rec.Sort, "error", err)
					continue
				}
				if l.Owner != owner && muster.MailOfAddress(l.To) != owner || !before.IsZero() && rec.Sort >= sortOf(before) {
					continue
				}
				if err := o.o.Store.Write(ctx, muster.Op{Kind: muster.Delete, Key: rec.Key, Version: muster.AnyVersion}); err != nil {
					return fmt.Errorf("take a letter back: %w", err)
				}
			}
			more = len(page) == maxPerShard
		}
	}
	return nil
}

// letterOf reads a letter that is kept.
func letterOf(rec muster.Record) (l kept, err error) {
	if err := json.Unmarshal(rec.Value, &l); err != nil {
		return kept{}, fmt.Errorf("decode a letter: %w", err)
	}
	return l, nil
}
