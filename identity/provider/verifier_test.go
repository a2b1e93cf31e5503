package provider

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"muster/identity"
	"muster/identity/provider/providertest"
)

// newVerifierAt is a Verifier for a rig's platform; change alters its rules.
func newVerifierAt(r *rig, change func(*Rules)) *Verifier {
	rules := Rules{
		Keys: NewKeySet(r.client, r.URL()+providertest.KeysPath, r.now), Issuer: ExactIssuer(r.URL()), Audiences: []string{"game"},
		Algorithms: []jose.SignatureAlgorithm{jose.RS256, jose.ES256}, Nonce: NonceOptional, Now: r.now,
	}
	if change != nil {
		change(&rules)
	}
	return NewVerifier(rules)
}

func (r *rig) claims(more map[string]any) map[string]any {
	claims := map[string]any{"iss": r.URL(), "aud": "game", "sub": "ann", "iat": r.now().Unix(), "exp": r.now().Add(time.Hour).Unix()}
	for name, value := range more {
		claims[name] = value
	}
	return claims
}

func TestWhatATokenMaySay(t *testing.T) {
	// OpenID Connect Core 1.0, appendix A.4: c_hash and at_hash of its examples.
	const accessToken, atHash = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", "77QmUPtjPfzWtF2AnpK9RQ"
	const code, cHash = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk", "LDktKdoQak3Pk0cnXxCltA"
	sum := sha256.Sum256([]byte("our-nonce"))
	for name, c := range map[string]struct {
		claims func(r *rig) map[string]any
		rules  func(*Rules)
		with   Expected
		reason identity.Reason // empty: it is good
	}{
		"no more than it must":                                 {},
		"several audiences and the party that it was given to": {claims: func(*rig) map[string]any { return map[string]any{"aud": []string{"x", "game"}, "azp": "game"} }},
		"the nonce as it was":                                  {claims: with("nonce", "our-nonce"), with: Expected{Nonce: "our-nonce"}},
		"the nonce's hash in hex":                              {claims: with("nonce", hex.EncodeToString(sum[:])), with: Expected{Nonce: "our-nonce"}},
		"the nonce's hash in base64":                           {claims: with("nonce", base64.RawURLEncoding.EncodeToString(sum[:])), with: Expected{Nonce: "our-nonce"}},
		"a nonce that the client does not know":                {claims: with("nonce", "our-nonce"), reason: identity.NonceMismatch},
		"no nonce, though the client names one":                {with: Expected{Nonce: "our-nonce"}, reason: identity.NonceMismatch},
		"a nonce where none counts":                            {claims: with("nonce", "x"), rules: func(r *Rules) { r.Nonce = NonceNone }},
		"the hash of its access token":                         {claims: with("at_hash", atHash), with: Expected{AccessToken: accessToken}},
		"the hash of another access token":                     {claims: with("at_hash", atHash), with: Expected{AccessToken: accessToken + "x"}, reason: identity.CredentialInvalid},
		"the hash of its code":                                 {claims: with("c_hash", cHash), with: Expected{Code: code}},
		"the hash of another code":                             {claims: with("c_hash", cHash), with: Expected{Code: "x"}, reason: identity.CredentialInvalid},
		"a hash of what did not come with it":                  {claims: with("at_hash", atHash)},
		"an age within the limit":                              {claims: ago("iat", 10*time.Minute), rules: maxAge(10 * time.Minute)},
		"an age beyond the limit":                              {claims: ago("iat", 12*time.Minute), rules: maxAge(10 * time.Minute), reason: identity.CredentialExpired},
		"a sign-in there within the limit":                     {claims: ago("auth_time", time.Minute), rules: maxAuthAge(time.Minute)},
		"a sign-in there beyond the limit":                     {claims: ago("auth_time", time.Hour), rules: maxAuthAge(time.Minute), reason: identity.CredentialExpired},
		"no time of the sign-in there":                         {rules: maxAuthAge(time.Minute), reason: identity.CredentialInvalid},
		"a beginning within the skew":                          {claims: ago("iat", -clockSkew)},
		"a beginning beyond the skew":                          {claims: ago("iat", -clockSkew-time.Second), reason: identity.CredentialInvalid},
		"an end within the skew":                               {claims: ago("exp", clockSkew-time.Second)},
		"the use of an ID token":                               {claims: with("token_use", "id")},
		"another client in the claim that counts":              {claims: with("client_id", "other"), rules: func(r *Rules) { r.AudienceClaim = "client_id" }, reason: identity.WrongApplication},
		"our client in the claim that counts":                  {claims: func(*rig) map[string]any { return map[string]any{"client_id": "game", "aud": "x"} }, rules: func(r *Rules) { r.AudienceClaim = "client_id" }},
		"the use of an access token, where asked":              {claims: with("token_use", "access"), rules: func(r *Rules) { r.AccessTokens = true }},
		"an issuer that is not the one with a path":            {claims: func(r *rig) map[string]any { return map[string]any{"iss": r.URL() + "/"} }, reason: identity.CredentialInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			claims := r.claims(nil)
			if c.claims != nil {
				claims = r.claims(c.claims(r))
			}
			got, err := newVerifierAt(r, c.rules).Verify(t.Context(), r.Sign("rsa-1", claims, nil), c.with)
			if c.reason != "" {
				wantReason(t, err, c.reason)
				return
			}
			if err != nil || got.Subject != "ann" {
				t.Errorf("the claims are %+v, %v", got, err)
			}
		})
	}
}

func with(name string, value any) func(*rig) map[string]any {
	return func(*rig) map[string]any { return map[string]any{name: value} }
}

func ago(name string, d time.Duration) func(*rig) map[string]any {
	return func(r *rig) map[string]any { return map[string]any{name: r.now().Add(-d).Unix()} }
}

func maxAge(d time.Duration) func(*Rules)     { return func(r *Rules) { r.MaxAge = d } }
func maxAuthAge(d time.Duration) func(*Rules) { return func(r *Rules) { r.MaxAuthAge = d } }

func TestOneTokenIsUsedUpHoweverItIsWritten(t *testing.T) {
	r := newRig(t)
	v := newVerifierAt(r, nil)
	token := r.Sign("rsa-1", r.claims(nil), nil)
	first, err := v.Verify(t.Context(), token, Expected{})
	if err != nil {
		t.Fatal(err)
	}
	// The last character of a signature of 256 bytes carries two bits that do not count.
	last := token[len(token)-1]
	for _, other := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		if byte(other) == last {
			continue
		}
		again, err := v.Verify(t.Context(), token[:len(token)-1]+string(other), Expected{})
		if err == nil && v.Proved(again, Expected{}).Once != v.Proved(first, Expected{}).Once {
			t.Fatalf("the token ends in %q as well, and would work twice", other)
		}
	}
	who := v.Proved(first, Expected{})
	if who.Once == "" || !who.Until.Equal(first.ExpiresAt.Add(clockSkew)) {
		t.Errorf("the token is used up as %+v", who)
	}
}

func TestAlgorithmsThatAreTaken(t *testing.T) {
	for _, algorithm := range []string{"RS256", "RS384", "RS512", "ES256", "EdDSA"} {
		r := newRig(t)
		r.Publish("key-1", algorithm)
		token := r.Sign("key-1", r.claims(nil), nil)
		ours := newVerifierAt(r, func(rules *Rules) { rules.Algorithms = []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)} })
		if _, err := ours.Verify(t.Context(), token, Expected{}); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
		others := newVerifierAt(r, func(rules *Rules) { rules.Algorithms = []jose.SignatureAlgorithm{"PS256"} })
		_, err := others.Verify(t.Context(), token, Expected{})
		wantReason(t, err, identity.CredentialInvalid)
	}
}

func TestClaimsAreReadAsTheyAre(t *testing.T) {
	r := newRig(t)
	claims, err := newVerifierAt(r, nil).Verify(t.Context(), r.Sign("ec-1", r.claims(map[string]any{
		"groups": []string{"a", "b"}, "group": "c", "yes": true, "also": "true", "no": "yes", "n": 7, "in": map[string]any{"ner": "x"}, "dot.ted": "y",
	}), nil), Expected{})
	if err != nil {
		t.Fatal(err)
	}
	if got := claims.Texts("groups"); len(got) != 2 || len(claims.Texts("group")) != 1 || len(claims.Texts("n")) != 0 {
		t.Errorf("groups are %v", got)
	}
	if !claims.Truth("yes") || !claims.Truth("also") || claims.Truth("no") || claims.Truth("none") {
		t.Error("truths are misread")
	}
	if claims.Text("group") != "c" || claims.Text("n") != "" || scalar(claims.Value("n")) != "7" || scalar(claims.at("in.ner")) != "x" || scalar(claims.at("dot.ted")) != "y" || claims.at("no.thing") != nil {
		t.Error("values are misread")
	}
}

func TestMembersThatComeTwiceAreRefused(t *testing.T) {
	for _, text := range []string{`{"sub":"ann","sub":"mallory"}`, `[]`, `null`, `{`, `"x"`} {
		if c, err := readClaims([]byte(text)); err == nil {
			t.Errorf("%s reads as %+v", text, c)
		}
	}
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","alg":"none"}`))
	if _, err := readHeader(head, []jose.SignatureAlgorithm{jose.RS256}, ""); err == nil {
		t.Error("a header with two algorithms is taken")
	}
}

// FuzzToken reads tokens that anybody may send.
func FuzzToken(f *testing.F) {
	r := newRig(f)
	v := newVerifierAt(r, nil)
	good := r.Sign("rsa-1", r.claims(nil), nil)
	f.Add(good)
	f.Add(providertest.Unsigned(r.claims(nil), nil))
	f.Add(r.Confuse("rsa-1", r.claims(nil), nil))
	f.Add(r.Sign("ec-1", map[string]any{"aud": []any{1, nil}, "exp": "x"}, map[string]any{"kid": nil}))
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := v.Verify(t.Context(), token, Expected{})
		if err == nil && claims.Subject != "ann" {
			t.Errorf("%q proves %+v", token, claims)
		}
		if _, ok := err.(interface{ Unwrap() error }); err != nil && !ok {
			t.Errorf("%q is no refusal: %v", token, err)
		}
	})
}

// FuzzClaims reads what a signature may cover.
func FuzzClaims(f *testing.F) {
	f.Add([]byte(`{"iss":"a","sub":"b","aud":["c"],"exp":1e9,"iat":1,"nbf":0.5}`))
	f.Add([]byte(`{"exp":-1}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := readClaims(payload)
		if err == nil && (c.ExpiresAt.Year() > 9999 || c.IssuedAt.Year() > 9999) {
			t.Errorf("%s has impossible times", payload)
		}
	})
}
