package provider

import (
	"crypto/x509"
	"encoding/pem"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"muster/identity"
	"muster/identity/provider/providertest"
)

const (
	goodCode     = "one-use-code"
	goodVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636, appendix B
	goodRedirect = "https://game.example/back"
	ourSecret    = "top secret/+%"
)

// newIssuer is an OIDC for a rig's platform; change alters its options.
func newIssuer(r *rig, change func(*OIDCOptions)) *OIDC {
	o := OIDCOptions{Client: r.client, Now: r.now, Issuer: r.URL(), ClientIDs: []string{"game"}, Nonce: NonceOptional}
	if change != nil {
		change(&o)
	}
	return NewOIDC(o)
}

// takesCodes configures authorization codes.
func takesCodes(o *OIDCOptions) {
	o.Code = &CodeOptions{Credentials: Credentials{ClientID: "game", Secret: FixedSecret(ourSecret)}, RedirectURIs: []string{goodRedirect}}
}

func codeProof() identity.Proof {
	return identity.Proof{Code: goodCode, RedirectURI: goodRedirect, CodeVerifier: goodVerifier}
}

func TestAnIssuerDescribesItself(t *testing.T) {
	for name, c := range map[string]struct {
		members map[string]any
		failure providertest.Failure
		ok      bool
		alert   string // what the log says beside the issuer
	}{
		"as it is":                    {ok: true},
		"another issuer":              {members: map[string]any{"issuer": "https://evil.example"}, alert: "is that of https://evil.example: they must be equal"},
		"its issuer with a slash":     {members: map[string]any{"issuer": "+/"}, alert: "they must be equal to the letter"},
		"keys on another host":        {members: map[string]any{"jwks_uri": "https://evil.example/jwks"}, alert: "has the jwks_uri https://evil.example/jwks, which is not https on the issuer's host or below it: if it is right, say it in jwksUri"},
		"keys over http elsewhere":    {members: map[string]any{"jwks_uri": "http://evil.example/jwks"}, alert: "http://evil.example/jwks"},
		"keys at another port":        {members: map[string]any{"jwks_uri": "http://127.0.0.1:1/jwks"}, alert: "http://127.0.0.1:1/jwks"},
		"no keys":                     {members: map[string]any{"jwks_uri": nil}, alert: "has no jwks_uri: say the address in jwksUri"},
		"a member of another type":    {members: map[string]any{"jwks_uri": 7}, alert: "is no description of an issuer: look at issuer"},
		"garbage":                     {failure: providertest.Failure{Body: "<html>"}, alert: "is no description of an issuer: look at issuer"},
		"nothing":                     {failure: providertest.Failure{Status: 404}, alert: "(status 404): look at issuer"},
		"that it is down":             {failure: providertest.Failure{Status: 500}},
		"a redirect to another place": {failure: providertest.Failure{Forward: "https://evil.example/"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if c.members["issuer"] == "+/" {
				c.members["issuer"] = r.URL() + "/"
			}
			r.Configure(c.members)
			if c.failure.Status != 0 || c.failure.Body != "" || c.failure.Forward != "" {
				r.Fail(providertest.ConfigurationPath, c.failure)
			}
			who, err := newIssuer(r, nil).Verify(t.Context(), identity.Proof{Token: r.Sign("rsa-1", r.claims(nil), nil)})
			if c.ok {
				if err != nil || who.Subject != "ann" {
					t.Errorf("the token proves %+v, %v", who, err)
				}
				return
			}
			wantReason(t, err, identity.ProviderUnavailable)
			log := strings.ReplaceAll(r.log(), `\"`, "")
			if alarmed := strings.Contains(log, "level=ERROR") && strings.Contains(log, r.URL()); c.alert != "" && (!alarmed || !strings.Contains(log, c.alert)) {
				t.Errorf("the log says %s, not %s", log, c.alert)
			}
		})
	}
}

// TestKeysThatWillNotCome says where they were looked for.
func TestKeysThatWillNotCome(t *testing.T) {
	for alert, failure := range map[string]providertest.Failure{
		"status 404": {Status: 404},
		"the key set is not a JSON object with a list named keys": {Body: "<html>"},
	} {
		r := newRig(t)
		r.Fail(providertest.KeysPath, failure)
		_, err := newIssuer(r, nil).Verify(t.Context(), identity.Proof{Token: r.Sign("rsa-1", r.claims(nil), nil)})
		wantReason(t, err, identity.ProviderUnavailable)
		if log := r.log(); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, r.URL()+providertest.KeysPath) || !strings.Contains(log, alert) {
			t.Errorf("the log says %s", log)
		}
	}
}

func TestAddressesThatAreTheIssuersOwn(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://id.example/keys":          true,
		"https://ID.example/keys":          true,
		"https://id.example:8443/keys":     true,
		"https://keys.id.example/x":        true,
		"https://id.example.evil/keys":     false,
		"https://evilid.example/keys":      false,
		"https://example/keys":             false,
		"https://other.example/keys":       false,
		"http://id.example/keys":           false,
		"http://127.0.0.1/keys":            false,
		"https://id.example@evil.example/": false,
		"":                                 false,
	} {
		if got := belongs(address, "https://id.example/realm"); got != ok {
			t.Errorf("%q belongs to the issuer: %v, want %v", address, got, ok)
		}
	}
}

func TestACodeIsExchanged(t *testing.T) {
	r := newRig(t)
	access := "an-access-token"
	hash, err := halfHash(jose.RS256, access)
	if err != nil {
		t.Fatal(err)
	}
	idToken := r.Sign("rsa-1", r.claims(map[string]any{"nonce": "n", "at_hash": hash}), nil)
	r.Answer("/token", 200, map[string]any{"access_token": access, "id_token": idToken, "token_type": "Bearer"})
	proof := codeProof()
	proof.Nonce = "n"
	p := newIssuer(r, takesCodes)
	who, err := p.Verify(t.Context(), proof)
	if err != nil || who.Subject != "ann" || who.Nonce != "n" || who.Once != "" {
		t.Fatalf("the code proves %+v, %v", who, err)
	}
	got := r.Calls("/token")[0]
	if f := got.Form(); f.Get("grant_type") != "authorization_code" || f.Get("code") != goodCode || f.Get("redirect_uri") != goodRedirect || f.Get("code_verifier") != goodVerifier || f.Has("client_secret") {
		t.Errorf("the platform got %v", f)
	}
	req := http.Request{Header: got.Header}
	if id, secret, ok := req.BasicAuth(); !ok || id != "game" || secret != url.QueryEscape(ourSecret) {
		t.Errorf("the platform got %q, %q", id, secret)
	}
	proof.RedirectURI = "" // there is but one
	if _, err := p.Verify(t.Context(), proof); err != nil {
		t.Errorf("without a redirect address: %v", err)
	}
	if takes := p.Takes(); len(takes) != 2 || strings.Join(takes[1], " ") != "code redirectUri codeVerifier" {
		t.Errorf("it takes %v", takes)
	}
	r.Answer("/token", 200, map[string]any{"access_token": "another", "id_token": idToken})
	_, err = p.Verify(t.Context(), proof)
	wantReason(t, err, identity.CredentialInvalid)
}

func TestCodesThatProveNothing(t *testing.T) {
	oauth := func(status int, code string) providertest.Failure {
		return providertest.Failure{Status: status, Body: `{"error":"` + code + `","error_description":"vendor text"}`}
	}
	for name, c := range map[string]struct {
		change  func(*identity.Proof)
		failure providertest.Failure
		reason  identity.Reason
		alert   bool
		calls   int
	}{
		"a code that was used":             {failure: oauth(400, "invalid_grant"), reason: identity.CredentialExpired, calls: 1},
		"a secret that is not accepted":    {failure: oauth(401, "invalid_client"), reason: identity.ProviderUnavailable, alert: true, calls: 1},
		"a client that may not":            {failure: oauth(400, "unauthorized_client"), reason: identity.ProviderUnavailable, alert: true, calls: 1},
		"a redirect it does not know":      {failure: oauth(400, "redirect_uri_mismatch"), reason: identity.ProviderUnavailable, alert: true, calls: 1},
		"a request it does not understand": {failure: oauth(400, "invalid_request"), reason: identity.CredentialInvalid, calls: 1},
		"an error nobody knows":            {failure: oauth(400, "weather"), reason: identity.ProviderUnavailable, calls: 1},
		"401 without a word":               {failure: providertest.Failure{Status: 401}, reason: identity.ProviderUnavailable, alert: true, calls: 1},
		"403 without a word":               {failure: providertest.Failure{Status: 403}, reason: identity.ProviderUnavailable, alert: true, calls: 1},
		"429":                              {failure: providertest.Failure{Status: 429}, reason: identity.ProviderRateLimited, calls: 1},
		"500":                              {failure: providertest.Failure{Status: 500}, reason: identity.ProviderUnavailable, calls: 1},
		"no answer in time":                {failure: providertest.Failure{Hang: true}, reason: identity.ProviderUnavailable, calls: 1},
		"garbage":                          {failure: providertest.Failure{Body: "vendor text"}, reason: identity.ProviderUnavailable, calls: 1},
		"no ID token":                      {failure: providertest.Failure{Body: `{"access_token":"x"}`}, reason: identity.ProviderUnavailable, alert: true, calls: 1},
		"an ID token that is none":         {failure: providertest.Failure{Body: `{"id_token":"x.y.z"}`}, reason: identity.CredentialInvalid, calls: 1},
		"another redirect address":         {change: func(p *identity.Proof) { p.RedirectURI = "https://evil.example/" }, reason: identity.CredentialInvalid},
		"a longer redirect address":        {change: func(p *identity.Proof) { p.RedirectURI += "/.." }, reason: identity.CredentialInvalid},
		"no verifier":                      {change: func(p *identity.Proof) { p.CodeVerifier = "" }, reason: identity.CredentialInvalid},
		"a short verifier":                 {change: func(p *identity.Proof) { p.CodeVerifier = "short" }, reason: identity.CredentialInvalid},
		"a verifier of other characters":   {change: func(p *identity.Proof) { p.CodeVerifier = strings.Repeat("&", 43) }, reason: identity.CredentialInvalid},
		"no code":                          {change: func(p *identity.Proof) { p.Code = "" }, reason: identity.CredentialInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Answer("/token", 200, map[string]any{"id_token": r.Sign("rsa-1", r.claims(nil), nil)})
			if c.change == nil {
				r.Fail("/token", c.failure)
			}
			proof := codeProof()
			if c.change != nil {
				c.change(&proof)
			}
			_, err := newIssuer(r, takesCodes).Verify(t.Context(), proof)
			wantReason(t, err, c.reason, goodCode, goodVerifier, ourSecret, "vendor text")
			if alerted := strings.Contains(r.log(), "level=ERROR"); alerted != c.alert {
				t.Errorf("the log says %q", r.log())
			}
			for _, secret := range []string{goodCode, goodVerifier, ourSecret, "vendor text"} {
				if strings.Contains(r.log(), secret) {
					t.Errorf("the log repeats %q", secret)
				}
			}
			if got := len(r.Calls("/token")); got != c.calls {
				t.Errorf("the platform was called %d times, want %d", got, c.calls)
			}
		})
	}
}

func TestAProviderWithoutCodesTakesNone(t *testing.T) {
	r := newRig(t)
	_, err := newIssuer(r, nil).Verify(t.Context(), codeProof())
	wantReason(t, err, identity.CredentialInvalid)
	_, err = newIssuer(r, nil).Verify(t.Context(), identity.Proof{Token: "opaque"})
	wantReason(t, err, identity.CredentialInvalid)
	if len(r.Calls("")) != 0 {
		t.Error("the platform was called")
	}
}

// privateKeyOf is a key of a platform as a file holds it.
func privateKeyOf(t *testing.T, k providertest.Key) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(k.Private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestWeProveOurselvesAsThePlatformWants(t *testing.T) {
	for _, auth := range []ClientAuth{AuthBasic, AuthPost, AuthNone, AuthPrivateKey} {
		r := newRig(t)
		r.Answer("/token", 200, map[string]any{"id_token": r.Sign("rsa-1", r.claims(nil), nil)})
		p := newIssuer(r, func(o *OIDCOptions) {
			takesCodes(o)
			o.Code.Auth = auth
			if auth == AuthPrivateKey {
				o.Code.Secret, o.Code.KeyID = FixedSecret(privateKeyOf(t, r.Key("ec-1"))), "our-key"
			}
		})
		if _, err := p.Verify(t.Context(), codeProof()); err != nil {
			t.Fatalf("%s: %v", auth, err)
		}
		got := r.Calls("/token")[0]
		f := got.Form()
		if basic := got.Header.Get("Authorization") != ""; basic != (auth == AuthBasic) || f.Has("client_secret") != (auth == AuthPost) || f.Has("client_id") == (auth == AuthBasic) {
			t.Errorf("%s: the platform got %v", auth, f)
		}
		if auth != AuthPrivateKey {
			continue
		}
		token, err := jwt.ParseSigned(f.Get("client_assertion"), []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		var claims jwt.Claims
		if err := token.Claims(r.Key("ec-1").Private.Public(), &claims); err != nil {
			t.Fatal(err)
		}
		err = claims.Validate(jwt.Expected{Issuer: "game", Subject: "game", AnyAudience: jwt.Audience{r.URL() + "/token"}, Time: r.now()})
		if err != nil || claims.ID == "" || token.Headers[0].KeyID != "our-key" {
			t.Errorf("the assertion says %+v, %v", claims, err)
		}
	}
}

func TestPrivateKeysThatSign(t *testing.T) {
	r := newRig(t)
	r.Publish("ed-1", "EdDSA")
	for id, want := range map[string]jose.SignatureAlgorithm{"rsa-1": jose.RS256, "ec-1": jose.ES256, "ed-1": jose.EdDSA} {
		if _, got, err := ParsePrivateKey(privateKeyOf(t, r.Key(id))); err != nil || got != want {
			t.Errorf("%s signs with %q, %v", id, got, err)
		}
	}
	for _, text := range []string{"", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		if _, _, err := ParsePrivateKey(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestOpaqueTokensAreLookedAt(t *testing.T) {
	good := func(r *rig) map[string]any {
		return map[string]any{"active": true, "client_id": "game", "sub": "ann", "exp": r.now().Add(time.Hour).Unix(), "iss": r.URL()}
	}
	for name, c := range map[string]struct {
		members map[string]any
		failure providertest.Failure
		reason  identity.Reason // empty: it is good
	}{
		"a good one":                     {},
		"an audience and no client":      {members: map[string]any{"client_id": nil, "aud": []string{"x", "game"}}},
		"no issuer":                      {members: map[string]any{"iss": nil}},
		"one that is over":               {members: map[string]any{"active": false}, reason: identity.CredentialExpired},
		"another client":                 {members: map[string]any{"client_id": "mallory"}, reason: identity.WrongApplication},
		"another client for our API":     {members: map[string]any{"client_id": "mallory", "aud": "game"}, reason: identity.WrongApplication},
		"another audience":               {members: map[string]any{"client_id": nil, "aud": "mallory"}, reason: identity.WrongApplication},
		"neither client nor audience":    {members: map[string]any{"client_id": nil}, reason: identity.WrongApplication},
		"another issuer":                 {members: map[string]any{"iss": "https://evil.example"}, reason: identity.CredentialInvalid},
		"no subject":                     {members: map[string]any{"sub": nil}, reason: identity.ProviderUnavailable},
		"no end":                         {members: map[string]any{"exp": nil}, reason: identity.ProviderUnavailable},
		"an end that is past":            {members: map[string]any{"exp": 1}, reason: identity.CredentialExpired},
		"no word of being active":        {members: map[string]any{"active": nil}, reason: identity.ProviderUnavailable},
		"active as text":                 {members: map[string]any{"active": "true"}, reason: identity.ProviderUnavailable},
		"that we may not ask":            {failure: providertest.Failure{Status: 401}, reason: identity.ProviderUnavailable},
		"that it is down":                {failure: providertest.Failure{Status: 503}, reason: identity.ProviderUnavailable},
		"that we ask too much":           {failure: providertest.Failure{Status: 429}, reason: identity.ProviderRateLimited},
		"garbage":                        {failure: providertest.Failure{Body: "yes"}, reason: identity.ProviderUnavailable},
		"that the request is a bad one":  {failure: providertest.Failure{Status: 400}, reason: identity.ProviderUnavailable},
		"no answer before we have to go": {failure: providertest.Failure{Hang: true}, reason: identity.ProviderUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			answer := good(r)
			maps.Copy(answer, c.members)
			maps.DeleteFunc(answer, func(_ string, v any) bool { return v == nil })
			r.Answer("/introspect", 200, answer)
			if c.failure.Status != 0 || c.failure.Body != "" || c.failure.Hang {
				r.Fail("/introspect", c.failure)
			}
			p := newIssuer(r, func(o *OIDCOptions) {
				o.Introspection = &IntrospectionOptions{Credentials: Credentials{ClientID: "api", Secret: FixedSecret(ourSecret)}}
			})
			who, err := p.Verify(t.Context(), identity.Proof{Token: "opaque-token"})
			if c.reason != "" {
				wantReason(t, err, c.reason, "opaque-token")
				return
			}
			if err != nil || who.Subject != "ann" || who.Once == "" || !who.Until.Equal(r.now().Add(time.Hour+clockSkew)) {
				t.Errorf("the token proves %+v, %v", who, err)
			}
			if f := r.Calls("/introspect")[0].Form(); f.Get("token") != "opaque-token" {
				t.Errorf("the platform got %v", f)
			}
		})
	}
}

func TestAnOpaqueTokenIsHeldToTheClaimsThatAreRequired(t *testing.T) {
	for name, c := range map[string]struct {
		members map[string]any
		reason  identity.Reason // empty: it is good
	}{
		"with all of them":         {},
		"another value":            {members: map[string]any{"tenant": "theirs"}, reason: identity.WrongApplication},
		"none of the required":     {members: map[string]any{"tenant": nil}, reason: identity.WrongApplication},
		"without the subject's":    {members: map[string]any{"oid": nil}, reason: identity.CredentialInvalid},
		"a subject that is a list": {members: map[string]any{"oid": []string{"ann-oid"}}, reason: identity.CredentialInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			answer := map[string]any{
				"active": true, "client_id": "game", "sub": "42", "oid": "ann-oid", "tenant": "ours", "nick": "Ann",
				"exp": r.now().Add(time.Hour).Unix(), "iss": r.URL(),
			}
			maps.Copy(answer, c.members)
			maps.DeleteFunc(answer, func(_ string, v any) bool { return v == nil })
			r.Answer("/introspect", 200, answer)
			p := newIssuer(r, func(o *OIDCOptions) {
				o.Required, o.SubjectClaim, o.NameClaim = map[string][]string{"tenant": {"ours"}}, "oid", "nick"
				o.Introspection = &IntrospectionOptions{Credentials: Credentials{ClientID: "api", Secret: FixedSecret(ourSecret)}}
			})
			who, err := p.Verify(t.Context(), identity.Proof{Token: "opaque-token"})
			if c.reason != "" {
				wantReason(t, err, c.reason, "opaque-token")
				return
			}
			if err != nil || who.Subject != "ann-oid" || who.DisplayName != "Ann" || who.Once == "" {
				t.Errorf("the token proves %+v, %v", who, err)
			}
		})
	}
}

func TestTheSubjectMayBeAnotherClaim(t *testing.T) {
	r := newRig(t)
	p := newIssuer(r, func(o *OIDCOptions) {
		o.SubjectClaim, o.NameClaim, o.Required = "uid", "nick", map[string][]string{"role": {"player", "tester"}}
	})
	who, err := p.Verify(t.Context(), identity.Proof{Token: r.Sign("rsa-1", r.claims(map[string]any{"uid": 4711, "nick": "Ann", "role": "tester"}), nil)})
	if err != nil || who.Subject != "4711" || who.DisplayName != "Ann" {
		t.Errorf("the token proves %+v, %v", who, err)
	}
	_, err = p.Verify(t.Context(), identity.Proof{Token: r.Sign("rsa-1", r.claims(map[string]any{"role": "player"}), nil)})
	wantReason(t, err, identity.CredentialInvalid)
	_, err = p.Verify(t.Context(), identity.Proof{Token: r.Sign("rsa-1", r.claims(map[string]any{"uid": "x", "role": "guest"}), nil)})
	wantReason(t, err, identity.WrongApplication)
	_, err = p.Verify(t.Context(), identity.Proof{Token: r.Sign("rsa-1", r.claims(map[string]any{"uid": "x"}), nil)})
	wantReason(t, err, identity.WrongApplication)
}
