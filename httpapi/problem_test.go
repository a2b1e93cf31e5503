package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"muster"
)

func TestEveryKindHasAStatus(t *testing.T) {
	seen := map[int]muster.Kind{}
	for kind, status := range statuses {
		if status == 0 {
			t.Errorf("kind %v has no status", muster.Kind(kind))
		}
		if other, twice := seen[status]; twice {
			t.Errorf("kinds %v and %v share status %d", other, muster.Kind(kind), status)
		}
		seen[status] = muster.Kind(kind)
	}
}

func TestErrorsOfTheRulesBecomeProblems(t *testing.T) {
	wrapped := fmt.Errorf("start ticket: %w", &muster.Error{
		Kind: muster.Conflict, Code: "ticket.already_queued", Message: "you wait already", RetryAfter: 1200 * time.Millisecond,
		Details: map[string]any{"ticketId": "t-1", "code": "forged", "broken": func() {}},
		Err:     errors.New("hush"),
	})
	for _, c := range []struct {
		name   string
		err    error
		status int
		code   string
	}{
		{"a wrapped error keeps its kind", wrapped, 409, "ticket.already_queued"},
		{"an invalid request", invalid(), 400, "test.invalid"},
		{"a limit", muster.Errorf(muster.Exhausted, "limit", "slow down"), 429, "limit"},
		{"an unclassified error is internal", errors.New("hush"), 500, "internal"},
		{"an internal error hides its code", muster.Errorf(muster.Internal, "hush.code", "hush"), 500, "internal"},
		{"a kind nobody knows is internal", muster.Errorf(muster.NumKinds+3, "hush.code", "hush"), 500, "internal"},
		{"a store's sentinel for absence", fmt.Errorf("read hush: %w", muster.ErrNotFound), 404, "not_found"},
		{"a store's sentinel for conflict", fmt.Errorf("write hush: %w", muster.ErrConflict), 409, "conflict"},
		{"a platform that is down", muster.Errorf(muster.Unavailable, "provider.unavailable", "try again"), 503, "provider.unavailable"},
		{"a deadline", fmt.Errorf("hush: %w", context.DeadlineExceeded), 503, "request.interrupted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, nil)
			r.play.err = c.err
			a := r.do("POST", "/v1/matchmaking/tickets", "ada", `{"mode":"duel"}`)
			if a.status != c.status || a.code() != c.code {
				t.Errorf("%d %s, want %d %s", a.status, a.code(), c.status, c.code)
			}
			if strings.Contains(a.body, "hush") {
				t.Errorf("the cause leaks: %s", a.body)
			}
			if logged := strings.Contains(r.log.String(), "request failed"); logged != (c.status >= 500) {
				t.Errorf("logged: %v", logged)
			}
			if alarmed := strings.Contains(r.log.String(), `"level":"ERROR"`); alarmed != (c.status >= 500 && c.code != "provider.unavailable") {
				t.Errorf("logged as an error: %s", r.log.String())
			}
		})
	}
}

func TestDetailsAreMembersAndRetryAfterIsRoundedUp(t *testing.T) {
	r := newRig(t, nil)
	r.play.err = &muster.Error{
		Kind: muster.Conflict, Code: "session.live", Message: "come back", RetryAfter: 1200 * time.Millisecond,
		Details: map[string]any{"seat": exampleSeat(), "code": "forged", "status": 200, "errors": 1, "broken": func() {}},
	}
	a := r.do("POST", "/v1/matchmaking/tickets", "ada", `{"mode":"duel"}`)
	if got := a.header.Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After %q", got)
	}
	if a.code() != "session.live" {
		t.Errorf("a detail replaced the code: %s", a.body)
	}
	if seat, ok := a.json["seat"].(map[string]any); !ok || seat["playerSessionId"] != "psess-0a1b2c3d" {
		t.Errorf("no seat: %s", a.body)
	}
	for _, absent := range []string{"broken", "errors"} {
		if _, ok := a.json[absent]; ok {
			t.Errorf("member %s in %s", absent, a.body)
		}
	}
}

func TestEveryRouteAnswersFailuresOfTheRules(t *testing.T) {
	for _, kind := range []muster.Kind{muster.Internal, muster.Unavailable, muster.Exhausted, muster.Invalid} {
		r := newRig(t, nil)
		r.play.err = muster.Errorf(kind, "test.code", "no")
		for _, c := range routes {
			r.play.calls = nil
			a := r.do(c.method, c.target, c.token, c.body) // checks that the document has the status
			if len(r.play.calls) > 0 && a.status != statuses[kind] {
				t.Errorf("%s %s: %d for kind %v", c.method, c.target, a.status, kind)
			}
		}
	}
}

func TestAProblemEncodesItsFaults(t *testing.T) {
	p := newProblem(http.StatusBadRequest, "request.invalid", "no")
	p.Errors = []fault{{Location: "body.mode", Message: "expected string"}}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"code":"request.invalid","detail":"no","errors":[{"location":"body.mode","message":"expected string"}],"status":400,"title":"Bad Request","type":"about:blank"}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

// burning is a store of which nothing can be read.
type burning struct{ muster.Store }

func (burning) Get(context.Context, muster.Key) (muster.Record, error) {
	return muster.Record{}, errors.New("disk on fire")
}

func TestTroubleWithTheStoreIsLoggedWithoutCodesAndAddresses(t *testing.T) {
	backend := muster.New(muster.Options{Store: burning{}, Now: time.Now})
	r := newRig(t, func(o *Options) { o.Parties = backend })
	_, _, r.passwords.err = backend.FindIdentity(t.Context(), muster.Identity{Provider: muster.EmailProvider, Subject: "ada@example.com"})
	r.do("POST", "/v1/parties/join", "ada", `{"code":"37M7-2J78"}`)
	r.do("POST", "/v1/auth/login/email", "", `{"email":"ada@example.com","password":"four words of mine"}`)
	log := r.log.String()
	if strings.Count(log, "disk on fire") != 2 || strings.Contains(log, "37M7") || strings.Contains(log, "ada@") {
		t.Errorf("log: %s", log)
	}
}
