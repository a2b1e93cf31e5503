package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"muster"
)

// Progress is told how many records, and how many bytes of keys and values, have been
// copied. It must return soon.
type Progress func(records, bytes int64)

// Export writes all live records of a store to w. Records that change meanwhile are in
// the archive as they were or as they are. progress may be nil.
func Export(ctx context.Context, from muster.Copier, w io.Writer, progress Progress) (Summary, error) {
	a, err := NewWriter(w)
	if err != nil {
		return Summary{}, err
	}
	err = from.Scan(ctx, func(page []muster.Record) error {
		if err := a.Write(page); err != nil {
			return err
		}
		if progress != nil {
			progress(a.summary.Records, a.summary.Bytes)
		}
		return nil
	})
	if err != nil {
		return Summary{}, err
	}
	return a.Close()
}

// errFound ends a scan that has seen what it looked for.
var errFound = errors.New("found")

// IsEmpty says whether a store holds no live record.
func IsEmpty(ctx context.Context, store muster.Copier) (bool, error) {
	err := store.Scan(ctx, func([]muster.Record) error { return errFound })
	if errors.Is(err, errFound) {
		return false, nil
	}
	return err == nil, err
}

// Database is what an archive is imported into.
type Database interface {
	muster.Store
	muster.Copier
}

// ErrDiffers is what Import returns, wrapped, when the store does not hold what was
// loaded into it.
var ErrDiffers = errors.New("the store does not hold what was imported")

// ImportOptions for Import.
type ImportOptions struct {
	// Beside says that the store holds other records, too: what is imported replaces those
	// of the same keys, and is afterwards read one by one. Otherwise the store is empty, and
	// is scanned.
	Beside   bool
	Now      func() time.Time // by which records expire; nil: time.Now
	Loaded   Progress         // nil: nobody is told
	Verified Progress         // nil: nobody is told
}

// Import loads an archive into a store that nobody uses yet, then reads everything back
// and compares. What has expired by the end is not asked for. An archive that turns out
// to be faulty has been loaded in part: Read it first. archive is read from the beginning,
// and with Beside a second time.
func Import(ctx context.Context, archive io.ReadSeeker, to Database, o ImportOptions) (Summary, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	began := o.Now()
	want, got := newTally(began), newTally(began)
	loaded := &counter{tell: o.Loaded}
	summary, err := readFromStart(archive, func(page []muster.Record) error {
		if err := to.Load(ctx, page); err != nil {
			return err
		}
		loaded.count(page)
		for _, r := range page {
			want.add(r)
		}
		return nil
	})
	if err != nil {
		return Summary{}, err
	}
	verified := &counter{tell: o.Verified}
	see := func(page []muster.Record) error {
		verified.count(page)
		for _, r := range page {
			got.add(r)
		}
		return nil
	}
	if o.Beside {
		err = getEach(ctx, archive, to, see)
	} else {
		err = to.Scan(ctx, see)
	}
	if err != nil {
		return Summary{}, fmt.Errorf("verify: %w", err)
	}
	return summary, compare(want, got, o.Now())
}

// compare says how what was found differs from what was loaded, without what has expired.
func compare(want, got *tally, now time.Time) error {
	wantDigest, wantRecords := want.at(now)
	gotDigest, gotRecords := got.at(now)
	switch {
	case wantRecords != gotRecords:
		return fmt.Errorf("%w: %d records were found, %d should be there", ErrDiffers, gotRecords, wantRecords)
	case wantDigest != gotDigest:
		return fmt.Errorf("%w: the digest of its records is %v, not %v", ErrDiffers, gotDigest, wantDigest)
	}
	return nil
}

func readFromStart(archive io.ReadSeeker, visit func(page []muster.Record) error) (Summary, error) {
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return Summary{}, err
	}
	return Read(archive, visit)
}

// getters is how many records are read at once.
const getters = 16

// getEach calls see with the records that the store has at the keys of the archive.
func getEach(ctx context.Context, archive io.ReadSeeker, store muster.Store, see func(page []muster.Record) error) error {
	_, err := readFromStart(archive, func(page []muster.Record) error {
		found := make([]muster.Record, len(page))
		errs := make([]error, getters)
		var wg sync.WaitGroup
		for g := range getters {
			wg.Go(func() {
				for i := g; i < len(page) && errs[g] == nil; i += getters {
					found[i], errs[g] = store.Get(ctx, page[i].Key)
					if errors.Is(errs[g], muster.ErrNotFound) {
						found[i], errs[g] = muster.Record{}, nil // lost, or expired: compare will say
					}
				}
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
		there := found[:0]
		for _, r := range found {
			if r.Version > 0 {
				there = append(there, r)
			}
		}
		return see(there)
	})
	return err
}

// counter adds up what was copied and tells of it.
type counter struct {
	records, bytes int64
	tell           Progress
}

func (c *counter) count(page []muster.Record) {
	for _, r := range page {
		c.records++
		c.bytes += int64(len(r.Partition) + len(r.Sort) + len(r.Value))
	}
	if c.tell != nil {
		c.tell(c.records, c.bytes)
	}
}
