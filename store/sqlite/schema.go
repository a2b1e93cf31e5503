package sqlite

import (
	"context"
	"database/sql"
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
}

// checkOwner refuses a database that another program, or a newer version of this one,
// has made. It changes nothing.
func checkOwner(ctx context.Context, db *sql.DB) error {
	var id, version, objects int
	row := db.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`)
	if err := row.Scan(&id, &version, &objects); err != nil {
		return err
	}
	switch {
	case id == 0 && version == 0 && objects == 0: // new
		return nil
	case id != applicationID:
		return errors.New("the file is a database of another program")
	case version > len(migrations):
		return fmt.Errorf("the file was written by a newer version of Muster (its schema is %d, this version knows up to %d)", version, len(migrations))
	}
	return nil
}

// migrate brings the file to the newest schema, in one transaction.
func migrate(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit there is nothing to undo
	var version int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version >= len(migrations) {
		return nil
	}
	for _, migration := range migrations[version:] {
		if _, err := tx.ExecContext(ctx, migration); err != nil {
			return fmt.Errorf("migrate from schema %d: %w", version, err)
		}
	}
	marks := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, len(migrations))
	if _, err := tx.ExecContext(ctx, marks); err != nil {
		return err
	}
	return tx.Commit()
}
