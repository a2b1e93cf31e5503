package sqlite

import (
	"errors"
	"fmt"
	"strings"

	sqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"muster"
)

// classify gives an error of SQLite its kind: trouble with the disk is Unavailable,
// because it may pass; everything else stays as it is.
func classify(err error) error {
	if message, ok := diskTrouble[primaryCode(err)]; ok {
		return &muster.Error{Kind: muster.Unavailable, Code: "store.unavailable", Message: message, Err: err}
	}
	return err
}

// diskTrouble maps SQLite's primary result codes (sqlite.org/rescode.html) to what a
// client may know of them.
var diskTrouble = map[int]string{
	sqlite3.SQLITE_FULL:     "the store is full",
	sqlite3.SQLITE_IOERR:    "the store cannot use its disk",
	sqlite3.SQLITE_CANTOPEN: "the store cannot use its disk",
	sqlite3.SQLITE_READONLY: "the store cannot be written",
	sqlite3.SQLITE_NOMEM:    "the store is out of memory",
	sqlite3.SQLITE_BUSY:     "the store is busy",
	sqlite3.SQLITE_LOCKED:   "the store is busy",
}

// describeOpen says in plain words what kept a file from being opened.
func describeOpen(err error) error {
	switch primaryCode(err) {
	case sqlite3.SQLITE_NOTADB:
		return errors.New("the file is not a database")
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%w (%s): %s", errDamaged, oneLine(err.Error()), howToRestore)
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR:
		return fmt.Errorf("the file or its folder cannot be written: %w", err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return errors.New("another program is using the file")
	}
	if errors.Is(err, errDamaged) {
		return fmt.Errorf("%w: %s", err, howToRestore)
	}
	return err
}

// howToRestore is what to do about a damaged file.
const howToRestore = "put a backup in its place and remove the files beside it that end in -wal and -shm"

// oneLine is what SQLite says of several places, in one line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// primaryCode is SQLite's result code without its extension; 0 when err is not
// SQLite's.
func primaryCode(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code() & 0xff
}
