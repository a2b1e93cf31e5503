package provider

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"testing"
	"time"

	"muster/identity"
)

const (
	facebookApp    = "1234567890"
	facebookSecret = "f00df00df00df00df00df00df00df00d"
	facebookUser   = "10158000000000001"
	facebookAccess = "EAAGm0PX4ZCpsBAKZCZBZA"
)

func facebookVendor() vendor {
	return vendor{
		make: func(r *rig) identity.Provider {
			scriptFacebook(r, nil)
			return newFacebook(r, FacebookOptions{})
		},
		proof: identity.Proof{Token: facebookAccess}, subject: facebookUser,
		paths: []string{"/debug_token", "/me"}, secrets: []string{facebookSecret, facebookAccess},
	}
}

func newFacebook(r *rig, o FacebookOptions) *Facebook {
	o.Client, o.Now, o.Endpoint = r.client, r.now, r.URL()
	o.AppID, o.AppSecret = facebookApp, FixedSecret(facebookSecret)
	return NewFacebook(o)
}

// scriptFacebook answers about a good token, with some members of its data changed.
func scriptFacebook(r *rig, change map[string]any) {
	data := map[string]any{
		"app_id": facebookApp, "type": "USER", "application": "Chess", "is_valid": true, "user_id": facebookUser,
		"issued_at": r.now().Unix() - 60, "expires_at": r.now().Add(time.Hour).Unix(), "data_access_expires_at": r.now().Add(time.Hour).Unix(),
		"scopes": []string{"public_profile"},
	}
	for name, value := range change {
		data[name] = value
	}
	r.Answer("/debug_token", http.StatusOK, map[string]any{"data": data})
	r.Answer("/me", http.StatusOK, map[string]any{"id": facebookUser, "name": "Ann"})
}

func TestFacebookIsAskedAsTheApp(t *testing.T) {
	r := newRig(t)
	scriptFacebook(r, nil)
	who, err := newFacebook(r, FacebookOptions{}).Verify(t.Context(), identity.Proof{Token: facebookAccess})
	if err != nil || who.DisplayName != "Ann" || who.Once == "" || !who.Until.Equal(r.now().Add(time.Hour)) {
		t.Fatalf("Verify = %+v, %v", who, err)
	}
	query := r.Calls("/debug_token")[0].Query
	if query.Get("input_token") != facebookAccess || query.Get("access_token") != facebookApp+"|"+facebookSecret {
		t.Errorf("debug_token is asked %v", query)
	}
	mac := hmac.New(sha256.New, []byte(facebookSecret))
	mac.Write([]byte(facebookAccess))
	if got, want := r.Calls("/me")[0].Query.Get("appsecret_proof"), hex.EncodeToString(mac.Sum(nil)); got != want {
		t.Errorf("appsecret_proof is %q, want %q", got, want)
	}
}

func TestWhatFacebookSaysOfAToken(t *testing.T) {
	invalid := func(code, subcode int) map[string]any {
		return map[string]any{"is_valid": false, "error": map[string]any{"code": code, "subcode": subcode, "message": "no"}}
	}
	for name, c := range map[string]struct {
		change map[string]any
		reason identity.Reason // empty: signed in
	}{
		"another app's":                   {map[string]any{"app_id": "666"}, identity.WrongApplication},
		"another app's, as Facebook says": {invalid(100, 0), identity.WrongApplication},
		"a page's":                        {map[string]any{"type": "PAGE"}, identity.CredentialInvalid},
		"an app's":                        {map[string]any{"type": "APP"}, identity.CredentialInvalid},
		"not valid":                       {map[string]any{"is_valid": false}, identity.CredentialInvalid},
		"nobody's":                        {map[string]any{"user_id": ""}, identity.CredentialInvalid},
		"expired":                         {map[string]any{"expires_at": 1}, identity.CredentialExpired},
		"expired, as Facebook says":       {invalid(190, 463), identity.CredentialExpired},
		"from before the password":        {invalid(190, 460), identity.CredentialExpired},
		"of an app that was removed":      {invalid(190, 458), identity.CredentialInvalid},
		"no token at all":                 {invalid(190, 467), identity.CredentialInvalid},
		"a trouble of Facebook's own":     {invalid(2, 0), identity.ProviderUnavailable},
		"too many questions":              {invalid(4, 0), identity.ProviderRateLimited},
		"one that never expires":          {map[string]any{"expires_at": 0}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			scriptFacebook(r, c.change)
			who, err := newFacebook(r, FacebookOptions{}).Verify(t.Context(), identity.Proof{Token: facebookAccess})
			if c.reason != "" {
				wantRefused(t, err, c.reason, facebookAccess, facebookSecret, facebookUser)
			} else if err != nil || !who.Until.Equal(r.now().Add(longestReuse)) {
				t.Errorf("Verify = %+v, %v", who, err)
			}
		})
	}
}

func TestErrorsOfTheGraphAPI(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		code   int
		reason identity.Reason
		alert  bool
	}{
		"the app secret is wrong":         {"/debug_token", 190, identity.ProviderUnavailable, true},
		"the app asks too often":          {"/debug_token", 4, identity.ProviderRateLimited, false},
		"debug_token fails for a while":   {"/debug_token", 2, identity.ProviderUnavailable, false},
		"the token was revoked meanwhile": {"/me", 190, identity.CredentialInvalid, false},
		"the player asks too often":       {"/me", 17, identity.ProviderRateLimited, false},
		"the proof of the secret fails":   {"/me", 100, identity.ProviderUnavailable, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			scriptFacebook(r, nil)
			r.Answer(c.path, http.StatusBadRequest, map[string]any{"error": map[string]any{"code": c.code, "type": "OAuthException", "message": "no"}})
			_, err := newFacebook(r, FacebookOptions{}).Verify(t.Context(), identity.Proof{Token: facebookAccess})
			wantRefused(t, err, c.reason, facebookAccess, facebookSecret)
			if alerted := r.log() != ""; alerted != c.alert {
				t.Errorf("the log says %q", r.log())
			}
		})
	}
}

func TestAFacebookTokenIsOfTheUserInspected(t *testing.T) {
	r := newRig(t)
	scriptFacebook(r, nil)
	r.Answer("/me", http.StatusOK, map[string]any{"id": "666", "name": "Eve"})
	_, err := newFacebook(r, FacebookOptions{}).Verify(t.Context(), identity.Proof{Token: facebookAccess})
	wantRefused(t, err, identity.CredentialInvalid)
	r.Answer("/debug_token", http.StatusOK, map[string]any{})
	_, err = newFacebook(r, FacebookOptions{}).Verify(t.Context(), identity.Proof{Token: facebookAccess})
	wantRefused(t, err, identity.ProviderUnavailable)
}

func TestAFacebookTokenWorksOnceUnlessReuseIsAllowed(t *testing.T) {
	v := facebookVendor()
	wantOnce(t, v.make(newRig(t)), v.proof)
	r := newRig(t)
	scriptFacebook(r, nil)
	who, err := newFacebook(r, FacebookOptions{AllowReuse: true}).Verify(t.Context(), v.proof)
	if err != nil || who.Once != "" {
		t.Errorf("Verify = %+v, %v", who, err)
	}
}

// limited is a stand-in for the provider of Limited Login.
type limited struct{ got []identity.Proof }

func (l *limited) Verify(_ context.Context, p identity.Proof) (identity.Verified, error) {
	l.got = append(l.got, p)
	return identity.Verified{Subject: "limited"}, nil
}

func TestFacebookTellsItsTokensApartByShape(t *testing.T) {
	r := newRig(t)
	scriptFacebook(r, nil)
	other := &limited{}
	both := newFacebook(r, FacebookOptions{Limited: other})
	jwt := r.Sign("rsa-1", map[string]any{"sub": facebookUser}, nil)
	who, err := both.Verify(t.Context(), identity.Proof{Token: jwt, Nonce: "nonce"})
	if err != nil || who.Subject != "limited" || len(other.got) != 1 || other.got[0].Nonce != "nonce" || len(r.Calls("")) != 0 {
		t.Errorf("a JWT: %+v, %v; calls %v", who, err, r.Calls(""))
	}
	if who, err := both.Verify(t.Context(), identity.Proof{Token: facebookAccess}); err != nil || who.Subject != facebookUser {
		t.Errorf("an access token: %+v, %v", who, err)
	}
	_, err = newFacebook(r, FacebookOptions{}).Verify(t.Context(), identity.Proof{Token: jwt})
	wantRefused(t, err, identity.CredentialInvalid)
	if alone := newFacebook(r, FacebookOptions{}); len(alone.Takes()) != 1 || len(both.Takes()) != 2 {
		t.Errorf("takes %v alone, %v with Limited Login", alone.Takes(), both.Takes())
	}
}
