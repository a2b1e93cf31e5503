package provider

import (
	"crypto/rand"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/identity"
	"muster/identity/provider/providertest"
	"muster/store/memory"
)

// tokenWay is a provider that takes ID tokens, and a good token of its platform.
type tokenWay struct {
	open   func(r *rig) identity.Provider
	claims map[string]any // besides iat, exp and nonce
	header func(r *rig) map[string]any
	key    string // empty: rsa-1
	nonce  bool   // it asks for one
	// below says that issuers may lie below the configured one.
	below bool
}

// tokenWays are all providers that take ID tokens.
func tokenWays() map[string]tokenWay {
	epic := func(r *rig) EpicOptions {
		return EpicOptions{
			Client: r.client, Now: r.now, ClientIDs: []string{"game-client"}, Products: []string{"product-1"}, Deployments: []string{"deployment-1"}, baseURL: r.URL(),
		}
	}
	epicClaims := map[string]any{"iss": "https://api.epicgames.dev/epic/oauth/v1", "aud": "game-client", "sub": "ann", "pfpid": "product-1", "pfdid": "deployment-1", "dn": "Ann"}
	return map[string]tokenWay{
		"any issuer": {
			open: func(r *rig) identity.Provider {
				return NewOIDC(OIDCOptions{Client: r.client, Now: r.now, Issuer: "https://id.example", ClientIDs: []string{"game-client", "other-client"}, KeysURL: r.URL() + providertest.KeysPath})
			},
			claims: map[string]any{"iss": "https://id.example", "aud": "game-client", "sub": "ann"}, nonce: true,
		},
		"an issuer with its keys pinned": {
			open: func(r *rig) identity.Provider {
				return NewOIDC(OIDCOptions{
					Client: r.client, Now: r.now, Issuer: "https://studio.example", ClientIDs: []string{"game-client"},
					KeysURL: r.URL() + providertest.KeysPath, Algorithms: StudioAlgorithms, Nonce: NonceNone, MaxAge: 5 * time.Minute,
				})
			},
			claims: map[string]any{"iss": "https://studio.example", "aud": "game-client", "sub": "ann"}, key: "ec-1",
		},
		"google": {
			open: func(r *rig) identity.Provider {
				return NewGoogle(GoogleOptions{Client: r.client, Now: r.now, ClientIDs: []string{"game-client", "android-client"}, HostedDomains: []string{"studio.example"}, keysURL: r.URL() + providertest.KeysPath})
			},
			claims: map[string]any{"iss": "https://accounts.google.com", "aud": "game-client", "azp": "android-client", "sub": "ann", "hd": "studio.example"}, nonce: true,
		},
		"facebook limited": {
			open: func(r *rig) identity.Provider {
				return NewFacebookLimited(FacebookLimitedOptions{Client: r.client, Now: r.now, AppID: "game-client", keysURL: r.URL() + providertest.KeysPath})
			},
			claims: map[string]any{"iss": "https://www.facebook.com", "aud": "game-client", "sub": "ann"}, nonce: true,
		},
		"apple": {
			open: func(r *rig) identity.Provider {
				servesKeysAt(r, "/auth/keys")
				return NewApple(AppleOptions{Client: r.client, Now: r.now, ClientIDs: []string{"game-client"}, baseURL: r.URL()})
			},
			claims: map[string]any{"iss": "https://appleid.apple.com", "aud": "game-client", "sub": "ann", "nonce_supported": true, "email_verified": "true"}, nonce: true,
		},
		"epic": {
			open: func(r *rig) identity.Provider {
				servesKeysAt(r, "/epic/oauth/v2/.well-known/jwks.json")
				return NewEpic(epic(r))
			},
			claims: epicClaims, below: true,
		},
		"epic connect": {
			open: func(r *rig) identity.Provider {
				servesKeysAt(r, "/auth/v1/oauth/jwks")
				return NewEpicConnect(epic(r))
			},
			claims: epicClaims, below: true,
		},
		"nintendo": {
			open: func(r *rig) identity.Provider {
				return NewNintendo(NintendoOptions{
					Client: r.client, Now: r.now, Issuer: "https://console.example", KeysURL: r.URL() + providertest.KeysPath, ClientIDs: []string{"game-client"}, Titles: []string{"0100000000001000"},
				})
			},
			claims: map[string]any{"iss": "https://console.example", "aud": "game-client", "sub": "ann", "typ": "id_token", "nintendo": map[string]any{"ai": "0100000000001000"}},
			header: func(r *rig) map[string]any { return map[string]any{"jku": r.URL() + providertest.KeysPath} },
		},
	}
}

// servesKeysAt publishes the platform's keys at another path as well.
func servesKeysAt(r *rig, path string) { r.Serve(path, providertest.KeysPath) }

// attempt is one way in at one platform, and a token to be changed.
type attempt struct {
	*rig
	way    tokenWay
	p      identity.Provider
	claims map[string]any
	header map[string]any
	proof  identity.Proof
}

func newAttempt(t *testing.T, way tokenWay) *attempt {
	t.Helper()
	r := newRig(t)
	a := &attempt{rig: r, way: way, p: way.open(r), claims: maps.Clone(way.claims), header: map[string]any{}}
	if way.header != nil {
		a.header = way.header(r)
	}
	a.claims["iat"], a.claims["exp"] = r.now().Unix(), r.now().Add(time.Hour).Unix()
	if way.nonce {
		a.proof.Nonce = "a-nonce-that-we-gave-out"
		a.claims["nonce"] = a.proof.Nonce
	}
	return a
}

func (a *attempt) key() string { return or(a.way.key, "rsa-1") }

// sign puts the token as it is now into the proof.
func (a *attempt) sign() { a.proof.Token = a.Sign(a.key(), a.claims, a.header) }

func (a *attempt) verify(t *testing.T) (identity.Verified, error) {
	t.Helper()
	return a.p.Verify(t.Context(), a.proof)
}

// badTokens are what every provider that takes ID tokens refuses. Each changes a good one.
func badTokens() map[string]struct {
	reason identity.Reason
	spoil  func(a *attempt)
} {
	type bad = struct {
		reason identity.Reason
		spoil  func(a *attempt)
	}
	claim := func(reason identity.Reason, name string, value func(a *attempt) any) bad {
		return bad{reason, func(a *attempt) {
			a.claims[name] = value(a)
			if a.claims[name] == nil {
				delete(a.claims, name)
			}
			a.sign()
		}}
	}
	always := func(v any) func(*attempt) any { return func(*attempt) any { return v } }
	after := func(d time.Duration) func(*attempt) any {
		return func(a *attempt) any { return a.now().Add(d).Unix() }
	}
	header := func(name string, value any) bad {
		return bad{identity.CredentialInvalid, func(a *attempt) { a.header[name] = value; a.sign() }}
	}
	text := func(token func(a *attempt) string) bad {
		return bad{identity.CredentialInvalid, func(a *attempt) { a.sign(); a.proof.Token = token(a) }}
	}
	return map[string]bad{
		"another audience":                  claim(identity.WrongApplication, "aud", always("mallory-client")),
		"no audience":                       claim(identity.WrongApplication, "aud", always(nil)),
		"an audience that is no text":       claim(identity.CredentialInvalid, "aud", always([]any{1})),
		"an audience that begins as ours":   claim(identity.WrongApplication, "aud", always("game-client.evil")),
		"many audiences and no party":       {identity.WrongApplication, func(a *attempt) { a.claims["aud"] = []string{"game-client", "x"}; delete(a.claims, "azp"); a.sign() }},
		"another authorized party":          claim(identity.WrongApplication, "azp", always("mallory-client")),
		"another issuer":                    claim(identity.CredentialInvalid, "iss", always("https://evil.example")),
		"an issuer with a suffix":           claim(identity.CredentialInvalid, "iss", func(a *attempt) any { return "https://" + hostOf(a.way.claims["iss"]) + ".evil.example" }),
		"an issuer with a prefix":           claim(identity.CredentialInvalid, "iss", func(a *attempt) any { return fmt.Sprint("https://evil.example/", a.way.claims["iss"]) }),
		"an issuer of http":                 claim(identity.CredentialInvalid, "iss", func(a *attempt) any { return "http://" + hostOf(a.way.claims["iss"]) }),
		"an issuer in capitals":             claim(identity.CredentialInvalid, "iss", func(a *attempt) any { return strings.ToUpper(fmt.Sprint(a.way.claims["iss"])) }),
		"no issuer":                         claim(identity.CredentialInvalid, "iss", always(nil)),
		"no subject":                        claim(identity.CredentialInvalid, "sub", always(nil)),
		"a subject that is a number":        claim(identity.CredentialInvalid, "sub", always(7)),
		"an end long past":                  {identity.CredentialExpired, func(a *attempt) { a.sign(); a.pass(2 * time.Hour) }},
		"an end just past":                  claim(identity.CredentialExpired, "exp", after(-clockSkew)),
		"no end":                            claim(identity.CredentialInvalid, "exp", always(nil)),
		"an end that is text":               claim(identity.CredentialInvalid, "exp", always("tomorrow")),
		"an end beyond all calendars":       claim(identity.CredentialInvalid, "exp", always(1e300)),
		"a beginning in the future":         claim(identity.CredentialInvalid, "iat", after(clockSkew+2*time.Second)),
		"no beginning":                      claim(identity.CredentialInvalid, "iat", always(nil)),
		"a time before which it is no good": claim(identity.CredentialInvalid, "nbf", after(2*clockSkew)),
		"the use of an access token":        claim(identity.CredentialInvalid, "token_use", always("access")),
		"the type of an access token":       header("typ", "at+jwt"),
		"that type written out":             header("typ", "application/AT+JWT"),
		"keys of its own":                   header("jwk", map[string]any{"kty": "oct", "k": "AAAA"}),
		"an address of keys":                header("jku", "https://evil.example/jwks"),
		"an address of certificates":        header("x5u", "https://evil.example/cert"),
		"certificates":                      header("x5c", []string{"AAAA"}),
		"what must be understood":           header("crit", []string{"exp"}),
		"a payload that is not encoded":     header("b64", false),
		"an unknown key":                    header("kid", "rsa-9"),
		"another algorithm of its key":      header("alg", "RS512"),
		"no algorithm":                      text(func(a *attempt) string { return providertest.Unsigned(a.claims, a.header) }),
		"no algorithm, in capitals":         text(func(a *attempt) string { return providertest.Unsigned(a.claims, map[string]any{"alg": "NONE"}) }),
		"the public key as a secret":        text(func(a *attempt) string { return a.Confuse("rsa-1", a.claims, a.header) }),
		"other claims under its signature": text(func(a *attempt) string {
			claims := maps.Clone(a.claims)
			claims["sub"] = "mallory"
			return providertest.Tampered(a.proof.Token, claims)
		}),
		"no signature":            text(func(a *attempt) string { return a.proof.Token[:strings.LastIndex(a.proof.Token, ".")+1] }),
		"two parts":               text(func(a *attempt) string { return a.proof.Token[:strings.LastIndex(a.proof.Token, ".")] }),
		"four parts":              text(func(a *attempt) string { return a.proof.Token + ".AAAA" }),
		"a line break":            text(func(a *attempt) string { return strings.Replace(a.proof.Token, ".", ".\n", 1) }),
		"seventeen kilobytes":     text(func(a *attempt) string { return a.proof.Token + strings.Repeat("A", 17<<10) }),
		"nothing":                 text(func(*attempt) string { return "" }),
		"nothing but dots":        text(func(*attempt) string { return ".." }),
		"a header without claims": text(func(a *attempt) string { return strings.Split(a.proof.Token, ".")[0] + ".." }),
	}
}

func hostOf(issuer any) string {
	host := strings.TrimPrefix(fmt.Sprint(issuer), "https://")
	host, _, _ = strings.Cut(host, "/")
	return host
}

func TestAGoodTokenProvesItsSubject(t *testing.T) {
	for name, way := range tokenWays() {
		t.Run(name, func(t *testing.T) {
			a := newAttempt(t, way)
			a.sign()
			// What a client says beside its proof says nothing.
			a.proof.Fields = map[string]string{"sub": "mallory", "subject": "mallory", "playerId": "mallory", "userId": "mallory"}
			who, err := a.verify(t)
			if err != nil || who.Subject != "ann" {
				t.Fatalf("the token proves %+v, %v", who, err)
			}
			if (who.Nonce != "") != way.nonce || (who.Once != "") == way.nonce {
				t.Errorf("the proof is used up as %+v", who)
			}
			if takes := a.p.(identity.Taker).Takes(); len(takes) == 0 || takes[0][0] != "token" {
				t.Errorf("the provider says that it takes %v", takes)
			}
		})
	}
}

func TestTokensThatProveNothing(t *testing.T) {
	for name, way := range tokenWays() {
		t.Run(name, func(t *testing.T) {
			a := newAttempt(t, way)
			for name, bad := range badTokens() {
				spoiled := &attempt{rig: a.rig, way: way, p: a.p, claims: maps.Clone(a.claims), header: maps.Clone(a.header), proof: a.proof}
				began := a.now()
				bad.spoil(spoiled)
				_, err := spoiled.verify(t)
				a.pass(began.Sub(a.now()))
				if e, ok := err.(*muster.Error); !ok || e.Code != string(bad.reason) { //nolint:errorlint // it must be that very type
					t.Errorf("a token with %s gives %v, want %s", name, err, bad.reason)
				}
				if err != nil && (strings.Contains(err.Error(), "mallory") || strings.Contains(err.Error(), "evil")) {
					t.Errorf("a token with %s is repeated in the error: %v", name, err)
				}
			}
		})
	}
}

func TestNoncesBindTokens(t *testing.T) {
	for name, way := range tokenWays() {
		if !way.nonce {
			continue
		}
		t.Run(name, func(t *testing.T) {
			for name, c := range map[string]struct {
				token any
				sent  string
			}{
				"the token names none":       {nil, "a-nonce-that-we-gave-out"},
				"the token names another":    {"another", "a-nonce-that-we-gave-out"},
				"the client sends none":      {"a-nonce-that-we-gave-out", ""},
				"neither names one":          {nil, ""},
				"the token names an empty":   {"", ""},
				"the client sends its hash":  {"a-nonce-that-we-gave-out", "3f0b"},
				"the token has the first of": {"a-nonce", "a-nonce-that-we-gave-out"},
			} {
				a := newAttempt(t, way)
				a.claims["nonce"], a.proof.Nonce = c.token, c.sent
				if c.token == nil {
					delete(a.claims, "nonce")
				}
				a.sign()
				if _, err := a.verify(t); err == nil || err.(*muster.Error).Code != string(identity.NonceMismatch) { //nolint:errorlint // it must be that very type
					t.Errorf("when %s the answer is %v", name, err)
				}
			}
		})
	}
}

func TestAKeyIsKnownOnceItIsPublished(t *testing.T) {
	for name, way := range tokenWays() {
		t.Run(name, func(t *testing.T) {
			a := newAttempt(t, way)
			a.sign()
			if _, err := a.verify(t); err != nil {
				t.Fatal(err)
			}
			algorithm := a.Key(a.key()).Algorithm
			a.Hold("next-2", algorithm)
			a.proof.Token = a.Sign("next-2", a.claims, a.header)
			_, err := a.verify(t)
			wantReason(t, err, identity.CredentialInvalid)
			a.Publish("next-2", algorithm)
			_, err = a.verify(t) // asked again within the gap
			wantReason(t, err, identity.CredentialInvalid)
			a.pass(refetchGap)
			if _, err := a.verify(t); err != nil {
				t.Errorf("a key that was rotated in: %v", err)
			}
		})
	}
}

func TestAPlatformWithoutKeysIsUnavailable(t *testing.T) {
	for name, way := range tokenWays() {
		t.Run(name, func(t *testing.T) {
			for name, c := range map[string]struct {
				failure providertest.Failure
				reason  identity.Reason
			}{
				"401":     {providertest.Failure{Status: 401}, identity.ProviderUnavailable},
				"403":     {providertest.Failure{Status: 403}, identity.ProviderUnavailable},
				"429":     {providertest.Failure{Status: 429}, identity.ProviderRateLimited},
				"500":     {providertest.Failure{Status: 500}, identity.ProviderUnavailable},
				"garbage": {providertest.Failure{Body: "<html>"}, identity.ProviderUnavailable},
				"no keys": {providertest.Failure{Body: `{"keys":[]}`}, identity.ProviderUnavailable},
				"large":   {providertest.Failure{Large: true}, identity.ProviderUnavailable},
				"drop":    {providertest.Failure{Drop: true}, identity.ProviderUnavailable},
				"hang":    {providertest.Failure{Hang: true}, identity.ProviderUnavailable},
			} {
				a := newAttempt(t, way)
				a.sign()
				a.Fail("", c.failure)
				_, err := a.verify(t)
				e, ok := err.(*muster.Error) //nolint:errorlint // it must be that very type
				if !ok || e.Code != string(c.reason) || e.RetryAfter <= 0 {
					t.Errorf("%s gives %v", name, err)
				}
				a.Mend()
				a.pass(longestWait)
				if _, err := a.verify(t); err != nil {
					t.Errorf("after %s is over: %v", name, err)
				}
			}
		})
	}
}

// door is a Service with one provider, "acme".
func door(t *testing.T, r *rig, p identity.Provider) *identity.Service {
	t.Helper()
	keys, err := identity.NewKeys(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ids := 0
	return identity.New(identity.Options{
		Store: memory.New(r.now), Keys: keys, Issuer: "https://play.example", Audience: "muster",
		Providers: map[string]identity.Provider{"acme": p}, Now: r.now, Random: rand.Reader,
		NewID: func() string { ids++; return fmt.Sprintf("id-%08d", ids) },
	})
}

func TestAProofIsTakenOnce(t *testing.T) {
	for name, way := range tokenWays() {
		t.Run(name, func(t *testing.T) {
			a := newAttempt(t, way)
			service := door(t, a.rig, a.p)
			again := identity.CredentialExpired
			if way.nonce {
				nonce, _, err := service.NewNonce(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				a.proof.Nonce, a.claims["nonce"] = nonce, nonce
				again = identity.NonceMismatch
			}
			a.sign()
			if _, err := service.ProveIdentity(t.Context(), "acme", a.proof); err != nil {
				t.Fatal(err)
			}
			_, err := service.ProveIdentity(t.Context(), "acme", a.proof)
			wantReason(t, err, again, a.proof.Token)
			a.pass(time.Minute)
			_, err = service.ProveIdentity(t.Context(), "acme", a.proof)
			wantReason(t, err, again, a.proof.Token)
		})
	}
}
