package muster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

// dueKind is what has work that falls due at an instant. Its records are the work list
// that all replicas share: the key holds the instant, and who leases a record has the work.
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

// idOfDue is what a due record brings to notice.
func idOfDue(rec Record) string {
	_, id, _ := strings.Cut(rec.Sort, "#")
	return id
}

// Due records of one shard that are read together: few at first, since mostly nothing is
// due, and what is not is read in vain.
const (
	sweepFirst = 10
	sweepLimit = 200
)

// sweepDue hands to settle what is due of one kind, a page at a time. settle deletes or
// leases the records that it is given; one that it leaves comes again at the next sweep. A
// shard that fails does not keep the others from their turn.
func (b *Backend) sweepDue(ctx context.Context, kind dueKind, settle func(ctx context.Context, now time.Time, page []Record) error) error {
	var failed []error
	for shard := range dueShards {
		limit := sweepFirst
		for after, more := "", true; more; {
			now := b.instant()
			records, err := b.store.List(ctx, kind.partition(shard), ListOptions{After: after, Limit: limit})
			if err != nil {
				failed = append(failed, fmt.Errorf("list due %ss: %w", kind, err))
				break
			}
			page := duePage(records, now)
			if more = len(page) == limit; more {
				after, limit = page[limit-1].Sort, sweepLimit
			}
			if err := settle(ctx, now, free(page, now)); err != nil {
				failed = append(failed, err)
				break
			}
		}
	}
	return errors.Join(failed...)
}

// sweepEach is sweepDue for work that takes one record at a time. One that cannot be read is
// skipped.
func sweepEach[T any](ctx context.Context, b *Backend, kind dueKind, settle func(ctx context.Context, now time.Time, rec Record, job T) error) error {
	return b.sweepDue(ctx, kind, func(ctx context.Context, now time.Time, page []Record) error {
		var failed []error
		for _, rec := range page {
			job, err := decode[T](rec)
			if err != nil {
				b.log.ErrorContext(ctx, "skip a due record", "error", err)
				continue
			}
			failed = append(failed, settle(ctx, now, rec, job))
		}
		return errors.Join(failed...)
	})
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

// leaseField is the field of a due record that says until when somebody has it.
const leaseField = "until"

// free are the records of a page that nobody has at the moment.
func free(page []Record, now time.Time) []Record {
	var all []Record
	for _, rec := range page {
		var lease struct {
			Until time.Time `json:"until"`
		}
		if json.Unmarshal(rec.Value, &lease) != nil || !lease.Until.After(now) {
			all = append(all, rec)
		}
	}
	return all
}

// leaseDue takes a due record until an instant, when it is due again; taken is false when
// another replica was faster. The record stays where it is and is read at every sweep: to
// move it would be a transaction, whose price reads it 300 times.
func (b *Backend) leaseDue(ctx context.Context, rec Record, until time.Time) (taken bool, err error) {
	fields, err := decode[map[string]any](rec)
	if err != nil {
		return false, err
	}
	fields[leaseField] = until
	op, err := put(rec.Key, rec.Version, fields, rec.ExpiresAt)
	if err != nil {
		return false, err
	}
	err = b.store.Write(ctx, op)
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
