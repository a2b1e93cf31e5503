package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"muster"
)

// rig is the interface over fakes. do sends a request through the whole handler and
// checks what every answer must have.
type rig struct {
	t         *testing.T
	play      *fakePlay
	auth      *fakeAuth
	profiles  *fakeProfiles
	documents *fakeDocuments
	privacy   *fakePrivacy
	parties   *fakeParties
	referee   *fakeReferee
	history   *fakeHistory
	boards    *fakeBoards
	rooms     *fakeRooms
	logins    *fakeLogins
	heralds   *fakeHeralds
	links     *fakeLinks
	signIns   *fakeSignIns
	desk      *fakeDesk
	userPool  *fakeUserPool
	passwords *fakePasswords
	factors   *fakeFactors

	log     *bytes.Buffer
	handler http.Handler
	doc     document
}

// document is what the tests read of the OpenAPI document.
type document struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		OperationID string
		Summary     string
		Security    []map[string][]string
		Parameters  []struct{ Name, In string }
		Responses   map[string]json.RawMessage
		RequestBody struct {
			Content map[string]struct{ Example json.RawMessage }
		}
	}
	Components struct {
		Schemas         map[string]json.RawMessage
		SecuritySchemes map[string]json.RawMessage
	}
}

func newRig(t *testing.T, change func(*Options)) *rig {
	t.Helper()
	r := &rig{
		t: t, play: &fakePlay{created: true}, auth: &fakeAuth{}, log: &bytes.Buffer{},
		profiles:  &fakeProfiles{},
		documents: &fakeDocuments{},
		privacy:   &fakePrivacy{},
		parties:   &fakeParties{},
		referee:   &fakeReferee{},
		history:   &fakeHistory{},
		boards:    &fakeBoards{},
		rooms:     &fakeRooms{},
		logins:    &fakeLogins{},
		heralds:   &fakeHeralds{},
		links:     &fakeLinks{},
		signIns:   &fakeSignIns{},
		desk:      &fakeDesk{},
		userPool:  &fakeUserPool{},
		passwords: &fakePasswords{},
		factors:   &fakeFactors{},
	}
	o := Options{
		UserPool: r.userPool, AWSIdentities: r.userPool, LoginServer: r.userPool.loginServer,
		Play: r.play, Auth: r.auth, Verify: verify, VerifyServer: verifyServer,
		Admin: r.play, VerifyAdmin: verifyAdmin, Inspect: fakeInspector{},
		Profiles:      r.profiles,
		Documents:     r.documents,
		Privacy:       r.privacy,
		Prove:         prove,
		Parties:       r.parties,
		Referee:       r.referee,
		History:       r.history,
		Boards:        r.boards,
		Rooms:         r.rooms,
		ServerRooms:   r.rooms,
		Logins:        r.logins,
		Heralds:       r.heralds,
		Links:         r.links,
		SignIns:       r.signIns,
		Bans:          r.signIns,
		Desk:          r.desk,
		Everyone:      r.desk,
		Passwords:     r.passwords,
		Factors:       r.factors,
		JWKS:          func() []byte { return []byte(`{"keys":[]}`) },
		Configuration: func() []byte { return []byte(`{"issuer":"http://muster.test"}`) },
		SNS:           func(context.Context, []byte) error { return nil },
		Realtime:      http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusSwitchingProtocols) }),
		Log:           slog.New(slog.NewJSONHandler(r.log, nil)),
		NewID:         func() string { return "made-id" },
	}
	o.TakeFactorAway = r.factors.takeAway
	if change != nil {
		change(&o)
	}
	r.handler = New(o)
	rec := httptest.NewRecorder()
	r.handler.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/openapi.json", nil))
	if err := json.Unmarshal(rec.Body.Bytes(), &r.doc); err != nil {
		t.Fatalf("the OpenAPI document is not JSON: %v", err)
	}
	r.log.Reset()
	return r
}

// withoutOperators leaves out all that operators may call.
func withoutOperators(o *Options) {
	o.Admin, o.VerifyAdmin, o.Inspect, o.Referee = nil, nil, nil, nil
	o.Bans, o.Desk, o.Everyone = nil, nil, nil
}

// reply is an answer with its body read.
type reply struct {
	status int
	header http.Header
	body   string
	json   map[string]any // nil when the body is no JSON object
}

func (a reply) code() string {
	s, _ := a.json["code"].(string)
	return s
}

// do sends one request; token "" sends no Authorization header.
func (r *rig) do(method, target, token, body string, headers ...string) reply {
	r.t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	req := httptest.NewRequest(method, target, content)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return r.send(req)
}

func (r *rig) send(req *http.Request) reply {
	r.t.Helper()
	rec := httptest.NewRecorder()
	r.handler.ServeHTTP(rec, req)
	a := reply{status: rec.Code, header: rec.Header(), body: rec.Body.String()}
	_ = json.Unmarshal(rec.Body.Bytes(), &a.json) // nil says it
	r.check(req, a)
	return a
}

// check holds for every answer of every test.
func (r *rig) check(req *http.Request, a reply) {
	r.t.Helper()
	if a.header.Get("X-Request-Id") == "" {
		r.t.Errorf("%s %s: no X-Request-Id", req.Method, req.URL.Path)
	}
	if a.header.Get("X-Content-Type-Options") != "nosniff" {
		r.t.Errorf("%s %s: no security headers", req.Method, req.URL.Path)
	}
	if a.status >= 400 {
		if ct := a.header.Get("Content-Type"); ct != "application/problem+json" {
			r.t.Errorf("%s %s: status %d with content type %q: %s", req.Method, req.URL.Path, a.status, ct, a.body)
		}
		if a.code() == "" || a.json["detail"] == "" || a.json["title"] == "" || a.json["type"] != "about:blank" {
			r.t.Errorf("%s %s: not a whole problem: %s", req.Method, req.URL.Path, a.body)
		}
		if int(a.json["status"].(float64)) != a.status {
			r.t.Errorf("%s %s: status %d in an answer with %v", req.Method, req.URL.Path, a.status, a.json["status"])
		}
	}
	r.checkDocumented(req, a)
}

// checkDocumented fails when a route answers what the document does not say.
func (r *rig) checkDocumented(req *http.Request, a reply) {
	r.t.Helper()
	for path, operations := range r.doc.Paths {
		op, ok := operations[strings.ToLower(req.Method)]
		_, exact := r.doc.Paths[req.URL.EscapedPath()][strings.ToLower(req.Method)]
		if !ok || !matchesPath(path, req.URL.EscapedPath()) || exact && path != req.URL.EscapedPath() {
			continue
		}
		if _, ok := op.Responses[strconv.Itoa(a.status)]; !ok {
			r.t.Errorf("%s %s answers %d, which the document does not mention", req.Method, path, a.status)
		}
		return
	}
	if a.status < 400 && !strings.HasPrefix(req.URL.Path, "/page") && req.Method != http.MethodOptions && req.Method != http.MethodHead {
		r.t.Errorf("%s %s is served and not in the document", req.Method, req.URL.Path)
	}
}

// matchesPath compares a path of the document with an escaped path, literal parts first.
func matchesPath(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		isName := strings.HasPrefix(want[i], "{")
		if !isName && want[i] != got[i] || isName && got[i] == "me" {
			return false
		}
	}
	return true
}

func invalid() *muster.Error { return muster.Errorf(muster.Invalid, "test.invalid", "no") }
