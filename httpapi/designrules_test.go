package httpapi

import (
	"encoding/json"
	"strings"
	"testing"
)

// The tests here hold the rules that are drawn from the defects of published backends
// and that concern requests, one test a rule; the others are in package muster.

// Elsewhere the body of a request was evaluated as program text.
func TestRuleRequestTextIsDataAndUnknownMembersAreIgnored(t *testing.T) {
	r := newRig(t, nil)
	for _, hostile := range []string{
		`__import__('os').system('true')`,
		`{"mode":"duel"`,
		`{"mode":"duel"} {"mode":"duel"}`,
		`{'mode':'duel'}`,
		`{"mode":duel}`,
	} {
		if a := r.do("POST", "/v1/matchmaking/tickets", "ada", hostile); a.status != 400 && a.status != 422 {
			t.Errorf("%s: %d %s, want a refusal", hostile, a.status, a.body)
		}
	}
	text := `'; DROP TABLE players; -- {{7*7}} ${HOME}`
	body, err := json.Marshal(map[string]any{"mode": "duel", "preferences": map[string]string{"map": text}, "skill": 9000, "__proto__": map[string]any{"admin": true}})
	if err != nil {
		t.Fatal(err)
	}
	if a := r.do("POST", "/v1/matchmaking/tickets", "ada", string(body)); a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if got := r.play.lastTicket.Preferences["map"]; got != text {
		t.Errorf("the text reached the rules as %q", got)
	}
}

// Elsewhere secrets and tokens travelled in query strings, which proxies log.
func TestRuleCredentialsNeverTravelInURLs(t *testing.T) {
	r := newRig(t, nil)
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string
			Parameters  []struct{ Name, In string }
		}
	}
	if err := json.Unmarshal([]byte(r.do("GET", "/openapi.json", "", "").body), &doc); err != nil {
		t.Fatal(err)
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			for _, p := range op.Parameters {
				if p.In != "header" && looksSecret(p.Name) && op.OperationID != "realtime" {
					t.Errorf("%s %s takes %q in its URL", method, path, p.Name)
				}
			}
		}
	}
	for _, name := range []string{"access_token", "token", "auth_token", "authorization", "auth"} {
		if a := r.do("GET", "/v1/players/me?"+name+"=ada", "", ""); a.status != 401 {
			t.Errorf("a token in ?%s= is answered %d, want 401", name, a.status)
		}
	}
}

// looksSecret says that a parameter by its name holds a credential.
func looksSecret(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"token", "secret", "password", "ticket", "key", "auth", "credential", "code"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
