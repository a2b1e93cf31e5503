package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"net/url"
	"runtime"
	"time"

	"muster"
)

// A limit is written ?+0: SQLite looks at a bare parameter there to plan by its value, and
// then prepares the statement anew each time one is bound.
const (
	getSQL = `SELECT value, version, expires_at FROM record
		WHERE partition = ? AND sort = ? AND (expires_at IS NULL OR expires_at > ?)`
	listSQL = `SELECT sort, value, version, expires_at FROM record
		WHERE partition = ? AND sort >= ? AND sort < ? AND (expires_at IS NULL OR expires_at > ?)
		ORDER BY sort LIMIT ?+0`
	listDescendingSQL = `SELECT sort, value, version, expires_at FROM record
		WHERE partition = ? AND sort >= ? AND sort < ? AND (expires_at IS NULL OR expires_at > ?)
		ORDER BY sort DESC LIMIT ?+0`
	pageSQL = `SELECT partition, sort, value, version, expires_at FROM record
		WHERE (partition, sort) > (?, ?) AND (expires_at IS NULL OR expires_at > ?)
		ORDER BY partition, sort LIMIT ?+0`
)

// readers are connections that can only read. They see what has been committed and
// neither wait for the writer nor make it wait.
type readers struct {
	all  []*reader
	idle chan *reader
}

// reader is one of them.
type reader struct {
	conn                        *conn
	get, list, descending, page *stmt
}

func newReaders(ctx context.Context, path, vfs string) (_ *readers, err error) {
	query := url.Values{"mode": {"ro"}, "_query_only": {"1"}}
	nameVFS(query, vfs)
	n := min(max(runtime.GOMAXPROCS(0), 4), 16)
	r := &readers{idle: make(chan *reader, n)}
	defer closeUnless(&err, r)
	for range n {
		c, err := connect(ctx, dsn(path, query))
		if err != nil {
			return nil, err
		}
		one := &reader{conn: c}
		r.all = append(r.all, one)
		if err := one.prepare(ctx); err != nil {
			return nil, err
		}
		r.idle <- one
	}
	return r, nil
}

func (r *reader) prepare(ctx context.Context) error {
	if err := r.conn.exec(ctx, readPragmas); err != nil {
		return err
	}
	return r.conn.prepareAll(ctx, map[**stmt]string{&r.get: getSQL, &r.list: listSQL, &r.descending: listDescendingSQL, &r.page: pageSQL})
}

// Close closes the connections, which must be at rest.
func (r *readers) Close() error {
	var errs []error
	for _, one := range r.all {
		errs = append(errs, one.conn.Close())
	}
	return errors.Join(errs...)
}

// take waits for an idle reader; the caller gives it back into r.idle.
func (r *readers) take(ctx context.Context) (*reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case one := <-r.idle:
		return one, nil
	default:
	}
	select {
	case one := <-r.idle:
		return one, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// get returns muster.ErrNotFound for a record that is absent or has expired.
func (r *readers) get(ctx context.Context, key muster.Key, now time.Time) (muster.Record, error) {
	one, err := r.take(ctx)
	if err != nil {
		return muster.Record{}, err
	}
	defer func() { r.idle <- one }()
	record := muster.Record{Key: key}
	err = one.get.each(func(row []driver.Value) error {
		fill(&record, row)
		return nil
	}, []byte(key.Partition), []byte(key.Sort), now.Unix())
	if err == nil && record.Version == 0 {
		err = muster.ErrNotFound
	}
	return record, err
}

func (r *readers) list(ctx context.Context, partition string, opts muster.ListOptions, now time.Time) ([]muster.Record, error) {
	one, err := r.take(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { r.idle <- one }()
	list := one.list
	if opts.Descending {
		list = one.descending
	}
	from, to := opts.Range()
	var records []muster.Record
	err = list.each(func(row []driver.Value) error {
		record := muster.Record{Key: muster.Key{Partition: partition, Sort: text(row[0])}}
		fill(&record, row[1:])
		records = append(records, record)
		return ctx.Err()
	}, []byte(partition), []byte(from), []byte(to), now.Unix(), int64(opts.Max()))
	if err != nil {
		return nil, err
	}
	return records, nil
}

// page is the next part of a scan; more says whether there may be another.
func (r *readers) page(ctx context.Context, after muster.Key, now time.Time) (page []muster.Record, more bool, err error) {
	one, err := r.take(ctx)
	if err != nil {
		return nil, false, err
	}
	defer func() { r.idle <- one }()
	bytes := 0
	err = one.page.each(func(row []driver.Value) error {
		record := muster.Record{Key: muster.Key{Partition: text(row[0]), Sort: text(row[1])}}
		fill(&record, row[2:])
		page = append(page, record)
		if bytes += len(record.Value); bytes >= scanBytes {
			more = true
			return errEnough
		}
		return ctx.Err()
	}, []byte(after.Partition), []byte(after.Sort), now.Unix(), int64(muster.MaxListLimit))
	return page, more || len(page) == muster.MaxListLimit, err
}

// fill sets what a row says: value, version, expiry. The value is the driver's own copy.
func fill(record *muster.Record, row []driver.Value) {
	record.Value, _ = row[0].([]byte)
	record.Version, _ = row[1].(int64)
	if seconds, ok := row[2].(int64); ok {
		record.ExpiresAt = time.Unix(seconds, 0).UTC()
	}
}

// text is a key's part, which is stored as a blob.
func text(v driver.Value) string {
	b, _ := v.([]byte)
	return string(b)
}
