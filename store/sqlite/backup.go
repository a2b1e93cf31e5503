package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	sqlite "modernc.org/sqlite"

	"muster"
)

// backupStep is how many pages are copied between two looks at the context.
const backupStep = 1000

// Progress is told how many bytes of the whole have been copied. It must return soon.
type Progress func(done, total int64)

// Backup writes a copy of the database to a new file at path while others go on reading
// and writing: see the function Backup.
func (s *Store) Backup(ctx context.Context, path string, progress Progress) error {
	if err := s.enter(false); err != nil {
		return err
	}
	defer s.calls.Done()
	return Backup(ctx, s.path, path, progress)
}

// Backup copies the database at from, which this or another process may have open and
// write to, to a new file. The copy is of one instant: that at which Backup begins. It is
// on disk and has been read through when Backup returns nil; until then it has another
// name, and an existing file is never touched. progress may be nil.
//
// It uses SQLite's backup interface inside one reading transaction. That goes on beside
// the writer, can say how far it is and be stopped, and copies pages as they are: several
// times faster than VACUUM INTO, which would also make the copy smaller. While it runs,
// the log of the database grows by what is written.
func Backup(ctx context.Context, from, path string, progress Progress) error {
	if err := backup(ctx, from, path, progress); err != nil {
		return fmt.Errorf("back up %q: %w", from, classify(err))
	}
	return nil
}

func backup(ctx context.Context, from, path string, progress Progress) (err error) {
	if from, err = resolvePath(from); err != nil {
		return err
	}
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return errors.New("there is no such file")
	} else if err != nil {
		return cause(err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return errExists(path)
	}
	partial := path + ".partial"
	f, err := os.OpenFile(partial, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return &muster.Error{
			Kind: muster.Invalid, Code: "store.backup_under_way",
			Message: fmt.Sprintf("%s exists: another backup writes it, or one was broken off and it can be removed", partial),
		}
	}
	if err != nil {
		return cause(err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(partial) // the first error is the one that explains
		}
	}()
	// Nobody has the file open through SQLite yet, so closing it drops no lock.
	if err := f.Close(); err != nil {
		return err
	}
	if err := copyPages(ctx, from, partial, progress); err != nil {
		return describeBackup(err)
	}
	if err := checkCopy(ctx, partial); err != nil {
		return describeBackup(err)
	}
	return publish(partial, path)
}

// describeBackup names the file that a refusal is about: the copy has just been made.
func describeBackup(err error) error {
	if errors.Is(err, errDamaged) {
		return fmt.Errorf("%w: keep the backups that you have", err)
	}
	return err
}

func errExists(path string) error {
	return &muster.Error{Kind: muster.Invalid, Code: "store.backup_exists", Message: fmt.Sprintf("%s exists already: a backup goes to a new file", path)}
}

// copyPages fills the empty file at to with the database at from.
func copyPages(ctx context.Context, from, to string, progress Progress) (err error) {
	// Not mode=ro: should the process that has the database end meanwhile, this connection
	// is the last, and tidies up the log.
	c, err := connect(ctx, dsn(from, url.Values{"mode": {"rw"}, "_query_only": {"1"}}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := checkOwner(ctx, c); err != nil {
		return err
	}
	// A read begins the transaction: what others commit from now on is not seen, so no page
	// changes under the copy and nothing makes it start again.
	if err := c.exec(ctx, "BEGIN; SELECT count(*) FROM sqlite_schema"); err != nil {
		return err
	}
	maker, ok := c.raw.(interface {
		NewBackup(uri string) (*sqlite.Backup, error)
	})
	if !ok {
		return fmt.Errorf("the driver's connection is a %T, which cannot copy itself", c.raw)
	}
	// The copy is worth nothing before it is whole: it needs no journal, and is flushed once.
	pages, err := maker.NewBackup(dsn(to, url.Values{"mode": {"rw"}, "_pragma": {"journal_mode(OFF)", "synchronous(OFF)"}}))
	if err != nil {
		return err
	}
	return errors.Join(stepAll(ctx, pages, progress), pages.Finish(), c.exec(context.WithoutCancel(ctx), "COMMIT"))
}

func stepAll(ctx context.Context, pages *sqlite.Backup, progress Progress) error {
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		if more, err = pages.Step(backupStep); err != nil {
			return err
		}
		if total := int64(pages.PageCount()); progress != nil {
			progress((total-int64(pages.Remaining()))*pageBytes, total*pageBytes)
		}
	}
	return nil
}

// checkCopy reads the copy through, and leaves one file.
func checkCopy(ctx context.Context, path string) (err error) {
	c, err := connect(ctx, dsn(path, url.Values{"mode": {"rw"}}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return quickCheck(ctx, c)
}

// publish flushes the finished copy and gives it its name, unless that is taken.
func publish(partial, path string) error {
	if err := flush(partial); err != nil {
		return cause(err)
	}
	// A link cannot replace a file, as a renaming would.
	switch err := os.Link(partial, path); {
	case err == nil:
		err = os.Remove(partial)
		return errors.Join(err, flushFolder(filepath.Dir(path)))
	case errors.Is(err, fs.ErrExist):
		return errExists(path)
	}
	// This file system has no links.
	if _, err := os.Lstat(path); err == nil {
		return errExists(path)
	}
	if err := os.Rename(partial, path); err != nil {
		return cause(err)
	}
	return flushFolder(filepath.Dir(path))
}

func flush(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
