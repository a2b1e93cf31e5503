package muster

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

// dueKind is what has work that falls due at an instant. Its records are the work list
// that all replicas share: the key holds the instant, and moving a record is the claim.
type dueKind string

// dueTickets are tickets that GameLift may have to be asked about; so are duePlacements
// and dueSessions.
const (
	dueTickets    dueKind = "ticket"
	duePlacements dueKind = "placement"
	dueSessions   dueKind = "session"
)

// dueShards spreads the records of one kind over partitions.
const dueShards = 8

func (k dueKind) partition(shard int) string { return "DUE#" + string(k) + "#" + strconv.Itoa(shard) }

// key names the record that brings id to notice at an instant.
func (k dueKind) key(id string, at time.Time) Key {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // a hash never fails to write
	return Key{k.partition(int(h.Sum32() % dueShards)), sortableTime(at) + "#" + id}
}

// sweepLimit bounds the due records of one shard that are looked at together.
const sweepLimit = 200

// sweepDue hands to settle what is due of one kind, a page at a time. settle deletes or
// moves the records that it is given; one that it leaves comes again at the next sweep. A
// shard that fails does not keep the others from their turn.
func (b *Backend) sweepDue(ctx context.Context, kind dueKind, settle func(ctx context.Context, now time.Time, page []Record) error) error {
	var failed []error
	for shard := range dueShards {
		for after, more := "", true; more; {
			now := b.instant()
			records, err := b.store.List(ctx, kind.partition(shard), ListOptions{After: after, Limit: sweepLimit})
			if err != nil {
				failed = append(failed, fmt.Errorf("list due %ss: %w", kind, err))
				break
			}
			page := duePage(records, now)
			if err := settle(ctx, now, page); err != nil {
				failed = append(failed, err)
				break
			}
			if more = len(page) == sweepLimit; more {
				after = page[len(page)-1].Sort
			}
		}
	}
	return errors.Join(failed...)
}

// duePage is the records that are due by now; they come in the order of their instants.
func duePage(records []Record, now time.Time) []Record {
	for i, rec := range records {
		if at, _, _ := strings.Cut(rec.Sort, "#"); at > sortableTime(now) {
			return records[:i]
		}
	}
	return records
}

// moveDue puts a due record at a later instant; moved is false when another replica
// was faster.
func (b *Backend) moveDue(ctx context.Context, rec Record, kind dueKind, id string, at time.Time) (moved bool, err error) {
	err = b.store.Write(ctx,
		Op{Kind: Delete, Key: rec.Key, Version: rec.Version},
		Op{Kind: Put, Key: kind.key(id, at), Value: rec.Value, Version: AnyVersion, ExpiresAt: rec.ExpiresAt})
	if errors.Is(err, ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// forget deletes records whatever their state: what they pointed to is over.
func (b *Backend) forget(ctx context.Context, keys []Key) error {
	for _, key := range keys { // one at a time: a transaction would cost twice as much
		if err := b.store.Write(ctx, Op{Kind: Delete, Key: key, Version: AnyVersion}); err != nil {
			return err
		}
	}
	return nil
}
