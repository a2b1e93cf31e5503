package provider

import (
	"net/http"
	"strings"
	"testing"

	"muster/identity"
	"muster/identity/provider/providertest"
)

const (
	verifyPath = "/games/v1/applications/4711/verify/"
	mePath     = "/games/v1/players/me"
)

// playGames is the platform as it should be.
func playGames(r *rig) *PlayGames {
	r.Answer("/token", 200, map[string]any{"access_token": "their-token", "token_type": "Bearer"})
	r.Answer(verifyPath, 200, map[string]any{"kind": "games#applicationVerifyResponse", "player_id": "a_ann"})
	r.Answer(mePath, 200, map[string]any{"playerId": "a_ann", "displayName": "Ann", "avatarImageUrl": "https://x.example/a.png"})
	return NewPlayGames(PlayGamesOptions{
		Client: r.client, Now: r.now, ApplicationID: "4711", Credentials: Credentials{ClientID: "web", Secret: FixedSecret(ourSecret)},
		tokenURL: r.URL() + "/token", gamesURL: r.URL(),
	})
}

func TestPlayGamesProvesAPlayerOfTheGame(t *testing.T) {
	r := newRig(t)
	who, err := playGames(r).Verify(t.Context(), identity.Proof{Code: goodCode, Fields: map[string]string{"playerId": "mallory"}})
	if err != nil || who != (identity.Verified{Subject: "a_ann", DisplayName: "Ann"}) {
		t.Fatalf("the code proves %+v, %v", who, err)
	}
	f := r.Calls("/token")[0].Form()
	if f.Get("code") != goodCode || f.Get("client_id") != "web" || f.Get("client_secret") != ourSecret || f.Get("redirect_uri") != "" {
		t.Errorf("the platform got %v", f)
	}
	for _, path := range []string{verifyPath, mePath} {
		if got := r.Calls(path)[0].Header.Get("Authorization"); got != "Bearer their-token" {
			t.Errorf("%s got %q", path, got)
		}
	}
}

func TestCodesOfPlayGamesThatProveNothing(t *testing.T) {
	oauth := func(code string) providertest.Failure {
		return providertest.Failure{Status: 400, Body: `{"error":"` + code + `"}`}
	}
	for name, c := range map[string]struct {
		path    string
		failure providertest.Failure
		reason  identity.Reason
		alert   bool
	}{
		"a code that was used":        {"/token", oauth("invalid_grant"), identity.CredentialExpired, false},
		"a wrong client secret":       {"/token", oauth("invalid_client"), identity.ProviderUnavailable, true},
		"no access token":             {"/token", providertest.Failure{Body: `{}`}, identity.ProviderUnavailable, false},
		"garbage for a token":         {"/token", providertest.Failure{Body: `<`}, identity.ProviderUnavailable, false},
		"a token of another game":     {verifyPath, providertest.Failure{Status: 403, Body: `{"error":{"code":403,"errors":[{"reason":"forbidden"}]}}`}, identity.WrongApplication, false},
		"a game that is not there":    {verifyPath, providertest.Failure{Status: 404}, identity.WrongApplication, false},
		"an API that is switched off": {verifyPath, providertest.Failure{Status: 403, Body: `{"error":{"code":403,"errors":[{"reason":"accessNotConfigured"}]}}`}, identity.ProviderUnavailable, true},
		"the same in newer words":     {verifyPath, providertest.Failure{Status: 403, Body: `{"error":{"code":403,"details":[{"reason":"SERVICE_DISABLED"}]}}`}, identity.ProviderUnavailable, true},
		"a token that is not taken":   {verifyPath, providertest.Failure{Status: 401}, identity.CredentialInvalid, false},
		"too many calls":              {verifyPath, providertest.Failure{Status: 429}, identity.ProviderRateLimited, false},
		"a broken platform":           {verifyPath, providertest.Failure{Status: 500}, identity.ProviderUnavailable, false},
		"an answer nobody knows":      {verifyPath, providertest.Failure{Status: 418}, identity.ProviderUnavailable, false},
		"no answer":                   {mePath, providertest.Failure{Hang: true}, identity.ProviderUnavailable, false},
		"another player":              {mePath, providertest.Failure{Body: `{"playerId":"a_mallory"}`}, identity.ProviderUnavailable, false},
		"no player":                   {mePath, providertest.Failure{Body: `{}`}, identity.ProviderUnavailable, false},
		"garbage for a player":        {mePath, providertest.Failure{Body: `nobody`}, identity.ProviderUnavailable, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			p := playGames(r)
			r.Fail(c.path, c.failure)
			_, err := p.Verify(t.Context(), identity.Proof{Code: goodCode})
			wantReason(t, err, c.reason, goodCode, ourSecret, "their-token")
			if alerted := strings.Contains(r.log(), "level=ERROR"); alerted != c.alert {
				t.Errorf("the log says %q", r.log())
			}
			if len(r.Calls("/token")) != 1 {
				t.Errorf("the code was sent %d times", len(r.Calls("/token")))
			}
		})
	}
	r := newRig(t)
	_, err := playGames(r).Verify(t.Context(), identity.Proof{Token: "their-token"})
	wantReason(t, err, identity.CredentialInvalid)
}

func TestPlayStationProvesAnAccount(t *testing.T) {
	for name, c := range map[string]struct {
		claims map[string]any
		proof  identity.Proof
		reason identity.Reason // empty: it is good
	}{
		"an account of this environment": {proof: identity.Proof{Code: goodCode}},
		"another environment":            {claims: map[string]any{"iss": "https://sandbox.example"}, proof: identity.Proof{Code: goodCode}, reason: identity.CredentialInvalid},
		"another game":                   {claims: map[string]any{"aud": "other"}, proof: identity.Proof{Code: goodCode}, reason: identity.WrongApplication},
		"an online id for the account":   {claims: map[string]any{"account": "ann"}, proof: identity.Proof{Code: goodCode}, reason: identity.CredentialInvalid},
		"no account":                     {claims: map[string]any{"account": nil}, proof: identity.Proof{Code: goodCode}, reason: identity.CredentialInvalid},
		"a token in place of a code":     {proof: identity.Proof{Token: "x.y.z"}, reason: identity.CredentialInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			claims := r.claims(map[string]any{"account": "1234567890123456789"})
			for n, v := range c.claims {
				claims[n] = v
			}
			r.Handle("/token", func(w http.ResponseWriter, _ *http.Request) {
				providertest.WriteJSON(w, 200, map[string]any{"id_token": r.Sign("rsa-1", claims, nil)})
			})
			p := NewPlayStation(PlayStationOptions{
				Client: r.client, Now: r.now, Issuer: r.URL(), KeysURL: r.URL() + providertest.KeysPath, TokenURL: r.URL() + "/token",
				Credentials: Credentials{ClientID: "game", Secret: FixedSecret(ourSecret)}, SubjectClaim: "account",
			})
			who, err := p.Verify(t.Context(), c.proof)
			if c.reason != "" {
				wantReason(t, err, c.reason)
				return
			}
			if err != nil || who.Subject != "1234567890123456789" || len(p.Takes()) != 1 {
				t.Errorf("the code proves %+v, %v", who, err)
			}
		})
	}
}

func TestEnvironmentsAreKeptApart(t *testing.T) {
	ways := tokenWays()
	for name, c := range map[string]struct {
		way   string
		claim string
		value any
	}{
		"another product of Epic's":       {"epic", "pfpid", "product-2"},
		"another deployment of Epic's":    {"epic", "pfdid", "deployment-2"},
		"no deployment of Epic's":         {"epic-connect", "pfdid", nil},
		"another title of Nintendo's":     {"nintendo", "nintendo", map[string]any{"ai": "0100000000002000"}},
		"no title of Nintendo's":          {"nintendo", "nintendo", "x"},
		"another type of Nintendo's":      {"nintendo", "typ", "token"},
		"another domain of Google's":      {"google", "hd", "other.example"},
		"a private account of Google's":   {"google", "hd", nil},
		"another sandbox of the studio's": {"epic", "pfpid", []string{"product-1"}},
	} {
		a := newAttempt(t, ways[strings.ReplaceAll(c.way, "-", " ")])
		a.claims[c.claim] = c.value
		if c.value == nil {
			delete(a.claims, c.claim)
		}
		a.sign()
		if _, err := a.verify(t); err == nil {
			t.Errorf("%s signs in", name)
		} else {
			wantReason(t, err, identity.WrongApplication)
		}
	}
}

func TestAnEpicIssuerIsEpicOrBelow(t *testing.T) {
	for issuer, ok := range map[string]bool{
		"https://api.epicgames.dev":               true,
		"https://api.epicgames.dev/auth/v1/oauth": true,
		"https://api.epicgames.dev.evil.example":  false,
		"https://api.epicgames.develop":           false,
		"https://api.epicgames.dev@evil.example":  false,
		"http://api.epicgames.dev":                false,
		"":                                        false,
	} {
		if got := IssuerUnder(epicURL)(issuer); got != ok {
			t.Errorf("%q is Epic: %v", issuer, got)
		}
	}
}
