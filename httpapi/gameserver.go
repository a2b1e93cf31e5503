package httpapi

import (
	"context"
	"net/http"

	"muster"
)

type resultInput struct {
	ID   muster.SessionID `path:"id" minLength:"1" maxLength:"1024" doc:"The GameSessionId, an ARN, percent-encoded as one path segment"`
	Body muster.ResultReport
}

type attributesInput struct {
	ID   muster.PlayerID `path:"id" minLength:"1" maxLength:"128"`
	Body map[string]any  `doc:"Numbers and strings by name"`
}

func (s *server) gameServerRoutes() {
	handle(s, operation{
		method: http.MethodPut, path: "/v1/server/players/{id}/attributes", id: "setAttributes", tag: "server",
		summary:     "Store data that matchmaking reads",
		description: "For game servers: replaces the numbers and strings that a mode reads where an attribute's source is `player`. Players can neither read nor write them.",
		need:        needServer, status: http.StatusNoContent, refusals: []int{http.StatusNotFound}, bodyLimit: s.BodyLimit,
		requestExample: map[string]any{"level": 12, "guild": "night-watch"},
	}, s.setAttributes)
	handle(s, operation{
		method: http.MethodPost, path: "/v1/server/sessions/{id}/result", id: "reportResult", tag: "server",
		summary:     "Report how a session ended",
		description: "For game servers, once per session; repeating the same report is harmless. Rank 1 is best, equal ranks are a draw. 409 result.differs when another result is known already.",
		need:        needServer, refusals: []int{http.StatusNotFound, http.StatusConflict}, bodyLimit: s.BodyLimit,
		requestExample: muster.ResultReport{Teams: exampleTeams()}, example: exampleResult(),
	}, s.reportResult)
}

func (s *server) reportResult(ctx context.Context, in *resultInput) (*struct{ Body muster.ResultView }, error) {
	view, err := s.Play.ReportResult(ctx, in.ID, in.Body)
	view.Players = notNil(view.Players)
	return &struct{ Body muster.ResultView }{view}, err
}

func (s *server) setAttributes(ctx context.Context, in *attributesInput) (*struct{}, error) {
	return nil, s.Play.SetAttributes(ctx, in.ID, in.Body)
}
