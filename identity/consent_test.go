package identity

import (
	"context"
	"errors"
	"testing"
	"time"

	"muster"
)

// platform is a provider that gives consents, takes them back and tells news.
type platform struct {
	vouching
	revoked []Consent
	fail    error
}

func (p *platform) Revoke(_ context.Context, c Consent) error {
	if p.fail != nil {
		return p.fail
	}
	p.revoked = append(p.revoked, c)
	return nil
}

// Heard takes "gone SUBJECT" and "here SUBJECT" as they are.
func (p *platform) Heard(_ context.Context, payload string) (News, error) {
	if len(payload) < 6 {
		return News{}, Refusal(CredentialInvalid, nil)
	}
	return News{Subject: payload[5:], Withdrawn: payload[:5] == "gone ", Once: payload, Until: time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)}, nil
}

// withPlatform is a site with one provider, "acme"; out are the players who were signed out.
func withPlatform(t *testing.T) (s *site, p *platform, out *[]muster.PlayerID) {
	t.Helper()
	s, p, out = newSite(t), &platform{}, new([]muster.PlayerID)
	p.vouching = func(proof Proof) (Verified, error) {
		return Verified{Subject: "ann", Consent: Consent{Token: proof.Token, ClientID: "game"}}, nil
	}
	o := s.options()
	o.Providers = map[string]Provider{"acme": p, "mute": p.vouching}
	o.SignOut = func(_ context.Context, player muster.PlayerID) error {
		*out = append(*out, player)
		return p.fail
	}
	s.Service = New(o)
	return s, p, out
}

var annAtAcme = muster.Identity{Provider: "acme", Subject: "ann"}

func TestAConsentIsTakenBackOnce(t *testing.T) {
	ctx := t.Context()
	s, p, _ := withPlatform(t)
	for _, token := range []string{"first", "", "second"} { // a proof without one leaves the one before
		if _, err := s.Login(ctx, "acme", Proof{Token: token}); err != nil {
			t.Fatal(err)
		}
	}
	p.fail = errors.New("down")
	if err := s.TakeBack(ctx, annAtAcme); err == nil {
		t.Error("a platform that is down was told")
	}
	p.fail = nil
	for range 2 {
		if err := s.TakeBack(ctx, annAtAcme); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.revoked) != 1 || p.revoked[0] != (Consent{Token: "second", ClientID: "game"}) {
		t.Errorf("taken back are %v", p.revoked)
	}
	if _, err := s.Login(ctx, "mute", Proof{Token: "third"}); err != nil {
		t.Fatal(err)
	}
	if err := s.TakeBack(ctx, muster.Identity{Provider: "mute", Subject: "ann"}); err != nil {
		t.Errorf("a provider that wants to hear nothing: %v", err)
	}
	if err := s.TakeBack(ctx, muster.Identity{Provider: "gone", Subject: "ann"}); err != nil {
		t.Errorf("a provider that is not configured any more: %v", err)
	}
}

func TestWhoWithdrawsThereIsSignedOutHere(t *testing.T) {
	ctx := t.Context()
	s, p, out := withPlatform(t)
	grant, err := s.Login(ctx, "acme", Proof{Token: "consent"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Hear(ctx, "acme", "here ann"); err != nil || len(*out) != 0 {
		t.Errorf("other news: %v, signed out are %v", err, *out)
	}
	p.fail = errors.New("the store is down")
	if err := s.Hear(ctx, "acme", "gone ann"); err == nil {
		t.Error("news were taken that nothing followed from")
	}
	p.fail = nil
	for range 3 { // the platform repeats itself
		if err := s.Hear(ctx, "acme", "gone ann"); err != nil {
			t.Fatal(err)
		}
	}
	if len(*out) != 2 || (*out)[1] != grant.Player.ID { // once in vain
		t.Errorf("signed out are %v", *out)
	}
	if err := s.TakeBack(ctx, annAtAcme); err != nil || len(p.revoked) != 0 {
		t.Errorf("a consent that was withdrawn was taken back: %v, %v", p.revoked, err)
	}
	if err := s.Hear(ctx, "acme", "gone nobody"); err != nil {
		t.Errorf("news of somebody who never came: %v", err)
	}
}

func TestNewsThatAreNone(t *testing.T) {
	s, _, out := withPlatform(t)
	wantRefusal(t, s.Hear(t.Context(), "acme", "x"), muster.Unauthenticated, "credential.invalid")
	wantRefusal(t, s.Hear(t.Context(), "acme", string(make([]byte, maxNews+1))), muster.Unauthenticated, "credential.invalid")
	wantRefusal(t, s.Hear(t.Context(), "mute", "gone ann"), muster.NotFound, "provider.unknown")
	wantRefusal(t, s.Hear(t.Context(), "nobody", "gone ann"), muster.NotFound, "provider.unknown")
	if len(*out) != 0 {
		t.Errorf("signed out are %v", *out)
	}
}
