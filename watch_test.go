package muster_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster"
)

func TestAPlayerWaitsFewTimesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(false)
		ctx := context.Background()
		ann, bob := r.guest("ann"), r.guest("bob")
		hers, his := r.start(t, ann, duel()), r.start(t, bob, muster.TicketRequest{Mode: "squad"})
		var mu sync.Mutex
		var wg sync.WaitGroup
		answered := map[muster.PlayerID]int{}
		stop, end := context.WithCancel(ctx)
		wait := func(p muster.PlayerID, id muster.TicketID) {
			wg.Go(func() {
				_, _ = r.WaitTicket(stop, p, id, -1, 30*time.Second) // it ends unchanged, or is given up
				mu.Lock()
				defer mu.Unlock()
				answered[p]++
			})
		}
		for range 10 {
			wait(ann, hers.ID)
			wait(bob, his.ID)
		}
		synctest.Wait()
		mu.Lock()
		if answered[ann] != 6 || answered[bob] != 6 {
			t.Errorf("of 10 waits each %v were answered at once, want 6: four wait", answered)
		}
		mu.Unlock()
		end()
		wg.Wait()
		stop, end = context.WithCancel(ctx)
		wait(ann, hers.ID)
		synctest.Wait()
		if answered[ann] != 10 {
			t.Errorf("%d waits were answered: who stopped waiting may wait again", answered[ann])
		}
		end()
		wg.Wait()
	})
}
