package memory

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"muster"
)

var _ muster.Copier = (*Store)(nil)

// Scan implements muster.Copier. All its records are of one instant.
func (s *Store) Scan(ctx context.Context, visit func(page []muster.Record) error) error {
	for entries := range slices.Chunk(s.all(s.now()), muster.MaxListLimit) {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("scan: %w", err)
		}
		page := make([]muster.Record, len(entries))
		for i, e := range entries {
			page[i] = e.record()
		}
		if err := visit(page); err != nil {
			return err
		}
	}
	return nil
}

// all returns the live entries of every partition.
func (s *Store) all(now time.Time) []*entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []*entry
	for _, entries := range s.partitions {
		for _, e := range entries {
			if e.liveAt(now) {
				found = append(found, e)
			}
		}
	}
	return found
}

// Load implements muster.Copier.
func (s *Store) Load(ctx context.Context, records []muster.Record) error {
	for _, r := range records {
		if err := muster.CheckRecord(r); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		s.remove(r.Key)
		s.insert(&entry{key: r.Key, value: bytes.Clone(r.Value), version: r.Version, expiresAt: wholeSeconds(r.ExpiresAt)})
	}
	return nil
}
