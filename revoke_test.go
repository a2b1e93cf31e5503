package muster_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"muster"
)

// signIn gives a player a sign-in, as package identity would.
func (r *rig) signIn(t *testing.T, p muster.PlayerID, id string) muster.Caller {
	t.Helper()
	key := muster.Key{Partition: muster.PlayerPartition(p), Sort: muster.SignInPrefix + id}
	if err := r.store.Write(context.Background(), muster.Op{Kind: muster.Put, Key: key, Value: []byte("{}"), Version: muster.AnyVersion}); err != nil {
		t.Fatal(err)
	}
	return muster.Caller{Player: p, Scope: muster.PlayerScope, Family: id}
}

// signIns lists the ids of a player's sign-ins.
func (r *rig) signIns(t *testing.T, p muster.PlayerID) []string {
	t.Helper()
	all := []string{}
	for _, rec := range must[[]muster.Record](t)(r.store.List(context.Background(), muster.PlayerPartition(p), muster.ListOptions{Prefix: muster.SignInPrefix})) {
		all = append(all, strings.TrimPrefix(rec.Sort, muster.SignInPrefix))
	}
	return all
}

// refusal is the code with which a caller's token is refused; empty: it is not.
func (r *rig) refusal(c muster.Caller) string {
	var e *muster.Error
	if errors.As(r.Revoked(c), &e) {
		return e.Code
	}
	return ""
}

// beside is another replica on the same store.
func (r *rig) beside() *rig {
	return newRigWith(false, func(o *muster.Options) { o.Store, o.Now, o.GameLift = r.store, r.clock.now, r.lift })
}

func TestAnEndedSignInIsRefusedAndTheOthersAreNot(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	phone, laptop := r.signIn(t, ann, "phone"), r.signIn(t, ann, "laptop")
	if err := r.EndSignIn(ctx, ann, "phone", muster.ByPlayer); err != nil {
		t.Fatal(err)
	}
	if r.refusal(phone) != "token.revoked" || r.refusal(laptop) != "" {
		t.Errorf("the phone is refused with %q, the laptop with %q", r.refusal(phone), r.refusal(laptop))
	}
	if left := r.signIns(t, ann); !slices.Equal(left, []string{"laptop"}) {
		t.Errorf("left are %v", left)
	}
	for name, id := range map[string]string{"one that has ended": "phone", "one that never was": "tablet", "no id at all": "../A", "nothing": ""} {
		wantError(t, r.EndSignIn(ctx, ann, id, muster.ByPlayer), muster.NotFound, "sign_in.not_found")
		if t.Failed() {
			t.Fatal(name)
		}
	}
	wantError(t, r.EndSignIn(ctx, r.guest("bob"), "laptop", muster.ByPlayer), muster.NotFound, "sign_in.not_found")
	r.clock.advance(21 * time.Minute)
	if code := r.refusal(phone); code != "" {
		t.Errorf("when its tokens are over anyway, the sign-in is still refused: %q", code)
	}
}

func TestARefreshTokenThatWasUsedTwiceIsRecordedAndTold(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	r.signIn(t, ann, "phone")
	r.inbox.take()
	if err := r.EndSignIn(ctx, ann, "phone", muster.RefreshReused); err != nil {
		t.Fatal(err)
	}
	types := []string{}
	for _, n := range r.inbox.take() {
		types = append(types, n.Type)
	}
	if !slices.Equal(types, []string{muster.NoticeRevoked, muster.NoticeSignInEnded}) {
		t.Errorf("told was %v", types)
	}
	page := must[muster.AuditPage](t)(r.AuditTrail(ctx, ann, 0, ""))
	if len(page.Entries) != 1 || page.Entries[0].Event != muster.AuditRefreshReused || page.Entries[0].Detail["signIn"] != "phone" {
		t.Errorf("recorded is %+v", page.Entries)
	}
}

func TestSignOutEverywhereEndsWhatThereIsAndLetsThePlayerComeBack(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	phone, laptop := r.signIn(t, ann, "phone"), r.signIn(t, ann, "laptop")
	if err := r.SignOutEverywhere(ctx, ann); err != nil {
		t.Fatal(err)
	}
	again := r.signIn(t, ann, "again") // within the same millisecond
	if r.refusal(phone) == "" || r.refusal(laptop) == "" || r.refusal(again) != "" {
		t.Errorf("refused: phone %q, laptop %q, and the new sign-in %q", r.refusal(phone), r.refusal(laptop), r.refusal(again))
	}
	if left := r.signIns(t, ann); !slices.Equal(left, []string{"again"}) {
		t.Errorf("left are %v", left)
	}
	wantError(t, r.SignOutEverywhere(ctx, "nobody"), muster.NotFound, "player.not_found")
}

func TestAnotherReplicaHearsOfARevocationOrReadsIt(t *testing.T) {
	ctx := context.Background()
	for name, learn := range map[string]func(t *testing.T, from, to *rig){
		"from the replica that made it": func(t *testing.T, from, to *rig) {
			for _, n := range from.inbox.take() {
				text, err := json.Marshal(n.Data)
				if err != nil {
					t.Fatal(err)
				}
				n.Data = json.RawMessage(text)
				to.Heard(n)
			}
		},
		"from the store": func(t *testing.T, _, to *rig) {
			if err := to.LearnRevocations(ctx); err != nil {
				t.Fatal(err)
			}
		},
		"from the store, when it looked a second ago": func(t *testing.T, _, to *rig) {
			to.clock.advance(-2 * time.Second)
			if err := to.LearnRevocations(ctx); err != nil {
				t.Fatal(err)
			}
			to.clock.advance(2 * time.Second)
			if err := to.LearnRevocations(ctx); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			one := newRig(false)
			two := one.beside()
			ann, bob, cleo := one.guest("ann"), one.guest("bob"), one.guest("cleo")
			phone, laptop := one.signIn(t, ann, "phone"), one.signIn(t, bob, "laptop")
			if err := one.EndSignIn(ctx, ann, "phone", muster.ByPlayer); err != nil {
				t.Fatal(err)
			}
			_ = must[muster.BanView](t)(one.Ban(ctx, bob, muster.BanRequest{Reason: "cheating"}))
			_ = must[muster.BanView](t)(one.Ban(ctx, cleo, muster.BanRequest{Reason: "by mistake"}))
			if err := one.Unban(ctx, cleo); err != nil {
				t.Fatal(err)
			}
			if two.refusal(phone) != "" {
				t.Fatal("the other replica knows already")
			}
			learn(t, one, two)
			other := muster.Caller{Player: cleo, Family: "x"}
			if two.refusal(phone) != "token.revoked" || two.refusal(laptop) != "account.banned" || two.refusal(other) != "" {
				t.Errorf("refused: the phone %q, the banned %q, and who is banned no more %q", two.refusal(phone), two.refusal(laptop), two.refusal(other))
			}
		})
	}
}

func TestManyRevocationsAreReadInPages(t *testing.T) {
	ctx := context.Background()
	one := newRig(false)
	two := one.beside()
	const n = 2100 // more than two pages
	callers := make([]muster.Caller, n)
	ann := one.guest("ann")
	ids := ids("s")
	for i := range callers {
		callers[i] = one.signIn(t, ann, ids())
		if err := one.EndSignIn(ctx, ann, callers[i].Family, muster.ByPlayer); err != nil {
			t.Fatal(err)
		}
	}
	if err := two.LearnRevocations(ctx); err != nil {
		t.Fatal(err)
	}
	for i, c := range callers {
		if two.refusal(c) == "" {
			t.Fatalf("sign-in %d is not refused", i)
		}
	}
}

func TestANoticeThatCarriesNoRevocationIsNone(t *testing.T) {
	for name, n := range map[string]muster.Notice{
		"other news":       {Player: "ann", Type: "ticket", Data: muster.Revocation{Player: "ann"}},
		"no JSON":          {Player: "ann", Type: muster.NoticeRevoked, Data: json.RawMessage(`{`)},
		"of somebody else": {Player: "ann", Type: muster.NoticeRevoked, Data: json.RawMessage(`{"player":"bob","why":"banned"}`)},
		"something else":   {Player: "ann", Type: muster.NoticeRevoked, Data: 7},
	} {
		if r, ok := muster.RevocationOf(n); ok {
			t.Errorf("%s: taken for %+v", name, r)
		}
	}
}
