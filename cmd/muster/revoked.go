package main

import (
	"context"

	"muster"
)

// verification turns a token, or a ticket for the socket, into its caller.
type verification func(ctx context.Context, token string) (muster.Caller, error)

// unlessRevoked is a verification that refuses tokens which are void before their time: of
// players who are deleted or banned, and of sign-ins that have ended. It asks nobody: the
// rules know for longer than tokens of our own live, and identity.Bearers asks them about
// players of others more often than that.
func unlessRevoked(rules *muster.Backend, verify verification) verification {
	return func(ctx context.Context, token string) (muster.Caller, error) {
		caller, err := verify(ctx, token)
		if err != nil || caller.Player == "" {
			return caller, err
		}
		if err := rules.Revoked(caller); err != nil {
			return muster.Caller{}, err
		}
		return caller, nil
	}
}
