package httpapi

import (
	"context"
	"net/http"

	"muster"
)

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
}

func (s *server) setAttributes(ctx context.Context, in *attributesInput) (*struct{}, error) {
	return nil, s.Play.SetAttributes(ctx, in.ID, in.Body)
}
