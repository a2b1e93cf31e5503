package sqlite

import (
	"context"
	"fmt"

	"muster"
)

const (
	scanBytes   = 4_000_000 // values that a page of a Scan holds before it ends early
	loadRecords = 2_000     // records that a Load stores in one transaction
	loadBytes   = 8_000_000 // values that a Load stores in one transaction
)

var _ muster.Copier = (*Store)(nil)

// Scan implements muster.Copier, in the order of partition and sort. Each page is of an
// instant of its own: a Scan of a database in use may see the one half of a Write and
// not the other. What must be of one instant is scanned in a Backup.
func (s *Store) Scan(ctx context.Context, visit func(page []muster.Record) error) error {
	if err := s.enter(false); err != nil {
		return err
	}
	defer s.calls.Done()
	var after muster.Key
	for {
		page, more, err := s.readers.page(ctx, after, s.now())
		if err != nil {
			return fmt.Errorf("scan: %w", classify(err))
		}
		if len(page) > 0 {
			if err := visit(page); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
		after = page[len(page)-1].Key
	}
}

// Load implements muster.Copier. It shares the writer with other calls, a few thousand
// records at a time.
func (s *Store) Load(ctx context.Context, records []muster.Record) error {
	for _, r := range records {
		if err := muster.CheckRecord(r); err != nil {
			return err
		}
	}
	if err := s.enter(true); err != nil {
		return err
	}
	defer s.calls.Done()
	for len(records) > 0 {
		n, bytes := 0, 0
		for n < len(records) && n < loadRecords && bytes < loadBytes {
			bytes += len(records[n].Value)
			n++
		}
		if err := s.writer.write(ctx, &request{load: records[:n]}); err != nil {
			return fmt.Errorf("load: %w", classify(err))
		}
		records = records[n:]
	}
	return nil
}
