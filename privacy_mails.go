package muster

import (
	"context"
	"time"
)

// mailAddresses are the owners of what waits for the addresses of an account.
func (b *Backend) mailAddresses(a *account) []MailOwner {
	email := a.identity(EmailProvider)
	if b.takeBackMails == nil || email == nil {
		return nil
	}
	return []MailOwner{MailOfAddress(email.Subject)}
}

// takeMailsBack takes back what waits for a deleted player, at every look, and what waited
// for the player's addresses when they were deleted.
func (b *Backend) takeMailsBack(ctx context.Context, job *purge) error {
	if b.takeBackMails == nil {
		return nil
	}
	if err := b.takeBackMails(ctx, MailOfPlayer(job.Player), time.Time{}); err != nil {
		return err
	}
	for _, address := range job.Addresses {
		if err := b.takeBackMails(ctx, address, job.At); err != nil {
			return err
		}
	}
	job.Addresses = nil
	return nil
}
