package identity

import (
	"context"
	"time"

	"muster"
)

// Guard says who may be here; *muster.Backend is one.
type Guard interface {
	// Admit says whether a player may go on with a sign-in, or renew it: an error is the answer.
	Admit(ctx context.Context, player muster.PlayerID, in muster.SignInRef) error
	// MayOpen says whether a sign-in may be opened whose player is proven at an instant: an
	// error is the answer, and the player is to come again.
	MayOpen(ctx context.Context, proven time.Time) error
	// EndSignIn ends a sign-in with all its tokens. One that has ended is NotFound.
	EndSignIn(ctx context.Context, player muster.PlayerID, signIn string, why muster.EndReason) error
	// EndSignIns is what ends sign-ins in the Write of another, and what to call after it. used:
	// access tokens of theirs may be good still, and must not be.
	EndSignIns(player muster.PlayerID, ends []muster.SignInRef, used bool) (ops []muster.Op, done func(ctx context.Context), err error)
}

// noGuard admits everybody, and ends no more than a sign-in's renewal.
type noGuard struct{ store muster.Store }

func (noGuard) Admit(context.Context, muster.PlayerID, muster.SignInRef) error { return nil }

func (noGuard) MayOpen(context.Context, time.Time) error { return nil }

func (g noGuard) EndSignIn(ctx context.Context, player muster.PlayerID, signIn string, _ muster.EndReason) error {
	return g.store.Write(ctx, muster.Op{Kind: muster.Delete, Key: familyKey(player, signIn), Version: muster.AnyVersion})
}

func (noGuard) EndSignIns(player muster.PlayerID, ends []muster.SignInRef, _ bool) ([]muster.Op, func(context.Context), error) {
	ops := make([]muster.Op, 0, len(ends))
	for _, in := range ends {
		ops = append(ops, muster.Op{Kind: muster.Delete, Key: familyKey(player, in.ID), Version: muster.AnyVersion})
	}
	return ops, func(context.Context) {}, nil
}
