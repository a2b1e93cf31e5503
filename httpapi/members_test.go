package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
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
		{"in a list", `{"list":[{"name":"x","Name":"y"},null]}`, `{"list":[{"name":"x"},null]}`, "list[0].Name"},
		{"in a map, whose keys are anybody's", `{"map":{"Name":{"NAME":"x"}}}`, `{"map":{"Name":{}}}`, "map.Name.NAME"},
		{"the game's own object", `{"raw":{"A":1e999}}`, `{"raw":{"A":1e999}}`, ""},
		{"no object", `[1]`, `[1]`, ""},
		{"null", `null`, `null`, ""},
		{"not JSON", `{"name":`, `{"name":`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			kept, strangers := onlyKnown([]byte(c.text), reflect.TypeFor[*body](), "")
			unknown := make([]string, len(strangers))
			for i, m := range strangers {
				unknown[i] = strings.TrimPrefix(m.location(), "body.")
			}
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

// callsWithBody lists the calls under a path that take a JSON body, with one that the
// document's schema allows.
func callsWithBody(t *testing.T, r *rig, under string) map[string]map[string]any {
	t.Helper()
	doc := r.do("GET", "/openapi.json", "", "").json
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	calls := make(map[string]map[string]any)
	for path, item := range doc["paths"].(map[string]any) {
		if !strings.HasPrefix(path, under) {
			continue
		}
		for method, op := range item.(map[string]any) {
			content, has := op.(map[string]any)["requestBody"].(map[string]any)
			if !has {
				continue
			}
			media := content["content"].(map[string]any)["application/json"].(map[string]any)
			body, has := media["example"].(map[string]any)
			if !has {
				body = make(map[string]any)
				ref, _ := media["schema"].(map[string]any)["$ref"].(string)
				schema, _ := schemas[strings.TrimPrefix(ref, "#/components/schemas/")].(map[string]any)
				required, _ := schema["required"].([]any)
				for _, name := range required {
					body[name.(string)] = schema["properties"].(map[string]any)[name.(string)].(map[string]any)["examples"].([]any)[0]
				}
			}
			calls[strings.ToUpper(method)+" "+path] = body
		}
	}
	return calls
}

func TestWhatIsFinalRefusesMisspeltMembers(t *testing.T) {
	r := newRig(t, nil)
	for under, token := range map[string]string{"/v1/admin/": "mak_good", "/v1/server/sessions": "msk_good"} {
		calls := callsWithBody(t, r, under)
		if len(calls) < 4 {
			t.Fatalf("under %s there are only %v", under, calls)
		}
		for call, body := range calls {
			t.Run(call, func(t *testing.T) {
				r.t = t
				method, path, _ := strings.Cut(call, " ")
				body["opertor"] = "kim"
				text, err := json.Marshal(body)
				if err != nil {
					t.Fatal(err)
				}
				a := r.do(method, strings.NewReplacer("{id}", "x", "{pid}", "x").Replace(path), token, string(text))
				if a.status != 400 || a.code() != "request.unknown_member" || !strings.Contains(a.body, `"body.opertor"`) {
					t.Errorf("%s: %d %s", text, a.status, a.body)
				}
			})
		}
	}
}

func TestAReportIsReadToTheLastMember(t *testing.T) {
	r := newRig(t, nil)
	for body, want := range map[string]string{
		`{"teams":[{"name":"red","rank":1,"players":[{"playerId":"p"},{"playerId":"q","Left":true}]}]}`:       `"body.teams[0].players[1].Left"`,
		`{"teams":[{"name":"red","rank":1,"players":[{"playerId":"p","plaidFraction":0.5}],"Score":3}]}`:      `"body.teams[0].players[0].plaidFraction"`,
		`{"player":[],"teams":[{"name":"red","rank":1,"players":[{"playerId":"p","stats":{"Any name":1}}]}]}`: `no member \"player\"; it has \"players\", \"teams\"`,
	} {
		a := r.do("POST", "/v1/server/sessions/arn%3Aaws%2Fgsess/result", "msk_good", body)
		if a.status != 400 || a.code() != "request.unknown_member" || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	if a := r.do("POST", "/v1/server/sessions/arn%3Aaws%2Fgsess/result", "msk_good", `{"teams":[{"name":"red","rank":1,"players":[{"playerId":"p","stats":{"Any name":1}}]}]}`); a.status != 200 {
		t.Errorf("the names of stats are the game's: %d %s", a.status, a.body)
	}
}

func TestABodyThatIsTooLargeIsToldTheLimit(t *testing.T) {
	r := newRig(t, nil)
	long := `{"a":"` + strings.Repeat("x", 2<<20) + `"}`
	for _, c := range []struct {
		name, method, target string
		length               int64
	}{
		{"its length is known", "PUT", "/v1/players/me/data/settings", int64(len(long))},
		{"its length is not known", "PUT", "/v1/players/me/data/settings", -1},
		{"another call", "POST", "/v1/matchmaking/tickets", -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := httptest.NewRequest(c.method, c.target, strings.NewReader(long))
			req.ContentLength = c.length
			req.Header.Set("Authorization", "Bearer ada")
			w := httptest.NewRecorder()
			r.handler.ServeHTTP(w, req)
			var refusal struct {
				Code, Detail string
				MaxBytes     int64
			}
			if err := json.Unmarshal(w.Body.Bytes(), &refusal); err != nil {
				t.Fatal(err)
			}
			if w.Code != 413 || refusal.Code != "request.too_large" || refusal.MaxBytes == 0 || !strings.Contains(refusal.Detail, fmt.Sprint(refusal.MaxBytes)) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
}
