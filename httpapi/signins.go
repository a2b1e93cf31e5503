package httpapi

import (
	"context"
	"net/http"
	"time"

	"muster"
)

// SignIns are a player's devices; *muster.Backend has them.
type SignIns interface {
	SignIns(ctx context.Context, me muster.PlayerID) ([]muster.SignInView, error)
	EndSignIn(ctx context.Context, me muster.PlayerID, id string, why muster.EndReason) error
	SignOutEverywhere(ctx context.Context, me muster.PlayerID) error
}

type signInList struct {
	SignIns []muster.SignInView `json:"signIns" doc:"The oldest first"`
}

type signInPath struct {
	ID    string `path:"id" minLength:"1" maxLength:"128" doc:"Id of a sign-in" example:"0199c0de-0000-7000-8000-00000000b001"`
	Shown string `header:"Muster-Proof" maxLength:"1024" doc:"A guest's id and secret joined by a dot" example:"0199c0de-0000-7000-8000-00000000a001.4Yk1mXn0Zb5dW3tqvR7sJ2cL9fHgPaEuTz8oKiMw6xQ"`
}

// signInRoutes show players where they are signed in, and end that.
func (s *server) signInRoutes() {
	if s.SignIns == nil {
		return
	}
	const atOnce = "At once: its refresh token is not good any more, its access tokens are refused (401 token.revoked), its sockets close with 4011."
	handle(s, operation{
		method: http.MethodGet, path: "/v1/players/me/sign-ins", id: "mySignIns", tag: "players",
		summary:     "Where I am signed in",
		description: "One for each device that can renew its access. The one that asks is marked as current. renewedAt is the last renewal, which a client in use makes every 15 minutes; absent: none since openedAt.",
		need:        needPlayer, example: signInList{[]muster.SignInView{exampleSignIn()}},
	}, func(ctx context.Context, _ *struct{}) (*struct{ Body signInList }, error) {
		all, err := s.SignIns.SignIns(ctx, me(ctx))
		return &struct{ Body signInList }{signInList{all}}, err
	})
	handle(s, operation{
		method: http.MethodDelete, path: "/v1/players/me/sign-ins/{id}", id: "endSignIn", tag: "players",
		summary:     "Sign a device of mine out",
		description: atOnce + " For another one than that which asks: " + freshHelp,
		need:        needPlayer, status: http.StatusNoContent, refusals: []int{http.StatusNotFound},
	}, s.endSignIn)
	handle(s, operation{
		method: http.MethodPost, path: "/v1/auth/logout-everywhere", id: "logoutEverywhere", tag: "auth",
		summary:     "End all my sign-ins",
		description: "This one too. " + atOnce + " " + freshHelp,
		need:        needPlayer, status: http.StatusNoContent, refusals: []int{http.StatusNotFound},
	}, s.signOutEverywhere)
}

func exampleSignIn() muster.SignInView {
	at := exampleTime()
	return muster.SignInView{
		ID: "0199c0de-0000-7000-8000-00000000b001", Current: true, OpenedAt: &at, RenewedAt: &at, ExpiresAt: at.Add(30 * 24 * time.Hour), Device: "Game/1.2", DeviceID: "b7c1",
	}
}
