package muster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// chore is work that falls due again and again.
type chore struct {
	what  string
	every time.Duration
	work  func(context.Context) error
}

// chores are all of them. Each has a loop of its own, since one may take long and must not
// hold up the others: GameLift may be slow to say how many sessions fare, while others wait
// in the queue.
func (b *Backend) chores() []chore {
	placed := sweepLeft
	if b.placesSessions {
		placed = sweepEvery
	}
	return []chore{
		{"reconcile", sweepEvery, b.reconcileMatches},
		{"settle placements", placed, b.reconcilePlacements},
		{"look at sessions", placed, b.reconcileSessions},
		{"take banned players out of play", evictEvery, b.EvictBanned},
		{"learn of revocations", revokedWithin, b.LearnRevocations},
		{"erase deleted players", eraseEvery, b.ErasePlayers},
		{"tell outsiders of players", farewellEvery, b.TellOutsiders}, // they may be slow
		{"count boards", censusLook, b.CountBoards},                   // may take long
		{"recount ratings", recountEvery, b.Recount},
	}
}

// Tick does once what Run does again and again, for programs that nothing runs in between
// calls: a schedule calls it. It returns when all of it is done, or soon after ctx ends; what
// is half done then, another round goes on with. Rounds may overlap.
func (b *Backend) Tick(ctx context.Context) error {
	all := b.chores()
	failed := make([]error, len(all))
	var wg sync.WaitGroup
	for i, c := range all {
		wg.Go(func() {
			if err := c.work(ctx); err != nil {
				failed[i] = fmt.Errorf("%s: %w", c.what, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(failed...)
}
