package muster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"muster"
)

// mergers is a rig with two players: ann, who signs in by steam, and bob, who has
// something of every kind and signs in by discord. Both began as guests.
func mergers(t *testing.T, change func(*muster.Options)) (r *rig, ann, bob muster.PlayerID, played muster.SessionID) {
	t.Helper()
	next := ids("0199c0de-0000-7000-8000-0000000")
	r = newRigWith(false, func(o *muster.Options) {
		withData(o)
		o.NewID = next
		o.Profile = muster.ProfileOptions{Names: muster.NamesUnique, Avatars: []string{"owl"}}
		if change != nil {
			change(o)
		}
	})
	ann, bob = r.guest("ann"), r.guest("bob")
	_ = must[muster.LinksView](t)(r.Link(context.Background(), ann, steam("ann"), nil))
	_ = must[muster.LinksView](t)(r.Link(context.Background(), bob, by("discord"), nil))
	played = r.live(t, bob, r.guest("carol"), "Bob the Builder")
	if err := r.LeaveParty(context.Background(), bob); err != nil {
		t.Fatal(err)
	}
	return r, ann, bob, played
}

func TestAMergedPlayerIsTheOtherOne(t *testing.T) {
	ctx := context.Background()
	r, ann, bob, played := mergers(t, nil)
	before := r.rating(t, bob)
	_ = must[muster.Document](t)(putData(r, ann, "badges", `{"of":"ann"}`))
	r.inbox.take()
	view := must[muster.LinksView](t)(r.Merge(ctx, ann, bob, []byte("new")))
	if providers(view) != "guest steam discord" || view.Guest != nil || len(view.Merged) != 1 || view.Merged[0].ID != bob {
		t.Errorf("the answer is %+v", view)
	}
	r.wantLinked(t, by("discord"), ann)
	r.wantLinked(t, steam("ann"), ann)
	r.wantUnlinked(t, guestOf("bob"))
	if news := r.inbox.take(); len(news) != 1 || news[0].Player != bob || news[0].Type != muster.NoticeRevoked {
		t.Errorf("told were %+v", news)
	}
	wantError(t, r.Revoked(muster.Caller{Player: bob, Scope: muster.PlayerScope, Family: "any"}), muster.Unauthenticated, "account.merged")
	if err := r.Revoked(muster.Caller{Player: ann, Scope: muster.PlayerScope, Family: "any"}); err != nil {
		t.Errorf("tokens of the other do not pass: %v", err)
	}
	for name, call := range map[string]func() error{
		"read the account": func() error { _, err := r.Me(ctx, bob); return err },
		"list links":       func() error { _, err := r.Links(ctx, bob); return err },
		"link":             func() error { _, err := r.Link(ctx, bob, by("epic"), nil); return err },
		"unlink":           func() error { _, err := r.Unlink(ctx, bob, "discord", true); return err },
		"merge":            func() error { _, err := r.Merge(ctx, bob, ann, nil); return err },
		"be merged again":  func() error { _, err := r.Merge(ctx, ann, bob, nil); return err },
		"start a ticket":   func() error { _, _, err := r.StartTicket(ctx, bob, duel(), ""); return err },
		"create a party":   func() error { _, err := r.CreateParty(ctx, bob, muster.PartySettings{}); return err },
		"write a document": func() error { _, err := putData(r, bob, "inventory", `{}`); return err },
		"export":           func() error { _, err := r.Export(ctx, bob); return err },
		"be deleted":       func() error { return r.DeleteAccount(ctx, bob) },
	} {
		wantKind(t, name, call(), muster.NotFound)
	}
	if v := must[muster.PlayerView](t)(r.Player(ctx, bob)); v.ID != ann {
		t.Errorf("the old id leads to %+v", v)
	}
	r.erase(t)
	if _, err := r.rename(ann, "Bob the Builder"); err != nil {
		t.Errorf("the name is not free: %v", err)
	}
	if doc := must[muster.Document](t)(r.Document(ctx, muster.DataOwner, ann, "badges")); !strings.Contains(string(doc.Body), "ann") {
		t.Errorf("ann's document is now %s", doc.Body)
	}
	if doc := must[muster.Document](t)(r.Document(ctx, muster.DataOwner, ann, "inventory")); !strings.Contains(string(doc.Body), "inventory") {
		t.Errorf("bob's document did not come: %s", doc.Body)
	}
	history := must[muster.MatchHistoryPage](t)(r.Matches(ctx, ann, 10, ""))
	if len(history.Matches) != 1 || history.Matches[0].SessionID != played || history.Matches[0].PlayedAs != bob {
		t.Errorf("ann's history is %+v", history)
	}
	if now := r.rating(t, ann); now.Games != 0 || before.Games != 1 {
		t.Errorf("ann's rating is %+v after bob's %+v", now, before)
	}
	for _, e := range r.board(t).Entries {
		if e.PlayerID == bob {
			t.Errorf("bob is still on the board: %+v", e)
		}
	}
	left := must[[]muster.Record](t)(r.store.List(ctx, muster.PlayerPartition(bob), muster.ListOptions{}))
	var kept []string
	for _, rec := range left {
		kind, _, _ := strings.Cut(rec.Sort, "#")
		kept = append(kept, kind)
	}
	if !slices.Equal(kept, []string{"A", "MR", "RATING"}) {
		t.Errorf("of bob are kept %q", kept)
	}
	r.wantReplayed(t)
}

func TestMergesThatAreRefused(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name string
		make func(t *testing.T, r *rig, ann, bob muster.PlayerID)
		kind muster.Kind
		code string
	}{
		{"who waits for a match", func(t *testing.T, r *rig, _, bob muster.PlayerID) { r.start(t, bob, duel()) }, muster.Conflict, "merge.busy"},
		{"who is in a party", func(t *testing.T, r *rig, _, bob muster.PlayerID) {
			_ = must[muster.PartyView](t)(r.CreateParty(ctx, bob, muster.PartySettings{}))
		}, muster.Conflict, "merge.busy"},
		{"who has an identity of the same provider", func(t *testing.T, r *rig, ann, _ muster.PlayerID) {
			_ = must[muster.LinksView](t)(r.Link(ctx, ann, muster.Identity{Provider: "discord", Subject: "ann"}, nil))
		}, muster.Conflict, "merge.both_have"},
		{"whose ways in would be too many", func(t *testing.T, r *rig, ann, _ muster.PlayerID) {
			for i := range 8 {
				_ = must[muster.LinksView](t)(r.Link(ctx, ann, by(fmt.Sprint("provider-", i)), nil))
			}
		}, muster.Conflict, "identity.too_many"},
		{"who is deleted", func(t *testing.T, r *rig, _, bob muster.PlayerID) {
			if err := r.DeleteAccount(ctx, bob); err != nil {
				t.Fatal(err)
			}
		}, muster.NotFound, "player.not_found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, ann, bob, _ := mergers(t, nil)
			c.make(t, r, ann, bob)
			_, err := r.Merge(ctx, ann, bob, nil)
			wantError(t, err, c.kind, c.code)
			if c.kind == muster.Conflict {
				r.wantLinked(t, by("discord"), bob)
			}
		})
	}
	t.Run("anybody where merging is off", func(t *testing.T) {
		r, ann, bob, _ := mergers(t, func(o *muster.Options) { o.Merging = muster.MergeOff })
		_, err := r.Merge(ctx, ann, bob, nil)
		wantError(t, err, muster.Denied, "merge.off")
	})
	t.Run("the same player is merged already", func(t *testing.T) {
		r, ann, _, _ := mergers(t, nil)
		if v := must[muster.LinksView](t)(r.Merge(ctx, ann, ann, nil)); len(v.Merged) != 0 || providers(v) != "guest steam" {
			t.Errorf("the answer is %+v", v)
		}
	})
}

func TestDocumentsOfAMergedPlayerAreErasedWherePolicySaysSo(t *testing.T) {
	ctx := context.Background()
	r, ann, bob, _ := mergers(t, func(o *muster.Options) { o.Merging = muster.MergeKeep })
	_ = must[muster.LinksView](t)(r.Merge(ctx, ann, bob, nil))
	r.erase(t)
	if _, err := r.Document(ctx, muster.DataOwner, ann, "inventory"); muster.KindOf(err) != muster.NotFound {
		t.Errorf("reading bob's document as ann: %v", err)
	}
	if docs := must[[]muster.Record](t)(r.store.List(ctx, muster.PlayerPartition(bob), muster.ListOptions{Prefix: "D#"})); len(docs) > 0 {
		t.Errorf("bob's documents are left: %v", docs)
	}
}

func TestAGuestWhoTakesInAPlayerGetsANewSecret(t *testing.T) {
	ctx := context.Background()
	r, _, bob, _ := mergers(t, nil)
	dora := r.guest("dora")
	view := must[muster.LinksView](t)(r.Merge(ctx, dora, bob, []byte("new")))
	if !reflect.DeepEqual(view.Guest, &muster.Guest{ID: "dora"}) {
		t.Errorf("the answer is %+v", view)
	}
	if _, hash, _ := r.FindIdentity(ctx, guestOf("dora")); string(hash) != "new" {
		t.Errorf("the secret is %q", hash)
	}
	eve := r.guest("eve")
	if view := must[muster.LinksView](t)(r.Merge(ctx, dora, eve, []byte("newer"))); view.Guest != nil || len(view.Merged) != 2 {
		t.Errorf("a guest who is merged brings no way in: %+v", view)
	}
}

func TestMergedPlayersFollowWhoeverIsMerged(t *testing.T) {
	ctx := context.Background()
	r, ann, bob, played := mergers(t, nil)
	dora := r.guest("dora")
	_ = must[muster.LinksView](t)(r.Link(ctx, dora, by("epic"), nil))
	_ = must[muster.LinksView](t)(r.Merge(ctx, ann, bob, nil))
	view := must[muster.LinksView](t)(r.Merge(ctx, dora, ann, nil))
	if len(view.Merged) != 2 || providers(view) != "guest epic steam discord" {
		t.Errorf("the answer is %+v", view)
	}
	for _, old := range []muster.PlayerID{ann, bob} {
		if v := must[muster.PlayerView](t)(r.Player(ctx, old)); v.ID != dora {
			t.Errorf("%s leads to %s", old, v.ID)
		}
		if v := must[muster.AdminPlayerView](t)(r.InspectPlayer(ctx, old)); v.Status != "merged" || v.MergedInto != dora || v.MergedAt == nil {
			t.Errorf("an operator sees %+v", v)
		}
	}
	r.erase(t)
	if page := must[muster.MatchHistoryPage](t)(r.Matches(ctx, dora, 10, "")); len(page.Matches) != 1 || page.Matches[0].SessionID != played {
		t.Errorf("the history is %+v", page)
	}
	if doc := must[muster.Document](t)(r.Document(ctx, muster.DataOwner, dora, "inventory")); !strings.Contains(string(doc.Body), "inventory") {
		t.Errorf("bob's document is %s", doc.Body)
	}
	write, err := r.Export(ctx, dora)
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	if err := write(&body); err != nil {
		t.Fatal(err)
	}
	var exported struct {
		Merged []struct {
			ID      muster.PlayerID
			Ratings map[string]struct{ Games int }
		}
		Matches []muster.MatchHistoryView
	}
	if err := json.Unmarshal(body.Bytes(), &exported); err != nil {
		t.Fatal(err)
	}
	if len(exported.Merged) != 2 || exported.Merged[0].ID != bob || exported.Merged[0].Ratings["duel"].Games != 1 || len(exported.Matches) != 1 {
		t.Errorf("exported is %s", body.String())
	}
}

func TestWhoWasMergedIsDeletedWithTheOther(t *testing.T) {
	ctx := context.Background()
	for _, at := range []string{"at once", "later"} {
		t.Run(at, func(t *testing.T) {
			r, ann, bob, _ := mergers(t, nil)
			_ = must[muster.LinksView](t)(r.Merge(ctx, ann, bob, nil))
			if at == "later" {
				r.erase(t)
			}
			if err := r.DeleteAccount(ctx, ann); err != nil {
				t.Fatal(err)
			}
			r.wantUnlinked(t, by("discord"))
			for _, wait := range []time.Duration{0, 26 * time.Hour, 9 * 24 * time.Hour} {
				r.clock.advance(wait)
				r.erase(t)
			}
			for _, p := range []muster.PlayerID{ann, bob} {
				left := r.traces(t, string(p), "bob the builder", "the-one")
				left = slices.DeleteFunc(left, func(key string) bool { return strings.HasPrefix(key, "AUD#") && strings.Contains(key, "#deleted#") })
				if len(left) > 0 {
					t.Errorf("%s is still in %q", p, left)
				}
			}
		})
	}
}

func TestALateResultOfAMergedPlayerCounts(t *testing.T) {
	ctx := context.Background()
	r, ann, bob, _ := mergers(t, nil)
	carol, _, err := r.EnsurePlayer(ctx, guestOf("carol"), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.start(t, bob, duel())
	r.start(t, carol, duel())
	r.mustDeliver(t)
	seat, theirs := must[muster.SeatView](t)(r.Seat(ctx, bob)), must[muster.SeatView](t)(r.Seat(ctx, carol))
	if err := r.LeaveSession(ctx, bob); err != nil {
		t.Fatal(err)
	}
	_ = must[muster.LinksView](t)(r.Merge(ctx, ann, bob, nil))
	r.erase(t)
	_ = must[muster.ResultView](t)(r.ReportResult(ctx, seat.SessionID, muster.ResultReport{Teams: []muster.ResultTeam{
		{Name: seat.Team, Rank: 2, Players: []muster.ResultPlayer{{PlayerID: bob, Left: true}}},
		{Name: theirs.Team, Rank: 1, Players: []muster.ResultPlayer{{PlayerID: carol}}},
	}}))
	r.erase(t)
	page := must[muster.MatchHistoryPage](t)(r.Matches(ctx, ann, 1, ""))
	if len(page.Matches) != 1 || page.Matches[0].SessionID != seat.SessionID || page.Next == "" {
		t.Fatalf("the newest match is %+v", page)
	}
	if page = must[muster.MatchHistoryPage](t)(r.Matches(ctx, ann, 1, page.Next)); len(page.Matches) != 1 || page.Matches[0].SessionID == seat.SessionID {
		t.Errorf("the match before is %+v", page)
	}
	for _, e := range r.board(t).Entries {
		if e.PlayerID == bob {
			t.Errorf("bob is on the board again: %+v", e)
		}
	}
	r.wantReplayed(t)
}

// A merge that is cut off anywhere is whole or not there, and what follows from it goes on.
func TestAMergeGoesOnWhereverItWasCutOff(t *testing.T) {
	ctx := context.Background()
	for cut := 0; ; cut++ {
		r, ann, bob, _ := mergers(t, nil)
		dying := newRigWith(false, func(o *muster.Options) {
			withData(o)
			o.Store, o.Now, o.GameLift = &failingStore{Store: r.store, left: cut}, r.clock.now, r.lift
			o.Profile, o.NewID = muster.ProfileOptions{Names: muster.NamesUnique}, ids("0199c0de-0000-7000-8000-1")
		})
		_, err := dying.Merge(ctx, ann, bob, nil)
		if err != nil {
			r.wantLinked(t, by("discord"), bob)
			_ = must[muster.LinksView](t)(r.Merge(ctx, ann, bob, nil))
		} else {
			err = dying.ErasePlayers(ctx)
		}
		r.clock.advance(2 * time.Minute) // longer than the lease of who died
		r.erase(t)
		r.wantLinked(t, by("discord"), ann)
		for _, namespace := range []string{"inventory", "badges"} {
			if doc, failed := r.Document(ctx, muster.DataOwner, ann, namespace); failed != nil || !strings.Contains(string(doc.Body), namespace) {
				t.Errorf("bob's document %s is %s (%v)", namespace, doc.Body, failed)
			}
		}
		if entries := r.entriesOf(t, bob); len(entries) > 0 {
			t.Error("bob is still on the board")
		}
		if t.Failed() {
			t.Fatalf("cut off after %d writes", cut)
		}
		if err == nil {
			t.Logf("a merge of this player is %d writes", cut)
			return
		}
	}
}

func wantKind(t *testing.T, doing string, err error, kind muster.Kind) {
	t.Helper()
	if err == nil || muster.KindOf(err) != kind {
		t.Errorf("%s: error is %v, want %v", doing, err, kind)
	}
}
