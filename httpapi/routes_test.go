package httpapi

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"muster"
)

const ticketPathOfAda = "/v1/matchmaking/tickets/t-ada"

// routes is every route with a request that succeeds.
var routes = []struct {
	name, method, target, token, body string
	status                            int
	want                              string // part of the body
}{
	{"a new guest is made from an empty object", "POST", "/v1/auth/guest", "", `{}`, 201, `"secret":"s"`},
	{"a new guest is made without a body", "POST", "/v1/auth/guest", "", ``, 201, `"secret":"s"`},
	{"a known guest signs in", "POST", "/v1/auth/guest", "", `{"guest":{"id":"g-1","secret":"x"}}`, 200, `"guest":{"id":"g-1"}`},
	{"a refresh token is rotated", "POST", "/v1/auth/refresh", "", `{"refreshToken":"rt_1"}`, 200, `"refreshToken":"rt_2"`},
	{"a sign-in ends", "POST", "/v1/auth/logout", "", `{"refreshToken":"rt_1"}`, 204, ``},
	{"a socket ticket is made", "POST", "/v1/auth/socket-ticket", "ada", ``, 201, `{"ticket":"wt_1","expiresInSeconds":30}`},
	{"the key set is public", "GET", "/.well-known/jwks.json", "", ``, 200, `{"keys":[]}`},
	{"the issuer is public", "GET", "/.well-known/openid-configuration", "", ``, 200, `http://muster.test`},
	{"a player reads its account, idle being null", "GET", "/v1/players/me", "ada", ``, 200, `"activity":null`},
	{"a guest is a player", "GET", "/v1/players/me", "guest", ``, 200, `"id":"p-guest"`},
	{"a player changes its name", "PATCH", "/v1/players/me", "ada", `{"displayName":"Lady A"}`, 200, `"displayName":"Lady A"`},
	{"a player reads another", "GET", "/v1/players/p-bob", "ada", ``, 200, `"id":"p-bob"`},
	{"no ratings are an empty list", "GET", "/v1/players/me/ratings", "ada", ``, 200, `{"ratings":[]}`},
	{"no history is an empty list", "GET", "/v1/players/me/matches", "ada", ``, 200, `{"matches":[]}`},
	{"a player reads its seat", "GET", "/v1/players/me/session", "ada", ``, 200, `"playerSessionId":"psess-0a1b2c3d"`},
	{"what profiles may hold is told", "GET", "/v1/profile-options", "ada", ``, 200, `"avatars":["owl"]`},
	{"modes are listed", "GET", "/v1/modes", "ada", ``, 200, `"name":"duel"`},
	{"locations are listed", "GET", "/v1/locations", "ada", ``, 200, `{"locations":[]}`},
	{"a ticket is made", "POST", "/v1/matchmaking/tickets", "ada", `{"mode":"duel"}`, 201, `"id":"t-ada"`},
	{"a ticket is read", "GET", ticketPathOfAda, "ada", ``, 200, `"version":2`},
	{"a ticket is waited for", "GET", ticketPathOfAda + "?wait=5&after=1", "ada", ``, 200, `"version":2`},
	{"a ticket is cancelled", "DELETE", ticketPathOfAda, "ada", ``, 202, `"status":"searching"`},
	{"a match is accepted", "POST", ticketPathOfAda + "/accept", "ada", ``, 200, `"id":"t-ada"`},
	{"a match is declined", "POST", ticketPathOfAda + "/decline", "ada", ``, 200, `"id":"t-ada"`},
	{"a ticket is explained to its player", "GET", ticketPathOfAda + "/explanation", "ada", ``, 200, `"message":"Waiting for 1 more player.","possible":false,"obstacles":[]`},
	{"a ticket is explained to an operator", "GET", "/v1/admin/tickets/t-ada/explanation", "mak_good", ``, 200, `"lines":["It searches."]`},
	{"all that is kept is exported", "GET", "/v1/players/me/export", "ada", ``, 200, `"account":{"id":"p-ada"}`},
	{"a player is shown to an operator", "GET", "/v1/admin/players/p-ada", "mak_good", ``, 200, `"status":"active"`},
	{"documents are listed", "GET", "/v1/players/me/data", "ada", ``, 200, `{"documents":[]}`},
	{"a document of one's own is read", "GET", "/v1/players/me/data/settings", "ada", ``, 200, `{"volume":1e2}`},
	{"a document of one's own is written", "PUT", "/v1/players/me/data/settings", "ada", `{"a":1}`, 201, `{"a":1}`},
	{"a document of one's own is patched", "PATCH", "/v1/players/me/data/settings", "ada", `{"a":null}`, 200, `{"a":null}`},
	{"a document of one's own is deleted", "DELETE", "/v1/players/me/data/settings", "ada", ``, 204, ``},
	{"a public document of another is read", "GET", "/v1/players/p-bob/data/badges", "ada", ``, 200, `{"volume":1e2}`},
	{"a game server reads a document", "GET", "/v1/server/players/p-ada/data/inventory", "msk_good", ``, 200, `{"volume":1e2}`},
	{"a game server writes a document", "PUT", "/v1/server/players/p-ada/data/inventory", "msk_good", `{"a":1}`, 201, `{"a":1}`},
	{"a game server patches a document", "PATCH", "/v1/server/players/p-ada/data/inventory", "msk_good", `{"a":1}`, 200, `{"a":1}`},
	{"a game server deletes a document", "DELETE", "/v1/server/players/p-ada/data/inventory", "msk_good", ``, 204, ``},
	{"a ticket is shown whole to an operator", "GET", "/v1/admin/tickets/t-ada", "mak_good", ``, 200, `"from":"rating"`},
	{"a result is reported", "POST", "/v1/server/sessions/arn%3Aaws%2Fgsess/result", "msk_good", `{"teams":[]}`, 200, `"sessionId":"arn:aws/gsess"`},
	{"a player's attributes are stored", "PUT", "/v1/server/players/p-ada/attributes", "msk_good", `{"level":3}`, 204, ``},
	{"an SNS message is taken", "POST", "/v1/events/sns", "", `{"Type":"Notification"}`, 200, `ok`},
	{"the process is alive", "GET", "/healthz", "", ``, 200, `ok`},
	{"the replica is ready", "GET", "/readyz", "", ``, 200, `ok`},
	{"the document is served", "GET", "/openapi.json", "", ``, 200, `"openapi":"3.1`},
}

func TestEveryRouteServes(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range routes {
		t.Run(c.name, func(t *testing.T) {
			r.t = t
			a := r.do(c.method, c.target, c.token, c.body)
			if a.status != c.status {
				t.Fatalf("status %d, want %d: %s", a.status, c.status, a.body)
			}
			if !strings.Contains(a.body, c.want) {
				t.Errorf("body %s lacks %s", a.body, c.want)
			}
			public := strings.HasPrefix(c.target, "/.well-known") || c.target == "/openapi.json"
			if cc := a.header.Get("Cache-Control"); !public && cc != "no-store" {
				t.Errorf("Cache-Control %q, want no-store", cc)
			}
		})
	}
}

func TestEveryRouteRefusesTheWrongCaller(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range routes {
		if c.token == "" {
			continue
		}
		wrong := "msk_good"
		if c.token == "msk_good" {
			wrong = "ada"
		}
		for _, refused := range []struct {
			name, header, code string
			status             int
		}{
			{"no token", "", "auth.missing", 401},
			{"a token that is not ours", "Bearer junk", "auth.bad_token", 401},
			{"an expired token", "Bearer expired", "auth.expired", 401},
			{"an unknown admin key", "Bearer mak_bad", "auth.admin_key", 401},
			{"an unknown server key", "Bearer msk_bad", "auth.server_key", 401},
			{"another scheme", "Basic YTpi", "auth.malformed", 401},
			{"a bearer without token", "Bearer ", "auth.malformed", 401},
			{"an endless token", "Bearer " + strings.Repeat("a", 8193), "auth.malformed", 401},
			{"a caller of another kind", "Bearer " + wrong, "auth.wrong_scope", 403},
		} {
			t.Run(c.method+" "+c.target+" refuses "+refused.name, func(t *testing.T) {
				r.t = t
				r.play.calls = nil
				a := r.do(c.method, c.target, "", c.body, "Authorization", refused.header)
				if refused.header == "" {
					a = r.do(c.method, c.target, "", c.body)
				}
				if a.status != refused.status || a.code() != refused.code {
					t.Errorf("%d %s, want %d %s", a.status, a.code(), refused.status, refused.code)
				}
				if a.status == 401 && a.header.Get("WWW-Authenticate") == "" {
					t.Error("401 without WWW-Authenticate")
				}
				if len(r.play.calls) != 0 {
					t.Errorf("the rules were asked: %v", r.play.calls)
				}
			})
		}
	}
}

func TestPublicRoutesIgnoreABadToken(t *testing.T) {
	r := newRig(t, nil)
	if a := r.do("POST", "/v1/auth/guest", "expired", `{}`); a.status != 201 {
		t.Errorf("signing in with a stale header answers %d", a.status)
	}
}

func TestTwoAuthorizationHeadersAreRefused(t *testing.T) {
	r := newRig(t, nil)
	req := httptest.NewRequest("GET", "/v1/players/me", nil)
	req.Header["Authorization"] = []string{"Bearer ada", "Bearer guest"}
	if a := r.send(req); a.status != 401 || a.code() != "auth.malformed" {
		t.Errorf("%d %s", a.status, a.code())
	}
}

func TestRequestsThatCanNeverSucceed(t *testing.T) {
	r := newRig(t, nil)
	long := strings.Repeat("x", 70<<10)
	for _, c := range []struct {
		name, method, target, token, body, contentType string
		status                                         int
		code, location                                 string
	}{
		{"malformed JSON", "POST", "/v1/matchmaking/tickets", "ada", `{"mode":`, "", 400, "request.invalid", "body"},
		{"a list for an object", "POST", "/v1/matchmaking/tickets", "ada", `[]`, "", 400, "request.invalid", "body"},
		{"null for an object", "POST", "/v1/matchmaking/tickets", "ada", `null`, "", 400, "request.invalid", "body"},
		{"a number for a text", "POST", "/v1/matchmaking/tickets", "ada", `{"mode":7}`, "", 400, "request.invalid", "body.mode"},
		{"a fraction for an integer", "POST", "/v1/matchmaking/tickets", "ada", `{"mode":"duel","latencyInMs":{"a":1.5}}`, "", 400, "request.invalid", "body.latencyInMs.a"},
		{"an integer beyond all bounds", "POST", "/v1/matchmaking/tickets", "ada", `{"mode":"duel","latencyInMs":{"a":1e300}}`, "", 400, "request.invalid", "body"},
		{"a missing member", "POST", "/v1/matchmaking/tickets", "ada", `{}`, "", 400, "request.invalid", "body"},
		{"no body at all", "POST", "/v1/matchmaking/tickets", "ada", ``, "", 400, "request.invalid", ""},
		{"an empty mode", "POST", "/v1/matchmaking/tickets", "ada", `{"mode":""}`, "", 400, "request.invalid", "body.mode"},
		{"a body that is too large", "POST", "/v1/matchmaking/tickets", "ada", `{"mode":"` + long + `"}`, "", 413, "request.too_large", ""},
		{"an endless cursor of the other name", "GET", "/v1/players/me/matches?after=" + strings.Repeat("c", 1025), "ada", ``, "", 400, "request.invalid", "query.after"},
		{"a form", "POST", "/v1/matchmaking/tickets", "ada", `mode=duel`, "application/x-www-form-urlencoded", 415, "request.media_type", ""},
		{"a media type that is none", "POST", "/v1/matchmaking/tickets", "ada", `{"mode":"duel"}`, ";;;", 415, "request.media_type", ""},
		{"a wait that is too long", "GET", ticketPathOfAda + "?wait=31", "ada", ``, "", 400, "request.invalid", "query.wait"},
		{"a wait that is no number", "GET", ticketPathOfAda + "?wait=soon", "ada", ``, "", 400, "request.invalid", "query.wait"},
		{"a version that is no number", "GET", ticketPathOfAda + "?wait=1&after=x", "ada", ``, "", 400, "request.invalid", "query.after"},
		{"a page of nothing", "GET", "/v1/players/me/matches?limit=0", "ada", ``, "", 400, "request.invalid", "query.limit"},
		{"a page of everything", "GET", "/v1/players/me/matches?limit=1000", "ada", ``, "", 400, "request.invalid", "query.limit"},
		{"an endless cursor", "GET", "/v1/players/me/matches?before=" + strings.Repeat("c", 1025), "ada", ``, "", 400, "request.invalid", "query.before"},
		{"an endless name", "PATCH", "/v1/players/me", "ada", `{"displayName":"` + strings.Repeat("n", 201) + `"}`, "", 400, "request.invalid", "body.displayName"},
		{"an empty refresh token", "POST", "/v1/auth/refresh", "", `{"refreshToken":""}`, "", 400, "request.invalid", "body.refreshToken"},
		{"a guest in another case, who would be a new one", "POST", "/v1/auth/guest", "", `{"Guest":{"id":"g-1","secret":"x"}}`, "", 400, "request.unknown_member", "body.Guest"},
		{"a member of a guest that it has not", "POST", "/v1/auth/guest", "", `{"guest":{"id":"g-1","secret":"x","Secret":"y"}}`, "", 400, "request.unknown_member", "body.guest.Secret"},
		{"what a new guest is not asked", "POST", "/v1/auth/guest", "", `{"foo":1}`, "", 400, "request.unknown_member", "body.foo"},
		{"half a guest credential", "POST", "/v1/auth/guest", "", `{"guest":{"id":"g"}}`, "", 400, "request.invalid", "body.guest"},
		{"null for a list", "POST", "/v1/server/sessions/s/result", "msk_good", `{"teams":[{"name":"red","rank":1,"score":0,"players":null}]}`, "", 400, "request.invalid", "body.teams[0].players"},
		{"an SNS message without body", "POST", "/v1/events/sns", "", ``, "", 400, "request.invalid", ""},
		{"an unknown path", "GET", "/v1/nothing", "ada", ``, "", 404, "route.not_found", ""},
		{"an unknown path outside", "GET", "/nothing", "", ``, "", 404, "route.not_found", ""},
		{"a path with dots", "GET", "/v1/x/../modes", "ada", ``, "", 404, "route.not_found", ""},
		{"a path with a double slash", "GET", "/v1//modes", "ada", ``, "", 404, "route.not_found", ""},
		{"a path with a slash too many", "GET", "/v1/modes/", "ada", ``, "", 404, "route.not_found", ""},
		{"a wrong method", "PUT", "/v1/players/me", "ada", ``, "", 405, "route.method_not_allowed", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t = t
			r.play.calls = nil
			var headers []string
			if c.contentType != "" {
				headers = []string{"Content-Type", c.contentType}
			}
			a := r.do(c.method, c.target, c.token, c.body, headers...)
			if a.status != c.status || a.code() != c.code {
				t.Fatalf("%d %s, want %d %s: %s", a.status, a.code(), c.status, c.code, a.body)
			}
			if c.location != "" && !strings.Contains(a.body, `"location":"`+c.location+`"`) {
				t.Errorf("no fault at %s: %s", c.location, a.body)
			}
			if len(r.play.calls) != 0 {
				t.Errorf("the rules were asked: %v", r.play.calls)
			}
		})
	}
}

func TestAllFaultsOfARequestAreNamed(t *testing.T) {
	r := newRig(t, nil)
	a := r.do("POST", "/v1/matchmaking/tickets", "ada", `{"mode":"","latencyInMs":{"a":"x"},"preferences":{"b":1}}`)
	for _, location := range []string{"body.mode", "body.latencyInMs.a", "body.preferences.b"} {
		if !strings.Contains(a.body, `"`+location+`"`) {
			t.Errorf("no fault at %s: %s", location, a.body)
		}
	}
}

func TestARefusalNeverRepeatsTheValue(t *testing.T) {
	r := newRig(t, nil)
	secret := "hush" + strings.Repeat("h", 1100)
	for _, body := range []string{`{"refreshToken":"` + secret + `"}`, `{"refreshToken":["` + secret + `"]}`, `{"refreshToken":"` + secret} {
		if a := r.do("POST", "/v1/auth/refresh", "", body); a.status != 400 || strings.Contains(a.body, "hush") {
			t.Errorf("%d: %s", a.status, a.body)
		}
	}
	if strings.Contains(r.log.String(), "hush") {
		t.Error("a secret is in the log")
	}
}

func TestABodyOfExactlyTheLimitIsTaken(t *testing.T) {
	r := newRig(t, func(o *Options) { o.BodyLimit = 64; o.SNSLimit = 32 })
	fill := func(n int) string {
		return `{"mode":"duel","x":"` + strings.Repeat("x", n-len(`{"mode":"duel","x":""}`)) + `"}`
	}
	if a := r.do("POST", "/v1/matchmaking/tickets", "ada", fill(64)); a.status != 201 {
		t.Errorf("64 bytes: %d %s", a.status, a.body)
	}
	if a := r.do("POST", "/v1/matchmaking/tickets", "ada", fill(65)); a.status != 413 {
		t.Errorf("65 bytes: %d %s", a.status, a.body)
	}
	req := httptest.NewRequest("POST", "/v1/events/sns", struct{ *bytes.Reader }{bytes.NewReader(make([]byte, 33))})
	if a := r.send(req); req.ContentLength > 0 || a.status != 413 {
		t.Errorf("33 bytes of unknown length: %d %s", a.status, a.body)
	}
}

// brokenBody ends in the middle, as when a client vanishes.
type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestABodyThatBreaksOffIsTheClientsFault(t *testing.T) {
	r := newRig(t, nil)
	if a := r.send(httptest.NewRequest("POST", "/v1/auth/refresh", brokenBody{})); a.status != 400 || a.code() != "request.unreadable" {
		t.Errorf("%d %s", a.status, a.code())
	}
}

func TestUnknownMembersAreIgnored(t *testing.T) {
	r := newRig(t, nil)
	a := r.do("POST", "/v1/matchmaking/tickets", "ada", `{"mode":"duel","skill":9000,"preferences":{"map":"a"},"latencyInMs":{"x":3}}`, "Idempotency-Key", "k1")
	if a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if r.play.lastTicket.Mode != "duel" || r.play.lastTicket.Preferences["map"] != "a" || r.play.lastTicket.LatencyInMs["x"] != 3 || r.play.lastKey != "k1" {
		t.Errorf("the rules got %+v with key %q", r.play.lastTicket, r.play.lastKey)
	}
	if got := a.header.Get("Location"); got != ticketPathOfAda {
		t.Errorf("Location %q", got)
	}
}

func TestARepeatedStartAnswersTheSameTicketWith200(t *testing.T) {
	r := newRig(t, nil)
	r.play.created = false
	a := r.do("POST", "/v1/matchmaking/tickets", "ada", `{"mode":"duel"}`, "Idempotency-Key", "k1")
	if a.status != 200 || a.json["id"] != "t-ada" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestCancellingWhatIsOverAnswers200(t *testing.T) {
	r := newRig(t, nil)
	r.play.status = muster.Cancelled
	if a := r.do("DELETE", ticketPathOfAda, "ada", ""); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestAnotherPlayersTicketIsNotFound(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range [][2]string{
		{"GET", ticketPathOfAda},
		{"GET", ticketPathOfAda + "?wait=1"},
		{"DELETE", ticketPathOfAda},
		{"POST", ticketPathOfAda + "/accept"},
		{"POST", ticketPathOfAda + "/decline"},
	} {
		if a := r.do(c[0], c[1], "guest", ""); a.status != 404 || a.code() != "ticket.not_found" {
			t.Errorf("%s %s: %d %s", c[0], c[1], a.status, a.code())
		}
	}
}

func TestAcceptAndDeclineSayWhich(t *testing.T) {
	r := newRig(t, nil)
	r.do("POST", ticketPathOfAda+"/accept", "ada", "")
	if !r.play.lastAccept {
		t.Error("accept declined")
	}
	r.do("POST", ticketPathOfAda+"/decline", "ada", "")
	if r.play.lastAccept {
		t.Error("decline accepted")
	}
}

func TestHistoryQueryReachesTheRules(t *testing.T) {
	r := newRig(t, nil)
	r.do("GET", "/v1/players/me/matches", "ada", "")
	if r.play.lastLimit != 20 || r.play.lastBefore != "" {
		t.Errorf("without query: %d %q", r.play.lastLimit, r.play.lastBefore)
	}
	r.do("GET", "/v1/players/me/matches?limit=7&before=c%2F1", "ada", "")
	if r.play.lastLimit != 7 || r.play.lastBefore != "c/1" {
		t.Errorf("with query: %d %q", r.play.lastLimit, r.play.lastBefore)
	}
}

func TestErrorsOfSignInReachTheClient(t *testing.T) {
	r := newRig(t, nil)
	if a := r.do("POST", "/v1/auth/guest", "", `{"guest":{"id":"g-unknown","secret":"x"}}`); a.status != 401 || a.code() != "auth.guest" {
		t.Errorf("guest: %d %s", a.status, a.code())
	}
	if a := r.do("POST", "/v1/auth/refresh", "", `{"refreshToken":"rt_reused"}`); a.status != 401 || a.code() != "auth.refresh_reused" {
		t.Errorf("refresh: %d %s", a.status, a.code())
	}
	r.auth.err = muster.Errorf(muster.Unavailable, "store.unavailable", "try again")
	for _, c := range [][3]string{{"/v1/auth/logout", "", `{"refreshToken":"rt_1"}`}, {"/v1/auth/socket-ticket", "ada", ""}, {"/v1/auth/guest", "", "{}"}} {
		if a := r.do("POST", c[0], c[1], c[2]); a.status != 503 {
			t.Errorf("%s: %d", c[0], a.status)
		}
	}
}

func TestSNSBodyArrivesWholeAndRefusalsAreAnswered(t *testing.T) {
	var got []byte
	var refuse error
	r := newRig(t, func(o *Options) {
		o.SNS = func(_ context.Context, body []byte) error { got = body; return refuse }
	})
	a := r.do("POST", "/v1/events/sns", "", `{"Type":"Notification","Message":"x"}`, "Content-Type", "text/plain; charset=UTF-8")
	if a.status != 200 || string(got) != `{"Type":"Notification","Message":"x"}` {
		t.Errorf("%d, the receiver got %q", a.status, got)
	}
	refuse = muster.Errorf(muster.Denied, "sns.signature", "the signature does not verify")
	if a := r.do("POST", "/v1/events/sns", "", `{}`); a.status != 403 || a.code() != "sns.signature" {
		t.Errorf("bad signature: %d %s", a.status, a.code())
	}
}

func TestNotReadyIs503WithoutTheReason(t *testing.T) {
	r := newRig(t, func(o *Options) {
		o.Ready = func(context.Context) error { return errors.New("disk /secret/path is full") }
	})
	a := r.do("GET", "/readyz", "", "")
	if a.status != 503 || strings.Contains(a.body, "secret") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// waitsForDisk is an error that says what is waited for.
type waitsForDisk struct{ error }

func (waitsForDisk) WaitsFor() string { return "a disk" }

func TestNotReadySaysWhatIsWaitedFor(t *testing.T) {
	r := newRig(t, func(o *Options) {
		o.Ready = func(context.Context) error { return waitsForDisk{errors.New("/secret/path is full")} }
	})
	a := r.do("GET", "/readyz", "", "")
	if a.status != 503 || strings.Contains(a.body, "secret") || !strings.Contains(a.body, "it waits for a disk") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestRoutesWithoutHandlersAreNotThere(t *testing.T) {
	r := newRig(t, func(o *Options) { o.SNS, o.Realtime, o.JWKS, o.Configuration = nil, nil, nil, nil })
	for _, c := range [][2]string{{"POST", "/v1/events/sns"}, {"GET", "/v1/realtime"}, {"GET", "/.well-known/jwks.json"}} {
		if a := r.do(c[0], c[1], "", ""); a.status != 404 {
			t.Errorf("%s: %d", c[1], a.status)
		}
	}
	if _, ok := r.doc.Paths["/v1/events/sns"]; ok {
		t.Error("the document has a route that is not served")
	}
}

func TestAttributesReachTheRulesAsSent(t *testing.T) {
	r := newRig(t, nil)
	const path = "/v1/server/players/"
	if a := r.do("PUT", path+string(ada)+"/attributes", "msk_good", `{"level":3,"guild":"owls"}`); a.status != 204 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if got := r.play.attributes; len(got) != 2 || got["level"] != 3.0 || got["guild"] != "owls" {
		t.Errorf("the rules got %v", got)
	}
	if a := r.do("PUT", path+"p-nobody/attributes", "msk_good", `{}`); a.status != 404 || a.code() != "player.not_found" {
		t.Errorf("an unknown player: %d %s", a.status, a.code())
	}
	if a := r.do("PUT", path+string(ada)+"/attributes", "ada", `{"level":99}`); a.status != 403 && a.status != 401 {
		t.Errorf("a player's own token: %d %s", a.status, a.body)
	}
}

func TestAnARNIsOnePathSegmentThroughARealServer(t *testing.T) {
	r := newRig(t, nil)
	server := httptest.NewServer(r.handler)
	defer server.Close()
	id := "arn:aws:gamelift:us-west-2::gamesession/fleet-1/custom-home/gsess-1%2F?#ä"
	target := server.URL + "/v1/server/sessions/" + pathSegment(id) + "/result"
	req, err := http.NewRequest("POST", target, strings.NewReader(`{"teams":[{"name":"red","rank":1,"score":1.5,"players":[{"playerId":"p","left":true}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer msk_good")
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // only read
	if res.StatusCode != 200 || string(r.play.lastID) != id {
		t.Errorf("%d, the rules got %q", res.StatusCode, r.play.lastID)
	}
	if teams := r.play.lastReport.Teams; len(teams) != 1 || teams[0].Score != 1.5 || !teams[0].Players[0].Left {
		t.Errorf("report %+v", teams)
	}
}

// pathSegment percent-encodes every byte that is not a letter or digit, as the
// strictest clients do.
func pathSegment(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' {
			b.WriteByte(c)
			continue
		}
		const hex = "0123456789ABCDEF"
		b.WriteString("%" + string(hex[c>>4]) + string(hex[c&15]))
	}
	return b.String()
}

func TestALongPollEndsWhenTheClientLeaves(t *testing.T) {
	left := make(chan struct{})
	began := make(chan struct{})
	r := newRig(t, nil)
	r.play.wait = func(ctx context.Context, after int64, wait time.Duration) (muster.TicketView, error) {
		if after != 3 || wait != 20*time.Second {
			t.Errorf("after %d, wait %s", after, wait)
		}
		close(began)
		<-ctx.Done()
		close(left)
		return muster.TicketView{}, ctx.Err()
	}
	server := httptest.NewServer(r.handler)
	defer server.Close()
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", server.URL+ticketPathOfAda+"?wait=20&after=3", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer ada")
	go func() { <-began; leave() }()
	if res, err := server.Client().Do(req); err == nil {
		_ = res.Body.Close() // there should be none
		t.Error("the client got an answer")
	}
	<-left
}

func TestALongPollAnswersAtOnceWhenTheServerStops(t *testing.T) {
	stopping := make(chan struct{})
	r := newRig(t, func(o *Options) { o.Stopping = stopping })
	r.play.wait = func(ctx context.Context, after int64, _ time.Duration) (muster.TicketView, error) {
		if after != -1 {
			t.Errorf("after %d without a query, want -1", after)
		}
		close(stopping)
		<-ctx.Done()
		return muster.TicketView{}, ctx.Err()
	}
	if a := r.do("GET", ticketPathOfAda+"?wait=30", "ada", ""); a.status != 200 || a.json["id"] != "t-ada" {
		t.Errorf("%d %s", a.status, a.body)
	}
}
