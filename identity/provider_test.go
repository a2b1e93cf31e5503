package identity

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"muster"
)

// vouching is a provider that says what a test wants.
type vouching func(Proof) (Verified, error)

func (v vouching) Verify(_ context.Context, p Proof) (Verified, error) { return v(p) }

// withProvider is a site with one provider, "acme".
func withProvider(t *testing.T, p vouching) *site {
	t.Helper()
	s := newSite(t)
	o := s.options()
	o.Providers = map[string]Provider{"acme": p}
	s.Service = New(o)
	return s
}

func TestAProofSignsItsSubjectIn(t *testing.T) {
	ctx := context.Background()
	s := withProvider(t, func(p Proof) (Verified, error) { return Verified{Subject: p.Token}, nil })
	first, err := s.Login(ctx, "acme", Proof{Token: "ann"})
	if err != nil || !first.Created || first.Guest != nil {
		t.Fatalf("the first sign-in gives %+v, %v", first, err)
	}
	caller, err := s.Verify(ctx, first.AccessToken)
	if err != nil || caller.Scope != muster.PlayerScope || caller.Player != first.Player.ID {
		t.Errorf("caller is %+v, %v", caller, err)
	}
	again, err := s.Login(ctx, "acme", Proof{Token: "ann"})
	if err != nil || again.Created || again.Player != first.Player {
		t.Errorf("the second sign-in gives %+v, %v", again, err)
	}
	long, err := s.ProveIdentity(ctx, "acme", Proof{Token: strings.Repeat("x", maxSubject+1)})
	if err != nil || len(long.Subject) > maxSubject {
		t.Errorf("a long subject is kept as %d bytes, %v", len(long.Subject), err)
	}
}

func TestProofsThatSignNobodyIn(t *testing.T) {
	down := Refusal(ProviderUnavailable, errors.New("connection refused"))
	s := withProvider(t, func(p Proof) (Verified, error) {
		switch p.Token {
		case "down":
			return Verified{}, down
		case "nobody":
			return Verified{}, nil
		}
		return Verified{Subject: "ann"}, nil
	})
	for name, c := range map[string]struct {
		provider string
		proof    Proof
		kind     muster.Kind
		code     string
	}{
		"an unknown provider":      {"nobody", Proof{Token: "ann"}, muster.NotFound, "provider.unknown"},
		"an endless token":         {"acme", Proof{Token: strings.Repeat("x", maxProofToken+1)}, muster.Unauthenticated, "credential.invalid"},
		"an endless code":          {"acme", Proof{Code: strings.Repeat("x", maxProofCode+1)}, muster.Unauthenticated, "credential.invalid"},
		"an endless field":         {"acme", Proof{Fields: map[string]string{"x": strings.Repeat("x", maxProofField)}}, muster.Unauthenticated, "credential.invalid"},
		"a provider that is down":  {"acme", Proof{Token: "down"}, muster.Unavailable, "provider.unavailable"},
		"a subject that is no one": {"acme", Proof{Token: "nobody"}, muster.Internal, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Login(context.Background(), c.provider, c.proof)
			if muster.KindOf(err) != c.kind {
				t.Fatalf("error is %v, want %v", err, c.kind)
			}
			if c.code != "" {
				wantRefusal(t, err, c.kind, c.code, c.proof.Token)
			}
			var asked *ProviderError
			if named := errors.As(err, &asked); named != (c.kind == muster.Unavailable) || named && asked.Provider != c.provider {
				t.Errorf("it names the provider: %v (%v)", named, err)
			}
		})
	}
	if len(s.accounts.known) != 0 {
		t.Errorf("refused proofs made players: %v", s.accounts.known)
	}
}

func TestAProofThatWorksOnceIsTakenOnce(t *testing.T) {
	ctx := context.Background()
	var s *site
	s = withProvider(t, func(p Proof) (Verified, error) {
		return Verified{Subject: "ann", Once: p.Token, Until: s.clock().Add(time.Hour)}, nil
	})
	if _, err := s.Login(ctx, "acme", Proof{Token: "ticket"}); err != nil {
		t.Fatal(err)
	}
	for _, wait := range []time.Duration{0, 59 * time.Minute} {
		s.pass(wait)
		_, err := s.Login(ctx, "acme", Proof{Token: "ticket"})
		wantRefusal(t, err, muster.Unauthenticated, "credential.expired")
	}
	if _, err := s.Login(ctx, "acme", Proof{Token: "another"}); err != nil {
		t.Error(err)
	}
}

func TestANonceBindsAProofToOneSignIn(t *testing.T) {
	ctx := context.Background()
	s := withProvider(t, func(p Proof) (Verified, error) { return Verified{Subject: "ann", Nonce: p.Nonce}, nil })
	nonce, ttl, err := s.NewNonce(ctx)
	if err != nil || ttl != nonceTTL {
		t.Fatalf("a nonce lives %v, %v", ttl, err)
	}
	if _, err := s.Login(ctx, "acme", Proof{Nonce: nonce}); err != nil {
		t.Fatal(err)
	}
	_, err = s.Login(ctx, "acme", Proof{Nonce: nonce})
	wantRefusal(t, err, muster.Unauthenticated, "credential.nonce_mismatch", nonce)
	late, _, err := s.NewNonce(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.pass(nonceTTL + time.Second)
	_, err = s.Login(ctx, "acme", Proof{Nonce: late})
	wantRefusal(t, err, muster.Unauthenticated, "credential.nonce_mismatch", late)
}

func TestEveryReasonHasAnAnswerAndAPlaceInTheDocuments(t *testing.T) {
	text, err := os.ReadFile("../docs/identity.md")
	if err != nil {
		t.Fatal(err)
	}
	for reason := range refusals {
		if !strings.Contains(string(text), "| `"+string(reason)+"` |") {
			t.Errorf("docs/identity.md does not have %s in its table", reason)
		}
		e := Refusal(reason, errors.New("cause"))
		if e.Kind == muster.Internal || e.Code != string(reason) || e.Message == "" || !errors.Is(e, e.Err) {
			t.Errorf("%s is %+v", reason, e)
		}
	}
	if e := RefusalAfter(ProviderRateLimited, time.Minute, nil); e.RetryAfter != time.Minute {
		t.Errorf("a wait of a minute is told as %v", e.RetryAfter)
	}
}

func TestRefusalsAreToldOnce(t *testing.T) {
	ctx := context.Background()
	var told []string
	s := newSite(t)
	o := s.options()
	o.Providers = map[string]Provider{"acme": vouching(func(p Proof) (Verified, error) {
		if p.Token == "bad" {
			return Verified{}, Refusal(CredentialInvalid, nil)
		}
		return Verified{Subject: "ann", Once: p.Token, Until: s.clock().Add(time.Hour)}, nil
	})}
	o.Refused = func(provider string, refusal *muster.Error) { told = append(told, provider+" "+refusal.Code) }
	s.Service = New(o)
	for _, token := range []string{"bad", "ticket", "ticket"} {
		_, _ = s.Login(ctx, "acme", Proof{Token: token}) // what it answers is tested above
	}
	_, _ = s.Login(ctx, "nobody", Proof{}) // no provider refused it
	if want := []string{"acme credential.invalid", "acme credential.expired"}; !slices.Equal(told, want) {
		t.Errorf("told of %q, want %q", told, want)
	}
}

func TestAPasswordMakesNoPlayer(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	proven := vouching(func(Proof) (Verified, error) {
		way, _ := d.rules.FindWay(ctx, emailIdentity(annMail)) // at first there is none
		return Verified{Subject: annMail, Mark: way.Mark}, nil
	})
	d.site.providers = map[string]Provider{muster.EmailProvider: proven}
	_, err := d.site.Login(ctx, muster.EmailProvider, Proof{})
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
	_, err = d.site.Enter(ctx, muster.Caller{}, muster.EmailProvider, Proof{})
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
	if _, _, err := d.rules.FindIdentity(ctx, emailIdentity(annMail)); muster.KindOf(err) != muster.NotFound {
		t.Errorf("somebody has the address now: %v", err)
	}
	ann := d.signUp(t, annMail, annWords)
	if in, err := d.site.Login(ctx, muster.EmailProvider, Proof{}); err != nil || in.Player.ID != ann.Player.ID || in.Created {
		t.Errorf("who has the address is signed in as %+v, %v", in.Player, err)
	}
}

func TestTheLogSaysWhichProviderCannotBeAsked(t *testing.T) {
	for name, c := range map[string]struct {
		refusal *muster.Error
		want    string
	}{
		"one that is slow":      {Refusal(ProviderUnavailable, errors.New("not in time")), "steam: not in time"},
		"one that says no more": {Refusal(ProviderUnavailable, nil), "steam"},
		"one that refuses":      {Refusal(CredentialInvalid, errors.New("bad")), "bad"},
	} {
		err := atProvider("steam", c.refusal)
		var refusal *muster.Error
		if !errors.As(err, &refusal) || refusal.Code != c.refusal.Code || refusal.Err.Error() != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if c.refusal.Err != nil && c.refusal.Err.Error() == "steam" {
			t.Errorf("%s: the provider's own error was changed", name)
		}
	}
}
