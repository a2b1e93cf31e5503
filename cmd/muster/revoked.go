package main

import (
	"context"

	"muster"
)

// verification turns a token, or a ticket for the socket, into its caller.
type verification func(ctx context.Context, token string) (muster.Caller, error)

// unlessRevoked is a verification that refuses tokens which are void before their time: of
// players who are deleted or banned, and of sign-ins that have ended. For tokens of our own
// it asks nobody, the rules know. Those of others say nothing of a sign-in and may live
// long: their players' accounts are read.
func unlessRevoked(rules *muster.Backend, verify verification) verification {
	return func(ctx context.Context, token string) (muster.Caller, error) {
		caller, err := verify(ctx, token)
		if err != nil || caller.Player == "" {
			return caller, err
		}
		if err := rules.Revoked(caller); err != nil {
			return muster.Caller{}, err
		}
		if caller.Family == "" {
			if err := rules.Admit(ctx, caller.Player); err != nil {
				return muster.Caller{}, err
			}
		}
		return caller, nil
	}
}
