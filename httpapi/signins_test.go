package httpapi

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"muster"
)

var (
	_ SignIns = (*muster.Backend)(nil)
	_ Bans    = (*muster.Backend)(nil)
)

// fakeSignIns remembers what was asked of it.
type fakeSignIns struct {
	err  error
	last string
}

func (f *fakeSignIns) SignIns(ctx context.Context, me muster.PlayerID) ([]muster.SignInView, error) {
	caller, _ := muster.CallerFrom(ctx)
	f.last = fmt.Sprintf("list %s", me)
	return []muster.SignInView{{ID: "f1", Current: caller.Family == "f1"}, {ID: "f2"}}, f.err
}

func (f *fakeSignIns) EndSignIn(_ context.Context, me muster.PlayerID, id string, why muster.EndReason) error {
	f.last = fmt.Sprintf("end %s of %s: %s", id, me, why)
	return f.err
}

func (f *fakeSignIns) SignOutEverywhere(ctx context.Context, p muster.PlayerID) error {
	caller, _ := muster.CallerFrom(ctx)
	f.last = fmt.Sprintf("end all of %s for %s", p, caller.Scope)
	return f.err
}

func (f *fakeSignIns) SignPlayerOut(ctx context.Context, p muster.PlayerID) error {
	f.last = fmt.Sprintf("end all of %s", p) + asOperator(ctx)
	return f.err
}

func (f *fakeSignIns) Ban(_ context.Context, p muster.PlayerID, req muster.BanRequest) (muster.BanView, error) {
	f.last = fmt.Sprintf("ban %s: %s until %s", p, req.Reason, req.Until.Format(time.DateOnly))
	if req.Operator != "" {
		f.last += " by " + req.Operator
	}
	return muster.BanView{At: exampleTime(), Reason: req.Reason}, f.err
}

func (f *fakeSignIns) Unban(ctx context.Context, p muster.PlayerID) error {
	f.last = fmt.Sprintf("unban %s", p) + asOperator(ctx)
	return f.err
}

func (f *fakeSignIns) AuditTrail(_ context.Context, p muster.PlayerID, limit int, before string) (muster.AuditPage, error) {
	f.last = fmt.Sprintf("audit of %s: %d before %q", p, limit, before)
	return exampleAudit(), f.err
}

func TestSignInsAndBans(t *testing.T) {
	for _, c := range []struct {
		name, method, target, token, body, asked string
		status                                   int
	}{
		{"my devices", "GET", "/v1/players/me/sign-ins", "ada", "", "list p-ada", 200},
		{"a device of mine", "DELETE", "/v1/players/me/sign-ins/f2", "ada", "", "end f2 of p-ada: signedOut", 204},
		{"all of mine", "POST", "/v1/auth/logout-everywhere", "guest", "", "end all of p-guest for guest", 204},
		{"a ban for good", "POST", "/v1/admin/players/p-1/ban", "mak_good", `{"reason":"aimbot"}`, "ban p-1: aimbot until 0001-01-01", 200},
		{"a ban with an end", "POST", "/v1/admin/players/p-1/ban", "mak_good", `{"reason":"x","until":"2027-01-01T00:00:00Z"}`, "ban p-1: x until 2027-01-01", 200},
		{"a ban without a reason", "POST", "/v1/admin/players/p-1/ban", "mak_good", `{}`, "", 400},
		{"a ban with a name", "POST", "/v1/admin/players/p-1/ban", "mak_good", `{"reason":"x","operator":"kim"}`, "ban p-1: x until 0001-01-01 by kim", 200},
		{"a ban with a misspelt end", "POST", "/v1/admin/players/p-1/ban", "mak_good", `{"reason":"x","end":"2027-01-01T00:00:00Z"}`, "", 400},
		{"a ban by a player", "POST", "/v1/admin/players/p-1/ban", "ada", `{"reason":"x"}`, "", 403},
		{"a ban lifted", "POST", "/v1/admin/players/p-1/unban", "mak_good", "", "unban p-1", 204},
		{"a sign-out by an operator", "POST", "/v1/admin/players/p-1/sign-out", "mak_good", "", "end all of p-1", 204},
		{"a ban lifted by somebody", "POST", "/v1/admin/players/p-1/unban", "mak_good", `{"operator":"kim"}`, "unban p-1 by kim", 204},
		{"a sign-out by somebody", "POST", "/v1/admin/players/p-1/sign-out", "mak_good", `{"operator":"kim"}`, "end all of p-1 by kim", 204},
		{"a sign-out by nobody", "POST", "/v1/admin/players/p-1/sign-out", "mak_good", `{}`, "end all of p-1", 204},
		{"a ban lifted by a misspelt name", "POST", "/v1/admin/players/p-1/unban", "mak_good", `{"operater":"kim"}`, "", 400},
		{"a sign-out with a reason, which it has not", "POST", "/v1/admin/players/p-1/sign-out", "mak_good", `{"reason":"x"}`, "", 400},
		{"a sign-out by an unprintable name", "POST", "/v1/admin/players/p-1/sign-out", "mak_good", `{"operator":"k\u0000m"}`, "", 400},
		{"a sign-out by a player", "POST", "/v1/admin/players/p-1/sign-out", "ada", "", "", 403},
		{"what happened", "GET", "/v1/admin/players/p-1/audit", "mak_good", "", `audit of p-1: 50 before ""`, 200},
		{"the next page of it", "GET", "/v1/admin/players/p-1/audit?limit=7&before=x", "mak_good", "", `audit of p-1: 7 before "x"`, 200},
		{"too much of it", "GET", "/v1/admin/players/p-1/audit?limit=201", "mak_good", "", "", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, nil)
			if a := r.do(c.method, c.target, c.token, c.body); a.status != c.status || r.signIns.last != c.asked {
				t.Errorf("%d %s, asked %q, want %d and %q", a.status, a.body, r.signIns.last, c.status, c.asked)
			}
			r.signIns.err = muster.Errorf(muster.NotFound, "player.not_found", "there is no such player")
			if c.status < 300 && c.name != "my devices" {
				if a := r.do(c.method, c.target, c.token, c.body); a.status != 404 {
					t.Errorf("of what is not there: %d %s", a.status, a.body)
				}
			}
		})
	}
	r := newRig(t, func(o *Options) { o.SignIns, o.Bans = nil, nil })
	for _, target := range []string{"/v1/players/me/sign-ins", "/v1/admin/players/p-1/audit"} {
		if a := r.do("GET", target, "mak_good", ""); a.status != 404 {
			t.Errorf("without them %s answers %d", target, a.status)
		}
	}
}

func TestABanIsRefusedWithItsEnd(t *testing.T) {
	r := newRig(t, nil)
	r.auth.err = &muster.Error{
		Kind: muster.Denied, Code: "account.banned", Message: "this account is banned", Err: errors.New("secret"),
		Details: map[string]any{"until": exampleTime(), "reason": "aimbot"},
	}
	a := r.do("POST", "/v1/auth/guest", "", `{"guest":{"id":"g-1","secret":"s"}}`)
	if a.status != 403 || a.code() != "account.banned" || a.json["reason"] != "aimbot" || a.json["until"] != exampleTime().Format(time.RFC3339Nano) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestWhereARequestComesFromReachesTheRules(t *testing.T) {
	var seen muster.Client
	r := newRig(t, func(o *Options) {
		o.Ready = func(ctx context.Context) error { seen = muster.ClientFrom(ctx); return nil }
	})
	r.do("GET", "/readyz", "", "", "User-Agent", "Game/1", "Muster-Device", "phone-1")
	if seen.UserAgent != "Game/1" || seen.Device != "phone-1" || seen.Address.String() != "192.0.2.1" {
		t.Errorf("the client is %+v", seen)
	}
}
