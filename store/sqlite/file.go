package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	sqlite "modernc.org/sqlite"
)

// resolvePath gives the file one name, whichever way it is reached: the lock goes by
// that name, and a later change of the working folder cannot split the database from
// its log.
func resolvePath(path string) (string, error) {
	if path == "" {
		return "", errors.New("no file is named")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if file, err := filepath.EvalSymlinks(path); err == nil {
		return file, nil
	}
	// The file does not exist yet; its folder must.
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", cause(err)
	}
	return filepath.Join(folder, filepath.Base(path)), nil
}

// createFile makes the database file, empty and for its owner only (it holds hashes of
// secrets), and finds out in plain words whether it can be written. SQLite gives its
// log the same permissions.
func createFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return cause(err)
	}
	return f.Close()
}

// cause is a file error in plain words, without the path, which Open names already.
func cause(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("its folder does not exist")
	}
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

// dsn is the address of the database for the driver. Any character may be in path.
func dsn(path string, query url.Values) string {
	path = filepath.ToSlash(path)
	if path[0] != '/' {
		path = "/" + path // a drive letter: file:///C:/...
	}
	// Defensive mode refuses statements that could damage the file; without dqs a
	// misspelt column is an error, not a text.
	query.Set("_defensive", "1")
	query.Set("_dqs", "0")
	// Only this process uses the file; a reader may still meet the recovery of the log.
	query.Set("_busy_timeout", "5000")
	u := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	return u.String()
}

// openWriting opens the one connection that writes, and brings the file to our schema.
func openWriting(ctx context.Context, path string, durability Durability) (*sql.DB, error) {
	db, err := openDB(dsn(path, url.Values{"mode": {"rw"}}), 1)
	if err != nil {
		return nil, err
	}
	defer closeUnless(&err, db)
	// Look before anything is changed: the file may be somebody else's.
	if err = checkOwner(ctx, db); err != nil {
		return nil, err
	}
	if err = configure(ctx, db, durability); err != nil {
		return nil, err
	}
	if err = migrate(ctx, db); err != nil {
		return nil, err
	}
	return db, nil
}

func configure(ctx context.Context, db *sql.DB, durability Durability) error {
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("the file system does not support a write-ahead log (journal mode is %q)", mode)
	}
	pragmas := []string{"PRAGMA synchronous = FULL", "PRAGMA fullfsync = ON"} // fullfsync: macOS
	if durability == SurviveCrash {
		pragmas = []string{"PRAGMA synchronous = NORMAL"}
	}
	// The log is folded into the file every 4096 pages (16 MB) and cut back to that.
	pragmas = append(pragmas, "PRAGMA wal_autocheckpoint = 4096", "PRAGMA journal_size_limit = 16777216")
	for _, pragma := range pragmas {
		if _, err := db.ExecContext(ctx, pragma); err != nil {
			return err
		}
	}
	return nil
}

// openDB makes a pool of up to conns connections, each kept for good.
func openDB(dsn string, conns int) (*sql.DB, error) {
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}
