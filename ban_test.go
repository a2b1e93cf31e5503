package muster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
)

// operator is a context of an operator's request.
func operator() context.Context {
	ctx := muster.WithClient(context.Background(), muster.Client{Address: netip.MustParseAddr("192.0.2.9"), UserAgent: "curl/8"})
	return muster.WithCaller(ctx, muster.Caller{Scope: muster.AdminScope, Key: "0123456789abcdef"})
}

func TestABannedPlayerIsOutAtOnce(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	phone := r.signIn(t, ann, "phone")
	ticket := r.start(t, ann, duel())
	until := r.clock.now().Add(48 * time.Hour)
	made := must[muster.BanView](t)(r.Ban(operator(), ann, muster.BanRequest{Reason: "aimbot", Until: until}))
	if made.Reason != "aimbot" || made.By != "0123456789abcdef" || made.Until == nil || !made.Until.Equal(until) {
		t.Errorf("the ban is %+v", made)
	}
	if status := r.lift.tickets[ticket.ID].Status; status != muster.Cancelled {
		t.Errorf("the ticket is %s at GameLift", status)
	}
	if left := r.signIns(t, ann); len(left) > 0 {
		t.Errorf("sign-ins are left: %v", left)
	}
	if code := r.refusal(phone); code != "account.banned" {
		t.Errorf("the access token is refused with %q", code)
	}
	if code := r.refusal(muster.Caller{Player: ann, Family: "of a sign-in that came at that moment"}); code != "account.banned" {
		t.Errorf("an access token of a late sign-in is refused with %q", code)
	}
	err := r.Admit(ctx, ann, muster.SignInRef{})
	wantError(t, err, muster.Denied, "account.banned")
	var e *muster.Error
	if !errors.As(err, &e) || e.Details["until"] != until || e.Details["reason"] != "aimbot" || !strings.Contains(e.Message, "2026-03-03T12:00:00Z: aimbot") {
		t.Errorf("the refusal says %+v", e)
	}
	if told := r.Revoked(phone); !errors.As(told, &e) || e.Details["reason"] != "aimbot" {
		t.Errorf("who holds an access token is told %v", told)
	}
	other := r.beside()
	if err := other.LearnRevocations(ctx); err != nil {
		t.Fatal(err)
	}
	if told := other.Revoked(phone); !errors.As(told, &e) || e.Details["reason"] != "aimbot" {
		t.Errorf("another replica says %v", told)
	}
	if v := must[muster.AdminPlayerView](t)(r.InspectPlayer(ctx, ann)); v.Ban == nil || v.Ban.Reason != "aimbot" {
		t.Errorf("operators see %+v", v.Ban)
	}
	r.clock.advance(48 * time.Hour)
	if err := r.Admit(ctx, ann, muster.SignInRef{}); err != nil || r.refusal(phone) != "" {
		t.Errorf("after its end the ban still holds: %v", err)
	}
}

func TestAShortBanEndsForAccessTokensToo(t *testing.T) {
	r := newRig(false)
	ann := r.guest("ann")
	_ = must[muster.BanView](t)(r.Ban(operator(), ann, muster.BanRequest{Reason: "language", Until: r.clock.now().Add(time.Minute)}))
	r.clock.advance(time.Minute)
	if code := r.refusal(r.signIn(t, ann, "new")); code != "" {
		t.Errorf("a minute later a new sign-in is refused: %s", code)
	}
}

func TestABanFreesTheSeatAndThePlaceInTheParty(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann, bob, _ := r.match(t)
	_ = must[muster.BanView](t)(r.Ban(operator(), ann, muster.BanRequest{Reason: "x"}))
	if _, err := r.Seat(ctx, ann); muster.KindOf(err) != muster.NotFound {
		t.Errorf("the banned player has a seat: %v", err)
	}
	if _, err := r.Seat(ctx, bob); err != nil {
		t.Errorf("the other has none: %v", err)
	}
	party := must[muster.PartyView](t)(r.CreateParty(ctx, r.guest("cleo"), muster.PartySettings{}))
	dan := r.guest("dan")
	_ = must[muster.PartyView](t)(r.JoinParty(ctx, dan, party.Code))
	_ = must[muster.BanView](t)(r.Ban(operator(), dan, muster.BanRequest{Reason: "x"}))
	if _, err := r.Party(ctx, dan); muster.KindOf(err) != muster.NotFound {
		t.Errorf("the banned player is in a party: %v", err)
	}
}

func TestWhatABannedPlayerBeganMeanwhileIsUndoneALittleLater(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	_ = must[muster.BanView](t)(r.Ban(operator(), ann, muster.BanRequest{Reason: "x"}))
	ticket := r.start(t, ann, duel()) // its call was verified before the ban
	late := r.signIn(t, ann, "late")
	r.clock.advance(40 * time.Second)
	if err := r.EvictBanned(ctx); err != nil {
		t.Fatal(err)
	}
	if status := r.lift.tickets[ticket.ID].Status; status != muster.Cancelled {
		t.Errorf("the ticket is %s at GameLift", status)
	}
	if left := r.signIns(t, ann); len(left) > 0 || r.refusal(late) == "" {
		t.Errorf("sign-ins are left: %v", left)
	}
	if due := r.dueOf(t, "eviction"); due > 0 {
		t.Errorf("%d due records are left", due)
	}
}

// dueOf counts the due records of a kind.
func (r *rig) dueOf(t *testing.T, kind string) int {
	n := 0
	for shard := range 8 {
		n += len(must[[]muster.Record](t)(r.store.List(context.Background(), fmt.Sprintf("DUE#%s#%d", kind, shard), muster.ListOptions{})))
	}
	return n
}

func TestUnbanLetsInAndLeavesOldSignInsEnded(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	phone := r.signIn(t, ann, "phone")
	if err := r.Unban(operator(), ann); err != nil {
		t.Fatalf("who is not banned: %v", err)
	}
	_ = must[muster.BanView](t)(r.Ban(operator(), ann, muster.BanRequest{Reason: "x"}))
	if err := r.Unban(operator(), ann); err != nil { // within the same millisecond
		t.Fatal(err)
	}
	if err := r.Admit(ctx, ann, muster.SignInRef{}); err != nil {
		t.Errorf("the player is not let in: %v", err)
	}
	if r.refusal(phone) != "token.revoked" || r.refusal(r.signIn(t, ann, "new")) != "" {
		t.Errorf("the old sign-in is refused with %q, a new one with %q", r.refusal(phone), r.refusal(muster.Caller{Player: ann, Family: "new"}))
	}
	r.clock.advance(time.Minute)
	if err := r.EvictBanned(ctx); err != nil || !slices.Equal(r.signIns(t, ann), []string{"new"}) {
		t.Errorf("the second look took %v (%v)", r.signIns(t, ann), err)
	}
	wantError(t, r.Unban(operator(), "nobody"), muster.NotFound, "player.not_found")
}

func TestBansThatCannotBe(t *testing.T) {
	r := newRig(false)
	ann := r.guest("ann")
	for name, c := range map[string]struct {
		req  muster.BanRequest
		code string
	}{
		"without a reason":   {muster.BanRequest{}, "ban.reason"},
		"a long reason":      {muster.BanRequest{Reason: strings.Repeat("x", 201)}, "ban.reason"},
		"a control code":     {muster.BanRequest{Reason: "a\x1b[31m"}, "ban.reason"},
		"that is over":       {muster.BanRequest{Reason: "x", Until: r.clock.now()}, "ban.until"},
		"that ended in 2020": {muster.BanRequest{Reason: "x", Until: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}, "ban.until"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.Ban(operator(), ann, c.req)
			wantError(t, err, muster.Invalid, c.code)
		})
	}
	_, err := r.Ban(operator(), "nobody", muster.BanRequest{Reason: "x"})
	wantError(t, err, muster.NotFound, "player.not_found")
	if err := r.Admit(context.Background(), "nobody", muster.SignInRef{}); muster.KindOf(err) != muster.Unauthenticated {
		t.Errorf("nobody is let in: %v", err)
	}
}

func TestWhoBansAndUnbansAtOnceLeavesOneOfTheTwo(t *testing.T) {
	ctx := context.Background()
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	for round := range 20 {
		r := newRig(false)
		two := r.beside()
		ann := r.guest("ann")
		var wg sync.WaitGroup
		for range 8 {
			ban, replica := random.IntN(2) == 0, []*rig{r, two}[random.IntN(2)]
			wg.Go(func() {
				var err error
				if ban {
					_, err = replica.Ban(operator(), ann, muster.BanRequest{Reason: "x"})
				} else {
					err = replica.Unban(operator(), ann)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		r.clock.advance(time.Minute)
		if one, other := r.Admit(ctx, ann, muster.SignInRef{}), two.Admit(ctx, ann, muster.SignInRef{}); (one == nil) != (other == nil) {
			t.Fatalf("round %d: one replica says %v, the other %v", round, one, other)
		}
	}
}

func TestABannedPlayerIsNotMerged(t *testing.T) {
	ctx := context.Background()
	r, ann, bob, _ := mergers(t, nil)
	_ = must[muster.BanView](t)(r.Ban(operator(), bob, muster.BanRequest{Reason: "x"}))
	_, err := r.Merge(ctx, ann, bob, nil)
	wantError(t, err, muster.Denied, "account.banned")
	_, err = r.Merge(ctx, bob, ann, nil)
	wantError(t, err, muster.Denied, "account.banned")
	_, err = r.ScopeOf(ctx, bob, muster.SignInRef{})
	wantError(t, err, muster.Denied, "account.banned")
}

func TestABanNamesWhoMadeIt(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	made := must[muster.BanView](t)(r.Ban(operator(), ann, muster.BanRequest{Reason: "aimbot", Operator: "kim"}))
	if made.Operator != "kim" {
		t.Errorf("the ban is %+v", made)
	}
	if page := must[muster.AuditPage](t)(r.AuditTrail(ctx, ann, 10, "")); page.Entries[0].Event != muster.AuditBanned || page.Entries[0].Detail["operator"] != "kim" {
		t.Errorf("recorded is %+v", page.Entries)
	}
	if err := r.Admit(ctx, ann, muster.SignInRef{}); strings.Contains(err.Error(), "kim") {
		t.Errorf("the player is told %v", err)
	}
	var export bytes.Buffer
	if err := must[func(io.Writer) error](t)(r.Export(ctx, ann))(&export); err != nil || strings.Contains(export.String(), "kim") || !strings.Contains(export.String(), "aimbot") {
		t.Errorf("the player's export, after %v, is %s", err, export.String())
	}
	_, err := r.Ban(operator(), ann, muster.BanRequest{Reason: "aimbot", Operator: strings.Repeat("k", 101)})
	wantError(t, err, muster.Invalid, "ban.operator")
}

func TestABanOfAMergedPlayerNamesTheOther(t *testing.T) {
	ctx := context.Background()
	r, ann, bob, _ := mergers(t, nil)
	_ = must[muster.LinksView](t)(r.Merge(ctx, ann, bob, nil))
	_, err := r.Ban(operator(), bob, muster.BanRequest{Reason: "aimbot"})
	for call, err := range map[string]error{"ban": err, "unban": r.Unban(operator(), bob)} {
		wantError(t, err, muster.Conflict, "player.merged")
		var e *muster.Error
		if !errors.As(err, &e) || e.Details["mergedInto"] != ann {
			t.Errorf("%s: %+v", call, e)
		}
	}
	_, err = r.Ban(operator(), "nobody", muster.BanRequest{Reason: "aimbot"})
	wantError(t, err, muster.NotFound, "player.not_found")
}
