package muster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
)

// private is a rig in which a player can have something of every kind.
func private() *rig {
	next := ids("0199c0de-0000-7000-8000-0000000")
	return newRigWith(false, func(o *muster.Options) {
		withData(o)
		o.NewID = next
		o.Profile = muster.ProfileOptions{Names: muster.NamesUnique, Avatars: []string{"owl"}}
		o.SignIns = func(context.Context, muster.PlayerID) ([]muster.SignInView, error) {
			return []muster.SignInView{{Device: "a telephone"}}, nil
		}
	})
}

// live gives a player something of every kind, a match against another included.
func (r *rig) live(t *testing.T, p, other muster.PlayerID, name string) muster.SessionID {
	t.Helper()
	ctx := context.Background()
	avatar, locale := "owl", "de"
	_ = must[muster.PlayerView](t)(r.UpdateProfile(ctx, p, muster.ProfileChange{DisplayName: &name, Avatar: &avatar, Locale: &locale}, noExpectation))
	for _, namespace := range []string{"inventory", "badges", "attributes"} {
		_ = must[muster.Document](t)(putData(r, p, namespace, `{"of":"`+namespace+`"}`))
	}
	signIn := muster.Key{Partition: muster.PlayerPartition(p), Sort: muster.SignInPrefix + "family"}
	if err := r.store.Write(ctx, muster.Op{Kind: muster.Put, Key: signIn, Value: []byte(`{"hash":"hush"}`), Version: muster.AnyVersion}); err != nil {
		t.Fatal(err)
	}
	session := r.play(t, p, other)
	_ = must[muster.PartyView](t)(r.CreateParty(ctx, p, muster.PartySettings{}))
	return session
}

// play lets two players play a match to its result; the first wins.
func (r *rig) play(t *testing.T, p, other muster.PlayerID) muster.SessionID {
	t.Helper()
	ctx := context.Background()
	for _, who := range []muster.PlayerID{p, other} {
		if _, _, err := r.StartTicket(ctx, who, duel(), "key"+string(who)+fmt.Sprint(r.clock.now().Unix())); err != nil {
			t.Fatal(err)
		}
	}
	r.mustDeliver(t)
	seat, theirs := must[muster.SeatView](t)(r.Seat(ctx, p)), must[muster.SeatView](t)(r.Seat(ctx, other))
	_ = must[muster.ResultView](t)(r.ReportResult(ctx, seat.SessionID, muster.ResultReport{Teams: []muster.ResultTeam{
		{Name: seat.Team, Rank: 1, Players: []muster.ResultPlayer{{PlayerID: p}}},
		{Name: theirs.Team, Rank: 2, Players: []muster.ResultPlayer{{PlayerID: other}}},
	}}))
	r.clock.advance(time.Second)
	return seat.SessionID
}

// traces lists the keys of the records in which one of the words stands, tombstones left
// out.
func (r *rig) traces(t *testing.T, words ...string) []string {
	t.Helper()
	var found []string
	err := r.store.Scan(context.Background(), func(page []muster.Record) error {
		for _, rec := range page {
			text := rec.Partition + "/" + rec.Sort + " " + string(rec.Value)
			isTombstone := rec.Sort == "A" && strings.Contains(string(rec.Value), `"status":"deleted"`) ||
				strings.HasPrefix(rec.Partition, "AUD#") && strings.Contains(string(rec.Value), `"event":"deleted"`)
			for _, word := range words {
				if strings.Contains(strings.ToLower(text), strings.ToLower(word)) && (!isTombstone || word != words[0]) {
					found = append(found, rec.Partition+"/"+rec.Sort)
					break
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

func TestADeletedPlayerLeavesNoTrace(t *testing.T) {
	ctx := context.Background()
	r := private()
	ann, bob := r.guest("ann-the-subject"), r.guest("bob")
	session := r.live(t, ann, bob, "Adalovelace")
	ticket := r.start(t, ann, duel())
	if err := r.DeleteAccount(ctx, ann); err != nil {
		t.Fatal(err)
	}
	if left := r.traces(t, "ann-the-subject", "ada1ove1ace"); len(left) > 0 {
		t.Errorf("the identity or the name is still in %q", left)
	}
	if signIns, err := r.store.List(ctx, muster.PlayerPartition(ann), muster.ListOptions{Prefix: muster.SignInPrefix}); err != nil || len(signIns) > 0 {
		t.Errorf("sign-ins are left: %v (%v)", signIns, err)
	}
	r.erase(t)
	if status := r.lift.tickets[ticket.ID].Status; status != muster.Cancelled {
		t.Errorf("the ticket is still %s at GameLift", status)
	}
	partition := must[[]muster.Record](t)(r.store.List(ctx, muster.PlayerPartition(ann), muster.ListOptions{}))
	if len(partition) != 2 || partition[0].Sort != "A" || partition[0].ExpiresAt.IsZero() || partition[1].Sort != "RATING#duel" {
		t.Errorf("of the player are left %v, want the tombstone that expires, and the rating for results that may come", partition)
	}
	if left := r.traces(t, string(ann), "Adalovelace", "ann-the-subject"); !slices.Equal(kinds(left), []string{"DENY", "DUE", "P", "T"}) {
		t.Errorf("the player is still in %q; only what expires by itself may be", left)
	}
	r.clock.advance(25 * time.Hour)
	r.erase(t)
	if left := r.traces(t, string(ann), "Adalovelace", "ann-the-subject"); !slices.Equal(kinds(left), []string{"DUE", "P"}) {
		t.Errorf("a day later the player is still in %q", left)
	}
	page := must[muster.MatchHistoryPage](t)(r.Matches(ctx, bob, 10, ""))
	if len(page.Matches) != 1 || page.Matches[0].SessionID != session || len(page.Matches[0].Teams) != 2 {
		t.Fatalf("the other's history is %+v", page)
	}
	if id := page.Matches[0].Teams[0].Players[0].PlayerID; !strings.HasPrefix(string(id), "deleted-") {
		t.Errorf("the winner is shown as %s", id)
	}
	r.clock.advance(8 * 24 * time.Hour)
	r.erase(t)
	if left := r.traces(t, string(ann)); len(left) > 0 {
		t.Errorf("nine days later the player is in %q", left)
	}
	r.clock.advance(22 * 24 * time.Hour)
	if left := must[[]muster.Record](t)(r.store.List(ctx, muster.PlayerPartition(ann), muster.ListOptions{})); len(left) > 0 {
		t.Errorf("the tombstone is still there: %v", left)
	}
}

// kinds are the kinds of records, each once.
func kinds(keys []string) []string {
	seen := map[string]bool{}
	for _, key := range keys {
		kind, _, _ := strings.Cut(key, "#")
		seen[kind] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// deleted says that access tokens of a player are refused because the account is gone.
func (r *rig) deleted(p muster.PlayerID) bool {
	var e *muster.Error
	return errors.As(r.Revoked(muster.Caller{Player: p, Scope: muster.GuestScope}), &e) && e.Code == "account.deleted"
}

// erase does what is due of deleted players until nothing is, for now.
func (r *rig) erase(t *testing.T) {
	t.Helper()
	for range 10 {
		r.clock.advance(time.Second)
		if err := r.ErasePlayers(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFromTheDeletionOnThePlayerDoesNotExist(t *testing.T) {
	ctx := context.Background()
	r := private()
	ann, bob := r.guest("ann"), r.guest("bob")
	r.live(t, ann, bob, "Ada")
	if r.deleted(ann) {
		t.Error("a player counts as deleted before the deletion")
	}
	r.inbox.take()
	if err := r.DeleteAccount(ctx, ann); err != nil {
		t.Fatal(err)
	}
	if news := r.inbox.take(); len(news) != 1 || news[0].Player != ann || news[0].Type != muster.NoticeRevoked {
		t.Errorf("told were %+v", news)
	}
	if !r.deleted(ann) || r.deleted(bob) {
		t.Error("tokens of the deleted player pass, or those of another do not")
	}
	avatar := "owl"
	for name, call := range map[string]func() error{
		"read the account":  func() error { _, err := r.Me(ctx, ann); return err },
		"be read by others": func() error { _, err := r.Player(ctx, ann); return err },
		"change the profile": func() error {
			_, err := r.UpdateProfile(ctx, ann, muster.ProfileChange{Avatar: &avatar}, noExpectation)
			return err
		},
		"start a ticket":         func() error { _, _, err := r.StartTicket(ctx, ann, duel(), ""); return err },
		"read a document":        func() error { _, err := r.Document(ctx, muster.DataOwner, ann, "inventory"); return err },
		"show a public document": func() error { _, err := r.Document(ctx, muster.DataStranger, ann, "badges"); return err },
		"write a document":       func() error { _, err := putData(r, ann, "inventory", `{}`); return err },
		"list documents":         func() error { _, err := r.Documents(ctx, ann); return err },
		"export":                 func() error { _, err := r.Export(ctx, ann); return err },
		"be deleted again":       func() error { return r.DeleteAccount(ctx, ann) },
		"create a party":         func() error { _, err := r.CreateParty(ctx, ann, muster.PartySettings{}); return err },
		"be invited": func() error {
			_ = must[muster.PartyView](t)(r.CreateParty(ctx, bob, muster.PartySettings{}))
			_, err := r.Invite(ctx, bob, ann)
			return err
		},
	} {
		if err := call(); muster.KindOf(err) != muster.NotFound {
			t.Errorf("a deleted player can %s: %v", name, err)
		}
	}
	again, created, err := r.EnsurePlayer(ctx, muster.Identity{Provider: muster.GuestProvider, Subject: "ann"}, nil)
	if err != nil || !created || again == ann {
		t.Errorf("signing in again gives player %s, created %t, %v: want a new one", again, created, err)
	}
	name := "Ada"
	if _, err := r.UpdateProfile(ctx, bob, muster.ProfileChange{DisplayName: &name}, noExpectation); err != nil {
		t.Errorf("the name of a deleted player is not free: %v", err)
	}
}

func TestAnotherReplicaLearnsOfADeletion(t *testing.T) {
	ctx := context.Background()
	one := private()
	ann := one.guest("ann")
	two := newRigWith(false, func(o *muster.Options) { o.Store, o.Now = one.store, one.clock.now })
	if err := one.DeleteAccount(ctx, ann); err != nil {
		t.Fatal(err)
	}
	if two.deleted(ann) {
		t.Fatal("the other replica knows already")
	}
	if err := two.LearnRevocations(ctx); err != nil || !two.deleted(ann) {
		t.Errorf("after a look the other replica does not know (%v)", err)
	}
	one.clock.advance(40 * time.Minute)
	for _, r := range []*rig{one, two} {
		if err := r.LearnRevocations(ctx); err != nil || r.deleted(ann) {
			t.Errorf("when all tokens are over, the player is still denied (%v)", err)
		}
	}
}

// failingStore fails every write after some.
type failingStore struct {
	muster.Store
	mu   sync.Mutex
	left int
}

func (s *failingStore) Write(ctx context.Context, ops ...muster.Op) error {
	s.mu.Lock()
	s.left--
	dark := s.left < 0
	s.mu.Unlock()
	if dark {
		return errors.New("the lights went out")
	}
	return s.Store.Write(ctx, ops...)
}

func TestAPurgeGoesOnWhereverItWasCutOff(t *testing.T) {
	ctx := context.Background()
	for cut := 0; ; cut++ {
		r := private()
		ann, bob := r.guest("ann"), r.guest("bob")
		for range 3 {
			r.play(t, ann, bob)
		}
		r.live(t, ann, bob, "Adalovelace")
		r.start(t, ann, duel())
		if err := r.DeleteAccount(ctx, ann); err != nil {
			t.Fatal(err)
		}
		dying := newRigWith(false, func(o *muster.Options) {
			o.Store, o.Now, o.GameLift = &failingStore{Store: r.store, left: cut}, r.clock.now, r.lift
		})
		err := dying.ErasePlayers(ctx)
		r.clock.advance(2 * time.Minute)
		r.erase(t)
		if left := r.traces(t, string(ann), "Adalovelace"); !slices.Equal(kinds(left), []string{"DENY", "DUE", "P", "T"}) {
			t.Fatalf("cut off after %d writes the player is still in %q", cut, left)
		}
		if page := must[muster.MatchHistoryPage](t)(r.Matches(ctx, bob, 10, "")); len(page.Matches) != 4 {
			t.Fatalf("cut off after %d writes the other has %d matches", cut, len(page.Matches))
		}
		if err == nil {
			t.Logf("a purge of this player is %d writes", cut)
			return
		}
	}
}

func TestAResultThatComesAfterADeletionIsErasedToo(t *testing.T) {
	ctx := context.Background()
	r := private()
	ann, bob := r.guest("ann"), r.guest("bob")
	r.start(t, ann, duel())
	r.start(t, bob, duel())
	r.mustDeliver(t)
	seat, theirs := must[muster.SeatView](t)(r.Seat(ctx, ann)), must[muster.SeatView](t)(r.Seat(ctx, bob))
	if err := r.DeleteAccount(ctx, ann); err != nil {
		t.Fatal(err)
	}
	r.erase(t)
	r.clock.advance(2 * time.Hour)
	_ = must[muster.ResultView](t)(r.ReportResult(ctx, seat.SessionID, muster.ResultReport{Teams: []muster.ResultTeam{
		{Name: seat.Team, Rank: 1, Players: []muster.ResultPlayer{{PlayerID: ann}}},
		{Name: theirs.Team, Rank: 2, Players: []muster.ResultPlayer{{PlayerID: bob}}},
	}}))
	r.clock.advance(8 * 24 * time.Hour)
	r.erase(t)
	if left := r.traces(t, string(ann)); len(left) > 0 {
		t.Errorf("the player is in %q", left)
	}
	if page := must[muster.MatchHistoryPage](t)(r.Matches(ctx, bob, 10, "")); len(page.Matches) != 1 {
		t.Errorf("the other's history is %+v", page)
	}
}

func TestRatingsAreReplayedWithoutDeletedPlayers(t *testing.T) {
	ctx := context.Background()
	r := private()
	ann, bob := r.guest("ann"), r.guest("bob")
	for range 3 {
		r.play(t, ann, bob)
	}
	before := must[[]muster.RatingView](t)(r.Ratings(ctx, bob))
	if err := r.DeleteAccount(ctx, ann); err != nil {
		t.Fatal(err)
	}
	r.erase(t)
	report := must[muster.ReplayReport](t)(r.Replay(ctx, "duel", muster.ReplayOptions{Write: true}))
	if report.Different != 0 || report.Results != 3 {
		t.Errorf("the replay reports %+v", report)
	}
	if after := must[[]muster.RatingView](t)(r.Ratings(ctx, bob)); after[0] != before[0] {
		t.Errorf("the other's rating is %+v, was %+v", after[0], before[0])
	}
	if left := r.traces(t, "P#deleted-"); len(left) > 0 {
		t.Errorf("records were made for who is no player: %q", left)
	}
}

func TestAnExportHasEverythingAndNoSecret(t *testing.T) {
	ctx := context.Background()
	r := private()
	ann, bob := r.guest("ann-the-subject"), r.guest("bob")
	for range 5 {
		r.play(t, bob, ann)
	}
	r.live(t, ann, bob, "Adalovelace")
	r.start(t, ann, duel())
	var out bytes.Buffer
	write := must[func(io.Writer) error](t)(r.Export(ctx, ann))
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Account    struct{ ID muster.PlayerID }
		Profile    struct{ DisplayName, Avatar, Locale string }
		Identities []struct{ Provider, Subject string }
		SignIns    []muster.SignInView
		Documents  map[string]json.RawMessage
		Ratings    map[string]struct{ Games int }
		Activity   muster.ActivityView
		Ticket     struct {
			ID         muster.TicketID
			Attributes []muster.SentAttributeView
		}
		Party   struct{ ID muster.PartyID }
		Matches []muster.MatchHistoryView
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("the export is no JSON: %v\n%s", err, out.Bytes())
	}
	switch {
	case got.Account.ID != ann, got.Profile.DisplayName != "Adalovelace", got.Profile.Avatar != "owl", got.Profile.Locale != "de":
		t.Errorf("account or profile: %s", out.Bytes())
	case len(got.Identities) != 1 || got.Identities[0].Subject != "ann-the-subject" || len(got.SignIns) != 1:
		t.Errorf("identities or sign-ins: %s", out.Bytes())
	case len(got.Documents) != 3 || string(got.Documents["attributes"]) != `{"of":"attributes"}`:
		t.Errorf("documents: %s", out.Bytes())
	case got.Ratings["duel"].Games != 6 || len(got.Matches) != 6:
		t.Errorf("ratings or matches: %s", out.Bytes())
	case got.Activity.Kind != "ticket" || got.Ticket.ID == "" || len(got.Ticket.Attributes) != 3 || got.Party.ID == "":
		t.Errorf("what the player does: %s", out.Bytes())
	}
	for _, secret := range []string{"hush", "hash", "psess-"} {
		if strings.Contains(strings.ToLower(out.String()), secret) {
			t.Errorf("the export holds %q: %s", secret, out.Bytes())
		}
	}
	// Whoever adds a kind of record to a player's partition says here whether it is exported.
	known := []string{"A", "RT#", "SLOT", "DATA#", "RATING#", "MR#", "PARTY", "INVITES"}
	for _, rec := range must[[]muster.Record](t)(r.store.List(ctx, muster.PlayerPartition(ann), muster.ListOptions{})) {
		if !slices.ContainsFunc(known, func(prefix string) bool { return strings.HasPrefix(rec.Sort, prefix) }) {
			t.Errorf("record %s of a player is in no export", rec.Sort)
		}
	}
	out.Reset()
	write = must[func(io.Writer) error](t)(r.Export(ctx, r.guest("eve")))
	if err := write(&out); err != nil || !json.Valid(out.Bytes()) || !strings.Contains(out.String(), `"matches":[]`) {
		t.Errorf("the export of a new player: %v\n%s", err, out.Bytes())
	}
}

func TestAnOperatorSeesAPlayer(t *testing.T) {
	ctx := context.Background()
	r := private()
	ann, bob := r.guest("ann-the-subject"), r.guest("bob")
	r.live(t, ann, bob, "Ada")
	ticket := r.start(t, ann, duel())
	v := must[muster.AdminPlayerView](t)(r.InspectPlayer(ctx, ann))
	if v.Status != "active" || v.DisplayName != "Ada" || len(v.Ways) != 1 || len(v.SignIns) != 1 || len(v.Documents) != 3 || len(v.Matches) != 1 {
		t.Errorf("shown is %+v", v)
	}
	if game := must[muster.MatchHistoryPage](t)(r.Matches(ctx, ann, 1, "")).Matches[0]; game.Voided != v.Matches[0].Voided || game.Season != v.Matches[0].Season {
		t.Errorf("the match is shown as %+v, it is %+v", v.Matches[0], game)
	}
	if v.Slot == nil || v.Slot.TicketID != ticket.ID || v.PartyID == "" || v.Ratings[0].Games != 1 {
		t.Errorf("shown is %+v", v)
	}
	body, err := json.Marshal(v)
	if err != nil || strings.Contains(string(body), "ann-the-subject") || strings.Contains(string(body), "hush") {
		t.Errorf("shown is %s (%v)", body, err)
	}
	if err := r.DeleteAccount(ctx, ann); err != nil {
		t.Fatal(err)
	}
	if v := must[muster.AdminPlayerView](t)(r.InspectPlayer(ctx, ann)); v.Status != "deleted" || v.DeletedAt == nil || v.DisplayName != "Deleted player" {
		t.Errorf("shown is %+v", v)
	}
	_, err = r.InspectPlayer(ctx, "nobody")
	wantError(t, err, muster.NotFound, "player.not_found")
}
