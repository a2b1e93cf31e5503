package muster_test

import (
	"context"
	"testing"
	"time"

	"muster"
)

// leaving is a league in which ann and bob have played, and play a last match whose
// result comes late. What happens in between is a test's.
func leaving(t *testing.T, games int, between func(r *rig, ann muster.PlayerID, first muster.SessionID)) (r *rig, bob muster.PlayerID) {
	t.Helper()
	r = league(muster.Competition{})
	ann, bob, cyd := r.guest("ann"), r.guest("bob"), r.guest("cyd")
	var first muster.SessionID
	for i := range games {
		r.clock.advance(time.Minute)
		if id := r.duelled(t, ann, []muster.PlayerID{bob, cyd}[i%2]); i == 0 {
			first = id
		}
	}
	last := r.seated(t, map[muster.PlayerID]string{bob: "red", ann: "blue"})
	began := r.clock.now()
	between(r, ann, first)
	r.clock.advance(began.Add(7*24*time.Hour - time.Hour).Sub(r.clock.now()))
	must[muster.ResultView](t)(r.ReportResult(context.Background(), last, beats(bob, ann)))
	if err := r.Recount(context.Background()); err != nil {
		t.Fatal(err)
	}
	return r, bob
}

func TestAMatchCountsForTheOthersAsIfADeletedPlayerWereThere(t *testing.T) {
	ctx := context.Background()
	void := func(r *rig, first muster.SessionID) {
		must[muster.AdminResultView](t)(r.VoidResult(ctx, first, disputed))
		if err := r.Recount(ctx); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(r *rig, ann muster.PlayerID) {
		if err := r.DeleteAccount(ctx, ann); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		games         int
		with, without func(r *rig, ann muster.PlayerID, first muster.SessionID)
	}{
		"who is not yet erased": {games: 4, with: func(r *rig, ann muster.PlayerID, _ muster.SessionID) { remove(r, ann) }},
		"who is erased": {games: 4, with: func(r *rig, ann muster.PlayerID, _ muster.SessionID) {
			remove(r, ann)
			r.erase(t)
		}},
		"who is looked for again": {games: 4, with: func(r *rig, ann muster.PlayerID, _ muster.SessionID) {
			remove(r, ann)
			r.erase(t)
			r.clock.advance(26 * time.Hour)
			r.erase(t)
		}},
		"who never played": {games: 0, with: func(r *rig, ann muster.PlayerID, _ muster.SessionID) {
			remove(r, ann)
			r.erase(t)
		}},
		"an earlier match of whom is voided after the deletion": {
			games: 4,
			with: func(r *rig, ann muster.PlayerID, first muster.SessionID) {
				remove(r, ann)
				r.erase(t)
				void(r, first)
			},
			without: func(r *rig, _ muster.PlayerID, first muster.SessionID) { void(r, first) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.without == nil {
				c.without = func(*rig, muster.PlayerID, muster.SessionID) {}
			}
			there, bob := leaving(t, c.games, c.without)
			want := there.rating(t, bob)
			r, bob := leaving(t, c.games, c.with)
			if got := r.rating(t, bob); got != want {
				t.Errorf("the other has %+v, want %+v", got, want)
			}
			if want.Games == 0 || want.Mu == 25 {
				t.Errorf("the match was not rated: %+v", want)
			}
			if report := r.wantReplayed(t); report.Results != c.games+1 {
				t.Errorf("the replay reports %+v", report)
			}
		})
	}
}

func TestADeletedPlayersRatingsAreShownNowhereAndGoInTheEnd(t *testing.T) {
	ctx := context.Background()
	r := league(muster.Competition{})
	ann, bob := r.guest("ann"), r.guest("bob")
	r.duelled(t, ann, bob)
	late := r.seated(t, map[muster.PlayerID]string{ann: "red", bob: "blue"})
	if err := r.DeleteAccount(ctx, ann); err != nil {
		t.Fatal(err)
	}
	r.erase(t)
	must[muster.ResultView](t)(r.ReportResult(ctx, late, beats(ann, bob)))
	for at := range 4 {
		r.clock.advance(time.Minute)
		page := must[muster.LeaderboardView](t)(r.Leaderboard(ctx, muster.LeaderboardQuery{Mode: "duel", Limit: 10}))
		if len(page.Entries) != 1 || page.Entries[0].PlayerID != bob {
			t.Fatalf("look %d at the board shows %+v", at, page.Entries)
		}
	}
	must[muster.AdminResultView](t)(r.VoidResult(ctx, late, disputed))
	if err := r.Recount(ctx); err != nil {
		t.Fatal(err)
	}
	r.wantReplayed(t)
	if left := r.traces(t, "LB#duel", string(ann)); len(left) == 0 {
		t.Error("nothing is kept for results that may come")
	}
	for range 9 {
		r.clock.advance(24 * time.Hour)
		r.erase(t)
	}
	if left := r.traces(t, string(ann)); len(left) > 0 {
		t.Errorf("nine days later the player is in %q", left)
	}
	r.wantReplayed(t)
}
