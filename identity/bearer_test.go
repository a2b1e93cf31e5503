package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"muster"
)

// foreign is an issuer whose tokens hold, unsigned, what it says of them.
type foreign struct {
	names []string
	asked int
	err   error
}

func (f *foreign) Issuers() []string { return f.names }

func (f *foreign) VerifyAccess(_ context.Context, token string) (Access, error) {
	f.asked++
	if f.err != nil {
		return Access{}, f.err
	}
	body, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		return Access{}, err
	}
	var claims foreignClaims
	if err := json.Unmarshal(body, &claims); err != nil {
		return Access{}, err
	}
	return Access{Subject: claims.Sub, Holder: "who", Groups: claims.Groups, Scopes: claims.Scopes, IssuedAt: claims.Iat, ExpiresAt: claims.Exp, SignedInAt: claims.Auth}, nil
}

type foreignClaims struct {
	Iss, Sub       string
	Groups, Scopes []string
	Exp, Auth, Iat time.Time
}

func (c foreignClaims) token() string {
	body, _ := json.Marshal(map[string]any{"iss": c.Iss, "Sub": c.Sub, "Groups": c.Groups, "Scopes": c.Scopes, "Exp": c.Exp, "Auth": c.Auth, "Iat": c.Iat}) // strings and a time
	return "e30." + base64.RawURLEncoding.EncodeToString(body) + ".c2ln"
}

// bearingSite is a site that takes tokens of "https://pool.example" as those of "pool".
type bearingSite struct {
	*site
	issuer  *foreign
	banned  error
	asked   time.Time // with which Admit was asked last
	bearers *Bearers
}

func newBearingSite(t *testing.T) *bearingSite {
	t.Helper()
	s := &bearingSite{site: newSite(t), issuer: &foreign{names: []string{"https://pool.example"}}}
	var err error
	s.bearers, err = NewBearers(BearersOptions{
		Own: s.Verify, Accounts: s.accounts, Now: s.clock,
		Admit: func(_ context.Context, _ muster.PlayerID, at time.Time) error {
			s.asked = at
			return s.banned
		},
		Issuers: map[string]Bearing{"pool": {
			Issuer: s.issuer,
			Groups: map[string]muster.Scope{"operators": muster.AdminScope, "hosts": muster.ServerScope},
			Scopes: map[string]muster.Scope{"game/server": muster.ServerScope},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *bearingSite) claims(sub string) foreignClaims {
	return foreignClaims{Iss: "https://pool.example", Sub: sub, Exp: s.clock().Add(time.Hour)}
}

func (s *bearingSite) verify(t *testing.T, token string) muster.Caller {
	t.Helper()
	caller, err := s.bearers.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return caller
}

func TestAForeignTokenSpeaksForThePlayerOfItsSubject(t *testing.T) {
	s := newBearingSite(t)
	ann := s.verify(t, s.claims("ann").token())
	if ann.Player == "" || ann.Scope != muster.PlayerScope || ann.Family != "" {
		t.Errorf("caller is %+v", ann)
	}
	later := s.claims("ann")
	later.Exp = later.Exp.Add(time.Minute)
	if again := s.verify(t, later.token()); again != ann {
		t.Errorf("another token of the same subject speaks for %+v", again)
	}
	if bob := s.verify(t, s.claims("bob").token()); bob.Player == ann.Player {
		t.Error("two subjects are one player")
	}
	if _, known := s.accounts.known[muster.Identity{Provider: "pool", Subject: "ann"}]; !known {
		t.Error("the subject is no identity of its provider")
	}
}

func TestOurOwnTokensStayOurs(t *testing.T) {
	s := newBearingSite(t)
	grant := s.guest(t)
	if caller := s.verify(t, grant.AccessToken); caller.Player != grant.Player.ID || caller.Scope != muster.GuestScope {
		t.Errorf("caller is %+v", caller)
	}
	for name, token := range map[string]string{
		"nothing":                     "",
		"a text":                      "token",
		"an issuer that is not named": foreignClaims{Iss: "https://pool.example.evil", Sub: "ann"}.token(),
		"an issuer behind a slash":    foreignClaims{Iss: "https://pool.example/", Sub: "ann"}.token(),
		"claims that are none":        "e30.e30.c2ln",
		"an endless token":            foreignClaims{Iss: "https://pool.example", Sub: strings.Repeat("x", maxForeignToken)}.token(),
	} {
		_, err := s.bearers.Verify(t.Context(), token)
		if err == nil {
			t.Errorf("%s: was taken", name)
			continue
		}
		wantRefusal(t, err, muster.Unauthenticated, "token.invalid")
	}
	if s.issuer.asked != 0 {
		t.Errorf("the issuer was asked %d times for what is not its own", s.issuer.asked)
	}
}

func TestGroupsAndScopesOfAForeignToken(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*foreignClaims)
		want   muster.Scope // empty: refused
	}{
		"nothing":                        {func(*foreignClaims) {}, muster.PlayerScope},
		"a group that is not configured": {func(c *foreignClaims) { c.Groups = []string{"admin", "admins"} }, muster.PlayerScope},
		"a group of operators":           {func(c *foreignClaims) { c.Groups = []string{"x", "operators"} }, muster.AdminScope},
		"a group of game servers":        {func(c *foreignClaims) { c.Groups = []string{"hosts"} }, muster.ServerScope},
		"both groups":                    {func(c *foreignClaims) { c.Groups = []string{"hosts", "operators"} }, muster.AdminScope},
		"a group's name as a scope":      {func(c *foreignClaims) { c.Scopes = []string{"operators"} }, muster.PlayerScope},
		"a program with a scope":         {func(c *foreignClaims) { c.Sub, c.Scopes = "", []string{"game/server"} }, muster.ServerScope},
		"a program without":              {func(c *foreignClaims) { c.Sub = "" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newBearingSite(t)
			claims := s.claims("ann")
			c.change(&claims)
			for range 2 { // the second time from memory
				caller, err := s.bearers.Verify(t.Context(), claims.token())
				if c.want == "" {
					wantRefusal(t, err, muster.Unauthenticated, "token.invalid")
					continue
				}
				if err != nil || caller.Scope != c.want || (caller.Player == "") == (c.want == muster.PlayerScope) || (caller.Key == "pool/who") == (c.want == muster.PlayerScope) {
					t.Errorf("caller is %+v, %v", caller, err)
				}
			}
		})
	}
}

func TestAForeignTokenIsCheckedOnceAndItsPlayerNowAndThen(t *testing.T) {
	s := newBearingSite(t)
	token := s.claims("ann").token()
	id := muster.Identity{Provider: "pool", Subject: "ann"}
	ann := s.verify(t, token)
	s.accounts.known[id] = account{player: "another"} // the identity is linked to somebody else
	if got := s.verify(t, token); got != ann {
		t.Errorf("caller is %+v at once", got)
	}
	s.pass(ownerKept)
	if got := s.verify(t, token); got.Player != "another" {
		t.Errorf("caller is %+v after %v", got, ownerKept)
	}
	s.banned = muster.Errorf(muster.Denied, "account.banned", "banned")
	s.pass(ownerKept)
	for range 2 {
		_, err := s.bearers.Verify(t.Context(), token)
		wantRefusal(t, err, muster.Denied, "account.banned")
	}
	s.banned = nil
	if got := s.verify(t, token); got.Player != "another" {
		t.Errorf("caller is %+v after the ban", got)
	}
	if s.issuer.asked != 1 {
		t.Errorf("the token was checked %d times", s.issuer.asked)
	}
	s.pass(time.Hour)
	s.issuer.err = Refusal(CredentialExpired, nil)
	_, err := s.bearers.Verify(t.Context(), token)
	wantRefusal(t, err, muster.Unauthenticated, "token.expired")
}

func TestAForeignTokenIsTakenNoLongerThanItsMaximumAge(t *testing.T) {
	for name, c := range map[string]struct {
		maxAge time.Duration
		made   time.Duration // before now
		taken  time.Duration // from now; zero: never
	}{
		"none is said":               {0, 30 * time.Minute, time.Hour},
		"one that it reaches":        {10 * time.Minute, 0, 10 * time.Minute},
		"one that it has reached":    {10 * time.Minute, 10 * time.Minute, 0},
		"one longer than it lives":   {3 * time.Hour, 0, time.Hour},
		"one, and nobody knows when": {time.Minute, 20 * 365 * 24 * time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newBearingSite(t)
			bearing := s.bearers.issuers["https://pool.example"]
			bearing.MaxAge = c.maxAge
			s.bearers.issuers["https://pool.example"] = bearing
			claims := s.claims("ann")
			claims.Groups, claims.Iat = []string{"operators"}, s.clock().Add(-c.made)
			if c.taken > 0 {
				s.verify(t, claims.token())
				s.pass(c.taken - time.Second)
				s.verify(t, claims.token())
				s.pass(time.Second)
			}
			if c.maxAge == 0 || c.taken == time.Hour { // the issuer says so itself then
				s.issuer.err = Refusal(CredentialExpired, nil)
			}
			for range 2 {
				_, err := s.bearers.Verify(t.Context(), claims.token())
				wantRefusal(t, err, muster.Unauthenticated, "token.expired")
			}
		})
	}
}

func TestRefusalsOfAnIssuer(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		kind muster.Kind
		code string
	}{
		"a bad signature":      {Refusal(CredentialInvalid, errors.New("bad")), muster.Unauthenticated, "token.invalid"},
		"another application":  {Refusal(WrongApplication, nil), muster.Unauthenticated, "token.invalid"},
		"an expired one":       {Refusal(CredentialExpired, nil), muster.Unauthenticated, "token.expired"},
		"keys that are away":   {Refusal(ProviderUnavailable, nil), muster.Unavailable, "provider.unavailable"},
		"a failure of our own": {fmt.Errorf("broken"), muster.Internal, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newBearingSite(t)
			s.issuer.err = c.err
			_, err := s.bearers.Verify(t.Context(), s.claims("ann").token())
			if c.code == "" {
				if muster.KindOf(err) != c.kind {
					t.Errorf("error is %v", err)
				}
				return
			}
			wantRefusal(t, err, c.kind, c.code)
		})
	}
}

func TestAnIssuerIsTakenOnce(t *testing.T) {
	issuer := &foreign{names: []string{"https://pool.example"}}
	_, err := NewBearers(BearersOptions{Issuers: map[string]Bearing{"a": {Issuer: issuer}, "b": {Issuer: issuer}}})
	if err == nil || !strings.Contains(err.Error(), "both a and b") {
		t.Errorf("error is %v", err)
	}
}

func TestKnownTokensAreBounded(t *testing.T) {
	var k knownTokens
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	id := func(i int) (id [32]byte) {
		copy(id[:], fmt.Sprint(i))
		return id
	}
	for i := range 5 * maxKnownTokens {
		k.keep(id(i), knownToken{expiresAt: now.Add(time.Hour)})
	}
	if held := len(k.young) + len(k.old); held > 2*maxKnownTokens {
		t.Errorf("%d tokens are held", held)
	}
	last := id(5*maxKnownTokens - 1)
	if _, found := k.find(last, now); !found {
		t.Error("the latest was forgotten")
	}
	if _, found := k.find(last, now.Add(time.Hour)); found {
		t.Error("an expired one was found")
	}
}

func TestWhoSignedInElsewhereIsAdmittedByWhenThatWas(t *testing.T) {
	s := newBearingSite(t)
	claims := s.claims("ann")
	claims.Auth = s.clock().Add(-time.Hour)
	token := claims.token()
	s.verify(t, token)
	if !s.asked.Equal(claims.Auth) {
		t.Errorf("asked with %v, want %v", s.asked, claims.Auth)
	}
	s.banned = muster.Errorf(muster.Unauthenticated, "token.revoked", "this sign-in has ended")
	s.pass(ownerKept)
	if _, err := s.bearers.Verify(t.Context(), token); muster.KindOf(err) != muster.Unauthenticated {
		t.Errorf("a token of a sign-in that has ended: %v", err)
	}
	s.banned = nil
	s.verify(t, s.claims("bob").token())
	if !s.asked.IsZero() {
		t.Errorf("a token that does not say is asked about with %v", s.asked)
	}
}
