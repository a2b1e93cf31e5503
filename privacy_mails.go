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

// mailsDue says that mails are taken back in this pass: in the first, and when it is looked
// again for the first time. No call is under way then that knew the player, and to look for the
// mails of one player reads all that wait.
func (j *purge) mailsDue() bool {
	if !j.Purged {
		return !j.Mails
	}
	return j.Look == 0
}

// takeMailsBack takes back what waits for a deleted player, and what waited for the player's
// addresses when they were deleted.
func (b *Backend) takeMailsBack(ctx context.Context, job *purge) error {
	if b.takeBackMails == nil || !job.mailsDue() {
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
	job.Mails, job.Addresses = true, nil
	return nil
}
