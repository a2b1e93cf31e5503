package httpapi

import (
	"context"
	"strings"
	"testing"

	"muster"
)

var (
	_ Referee = (*muster.Backend)(nil)
	_ History = (*muster.Backend)(nil)
)

// fakeReferee knows the result of session s-1, and remembers what was decided.
type fakeReferee struct {
	decided string
	why     muster.ResultVerdict
}

func (f *fakeReferee) Result(_ context.Context, id muster.SessionID) (muster.AdminResultView, error) {
	if id != "s-1" {
		return muster.AdminResultView{}, muster.Errorf(muster.NotFound, "result.unknown", "no result of this session is known")
	}
	return exampleAdminResult(), nil
}

func (f *fakeReferee) VoidResult(ctx context.Context, id muster.SessionID, why muster.ResultVerdict) (muster.AdminResultView, error) {
	f.decided, f.why = "void "+string(id), why
	return f.Result(ctx, id)
}

func (f *fakeReferee) RestoreResult(ctx context.Context, id muster.SessionID, why muster.ResultVerdict) (muster.AdminResultView, error) {
	f.decided, f.why = "restore "+string(id), why
	return f.Result(ctx, id)
}

// fakeHistory has no matches; Bob's are public.
type fakeHistory struct{ asked string }

func (f *fakeHistory) ModeMatches(_ context.Context, me muster.PlayerID, mode muster.ModeName, _ int, before string) (muster.MatchHistoryPage, error) {
	f.asked = string(me) + " " + string(mode) + " " + before
	return muster.MatchHistoryPage{}, nil
}

func (f *fakeHistory) PublicMatches(_ context.Context, id muster.PlayerID, _ int, _ string) (muster.MatchHistoryPage, error) {
	if id != "p-bob" {
		return muster.MatchHistoryPage{}, muster.Errorf(muster.NotFound, "history.private", "matches are shown to their own players only")
	}
	return exampleHistory(), nil
}

func TestOnlyOperatorsJudgeResults(t *testing.T) {
	r := newRig(t, nil)
	const result = "/v1/admin/sessions/s-1/result"
	for _, c := range []struct {
		name, method, target, token, body, code string
		status                                  int
	}{
		{"a player voids", "POST", result + "/void", "ada", `{"reason":"x"}`, "auth.wrong_scope", 403},
		{"a guest restores", "POST", result + "/restore", "guest", `{"reason":"x"}`, "auth.wrong_scope", 403},
		{"a game server voids", "POST", result + "/void", "msk_good", `{"reason":"x"}`, "auth.wrong_scope", 403},
		{"a game server reads", "GET", result, "msk_good", "", "auth.wrong_scope", 403},
		{"nobody voids", "POST", result + "/void", "", `{"reason":"x"}`, "auth.missing", 401},
		{"a player reports", "POST", "/v1/server/sessions/s-1/result", "ada", `{"teams":[]}`, "auth.wrong_scope", 403},
		{"an operator reports", "POST", "/v1/server/sessions/s-1/result", "mak_good", `{"teams":[]}`, "auth.wrong_scope", 403},
		{"an operator gives no reason", "POST", result + "/void", "mak_good", `{"reason":""}`, "request.invalid", 400},
		{"an operator and an unknown result", "POST", "/v1/admin/sessions/s-2/result/restore", "mak_good", `{"reason":"x"}`, "result.unknown", 404},
		{"an operator voids", "POST", result + "/void", "mak_good", `{"reason":"cheats","operator":"kim"}`, "", 200},
		{"an operator restores", "POST", result + "/restore", "mak_good", `{"reason":"appeal"}`, "", 200},
		{"an operator reads", "GET", result, "mak_good", "", "", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t, r.referee.decided = t, ""
			a := r.do(c.method, c.target, c.token, c.body)
			if a.status != c.status || a.code() != c.code {
				t.Errorf("%d %s, want %d %s: %s", a.status, a.code(), c.status, c.code, a.body)
			}
			if (c.status == 403 || c.status == 401) && r.referee.decided != "" {
				t.Errorf("it was decided all the same: %s", r.referee.decided)
			}
		})
	}
	r.do("POST", result+"/void", "mak_good", `{"reason":"cheats","operator":"kim"}`)
	if want := (muster.ResultVerdict{Reason: "cheats", Operator: "kim"}); r.referee.decided != "void s-1" || r.referee.why != want {
		t.Errorf("it was decided to %s because of %+v", r.referee.decided, r.referee.why)
	}
}

func TestWithoutAdminKeysNobodyJudgesResults(t *testing.T) {
	r := newRig(t, withoutOperators)
	if a := r.do("POST", "/v1/admin/sessions/s-1/result/void", "mak_good", `{"reason":"x"}`); a.status != 404 {
		t.Errorf("%d", a.status)
	}
}

func TestHistoriesOfOthersAreWhatTheRulesShow(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range []struct {
		name, target, token, code string
		status                    int
	}{
		{"a public history", "/v1/players/p-bob/matches", "guest", "", 200},
		{"a private history", "/v1/players/p-ada/matches", "guest", "history.private", 404},
		{"a game server has no business there", "/v1/players/p-bob/matches", "msk_good", "auth.wrong_scope", 403},
		{"nor has nobody", "/v1/players/p-bob/matches", "", "auth.missing", 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t = t
			if a := r.do("GET", c.target, c.token, ""); a.status != c.status || a.code() != c.code {
				t.Errorf("%d %s, want %d %s", a.status, a.code(), c.status, c.code)
			}
		})
	}
	if a := r.do("GET", "/v1/players/me/matches?mode=duel&before=c", "ada", ""); a.status != 200 || r.history.asked != "p-ada duel c" || !strings.Contains(a.body, `"matches":[]`) {
		t.Errorf("%d %s after asking for %q", a.status, a.body, r.history.asked)
	}
}

func TestAReportOfManyPlayersFits(t *testing.T) {
	r := newRig(t, nil)
	player := `{"playerId":"0199c0de-0000-7000-8000-000000000001","rank":1,"stats":{` + strings.TrimSuffix(strings.Repeat(`"a-stat-of-some-length-indeed-0":12345,`, 16), ",") + `}},`
	body := `{"players":[` + strings.TrimSuffix(strings.Repeat(player, 200), ",") + `]}`
	if a := r.do("POST", "/v1/server/sessions/s/result", "msk_good", body); a.status != 200 || len(r.play.lastReport.Players) != 200 {
		t.Errorf("%d for %d bytes: %.200s", a.status, len(body), a.body)
	}
}
