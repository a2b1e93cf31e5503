package identity

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"muster"
)

// forge signs claims as an attacker or another issuer would.
func forge(t testing.TB, alg jose.SignatureAlgorithm, key any, kid, typ string, claims map[string]any) string {
	t.Helper()
	opts := &jose.SignerOptions{}
	if typ != "" {
		opts = opts.WithType(jose.ContentType(typ))
	}
	if kid != "" {
		opts = opts.WithHeader("kid", kid)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, opts)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// ourKey is the site's private key and its id, as only this test may have it.
func ourKey(t testing.TB) (*site, ed25519.PrivateKey, string) {
	t.Helper()
	s := newSite(t)
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := asJWK(private, "")
	if err != nil {
		t.Fatal(err)
	}
	if s.keys, err = newKeys([]setKey{{JSONWebKey: key}}); err != nil {
		t.Fatal(err)
	}
	s.Service = New(s.options())
	return s, private, key.KeyID
}

func goodClaims(now time.Time) map[string]any {
	return map[string]any{
		"iss": "https://play.example", "aud": "muster", "sub": "player-1", "sid": "family-1", "scope": "guest", "jti": "1",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
}

func TestAccessTokensThatAreRefused(t *testing.T) {
	s, private, kid := ourKey(t)
	public := private.Public().(ed25519.PublicKey)
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	with := func(change map[string]any) map[string]any {
		claims := goodClaims(s.clock())
		for name, value := range change {
			if claims[name] = value; value == nil {
				delete(claims, name)
			}
		}
		return claims
	}
	sign := func(claims map[string]any) string { return forge(t, jose.EdDSA, private, kid, accessType, claims) }
	good := sign(with(nil))
	if _, err := s.Verify(context.Background(), good); err != nil {
		t.Fatalf("the token that the cases change is not good: %v", err)
	}
	parts := strings.Split(good, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	seat := &muster.SeatView{SessionID: "arn", PlayerSessionID: "psess-1"}
	if err := s.JoinToken(seat, "player-1"); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, token, code string
	}{
		{"nothing", "", "token.invalid"},
		{"text that is no token", "a.b.c", "token.invalid"},
		{"a token without signature", b64([]byte(`{"alg":"none","typ":"at+jwt","kid":"`+kid+`"}`)) + "." + parts[1] + ".", "token.invalid"},
		{"a signature with the public key as a shared secret", forge(t, jose.HS256, []byte(public), kid, accessType, with(nil)), "token.invalid"},
		{"the signature of another key under our key's id", forge(t, jose.EdDSA, stranger, kid, accessType, with(nil)), "token.invalid"},
		{"a key that nobody knows", forge(t, jose.EdDSA, stranger, "stranger", accessType, with(nil)), "token.invalid"},
		{"no key id", forge(t, jose.EdDSA, private, "", accessType, with(nil)), "token.invalid"},
		{"a key inside the token", forgeEmbedded(t, stranger, with(nil)), "token.invalid"},
		{"a changed payload", parts[0] + "." + b64([]byte(`{"sub":"player-2"}`)) + "." + parts[2], "token.invalid"},
		{"no type", forge(t, jose.EdDSA, private, kid, "", with(nil)), "token.invalid"},
		{"a join token", seat.JoinToken, "token.invalid"},
		{"a join token's type with an access token's claims", forge(t, jose.EdDSA, private, kid, joinType, with(nil)), "token.invalid"},
		{"the game servers' audience", sign(with(map[string]any{"aud": JoinAudience})), "token.invalid"},
		{"another audience", sign(with(map[string]any{"aud": []string{"a", "b"}})), "token.invalid"},
		{"another issuer", sign(with(map[string]any{"iss": "https://evil.example"})), "token.invalid"},
		{"no subject", sign(with(map[string]any{"sub": nil})), "token.invalid"},
		{"no end", sign(with(map[string]any{"exp": nil})), "token.invalid"},
		{"no start", sign(with(map[string]any{"nbf": nil})), "token.invalid"},
		{"a start in the future", sign(with(map[string]any{"nbf": s.clock().Add(31 * time.Second).Unix()})), "token.invalid"},
		{"an operator's scope", sign(with(map[string]any{"scope": "admin"})), "token.invalid"},
		{"no scope", sign(with(map[string]any{"scope": nil})), "token.invalid"},
		{"a time that is over", sign(with(map[string]any{"exp": s.clock().Unix()})), "token.expired"},
		{"too much text", good + strings.Repeat("A", maxAccessToken), "token.invalid"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			caller, err := s.Verify(context.Background(), c.token)
			wantRefusal(t, err, muster.Unauthenticated, c.code)
			if caller != (muster.Caller{}) {
				t.Errorf("refused, yet the caller is %+v", caller)
			}
		})
	}
}

// forgeEmbedded signs with a key that the token itself brings along.
func forgeEmbedded(t *testing.T, key ed25519.PrivateKey, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key}, (&jose.SignerOptions{EmbedJWK: true}).WithType(accessType))
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAnAccessTokenLivesFifteenMinutes(t *testing.T) {
	s := newSite(t)
	token := s.guest(t).AccessToken
	s.pass(DefaultAccessTTL - time.Second)
	if _, err := s.Verify(context.Background(), token); err != nil {
		t.Fatalf("in its last second: %v", err)
	}
	s.pass(time.Second)
	_, err := s.Verify(context.Background(), token)
	wantRefusal(t, err, muster.Unauthenticated, "token.expired", token)
}

func TestAReplicaWithASlowClockTakesAFreshToken(t *testing.T) {
	s := newSite(t)
	token := s.guest(t).AccessToken
	s.pass(-20 * time.Second)
	if _, err := s.Verify(context.Background(), token); err != nil {
		t.Error(err)
	}
}

func TestAJoinTokenTellsAGameServerWhoseSeatItIs(t *testing.T) {
	s := newSite(t)
	seat := &muster.SeatView{SessionID: "arn:aws:gamelift:us-west-2::gamesession/f/l/g", PlayerSessionID: "psess-1"}
	if err := s.JoinToken(seat, "player-1"); err != nil {
		t.Fatal(err)
	}
	// A game server has the published keys and the agreement, nothing else.
	var published jose.JSONWebKeySet
	if err := json.Unmarshal(s.JWKS(), &published); err != nil {
		t.Fatal(err)
	}
	token, err := jwt.ParseSigned(seat.JoinToken, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := token.Claims(published.Key(token.Headers[0].KeyID)[0].Key, &claims); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"iss": "https://play.example", "aud": JoinAudience, "sub": "player-1", "sid": string(seat.SessionID), "psid": "psess-1",
		"iat": float64(s.clock().Unix()), "exp": float64(s.clock().Add(DefaultJoinTTL).Unix()),
	}
	for name, value := range want {
		if claims[name] != value {
			t.Errorf("claim %s is %v, want %v", name, claims[name], value)
		}
	}
	if len(claims) != len(want) {
		t.Errorf("claims are %v", claims)
	}
	if seat.JoinTokenExpiresAt == nil || !seat.JoinTokenExpiresAt.Equal(s.clock().Add(DefaultJoinTTL)) {
		t.Errorf("the seat says its token ends at %v", seat.JoinTokenExpiresAt)
	}
}

func TestTheIssuerDescribesItself(t *testing.T) {
	s := newSite(t)
	var c map[string]any
	if err := json.Unmarshal(s.Configuration(), &c); err != nil {
		t.Fatal(err)
	}
	if c["issuer"] != "https://play.example" || c["jwks_uri"] != "https://play.example/.well-known/jwks.json" {
		t.Errorf("configuration is %v", c)
	}
}

func FuzzVerify(f *testing.F) {
	s, private, kid := ourKey(f)
	good := forge(f, jose.EdDSA, private, kid, accessType, goodClaims(s.clock()))
	f.Add(good)
	f.Add("e30.e30.e30")
	f.Add(`{"payload":"e30","signatures":[]}`)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		caller, err := s.Verify(context.Background(), text)
		if err == nil && caller != (muster.Caller{Player: "player-1", Scope: muster.GuestScope, Family: "family-1"}) {
			t.Errorf("%q passes as %+v", text, caller)
		}
		if err != nil && muster.KindOf(err) != muster.Unauthenticated {
			t.Errorf("%q: %v", text, err)
		}
	})
}
