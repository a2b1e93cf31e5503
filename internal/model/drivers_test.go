package model

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"muster"
	"muster/store/memory"
	"muster/store/sqlite"
)

// driver is a store with all that is wanted of it here.
type driver interface {
	muster.Store
	Scan(ctx context.Context, visit func(page []muster.Record) error) error
	close()
}

// opener opens an empty store for one history.
type opener func(w *world, now func() time.Time) driver

// drivers are the ways to open a store, by name. Each is asked for when its turn has
// come, and skips the test where what it needs is missing.
var drivers = map[string]func(t *testing.T) opener{
	"memory": func(*testing.T) opener {
		return func(_ *world, now func() time.Time) driver { return kept{memory.New(now)} }
	},
	"sqlite": func(t *testing.T) opener {
		dir := t.TempDir()
		var opened atomic.Int64
		return func(w *world, now func() time.Time) driver {
			path := filepath.Join(dir, fmt.Sprint(opened.Add(1), ".db"))
			s, err := sqlite.Open(w.t.Context(), sqlite.Options{Path: path, Now: now, Durability: sqlite.SurviveCrash})
			if err != nil {
				w.t.Fatal(err)
			}
			return file{s, w.t, path}
		}
	},
	"dynamo":        func(t *testing.T) opener { return newTables(t).open },
	"dynamo-faults": func(*testing.T) opener { return openTroubled },
}

// kept is a store that needs no end.
type kept struct{ *memory.Store }

func (kept) close() {}

// file is a store in a file that goes with the history.
type file struct {
	*sqlite.Store
	t    *testing.T
	path string
}

func (f file) close() {
	if err := errors.Join(f.Close(), os.Remove(f.path)); err != nil {
		f.t.Error(err)
	}
}
