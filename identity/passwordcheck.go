package identity

import (
	"context"
	"fmt"
	"time"

	"muster"
)

// Finder finds who has a way in.
type Finder interface {
	FindWay(ctx context.Context, id muster.Identity) (muster.Way, error)
}

// holder is who an address and a password belong to.
type holder struct {
	muster.Way // as it was when the password was compared

	id       muster.Identity
	password string
	outdated bool // the hash was made at lower costs
}

// opening is the sign-in that the password is good for.
func (h holder) opening(proven time.Time) opening {
	return opening{player: h.Player, scope: muster.PlayerScope, way: h.id, mark: h.Mark, proven: proven}
}

// passwordChecker finds who has an address and a password.
type passwordChecker struct {
	accounts Finder
	hasher   *PasswordHasher
	store    muster.Store // of sign-ins; nil: no device is known
	limits   muster.Limits
}

// check finds who has an address and a password. One read and one hash, whether somebody
// does or not; and after too many failures nothing of it, whether somebody does or not.
func (c passwordChecker) check(ctx context.Context, email, password string) (holder, error) {
	address, err := canonicalEmail(email)
	if err != nil {
		return holder{}, err
	}
	who := holder{id: emailIdentity(address)}
	who.password, _ = normalPassword(password)
	known := func(ctx context.Context) (bool, error) { return c.isKnown(ctx, who.id) }
	err = c.limits.Guess(ctx, who.id, known, func(ctx context.Context) error {
		who.Way, err = c.accounts.FindWay(ctx, who.id)
		if _, err := found(err); err != nil {
			return fmt.Errorf("find who has an address: %w", err)
		}
		right, outdated, err := c.hasher.verify(ctx, who.password, who.SecretHash)
		if err != nil {
			return err
		}
		if who.outdated = outdated; !right {
			return errPasswordRefused()
		}
		return nil
	})
	if err != nil {
		return holder{}, err
	}
	return who, nil
}

// isKnown says whether the player of an address is signed in on the client's device. The
// reads are the same when there is no player.
func (c passwordChecker) isKnown(ctx context.Context, id muster.Identity) (bool, error) {
	if c.store == nil || muster.ClientFrom(ctx).Device == "" {
		return false, nil
	}
	way, err := c.accounts.FindWay(ctx, id)
	if _, err := found(err); err != nil {
		return false, fmt.Errorf("find who has an address: %w", err)
	}
	return c.isSignedIn(ctx, way.Player)
}

// isSignedIn says whether a player is signed in on the client's device, which it names.
func (c passwordChecker) isSignedIn(ctx context.Context, player muster.PlayerID) (bool, error) {
	held, err := c.store.List(ctx, muster.PlayerPartition(player), muster.ListOptions{Prefix: muster.SignInPrefix})
	if err != nil {
		return false, fmt.Errorf("list refresh families: %w", err)
	}
	return isKnownDevice(held, muster.Client{Device: muster.ClientFrom(ctx).Device}), nil
}

func errPasswordRefused() error {
	return muster.Errorf(muster.Unauthenticated, string(CredentialInvalid), "the address or the password is wrong")
}

// EmailProvider proves by address and password, where a proof is asked for: to sign in, or
// to merge two players. It makes no players.
type EmailProvider struct {
	Accounts Finder
	Hasher   *PasswordHasher
	Store    muster.Store  // of sign-ins; nil: no device is known
	Limits   muster.Limits // nil: nobody is slowed down
	Factors  *Factors      // asks for a second factor; nil: nobody does
}

// Takes lists what a proof is made of. Who has a second factor adds a code of the
// authenticator app, or a recovery code.
func (e EmailProvider) Takes() [][]string {
	takes := [][]string{{"fields.email", "fields.password"}}
	if e.Factors != nil {
		takes = append(takes, []string{"fields.email", "fields.password", "code"}, []string{"fields.email", "fields.password", "fields.recoveryCode"})
	}
	return takes
}

// Verify checks a password, and the second factor of who has one.
func (e EmailProvider) Verify(ctx context.Context, proof Proof) (Verified, error) {
	if e.Limits == nil {
		e.Limits = muster.NoLimits{}
	}
	who, err := passwordChecker{e.Accounts, e.Hasher, e.Store, e.Limits}.check(ctx, proof.Fields["email"], proof.Fields["password"])
	if err == nil {
		err = e.Factors.prove(ctx, who, muster.FactorAnswer{Code: proof.Code, RecoveryCode: proof.Fields["recoveryCode"]})
	}
	if err != nil {
		return Verified{}, err
	}
	return Verified{Subject: who.id.Subject, Mark: who.Mark}, nil
}
