package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"runtime"
	"time"

	"muster"
)

const (
	getSQL = `SELECT value, version, expires_at FROM record
		WHERE partition = ? AND sort = ? AND (expires_at IS NULL OR expires_at > ?)`
	listSQL = `SELECT sort, value, version, expires_at FROM record
		WHERE partition = ? AND sort >= ? AND sort < ? AND (expires_at IS NULL OR expires_at > ?)
		ORDER BY sort LIMIT ?`
	listDescendingSQL = `SELECT sort, value, version, expires_at FROM record
		WHERE partition = ? AND sort >= ? AND sort < ? AND (expires_at IS NULL OR expires_at > ?)
		ORDER BY sort DESC LIMIT ?`
	pageSQL = `SELECT partition, sort, value, version, expires_at FROM record
		WHERE (partition, sort) > (?, ?) AND (expires_at IS NULL OR expires_at > ?)
		ORDER BY partition, sort LIMIT ?`
)

// readers are connections that can only read. They see what has been committed and
// neither wait for the writer nor make it wait.
type readers struct {
	db                       *sql.DB
	get1, list1, descending1 *sql.Stmt
	page1                    *sql.Stmt
}

func newReaders(ctx context.Context, path string) (_ *readers, err error) {
	conns := min(max(runtime.GOMAXPROCS(0), 4), 16)
	db, err := openDB(dsn(path, url.Values{"mode": {"ro"}, "_query_only": {"1"}}), conns)
	if err != nil {
		return nil, err
	}
	defer closeUnless(&err, db)
	r := &readers{db: db}
	for _, p := range []struct {
		stmt **sql.Stmt
		text string
	}{{&r.get1, getSQL}, {&r.list1, listSQL}, {&r.descending1, listDescendingSQL}, {&r.page1, pageSQL}} {
		if *p.stmt, err = db.PrepareContext(ctx, p.text); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Close closes the connections, which must be at rest, and their statements.
func (r *readers) Close() error {
	return errors.Join(r.get1.Close(), r.list1.Close(), r.descending1.Close(), r.page1.Close(), r.db.Close())
}

// get returns sql.ErrNoRows for a record that is absent or has expired.
func (r *readers) get(ctx context.Context, key muster.Key, now time.Time) (muster.Record, error) {
	record := muster.Record{Key: key}
	var expiresAt sql.NullInt64
	row := r.get1.QueryRowContext(ctx, []byte(key.Partition), []byte(key.Sort), now.Unix())
	if err := row.Scan(&record.Value, &record.Version, &expiresAt); err != nil {
		return muster.Record{}, err
	}
	record.ExpiresAt = instant(expiresAt)
	return record, nil
}

func (r *readers) list(ctx context.Context, partition string, opts muster.ListOptions, now time.Time) (_ []muster.Record, err error) {
	stmt := r.list1
	if opts.Descending {
		stmt = r.descending1
	}
	from, to := opts.Range()
	rows, err := stmt.QueryContext(ctx, []byte(partition), []byte(from), []byte(to), now.Unix(), opts.Max())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var records []muster.Record
	for rows.Next() {
		record := muster.Record{Key: muster.Key{Partition: partition}}
		var expiresAt sql.NullInt64
		if err := rows.Scan(&record.Sort, &record.Value, &record.Version, &expiresAt); err != nil {
			return nil, err
		}
		record.ExpiresAt = instant(expiresAt)
		records = append(records, record)
	}
	return records, rows.Err()
}

// page is the next part of a scan; more says whether there may be another.
func (r *readers) page(ctx context.Context, after muster.Key, now time.Time) (page []muster.Record, more bool, err error) {
	rows, err := r.page1.QueryContext(ctx, []byte(after.Partition), []byte(after.Sort), now.Unix(), muster.MaxListLimit)
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	bytes := 0
	for bytes < scanBytes && rows.Next() {
		var record muster.Record
		var expiresAt sql.NullInt64
		if err := rows.Scan(&record.Partition, &record.Sort, &record.Value, &record.Version, &expiresAt); err != nil {
			return nil, false, err
		}
		record.ExpiresAt = instant(expiresAt)
		page = append(page, record)
		bytes += len(record.Value)
	}
	return page, bytes >= scanBytes || len(page) == muster.MaxListLimit, rows.Err()
}

// instant is a stored expiry as a time; null is the zero time.
func instant(seconds sql.NullInt64) time.Time {
	if !seconds.Valid {
		return time.Time{}
	}
	return time.Unix(seconds.Int64, 0).UTC()
}

// seconds is a time as it is stored; the zero time is null.
func seconds(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.Unix(), Valid: !t.IsZero()}
}
