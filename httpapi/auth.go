package httpapi

import (
	"context"
	"net/http"
	"time"

	"muster"
)

type guestCredential struct {
	ID     string `json:"id" minLength:"1" maxLength:"128" doc:"As a grant said it" example:"0199c0de-0000-7000-8000-00000000a001"`
	Secret string `json:"secret" minLength:"1" maxLength:"256" doc:"As the first grant said it" example:"4Yk1mXn0Zb5dW3tqvR7sJ2cL9fHgPaEuTz8oKiMw6xQ"`
}

type guestRequest struct {
	Guest *guestCredential `json:"guest,omitempty" doc:"Absent: make a new guest"`
}

type refreshRequest struct {
	RefreshToken string `json:"refreshToken" minLength:"1" maxLength:"1024" doc:"As the latest grant said it" example:"mrt_0199c0de-0000-7000-8000-000000000001.0199c0de-0000-7000-8000-00000000b001.Zb5dW3tqvR7sJ2cL9fHgPaEu4Yk1mXn0Rw6xTz8oKiM.q8VdNc2sUj5yBhGe7LpT0A"`
}

type grantAnswer struct {
	Status int
	Body   muster.Grant
}

type socketTicket struct {
	Ticket           string `json:"ticket" doc:"For the query of GET /v1/realtime; works once" example:"7sJ2cL9fHgPaEu4Yk1mXn0Zb5dW3tqvRw6xTz8oKiMQ"`
	ExpiresInSeconds int    `json:"expiresInSeconds" example:"30"`
}

func (s *server) authRoutes() {
	handle(s, operation{
		method: http.MethodPost, path: "/v1/auth/guest", id: "signInGuest", tag: "auth",
		summary:     "Sign a guest in",
		description: "With an empty object a new guest is made: keep its id and secret, the secret is shown this once. With a guest's id and secret that guest is signed in. Members that this call has not are refused: a misspelt guest must not become a new one. 429 signin.too_soon: everyone was signed out within this second; keep the secret and come again.",
		status:      http.StatusCreated, alsoStatus: map[int]string{http.StatusOK: "The guest was known"},
		refusals: []int{http.StatusUnauthorized, http.StatusForbidden}, bodyLimit: s.BodyLimit, strict: true,
		requestExample: map[string]any{}, example: exampleGrant(true),
	}, s.signInGuest)
	handle(s, operation{
		method: http.MethodPost, path: "/v1/auth/refresh", id: "refresh", tag: "auth",
		summary:     "Get a new access token",
		description: "Rotates the refresh token: keep the one of the answer. Using a rotated token again ends the whole sign-in.",
		refusals:    []int{http.StatusUnauthorized, http.StatusForbidden}, bodyLimit: s.BodyLimit,
		example: exampleGrant(false),
	}, s.refresh)
	handle(s, operation{
		method: http.MethodPost, path: "/v1/auth/logout", id: "logout", tag: "auth",
		summary:     "End a sign-in",
		description: "The refresh token and all that came before it stop working, and so do the access tokens of this sign-in; its sockets close with 4011. One that has ended already is no error; 401 refresh.invalid: this is no refresh token of ours.",
		status:      http.StatusNoContent, refusals: []int{http.StatusUnauthorized}, bodyLimit: s.BodyLimit,
	}, s.logout)
	handle(s, operation{
		method: http.MethodPost, path: "/v1/auth/socket-ticket", id: "socketTicket", tag: "auth",
		summary:     "Get a ticket for the realtime socket",
		description: "A browser cannot send headers with a socket, and an access token does not belong in a URL: this ticket may stand there, since it works once and only for seconds.",
		need:        needPlayer, status: http.StatusCreated,
		example: socketTicket{Ticket: "7sJ2cL9fHgPaEu4Yk1mXn0Zb5dW3tqvRw6xTz8oKiMQ", ExpiresInSeconds: 30},
	}, s.socketTicket)
}

type guestInput struct {
	Body *guestRequest
}

func (s *server) signInGuest(ctx context.Context, in *guestInput) (*grantAnswer, error) {
	var guest *muster.Guest
	if in.Body != nil && in.Body.Guest != nil {
		guest = &muster.Guest{ID: in.Body.Guest.ID, Secret: in.Body.Guest.Secret}
	}
	grant, err := s.Auth.Guest(ctx, guest)
	if err != nil {
		return nil, err
	}
	status := http.StatusOK
	if grant.Created {
		status = http.StatusCreated
	}
	return &grantAnswer{Status: status, Body: grant}, nil
}

func (s *server) refresh(ctx context.Context, in *struct{ Body refreshRequest }) (*struct{ Body muster.Grant }, error) {
	grant, err := s.Auth.Refresh(ctx, in.Body.RefreshToken)
	return &struct{ Body muster.Grant }{grant}, err
}

func (s *server) logout(ctx context.Context, in *struct{ Body refreshRequest }) (*struct{}, error) {
	return &struct{}{}, s.Auth.Logout(ctx, in.Body.RefreshToken)
}

func (s *server) socketTicket(ctx context.Context, _ *struct{}) (*struct{ Body socketTicket }, error) {
	caller, _ := muster.CallerFrom(ctx) // the route needs a player
	ticket, ttl, err := s.Auth.SocketTicket(ctx, caller)
	return &struct{ Body socketTicket }{socketTicket{Ticket: ticket, ExpiresInSeconds: int(ttl / time.Second)}}, err
}

func exampleGrant(isNew bool) muster.Grant {
	g := muster.Grant{
		Player:           muster.GrantPlayer{ID: examplePlayer},
		AccessToken:      "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIwMTk5In0.c2lnbmF0dXJl",
		ExpiresInSeconds: 900,
		RefreshToken:     "mrt_0199c0de-0000-7000-8000-000000000001.0199c0de-0000-7000-8000-00000000b001.Zb5dW3tqvR7sJ2cL9fHgPaEu4Yk1mXn0Rw6xTz8oKiM.q8VdNc2sUj5yBhGe7LpT0A",
	}
	if isNew {
		g.Guest = &muster.Guest{ID: "0199c0de-0000-7000-8000-00000000a001", Secret: "4Yk1mXn0Zb5dW3tqvR7sJ2cL9fHgPaEuTz8oKiMw6xQ"}
	}
	return g
}
