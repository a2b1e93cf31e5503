package provider

import (
	"net/http"
	"testing"

	"muster/identity"
)

const (
	discordApp    = "1129384756102938475"
	discordSecret = "dIsCoRdSeCrEtDiScOrDsEcReT"
	discordUser   = "80351110224678912"
	discordCode   = "NhhvTDYsFcdgNLnnLijcl7Ku7bEEeee"
	discordToken  = "6qrZcUqja7812RVdnEKjpzOL4CvHBFG"
	ourPage       = "https://game.example/signed-in"
	aVerifier     = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

func discordVendor() vendor {
	return vendor{
		make: func(r *rig) identity.Provider {
			scriptDiscord(r, nil)
			return newDiscord(r)
		},
		proof: identity.Proof{Code: discordCode, RedirectURI: ourPage}, subject: discordUser,
		paths: []string{"/oauth2/token", "/oauth2/@me"}, secrets: []string{discordSecret, discordCode, discordToken},
	}
}

func newDiscord(r *rig) *Discord {
	return NewDiscord(DiscordOptions{
		Client: r.client, Now: r.now, ClientID: discordApp, ClientSecret: FixedSecret(discordSecret),
		RedirectURIs: []string{ourPage}, Endpoint: r.URL(),
	})
}

// scriptDiscord gives a token for any code, and says whose it is, with some members
// changed.
func scriptDiscord(r *rig, change map[string]any) {
	r.Answer("/oauth2/token", http.StatusOK, map[string]any{
		"access_token": discordToken, "token_type": "Bearer", "expires_in": 604800, "refresh_token": "D43f5y0ahjqew82jZ4NViEr2YafMKhue", "scope": "identify",
	})
	grant := map[string]any{
		"application": map[string]any{"id": discordApp, "name": "Chess"},
		"scopes":      []string{"identify"}, "expires": "2026-11-29T08:00:00.000000+00:00",
		"user": map[string]any{"id": discordUser, "username": "nelly", "global_name": "Nelly", "discriminator": "0"},
	}
	for name, value := range change {
		grant[name] = value
	}
	r.Answer("/oauth2/@me", http.StatusOK, grant)
}

func TestDiscordGetsTheCodeAsItWasAskedFor(t *testing.T) {
	for name, c := range map[string]struct {
		proof identity.Proof
		want  map[string]string
	}{
		"on a page":      {identity.Proof{Code: discordCode, RedirectURI: ourPage, CodeVerifier: aVerifier}, map[string]string{"redirect_uri": ourPage, "code_verifier": aVerifier}},
		"in an activity": {identity.Proof{Code: discordCode}, map[string]string{"redirect_uri": "", "code_verifier": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			scriptDiscord(r, nil)
			who, err := newDiscord(r).Verify(t.Context(), c.proof)
			if err != nil || who.DisplayName != "Nelly" || who.Once != "" {
				t.Fatalf("Verify = %+v, %v", who, err)
			}
			call := r.Calls("/oauth2/token")[0]
			c.want["code"], c.want["grant_type"] = discordCode, "authorization_code"
			for member, want := range c.want {
				if got := call.Form().Get(member); got != want {
					t.Errorf("%s is %q, want %q", member, got, want)
				}
			}
			request := http.Request{Header: call.Header}
			if id, secret, ok := request.BasicAuth(); !ok || id != discordApp || secret != discordSecret {
				t.Errorf("Basic is %q, %q", id, secret)
			}
			if got := r.Calls("/oauth2/@me")[0].Header.Get("Authorization"); got != "Bearer "+discordToken {
				t.Errorf("Authorization is %q", got)
			}
		})
	}
}

func TestWhatDiscordSaysOfACode(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   map[string]any
		reason identity.Reason
	}{
		"a used code":            {400, map[string]any{"error": "invalid_grant", "error_description": "Invalid \"code\" in request."}, identity.CredentialExpired},
		"a code of another form": {400, map[string]any{"error": "invalid_request"}, identity.CredentialInvalid},
		"a wrong secret":         {401, map[string]any{"error": "invalid_client"}, identity.ProviderUnavailable},
		"no token":               {200, map[string]any{"token_type": "Bearer"}, identity.ProviderUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			scriptDiscord(r, nil)
			r.Answer("/oauth2/token", c.status, c.body)
			_, err := newDiscord(r).Verify(t.Context(), identity.Proof{Code: discordCode})
			wantRefused(t, err, c.reason, discordSecret, discordCode)
		})
	}
}

func TestWhoseADiscordTokenIs(t *testing.T) {
	for name, c := range map[string]struct {
		change map[string]any
		reason identity.Reason
	}{
		"another application's":      {map[string]any{"application": map[string]any{"id": "666"}}, identity.WrongApplication},
		"no application's":           {map[string]any{"application": nil}, identity.WrongApplication},
		"without the scope identify": {map[string]any{"scopes": []string{"guilds"}}, identity.CredentialInvalid},
		"nobody's":                   {map[string]any{"user": nil}, identity.CredentialInvalid},
		"expired":                    {map[string]any{"expires": "2026-11-22T07:59:59+00:00"}, identity.CredentialExpired},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			scriptDiscord(r, c.change)
			_, err := newDiscord(r).Verify(t.Context(), identity.Proof{Code: discordCode})
			wantRefused(t, err, c.reason, discordToken, discordUser)
		})
	}
}

func TestDiscordIsNotAskedAboutCodesOfOtherPages(t *testing.T) {
	r := newRig(t)
	_, err := newDiscord(r).Verify(t.Context(), identity.Proof{Code: discordCode, RedirectURI: ourPage + ".evil.example"})
	wantRefused(t, err, identity.CredentialInvalid)
	_, err = newDiscord(r).Verify(t.Context(), identity.Proof{Token: discordToken})
	wantRefused(t, err, identity.CredentialInvalid)
	if calls := r.Calls(""); len(calls) != 0 {
		t.Errorf("and yet: %v", calls)
	}
}

func TestANameOfDiscordFallsBackOnTheUsername(t *testing.T) {
	r := newRig(t)
	scriptDiscord(r, map[string]any{"user": map[string]any{"id": discordUser, "username": "nelly", "global_name": nil}})
	who, err := newDiscord(r).Verify(t.Context(), identity.Proof{Code: discordCode})
	if err != nil || who.DisplayName != "nelly" {
		t.Errorf("Verify = %+v, %v", who, err)
	}
}
