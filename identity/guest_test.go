package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"muster"
)

func TestANewGuestGetsASecretOnceAndComesBackWithIt(t *testing.T) {
	s := newSite(t)
	first := s.guest(t)
	if !first.Created || first.Guest == nil || len(first.Guest.Secret) != 43 {
		t.Fatalf("a new guest is created with a secret of 256 bits, got %+v", first.Guest)
	}
	if first.ExpiresInSeconds != 900 || first.Player.ID == "" || first.RefreshToken == "" {
		t.Fatalf("grant is incomplete: %+v", first)
	}
	again, err := s.Guest(context.Background(), first.Guest)
	if err != nil {
		t.Fatal(err)
	}
	if again.Player != first.Player || again.Created {
		t.Errorf("the same guest is player %s, created %t; want %s, false", again.Player.ID, again.Created, first.Player.ID)
	}
	if again.Guest == nil || again.Guest.ID != first.Guest.ID || again.Guest.Secret != "" {
		t.Errorf("a known guest is told the id and no secret, got %+v", again.Guest)
	}
	caller, err := s.Verify(context.Background(), again.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	if caller.Player != first.Player.ID || caller.Scope != muster.GuestScope || caller.Family == "" {
		t.Errorf("caller is %+v", caller)
	}
}

func TestAGuestWithoutIDIsNew(t *testing.T) {
	s := newSite(t)
	a, err := s.Guest(context.Background(), &muster.Guest{})
	if err != nil {
		t.Fatal(err)
	}
	if b := s.guest(t); !a.Created || a.Player == b.Player {
		t.Errorf("two new guests are players %s and %s", a.Player.ID, b.Player.ID)
	}
}

func TestOnlyTheHashOfAGuestSecretIsKept(t *testing.T) {
	s := newSite(t)
	g := s.guest(t)
	kept := s.accounts.known[guestIdentity(g.Guest.ID)].hash
	if len(kept) != 32 || string(kept) == g.Guest.Secret {
		t.Errorf("kept %d bytes, want a SHA-256", len(kept))
	}
}

func TestGuestsThatAreRefused(t *testing.T) {
	s := newSite(t)
	known := *s.guest(t).Guest
	other := *s.guest(t).Guest
	cases := []struct {
		name  string
		guest muster.Guest
	}{
		{"an unknown id", muster.Guest{ID: "nobody", Secret: known.Secret}},
		{"a wrong secret", muster.Guest{ID: known.ID, Secret: strings.Repeat("A", 43)}},
		{"another guest's secret", muster.Guest{ID: known.ID, Secret: other.Secret}},
		{"no secret", muster.Guest{ID: known.ID}},
		{"half of the secret", muster.Guest{ID: known.ID, Secret: known.Secret[:20]}},
		{"an id with a separator of record keys", muster.Guest{ID: "a#b", Secret: known.Secret}},
		{"an endless id", muster.Guest{ID: strings.Repeat("a", 65), Secret: known.Secret}},
		{"an endless secret", muster.Guest{ID: known.ID, Secret: strings.Repeat("a", 257)}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Guest(context.Background(), &c.guest)
			wantRefusal(t, err, muster.Unauthenticated, "guest.refused", c.guest.Secret)
		})
	}
}

func TestAnUnknownGuestCostsTheSameLookUps(t *testing.T) {
	s := newSite(t)
	known := *s.guest(t).Guest
	look := func(g muster.Guest) (int, error) {
		before := s.accounts.asked
		_, err := s.Guest(context.Background(), &g)
		return s.accounts.asked - before, err
	}
	wrong, errWrong := look(muster.Guest{ID: known.ID, Secret: "wrong"})
	absent, errAbsent := look(muster.Guest{ID: "nobody", Secret: "wrong"})
	if wrong != absent || errWrong.Error() != errAbsent.Error() {
		t.Errorf("wrong secret: %d look-ups, %v; unknown id: %d, %v", wrong, errWrong, absent, errAbsent)
	}
	if secretMatches("", nil) || secretMatches("", make([]byte, 32)) || secretMatches("", make([]byte, 3)) {
		t.Error("an absent or zero hash matches")
	}
}

func TestAProviderWithoutSecretsIsNoWayInForGuests(t *testing.T) {
	s := newSite(t)
	s.accounts.known[guestIdentity("linked")] = account{player: "p", hash: nil}
	_, err := s.Guest(context.Background(), &muster.Guest{ID: "linked"})
	wantRefusal(t, err, muster.Unauthenticated, "guest.refused")
}

func TestWhatGoesWrongWhileSigningInIsNotARefusal(t *testing.T) {
	broken := errors.New("the disk is on fire")
	s := newSite(t)
	known := *s.guest(t).Guest
	s.accounts.fail = broken
	for name, guest := range map[string]*muster.Guest{"new": nil, "known": &known} {
		if _, err := s.Guest(context.Background(), guest); !errors.Is(err, broken) || muster.KindOf(err) != muster.Internal {
			t.Errorf("%s guest: error is %v, want the cause as Internal", name, err)
		}
	}
	s.accounts.fail = nil
	s.random = iotest.ErrReader(broken)
	if _, err := s.Guest(context.Background(), nil); !errors.Is(err, broken) {
		t.Errorf("without randomness: %v", err)
	}
	s.random = rand.Reader
	s.newID = func() string { return known.ID }
	if _, err := s.Guest(context.Background(), nil); err == nil {
		t.Error("a new guest took over the id of a known one")
	}
}

func TestAGuestUnderTheNameOfAnotherOpensNoSignIn(t *testing.T) {
	ctx := context.Background()
	s := newSite(t)
	ann, bob := s.guest(t), s.guest(t)
	for _, named := range []muster.PlayerID{ann.Player.ID, "", "nobody"} {
		_, err := s.GuestOf(ctx, named, *bob.Guest)
		wantRefusal(t, err, muster.Unauthenticated, "guest.refused", bob.Guest.Secret)
	}
	_, err := s.GuestOf(ctx, bob.Player.ID, muster.Guest{})
	wantRefusal(t, err, muster.Unauthenticated, "guest.refused")
	if open, err := s.SignIns(ctx, bob.Player.ID); err != nil || len(open) != 1 {
		t.Errorf("%d sign-ins are open, %v", len(open), err)
	}
	back, err := s.GuestOf(ctx, bob.Player.ID, *bob.Guest)
	if err != nil || back.Player != bob.Player || back.Created {
		t.Errorf("the guest comes back as %+v, %v", back.Player, err)
	}
}
