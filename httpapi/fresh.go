package httpapi

import (
	"context"

	"muster"
)

// shownInput is what a caller may show besides the access token, and nothing else.
type shownInput struct {
	Shown string `header:"Muster-Proof" maxLength:"1024" doc:"A guest's id and secret joined by a dot" example:"0199c0de-0000-7000-8000-00000000a001.4Yk1mXn0Zb5dW3tqvR7sJ2cL9fHgPaEuTz8oKiMw6xQ"`
}

// freshFor refuses what a copied access token must not do alone, if the service is set up so. A
// call that is signed shows no token that could be copied.
func (s *server) freshFor(ctx context.Context, shown string) error {
	if s.Fresh == nil || isSigned(ctx) {
		return nil
	}
	return s.Fresh(ctx, callerOf(ctx), shown)
}

// endSignIn ends a sign-in of the caller. Their own is a logout, for which nothing is shown.
func (s *server) endSignIn(ctx context.Context, in *signInPath) (*struct{}, error) {
	if caller := callerOf(ctx); caller.Family != in.ID {
		if err := s.freshFor(ctx, in.Shown); err != nil {
			return nil, err
		}
	}
	return nil, s.SignIns.EndSignIn(ctx, me(ctx), in.ID, muster.ByPlayer)
}

func (s *server) signOutEverywhere(ctx context.Context, in *shownInput) (*struct{}, error) {
	if err := s.freshFor(ctx, in.Shown); err != nil {
		return nil, err
	}
	return nil, s.SignIns.SignOutEverywhere(ctx, me(ctx))
}
