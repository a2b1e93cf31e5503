package identity

import (
	"context"

	"muster"
)

// currentGiven refuses to change a password, or to have more asked for than that, without the
// present one, unless a sign-in just now is enough instead. Who has forgotten theirs has a code
// sent.
func (p *Passwords) currentGiven(ctx context.Context, caller muster.Caller, current string) error {
	if current != "" || p.changeFresh {
		return nil
	}
	if _, err := p.accounts.IdentityOf(ctx, caller.Player, muster.EmailProvider); err != nil {
		return err
	}
	return muster.Errorf(muster.Denied, "password.current_needed", "send the present password as current; who has forgotten it resets it by mail")
}
