package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strings"

	"muster"
)

// ratingWatch tells, as a backend starts, which modes have stored ratings of another rating
// system than theirs.
type ratingWatch struct {
	rules *muster.Backend
	log   *slog.Logger
	// place is the option that names the store to muster ratings replay, and conf is the
	// configuration's file.
	place, conf string
}

// Run tells it beside the start, which waits for nobody, and then waits until ctx ends.
func (w ratingWatch) Run(ctx context.Context) error {
	w.tell(ctx)
	<-ctx.Done()
	return nil
}

func (w ratingWatch) tell(ctx context.Context) {
	changes, err := w.rules.RatingChanges(ctx)
	if err != nil && ctx.Err() == nil {
		w.log.Warn("it is not known whether a mode has another rating system than its ratings", "error", err)
	}
	for _, c := range changes {
		if !c.Foreign {
			w.log.Info("the mode is rated by another system from now on, which goes on with the stored ratings: muster ratings replay would count earlier results by it, too",
				"mode", c.Mode, "was", c.Was, "now", c.Now)
			continue
		}
		w.log.Warn(fmt.Sprintf("the stored ratings of mode %s are of %s, and the mode is rated by %s: they are converted roughly until their results are counted again%s, with: muster ratings replay --mode %s %s --config %s --write",
			c.Mode, cmp.Or(c.Was, "another rating system"), c.Now, w.alone(), c.Mode, w.place, w.conf))
	}
}

// alone says so where the store belongs to one process.
func (w ratingWatch) alone() string {
	if strings.Contains(w.place, "dynamodb:") {
		return ""
	}
	return ", after this program has ended"
}
