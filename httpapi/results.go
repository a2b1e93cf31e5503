package httpapi

import (
	"cmp"
	"context"
	"net/http"

	"muster"
)

// Referee judges results for operators; *muster.Backend has it.
type Referee interface {
	Result(ctx context.Context, id muster.SessionID) (muster.AdminResultView, error)
	VoidResult(ctx context.Context, id muster.SessionID, why muster.ResultVerdict) (muster.AdminResultView, error)
	RestoreResult(ctx context.Context, id muster.SessionID, why muster.ResultVerdict) (muster.AdminResultView, error)
}

// History shows matches one mode at a time, and to others; *muster.Backend has it.
type History interface {
	ModeMatches(ctx context.Context, me muster.PlayerID, mode muster.ModeName, limit int, before string) (muster.MatchHistoryPage, error)
	PublicMatches(ctx context.Context, id muster.PlayerID, limit int, before string) (muster.MatchHistoryPage, error)
}

// resultBodyLimit is room for 200 players with 16 stats each, in bytes.
const resultBodyLimit = 256 << 10

// Embedded structs would be shorter, and huma does not look into unexported ones.

type sessionPath struct {
	ID muster.SessionID `path:"id" minLength:"1" maxLength:"1024" doc:"The GameSessionId, an ARN, percent-encoded as one path segment"`
}

type resultInput struct {
	ID   muster.SessionID `path:"id" minLength:"1" maxLength:"1024" doc:"The GameSessionId, an ARN, percent-encoded as one path segment"`
	Body muster.ResultReport
}

type verdictInput struct {
	ID   muster.SessionID `path:"id" minLength:"1" maxLength:"1024" doc:"The GameSessionId, an ARN, percent-encoded as one path segment"`
	Body verdict
}

type verdict struct {
	Reason   string `json:"reason" minLength:"1" maxLength:"500" doc:"Why; kept with the result" example:"the server was tampered with"`
	Operator string `json:"operator,omitempty" maxLength:"100" doc:"Who says so; kept with the result" example:"kim"`
}

type resultBody struct{ Body muster.ResultView }

type adminResultBody struct{ Body muster.AdminResultView }

type historyBody struct{ Body muster.MatchHistoryPage }

type ownHistoryQuery struct {
	Limit  int             `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"How many at most"`
	Before string          `query:"before" maxLength:"1024" doc:"The cursor next of the page before; absent: from the newest"`
	After  string          `query:"after" maxLength:"1024" doc:"The same as before, under the name that it has in other lists"`
	Mode   muster.ModeName `query:"mode" maxLength:"128" doc:"Only matches of this mode; absent: of all"`
}

type otherHistoryQuery struct {
	ID     muster.PlayerID `path:"id" minLength:"1" maxLength:"128" doc:"Id of a player" example:"0199c0de-0000-7000-8000-000000000002"`
	Limit  int             `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"How many at most"`
	Before string          `query:"before" maxLength:"1024" doc:"The cursor next of the page before; absent: from the newest"`
	After  string          `query:"after" maxLength:"1024" doc:"The same as before, under the name that it has in other lists"`
}

func (s *server) resultRoutes() {
	handle(s, operation{
		method: http.MethodPost, path: "/v1/server/sessions/{id}/result", id: "reportResult", tag: "server",
		summary: "Report how a session ended",
		description: "For game servers, once per session; repeating the same report is harmless. Send the teams with their players, or in a free for all the players with their ranks. " +
			"Rank 1 is best, equal ranks are a draw. 409 result.differs when another result is known already.",
		need: needServer, refusals: []int{http.StatusNotFound, http.StatusConflict}, bodyLimit: max(s.BodyLimit, resultBodyLimit), strict: true,
		requestExample: muster.ResultReport{Teams: exampleTeams()}, example: exampleResult(),
	}, func(ctx context.Context, in *resultInput) (*resultBody, error) {
		view, err := s.Play.ReportResult(ctx, in.ID, in.Body)
		view.Players = notNil(view.Players)
		return &resultBody{view}, err
	})
	s.historyRoutes()
	s.refereeRoutes()
}

func (s *server) historyRoutes() {
	own := operation{
		method: http.MethodGet, path: "/v1/players/me/matches", id: "matches", tag: "players",
		summary:     "Read my match history, newest first",
		description: "With a mode, a page can have fewer matches than asked for, or none, while next says that older ones may follow.",
		need:        needPlayer, refusals: []int{http.StatusNotFound}, example: exampleHistory(),
	}
	handle(s, own, func(ctx context.Context, in *ownHistoryQuery) (*historyBody, error) {
		if in.Mode != "" && s.History != nil {
			return pageOf(s.History.ModeMatches(ctx, me(ctx), in.Mode, in.Limit, cmp.Or(in.Before, in.After)))
		}
		return pageOf(s.Play.Matches(ctx, me(ctx), in.Limit, cmp.Or(in.Before, in.After)))
	})
	if s.History == nil {
		return
	}
	handle(s, operation{
		method: http.MethodGet, path: "/v1/players/{id}/matches", id: "playerMatches", tag: "players",
		summary:     "Read another player's match history, newest first",
		description: "Only matches of the modes that make them public; 404 history.private where none does. Pages can be shorter than asked for, as with a mode in one's own history.",
		need:        needPlayer, refusals: []int{http.StatusNotFound}, example: exampleHistory(),
	}, func(ctx context.Context, in *otherHistoryQuery) (*historyBody, error) {
		return pageOf(s.History.PublicMatches(ctx, in.ID, in.Limit, cmp.Or(in.Before, in.After)))
	})
}

func pageOf(page muster.MatchHistoryPage, err error) (*historyBody, error) {
	page.Matches = notNil(page.Matches)
	return &historyBody{page}, err
}

func (s *server) refereeRoutes() {
	if s.Referee == nil {
		return
	}
	handle(s, operation{
		method: http.MethodGet, path: "/v1/admin/sessions/{id}/result", id: "adminResult", tag: "operate",
		summary:     "Read a session's result",
		description: "With what was decided about it, and how far the mode's ratings follow that.",
		need:        needAdmin, refusals: []int{http.StatusNotFound}, example: exampleAdminResult(),
	}, func(ctx context.Context, in *sessionPath) (*adminResultBody, error) {
		v, err := s.Referee.Result(ctx, in.ID)
		return &adminResultBody{v}, err
	})
	for _, judge := range []struct {
		name, id, summary, description string
		do                             func(context.Context, muster.SessionID, muster.ResultVerdict) (muster.AdminResultView, error)
	}{
		{"void", "voidResult", "Let a result count for nobody", "The players' histories show it at once. Ratings of the mode are counted again in the background, from this result on; recounted says when they are.", s.Referee.VoidResult},
		{"restore", "restoreResult", "Let a voided result count again", "The opposite of void, in all.", s.Referee.RestoreResult},
	} {
		handle(s, operation{
			method: http.MethodPost, path: "/v1/admin/sessions/{id}/result/" + judge.name, id: judge.id, tag: "operate",
			summary: judge.summary, description: judge.description,
			need: needAdmin, refusals: []int{http.StatusNotFound, http.StatusConflict}, bodyLimit: s.BodyLimit, strict: true, example: exampleAdminResult(),
		}, func(ctx context.Context, in *verdictInput) (*adminResultBody, error) {
			v, err := judge.do(ctx, in.ID, muster.ResultVerdict(in.Body))
			return &adminResultBody{v}, err
		})
	}
}

func exampleAdminResult() muster.AdminResultView {
	return muster.AdminResultView{
		SessionID: exampleSession, Mode: exampleMode, Season: "2026-spring", RecordedAt: exampleTime(), Voided: true,
		Teams: exampleTeams(), Players: exampleResult().Players,
		Verdicts: []muster.VerdictView{{At: exampleTime(), Void: true, Reason: "the server was tampered with", Operator: "kim"}},
		Recount:  &muster.RecountView{Pending: true, Since: exampleTime(), AskedAt: exampleTime(), Results: 1200, Corrected: 0},
	}
}
