package httpapi

import (
	"context"
	"net/http"
	"time"

	"muster"
)

// Boards shows leaderboards; *muster.Backend has it.
type Boards interface {
	Leaderboard(ctx context.Context, q muster.LeaderboardQuery) (muster.LeaderboardView, error)
	// LeaderboardPosition is where a player stands, with up to around others on each side.
	LeaderboardPosition(ctx context.Context, me muster.PlayerID, mode muster.ModeName, season muster.SeasonName, around int) (muster.LeaderboardPosition, error)
}

type boardQuery struct {
	Mode   muster.ModeName   `path:"mode" minLength:"1" maxLength:"128" doc:"Name of a mode" example:"duel"`
	Season muster.SeasonName `query:"season" maxLength:"32" doc:"Name of a season; absent: the one that it is now"`
	Limit  int               `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"How many at most"`
	After  string            `query:"after" maxLength:"256" doc:"The cursor next of the page before; absent: from the best"`
}

type boardMeQuery struct {
	Mode   muster.ModeName   `path:"mode" minLength:"1" maxLength:"128" doc:"Name of a mode" example:"duel"`
	Season muster.SeasonName `query:"season" maxLength:"32" doc:"Name of a season; absent: the one that it is now"`
	Around int               `query:"around" minimum:"0" maximum:"25" default:"5" doc:"How many players to show on each side"`
}

type boardBody struct{ Body muster.LeaderboardView }

type boardMeBody struct{ Body muster.LeaderboardPosition }

func (s *server) boardRoutes() {
	if s.Boards == nil {
		return
	}
	handle(s, operation{
		method: http.MethodGet, path: "/v1/leaderboards/{mode}", id: "leaderboard", tag: "leaderboards",
		summary: "Read the leaderboard of a mode, best first",
		description: "Players of equal skill share a rank. Entries are up to five seconds old, names up to a minute. Of a large board approximate is true: " +
			"total, and ranks beyond the best, are those of the last count, at asOf; a rank that was not counted yet is left out. 404 mode.unknown or season.unknown.",
		need: needPlayer, refusals: []int{http.StatusNotFound}, example: exampleBoard(),
	}, func(ctx context.Context, in *boardQuery) (*boardBody, error) {
		v, err := s.Boards.Leaderboard(ctx, muster.LeaderboardQuery{Mode: in.Mode, Season: in.Season, Limit: in.Limit, After: in.After})
		v.Entries = notNil(v.Entries)
		return &boardBody{v}, err
	})
	handle(s, operation{
		method: http.MethodGet, path: "/v1/leaderboards/{mode}/me", id: "leaderboardMe", tag: "leaderboards",
		summary: "Read my rank, and who stands around me",
		description: "The entries are those before me, mine, and those after me. Listed is false, and there are no entries, before my first rated match of the season " +
			"and during placement games.",
		need: needPlayer, refusals: []int{http.StatusNotFound}, example: exampleBoardPosition(),
	}, func(ctx context.Context, in *boardMeQuery) (*boardMeBody, error) {
		v, err := s.Boards.LeaderboardPosition(ctx, me(ctx), in.Mode, in.Season, in.Around)
		v.Entries = notNil(v.Entries)
		return &boardMeBody{v}, err
	})
}

func exampleBoard() muster.LeaderboardView {
	return muster.LeaderboardView{
		Mode: exampleMode, Season: "spring", Total: 2, AsOf: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Entries: []muster.LeaderboardEntry{
			{Rank: 1, PlayerID: "0199c0de-0000-7000-8000-000000000002", DisplayName: "Bob", Skill: 1658},
			{Rank: 2, PlayerID: examplePlayer, DisplayName: "Ada", Skill: 1342},
		},
	}
}

func exampleBoardPosition() muster.LeaderboardPosition {
	return muster.LeaderboardPosition{LeaderboardView: exampleBoard(), Listed: true, Rank: 2, Skill: 1342}
}
