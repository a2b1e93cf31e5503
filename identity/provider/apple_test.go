package provider

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"muster/identity"
	"muster/identity/provider/providertest"
)

// newApple is Apple with a key for authorization codes, at a rig's platform.
func newApple(t *testing.T, r *rig) *Apple {
	t.Helper()
	servesKeysAt(r, "/auth/keys")
	return NewApple(AppleOptions{
		Client: r.client, Now: r.now, ClientIDs: []string{"com.studio.game", "com.studio.web"}, Nonce: NonceOptional,
		TeamID: "TEAM123456", KeyID: "KEY1234567", PrivateKey: FixedSecret(privateKeyOf(t, r.Key("ec-1"))), RedirectURIs: []string{goodRedirect}, baseURL: r.URL(),
	})
}

func appleClaims(r *rig, audience string) map[string]any {
	return r.claims(map[string]any{"iss": appleURL, "aud": audience, "email_verified": "true", "is_private_email": true})
}

// wantAppleSecret checks the client secret that Apple got.
func wantAppleSecret(t *testing.T, r *rig, form map[string][]string, client string) {
	t.Helper()
	token, err := jwt.ParseSigned(form["client_secret"][0], []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	var claims jwt.Claims
	if err := token.Claims(r.Key("ec-1").Private.Public(), &claims); err != nil {
		t.Fatal(err)
	}
	err = claims.Validate(jwt.Expected{Issuer: "TEAM123456", Subject: client, AnyAudience: jwt.Audience{appleURL}, Time: r.now()})
	if err != nil || token.Headers[0].KeyID != "KEY1234567" || form["client_id"][0] != client || claims.Expiry.Time().Sub(r.now()) > 180*24*time.Hour {
		t.Errorf("the client secret says %+v, %v", claims, err)
	}
}

func TestACodeOfAppleProvesAndIsTakenBack(t *testing.T) {
	r := newRig(t)
	p := newApple(t, r)
	for client, proof := range map[string]identity.Proof{
		"com.studio.game": {Code: goodCode}, // of an app: no redirect address
		"com.studio.web":  {Code: goodCode, RedirectURI: goodRedirect, Fields: map[string]string{"clientId": "com.studio.web"}},
	} {
		before := len(r.Calls("/auth/token"))
		r.Answer("/auth/token", 200, map[string]any{"id_token": r.Sign("rsa-1", appleClaims(r, client), nil), "access_token": "x", "refresh_token": "r." + client})
		who, err := p.Verify(t.Context(), proof)
		if err != nil || who.Subject != "ann" || who.Consent != (identity.Consent{Token: "r." + client, ClientID: client}) {
			t.Fatalf("%s: the code proves %+v, %v", client, who, err)
		}
		form := r.Calls("/auth/token")[before].Form()
		wantAppleSecret(t, r, form, client)
		if form.Get("redirect_uri") != proof.RedirectURI {
			t.Errorf("%s: Apple got %v", client, form)
		}
		r.Answer("/auth/revoke", 200, map[string]any{})
		before = len(r.Calls("/auth/revoke"))
		if err := p.Revoke(t.Context(), who.Consent); err != nil {
			t.Fatal(err)
		}
		form = r.Calls("/auth/revoke")[before].Form()
		wantAppleSecret(t, r, form, client)
		if form.Get("token") != "r."+client || form.Get("token_type_hint") != "refresh_token" {
			t.Errorf("%s: Apple got %v", client, form)
		}
	}
	_, err := p.Verify(t.Context(), identity.Proof{Code: goodCode, Fields: map[string]string{"clientId": "com.evil.game"}})
	wantReason(t, err, identity.WrongApplication)
	_, err = p.Verify(t.Context(), identity.Proof{Code: goodCode, RedirectURI: "https://evil.example/"})
	wantReason(t, err, identity.CredentialInvalid)
	if takes := p.Takes(); len(takes) != 3 || takes[2][len(takes[2])-1] != "fields.clientId" {
		t.Errorf("it takes %v", takes)
	}
}

func TestAConsentThatCannotBeTakenBackIsTriedAgain(t *testing.T) {
	r := newRig(t)
	p := newApple(t, r)
	given := identity.Consent{Token: "r", ClientID: "com.studio.game"}
	for name, c := range map[string]struct {
		failure providertest.Failure
		done    bool
	}{
		"Apple is down":                 {providertest.Failure{Status: 503}, false},
		"Apple does not know us":        {providertest.Failure{Status: 400, Body: `{"error":"invalid_client"}`}, false},
		"Apple asks us to wait":         {providertest.Failure{Status: 429}, false},
		"the token is void":             {providertest.Failure{Status: 400, Body: `{"error":"invalid_grant"}`}, true},
		"the request is no good at all": {providertest.Failure{Status: 400, Body: `{"error":"invalid_request"}`}, true},
	} {
		r.Fail("/auth/revoke", c.failure)
		if err := p.Revoke(t.Context(), given); (err == nil) != c.done {
			t.Errorf("when %s: %v", name, err)
		}
	}
	if err := p.Revoke(t.Context(), identity.Consent{Token: "r", ClientID: "com.sold.game"}); err != nil {
		t.Errorf("a client that is not ours any more: %v", err)
	}
}

func TestWhatAppleTellsOfAccounts(t *testing.T) {
	event := func(kind, subject string) map[string]any {
		return map[string]any{"type": kind, "sub": subject, "event_time": 1763798400000}
	}
	asText := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for name, c := range map[string]struct {
		change    map[string]any
		key       string
		withdrawn bool
		reason    identity.Reason // empty: it is heard
	}{
		"a consent that was revoked":            {change: map[string]any{"events": asText(event("consent-revoked", "ann"))}, withdrawn: true},
		"an account that was deleted":           {change: map[string]any{"events": asText(event("account-delete", "ann"))}, withdrawn: true},
		"the event as an object":                {change: map[string]any{"events": event("consent-revoked", "ann")}, withdrawn: true},
		"an address that is switched off":       {change: map[string]any{"events": asText(event("email-disabled", "ann"))}},
		"an event of another app":               {change: map[string]any{"aud": "com.evil.game"}, reason: identity.WrongApplication},
		"another issuer":                        {change: map[string]any{"iss": "https://evil.example"}, reason: identity.CredentialInvalid},
		"no event":                              {change: map[string]any{"events": nil}, reason: identity.CredentialInvalid},
		"an event about nobody":                 {change: map[string]any{"events": asText(event("consent-revoked", ""))}, reason: identity.CredentialInvalid},
		"an event that is no JSON":              {change: map[string]any{"events": "{"}, reason: identity.CredentialInvalid},
		"an event of long ago":                  {change: map[string]any{"iat": 1700000000}, reason: identity.CredentialExpired},
		"an event that will be":                 {change: map[string]any{"iat": 1900000000}, reason: identity.CredentialInvalid},
		"a key that is not Apple's":             {key: "own-2", reason: identity.CredentialInvalid},
		"an end that is past, where it has one": {change: map[string]any{"exp": 1763790000}, reason: identity.CredentialExpired},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			p := newApple(t, r)
			r.Hold("own-2", "RS256")
			claims := map[string]any{"iss": appleURL, "aud": "com.studio.game", "iat": r.now().Unix(), "jti": "j1", "events": asText(event("consent-revoked", "ann"))}
			for n, v := range c.change {
				claims[n] = v
			}
			news, err := p.Heard(t.Context(), r.Sign(or(c.key, "rsa-1"), claims, nil))
			if c.reason != "" {
				wantReason(t, err, c.reason)
				return
			}
			if err != nil || news.Subject != "ann" || news.Withdrawn != c.withdrawn || news.Once == "" || !news.Until.Equal(r.now().Add(appleEventAge+clockSkew)) {
				t.Errorf("heard is %+v, %v", news, err)
			}
		})
	}
	r := newRig(t)
	p := newApple(t, r)
	// An identity token is no notification.
	_, err := p.Heard(t.Context(), r.Sign("rsa-1", appleClaims(r, "com.studio.game"), nil))
	wantReason(t, err, identity.CredentialInvalid)
	// And a notification is no identity token.
	_, err = p.Verify(t.Context(), identity.Proof{Token: r.Sign("rsa-1", map[string]any{
		"iss": appleURL, "aud": "com.studio.game", "iat": r.now().Unix(), "exp": r.now().Add(time.Hour).Unix(), "events": strings.Repeat("{", 3),
	}, nil)})
	wantReason(t, err, identity.CredentialInvalid)
}
