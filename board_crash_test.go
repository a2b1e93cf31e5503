package muster_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"muster"
)

func toBoard(ops []muster.Op) bool { return strings.HasPrefix(ops[0].Key.Partition, "LB#") }

// disputedLeague is a league in which a recount of two duels died at its first write to
// the board.
func disputedLeague(t *testing.T) (r *rig, ann, bob muster.PlayerID) {
	t.Helper()
	ctx := context.Background()
	r = league(muster.Competition{})
	ann, bob = r.guest("ann"), r.guest("bob")
	first := r.duelled(t, ann, bob)
	r.clock.advance(time.Minute)
	r.duelled(t, ann, bob)
	r.clock.advance(time.Minute)
	must[muster.AdminResultView](t)(r.VoidResult(ctx, first, disputed))
	dead := false
	store := &dying{Store: r.store, at: func(ops []muster.Op) bool { dead = dead || toBoard(ops); return dead }}
	if err := r.replica(muster.Competition{}, store, r.clock.now).Recount(ctx); err == nil || !dead {
		t.Fatalf("the recount did not die (%v)", err)
	}
	r.clock.advance(5 * time.Minute)
	return r, ann, bob
}

func TestARecountThatDiedAtTheBoardLeavesNoEntryBehind(t *testing.T) {
	for name, then := range map[string]func(t *testing.T, r *rig, ann, bob muster.PlayerID){
		"another recount comes": func(t *testing.T, r *rig, _, _ muster.PlayerID) { r.recount(t) },
		"another result comes": func(t *testing.T, r *rig, ann, bob muster.PlayerID) {
			r.duelled(t, bob, ann)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, ann, bob := disputedLeague(t)
			then(t, r, ann, bob)
			r.recount(t)
			r.checkBoard(t, ann, bob)
		})
	}
	t.Run("the account is deleted", func(t *testing.T) {
		r, ann, bob := disputedLeague(t)
		for _, p := range []muster.PlayerID{ann, bob} {
			if err := r.DeleteAccount(context.Background(), p); err != nil {
				t.Fatal(err)
			}
		}
		r.erase(t)
		r.checkBoard(t)
	})
}

func TestADeletedPlayerLeavesTheBoardsOfOtherRules(t *testing.T) {
	for name, rules := range map[string]muster.Competition{
		"placement games were added": {PlacementGames: 5},
		"seasons were added":         {Seasons: []muster.Season{{Name: "s1", StartsAt: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := league(muster.Competition{})
			ann, bob := r.guest("ann"), r.guest("bob")
			r.duelled(t, ann, bob)
			b := r.replica(rules, r.store, r.clock.now)
			if err := b.DeleteAccount(context.Background(), ann); err != nil {
				t.Fatal(err)
			}
			if err := b.ErasePlayers(context.Background()); err != nil {
				t.Fatal(err)
			}
			r.checkBoard(t, bob)
		})
	}
}
