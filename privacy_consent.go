package muster

import "context"

// consents are the identities of an account whose platforms may want to hear that it is
// deleted.
func (b *Backend) consents(a *account) []Identity {
	if b.takeBack == nil {
		return nil
	}
	var all []Identity
	for _, id := range a.Identities {
		if id.Provider != GuestProvider {
			all = append(all, Identity{Provider: id.Provider, Subject: id.Subject})
		}
	}
	return all
}

// takeBackConsents tells the platforms of a deleted player that they may forget us. Who cannot
// be told now is told when the purge looks again; nothing else waits for that.
func (b *Backend) takeBackConsents(ctx context.Context, job *purge) {
	var left []Identity
	for _, id := range job.Consents {
		if err := b.takeBack(ctx, id); err != nil {
			b.log.WarnContext(ctx, "a platform cannot be told that a player was deleted", "player", job.Player, "provider", id.Provider, "error", err)
			left = append(left, id)
		}
	}
	job.Consents = left
}
