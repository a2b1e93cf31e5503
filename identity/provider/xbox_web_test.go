package provider

import (
	"encoding/json"
	"net/http"
	"testing"

	"muster/identity"
)

const (
	microsoftApp    = "00000000-4c1f-7e2a-0000-000000000000"
	microsoftSecret = "mIcRoSoFt~SeCrEt~0123456789"
	microsoftCode   = "M.C507_BL2.2.U.0f1e2d3c"
	microsoftAccess = "EwAIA+pvBAAUKods63Ys1fGl"
	xuid            = "2535400000000001"
)

func xboxWebVendor() vendor {
	return vendor{
		make: func(r *rig) identity.Provider {
			scriptXboxWeb(r, nil)
			return newXboxWeb(r, XboxWebOptions{ClientSecret: FixedSecret(microsoftSecret)})
		},
		proof: identity.Proof{Code: microsoftCode, RedirectURI: ourPage}, subject: xuid,
		paths:   []string{"/oauth20_token.srf", "/user/authenticate", "/xsts/authorize"},
		secrets: []string{microsoftSecret, microsoftCode, microsoftAccess, "user-token", "xsts-token"},
	}
}

func newXboxWeb(r *rig, o XboxWebOptions) *XboxWeb {
	o.Client, o.Now, o.ClientID, o.RedirectURIs = r.client, r.now, microsoftApp, []string{ourPage}
	o.TokenURL, o.UserURL, o.XSTSURL = r.URL()+"/oauth20_token.srf", r.URL(), r.URL()
	return NewXboxWeb(o)
}

// scriptXboxWeb answers about a good code, with some claims of the user changed.
func scriptXboxWeb(r *rig, change map[string]string) {
	r.Answer("/oauth20_token.srf", http.StatusOK, map[string]any{
		"token_type": "bearer", "expires_in": 3600, "scope": "XboxLive.signin", "access_token": microsoftAccess, "user_id": "AAAAAAAAAAAAAAAAAAAAAMfVs",
	})
	r.Answer("/user/authenticate", http.StatusOK, map[string]any{
		"IssueInstant": "2026-11-22T08:00:00.1234567Z", "NotAfter": "2026-12-06T08:00:00.1234567Z", "Token": "user-token",
		"DisplayClaims": map[string]any{"xui": []any{map[string]any{"uhs": "1234"}}},
	})
	user := map[string]string{"uhs": "1234", "xid": xuid, "gtg": "Ann", "agg": "Adult", "prv": "184 185 254 255"}
	for name, value := range change {
		user[name] = value
	}
	scriptXSTS(r, "2026-11-23T00:00:00.1234567Z", user)
}

func scriptXSTS(r *rig, notAfter string, users ...map[string]string) {
	r.Answer("/xsts/authorize", http.StatusOK, map[string]any{
		"IssueInstant": "2026-11-22T08:00:00.1234567Z", "NotAfter": notAfter, "Token": "xsts-token",
		"DisplayClaims": map[string]any{"xui": users},
	})
}

func TestAMicrosoftAccountBecomesAnXboxUser(t *testing.T) {
	r := newRig(t)
	scriptXboxWeb(r, nil)
	who, err := newXboxWeb(r, XboxWebOptions{Sandbox: "XDKS.1"}).Verify(t.Context(), identity.Proof{Code: microsoftCode, RedirectURI: ourPage, CodeVerifier: aVerifier})
	if err != nil || who != (identity.Verified{Subject: xuid, DisplayName: "Ann"}) {
		t.Fatalf("Verify = %+v, %v", who, err)
	}
	form := r.Calls("/oauth20_token.srf")[0].Form()
	for member, want := range map[string]string{
		"grant_type": "authorization_code", "client_id": microsoftApp, "code": microsoftCode,
		"redirect_uri": ourPage, "code_verifier": aVerifier, "client_secret": "",
	} {
		if got := form.Get(member); got != want {
			t.Errorf("%s is %q, want %q", member, got, want)
		}
	}
	for path, want := range map[string]string{
		"/user/authenticate": `{"RelyingParty":"http://auth.xboxlive.com","TokenType":"JWT","Properties":{"AuthMethod":"RPS","RpsTicket":"d=` + microsoftAccess + `","SiteName":"user.auth.xboxlive.com"}}`,
		"/xsts/authorize":    `{"RelyingParty":"http://xboxlive.com","TokenType":"JWT","Properties":{"SandboxId":"XDKS.1","UserTokens":["user-token"]}}`,
	} {
		if got := r.Calls(path)[0].Body; got != want {
			t.Errorf("%s is asked %s, want %s", path, got, want)
		}
	}
}

func TestErrorsOfXbox(t *testing.T) {
	for name, c := range map[string]struct {
		code   int64
		reason identity.Reason
	}{
		"banned":                      {2148916227, identity.AccountBanned},
		"a child without consent":     {2148916229, identity.AgeOrPrivilege},
		"no Xbox profile":             {2148916233, identity.AgeOrPrivilege},
		"terms not accepted":          {2148916234, identity.AgeOrPrivilege},
		"a country without Xbox":      {2148916235, identity.AgeOrPrivilege},
		"an age that was not checked": {2148916236, identity.AgeOrPrivilege},
		"another such age":            {2148916237, identity.AgeOrPrivilege},
		"a child outside of a family": {2148916238, identity.AgeOrPrivilege},
		"an error never heard of":     {2148916999, identity.CredentialInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			scriptXboxWeb(r, nil)
			r.Answer("/xsts/authorize", http.StatusUnauthorized, map[string]any{"Identity": "0", "XErr": json.Number(jsonInt(c.code)), "Message": "", "Redirect": "https://start.ui.xboxlive.com/"})
			_, err := newXboxWeb(r, XboxWebOptions{}).Verify(t.Context(), identity.Proof{Code: microsoftCode, RedirectURI: ourPage, CodeVerifier: aVerifier})
			wantRefused(t, err, c.reason, microsoftAccess, "user-token")
		})
	}
}

func jsonInt(n int64) string {
	text, _ := json.Marshal(n) // a number always encodes
	return string(text)
}

func TestXboxUsersThatAreNotSignedIn(t *testing.T) {
	good := map[string]string{"uhs": "1234", "xid": xuid, "gtg": "Ann", "prv": "254"}
	for name, c := range map[string]struct {
		notAfter string
		users    []map[string]string
		solo     bool
		reason   identity.Reason
	}{
		"nobody":                       {"2026-11-23T00:00:00Z", nil, false, identity.ProviderUnavailable},
		"two at once":                  {"2026-11-23T00:00:00Z", []map[string]string{good, good}, false, identity.ProviderUnavailable},
		"one without an id":            {"2026-11-23T00:00:00Z", []map[string]string{{"uhs": "1234", "prv": "254"}}, false, identity.ProviderUnavailable},
		"one whose token has expired":  {"2026-11-22T07:59:59Z", []map[string]string{good}, false, identity.CredentialExpired},
		"one who may not play online":  {"2026-11-23T00:00:00Z", []map[string]string{{"xid": xuid, "prv": "1254 2540 184"}}, false, identity.AgeOrPrivilege},
		"one who need not play online": {"2026-11-23T00:00:00Z", []map[string]string{{"xid": xuid, "prv": "184"}}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			scriptXboxWeb(r, nil)
			scriptXSTS(r, c.notAfter, c.users...)
			who, err := newXboxWeb(r, XboxWebOptions{AllowSolo: c.solo}).Verify(t.Context(), identity.Proof{Code: microsoftCode, RedirectURI: ourPage, CodeVerifier: aVerifier})
			if c.reason != "" {
				wantRefused(t, err, c.reason, xuid)
			} else if err != nil || who.Subject != xuid {
				t.Errorf("Verify = %+v, %v", who, err)
			}
		})
	}
}

func TestCodesOfMicrosoftThatAreNotTaken(t *testing.T) {
	r := newRig(t)
	scriptXboxWeb(r, nil)
	web := newXboxWeb(r, XboxWebOptions{})
	_, err := web.Verify(t.Context(), identity.Proof{Code: microsoftCode, RedirectURI: "https://evil.example/"})
	wantRefused(t, err, identity.CredentialInvalid)
	_, err = web.Verify(t.Context(), identity.Proof{Code: microsoftCode, RedirectURI: ourPage})
	wantRefused(t, err, identity.CredentialInvalid) // a public client's code comes with a verifier
	if calls := r.Calls(""); len(calls) != 0 {
		t.Errorf("and yet: %v", calls)
	}
	proof := identity.Proof{Code: microsoftCode, RedirectURI: ourPage, CodeVerifier: aVerifier}
	r.Answer("/oauth20_token.srf", http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
	_, err = web.Verify(t.Context(), proof)
	wantRefused(t, err, identity.CredentialExpired)
	r.Answer("/oauth20_token.srf", http.StatusOK, map[string]any{"token_type": "bearer", "scope": "openid profile", "access_token": microsoftAccess})
	_, err = web.Verify(t.Context(), proof)
	wantRefused(t, err, identity.CredentialInvalid)
	if calls := r.Calls("/user/authenticate"); len(calls) != 0 {
		t.Errorf("Xbox is asked with a token of another scope: %v", calls)
	}
}
