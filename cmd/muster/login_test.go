package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/identity"
	"muster/identity/provider/providertest"
	"muster/store/memory"
)

// newLogins is a backend with the providers of a configuration, on a server, and its log.
func newLogins(t *testing.T, providers string) (url string, log *lockedText) {
	t.Helper()
	conf, err := parseConfig("c.yaml", []byte(oneMode+"\nidentity:\n  providers:\n"+providers), vendorFiles)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := identity.NewKeys(bytes.NewReader(bytes.Repeat([]byte("muster"), 1000)))
	if err != nil {
		t.Fatal(err)
	}
	log = &lockedText{}
	b, err := newBackend(backendParts{
		url: "http://127.0.0.1", store: memory.New(time.Now), keys: keys, modes: conf.musterModes(),
		identity: conf.Identity, log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(b.handler)
	t.Cleanup(server.Close)
	return server.URL, log
}

// loginAnswer is what a sign-in answers, good or bad.
type loginAnswer struct {
	Player struct {
		ID muster.PlayerID `json:"id"`
	} `json:"player"`
	Code string `json:"code"`
}

func TestPlayersOfAPlatformSignIn(t *testing.T) {
	for name, value := range vendorSecrets {
		t.Setenv(name, value)
	}
	platform := providertest.New(t)
	says := func(member, value string) {
		params := map[string]any{"result": "OK", "steamid": "76561197960287930", "ownersteamid": "76561197960287930", member: value}
		platform.Answer("/ISteamUserAuth/AuthenticateUserTicket/v1/", http.StatusOK, map[string]any{"response": map[string]any{"params": params}})
	}
	says("result", "OK")
	url, log := newLogins(t, fmt.Sprintf("    steam: {key: {env: STEAM_KEY}, appId: 480, endpoint: '%s'}\n", platform.URL()))

	sign := func(ticket string, want int) loginAnswer {
		t.Helper()
		var answer loginAnswer
		if status := post(t, url+"/v1/auth/login/steam", "", `{"token":"`+ticket+`","fields":{"steamId":"1"}}`, &answer); status != want {
			t.Fatalf("ticket %s: %d %+v, want %d", ticket, status, answer, want)
		}
		return answer
	}
	first := sign("14000000a1b2c3d4", http.StatusCreated)
	if again := sign("14000000a1b2c3d5", http.StatusOK); again.Player != first.Player || first.Player.ID == "" {
		t.Errorf("the player is %q, then %q", first.Player.ID, again.Player.ID)
	}
	if answer := sign("14000000A1B2C3D4", http.StatusUnauthorized); answer.Code != "credential.expired" {
		t.Errorf("a used ticket: %+v", answer)
	}
	says("ownersteamid", "76561197960287931")
	if answer := sign("14000000a1b2c3d6", http.StatusForbidden); answer.Code != "credential.not_entitled" {
		t.Errorf("a borrowed game: %+v", answer)
	}
	platform.Fail("", providertest.Failure{Status: http.StatusForbidden})
	if answer := sign("14000000a1b2c3d7", http.StatusServiceUnavailable); answer.Code != "provider.unavailable" {
		t.Errorf("a key that Steam refuses: %+v", answer)
	}

	text := log.String()
	for _, line := range []string{
		`level=INFO msg="a proof was refused" provider=steam reason=credential.expired`,
		`level=INFO msg="a proof was refused" provider=steam reason=credential.not_entitled cause="a borrowed copy"`,
		`level=WARN msg="a proof was refused" provider=steam reason=provider.unavailable`,
		`level=ERROR msg="a platform refuses our configuration: nobody can sign in with it" provider=steam`,
	} {
		if strings.Count(text, line) != 1 {
			t.Errorf("the log does not have one line of %q:\n%s", line, text)
		}
	}
	for _, secret := range []string{vendorSecrets["STEAM_KEY"], "14000000", "7656119796028793"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log repeats %q:\n%s", secret, text)
		}
	}
}
