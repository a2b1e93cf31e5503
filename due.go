package muster

import (
	"context"
	"encoding/json"
	"errors"
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

// clocksApart is how far the clocks of replicas may be apart, with room to spare. An
// instant that lies further ahead tells nothing: somebody's clock is wrong, ours perhaps.
const clocksApart = time.Minute

// wild says that an instant that lies in the past, or was to be soon, is too far ahead to be
// believed.
func wild(at, now time.Time) bool { return at.Sub(now) > clocksApart }

// farthest is how far ahead a record of the kind may lie when it is written; 0: there is no
// bound.
func (k dueKind) farthest() time.Duration {
	switch k {
	case dueTickets:
		return max(firstLook, backfillLook)
	case duePlacements:
		return firstLook
	case dueSessions:
		return sessionLook
	case dueEvictions:
		return evictAgain
	case dueResults, dueRecounts:
		return followAfter
	}
	return 0
}

// longestLease is for how long at most a record of the kind is leased.
func (k dueKind) longestLease() time.Duration {
	if k == dueSessions {
		return sessionLook
	}
	return max(putOff, announcedFor, silentAfter, backfillLook, followLease, purgeLease, farewellLease)
}

// leaseField is the field of a due record that says until when somebody has it.
const leaseField = "until"

// free are the records of a page that nobody has at the moment. A lease that ends later
// than any of its kind can is void: whoever wrote it may be gone long before.
func free(kind dueKind, page []Record, now time.Time) []Record {
	var all []Record
	for _, rec := range page {
		until := leasedUntil(rec)
		if !until.After(now) || wild(until, now.Add(kind.longestLease())) {
			all = append(all, rec)
		}
	}
	return all
}

// leasedUntil is the end of a record's latest lease; zero: it never had one.
func leasedUntil(rec Record) time.Time {
	var lease struct {
		Until time.Time `json:"until"`
	}
	if json.Unmarshal(rec.Value, &lease) != nil {
		return time.Time{}
	}
	return lease.Until
}

// leaseDue takes a due record until an instant, when it is due again; taken is false when
// another replica was faster. rec becomes what is stored, so that it can be leased for
// longer. The record stays where it is and is read at every sweep: to
// move it would be a transaction, whose price reads it 300 times.
func (b *Backend) leaseDue(ctx context.Context, rec *Record, until time.Time) (taken bool, err error) {
	fields, err := decode[map[string]any](*rec)
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
	if err != nil {
		return false, err
	}
	rec.Value, rec.Version = op.Value, rec.Version+1
	return true, nil
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
