package model

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster"
)

// crowd is how many come at once.
const crowd = 64

// jostled lets others go first before every use of the store, so that calls really mix.
type jostled struct{ muster.Store }

func (j jostled) Get(ctx context.Context, key muster.Key) (muster.Record, error) {
	runtime.Gosched()
	return j.Store.Get(ctx, key)
}

func (j jostled) Write(ctx context.Context, ops ...muster.Op) error {
	runtime.Gosched()
	return j.Store.Write(ctx, ops...)
}

// crowded runs a test against every driver, with three replicas that share a store.
func crowded(t *testing.T, test func(t *testing.T, w *world, replicas []*muster.Backend)) {
	for _, name := range slices.Sorted(maps.Keys(drivers)) {
		if only := os.Getenv("MUSTER_DRIVER"); only != "" && only != name {
			continue
		}
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1, drivers[name](t))
			defer w.store.close()
			w.calm = true
			var made atomic.Int64
			var replicas []*muster.Backend
			for range 3 {
				options := w.options()
				options.Store, options.GameLift, options.Notifier = jostled{w.store}, w.lift, deaf{}
				options.Now, options.Log = func() time.Time { return beginning }, slog.New(slog.DiscardHandler)
				options.NewID = func() string { return fmt.Sprintf("id-%05d", made.Add(1)) }
				replicas = append(replicas, muster.New(options))
			}
			test(t, w, replicas)
			w.checkWays()
			w.checkOwners(false)
		})
	}
}

// deaf tells nobody.
type deaf struct{}

func (deaf) Notify(context.Context, ...muster.Notice) {}

// atOnce runs a call for each of a crowd, together. Contention may be answered with "try
// again": then it is tried again.
func atOnce(t *testing.T, call func(i int) error) {
	t.Helper()
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range crowd {
		all.Go(func() {
			<-start
			for range 20 {
				err := call(i)
				if muster.KindOf(err) != muster.Unavailable || err == nil {
					if err != nil {
						t.Error(err)
					}
					return
				}
			}
			t.Error("it is contended for ever")
		})
	}
	close(start)
	all.Wait()
}

func TestOneIdentityIsOnePlayerHoweverManySignInAtOnce(t *testing.T) {
	crowded(t, func(t *testing.T, _ *world, replicas []*muster.Backend) {
		var players [crowd]muster.PlayerID
		var made atomic.Int64
		atOnce(t, func(i int) (err error) {
			p, created, err := replicas[i%len(replicas)].EnsurePlayer(context.Background(), muster.Identity{Provider: "steam", Subject: "one"}, nil)
			if players[i] = p; created {
				made.Add(1)
			}
			return err
		})
		if made.Load() != 1 {
			t.Errorf("%d players were made", made.Load())
		}
		for _, p := range players {
			if p != players[0] {
				t.Errorf("one sign-in is %s, another %s", players[0], p)
			}
		}
	})
}

func TestOneIdentityIsLinkedToOnePlayerHoweverManyWantItAtOnce(t *testing.T) {
	crowded(t, func(t *testing.T, w *world, replicas []*muster.Backend) {
		ctx := context.Background()
		var players [crowd]muster.PlayerID
		for i := range players {
			p, _, err := replicas[0].EnsurePlayer(ctx, muster.Identity{Provider: muster.GuestProvider, Subject: fmt.Sprint(i)}, []byte("old"))
			if err != nil {
				t.Fatal(err)
			}
			players[i] = p
		}
		var winners, losers atomic.Int64
		id := muster.Identity{Provider: "steam", Subject: "one"}
		atOnce(t, func(i int) error {
			switch _, err := replicas[i%len(replicas)].Link(ctx, players[i], id, []byte("new")); {
			case err == nil:
				winners.Add(1)
			case muster.KindOf(err) == muster.Conflict:
				losers.Add(1)
			default:
				return err
			}
			return nil
		})
		if winners.Load() != 1 || losers.Load() != crowd-1 {
			t.Errorf("%d have linked it and %d were refused", winners.Load(), losers.Load())
		}
		rotated := 0
		for key, value := range w.census() {
			if value["secretHash"] == "bmV3" && key.Sort == "ID" { // "new" as JSON has it
				rotated++
			}
		}
		if rotated != 1 {
			t.Errorf("%d guests have a new secret", rotated)
		}
	})
}

// A crowd merges the same two players, in both directions: one of them goes on.
func TestTwoPlayersBecomeOneHoweverManyMergeThemAtOnce(t *testing.T) {
	crowded(t, func(t *testing.T, w *world, replicas []*muster.Backend) {
		ctx := context.Background()
		var pair [2]muster.PlayerID
		for i := range pair {
			p, _, err := replicas[0].EnsurePlayer(ctx, muster.Identity{Provider: []string{"steam", "epic"}[i], Subject: "one"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			pair[i] = p
		}
		var merged atomic.Int64
		atOnce(t, func(i int) error {
			switch _, err := replicas[i%len(replicas)].Merge(ctx, pair[i%2], pair[1-i%2], nil); {
			case err == nil:
				merged.Add(1)
			case muster.KindOf(err) != muster.NotFound:
				return err
			}
			return nil
		})
		if merged.Load() != 1 {
			t.Errorf("it was merged %d times", merged.Load())
		}
		left := 0
		for _, a := range w.census().accounts() {
			if a.Status == "" && len(a.Identities) == 2 {
				left++
			}
		}
		if left != 1 {
			t.Errorf("%d players have both ways in", left)
		}
	})
}
