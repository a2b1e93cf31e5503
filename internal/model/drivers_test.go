package model

import (
	"path/filepath"
	"testing"
	"time"

	"muster/store/memory"
	"muster/store/sqlite"
)

// drivers opens each store, empty, for one history.
func drivers() map[string]func(t *testing.T, now func() time.Time) driver {
	return map[string]func(t *testing.T, now func() time.Time) driver{
		"memory": func(_ *testing.T, now func() time.Time) driver { return memory.New(now) },
		"sqlite": func(t *testing.T, now func() time.Time) driver {
			s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "muster.db"), Now: now, Durability: sqlite.SurviveCrash})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			return s
		},
	}
}
