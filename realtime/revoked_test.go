package realtime

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"muster"
)

func revoked(p muster.PlayerID, why muster.RevocationReason, signIns ...string) muster.Notice {
	return muster.Notice{Player: p, Type: muster.NoticeRevoked, Data: muster.Revocation{Player: p, Why: why, SignIn: signIns}}
}

func TestADeletedPlayerIsDisconnectedEverywhere(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		phone, _ := r.fresh("ada")
		laptop, _ := r.fresh("ada")
		rival, _ := r.fresh("bob")
		defer rival.leave()
		r.notify("ada", r.play.change())
		phone.read("ticket")
		laptop.read("ticket")
		r.hub.Notify(t.Context(), revoked("ada", muster.AccountDeleted), revoked("nobody", muster.AccountDeleted))
		for _, d := range []*device{phone, laptop} {
			if code := d.code(); code != codeDeleted {
				t.Errorf("closed with %d", code)
			}
		}
		if r.hub.knows("ada") {
			t.Error("the hub remembers what the deleted player was told")
		}
		r.notify("bob", r.play.change())
		rival.read("ticket")
	})
}

// of has the rig's tickets name a sign-in: "ada/phone" is redeemed for Ada's phone.
func of(o *Options) {
	o.Redeem = func(_ context.Context, ticket string) (muster.Caller, error) {
		player, signIn, _ := strings.Cut(ticket, "/")
		return muster.Caller{Player: muster.PlayerID(player), Scope: muster.PlayerScope, Family: signIn}, nil
	}
}

func TestOnlyTheSocketsOfAnEndedSignInClose(t *testing.T) {
	inBubble(t, of, func(t *testing.T, r *rig) {
		phone, _ := r.fresh("ada/phone")
		laptop, _ := r.fresh("ada/laptop")
		defer laptop.leave()
		r.hub.Notify(t.Context(), revoked("ada", muster.SignedOut, "tablet"), revoked("ada", muster.BanLifted, "phone-of-old"))
		r.notify("ada", r.play.change())
		phone.read("ticket")
		laptop.read("ticket")
		r.hub.Notify(t.Context(), revoked("ada", muster.SignedOut, "phone"))
		if code := phone.code(); code != codeSignedOut {
			t.Errorf("closed with %d", code)
		}
		r.notify("ada", r.play.change())
		laptop.read("ticket")
	})
}

func TestAMergedPlayerIsDisconnected(t *testing.T) {
	inBubble(t, of, func(t *testing.T, r *rig) {
		phone, _ := r.fresh("ada/phone")
		r.hub.Notify(t.Context(), revoked("ada", muster.AccountMerged))
		if code := phone.code(); code != codeSignedOut {
			t.Errorf("closed with %d", code)
		}
		if r.hub.knows("ada") {
			t.Error("the hub remembers what the merged player was told")
		}
	})
}

func TestABannedPlayerIsDisconnectedByAReplicasNotice(t *testing.T) {
	inBubble(t, of, func(t *testing.T, r *rig) {
		phone, _ := r.fresh("ada/phone")
		r.hub.Notify(t.Context(), muster.Notice{Player: "ada", Type: muster.NoticeRevoked, Data: json.RawMessage(`{"player":"ada","why":"banned","at":"2026-01-01T00:00:00Z"}`)})
		if code := phone.code(); code != codeBanned {
			t.Errorf("closed with %d", code)
		}
	})
}

func TestWhoIsRevokedWithoutNoticeIsDisconnectedWithinASecond(t *testing.T) {
	for code, want := range map[string]websocket.StatusCode{"account.deleted": codeDeleted, "account.banned": codeBanned, "token.revoked": codeSignedOut} {
		var refuses atomic.Bool
		with := func(o *Options) {
			of(o)
			o.Revoked = func(c muster.Caller) error {
				if refuses.Load() && c.Family == "phone" {
					return muster.Errorf(muster.Unauthenticated, code, "no")
				}
				return nil
			}
		}
		inBubble(t, with, func(t *testing.T, r *rig) {
			phone, _ := r.fresh("ada/phone")
			laptop, _ := r.fresh("ada/laptop")
			defer laptop.leave()
			refuses.Store(true)
			before := time.Now()
			if got := phone.code(); got != want {
				t.Errorf("%s: closed with %d", code, got)
			}
			if took := time.Since(before); took > lookEvery+100*time.Millisecond {
				t.Errorf("%s: it took %v", code, took)
			}
			r.notify("ada", r.play.change())
			laptop.read("ticket")
		})
	}
}

func TestWhenEveryoneIsSignedOutOnlyNewerSocketsStay(t *testing.T) {
	end := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	with := func(o *Options) {
		o.Redeem = func(_ context.Context, ticket string) (muster.Caller, error) {
			player, age, _ := strings.Cut(ticket, "/")
			c := muster.Caller{Player: muster.PlayerID(player), Scope: muster.PlayerScope, Family: age, SignedInAt: end}
			if age == "old" {
				c.SignedInAt = end.Add(-time.Second)
			}
			return c, nil
		}
	}
	for name, data := range map[string]any{
		"told here":            muster.Revocation{Why: muster.EveryoneOut, At: end},
		"by a replica's words": json.RawMessage(`{"player":"","why":"everyoneOut","at":"2026-03-01T12:00:00Z"}`),
	} {
		inBubble(t, with, func(t *testing.T, r *rig) {
			ada, _ := r.fresh("ada/old")
			bob, _ := r.fresh("bob/old")
			fresh, _ := r.fresh("ada/new")
			defer fresh.leave()
			r.hub.Notify(t.Context(), muster.Notice{Type: muster.NoticeRevoked, Data: data})
			for _, d := range []*device{ada, bob} {
				if code := d.code(); code != codeSignedOut {
					t.Errorf("%s: closed with %d", name, code)
				}
			}
			r.notify("ada", r.play.change())
			fresh.read("ticket")
		})
	}
}
