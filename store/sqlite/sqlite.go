// Package sqlite is a muster.Store in one SQLite file: the default on a laptop and
// for a single server. It needs nothing installed and no cgo.
//
// Start with Open, end with Close. An acknowledged Write is on disk: by default it
// survives a power failure, always a kill of the process. Many concurrent Writes
// share one disk flush; a lone one waits for nothing. One process at a time has the
// file; another that opens it gets an error that says so.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"muster"
)

// Durability says what an acknowledged Write survives.
type Durability uint8

const (
	// SurvivePowerLoss flushes the disk at each commit. It is the zero value.
	SurvivePowerLoss Durability = iota
	// SurviveCrash leaves flushing to the operating system: a killed process loses
	// nothing, a power failure may lose the last seconds, and never corrupts.
	SurviveCrash
)

// Options for Open.
type Options struct {
	Path       string           // the database file; its folder must exist. Made if absent, for its owner only
	Now        func() time.Time // the clock that records expire by; nil: time.Now
	Durability Durability       // zero: SurvivePowerLoss
	CheckLimit time.Duration    // how long Open waits for the check after a crash; 0: a minute, less: to its end
	CacheBytes int              // memory for records that are in use; 0: 64 MB, less: none
	MapBytes   int64            // how much of the file is read through a mapping, on Linux; 0: 64 GB, less: none
	Log        *slog.Logger     // told of the check after a crash; nil: nobody
}

const defaultCacheBytes = 64 << 20

// Store implements muster.Store. It is safe for concurrent use.
type Store struct {
	path    string // absolute, without links
	now     func() time.Time
	lock    *processLock // held while the store is open: keeps other processes out
	mapping *mapping     // of the file, for readers and writer; nil if there is none
	readers *readers
	writer  *writer
	cache   *cache
	late    *lateCheck // nil if Open has seen that the file is whole

	mu      sync.Mutex     // guards closed and started, and calls.Add against Close
	closed  bool           //
	started bool           // whether the writer runs
	calls   sync.WaitGroup // Get, List and Write under way
}

var _ muster.Store = (*Store)(nil)

// errClosed is what every call after Close returns.
var errClosed = &muster.Error{Kind: muster.Unavailable, Code: "store.closed", Message: "the store is closed"}

// Open opens or makes the database at opts.Path. Its errors are one sentence for the
// person who chose the path: no such folder, no permission, in use by another
// process, not a database, written by a newer version.
//
// When the last process that had the database did not close it, Open first looks whether
// the file is whole, which takes a while if it is large. After CheckLimit it opens all the
// same, and the check begins again beside the open store. Until a check has come to its
// end, each Open makes one. Should the one beside the store find damage, every call fails
// from then on, and so does the next Open.
func Open(ctx context.Context, opts Options) (*Store, error) {
	s, err := open(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("open store %q: %w", opts.Path, err)
	}
	return s, nil
}

func open(ctx context.Context, opts Options) (_ *Store, err error) {
	path, err := resolvePath(opts.Path)
	if err != nil {
		return nil, err
	}
	lock, err := takeLock(path + ".lock")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = lock.release(!lock.unclean) // the first error is the one that explains
		}
	}()
	if err := createFile(path); err != nil {
		return nil, err
	}
	mapped := mapFor(path, opts.MapBytes)
	defer closeUnless(&err, mapped)
	var check *checker
	if lock.unclean {
		check = newChecker(path, opts)
		if err := check.readAhead(ctx); err != nil {
			return nil, err
		}
	}
	c, err := openWriting(ctx, path, mapped.vfs(), check, opts.Durability)
	if err != nil {
		return nil, describeOpen(err)
	}
	defer closeUnless(&err, c)
	now := opts.Now
	if now == nil {
		now = time.Now
	}
	f, err := openFolder(ctx, path)
	if err != nil {
		return nil, describeOpen(err)
	}
	defer closeUnless(&err, f.conn)
	size := opts.CacheBytes
	if size == 0 {
		size = defaultCacheBytes
	}
	kept := newCache(size)
	w, err := newWriter(ctx, c, f, kept, now)
	if err != nil {
		return nil, describeOpen(err)
	}
	r, err := newReaders(ctx, path, mapped.vfs())
	if err != nil {
		return nil, describeOpen(err)
	}
	s := &Store{path: path, now: now, lock: lock, mapping: mapped, readers: r, writer: w, cache: kept}
	if check != nil && !check.finished {
		s.late = newLateCheck(check.checkLate)
	}
	return s, nil
}

// closeUnless closes c when the function that defers it fails.
func closeUnless(err *error, c io.Closer) {
	if *err != nil {
		_ = c.Close() // the first error is the one that explains
	}
}

// Close waits for the calls under way, refuses later ones, writes everything into
// the one file and lets other processes have it. Closing twice is harmless.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	started := s.started
	s.mu.Unlock()

	s.calls.Wait()
	if started {
		s.writer.stop()
	}
	whole := s.late.end()
	// The writing connection goes last, so that it is the one to fold the log into the
	// file; the lock after it.
	err := errors.Join(s.readers.Close(), s.writer.Close())
	if err == nil { // else a connection may be left that reads through it
		err = s.mapping.Close()
	}
	if err := errors.Join(err, s.lock.release(err == nil && whole)); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

// enter counts a call in, unless the store is closed. The caller ends it with
// s.calls.Done. The writer starts with the first call that writes.
func (s *Store) enter(writes bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	if err := s.late.damage(); err != nil {
		return err
	}
	s.calls.Add(1)
	if writes && !s.started {
		s.started = true
		go s.writer.run() // ended and waited for by Close
	}
	return nil
}

// Get implements muster.Store.
func (s *Store) Get(ctx context.Context, key muster.Key) (muster.Record, error) {
	if err := muster.CheckKey(key); err != nil {
		return muster.Record{}, err
	}
	if err := s.enter(false); err != nil {
		return muster.Record{}, err
	}
	defer s.calls.Done()
	if err := ctx.Err(); err != nil {
		return muster.Record{}, fmt.Errorf("get %q: %w", key.Redacted(), err)
	}
	now := s.now()
	r, ok, ticket := s.cache.get(key, now)
	if ok {
		return r, nil
	}
	r, err := s.readers.get(ctx, key, now)
	if err == nil {
		s.cache.put(r, ticket)
	}
	if err != nil {
		return muster.Record{}, fmt.Errorf("get %q: %w", key.Redacted(), classify(err))
	}
	return r, nil
}

// List implements muster.Store. All its records are of one instant.
func (s *Store) List(ctx context.Context, partition string, opts muster.ListOptions) ([]muster.Record, error) {
	if err := muster.CheckPartition(partition); err != nil {
		return nil, err
	}
	if err := s.enter(false); err != nil {
		return nil, err
	}
	defer s.calls.Done()
	records, err := s.readers.list(ctx, partition, opts, s.now())
	if err != nil {
		return nil, fmt.Errorf("list %q: %w", muster.Key{Partition: partition}.Redacted(), classify(err))
	}
	return records, nil
}

// Write implements muster.Store. A ctx that ends while the Write still waits for its
// turn withdraws it; from then on Write waits for the outcome, so that it is known.
func (s *Store) Write(ctx context.Context, ops ...muster.Op) error {
	if err := muster.CheckOps(ops); err != nil {
		return err
	}
	if err := s.enter(true); err != nil {
		return err
	}
	defer s.calls.Done()
	if err := s.writer.write(ctx, &request{ops: ops}); err != nil {
		return fmt.Errorf("write: %w", classify(err))
	}
	return nil
}
