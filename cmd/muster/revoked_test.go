package main

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/aws/gamelift"
	"muster/identity"
	"muster/store/memory"
)

// wired is a backend as it is wired, over a store in memory, with a GameLift that nobody
// asks.
func wired(t *testing.T) http.Handler {
	t.Helper()
	return wiredAs(t, memory.New(time.Now), false).handler
}

// wiredAs is wired over a store, for a function or for a replica.
func wiredAs(t *testing.T, store muster.Store, function bool) *backend {
	t.Helper()
	lift, err := gamelift.New(gamelift.Options{Endpoint: "http://127.0.0.1:1", Region: region, AccessKeyID: "a", SecretAccessKey: "b"})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := identity.NewKeys(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBackend(backendParts{
		url: "http://muster.test", store: store, gameLift: lift, keys: keys, function: function,
		data: []muster.Namespace{{Name: "settings", Write: muster.PlayerWrites}}, log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ask sends a request; headers are names and values.
func ask(t *testing.T, h http.Handler, method, target, body string, headers ...string) (status int, answer string) {
	t.Helper()
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	text, err := io.ReadAll(rec.Body)
	if err != nil {
		t.Fatal(err)
	}
	return rec.Code, string(text)
}

func TestAfterADeletionNothingOfTheSignInWorks(t *testing.T) {
	h := wired(t)
	var grant muster.Grant
	if status, text := ask(t, h, "POST", "/v1/auth/guest", `{}`, "User-Agent", "Game/1"); status != 201 || json.Unmarshal([]byte(text), &grant) != nil {
		t.Fatalf("sign-in: %d %s", status, text)
	}
	bearer := []string{"Authorization", "Bearer " + grant.AccessToken}
	if status, text := ask(t, h, "PUT", "/v1/players/me/data/settings", `{"volume":3}`, bearer...); status != 201 {
		t.Fatalf("a document: %d %s", status, text)
	}
	if status, text := ask(t, h, "GET", "/v1/players/me/export", ``, bearer...); status != 200 || !strings.Contains(text, `"device":"Game/1"`) || !strings.Contains(text, `{"volume":3}`) {
		t.Errorf("export: %d %s", status, text)
	}
	if status, text := ask(t, h, "DELETE", "/v1/players/me", ``, append(bearer, "Muster-Proof", "nonsense")...); status != 403 || !strings.Contains(text, "proof.invalid") {
		t.Fatalf("a deletion without proof: %d %s", status, text)
	}
	if status, text := ask(t, h, "DELETE", "/v1/players/me", ``, append(bearer, "Muster-Proof", grant.Guest.ID+"."+grant.Guest.Secret)...); status != 204 {
		t.Fatalf("a deletion: %d %s", status, text)
	}
	guest, err := json.Marshal(map[string]any{"guest": grant.Guest})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, method, target, body, code string }{
		{"the access token", "GET", "/v1/modes", ``, "account.deleted"},
		{"the access token, to delete again", "DELETE", "/v1/players/me", ``, "account.deleted"},
		{"the refresh token", "POST", "/v1/auth/refresh", `{"refreshToken":"` + grant.RefreshToken + `"}`, "refresh.invalid"},
		{"the guest's secret", "POST", "/v1/auth/guest", string(guest), "guest.refused"},
	} {
		if status, text := ask(t, h, c.method, c.target, c.body, bearer...); status != 401 || !strings.Contains(text, c.code) {
			t.Errorf("%s: %d %s, want 401 %s", c.name, status, text, c.code)
		}
	}
}
