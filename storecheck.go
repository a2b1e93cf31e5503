package muster

import "fmt"

import "unicode/utf8"

// CheckOps says whether a Write could ever succeed: it returns nil or an *Error of
// kind Invalid. Every driver calls it first, so that the limits are the same on all
// of them.
func CheckOps(ops []Op) error {
	if len(ops) == 0 || len(ops) > MaxWriteOps {
		return Errorf(Invalid, "store.op_count", "a write holds 1 to %d operations, not %d", MaxWriteOps, len(ops))
	}
	seen := make(map[Key]struct{}, len(ops))
	total := 0
	for _, op := range ops {
		if err := checkOp(op); err != nil {
			return err
		}
		if _, twice := seen[op.Key]; twice {
			return badKey(op.Key, "store.key_twice", "a write names a record twice")
		}
		seen[op.Key] = struct{}{}
		total += op.size()
	}
	if total > MaxWriteBytes {
		return Errorf(Invalid, "store.write_too_large", "a write of %d bytes, %d is the limit", total, MaxWriteBytes)
	}
	return nil
}

func checkOp(op Op) error {
	if err := CheckKey(op.Key); err != nil {
		return err
	}
	if op.Kind > Check {
		return Errorf(Invalid, "store.op_kind", "operation kind %d does not exist", op.Kind)
	}
	if op.Version < AnyVersion {
		return Errorf(Invalid, "store.version", "version %d is not a version", op.Version)
	}
	if size := op.size(); size > MaxRecordBytes {
		return badKey(op.Key, "store.record_too_large", fmt.Sprintf("a record of %d bytes, %d is the limit", size, MaxRecordBytes))
	}
	return nil
}

// CheckRecord says whether a Load could store r: it returns nil or an *Error of kind
// Invalid.
func CheckRecord(r Record) error {
	if r.Version < 1 {
		return badKey(r.Key, "store.version", fmt.Sprintf("version %d is not that of a record", r.Version))
	}
	return checkOp(Op{Key: r.Key, Value: r.Value, Version: r.Version})
}

// size is what the op counts against MaxRecordBytes and MaxWriteBytes.
func (op Op) size() int { return len(op.Key.Partition) + len(op.Key.Sort) + len(op.Value) }

// CheckKey says whether key can name a record: it returns nil or an *Error of kind
// Invalid. Keys are UTF-8 because DynamoDB's strings are: it would store two keys
// that differ only in broken bytes as one.
func CheckKey(key Key) error {
	switch {
	case key.Partition == "" || key.Sort == "":
		return badKey(key, "store.key_empty", "a record key has a partition and a sort")
	case len(key.Partition) > MaxPartitionBytes:
		return Errorf(Invalid, "store.key_too_long", "a partition key has %d bytes, %d is the limit", len(key.Partition), MaxPartitionBytes)
	case len(key.Sort) > MaxSortBytes:
		return Errorf(Invalid, "store.key_too_long", "a sort key has %d bytes, %d is the limit", len(key.Sort), MaxSortBytes)
	case !utf8.ValidString(key.Partition) || !utf8.ValidString(key.Sort):
		return badKey(key, "store.key_not_utf8", "a record key is UTF-8")
	}
	return nil
}

// CheckPartition says whether partition can be listed: it returns nil or an *Error
// of kind Invalid.
func CheckPartition(partition string) error {
	return CheckKey(Key{Partition: partition, Sort: "-"})
}

// Max is the number of records a List with these options returns at most: Limit,
// brought into 1 to MaxListLimit.
func (o ListOptions) Max() int {
	if o.Limit <= 0 || o.Limit > MaxListLimit {
		return MaxListLimit
	}
	return o.Limit
}

// Range turns Prefix and After into the Sorts they allow: from <= Sort < to, bytewise.
// It is empty when from >= to. An unbounded end is "\xff", which is above all UTF-8.
func (o ListOptions) Range() (from, to string) {
	from, to = o.Prefix, prefixEnd(o.Prefix)
	switch {
	case o.After == "":
	case o.Descending:
		to = min(to, o.After)
	default:
		from = max(from, o.After+"\x00") // the next possible Sort
	}
	return from, to
}

// prefixEnd is the smallest string above everything that begins with prefix.
func prefixEnd(prefix string) string {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			return prefix[:i] + string([]byte{prefix[i] + 1})
		}
	}
	return "\xff"
}

// badKey is a refusal that names the key for the log alone: how records are named is
// nobody else's business.
func badKey(key Key, code, message string) error {
	return &Error{Kind: Invalid, Code: code, Message: message, Err: fmt.Errorf("key %q", key.Redacted())}
}
