package httpapi

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"muster"
)

var (
	_ PlayerDesk = (*muster.Backend)(nil)
	_ Everyone   = (*muster.Backend)(nil)
)

// fakeDesk remembers what operators asked of it.
type fakeDesk struct {
	err  error
	last string
}

// asOperator is who asks, as an audit record has it.
func asOperator(ctx context.Context) string {
	ops, err := muster.AuditOps(muster.WithCaller(ctx, muster.Caller{Scope: muster.AdminScope}), exampleTime(), muster.Audit{})
	if err != nil {
		return err.Error()
	}
	_, name, found := strings.Cut(string(ops[0].Value), `"detail":{"operator":"`)
	if !found {
		return ""
	}
	name, _, _ = strings.Cut(name, `"`)
	return " by " + name
}

func (f *fakeDesk) FindPlayers(ctx context.Context, search muster.PlayerSearch) (muster.FoundPlayers, error) {
	f.last = fmt.Sprintf("find %+v", search) + asOperator(ctx)
	return exampleFound(), f.err
}

func (f *fakeDesk) ExportPlayer(ctx context.Context, p muster.PlayerID) (func(io.Writer) error, error) {
	f.last = fmt.Sprintf("export %s", p) + asOperator(ctx)
	return func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "{\"account\":{\"id\":%q}}\n", p)
		return err
	}, f.err
}

func (f *fakeDesk) DeletePlayer(ctx context.Context, p muster.PlayerID) error {
	f.last = fmt.Sprintf("delete %s", p) + asOperator(ctx)
	return f.err
}

func (f *fakeDesk) SignOutEveryone(ctx context.Context) (muster.EveryoneView, error) {
	f.last = "sign everyone out" + asOperator(ctx)
	return exampleEveryone(), f.err
}

func (f *fakeDesk) EveryoneSignedOut(context.Context) (muster.EveryoneView, error) {
	f.last = "when was everyone signed out"
	return exampleEveryone(), f.err
}

func (f *fakeDesk) OperatorTrail(_ context.Context, limit int, before string) (muster.AuditPage, error) {
	f.last = fmt.Sprintf("trail: %d before %q", limit, before)
	return muster.AuditPage{Entries: []muster.AuditView{}}, f.err
}

func TestCallsWithoutABodyNameTheirOperatorInAHeader(t *testing.T) {
	r := newRig(t, nil)
	for name, c := range map[string]struct {
		target, operator, asked string
		status                  int
	}{
		"a deletion":              {"/v1/admin/players/p-1", "kim", "delete p-1 by kim", 204},
		"a second factor":         {"/v1/admin/players/p-1/factors", "kim", "take p-1 away by admin by kim", 204},
		"a name that is too long": {"/v1/admin/players/p-1", strings.Repeat("k", 101), "", 400},
		"a name of tabs":          {"/v1/admin/players/p-1", "k\tm", "", 400},
	} {
		r.desk.last, r.factors.last = "", ""
		a := r.do("DELETE", c.target, "mak_good", "", "Muster-Operator", c.operator)
		if got := r.desk.last + r.factors.last; a.status != c.status || got != c.asked {
			t.Errorf("%s: %d %s, asked %q, want %d and %q", name, a.status, a.body, got, c.status, c.asked)
		}
	}
	for path, at := range r.doc.Paths {
		for method, call := range at {
			for _, p := range call.Parameters {
				if p.In == "query" && p.Name == "operator" {
					t.Errorf("%s %s takes an operator in its URL", method, path)
				}
			}
		}
	}
}

func TestWhatOperatorsDoForPlayersAndToAll(t *testing.T) {
	const (
		search   = "/v1/admin/players/search"
		everyone = "/v1/admin/sign-out-everyone"
	)
	for _, c := range []struct {
		name, method, target, token, body, asked string
		status                                   int
	}{
		{"a player by address", "POST", search, "mak_good", `{"email":"ann@example.com","operator":"kim"}`, "find {Email:ann@example.com Provider: Subject: DisplayName: ID:} by kim", 200},
		{"a player by identity", "POST", search, "mak_good", `{"provider":"steam","subject":"7656"}`, "find {Email: Provider:steam Subject:7656 DisplayName: ID:}", 200},
		{"a player by name", "POST", search, "mak_good", `{"displayName":"Ada"}`, "find {Email: Provider: Subject: DisplayName:Ada ID:}", 200},
		{"a player by id", "POST", search, "mak_good", `{"id":"p-1"}`, "find {Email: Provider: Subject: DisplayName: ID:p-1}", 200},
		{"a player by what nobody knows", "POST", search, "mak_good", `{"mail":"ann@example.com"}`, "", 400},
		{"a search by a player", "POST", search, "ada", `{"id":"p-1"}`, "", 403},
		{"a search by a game server", "POST", search, "msk_good", `{"id":"p-1"}`, "", 403},
		{"a search by nobody", "POST", search, "", `{"id":"p-1"}`, "", 401},
		{"an export", "POST", "/v1/admin/players/p-1/export", "mak_good", "", "export p-1", 200},
		{"an export by somebody", "POST", "/v1/admin/players/p-1/export", "mak_good", `{"operator":"kim"}`, "export p-1 by kim", 200},
		{"an export by a player", "POST", "/v1/admin/players/p-1/export", "ada", "", "", 403},
		{"an export with more than a name", "POST", "/v1/admin/players/p-1/export", "mak_good", `{"format":"csv"}`, "", 400},
		{"a deletion", "DELETE", "/v1/admin/players/p-1", "mak_good", "", "delete p-1", 204},
		{"a deletion by whom a URL names", "DELETE", "/v1/admin/players/p-1?operator=kim", "mak_good", "", "delete p-1", 204},
		{"a deletion by a player", "DELETE", "/v1/admin/players/p-1", "ada", "", "", 403},
		{"everyone's end", "POST", everyone, "mak_good", `{"confirm":"sign out everyone","operator":"kim"}`, "sign everyone out by kim", 200},
		{"everyone's end that is not confirmed", "POST", everyone, "mak_good", `{}`, "", 400},
		{"everyone's end without a body", "POST", everyone, "mak_good", "", "", 400},
		{"everyone's end with another word", "POST", everyone, "mak_good", `{"confirm":"yes"}`, "", 400},
		{"everyone's end by a player", "POST", everyone, "ada", `{"confirm":"sign out everyone"}`, "", 403},
		{"the latest end", "GET", everyone, "mak_good", "", "when was everyone signed out", 200},
		{"what operators did", "GET", "/v1/admin/audit?limit=7&before=x", "mak_good", "", `trail: 7 before "x"`, 200},
		{"what operators did, for a player", "GET", "/v1/admin/audit", "ada", "", "", 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, nil)
			if a := r.do(c.method, c.target, c.token, c.body); a.status != c.status || r.desk.last != c.asked {
				t.Errorf("%d %s, asked %q, want %d and %q", a.status, a.body, r.desk.last, c.status, c.asked)
			}
			if strings.Contains(r.log.String(), "ann@example.com") {
				t.Error("an address is in the log")
			}
		})
	}
	r := newRig(t, nil)
	r.desk.err = &muster.Error{Kind: muster.Conflict, Code: "player.merged", Message: "merged", Details: map[string]any{"mergedInto": "p-2"}}
	for _, c := range [][2]string{{"POST", "/v1/admin/players/p-1/export"}, {"DELETE", "/v1/admin/players/p-1"}} {
		if a := r.do(c[0], c[1], "mak_good", ""); a.status != 409 || a.json["mergedInto"] != "p-2" {
			t.Errorf("%s %s of a merged player: %d %s", c[0], c[1], a.status, a.body)
		}
	}
	r = newRig(t, func(o *Options) { o.Desk, o.Everyone = nil, nil })
	for _, target := range []string{search, everyone} {
		if a := r.do("POST", target, "mak_good", `{}`); a.status != 404 && a.status != 405 {
			t.Errorf("without them %s answers %d", target, a.status)
		}
	}
}
