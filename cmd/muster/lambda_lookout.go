package main

import (
	"context"
	"time"

	"muster"
	"muster/identity"
)

// doors is who knows players, and says who may sign in and stay signed in.
type doors interface {
	identity.Accounts
	identity.Guard
}

// lookedDoors are those of a function, which has nobody who learns for it: it looks what was
// revoked elsewhere before it lets anybody sign in or renew a sign-in.
type lookedDoors struct {
	*muster.Backend
	lookout *lookout
}

// Admit implements identity.Guard.
func (d lookedDoors) Admit(ctx context.Context, p muster.PlayerID, in muster.SignInRef) error {
	if err := d.lookout.learn(ctx); err != nil {
		return err
	}
	return d.Backend.Admit(ctx, p, in)
}

// MayOpen implements identity.Guard.
func (d lookedDoors) MayOpen(ctx context.Context, proven time.Time) error {
	if err := d.lookout.learn(ctx); err != nil {
		return err
	}
	return d.Backend.MayOpen(ctx, proven)
}

// ScopeOf implements identity.Accounts.
func (d lookedDoors) ScopeOf(ctx context.Context, p muster.PlayerID, in muster.SignInRef) (muster.Scope, error) {
	if err := d.lookout.learn(ctx); err != nil {
		return "", err
	}
	return d.Backend.ScopeOf(ctx, p, in)
}
