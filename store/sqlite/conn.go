package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	sqlite "modernc.org/sqlite"
)

// conn is one connection to SQLite, without a pool around it. One goroutine at a time
// uses it and its statements.
type conn struct {
	raw   driverConn
	stmts []*stmt // closed with it
}

// driverConn is what SQLite's driver gives.
type driverConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

// stmt is a prepared statement. It has no deadline of its own: what it does is short, or
// its rows are counted by the caller.
type stmt struct {
	raw  driverStmt
	args []driver.NamedValue // reused: the driver copies them
	row  []driver.Value      // reused: see each
}

type driverStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// connect opens a connection to the address that dsn made.
func connect(ctx context.Context, dsn string) (*conn, error) {
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	c, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	raw, ok := c.(driverConn)
	if !ok {
		_ = c.Close() // it was not used
		return nil, fmt.Errorf("the driver's connection is a %T, which lacks what we use", c)
	}
	return &conn{raw: raw}, nil
}

// prepare makes a statement that lives as long as the connection.
func (c *conn) prepare(ctx context.Context, text string) (*stmt, error) {
	s, err := c.raw.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	raw, ok := s.(driverStmt)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the driver's statement is a %T, which lacks what we use", s), s.Close())
	}
	prepared := &stmt{raw: raw}
	c.stmts = append(c.stmts, prepared)
	return prepared, nil
}

// prepareAll makes several statements.
func (c *conn) prepareAll(ctx context.Context, texts map[**stmt]string) (err error) {
	for place, text := range texts {
		if *place, err = c.prepare(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// exec runs statements once; several are separated by semicolons.
func (c *conn) exec(ctx context.Context, text string) error {
	_, err := c.raw.ExecContext(ctx, text, nil)
	return err
}

// query runs a statement once and calls visit with each of its rows, which visit must
// not keep.
func (c *conn) query(ctx context.Context, text string, visit func(row []driver.Value) error) error {
	rows, err := c.raw.QueryContext(ctx, text, nil)
	if err != nil {
		return err
	}
	row := make([]driver.Value, len(rows.Columns()))
	return errors.Join(eachRow(rows, row, visit), rows.Close())
}

// value is the first column of the only row that a statement returns.
func (c *conn) value(ctx context.Context, text string) (v driver.Value, err error) {
	err = c.query(ctx, text, func(row []driver.Value) error { v = row[0]; return nil })
	return v, err
}

// number is value for a whole number; anything else is 0.
func (c *conn) number(ctx context.Context, text string) (int64, error) {
	v, err := c.value(ctx, text)
	n, _ := v.(int64)
	return n, err
}

// Close closes the connection and its statements.
func (c *conn) Close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.raw.Close())
	}
	return errors.Join(append(errs, c.raw.Close())...)
}

// exec runs the statement and says how many rows it changed.
func (s *stmt) exec(args ...driver.Value) (changed int64, err error) {
	result, err := s.raw.ExecContext(context.Background(), s.named(args))
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// errEnough ends a walk over rows before their end.
var errEnough = errors.New("enough rows")

// each runs the statement and calls visit with each row. The slice is reused; blobs in
// it belong to visit.
func (s *stmt) each(visit func(row []driver.Value) error, args ...driver.Value) error {
	rows, err := s.raw.QueryContext(context.Background(), s.named(args))
	if err != nil {
		return err
	}
	if s.row == nil {
		s.row = make([]driver.Value, len(rows.Columns()))
	}
	err = eachRow(rows, s.row, visit)
	if closing := rows.Close(); err == nil {
		err = closing
	}
	return err
}

func eachRow(rows driver.Rows, row []driver.Value, visit func(row []driver.Value) error) error {
	for {
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := visit(row); errors.Is(err, errEnough) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func (s *stmt) named(args []driver.Value) []driver.NamedValue {
	s.args = s.args[:0]
	for i, v := range args {
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return s.args
}
