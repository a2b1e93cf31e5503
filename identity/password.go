package identity

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"muster"
	"muster/mail"
)

// Credentials is where players and their passwords are kept; *muster.Backend has it.
type Credentials interface {
	Finder
	FindIdentity(ctx context.Context, id muster.Identity) (player muster.PlayerID, secretHash []byte, err error)
	IdentityOf(ctx context.Context, p muster.PlayerID, provider string) (muster.Identity, error)
	SignUp(ctx context.Context, id muster.Identity, secretHash []byte, along muster.Along) (muster.PlayerID, error)
	LinkSecret(ctx context.Context, p muster.PlayerID, id muster.Identity, secret muster.LinkedSecret) (muster.LinksView, error)
	ReplaceSecret(ctx context.Context, p muster.PlayerID, id muster.Identity, secret muster.NewSecret, along muster.Along) error
	MoveIdentity(ctx context.Context, p muster.PlayerID, from, to muster.Identity, along muster.Along) error
	Player(ctx context.Context, p muster.PlayerID) (muster.PlayerView, error)
}

// Outbox takes letters; *mail.Outbox is one.
type Outbox interface {
	Post(l mail.Letter) (op muster.Op, send func(), err error)
}

// PasswordOptions is what Passwords needs. All of it is required but what says otherwise.
type PasswordOptions struct {
	Service  *Service // signs in; Passwords uses its store, clock and chance
	Accounts Credentials
	Outbox   Outbox
	Codes    *MailCodes
	Hasher   *PasswordHasher
	Policy   PasswordPolicy
	Factors  *Factors // asks for a second factor; nil: nobody does

	// ChangeAfterSignIn lets a sign-in just now change a password without the present one.
	ChangeAfterSignIn bool

	VerifyFor time.Duration // how long a code that proves an address works; zero: DefaultVerifyFor
	ResetFor  time.Duration // and one that resets a password; zero: DefaultResetFor
	Log       *slog.Logger
}

// How long codes work unless PasswordOptions say otherwise. Ten minutes is what ASVS 5.0
// allows a code that signs in (6.5.5).
const (
	DefaultVerifyFor = time.Hour
	DefaultResetFor  = 10 * time.Minute
)

// Passwords signs players in by e-mail and password. Whether an address has an account is
// told to nobody but its owner: answers, and what is done before them, are the same.
//
// A player comes to be when the address is proven, by who knows both the mail and the
// answer of the call that asked for it. So nobody prepares an account with the address of
// somebody else and a password of their own.
type Passwords struct {
	service   *Service
	store     muster.Store
	accounts  Credentials
	outbox    Outbox
	codes     *MailCodes
	hasher    *PasswordHasher
	checker   passwordChecker
	limits    muster.Limits
	policy    PasswordPolicy
	factors   *Factors
	verifyFor time.Duration
	resetFor  time.Duration
	now       func() time.Time
	random    io.Reader
	log       *slog.Logger

	changeFresh bool // a sign-in just now changes a password without the present one
}

// NewPasswords makes Passwords.
func NewPasswords(o PasswordOptions) *Passwords {
	limits := o.Service.limits
	return &Passwords{
		checker: passwordChecker{o.Accounts, o.Hasher, o.Service.store, limits}, limits: limits,
		service: o.Service, store: o.Service.store, now: o.Service.now, random: o.Service.random,
		accounts: o.Accounts, outbox: o.Outbox, codes: o.Codes, hasher: o.Hasher, policy: o.Policy, factors: o.Factors,
		verifyFor: orDefault(o.VerifyFor, DefaultVerifyFor), resetFor: orDefault(o.ResetFor, DefaultResetFor), log: o.Log,
		changeFresh: o.ChangeAfterSignIn,
	}
}

// Register begins to make a player with an address and a password. The address gets a
// code, or the news that it has an account already.
func (p *Passwords) Register(ctx context.Context, email, password string) (muster.CodeSent, error) {
	return p.claim(ctx, mailRequest{Use: useSignUp}, email, password)
}

// claim has a new address and its password proven.
func (p *Passwords) claim(ctx context.Context, r mailRequest, email, password string, words ...string) (muster.CodeSent, error) {
	address, err := canonicalEmail(email)
	if err != nil {
		return muster.CodeSent{}, err
	}
	if err := p.limits.Spend(ctx, muster.ActRegister); err != nil {
		return muster.CodeSent{}, err
	}
	if password, err = p.policy.accept(ctx, password, append(words, address)...); err != nil {
		return muster.CodeSent{}, err
	}
	if r.Secret, err = p.hasher.hash(ctx, password); err != nil {
		return muster.CodeSent{}, err
	}
	return p.openFor(ctx, r, address, p.verifyFor)
}

// openFor opens a request for an address that is to be new.
func (p *Passwords) openFor(ctx context.Context, r mailRequest, address string, life time.Duration) (muster.CodeSent, error) {
	owner, _, err := p.accounts.FindIdentity(ctx, emailIdentity(address))
	known, err := found(err)
	if err != nil {
		return muster.CodeSent{}, err
	}
	if r.Address, r.Dead, r.About = address, known, mail.ConfirmAddress; known {
		r.About = mail.AccountExists
	} else {
		owner = r.Player
	}
	r.Owner = mailOwner(owner, address)
	return p.open(ctx, r, life)
}

// found turns the answer of a search into whether there is something.
func found(err error) (bool, error) {
	if err != nil && muster.KindOf(err) == muster.NotFound {
		return false, nil
	}
	return err == nil, err
}

// Link begins to add an address and a password to the caller's ways in. shown is what they
// show besides the access token, as for Service.Link.
func (p *Passwords) Link(ctx context.Context, caller muster.Caller, email, password, shown string) (muster.CodeSent, error) {
	if _, err := p.service.fresh(ctx, caller, shown); err != nil {
		return muster.CodeSent{}, err
	}
	name, err := p.nameOf(ctx, caller.Player)
	if err != nil {
		return muster.CodeSent{}, err
	}
	_, err = p.accounts.IdentityOf(ctx, caller.Player, muster.EmailProvider)
	if has, err := found(err); err != nil {
		return muster.CodeSent{}, err
	} else if has {
		return muster.CodeSent{}, muster.Errorf(muster.Conflict, "identity.provider_linked", "you have an address already: change it instead")
	}
	return p.claim(ctx, mailRequest{Use: useLink, Player: caller.Player}, email, password, name)
}

// Verify completes what Register or Link began, and signs in. Only the player who asked for
// a link completes it. A mail's link is not enough without the password: the mail may have
// come because of somebody else. Who forgets the password or the access token is told so, and
// no try is used up: that a code is for a link is told to who has it alone.
func (p *Passwords) Verify(ctx context.Context, proof muster.MailProof, password string) (muster.PasswordAnswer, error) {
	if proof.Token != "" && password == "" {
		return muster.PasswordAnswer{}, muster.Errorf(muster.Invalid, "password.missing", "the token of a link goes together with the password that was chosen: send both")
	}
	if err := p.service.guard.MayOpen(ctx, p.service.instant()); err != nil {
		return muster.PasswordAnswer{}, err
	}
	r, err := p.prove(ctx, proof, func(r proven) (bool, error) { return p.mayComplete(ctx, r, password) }, useSignUp, useLink)
	if err != nil {
		return muster.PasswordAnswer{}, err
	}
	if r.Use == useLink {
		return p.linked(ctx, r)
	}
	proven := p.service.instant()
	player, err := p.accounts.SignUp(ctx, emailIdentity(r.Address), r.Secret, p.using(r.id))
	if err != nil {
		return muster.PasswordAnswer{}, takenInstead(err)
	}
	way, err := p.made(ctx, player, r)
	if err != nil {
		return muster.PasswordAnswer{}, err
	}
	in := holder{Way: way, id: emailIdentity(r.Address)}.opening(proven)
	in.created = true
	return p.enter(ctx, in, way.Factor)
}

// made is the way in that a request has just made. If it has another password by now, or leads
// elsewhere, they sign in with that.
func (p *Passwords) made(ctx context.Context, player muster.PlayerID, r proven) (muster.Way, error) {
	way, err := p.accounts.FindWay(ctx, emailIdentity(r.Address))
	if known, err := found(err); err != nil {
		return muster.Way{}, err
	} else if !known || way.Player != player || !bytes.Equal(way.SecretHash, r.Secret) {
		return muster.Way{}, errPasswordRefused()
	}
	return way, nil
}

// mayComplete says whether the caller of Verify may have what a request is for.
func (p *Passwords) mayComplete(ctx context.Context, r proven, password string) (bool, error) {
	switch caller, _ := muster.CallerFrom(ctx); {
	case r.Use == useLink && caller.Player == "":
		return false, muster.Errorf(muster.Unauthenticated, "auth.missing", "this links an address to a player: send that player's access token as Authorization: Bearer")
	case r.Use == useLink && caller.Player != r.Player:
		return false, nil
	}
	if !r.byLink && !p.isLate(r) {
		return true, nil
	}
	if password == "" {
		return false, errLateCode()
	}
	if err := p.limits.Spend(ctx, muster.ActSignIn); err != nil {
		return false, err
	}
	normal, _ := normalPassword(password)
	right, _, err := p.hasher.verify(ctx, normal, r.Secret)
	return right, err
}

// linked adds a proven address to the ways in of the player who asked for it. A guest is a
// player from then on, and has another secret.
func (p *Passwords) linked(ctx context.Context, r proven) (muster.PasswordAnswer, error) {
	id, proven := emailIdentity(r.Address), p.service.instant()
	way, err := p.accounts.FindWay(ctx, id)
	if _, err := found(err); err != nil {
		return muster.PasswordAnswer{}, err
	}
	view, err := p.service.withNewSecret(func(hash []byte) (muster.LinksView, error) {
		return p.accounts.LinkSecret(ctx, r.Player, id, muster.LinkedSecret{Hash: r.Secret, NewGuest: hash, Along: p.using(r.id)})
	})
	if err != nil {
		return muster.PasswordAnswer{}, takenInstead(err)
	}
	if way.Player != r.Player { // or it was linked before: by another mail
		if way, err = p.made(ctx, r.Player, r); err != nil {
			return muster.PasswordAnswer{}, err
		}
	}
	answer, err := p.enter(ctx, holder{Way: way, id: id}.opening(proven), way.Factor)
	answer.Guest = view.Guest
	return answer, err
}

// using is what belongs to every Write that acts on a code: it is used up.
func (p *Passwords) using(id string) muster.Along {
	return func(ctx context.Context) ([]muster.Op, error) {
		op, err := p.usedUp(ctx, id)
		return []muster.Op{op}, err
	}
}

// takenInstead says what an owner may know: the address was proven twice, and another proof
// was faster.
func takenInstead(err error) error {
	var refused *muster.Error
	if errors.As(err, &refused) && refused.Code == "identity.in_use" {
		return muster.Errorf(muster.Conflict, "email.taken", "there is an account with this address: sign in, or reset the password")
	}
	return err
}

// Login signs in by address and password. Every refusal is the same, after the same work.
// The answer is a challenge where a second factor is asked for.
func (p *Passwords) Login(ctx context.Context, email, password string) (muster.PasswordAnswer, error) {
	if err := p.service.begin(ctx, muster.ActSignIn); err != nil {
		return muster.PasswordAnswer{}, err
	}
	proven := p.service.instant() // a hash takes a while, and the password may change meanwhile
	who, err := p.checker.check(ctx, email, password)
	if err != nil {
		return muster.PasswordAnswer{}, err
	}
	if who.outdated {
		p.rehash(ctx, who)
	}
	return p.enter(ctx, who.opening(proven), who.Factor)
}

// rehash keeps a password's hash at today's costs. Whatever goes wrong can wait for the
// next sign-in.
func (p *Passwords) rehash(ctx context.Context, who holder) {
	hash, err := p.hasher.hash(ctx, who.password)
	if err == nil {
		err = p.accounts.ReplaceSecret(ctx, who.Player, who.id, muster.NewSecret{Hash: hash, Was: who.SecretHash}, nothing)
	}
	if err != nil {
		p.log.InfoContext(ctx, "a password's hash stays at its costs", "player", who.Player, "error", err)
	}
}

// nothing is along a change that stands alone.
func nothing(context.Context) ([]muster.Op, error) { return nil, nil }
