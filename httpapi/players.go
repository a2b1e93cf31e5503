package httpapi

import (
	"context"
	"net/http"

	"muster"
)

type ratingList struct {
	Ratings []muster.RatingView `json:"ratings"`
}

type matchesQuery struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"How many at most"`
	Before string `query:"before" maxLength:"512" doc:"The cursor next of the page before; absent: from the newest"`
}

func (s *server) playerRoutes() {
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
