package muster

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
		if err := CheckKey(op.Key); err != nil {
			return err
		}
		if _, twice := seen[op.Key]; twice {
			return Errorf(Invalid, "store.key_twice", "a write names %q/%q twice", op.Key.Partition, op.Key.Sort)
		}
		seen[op.Key] = struct{}{}
		if op.Version < AnyVersion {
			return Errorf(Invalid, "store.version", "version %d is not a version", op.Version)
		}
		size := len(op.Key.Partition) + len(op.Key.Sort) + len(op.Value)
		if size > MaxRecordBytes {
			return Errorf(Invalid, "store.record_too_large", "record %q/%q has %d bytes, %d is the limit", op.Key.Partition, op.Key.Sort, size, MaxRecordBytes)
		}
		total += size
	}
	if total > MaxWriteBytes {
		return Errorf(Invalid, "store.write_too_large", "a write of %d bytes, %d is the limit", total, MaxWriteBytes)
	}
	return nil
}

// CheckKey says whether key can name a record: it returns nil or an *Error of kind
// Invalid.
func CheckKey(key Key) error {
	switch {
	case key.Partition == "" || key.Sort == "":
		return Errorf(Invalid, "store.key_empty", "a record key has a partition and a sort, got %q/%q", key.Partition, key.Sort)
	case len(key.Partition) > MaxPartitionBytes:
		return Errorf(Invalid, "store.key_too_long", "a partition key has %d bytes, %d is the limit", len(key.Partition), MaxPartitionBytes)
	case len(key.Sort) > MaxSortBytes:
		return Errorf(Invalid, "store.key_too_long", "a sort key has %d bytes, %d is the limit", len(key.Sort), MaxSortBytes)
	}
	return nil
}
