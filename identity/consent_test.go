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
	during  func() // called while the platform is told; nil: nothing happens
}

func (p *platform) Revoke(_ context.Context, c Consent) error {
	if p.fail != nil {
		return p.fail
	}
	if p.during != nil {
		p.during()
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
	if err := s.TakeBack(ctx, annAtAcme); err != nil || len(p.revoked) > 0 {
		t.Errorf("the consent of who is here was taken back: %v, %v", p.revoked, err)
	}
	s.accounts.forget(annAtAcme)
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
	s.accounts.forget(muster.Identity{Provider: "mute", Subject: "ann"})
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

func TestAConsentIsNotTakenBackFromWhoCameBack(t *testing.T) {
	e := newEstate(t)
	again := func() {
		t.Helper()
		e.pass(time.Second)
		if err := e.rules.TellOutsiders(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	first := e.signIn(t, "ann", "first")
	if err := e.rules.DeleteAccount(t.Context(), first.Player.ID); err != nil {
		t.Fatal(err)
	}
	second := e.signIn(t, "ann", "second") // before anybody was told
	again()
	e.pass(time.Hour)
	again()
	if len(e.acme.revoked) > 0 || !e.hasConsent(t, annAtAcme) {
		t.Fatalf("taken back are %v", e.acme.revoked)
	}
	if err := e.rules.DeleteAccount(t.Context(), second.Player.ID); err != nil {
		t.Fatal(err)
	}
	again()
	if len(e.acme.revoked) != 1 || e.acme.revoked[0].Token != "second" || e.hasConsent(t, annAtAcme) {
		t.Errorf("taken back are %v", e.acme.revoked)
	}
}

func TestAConsentThatCameWhileOneIsTakenBackStays(t *testing.T) {
	e := newEstate(t)
	first := e.signIn(t, "ann", "first")
	if err := e.rules.DeleteAccount(t.Context(), first.Player.ID); err != nil {
		t.Fatal(err)
	}
	e.acme.during = func() { e.signIn(t, "ann", "second") }
	if err := e.TakeBack(t.Context(), annAtAcme); err == nil {
		t.Error("a consent that was replaced meanwhile counts as taken back")
	}
	e.acme.during = nil
	if err := e.TakeBack(t.Context(), annAtAcme); err != nil {
		t.Errorf("a repeat: %v", err)
	}
	if len(e.acme.revoked) != 1 || e.acme.revoked[0].Token != "first" || !e.hasConsent(t, annAtAcme) {
		t.Errorf("taken back are %v", e.acme.revoked)
	}
}

func TestTheConsentOfAnUnlinkedIdentityIsTakenBack(t *testing.T) {
	e := newEstate(t)
	ann := e.signIn(t, "ann", "consent")
	if _, err := e.Link(t.Context(), e.caller(t, ann), "other", Proof{Token: "ann-too"}, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Unlink(t.Context(), e.caller(t, ann), "acme", ""); err != nil {
		t.Fatal(err)
	}
	if err := e.rules.TellOutsiders(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(e.acme.revoked) != 1 || e.hasConsent(t, annAtAcme) {
		t.Errorf("taken back are %v", e.acme.revoked)
	}
}

func TestOfAConsentIsToldThatItIsThereAndNoMore(t *testing.T) {
	e := newEstate(t)
	if _, err := e.ConsentOf(t.Context(), annAtAcme); muster.KindOf(err) != muster.NotFound {
		t.Errorf("of nobody: %v", err)
	}
	e.signIn(t, "ann", "hush")
	at := e.clock()
	want := muster.ConsentView{Provider: "acme", GivenAt: at, ExpiresAt: at.Add(consentTTL)}
	e.pass(time.Hour)
	if got, err := e.ConsentOf(t.Context(), annAtAcme); err != nil || got != want {
		t.Errorf("told is %+v, %v; want %+v", got, err, want)
	}
	op := muster.Op{Kind: muster.Put, Key: consentKey(annAtAcme), Value: []byte(`{"token":"hush"}`), Version: muster.AnyVersion, ExpiresAt: want.ExpiresAt}
	if err := e.store.Write(t.Context(), op); err != nil { // as it was kept once
		t.Fatal(err)
	}
	if got, err := e.ConsentOf(t.Context(), annAtAcme); err != nil || got != want {
		t.Errorf("of one without an instant is told %+v, %v", got, err)
	}
}
