package muster

import (
	"context"
	"io"
)

// What a player may ask of us about their own account, an operator does for who cannot ask
// in the game: by the same rules, and recorded.

// ExportPlayer is Export for an operator, who passes it on to the player.
func (b *Backend) ExportPlayer(ctx context.Context, p PlayerID) (write func(w io.Writer) error, err error) {
	write, err = b.Export(ctx, p)
	if err != nil {
		return nil, b.mergedInstead(ctx, p, err)
	}
	ops, err := AuditOps(ctx, b.instant(), Audit{Player: p, Event: AuditExported})
	if err != nil {
		return nil, err
	}
	return write, b.store.Write(ctx, ops...)
}

// DeletePlayer is DeleteAccount for an operator. What stays of it is that it happened, and
// who did it.
func (b *Backend) DeletePlayer(ctx context.Context, p PlayerID) error {
	return b.mergedInstead(ctx, p, b.DeleteAccount(ctx, p))
}

// SignPlayerOut is SignOutEverywhere for an operator.
func (b *Backend) SignPlayerOut(ctx context.Context, p PlayerID) error {
	return b.mergedInstead(ctx, p, b.SignOutEverywhere(ctx, p))
}
