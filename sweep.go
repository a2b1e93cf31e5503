package muster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// sweepFor is how long a round goes on to begin something. What is left then stays due
	// for the next round: one who waits for a dependency that does not answer is not to hold
	// all others up for ever. Each call of GameLift and of the store has a limit of its own.
	sweepFor = 20 * time.Second
	// putOff is how long a record whose work failed by its own fault waits for another try.
	putOff = time.Minute
)

// Due records of one shard that are read together: few at first, since mostly nothing is
// due, and what is not is read in vain.
const (
	sweepFirst = 10
	sweepLimit = 200
)

// dueWork is what is done about one due record that nobody has. It deletes or leases the
// record, or leaves it for the next round. now is the instant at which it was read.
type dueWork func(ctx context.Context, now time.Time, rec *Record) error

// sweepDue calls work with every record of one kind that is due and that nobody has, one
// after the other or several at a time. Every sweep goes through here, so one rule holds
// for all: what fails keeps nobody else from their turn. A record at whose work the fault
// lies is put off; the shards take turns at being first. The errors are joined.
func (b *Backend) sweepDue(ctx context.Context, kind dueKind, atOnce int, work dueWork) error {
	round, over := context.WithTimeout(ctx, sweepFor)
	defer over()
	ended := func() bool { return round.Err() != nil }
	careful := func(ctx context.Context, now time.Time, rec *Record) error {
		if ended() {
			return nil
		}
		err := work(ctx, now, rec)
		b.putOffFailed(ctx, rec, err)
		return err
	}
	var failed []error
	first := b.instant().UnixMilli()
	for i := range int64(dueShards) {
		if ended() {
			break
		}
		shard := int(uint64(first+i) % dueShards) //nolint:gosec // wraps to some shard at any instant
		failed = append(failed, b.sweepShard(ctx, kind, shard, func(ctx context.Context, now time.Time, page []Record) (bool, error) {
			page = free(kind, page, now)
			err := inParallel(ctx, len(page), atOnce, func(ctx context.Context, i int) error { return careful(ctx, now, &page[i]) })
			return !ended(), err
		}))
	}
	return errors.Join(failed...)
}

// sweepEach is sweepDue for work that wants the record decoded. One that cannot be is
// skipped.
func sweepEach[T any](ctx context.Context, b *Backend, kind dueKind, atOnce int, work func(ctx context.Context, now time.Time, rec *Record, job T) error) error {
	return b.sweepDue(ctx, kind, atOnce, func(ctx context.Context, now time.Time, rec *Record) error {
		job, err := decode[T](*rec)
		if err != nil {
			b.log.ErrorContext(ctx, "skip a due record", "error", err)
			return nil
		}
		return work(ctx, now, rec, job)
	})
}

// settlePage is what is done about a page of due records; more is false when it is enough.
type settlePage func(ctx context.Context, now time.Time, page []Record) (more bool, err error)

// sweepShard hands settle what is due in one shard, a page at a time, and then what lies
// further ahead than anything of its kind: a wrong clock wrote that, and nobody knows when
// it is due. Mostly one look sees it all.
func (b *Backend) sweepShard(ctx context.Context, kind dueKind, shard int, settle settlePage) error {
	now := b.instant()
	partition := kind.partition(shard)
	end, more, err := b.sweepPages(ctx, partition, "", sortableTime(now)+afterTime, settle)
	if !more || kind.farthest() == 0 {
		return err
	}
	horizon := sortableTime(now.Add(kind.farthest()+clocksApart)) + afterTime
	if end <= horizon {
		return err
	}
	_, _, far := b.sweepPages(ctx, partition, horizon, afterTime, settle)
	return errors.Join(err, far)
}

// afterTime is greater than whatever follows an instant in the key of a due record.
const afterTime = "~"

// sweepPages hands settle the records of a partition whose keys lie after one and before
// another. No key of the partition lies beyond end, as far as it read. more is false when a
// page was enough, or could not be read.
func (b *Backend) sweepPages(ctx context.Context, partition, after, until string, settle settlePage) (end string, more bool, err error) {
	var failed []error
	for limit := sweepFirst; ; limit = sweepLimit {
		records, err := b.store.List(ctx, partition, ListOptions{After: after, Limit: limit})
		if err != nil {
			return "", false, errors.Join(append(failed, fmt.Errorf("list %s: %w", partition, err))...)
		}
		n, _ := slices.BinarySearchFunc(records, until, func(rec Record, key string) int { return strings.Compare(rec.Sort, key) })
		more, err := settle(ctx, b.instant(), records[:n])
		failed = append(failed, err)
		switch {
		case !more:
			return "", false, errors.Join(failed...)
		case len(records) == 0:
			return after, true, errors.Join(failed...)
		case len(records) < limit:
			return records[len(records)-1].Sort, true, errors.Join(failed...)
		case n < limit:
			return afterTime, true, errors.Join(failed...)
		}
		after = records[limit-1].Sort
	}
}

// putOffFailed leases a record whose work failed, so that the next rounds pass it over. While a
// dependency is away that is no record's fault, and the lease under which it was tried is
// enough.
func (b *Backend) putOffFailed(ctx context.Context, rec *Record, failed error) {
	switch KindOf(failed) {
	case Unavailable, Exhausted:
		return
	}
	for _, passing := range []error{nil, ErrConflict, context.DeadlineExceeded, context.Canceled} {
		if errors.Is(failed, passing) {
			return
		}
	}
	if _, err := b.leaseDue(ctx, rec, b.instant().Add(putOff)); err != nil {
		b.log.WarnContext(ctx, "put off a due record", "key", rec.Sort, "error", err)
	}
}
