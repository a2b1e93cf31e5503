package muster

import "context"

// LeavePartyFor is what the deletion of a player calls.
func (b *Backend) LeavePartyFor(ctx context.Context, p PlayerID) error {
	return b.leavePartyFor(ctx, p)
}
