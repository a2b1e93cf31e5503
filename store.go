package muster

import (
	"context"
	"time"
)

// Limits every Store driver enforces alike, so that what passes on a laptop passes
// on DynamoDB. Sizes are bytes. Source: DynamoDB service quotas, 2026.
const (
	MaxPartitionBytes = 2048
	MaxSortBytes      = 1024
	MaxRecordBytes    = 400_000 // partition, sort and value together
	MaxWriteOps       = 100
	MaxWriteBytes     = 4_000_000 // all keys and values of one Write together
	MaxListLimit      = 1000
)

// Key names one record: the partition groups records that are listed together,
// Sort orders them bytewise within it. Neither may be empty; both are UTF-8.
type Key struct {
	Partition string
	Sort      string
}

// Record is one stored value. The caller owns Value after a read and may change it.
type Record struct {
	Key
	Value     []byte
	Version   int64     // 1 when created, one more at each change
	ExpiresAt time.Time // the first instant at which it is gone, UTC; zero: never
}

// OpKind is what an Op does to its record.
type OpKind uint8

// Put writes the value, Delete removes the record, Check only asserts the version.
const (
	Put OpKind = iota
	Delete
	Check
)

// Op is one part of a Write. Version is the version the record must have for the
// Write to happen: 0 means it must be absent (or expired), AnyVersion means that
// its state does not matter.
type Op struct {
	Kind      OpKind
	Key       Key
	Value     []byte    // Put only; kept by the driver, do not change it afterwards
	Version   int64     // the version this op replaces
	ExpiresAt time.Time // Put only; zero: never. Whole seconds; a fraction is cut off
}

// AnyVersion in Op.Version skips the check. A Put of any version creates the record
// or replaces it; the version still grows by one. Deleting an absent record with
// AnyVersion or version 0 succeeds and changes nothing.
//
// A record created anew after a Delete or its expiry starts at version 1 again (an
// AnyVersion Put over an expired one may go on counting): versions tell the changes of
// one record apart, not one life of a key from the next.
const AnyVersion int64 = -1

// ListOptions narrow a List. The zero value lists a whole partition, ascending, up
// to MaxListLimit records.
type ListOptions struct {
	Prefix     string // only Sorts that begin with it
	After      string // only Sorts greater than it (smaller when Descending); "": from the start
	Limit      int    // 0, less, or more than MaxListLimit: MaxListLimit
	Descending bool
}

// Store keeps small versioned records. Implementations are safe for concurrent use,
// return ErrNotFound and ErrConflict (wrapped), and pass store/storetest. A key or
// partition that could not exist is an *Error of kind Invalid, a full disk or an
// unreachable database one of kind Unavailable, an ended ctx its own error, wrapped.
//
// A nil error from Write means durable: the change survives a crash of the process.
// After ErrConflict or an *Error of kind Invalid nothing was changed; after any other
// error the change may have happened, so read before trying again.
type Store interface {
	// Get returns the record at key, as of the latest Write. An expired record is
	// not found, even if the driver has not removed it yet.
	Get(ctx context.Context, key Key) (Record, error)

	// List returns records of one partition in Sort order, without expired ones.
	// Fewer than the limit means there are no more. An unknown partition is empty,
	// not an error.
	List(ctx context.Context, partition string, opts ListOptions) ([]Record, error)

	// Write applies all ops or none: at most MaxWriteOps, no two on one key. A
	// version that does not match fails the call with ErrConflict; a call that could
	// never succeed (too many ops, too large, the same key twice, an empty key) fails
	// with an *Error of kind Invalid.
	Write(ctx context.Context, ops ...Op) error
}

// Copier is what every driver can do beside Store, so that a whole database can be
// moved to another driver, or kept.
type Copier interface {
	// Scan calls visit with all live records, in pages of at most MaxListLimit and in no
	// particular order. A record that does not change meanwhile is seen once; one that
	// does may be seen as it was or as it is. An error of visit ends the scan and is
	// returned.
	Scan(ctx context.Context, visit func(page []Record) error) error

	// Load stores records just as they are, versions included, whatever was there: for a
	// store that nobody uses yet. Any number of records, without a key twice. It is not
	// atomic; loading the same again is harmless.
	Load(ctx context.Context, records []Record) error
}
