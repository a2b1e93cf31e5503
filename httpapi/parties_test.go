package httpapi

import (
	"context"
	"fmt"
	"testing"

	"muster"
)

// fakeParties remembers the last call, with whom it was for and what it said.
type fakeParties struct {
	last string
	err  error
}

func (f *fakeParties) call(format string, args ...any) (muster.PartyView, error) {
	f.last = fmt.Sprintf(format, args...)
	return muster.PartyView{ID: "c-1", Code: "K7QM2XWD"}, f.err
}

func (f *fakeParties) Party(_ context.Context, me muster.PlayerID) (muster.PartyView, error) {
	return f.call("%s reads", me)
}

// settings writes what was set, and "-" for what was not.
func settings(s muster.PartySettings) string {
	mode, open := "-", "-"
	if s.Mode != nil {
		mode = string(*s.Mode)
	}
	if s.Open != nil {
		open = fmt.Sprint(*s.Open)
	}
	return mode + " " + open
}

func (f *fakeParties) CreateParty(_ context.Context, me muster.PlayerID, want muster.PartySettings) (muster.PartyView, error) {
	return f.call("%s creates %s", me, settings(want))
}

func (f *fakeParties) ChangeParty(_ context.Context, me muster.PlayerID, want muster.PartySettings) (muster.PartyView, error) {
	return f.call("%s changes %s", me, settings(want))
}

func (f *fakeParties) JoinParty(_ context.Context, me muster.PlayerID, code string) (muster.PartyView, error) {
	return f.call("%s joins %s", me, code)
}

func (f *fakeParties) LeaveParty(_ context.Context, me muster.PlayerID) error {
	_, err := f.call("%s leaves", me)
	return err
}

func (f *fakeParties) Kick(_ context.Context, me, who muster.PlayerID) (muster.PartyView, error) {
	return f.call("%s kicks %s", me, who)
}

func (f *fakeParties) PassLead(_ context.Context, me, to muster.PlayerID) (muster.PartyView, error) {
	return f.call("%s passes the lead to %s", me, to)
}

func (f *fakeParties) ReportReady(_ context.Context, me muster.PlayerID, said muster.PartyReport) (muster.PartyView, error) {
	return f.call("%s is ready %t %v %v", me, said.Ready, said.LatencyInMs, said.Preferences)
}

func (f *fakeParties) Invite(_ context.Context, me, who muster.PlayerID) (muster.PartyView, error) {
	return f.call("%s invites %s", me, who)
}

func (f *fakeParties) WithdrawInvite(_ context.Context, me, who muster.PlayerID) (muster.PartyView, error) {
	return f.call("%s withdraws %s", me, who)
}

func (f *fakeParties) Invites(_ context.Context, me muster.PlayerID) ([]muster.InviteView, error) {
	_, err := f.call("%s lists", me)
	return nil, err
}

func (f *fakeParties) AcceptInvite(_ context.Context, me muster.PlayerID, id muster.PartyID) (muster.PartyView, error) {
	return f.call("%s accepts %s", me, id)
}

func (f *fakeParties) DeclineInvite(_ context.Context, me muster.PlayerID, id muster.PartyID) error {
	_, err := f.call("%s declines %s", me, id)
	return err
}

// partyCalls is every party route with what the rules hear.
var partyCalls = []struct {
	method, target, body string
	status               int
	heard                string
}{
	{"POST", "/v1/parties", ``, 201, "p-ada creates - -"},
	{"POST", "/v1/parties", `{"mode":"duel","open":false}`, 201, "p-ada creates duel false"},
	{"GET", "/v1/parties/me", ``, 200, "p-ada reads"},
	{"PATCH", "/v1/parties/me", `{"open":true}`, 200, "p-ada changes - true"},
	{"DELETE", "/v1/parties/me", ``, 204, "p-ada leaves"},
	{"POST", "/v1/parties/join", `{"code":"k7qm-2xwd"}`, 200, "p-ada joins k7qm-2xwd"},
	{"PUT", "/v1/parties/me/ready", `{"ready":true,"latencyInMs":{"a":3},"preferences":{"map":"x"}}`, 200, "p-ada is ready true map[a:3] map[map:x]"},
	{"PUT", "/v1/parties/me/leader", `{"playerId":"p-bob"}`, 200, "p-ada passes the lead to p-bob"},
	{"DELETE", "/v1/parties/me/members/p-bob", ``, 200, "p-ada kicks p-bob"},
	{"POST", "/v1/parties/me/invites", `{"playerId":"p-bob"}`, 200, "p-ada invites p-bob"},
	{"DELETE", "/v1/parties/me/invites/p-bob", ``, 200, "p-ada withdraws p-bob"},
	{"GET", "/v1/players/me/invites", ``, 200, "p-ada lists"},
	{"POST", "/v1/players/me/invites/c-1", ``, 200, "p-ada accepts c-1"},
	{"DELETE", "/v1/players/me/invites/c-1", ``, 204, "p-ada declines c-1"},
}

func TestPartyCallsReachTheRulesInTheCallersName(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range partyCalls {
		t.Run(c.method+" "+c.target, func(t *testing.T) {
			r.t = t
			if a := r.do(c.method, c.target, "ada", c.body); a.status != c.status || r.parties.last != c.heard {
				t.Errorf("%d %s, the rules heard %q; want %d and %q", a.status, a.body, r.parties.last, c.status, c.heard)
			}
		})
	}
	if a := r.do("GET", "/v1/players/me/invites", "ada", ""); a.body != "{\"invites\":[]}\n" {
		t.Errorf("no invites are %s", a.body)
	}
	if a := r.do("POST", "/v1/parties", "ada", "{}"); a.header.Get("Location") != "/v1/parties/me" {
		t.Errorf("Location %q", a.header.Get("Location"))
	}
}

func TestPartiesAreForPlayersAndGuests(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range partyCalls {
		for _, caller := range []struct {
			token, code string
			status      int
		}{
			{"", "auth.missing", 401},
			{"expired", "auth.expired", 401},
			{"msk_good", "auth.wrong_scope", 403},
			{"mak_good", "auth.wrong_scope", 403},
			{"guest", "", c.status},
		} {
			t.Run(fmt.Sprintf("%s %s as %q", c.method, c.target, caller.token), func(t *testing.T) {
				r.t, r.parties.last = t, ""
				a := r.do(c.method, c.target, caller.token, c.body)
				if a.status != caller.status || a.status >= 400 && a.code() != caller.code || (a.status >= 400) != (r.parties.last == "") {
					t.Errorf("%d %s, the rules heard %q", a.status, a.code(), r.parties.last)
				}
			})
		}
	}
}

func TestRefusalsOfTheRulesReachThePartyMember(t *testing.T) {
	r := newRig(t, nil)
	for kind, status := range map[muster.Kind]int{muster.Denied: 403, muster.NotFound: 404, muster.Conflict: 409, muster.Exhausted: 429, muster.Unavailable: 503} {
		r.parties.err = muster.Errorf(kind, "party.test", "no")
		for _, c := range partyCalls {
			if c.status == 204 && (kind == muster.NotFound || kind == muster.Conflict) || c.method == "GET" && c.target != "/v1/parties/me" {
				continue // which these never answer
			}
			if a := r.do(c.method, c.target, "ada", c.body); a.status != status || a.code() != "party.test" {
				t.Errorf("%s %s: %d %s, want %d", c.method, c.target, a.status, a.code(), status)
			}
		}
	}
}

func TestPartyBodiesThatCannotBe(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range []struct{ method, target, body string }{
		{"POST", "/v1/parties", `{"mode":""}`},
		{"POST", "/v1/parties", `{"open":"yes"}`},
		{"PATCH", "/v1/parties/me", ``},
		{"POST", "/v1/parties/join", `{}`},
		{"POST", "/v1/parties/join", `{"code":"123456789012345678901234567890123"}`},
		{"PUT", "/v1/parties/me/ready", `{}`},
		{"PUT", "/v1/parties/me/leader", `{"playerId":""}`},
		{"POST", "/v1/parties/me/invites", `[]`},
	} {
		if a := r.do(c.method, c.target, "ada", c.body); a.status != 400 {
			t.Errorf("%s %s %s: %d %s", c.method, c.target, c.body, a.status, a.body)
		}
	}
}

func TestWithoutPartiesThereAreNoPartyCalls(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Parties = nil })
	if a := r.do("GET", "/v1/parties/me", "ada", ""); a.status != 404 || a.code() != "route.not_found" {
		t.Errorf("%d %s", a.status, a.code())
	}
}
