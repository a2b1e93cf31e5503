package httpapi

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"muster"
)

// fakeBoards remembers the last question and has two seasons of one mode.
type fakeBoards struct{ last string }

func (f *fakeBoards) known(mode muster.ModeName, season muster.SeasonName) error {
	switch {
	case mode != "duel":
		return muster.Errorf(muster.NotFound, "mode.unknown", "there is no mode %q", mode)
	case season != "" && season != "spring":
		return muster.Errorf(muster.NotFound, "season.unknown", "there is no season %q", season)
	}
	return nil
}

func (f *fakeBoards) Leaderboard(_ context.Context, q muster.LeaderboardQuery) (muster.LeaderboardView, error) {
	f.last = fmt.Sprintf("%s %q %d %q", q.Mode, q.Season, q.Limit, q.After)
	return muster.LeaderboardView{Mode: q.Mode, Total: 7, Next: "1500-p-ada"}, f.known(q.Mode, q.Season)
}

func (f *fakeBoards) LeaderboardPosition(_ context.Context, me muster.PlayerID, mode muster.ModeName, season muster.SeasonName, around int) (muster.LeaderboardPosition, error) {
	f.last = fmt.Sprintf("%s %s %q %d", me, mode, season, around)
	return muster.LeaderboardPosition{Listed: true, Rank: 3}, f.known(mode, season)
}

func TestLeaderboards(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range []struct {
		name, target, token string
		status              int
		want, asked         string
	}{
		{"a page with its defaults", "/v1/leaderboards/duel", "ada", 200, `"entries":[]`, `duel "" 20 ""`},
		{"a guest may read it, too", "/v1/leaderboards/duel?season=spring&limit=100&after=1500-p-ada", "guest", 200, `"next":"1500-p-ada"`, `duel "spring" 100 "1500-p-ada"`},
		{"an unknown mode", "/v1/leaderboards/chess", "ada", 404, "mode.unknown", `chess "" 20 ""`},
		{"an unknown season", "/v1/leaderboards/duel?season=never", "ada", 404, "season.unknown", `duel "never" 20 ""`},
		{"too many", "/v1/leaderboards/duel?limit=101", "ada", 400, "request.", ""},
		{"none", "/v1/leaderboards/duel?limit=0", "ada", 400, "request.", ""},
		{"my rank", "/v1/leaderboards/duel/me", "ada", 200, `"rank":3`, `p-ada duel "" 5`},
		{"a guest's rank", "/v1/leaderboards/duel/me?around=0&season=spring", "guest", 200, `"listed":true`, `p-guest duel "spring" 0`},
		{"too many around me", "/v1/leaderboards/duel/me?around=26", "ada", 400, "request.", ""},
		{"my rank in an unknown mode", "/v1/leaderboards/chess/me", "ada", 404, "mode.unknown", `p-ada chess "" 5`},
		{"nobody", "/v1/leaderboards/duel", "", 401, "auth.", ""},
		{"nobody's rank", "/v1/leaderboards/duel/me", "", 401, "auth.", ""},
		{"a game server", "/v1/leaderboards/duel/me", "msk_good", 403, "auth.wrong_scope", ""},
		{"a game server and a page", "/v1/leaderboards/duel", "msk_good", 403, "auth.wrong_scope", ""},
		{"an operator", "/v1/leaderboards/duel", "mak_good", 403, "auth.wrong_scope", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t, r.boards.last = t, ""
			a := r.do("GET", c.target, c.token, "")
			if a.status != c.status || !strings.Contains(a.body, c.want) {
				t.Errorf("%d %s, want %d with %s", a.status, a.body, c.status, c.want)
			}
			if r.boards.last != c.asked {
				t.Errorf("asked %s, want %s", r.boards.last, c.asked)
			}
		})
	}
}

func TestWithoutBoardsNoneAreServed(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Boards = nil })
	if a := r.do("GET", "/v1/leaderboards/duel", "ada", ""); a.status != 404 || a.code() != "route.not_found" {
		t.Errorf("%d %s", a.status, a.code())
	}
}
