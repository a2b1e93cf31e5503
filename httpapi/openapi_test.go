package httpapi

import (
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// served is every operation of the contract, with the security it needs.
var served = map[string]string{
	"post /v1/auth/guest": "", "post /v1/auth/refresh": "", "post /v1/auth/logout": "", "post /v1/auth/socket-ticket": playerSecurity,
	"post /v1/auth/cognito/sign-up": "", "post /v1/auth/cognito/confirm": "", "post /v1/auth/cognito/resend": "",
	"post /v1/auth/cognito/forgot-password": "", "post /v1/auth/cognito/reset-password": "", "post /v1/auth/cognito/change-password": "",
	"post /v1/auth/cognito/sign-in": "", "post /v1/auth/cognito/challenge": "", "post /v1/auth/cognito/authenticator": "",
	"post /v1/auth/cognito/refresh": "", "post /v1/auth/cognito/sign-out": "",
	"post /v1/auth/aws-credentials": playerSecurity, "post /v1/server/token": "",
	"get /v1/auth/providers": "", "post /v1/auth/nonce": "", "post /v1/auth/notifications/{provider}": "", "post /v1/auth/login/{provider}": "",
	"get /v1/auth/links": playerSecurity, "post /v1/auth/links/{provider}": playerSecurity, "delete /v1/auth/links/{provider}": playerSecurity, "post /v1/auth/merge": playerSecurity,
	"post /v1/auth/register": "", "post /v1/auth/email/verify": "", "post /v1/auth/email/resend": "", "post /v1/auth/login/email": "",
	"post /v1/auth/password/forgot": "", "post /v1/auth/password/reset": "",
	"post /v1/auth/links/email": playerSecurity, "put /v1/auth/password": playerSecurity, "put /v1/auth/email": playerSecurity, "post /v1/auth/email/confirm": playerSecurity,
	"get /v1/auth/factors": playerSecurity, "post /v1/auth/factors/totp": playerSecurity, "delete /v1/auth/factors/totp": playerSecurity,
	"post /v1/auth/factors/totp/confirm": playerSecurity, "post /v1/auth/factors/totp/recovery-codes": playerSecurity,
	"post /v1/auth/challenge": "", "post /v1/auth/challenge/authenticator": "", "delete /v1/admin/players/{id}/factors": adminSecurity,
	"get /.well-known/jwks.json": "", "get /.well-known/openid-configuration": "",
	"get /v1/players/me": playerSecurity, "patch /v1/players/me": playerSecurity, "get /v1/players/{id}": playerSecurity,
	"get /v1/players/me/ratings": playerSecurity, "get /v1/players/me/matches": playerSecurity, "get /v1/players/me/session": playerSecurity,
	"get /v1/modes": playerSecurity, "get /v1/profile-options": playerSecurity, "get /v1/locations": playerSecurity,
	"get /v1/leaderboards/{mode}": playerSecurity, "get /v1/leaderboards/{mode}/me": playerSecurity,
	"post /v1/matchmaking/tickets": playerSecurity, "get /v1/matchmaking/tickets/{id}": playerSecurity, "delete /v1/matchmaking/tickets/{id}": playerSecurity,
	"post /v1/matchmaking/tickets/{id}/accept": playerSecurity, "post /v1/matchmaking/tickets/{id}/decline": playerSecurity,
	"get /v1/matchmaking/tickets/{id}/explanation": playerSecurity, "get /v1/admin/tickets/{id}/explanation": adminSecurity, "get /v1/admin/tickets/{id}": adminSecurity,
	"get /v1/admin/players/{id}":  adminSecurity,
	"get /v1/players/me/sign-ins": playerSecurity, "delete /v1/players/me/sign-ins/{id}": playerSecurity, "post /v1/auth/logout-everywhere": playerSecurity,
	"post /v1/admin/players/{id}/ban": adminSecurity, "post /v1/admin/players/{id}/unban": adminSecurity,
	"post /v1/admin/players/search": adminSecurity, "post /v1/admin/players/{id}/export": adminSecurity, "delete /v1/admin/players/{id}": adminSecurity,
	"post /v1/admin/sign-out-everyone": adminSecurity, "get /v1/admin/sign-out-everyone": adminSecurity, "get /v1/admin/audit": adminSecurity,
	"post /v1/admin/players/{id}/sign-out": adminSecurity, "get /v1/admin/players/{id}/audit": adminSecurity,
	"get /v1/players/me/export": playerSecurity, "delete /v1/players/me": playerSecurity,
	"get /v1/players/me/data": playerSecurity, "get /v1/players/me/data/{namespace}": playerSecurity, "put /v1/players/me/data/{namespace}": playerSecurity,
	"patch /v1/players/me/data/{namespace}": playerSecurity, "delete /v1/players/me/data/{namespace}": playerSecurity, "get /v1/players/{id}/data/{namespace}": playerSecurity,
	"get /v1/server/players/{id}/data/{namespace}": serverSecurity, "put /v1/server/players/{id}/data/{namespace}": serverSecurity,
	"patch /v1/server/players/{id}/data/{namespace}": serverSecurity, "delete /v1/server/players/{id}/data/{namespace}": serverSecurity,
	"post /v1/server/sessions/{id}/result": serverSecurity, "put /v1/server/players/{id}/attributes": serverSecurity,
	"post /v1/parties": playerSecurity, "get /v1/parties/me": playerSecurity, "patch /v1/parties/me": playerSecurity, "delete /v1/parties/me": playerSecurity,
	"post /v1/parties/join": playerSecurity, "put /v1/parties/me/ready": playerSecurity, "put /v1/parties/me/leader": playerSecurity,
	"delete /v1/parties/me/members/{id}": playerSecurity, "post /v1/parties/me/invites": playerSecurity, "delete /v1/parties/me/invites/{id}": playerSecurity,
	"get /v1/players/me/invites": playerSecurity, "post /v1/players/me/invites/{id}": playerSecurity, "delete /v1/players/me/invites/{id}": playerSecurity,
	"get /v1/players/{id}/matches": playerSecurity, "get /v1/admin/sessions/{id}/result": adminSecurity,
	"post /v1/admin/sessions/{id}/result/void": adminSecurity, "post /v1/admin/sessions/{id}/result/restore": adminSecurity,
	"post /v1/sessions": playerSecurity, "get /v1/sessions": playerSecurity, "get /v1/sessions/{id}": playerSecurity,
	"post /v1/sessions/{id}/players": playerSecurity, "post /v1/sessions/join": playerSecurity, "delete /v1/players/me/session": playerSecurity,
	"get /v1/placements/{id}": playerSecurity, "delete /v1/placements/{id}": playerSecurity,
	"post /v1/server/sessions": serverSecurity, "get /v1/server/placements/{id}": serverSecurity,
	"get /v1/server/sessions/{id}": serverSecurity, "patch /v1/server/sessions/{id}": serverSecurity, "delete /v1/server/sessions/{id}/players/{pid}": serverSecurity,
	"post /v1/server/sessions/{id}/backfill": serverSecurity, "delete /v1/server/sessions/{id}/backfill": serverSecurity,
	"post /v1/events/sns": "",
	"get /v1/realtime":    "", "get /healthz": "", "get /readyz": "", "get /openapi.json": "",
}

func TestTheDocumentHasEveryRouteWithItsSecurity(t *testing.T) {
	r := newRig(t, nil)
	if !strings.HasPrefix(r.doc.OpenAPI, "3.1") {
		t.Errorf("OpenAPI %s", r.doc.OpenAPI)
	}
	ids := map[string]bool{}
	for path, operations := range r.doc.Paths {
		for method, op := range operations {
			need, known := served[method+" "+path]
			if !known {
				t.Errorf("%s %s is not in the contract", method, path)
				continue
			}
			if op.Summary == "" || op.OperationID == "" || ids[op.OperationID] {
				t.Errorf("%s %s: summary %q, id %q", method, path, op.Summary, op.OperationID)
			}
			ids[op.OperationID] = true
			got := ""
			for _, alternative := range op.Security {
				for name := range alternative {
					got = name
				}
			}
			if got != need {
				t.Errorf("%s %s needs %q, the document says %q", method, path, need, got)
			}
			if need != "" && (op.Responses["401"] == nil || op.Responses["403"] == nil) {
				t.Errorf("%s %s: no 401 or 403", method, path)
			}
		}
	}
	for route := range served {
		method, path, _ := strings.Cut(route, " ")
		if _, ok := r.doc.Paths[path][method]; !ok {
			t.Errorf("%s is not in the document", route)
		}
	}
}

func TestTheDocumentHoldsTogether(t *testing.T) {
	r := newRig(t, nil)
	rec := httptest.NewRecorder()
	r.handler.ServeHTTP(rec, httptest.NewRequest("GET", "/openapi.json", nil))
	var doc any
	if err := json.Unmarshal(rec.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	var refs []string
	walk(doc, func(key string, value any) {
		if ref, ok := value.(string); ok && key == "$ref" {
			refs = append(refs, ref)
		}
	})
	if len(refs) < 20 {
		t.Errorf("only %d references", len(refs))
	}
	for _, ref := range refs {
		if r.doc.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")] == nil {
			t.Errorf("%s leads nowhere", ref)
		}
	}
	if strings.Contains(rec.Body.String(), `["array","null"]`) {
		t.Error("a list may be null")
	}
	if !strings.Contains(string(r.doc.Components.Schemas["Myself"]), `{"type":"null"}`) {
		t.Errorf("the activity of a player cannot be null: %s", r.doc.Components.Schemas["Myself"])
	}
	for place := range descriptions {
		schema, member, _ := strings.Cut(place, ".")
		var s struct {
			Properties map[string]struct{ Description string }
		}
		if err := json.Unmarshal(r.doc.Components.Schemas[schema], &s); err != nil || s.Properties[member].Description == "" {
			t.Errorf("the description of %s has no place (%v)", place, err)
		}
	}
	for _, name := range []string{playerSecurity, serverSecurity, adminSecurity} {
		if r.doc.Components.SecuritySchemes[name] == nil {
			t.Errorf("no security scheme %s", name)
		}
	}
	if slices.Contains(refs, "#/components/schemas/ErrorModel") {
		t.Error("the library's own errors are in the document")
	}
}

// The shapes are those of package identity.
func TestExamplesOfSecretsLookLikeThem(t *testing.T) {
	const uuid, bits256 = `[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`, `[A-Za-z0-9_-]{43}`
	shapes := map[string]*regexp.Regexp{
		"refreshToken": regexp.MustCompile(`^mrt_` + uuid + `\.` + uuid + `\.` + bits256 + `\.[A-Za-z0-9_-]{22}$`),
		"ticket":       regexp.MustCompile(`^` + bits256 + `$`),
		"secret":       regexp.MustCompile(`^(` + bits256 + `|[A-Z2-7]{32})$`), // of guests; of authenticators, in base32
	}
	rec := httptest.NewRecorder()
	newRig(t, nil).handler.ServeHTTP(rec, httptest.NewRequest("GET", "/openapi.json", nil))
	var doc any
	if err := json.Unmarshal(rec.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	check := func(name string, example any) {
		text, isText := example.(string)
		if !isText || shapes[name] == nil {
			return
		}
		seen[name]++
		if !shapes[name].MatchString(text) {
			t.Errorf("the example %s %q is not true to life", name, text)
		}
	}
	walk(doc, func(key string, value any) {
		check(key, value) // in the example of a body
		if schema, ok := value.(map[string]any); ok {
			examples, _ := schema["examples"].([]any)
			for _, example := range examples {
				check(key, example)
			}
		}
	})
	for name := range shapes {
		if seen[name] < 2 { // in a body and in a schema
			t.Errorf("%d examples of %s", seen[name], name)
		}
	}
}

func TestEverySuccessWithABodyHasASchemaAndAnExample(t *testing.T) {
	r := newRig(t, nil)
	for path, operations := range r.doc.Paths {
		for method, op := range operations {
			for code, raw := range op.Responses {
				var response struct {
					Description string
					Content     map[string]struct {
						Schema  json.RawMessage
						Example json.RawMessage
					}
				}
				if err := json.Unmarshal(raw, &response); err != nil || response.Description == "" {
					t.Errorf("%s %s %s: %s", method, path, code, raw)
				}
				if content, ok := response.Content["application/json"]; ok && content.Schema == nil {
					t.Errorf("%s %s %s has no schema", method, path, code)
				}
				isOurs := strings.HasPrefix(path, "/v1/") && path != "/v1/events/sns" && path != "/v1/realtime"
				if isOurs && code[0] == '2' && code != "204" && response.Content["application/json"].Example == nil {
					t.Errorf("%s %s %s has no example", method, path, code)
				}
				if isOurs && code[0] >= '4' && response.Content["application/problem+json"].Schema == nil {
					t.Errorf("%s %s %s is no problem", method, path, code)
				}
			}
		}
	}
}

// walk visits every member of every object.
func walk(v any, visit func(key string, value any)) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			visit(key, value)
			walk(value, visit)
		}
	case []any:
		for _, value := range v {
			walk(value, visit)
		}
	}
}
