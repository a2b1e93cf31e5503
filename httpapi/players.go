package httpapi

import (
	"context"
	"net/http"
	"time"

	"muster"
)

// myself is a player as it sees itself: unlike the view, it says that nothing is
// going on instead of leaving that out.
type myself struct {
	ID          muster.PlayerID      `json:"id"`
	DisplayName string               `json:"displayName"`
	CreatedAt   *time.Time           `json:"createdAt,omitempty"`
	Activity    *muster.ActivityView `json:"activity" doc:"What the player is doing; null: nothing"`
}

type renameRequest struct {
	DisplayName string `json:"displayName" minLength:"1" maxLength:"200" doc:"The new name; the rules for names are stricter than this schema" example:"Ada"`
}

type ratingList struct {
	Ratings []muster.RatingView `json:"ratings"`
}

type playerPath struct {
	ID muster.PlayerID `path:"id" minLength:"1" maxLength:"128" doc:"Id of a player" example:"0199c0de-0000-7000-8000-000000000001"`
}

type matchesQuery struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"How many at most"`
	Before string `query:"before" maxLength:"512" doc:"The cursor next of the page before; absent: from the newest"`
}

func (s *server) playerRoutes() {
	handle(s, operation{
		method: http.MethodGet, path: "/v1/players/me", id: "me", tag: "players",
		summary:     "Read my account",
		description: "The activity says which ticket or session I am bound to, if any.",
		need:        needPlayer, refusals: []int{http.StatusNotFound}, example: exampleMyself(),
	}, s.me)
	handle(s, operation{
		method: http.MethodPatch, path: "/v1/players/me", id: "rename", tag: "players",
		summary: "Change my display name",
		need:    needPlayer, refusals: []int{http.StatusNotFound, http.StatusConflict}, bodyLimit: s.BodyLimit, example: exampleMyself(),
	}, s.rename)
	handle(s, operation{
		method: http.MethodGet, path: "/v1/players/{id}", id: "player", tag: "players",
		summary: "Read what everybody may know of a player",
		need:    needPlayer, refusals: []int{http.StatusNotFound},
		example: muster.PlayerView{ID: examplePlayer, DisplayName: "Ada"},
	}, s.player)
	handle(s, operation{
		method: http.MethodGet, path: "/v1/players/me/ratings", id: "ratings", tag: "players",
		summary:     "Read my ratings",
		description: "One per mode; in a mode that I have not played, the rating that everybody begins with. Skill is the number that matchmaking uses.",
		need:        needPlayer,
		example:     ratingList{[]muster.RatingView{{Mode: exampleMode, Skill: 1500, Mu: 25, Sigma: 8.33}}},
	}, s.ratings)
	handle(s, operation{
		method: http.MethodGet, path: "/v1/players/me/matches", id: "matches", tag: "players",
		summary: "Read my match history, newest first",
		need:    needPlayer, example: exampleHistory(),
	}, s.matches)
	handle(s, operation{
		method: http.MethodGet, path: "/v1/players/me/session", id: "seat", tag: "players",
		summary:     "Read my seat in the session I am in",
		description: "For a client that comes back after a crash. 404 with code session.none when there is none.",
		need:        needPlayer, refusals: []int{http.StatusNotFound}, example: exampleSeat(),
	}, s.seat)
}

func (s *server) me(ctx context.Context, _ *struct{}) (*struct{ Body myself }, error) {
	view, err := s.Play.Me(ctx, me(ctx))
	return &struct{ Body myself }{myself(view)}, err
}

func (s *server) rename(ctx context.Context, in *struct{ Body renameRequest }) (*struct{ Body myself }, error) {
	view, err := s.Play.Rename(ctx, me(ctx), in.Body.DisplayName)
	return &struct{ Body myself }{myself(view)}, err
}

func (s *server) player(ctx context.Context, in *playerPath) (*struct{ Body muster.PlayerView }, error) {
	view, err := s.Play.Player(ctx, in.ID)
	return &struct{ Body muster.PlayerView }{view}, err
}

func (s *server) ratings(ctx context.Context, _ *struct{}) (*struct{ Body ratingList }, error) {
	ratings, err := s.Play.Ratings(ctx, me(ctx))
	return &struct{ Body ratingList }{ratingList{notNil(ratings)}}, err
}

func (s *server) matches(ctx context.Context, in *matchesQuery) (*struct{ Body muster.MatchHistoryPage }, error) {
	page, err := s.Play.Matches(ctx, me(ctx), in.Limit, in.Before)
	page.Matches = notNil(page.Matches)
	return &struct{ Body muster.MatchHistoryPage }{page}, err
}

func (s *server) seat(ctx context.Context, _ *struct{}) (*struct{ Body muster.SeatView }, error) {
	seat, err := s.Play.Seat(ctx, me(ctx))
	return &struct{ Body muster.SeatView }{seat}, err
}

// notNil makes an empty list encode as [] and not as null.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
