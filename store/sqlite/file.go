package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
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
	if query == nil {
		query = url.Values{}
	}
	query.Set("_defensive", "1")
	query.Set("_dqs", "0")
	// Only this process uses the file; a reader may still meet the recovery of the log.
	query.Set("_busy_timeout", "5000")
	u := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	return u.String()
}

// nameVFS adds SQLite's VFS to a query for dsn; empty: the one it takes anyway.
func nameVFS(query url.Values, vfs string) {
	if vfs != "" {
		query.Set("vfs", vfs)
	}
}

// openWriting opens the one connection that writes, checks the file if check is not nil,
// and brings it to our schema.
func openWriting(ctx context.Context, path, vfs string, check *checker, durability Durability) (_ *conn, err error) {
	query := url.Values{"mode": {"rw"}}
	nameVFS(query, vfs)
	c, err := connect(ctx, dsn(path, query))
	if err != nil {
		return nil, err
	}
	defer closeUnless(&err, c)
	// Look before anything is changed: the file may be somebody else's.
	if err = checkOwner(ctx, c); err != nil {
		return nil, err
	}
	if err = configure(ctx, c, durability); err != nil {
		return nil, err
	}
	if check != nil {
		if err = check.check(ctx, c); err != nil {
			return nil, err
		}
	}
	if err = migrate(ctx, c); err != nil {
		return nil, err
	}
	return c, nil
}

// openFolder opens the connection that folds the log into the file.
func openFolder(ctx context.Context, path string) (_ *folder, err error) {
	c, err := connect(ctx, dsn(path, url.Values{"mode": {"rw"}}))
	if err != nil {
		return nil, err
	}
	defer closeUnless(&err, c)
	// How it flushes decides whether a commit it has folded outlives a power failure.
	if err = c.exec(ctx, "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA wal_autocheckpoint = 0"); err != nil {
		return nil, err
	}
	return newFolder(ctx, c)
}

// readPragmas configure every connection. SQLite itself maps nothing: see mapping.
const readPragmas = "PRAGMA mmap_size = 0; PRAGMA cache_size = -16000" // kB

func configure(ctx context.Context, c *conn, durability Durability) error {
	mode, err := c.value(ctx, "PRAGMA journal_mode = WAL")
	if err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("the file system does not support a write-ahead log (journal mode is %q)", mode)
	}
	pragmas := "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;" // fullfsync: macOS
	if durability == SurviveCrash {
		pragmas = "PRAGMA synchronous = NORMAL;"
	}
	// The folder folds the log; one that grew long is cut back.
	pragmas += "PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864;"
	return c.exec(ctx, pragmas+readPragmas)
}
