package identity

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"muster"
)

// doorman is a Guard that remembers what it did.
type doorman struct {
	noGuard
	banned error
	fail   error
	ended  []string
}

func (d *doorman) Admit(context.Context, muster.PlayerID, muster.SignInRef) error { return d.banned }

func (d *doorman) EndSignIn(ctx context.Context, p muster.PlayerID, signIn string, why muster.EndReason) error {
	if d.fail != nil {
		return d.fail
	}
	d.ended = append(d.ended, fmt.Sprintf("%s %s", signIn, why))
	return d.noGuard.EndSignIn(ctx, p, signIn, why)
}

func newGuarded(t *testing.T) (*site, *doorman) {
	s := newSite(t)
	d := &doorman{noGuard: noGuard{s.store}}
	o := s.options()
	o.Guard = d
	s.Service = New(o)
	return s, d
}

func TestWhoIsBannedNeitherSignsInNorRenews(t *testing.T) {
	ctx := context.Background()
	s, d := newGuarded(t)
	first := s.guest(t)
	second := s.refresh(t, first.RefreshToken)
	d.banned = muster.Errorf(muster.Denied, "account.banned", "this account is banned")
	s.accounts.banned = d.banned
	for name, call := range map[string]func() error{
		"sign in": func() error { _, err := s.Guest(ctx, first.Guest); return err },
		"renew":   func() error { _, err := s.Refresh(ctx, second.RefreshToken); return err },
		"renew with the token before": func() error {
			_, err := s.Refresh(ctx, first.RefreshToken)
			return err
		},
	} {
		err := call()
		var e *muster.Error
		if !errors.As(err, &e) || e.Code != "account.banned" {
			t.Errorf("%s: %v", name, err)
		}
	}
	d.banned, s.accounts.banned = nil, nil
	if s.refresh(t, second.RefreshToken).RefreshToken == second.RefreshToken {
		t.Error("the refused renewal used the token up")
	}
	if len(d.ended) > 0 {
		t.Errorf("ended were %v", d.ended)
	}
}

func TestTheGuardEndsSignIns(t *testing.T) {
	ctx := context.Background()
	s, d := newGuarded(t)
	a, b := s.guest(t), s.guest(t)
	family := func(g muster.Grant) string {
		caller, err := s.Verify(ctx, g.AccessToken)
		if err != nil {
			t.Fatal(err)
		}
		return caller.Family
	}
	next := s.refresh(t, a.RefreshToken)
	s.pass(refreshGrace)
	_, err := s.Refresh(ctx, a.RefreshToken)
	wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid")
	_, err = s.Refresh(ctx, next.RefreshToken)
	wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid")
	for range 2 {
		if err := s.Logout(ctx, b.RefreshToken); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{family(a) + " refreshReused", family(b) + " signedOut"}; !slices.Equal(d.ended, want) {
		t.Errorf("ended were %v, want %v", d.ended, want)
	}
	c := s.guest(t)
	d.fail = muster.Errorf(muster.NotFound, "sign_in.not_found", "somebody was faster")
	if err := s.Logout(ctx, c.RefreshToken); err != nil {
		t.Errorf("a sign-in that somebody else ended: %v", err)
	}
	d.fail = errors.New("the store is away")
	if err := s.Logout(ctx, c.RefreshToken); err == nil {
		t.Error("a logout that did not happen is said to have")
	}
}

// audited lists what is recorded of a player, the oldest first.
func (s *site) audited(t *testing.T, p muster.PlayerID) []muster.Record {
	t.Helper()
	all, err := s.store.List(context.Background(), "AUD#"+string(p), muster.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestASignInFromANewDeviceIsRecorded(t *testing.T) {
	s := newSite(t)
	from := func(agent, device string) context.Context {
		return muster.WithClient(context.Background(), muster.Client{Address: netip.MustParseAddr("192.0.2.7"), UserAgent: agent, Device: device})
	}
	first, err := s.Guest(from("Game/1", ""), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, agent, device string
		records             int // after the sign-in
	}{
		{"the device of the first sign-in", "Game/1", "", 0},
		{"another program", "Game/2", "", 1},
		{"the same again", "Game/2", "", 1},
		{"a device that names itself", "Game/1", "phone-1", 2},
		{"the same with another program", "Game/3", "phone-1", 2},
		{"another that names itself", "Game/1", "phone-2", 3},
	} {
		s.pass(time.Second)
		grant, err := s.Guest(from(c.agent, c.device), first.Guest)
		if err != nil {
			t.Fatal(err)
		}
		records := s.audited(t, grant.Player.ID)
		if len(records) != c.records {
			t.Fatalf("%s: %d records, want %d", c.name, len(records), c.records)
		}
		if c.records == 1 && !strings.Contains(string(records[0].Value), `"event":"signIn","by":"player","actor":"player-1","from":"192.0.2.7","device":"Game/2"`) {
			t.Errorf("%s: recorded is %s", c.name, records[0].Value)
		}
	}
}

func TestSignInsAreListedWithTheOneThatAsks(t *testing.T) {
	ctx := context.Background()
	s := newSite(t)
	first := s.guest(t)
	second, err := s.Guest(ctx, first.Guest)
	if err != nil {
		t.Fatal(err)
	}
	caller, err := s.Verify(ctx, second.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.SignIns(muster.WithCaller(ctx, caller), caller.Player)
	if err != nil || len(all) != 2 || all[0].Current || !all[1].Current || all[1].ID != caller.Family {
		t.Errorf("the sign-ins are %+v (%v)", all, err)
	}
}
