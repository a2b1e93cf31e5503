package identity

import (
	"context"
	"errors"
	"time"

	"muster"
	"muster/mail"
)

// Forgot has a code sent that resets the password of an address, if it has an account.
func (p *Passwords) Forgot(ctx context.Context, email string) (muster.CodeSent, error) {
	address, err := canonicalEmail(email)
	if err != nil {
		return muster.CodeSent{}, err
	}
	player, _, err := p.accounts.FindIdentity(ctx, emailIdentity(address))
	known, err := found(err)
	if err != nil {
		return muster.CodeSent{}, err
	}
	r := mailRequest{Use: useReset, Address: address, Dead: !known, Owner: mailOwner(player, address)}
	if known {
		r.Player, r.About = player, mail.ResetPassword
	}
	return p.open(ctx, r, p.resetFor)
}

// Reset sets another password for who read the mail of Forgot, tells the owner, and ends
// every sign-in. It signs nobody in.
func (p *Passwords) Reset(ctx context.Context, proof muster.MailProof, password string) error {
	r, err := p.prove(ctx, proof, nil, useReset)
	if err != nil {
		return err
	}
	return p.setPassword(ctx, r.Player, emailIdentity(r.Address), password, setting{
		event: muster.AuditPasswordReset, along: p.using(r.id),
	})
}

// Change sets another password for a player who shows the present one, or has signed in
// just now where that is enough. Every other sign-in ends.
func (p *Passwords) Change(ctx context.Context, caller muster.Caller, current, password string) error {
	if err := p.currentGiven(ctx, caller, current); err != nil {
		return err
	}
	id, hash, err := p.mayChange(ctx, caller, current)
	if err != nil {
		return err
	}
	return p.setPassword(ctx, caller.Player, id, password, setting{
		was: hash, event: muster.AuditPasswordChanged, along: nothing, keep: caller.Family,
	})
}

// setting is how a password is set.
type setting struct {
	was   []byte // the hash that must still be there; nil: any
	event muster.AuditEvent
	along muster.Along
	keep  string // the sign-in that goes on; empty: none does
}

func (p *Passwords) setPassword(ctx context.Context, player muster.PlayerID, id muster.Identity, password string, how setting) error {
	name, err := p.nameOf(ctx, player)
	if err != nil {
		return err
	}
	if password, err = p.policy.accept(ctx, password, id.Subject, name); err != nil {
		return err
	}
	hash, err := p.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	tell, post := p.telling(player, id.Subject, mail.PasswordChanged, how.event)
	err = p.accounts.ReplaceSecret(ctx, player, id, muster.NewSecret{Hash: hash, Was: how.was, SignOut: true, Keep: how.keep}, func(ctx context.Context) ([]muster.Op, error) {
		ops, err := how.along(ctx)
		if err != nil {
			return nil, err
		}
		more, err := tell(ctx)
		return append(ops, more...), err
	})
	if muster.KindOf(err) == muster.NotFound && err != nil { // unlinked or changed meanwhile
		return errCodeRefused()
	}
	if err != nil {
		return err
	}
	post()
	return nil
}

// noticeLife is how long a letter that only tells is worth sending.
const noticeLife = 24 * time.Hour

// telling gives what records an event and tells its player by mail, as part of a Write, and
// what is to be called after it.
func (p *Passwords) telling(player muster.PlayerID, address string, about mail.Topic, event muster.AuditEvent) (along muster.Along, post func()) {
	var send func()
	along = func(ctx context.Context) ([]muster.Op, error) {
		now := p.now().UTC()
		may, count, err := p.count(ctx, address, kindNotice, source{})
		if err != nil {
			return nil, err
		}
		notice := mail.Letter{To: address, About: about, Owner: muster.MailOfPlayer(player), Until: now.Add(noticeLife), Room: mail.Notices}
		if !may {
			notice.To = ""
		}
		letter, sending, err := p.outbox.Post(notice)
		if err != nil {
			return nil, err
		}
		send = sending
		ops, err := muster.AuditOps(ctx, now, muster.Audit{Player: player, Event: event})
		return append(ops, letter, count), err
	}
	return along, func() { send() }
}

// mayChange says that the caller may change how they sign in by mail: with the present
// password, or right after a sign-in. Where there is a second factor the password alone does
// not do. It returns the way in and its hash.
func (p *Passwords) mayChange(ctx context.Context, caller muster.Caller, current string) (id muster.Identity, hash []byte, err error) {
	if id, err = p.accounts.IdentityOf(ctx, caller.Player, muster.EmailProvider); err != nil {
		return id, nil, err
	}
	if current == "" {
		if _, err = p.service.fresh(ctx, caller, ""); err != nil {
			return id, nil, currentInstead(err)
		}
		_, hash, err = p.accounts.FindIdentity(ctx, id)
		return id, hash, err
	}
	who, err := p.checker.check(ctx, id.Subject, current)
	switch {
	case err != nil && muster.KindOf(err) == muster.Unauthenticated, err == nil && who.Player != caller.Player:
		return id, nil, muster.Errorf(muster.Denied, "password.wrong", "the present password is wrong")
	case err != nil:
		return id, nil, err
	}
	if p.factors != nil && who.Factor != nil {
		_, err = p.service.fresh(ctx, caller, "")
	}
	return id, who.SecretHash, err
}

// currentInstead says what makes up for a sign-in that is not fresh here: the present password.
func currentInstead(err error) error {
	var refused *muster.Error
	if errors.As(err, &refused) && refused.Code == "signin.not_fresh" {
		return muster.Errorf(muster.Denied, refused.Code, "send the present password as current, or sign in again first: without it this is for the first %d minutes after a sign-in", int(freshFor/time.Minute))
	}
	return err
}

// ChangeAddress begins to give a player another address: it gets a code.
func (p *Passwords) ChangeAddress(ctx context.Context, caller muster.Caller, current, email string) (muster.CodeSent, error) {
	address, err := canonicalEmail(email)
	if err != nil {
		return muster.CodeSent{}, err
	}
	if _, _, err := p.mayChange(ctx, caller, current); err != nil {
		return muster.CodeSent{}, err
	}
	return p.openFor(ctx, mailRequest{Use: useMove, Player: caller.Player}, address, p.verifyFor)
}

// ConfirmAddress completes what ChangeAddress began, and tells the old address.
func (p *Passwords) ConfirmAddress(ctx context.Context, caller muster.Caller, proof muster.MailProof) error {
	r, err := p.prove(ctx, proof, func(r proven) (bool, error) { return r.Player == caller.Player, nil }, useMove)
	if err != nil {
		return err
	}
	from, err := p.accounts.IdentityOf(ctx, caller.Player, muster.EmailProvider)
	if err != nil {
		return err
	}
	tell, post := p.telling(caller.Player, from.Subject, mail.AddressChanged, muster.AuditEmailChanged)
	err = p.accounts.MoveIdentity(ctx, caller.Player, from, emailIdentity(r.Address), func(ctx context.Context) ([]muster.Op, error) {
		op, err := p.usedUp(ctx, r.id)
		if err != nil {
			return nil, err
		}
		more, err := tell(ctx)
		return append(more, op), err
	})
	if err != nil {
		return takenInstead(err)
	}
	post()
	return nil
}

// nameOf is what others call a player; it is no password.
func (p *Passwords) nameOf(ctx context.Context, player muster.PlayerID) (string, error) {
	view, err := p.accounts.Player(ctx, player)
	return view.DisplayName, err
}
