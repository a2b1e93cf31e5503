package httpapi

import (
	"reflect"
	"strings"
	"testing"
)

func TestAMisspeltMemberDoesNotMakeASessionPublic(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range []struct{ name, method, target, body, member string }{
		{"private without its end", "POST", "/v1/sessions", `{"mode":"lobby","privat":true}`, "privat"},
		{"private in another case", "POST", "/v1/sessions", `{"mode":"lobby","Private":true}`, "Private"},
		{"a party that should be closed", "PATCH", "/v1/parties/me", `{"Open":false}`, "Open"},
		{"a new party that should be closed", "POST", "/v1/parties", `{"opened":false}`, "opened"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t, r.rooms.last, r.parties.last = t, "", ""
			a := r.do(c.method, c.target, "ada", c.body)
			if a.status != 400 || a.code() != "request.unknown_member" || !strings.Contains(a.body, `"body.`+c.member+`"`) {
				t.Errorf("%d %s", a.status, a.body)
			}
			if r.rooms.last+r.parties.last != "" {
				t.Errorf("the rules heard %q", r.rooms.last+r.parties.last)
			}
		})
	}
	if a := r.do("POST", "/v1/sessions", "ada", `{"mode":"lobby","properties":{"Any":"x"}}`); a.status != 202 {
		t.Errorf("the keys of properties are the caller's: %d %s", a.status, a.body)
	}
}

func TestMembersAreKnownByTheirExactNames(t *testing.T) {
	type inner struct {
		Name string `json:"name"`
	}
	type body struct {
		inner
		Display string           `json:"displayName,omitempty"`
		Hidden  string           `json:"-"`
		List    []*inner         `json:"list"`
		Map     map[string]inner `json:"map"`
		Raw     jsonObject       `json:"raw"`
	}
	for _, c := range []struct{ name, text, kept, unknown string }{
		{"another case", `{"displayname":"x","DisplayName":"y"}`, `{}`, "DisplayName displayname"},
		{"the exact name beside another", `{"displayName":"x","DISPLAYNAME":"y"}`, `{"displayName":"x"}`, "DISPLAYNAME"},
		{"embedded", `{"name":"x","Name":"y"}`, `{"name":"x"}`, "Name"},
		{"never a member", `{"Hidden":"x","-":"y"}`, `{}`, "- Hidden"},
		{"in a list", `{"list":[{"name":"x","Name":"y"},null]}`, `{"list":[{"name":"x"},null]}`, ""},
		{"in a map, whose keys are anybody's", `{"map":{"Name":{"NAME":"x"}}}`, `{"map":{"Name":{}}}`, ""},
		{"the game's own object", `{"raw":{"A":1e999}}`, `{"raw":{"A":1e999}}`, ""},
		{"no object", `[1]`, `[1]`, ""},
		{"null", `null`, `null`, ""},
		{"not JSON", `{"name":`, `{"name":`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			kept, unknown, _ := onlyKnown([]byte(c.text), reflect.TypeFor[*body]())
			if string(kept) != c.kept || strings.Join(unknown, " ") != c.unknown {
				t.Errorf("%s without %q", kept, unknown)
			}
		})
	}
}

func TestANameInAnotherCaseRenamesNobody(t *testing.T) {
	r := newRig(t, nil)
	r.do("PATCH", "/v1/players/me", "ada", `{"displayname":"Eve"}`)
	if r.profiles.change.DisplayName != nil {
		t.Errorf("renamed to %q", *r.profiles.change.DisplayName)
	}
	r.do("PATCH", "/v1/players/me", "ada", `{"displayName":"Eve"}`)
	if r.profiles.change.DisplayName == nil {
		t.Error("not renamed by the name itself")
	}
}

func TestNoRefusalSpeaksOfGo(t *testing.T) {
	r := newRig(t, nil)
	for _, body := range []string{`{"mode":"duel","latencyInMs":{"a":1e999}}`, `{"mode":"duel","latencyInMs":{"a":99999999999999999999}}`, `{"mode":`} {
		a := r.do("POST", "/v1/matchmaking/tickets", "ada", body)
		if a.status != 400 || strings.Contains(a.body, "Go ") || strings.Contains(a.body, "unmarshal") {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
}

func TestASessionIdWithSlashesIsExplained(t *testing.T) {
	r := newRig(t, nil)
	for _, target := range []string{
		"/v1/sessions/arn:aws:gamelift:eu-west-1::gamesession/fleet-1/x/players", "/v1/server/sessions/arn:aws:gamelift:eu-west-1::gamesession/fleet-1/x/result",
		"/v1/admin/sessions/arn:aws:gamelift:eu-west-1::gamesession/fleet-1/x/result",
	} {
		a := r.do("POST", target, "msk_good", `{}`)
		if detail, _ := a.json["detail"].(string); a.status != 404 || !strings.Contains(detail, "percent-encode the session id") {
			t.Errorf("%s: %d %s", target, a.status, a.body)
		}
	}
}

func TestAReportNeedsNoScore(t *testing.T) {
	r := newRig(t, nil)
	a := r.do("POST", "/v1/server/sessions/arn%3Aaws%2Fgsess/result", "msk_good", `{"teams":[{"name":"red","rank":1,"players":[{"playerId":"p"}]}]}`)
	if a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}
