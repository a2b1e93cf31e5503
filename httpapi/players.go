package httpapi

import (
	"context"
	"net/http"

	"muster"
)

type ratingList struct {
	Ratings []muster.RatingView `json:"ratings"`
}

func (s *server) playerRoutes() {
	handle(s, operation{
		method: http.MethodGet, path: "/v1/players/me/ratings", id: "ratings", tag: "players",
		summary:     "Read my ratings",
		description: "One per mode, of the season that it is now; in a mode that I have not played, the rating that everybody begins with. Skill is the number that matchmaking uses. While there is a placement the rating is hidden: skill, mu, sigma and volatility are absent.",
		need:        needPlayer,
		example:     ratingList{[]muster.RatingView{{Mode: exampleMode, Skill: 1500, Mu: 25, Sigma: 8.33}}},
	}, s.ratings)
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
