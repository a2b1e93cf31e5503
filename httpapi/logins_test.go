package httpapi

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"muster"
)

// fakeLogins remembers the last proof. It knows "acme", and there the token "ann".
type fakeLogins struct {
	last string
	err  error
}

func (f *fakeLogins) Providers() []muster.ProviderView {
	return []muster.ProviderView{{Name: "acme", Kind: "oidc", Proofs: [][]string{{"token"}}}}
}

func (f *fakeLogins) NewNonce(context.Context) (string, time.Duration, error) {
	return "nonce-1", 5 * time.Minute, f.err
}

func (f *fakeLogins) Login(ctx context.Context, provider string, proof muster.Proof) (muster.Grant, error) {
	f.last = fmt.Sprintf("%s %+v on %q", provider, proof, muster.DeviceFrom(ctx))
	if provider != "acme" {
		return muster.Grant{}, muster.Errorf(muster.NotFound, "provider.unknown", "there is no way in of this name")
	}
	return muster.Grant{Player: muster.GrantPlayer{ID: ada}, AccessToken: "tok", Created: proof.Token != "ann"}, f.err
}

func TestLogins(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range []struct {
		name, method, target, body string
		status                     int
		want, last                 string
	}{
		{"the ways in are listed to everybody", "GET", "/v1/auth/providers", ``, 200, `{"providers":[{"name":"acme","kind":"oidc","proofs":[["token"]]}]}`, ``},
		{"a nonce is given out", "POST", "/v1/auth/nonce", ``, 201, `{"nonce":"nonce-1","expiresInSeconds":300}`, ``},
		{"a known player signs in", "POST", "/v1/auth/login/acme", `{"token":"ann"}`, 200, `"accessToken":"tok"`, `acme {Token:ann Code: RedirectURI: CodeVerifier: Nonce: Fields:map[]} on "test"`},
		{
			"a new player signs in with every member", "POST", "/v1/auth/login/acme",
			`{"code":"c","redirectUri":"https://game.example/","codeVerifier":"v","nonce":"n","fields":{"region":"eu"}}`, 201, `"id":"p-ada"`,
			`acme {Token: Code:c RedirectURI:https://game.example/ CodeVerifier:v Nonce:n Fields:map[region:eu]} on "test"`,
		},
		{"an unknown provider is not found", "POST", "/v1/auth/login/nobody", `{"token":"ann"}`, 404, `provider.unknown`, ``},
		{"the provider is looked at before the members", "POST", "/v1/auth/login/nobody", `{"email":"a@b.example"}`, 404, `provider.unknown`, ``},
		{"a guest is shown the way", "POST", "/v1/auth/login/guest", `{"guest":{}}`, 404, `POST /v1/auth/guest`, ``},
		{"a member that no proof has is refused", "POST", "/v1/auth/login/acme", `{"idToken":"ann"}`, 400, `request.unknown_member`, ``},
		{"an endless token is refused", "POST", "/v1/auth/login/acme", `{"token":"` + strings.Repeat("x", 16385) + `"}`, 400, `request.invalid`, ``},
		{"a body is needed", "POST", "/v1/auth/login/acme", ``, 400, `request.`, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t, r.logins.last = t, ""
			a := r.do(c.method, c.target, "", c.body, "User-Agent", "test")
			if a.status != c.status || !strings.Contains(a.body, c.want) {
				t.Errorf("status %d, body %s; want %d with %s", a.status, a.body, c.status, c.want)
			}
			if c.last != "" && r.logins.last != c.last {
				t.Errorf("asked %s, want %s", r.logins.last, c.last)
			}
		})
	}
}

func TestPasswordsThatAreOffSaySo(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Passwords = nil })
	for call, code := range map[string]string{
		"POST /v1/auth/login/email":     "provider.unknown",
		"POST /v1/auth/links/email":     "provider.unknown",
		"POST /v1/auth/register":        "route.not_found",
		"POST /v1/auth/email/verify":    "route.not_found",
		"POST /v1/auth/password/forgot": "route.not_found",
		"PUT /v1/auth/password":         "route.not_found",
	} {
		method, target, _ := strings.Cut(call, " ")
		a := r.do(method, target, "ada", `{"email":"a@b.example","password":"four words"}`)
		if a.status != 404 || a.code() != code || !strings.Contains(a.body, passwordsOff) {
			t.Errorf("%s: status %d, body %s", call, a.status, a.body)
		}
	}
}

func TestARefusedProofSaysWhy(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range []struct {
		err    *muster.Error
		status int
	}{
		{muster.Errorf(muster.Unauthenticated, "credential.expired", "get a new one"), 401},
		{muster.Errorf(muster.Denied, "account.banned", "banned"), 403},
		{&muster.Error{Kind: muster.Exhausted, Code: "provider.rate_limited", Message: "wait", RetryAfter: 5 * time.Second}, 429},
		{&muster.Error{Kind: muster.Unavailable, Code: "provider.unavailable", Message: "down", RetryAfter: 5 * time.Second}, 503},
	} {
		r.logins.err = c.err
		a := r.do("POST", "/v1/auth/login/acme", "", `{"token":"ann"}`)
		if a.status != c.status || a.code() != c.err.Code {
			t.Errorf("%d %s, want %d %s", a.status, a.code(), c.status, c.err.Code)
		}
		if c.err.RetryAfter > 0 && a.header.Get("Retry-After") != "5" {
			t.Errorf("%s: Retry-After is %q", c.err.Code, a.header.Get("Retry-After"))
		}
	}
}
