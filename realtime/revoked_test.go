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
