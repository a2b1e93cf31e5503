package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math"
	"time"

	"muster"
)

// What a version demands stands in the statement that changes the record, where that can
// be: one walk down the tree instead of two. An expired record has no version: it is
// absent.
const (
	versionSQL = `SELECT version FROM record
		WHERE partition = ? AND sort = ? AND (expires_at IS NULL OR expires_at > ?)`
	createSQL = `INSERT INTO record (partition, sort, value, expires_at, version) VALUES (?, ?, ?, ?, 1)
		ON CONFLICT (partition, sort) DO UPDATE SET version = 1, expires_at = excluded.expires_at, value = excluded.value
		WHERE record.expires_at <= ?`
	replaceSQL = `UPDATE record SET value = ?, expires_at = ?, version = version + 1
		WHERE partition = ? AND sort = ? AND (expires_at IS NULL OR expires_at > ?) AND version = ?`
	putSQL = `INSERT INTO record (partition, sort, value, expires_at, version) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (partition, sort) DO UPDATE SET version = excluded.version, expires_at = excluded.expires_at, value = excluded.value`
	deleteSQL = `DELETE FROM record WHERE partition = ? AND sort = ?`
	sweepSQL  = `DELETE FROM record WHERE id IN (SELECT id FROM record WHERE expires_at <= ? ORDER BY expires_at LIMIT ?+0)
		RETURNING partition, sort`
	soonestSQL = `SELECT expires_at FROM record WHERE expires_at IS NOT NULL ORDER BY expires_at LIMIT 1`
)

// table changes records, inside a transaction that somebody else begins and ends.
type table struct {
	version, create, replace, put, remove, sweep, soonest *stmt
	// due is not after the first expiry of any record, in seconds: until then nothing has
	// to be swept.
	due int64
	// changes are those of the transaction under way.
	changes []change
}

// change is what a transaction made of a record.
type change struct {
	key  muster.Key
	kept *kept // nil: it is gone, or the cache need not keep it
}

func newTable(ctx context.Context, c *conn) (*table, error) {
	t := &table{due: math.MinInt64}
	err := c.prepareAll(ctx, map[**stmt]string{
		&t.version: versionSQL, &t.create: createSQL, &t.replace: replaceSQL, &t.put: putSQL,
		&t.remove: deleteSQL, &t.sweep: sweepSQL, &t.soonest: soonestSQL,
	})
	return t, err
}

// apply does all ops or, if a version does not hold, none and returns the conflict. It
// looks at every other version before the first op tests its own and changes its record;
// that is enough, because the ops of a Write are on different keys.
func (t *table) apply(ops []muster.Op, now time.Time) (conflict, err error) {
	versions := make([]int64, len(ops)) // 0: absent
	for i, op := range ops {
		if i == 0 && testsItself(op) || op.Version == muster.AnyVersion && op.Kind != muster.Put {
			continue
		}
		versions[i], err = t.versionOf(op.Key, now)
		if err != nil {
			return nil, err
		}
		if op.Version != muster.AnyVersion && op.Version != versions[i] {
			return conflictAt(op, versions[i]), nil
		}
	}
	for i, op := range ops {
		if i == 0 && testsItself(op) {
			if conflict, err := t.tryPut(op, now); conflict != nil || err != nil {
				return conflict, err
			}
			continue
		}
		if err := t.change(op, versions[i]+1); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// testsItself says whether op is one that tryPut can do.
func testsItself(op muster.Op) bool {
	return op.Kind == muster.Put && op.Version != muster.AnyVersion
}

// tryPut does a Put if its version holds, and otherwise returns the conflict.
func (t *table) tryPut(op muster.Op, now time.Time) (conflict, err error) {
	partition, sort := []byte(op.Key.Partition), []byte(op.Key.Sort)
	var changed int64
	if op.Version == 0 {
		changed, err = t.create.exec(partition, sort, blob(op.Value), t.expiry(op.ExpiresAt), now.Unix())
	} else {
		changed, err = t.replace.exec(blob(op.Value), t.expiry(op.ExpiresAt), partition, sort, now.Unix(), op.Version)
	}
	if err == nil && changed == 1 {
		t.changed(op, op.Version+1)
	}
	if err != nil || changed == 1 {
		return nil, err
	}
	version, err := t.versionOf(op.Key, now)
	return conflictAt(op, version), err
}

func conflictAt(op muster.Op, version int64) error {
	return fmt.Errorf("%q: version is %d, not %d: %w", op.Key.Redacted(), version, op.Version, muster.ErrConflict)
}

// versionOf is the version of a live record; 0 when there is none.
func (t *table) versionOf(key muster.Key, now time.Time) (version int64, err error) {
	err = t.version.each(func(row []driver.Value) error {
		version, _ = row[0].(int64)
		return nil
	}, []byte(key.Partition), []byte(key.Sort), now.Unix())
	return version, err
}

// change does one op, which gives a record that it puts the next version.
func (t *table) change(op muster.Op, next int64) (err error) {
	switch op.Kind {
	case muster.Put:
		err = t.putAs(op.Key, op.Value, op.ExpiresAt, next)
		t.changed(op, next)
	case muster.Delete:
		_, err = t.remove.exec([]byte(op.Key.Partition), []byte(op.Key.Sort))
		t.changes = append(t.changes, change{op.Key, nil})
	case muster.Check: // changes nothing
	}
	return err
}

// changed notes a Put for the cache. The value is ours: see muster.Op.
func (t *table) changed(op muster.Op, version int64) {
	k := &kept{value: op.Value, version: version}
	if !op.ExpiresAt.IsZero() {
		k.expiresAt = time.Unix(op.ExpiresAt.Unix(), 0).UTC()
	}
	t.changes = append(t.changes, change{op.Key, k})
}

// store puts a record as it is, whatever is there.
func (t *table) store(r muster.Record) error {
	t.changes = append(t.changes, change{r.Key, nil}) // a Load is not for those who play now
	return t.putAs(r.Key, r.Value, r.ExpiresAt, r.Version)
}

// putAs puts a record with the given version, whatever is there.
func (t *table) putAs(key muster.Key, value []byte, expiresAt time.Time, version int64) error {
	_, err := t.put.exec([]byte(key.Partition), []byte(key.Sort), blob(value), t.expiry(expiresAt), version)
	return err
}

// expiry is at as it is stored. The table remembers when the first record expires.
func (t *table) expiry(at time.Time) driver.Value {
	if at.IsZero() {
		return nil
	}
	t.due = min(t.due, at.Unix())
	return at.Unix()
}

// blob is a value as it is stored: one of no bytes is not null.
func blob(value []byte) []byte {
	if value == nil {
		return []byte{}
	}
	return value
}

// rolledBack says that the transaction came to nothing: what was swept is there again.
func (t *table) rolledBack() { t.due = math.MinInt64 }

// clear removes up to limit expired records. They are changes like any other: a clock that
// is set back would have the cache show what the table no longer holds.
func (t *table) clear(limit int, now time.Time) error {
	if now.Unix() < t.due {
		return nil
	}
	swept := 0
	err := t.sweep.each(func(row []driver.Value) error {
		swept++
		t.changes = append(t.changes, change{muster.Key{Partition: text(row[0]), Sort: text(row[1])}, nil})
		return nil
	}, now.Unix(), int64(limit))
	if err != nil || swept == limit {
		return err // there may be more
	}
	t.due = math.MaxInt64
	return t.soonest.each(func(row []driver.Value) error {
		t.due, _ = row[0].(int64)
		return nil
	})
}
