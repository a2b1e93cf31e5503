package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"muster"
)

// mailOwner is whose the letters to an address are: of its player, or of the address while it
// has none.
func mailOwner(player muster.PlayerID, address string) muster.MailOwner {
	if player != "" {
		return muster.MailOfPlayer(player)
	}
	return muster.MailOfAddress(address)
}

// listed is the record by which a request is found for its owner. It ends with the request, or
// is left over from it for as long as that would have lasted.
type listed struct {
	At time.Time `json:"at"`
}

func mailboxPartition(owner muster.MailOwner) string { return "MAILBOX#" + string(owner) }

// listing is the op that lists a new request with whose it is: of the player who asked for
// it, else of whom its letters are.
func (p *Passwords) listing(id string, r mailRequest) (muster.Op, error) {
	owner := r.Owner
	if r.Player != "" {
		owner = muster.MailOfPlayer(r.Player)
	}
	return recordOp(muster.Key{Partition: mailboxPartition(owner), Sort: mailRequestName(id)}, 0, listed{At: p.now().UTC()}, r.Until)
}

// TakeBackCodes ends the requests of an owner who is gone, so that their codes do nothing and
// nothing is kept of them: all of them, or those from before an instant unless it is zero.
func (p *Passwords) TakeBackCodes(ctx context.Context, owner muster.MailOwner, before time.Time) error {
	for after, more := "", true; more; {
		page, err := p.store.List(ctx, mailboxPartition(owner), muster.ListOptions{After: after})
		if err != nil {
			return fmt.Errorf("list requests for codes: %w", err)
		}
		for _, rec := range page {
			after = rec.Sort
			var l listed
			_ = json.Unmarshal(rec.Value, &l) // one of which nobody knows when it was made ends, too
			if !before.IsZero() && !l.At.Before(before) {
				continue
			}
			for _, key := range []muster.Key{{Partition: mailRequestPartition + rec.Sort, Sort: "M"}, rec.Key} {
				if err := p.store.Write(ctx, muster.Op{Kind: muster.Delete, Key: key, Version: muster.AnyVersion}); err != nil {
					return fmt.Errorf("end a request for a code: %w", err)
				}
			}
		}
		more = len(page) == muster.MaxListLimit
	}
	return nil
}
