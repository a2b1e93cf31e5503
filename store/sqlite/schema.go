package sqlite

import (
	"context"
	"errors"
	"fmt"
)

// applicationID marks our files in SQLite's header: "MSTR". Programs that show file
// types, and checkOwner, tell by it whose database this is.
const applicationID = 0x4d535452

// migrations bring a file from each schema version to the next. The version is in
// SQLite's user_version; a released entry never changes.
//
// Keys are blobs, because blobs compare by their bytes. The value stands last, so that
// a look at the version of a large record does not read its value.
//
// From schema 2 on, records stand in the order of their making and the key is an index
// beside them. Without rowids every page of the tree holds whole records, some 14 of them:
// among ten million records the way to one was seven pages long. An index of bare keys
// and a table of bare numbers are wide and flat, a change of a record leaves the index
// alone, and new records share a page.
var migrations = []string{
	`CREATE TABLE record (
		partition  BLOB    NOT NULL,
		sort       BLOB    NOT NULL,
		version    INTEGER NOT NULL,
		expires_at INTEGER,          -- seconds since 1970; null: never
		value      BLOB    NOT NULL,
		PRIMARY KEY (partition, sort)
	) STRICT, WITHOUT ROWID;
	CREATE INDEX record_expiry ON record (expires_at) WHERE expires_at IS NOT NULL;`,

	`ALTER TABLE record RENAME TO record1;
	DROP INDEX record_expiry;
	CREATE TABLE record (
		id         INTEGER PRIMARY KEY,
		partition  BLOB    NOT NULL,
		sort       BLOB    NOT NULL,
		version    INTEGER NOT NULL,
		expires_at INTEGER,          -- seconds since 1970; null: never
		value      BLOB    NOT NULL
	) STRICT;
	INSERT INTO record (partition, sort, version, expires_at, value)
		SELECT partition, sort, version, expires_at, value FROM record1;
	DROP TABLE record1;
	CREATE UNIQUE INDEX record_key ON record (partition, sort);
	CREATE INDEX record_expiry ON record (expires_at) WHERE expires_at IS NOT NULL;`,
}

// checkOwner refuses a database that another program, or a newer version of this one,
// has made. It changes nothing.
func checkOwner(ctx context.Context, c *conn) error {
	id, err := c.number(ctx, "PRAGMA application_id")
	if err != nil {
		return err
	}
	version, err := c.number(ctx, "PRAGMA user_version")
	if err != nil {
		return err
	}
	objects, err := c.number(ctx, "SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return err
	}
	switch {
	case id == 0 && version == 0 && objects == 0: // new
		return nil
	case id != applicationID:
		return errors.New("the file is a database of another program")
	case version > int64(len(migrations)):
		return fmt.Errorf("the file was written by a newer version of Muster (its schema is %d, this version knows up to %d)", version, len(migrations))
	}
	return nil
}

// migrate brings the file to the newest schema, in one transaction.
func migrate(ctx context.Context, c *conn) (err error) {
	if err := c.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = c.exec(context.WithoutCancel(ctx), "ROLLBACK") // SQLite may have done so itself
		}
	}()
	version, err := c.number(ctx, "PRAGMA user_version")
	if err != nil {
		return err
	}
	if version >= int64(len(migrations)) {
		return c.exec(ctx, "COMMIT")
	}
	for _, migration := range migrations[version:] {
		if err := c.exec(ctx, migration); err != nil {
			return fmt.Errorf("migrate from schema %d: %w", version, err)
		}
	}
	return c.exec(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", applicationID, len(migrations)))
}
