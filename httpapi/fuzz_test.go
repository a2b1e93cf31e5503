package httpapi

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever a body holds: the answer is one that the document knows, a refusal is a
// whole problem (both checked by the rig), and no refusal is ours to fix.
func FuzzRequestBodies(f *testing.F) {
	for _, c := range routes {
		f.Add(uint8(0), "application/json", c.body)
	}
	for i, body := range []string{
		`{"mode":"duel","latencyInMs":{"a":1},"preferences":{"map":"x"}}`, `{"guest":{"id":"a","secret":"b"}}`, `{"guest":null}`, `null`, `[]`, `{`,
		`{"teams":[{"name":"red","rank":1,"score":1e308,"players":[{"playerId":"p","left":true}]}]}`, `{"teams":null}`, "\xff\xfe", `{"mode":"\u0000"}`,
		`{"mode":"duel","mode":7}`, `{"MODE":"duel"}`, `{"refreshToken":"x"}`, `{"displayName":"n"}`, strings.Repeat("[", 2000),
	} {
		f.Add(uint8(i), "application/json", body)
	}
	f.Add(uint8(1), "text/plain+;", `{}`)
	f.Add(uint8(1), "application/vnd.muster+json; charset=utf-8", `{"refreshToken":"x"}`)
	targets := []struct{ method, path, token string }{
		{"POST", "/v1/auth/guest", ""},
		{"POST", "/v1/auth/refresh", ""},
		{"POST", "/v1/auth/logout", ""},
		{"PATCH", "/v1/players/me", "ada"},
		{"POST", "/v1/matchmaking/tickets", "ada"},
		{"POST", "/v1/server/sessions/s/result", "msk_good"},
		{"POST", "/v1/events/sns", ""},
		{"POST", "/v1/parties", "ada"},
		{"POST", "/v1/parties/join", "ada"},
		{"PUT", "/v1/parties/me/ready", "ada"},
	}
	var r *rig
	f.Fuzz(func(t *testing.T, which uint8, contentType, body string) {
		if r == nil {
			r = newRig(t, nil)
		}
		r.t = t
		r.log.Reset()
		target := targets[int(which)%len(targets)]
		req := httptest.NewRequest(target.method, target.path, strings.NewReader(body))
		req.Header["Content-Type"] = []string{contentType}
		if target.token != "" {
			req.Header.Set("Authorization", "Bearer "+target.token)
		}
		if a := r.send(req); a.status >= 500 {
			t.Errorf("%s %s with %q: %d %s", target.method, target.path, body, a.status, a.body)
		}
	})
}
