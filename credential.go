package muster

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"
)

// EmailProvider is the provider of identities whose subject is an e-mail address, and
// whose secret is a password.
const EmailProvider = "email"

// Along gives what else belongs to a change of a way in: it is in the same Write. It is
// called afresh at each try, reads what it rests on, and ends the change with its error.
type Along func(ctx context.Context) ([]Op, error)

// mayBegin refuses an address that comes without a password: nobody could come in by it, and
// nobody else could have it. Such a link or sign-in rests on a proof whose account was deleted, or
// unlinked the address, since; the answer is that of a proof which comes now.
func mayBegin(id Identity, secretHash []byte) error {
	if id.Provider == EmailProvider && len(secretHash) == 0 {
		return Errorf(Unauthenticated, "credential.invalid", "the address or the password is wrong")
	}
	return nil
}

// SignUp makes a player with a way in that has a secret. One that leads to a player already
// is a Conflict with the code "identity.in_use".
func (b *Backend) SignUp(ctx context.Context, id Identity, secretHash []byte, along Along) (PlayerID, error) {
	var player PlayerID
	err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		more, err := along(ctx)
		if err != nil {
			return nil, err
		}
		switch _, _, err := load[identityRecord](ctx, b.store, identityKey(id)); {
		case err == nil:
			return nil, errIdentityInUse()
		case !errors.Is(err, ErrNotFound):
			return nil, err
		}
		if err := mayBegin(id, secretHash); err != nil {
			return nil, err
		}
		player = PlayerID(b.newID())
		ops, err := newPlayerOps(player, id, identityRecord{SecretHash: secretHash, Mark: b.newMark()}, b.instant())
		return append(ops, more...), err
	})
	return player, err
}

// LinkedSecret is what LinkSecret keeps and changes besides.
type LinkedSecret struct {
	Hash     []byte // of the new identity's secret; nil: it has none
	NewGuest []byte // hash of the secret that a guest gets; see Link
	Along    Along  // nil: nothing
}

func (s *LinkedSecret) along(ctx context.Context) ([]Op, error) {
	if s.Along == nil {
		return nil, nil
	}
	return s.Along(ctx)
}

// IdentityOf is the player's way in with a provider. Without one the error is NotFound.
func (b *Backend) IdentityOf(ctx context.Context, p PlayerID, provider string) (Identity, error) {
	a, _, err := b.account(ctx, p)
	if err != nil {
		return Identity{}, err
	}
	mine := a.identity(provider)
	if mine == nil {
		return Identity{}, Errorf(NotFound, "identity.none", "you have no way in of this kind")
	}
	return Identity{Provider: provider, Subject: mine.Subject}, nil
}

// NewSecret is another hash for the secret of a way in.
type NewSecret struct {
	Hash []byte
	// Was is the hash that must still be there; nil: whatever is.
	Was []byte
	// SignOut ends the player's sign-ins in the same Write, but for Keep, and gives the way in
	// another mark.
	SignOut bool
	Keep    string // empty: none is kept
}

// ReplaceSecret keeps another secret's hash with a way in that still leads to the player.
// When it does not, or has another hash than the one that was, the error is NotFound. The account
// is held at its version, which is read before the way in: so that is the player's at the Write,
// too, and no record of somebody else that has come to the same version.
func (b *Backend) ReplaceSecret(ctx context.Context, p PlayerID, id Identity, secret NewSecret, along Along) error {
	var ended Revocation
	var a account
	err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		more, err := along(ctx)
		if err != nil {
			return nil, err
		}
		var accountVersion int64
		if a, accountVersion, err = b.account(ctx, p); err != nil {
			return nil, err
		}
		way, version, err := b.wayOf(ctx, p, id)
		if err != nil {
			return nil, err
		}
		held := []Op{{Kind: Check, Key: accountKey(p), Version: accountVersion}}
		if secret.SignOut {
			if held, ended, err = b.renewOps(ctx, &a, accountVersion, id, &way, secret.Keep); err != nil {
				return nil, err
			}
		}
		if secret.Was != nil && !bytes.Equal(secret.Was, way.SecretHash) {
			return nil, errIdentityGone()
		}
		way.SecretHash = secret.Hash
		op, err := put(identityKey(id), version, way, time.Time{})
		return append(append(more, held...), op), err
	})
	if err == nil && secret.SignOut {
		b.revoke(ctx, ended)
		b.endBelated(ctx, &a)
	}
	return err
}

// renewOps give a way in of an account another mark and end the player's sign-ins but for one,
// those included that are being opened; r says so to others after the Write. The way in, which
// was read after the account, is the caller's to write.
func (b *Backend) renewOps(ctx context.Context, a *account, version int64, id Identity, way *identityRecord, keep string) (ops []Op, r Revocation, err error) {
	r = Revocation{Player: a.ID, Why: SignedOut, At: b.instant(), Elsewhere: true}
	if ops, err = b.signOutOthers(ctx, &r, keep); err != nil {
		return nil, r, err
	}
	way.Mark = b.newMark()
	a.setMark(id, way.Mark)
	a.SignedOut = signedOut{At: r.At, Keep: keep}
	kept, err := put(accountKey(a.ID), version, a, time.Time{})
	return append(ops, kept), r, err
}

// signOutOthers ends the sign-ins of the player of a revocation but for one, and names them
// in it.
func (b *Backend) signOutOthers(ctx context.Context, r *Revocation, keep string) ([]Op, error) {
	ops, err := b.signOutOps(ctx, r, 0)
	if err != nil {
		return nil, err
	}
	r.SignIn = slices.DeleteFunc(r.SignIn, func(id string) bool { return id == keep })
	ops = slices.DeleteFunc(ops[:len(ops)-1], func(op Op) bool { return op.Key == signInKey(r.Player, keep) })
	denied, err := revocationOp(*r)
	return append(ops, denied), err
}

// MoveIdentity gives a player's way in another subject, and keeps its secret. A subject that
// leads to a player already is a Conflict with the code "identity.in_use"; a way in that no
// longer leads to the player is NotFound.
func (b *Backend) MoveIdentity(ctx context.Context, p PlayerID, from, to Identity, along Along) error {
	return Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		more, err := along(ctx)
		if err != nil {
			return nil, err
		}
		a, accountVersion, err := b.account(ctx, p)
		if err != nil {
			return nil, err
		}
		way, wayVersion, err := b.wayOf(ctx, p, from)
		if err != nil {
			return nil, err
		}
		switch _, _, err := load[identityRecord](ctx, b.store, identityKey(to)); {
		case err == nil || to == from: // it was there a moment ago
			return nil, errIdentityInUse()
		case !errors.Is(err, ErrNotFound):
			return nil, err
		}
		if !a.moveIdentity(from, to) {
			return nil, errIdentityGone()
		}
		account, err := put(accountKey(p), accountVersion, a, time.Time{})
		if err != nil {
			return nil, err
		}
		moved, err := put(identityKey(to), 0, way, time.Time{})
		return append(more, account, moved, Op{Kind: Delete, Key: identityKey(from), Version: wayVersion}), err
	})
}

// moveIdentity changes the subject of a way in; false means that there is no such way.
func (a *account) moveIdentity(from, to Identity) bool {
	i := slices.IndexFunc(a.Identities, func(l linkedIdentity) bool { return l.Provider == from.Provider && l.Subject == from.Subject })
	if i < 0 {
		return false
	}
	a.Identities = slices.Clone(a.Identities)
	a.Identities[i].Provider, a.Identities[i].Subject = to.Provider, to.Subject
	return true
}

// wayOf reads a way in that leads to the player.
func (b *Backend) wayOf(ctx context.Context, p PlayerID, id Identity) (identityRecord, int64, error) {
	way, version, err := load[identityRecord](ctx, b.store, identityKey(id))
	if errors.Is(err, ErrNotFound) || err == nil && way.Player != p {
		return identityRecord{}, 0, errIdentityGone()
	}
	return way, version, err
}

func errIdentityGone() error {
	return Errorf(NotFound, "identity.none", "this way in is no longer yours")
}
