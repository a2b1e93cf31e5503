package identity

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"muster"
)

func TestProofs(t *testing.T) {
	ctx := context.Background()
	s := newSite(t)
	mine, other := s.guest(t), s.guest(t)
	caller := func(g muster.Grant) muster.Caller {
		return muster.Caller{Player: g.Player.ID, Scope: muster.GuestScope}
	}
	renewed, err := s.Refresh(ctx, mine.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	guest := func(g muster.Grant) string { return g.Guest.ID + "." + g.Guest.Secret }
	for _, c := range []struct {
		name, proof string
		good        bool
	}{
		{"the newest refresh token", renewed.RefreshToken, true},
		{"the newest refresh token again", renewed.RefreshToken, true},
		{"the guest's secret", guest(mine), true},
		{"the refresh token before", mine.RefreshToken, false},
		{"another player's refresh token", other.RefreshToken, false},
		{"another guest's secret", guest(other), false},
		{"one's id with another's secret", mine.Guest.ID + "." + other.Guest.Secret, false},
		{"an unknown guest", "nobody." + mine.Guest.Secret, false},
		{"a secret without id", mine.Guest.Secret, false},
		{"an id without secret", mine.Guest.ID + ".", false},
		{"an access token", mine.AccessToken, false},
		{"nothing", "", false},
		{"an invented refresh token", renewed.RefreshToken[:len(renewed.RefreshToken)-3] + "AAA", false},
		{"an endless one", guest(mine) + strings.Repeat("A", 600), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := s.Prove(ctx, caller(mine), c.proof)
			if c.good {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantRefusal(t, err, muster.Denied, "proof.invalid", c.proof)
		})
	}
	if again, err := s.Refresh(ctx, renewed.RefreshToken); err != nil || again.RefreshToken == "" {
		t.Errorf("a refresh token that was a proof is used up: %v", err)
	}
	s.accounts.fail = errors.New("the disk is on fire")
	if err := s.Prove(ctx, caller(mine), guest(mine)); muster.KindOf(err) != muster.Internal {
		t.Errorf("while the store fails: %v", err)
	}
	if err := s.Prove(ctx, muster.Caller{Scope: muster.ServerScope}, guest(mine)); muster.KindOf(err) != muster.Denied {
		t.Errorf("a game server proves itself a player: %v", err)
	}
}

func TestSignInsAreListedWithoutSecrets(t *testing.T) {
	s := newSite(t)
	ctx := muster.WithDevice(context.Background(), "Game/1.2 (\x1b[31mphone)\n"+strings.Repeat("x", 200))
	first, err := s.Guest(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.pass(time.Hour)
	if _, err := s.Guest(context.Background(), first.Guest); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Refresh(ctx, first.RefreshToken); err != nil {
		t.Fatal(err)
	}
	list, err := s.SignIns(ctx, first.Player.ID)
	if err != nil || len(list) != 2 {
		t.Fatalf("sign-ins are %+v, %v", list, err)
	}
	if d := list[0].Device; !strings.HasPrefix(d, "Game/1.2 ([31mphone)xxx") || len(d) != 100 {
		t.Errorf("the device is %q", d)
	}
	if list[0].RenewedAt == nil || list[0].RenewedAt.Sub(*list[0].OpenedAt) != time.Hour || list[1].RenewedAt != nil || list[1].Device != "" {
		t.Errorf("sign-ins are %+v", list)
	}
	body, err := json.Marshal(list)
	if err != nil || strings.Contains(strings.ToLower(string(body)), "hash") || strings.Contains(string(body), "tagKey") {
		t.Errorf("sign-ins are shown as %s (%v)", body, err)
	}
}

func TestASignInTellsItsDeviceAndEndsAtAFullSecond(t *testing.T) {
	s := newSite(t)
	s.pass(123456789) // nanoseconds
	ctx := muster.WithClient(context.Background(), muster.Client{UserAgent: "Game/1.2", Device: "phone-1"})
	grant, err := s.Guest(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.SignIns(ctx, grant.Player.ID)
	if err != nil || len(list) != 1 || list[0].Device != "Game/1.2" || list[0].DeviceID != "phone-1" || list[0].ExpiresAt.Nanosecond() != 0 {
		t.Errorf("sign-ins are %+v, %v", list, err)
	}
}
