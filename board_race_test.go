package muster_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster"
)

// turns is a store whose calls wait for a test to let them through, one at a time in an
// order that the test draws. A caller may be let die instead.
type turns struct {
	muster.Store
	mu      sync.Mutex
	waiting []chan bool // true: go on; false: die
	open    bool        // nobody waits any more
}

func (s *turns) turn() error {
	s.mu.Lock()
	if s.open {
		s.mu.Unlock()
		return nil
	}
	mine := make(chan bool)
	s.waiting = append(s.waiting, mine)
	s.mu.Unlock()
	if !<-mine {
		return errDied
	}
	return nil
}

func (s *turns) Get(ctx context.Context, key muster.Key) (muster.Record, error) {
	if err := s.turn(); err != nil {
		return muster.Record{}, err
	}
	return s.Store.Get(ctx, key)
}

func (s *turns) Write(ctx context.Context, ops ...muster.Op) error {
	if err := s.turn(); err != nil {
		return err
	}
	return s.Store.Write(ctx, ops...)
}

// drive lets callers through until all is done. Of a hundred turns, die are deaths.
func (s *turns) drive(random *rand.Rand, die int, done <-chan struct{}) {
	for {
		synctest.Wait()
		s.mu.Lock()
		if len(s.waiting) == 0 {
			s.mu.Unlock()
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond): // somebody pauses
			}
			continue
		}
		i := random.IntN(len(s.waiting))
		next := s.waiting[i]
		s.waiting = slices.Delete(s.waiting, i, i+1)
		s.mu.Unlock()
		next <- random.IntN(100) >= die
	}
}

// Results of one player are reported to replicas at once, and every call of the store
// may come at any time: wins and losses lead back to points that the player had before,
// so that entries are put by one and deleted by another. In half of the runs processes
// die at any call, and the reconciler finishes their work. In the end each player has one
// entry, the one that the rating says.
func TestEntriesAreRightHoweverResultsInterleave(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for run := range 400 {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, uint64(run)))
			gate := &turns{open: true}
			r := newRigWith(false, func(o *muster.Options) { gate.Store, o.Store = o.Store, gate })
			ann := r.guest("ann")
			players := []muster.PlayerID{ann}
			type played struct {
				session muster.SessionID
				report  muster.ResultReport
			}
			var matches []played
			for i := range 2 + random.IntN(3) {
				other := r.guest("other" + string(rune('a'+i)))
				players = append(players, other)
				winner, loser := ann, other
				if random.IntN(2) == 0 {
					winner, loser = other, ann
				}
				session := r.seated(t, map[muster.PlayerID]string{winner: "red", loser: "blue"})
				// Ann's seat is free again before the result is in: the server lost her.
				for _, seat := range r.lift.seats {
					seat.Live = false
				}
				matches = append(matches, played{session, beats(winner, loser)})
			}
			gate.mu.Lock()
			gate.open = false
			gate.mu.Unlock()
			die := 0
			if run%2 == 1 {
				die = 3
			}
			var wg sync.WaitGroup
			for i, m := range matches {
				replica := r.Backend
				if i%2 == 1 {
					replica = newRigWith(false, func(o *muster.Options) { o.Store, o.Now, o.NewID = gate, r.clock.now, ids("replica") }).Backend
				}
				wg.Go(func() {
					_, err := replica.ReportResult(context.Background(), m.session, m.report)
					if err != nil && !errors.Is(err, errDied) && die == 0 {
						t.Errorf("run %d: %v", run, err)
					}
				})
			}
			done := make(chan struct{})
			go func() { wg.Wait(); close(done) }()
			gate.drive(random, die, done)
			gate.mu.Lock()
			gate.open = true
			gate.mu.Unlock()
			for range 8 {
				r.clock.advance(31 * time.Second)
				if err := r.Reconcile(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			r.checkBoard(t, players...)
			if t.Failed() {
				t.Fatalf("run %d of seed %d", run, seed)
			}
		})
	}
}

func TestWhoCountsABoardForTooLongLeavesTheNextOneItsLease(t *testing.T) {
	between := &betweenStore{}
	r := newRigWith(false, func(o *muster.Options) { between.Store, o.Store = o.Store, between })
	ann, bob := r.guest("ann"), r.guest("bob")
	r.duelled(t, ann, bob)
	lease := muster.Key{Partition: "LBC#duel#", Sort: "LEASE"}
	between.after = func(ops []muster.Op) {
		if ops[0].Key != lease || ops[0].Kind != muster.Put {
			return
		}
		between.after = nil // the lease runs out, and another replica takes it
		for _, op := range []muster.Op{{Kind: muster.Delete, Key: lease, Version: 1}, {Kind: muster.Put, Key: lease, Value: []byte(`{"owner":"other"}`)}} {
			if err := between.Store.Write(t.Context(), op); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := r.CountBoard(t.Context(), "duel", ""); err != nil {
		t.Fatal(err)
	}
	if rec, err := r.store.Get(t.Context(), lease); err != nil || string(rec.Value) != `{"owner":"other"}` {
		t.Errorf("the lease of the other replica is %s, %v", rec.Value, err)
	}
	r.clock.advance(6 * time.Minute)
	if err := r.CountBoard(t.Context(), "duel", ""); err != nil {
		t.Fatal(err)
	}
}
