package main

import (
	"context"

	"muster"
)

// verification turns a token, or a ticket for the socket, into its caller.
type verification func(ctx context.Context, token string) (muster.Caller, error)

// denyDeleted is a verification that refuses players whose accounts were deleted while
// their tokens still live. It asks nobody: the rules know whom.
func denyDeleted(rules *muster.Backend, verify verification) verification {
	return func(ctx context.Context, token string) (muster.Caller, error) {
		caller, err := verify(ctx, token)
		if err == nil && caller.Player != "" && rules.Deleted(caller.Player) {
			return muster.Caller{}, muster.Errorf(muster.Unauthenticated, "account.deleted", "this account is deleted")
		}
		return caller, err
	}
}
