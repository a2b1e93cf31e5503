package identity

import (
	"context"
	"errors"

	"muster"
	"muster/mail"
)

// enter signs a player in who has shown the password of a way in, or asks for the second
// factor first. has is what was read together with the password.
func (p *Passwords) enter(ctx context.Context, o opening, has *muster.SecondFactor) (muster.PasswordAnswer, error) {
	challenge := p.factors.asks(has)
	if challenge == "" {
		grant, err := p.service.grant(ctx, o)
		return muster.PasswordAnswer{Grant: grant}, err
	}
	if err := p.service.guard.Admit(ctx, o.player, o.ref()); err != nil { // who is banned is told so at once
		return muster.PasswordAnswer{}, p.service.soonInstead(ctx, o, err)
	}
	asked, err := p.factors.ask(ctx, challenge, o)
	return muster.PasswordAnswer{Challenge: asked}, err
}

// AnswerChallenge goes on with a sign-in that was answered by a challenge.
func (p *Passwords) AnswerChallenge(ctx context.Context, session string, said muster.FactorAnswer) (muster.PasswordAnswer, error) {
	if err := p.mayAnswer(ctx, session); err != nil {
		return muster.PasswordAnswer{}, err
	}
	c, _, err := p.factors.challenge(ctx, challengeKey(session))
	if err != nil {
		return muster.PasswordAnswer{}, err
	}
	// What ended sign-ins since the password was shown has ended this one, too.
	in := c.opening()
	if err := p.service.guard.Admit(ctx, c.Player, in.ref()); err != nil {
		return muster.PasswordAnswer{}, err
	}
	var answer muster.PasswordAnswer
	if c.SetUp {
		var done turnedOn
		done, err = p.factors.turnOn(ctx, challengeKey(session), said.Code, "")
		// It has ended all that was proven before, and was not refused: it goes on from here.
		answer.RecoveryCodes, in.mark, in.proven = done.codes, done.mark, p.service.instant()
	} else {
		err = p.factors.answer(ctx, session, said, factorUse{})
	}
	if err != nil {
		return muster.PasswordAnswer{}, err
	}
	answer.Grant, err = p.service.grant(ctx, in)
	return answer, err
}

// SetUpByChallenge gives a secret for an authenticator app to who has to set one up before
// they are signed in.
func (p *Passwords) SetUpByChallenge(ctx context.Context, session string) (muster.FactorSetUp, error) {
	if err := p.mayAnswer(ctx, session); err != nil {
		return muster.FactorSetUp{}, err
	}
	c, version, err := p.factors.challenge(ctx, challengeKey(session))
	if err == nil && !c.SetUp {
		err = errChallengeRefused()
	}
	if err != nil {
		return muster.FactorSetUp{}, err
	}
	return p.factors.setUp(ctx, challengeKey(session), c, version)
}

// mayAnswer says that the client may ask about a challenge.
func (p *Passwords) mayAnswer(ctx context.Context, session string) error {
	if p.factors == nil || len(session) > maxProofField {
		return errChallengeRefused()
	}
	return p.limits.Spend(ctx, muster.ActSignIn)
}

// SecondFactors lists those of a player: one, or none.
func (p *Passwords) SecondFactors(ctx context.Context, caller muster.Caller) ([]muster.SecondFactorView, error) {
	id, err := p.accounts.IdentityOf(ctx, caller.Player, muster.EmailProvider)
	if has, err := foundWay(err); !has {
		return nil, err
	}
	way, err := p.factors.of(ctx, id)
	if err != nil || way.Factor == nil {
		return nil, err
	}
	return []muster.SecondFactorView{way.Factor.View()}, nil
}

// foundWay turns the answer of IdentityOf into whether there is a way in.
func foundWay(err error) (bool, error) {
	var refused *muster.Error
	if errors.As(err, &refused) && refused.Code == "identity.none" {
		return false, nil
	}
	return err == nil, err
}

// SetUpFactor gives a player a secret for an authenticator app, who shows the present password or,
// where that is enough to change it, has just signed in. Or whoever has copied an access token
// would lock the owner's way in. It is asked for once ConfirmFactor has taken its first code.
func (p *Passwords) SetUpFactor(ctx context.Context, caller muster.Caller, current string) (muster.FactorSetUp, error) {
	if !p.factors.on() {
		return muster.FactorSetUp{}, errFactorsOff()
	}
	if err := p.limits.Spend(ctx, muster.ActSignIn); err != nil {
		return muster.FactorSetUp{}, err
	}
	if _, err := p.ownAddress(ctx, caller); err != nil {
		return muster.FactorSetUp{}, err
	}
	if err := p.currentGiven(ctx, caller, current); err != nil {
		return muster.FactorSetUp{}, err
	}
	id, _, err := p.mayChange(ctx, caller, current)
	if err != nil {
		return muster.FactorSetUp{}, err
	}
	return p.factors.setUpFor(ctx, caller.Player, id)
}

// ConfirmFactor takes the first code of the authenticator app. From then on a sign-in with
// the password asks for a code; every other sign-in has ended. The recovery codes are shown
// this once.
func (p *Passwords) ConfirmFactor(ctx context.Context, caller muster.Caller, code string) ([]string, error) {
	if p.factors == nil {
		return nil, errFactorNotSetUp()
	}
	done, err := p.factors.turnOn(ctx, setUpKey(caller.Player), code, caller.Family)
	var refused *muster.Error
	if errors.As(err, &refused) && (refused.Code == "challenge.invalid" || refused.Code == "refresh.invalid") {
		return nil, p.nothingToConfirm(ctx, caller) // or the password has changed since
	}
	return done.codes, toOwner(err)
}

// nothingToConfirm says why no code is waited for: perhaps one was right already, and the answer
// with the recovery codes was lost.
func (p *Passwords) nothingToConfirm(ctx context.Context, caller muster.Caller) error {
	id, err := p.ownAddress(ctx, caller)
	if err != nil {
		return err
	}
	way, err := p.factors.of(ctx, id)
	switch {
	case err != nil:
		return err
	case way.Player == caller.Player && way.Factor != nil:
		return muster.Errorf(muster.Conflict, "factor.exists", "your second factor is on already: if its recovery codes did not reach you, ask for new ones")
	}
	return errFactorNotSetUp()
}

// NewRecoveryCodes replaces the recovery codes of a player who has just signed in and shows
// the second factor.
func (p *Passwords) NewRecoveryCodes(ctx context.Context, caller muster.Caller, said muster.FactorAnswer) ([]string, error) {
	codes, hashes, err := newRecoveryCodes(p.random)
	if err != nil {
		return nil, err
	}
	err = p.useOwn(ctx, caller, said, factorUse{
		then: func(next *muster.SecondFactor) *muster.SecondFactor {
			next.Codes = hashes
			return next
		},
		event: muster.AuditRecoveryRenewed, about: mail.RecoveryRenewed,
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// TurnFactorOff takes the second factor away from a player who has just signed in and shows
// it.
func (p *Passwords) TurnFactorOff(ctx context.Context, caller muster.Caller, said muster.FactorAnswer) error {
	return p.useOwn(ctx, caller, said, factorUse{
		then:  func(*muster.SecondFactor) *muster.SecondFactor { return nil },
		event: muster.AuditFactorOff, about: mail.FactorOff,
	})
}

// TakeFactorAway takes a player's second factor away, for an operator.
func (p *Passwords) TakeFactorAway(ctx context.Context, player muster.PlayerID) error {
	if p.factors == nil {
		return nil
	}
	return p.factors.takeAway(ctx, player)
}

// useOwn has a player who has just signed in answer for their second factor.
func (p *Passwords) useOwn(ctx context.Context, caller muster.Caller, said muster.FactorAnswer, use factorUse) error {
	id, err := p.ownFactor(ctx, caller)
	if err != nil {
		return err
	}
	way, err := p.factors.of(ctx, id)
	if err != nil {
		return err
	}
	if way.Player != caller.Player || way.Factor == nil {
		return muster.Errorf(muster.NotFound, "factor.none", "you have no second factor")
	}
	return toOwner(p.factors.useNow(ctx, way, id, said, use))
}

// ownFactor is the way in that a second factor of the caller's belongs to. The sign-in must be
// fresh.
func (p *Passwords) ownFactor(ctx context.Context, caller muster.Caller) (muster.Identity, error) {
	if p.factors == nil {
		return muster.Identity{}, errFactorsOff()
	}
	id, err := p.ownAddress(ctx, caller)
	if err == nil {
		_, err = p.service.fresh(ctx, caller, "")
	}
	return id, err
}

// ownAddress is the caller's way in by e-mail and password.
func (p *Passwords) ownAddress(ctx context.Context, caller muster.Caller) (muster.Identity, error) {
	id, err := p.accounts.IdentityOf(ctx, caller.Player, muster.EmailProvider)
	if has, err := foundWay(err); err == nil && !has {
		return muster.Identity{}, muster.Errorf(muster.NotFound, "identity.none", "a second factor belongs to e-mail and password: link an address first")
	}
	return id, err
}

// toOwner says that a code was wrong to somebody who is signed in: another sign-in would not
// help.
func toOwner(err error) error {
	var refused *muster.Error
	if errors.As(err, &refused) && refused.Kind == muster.Unauthenticated {
		return muster.Errorf(muster.Denied, refused.Code, "%s", refused.Message)
	}
	return err
}

func errFactorNotSetUp() error {
	return muster.Errorf(muster.Conflict, "factor.not_set_up", "get a secret for an authenticator app first: after ten minutes, or five wrong codes, another one")
}
