package muster

import (
	"context"
	"errors"
	"slices"
	"time"
)

// SecondFactor is what a way in with a password asks for besides: codes of an authenticator
// app, or one of the recovery codes. It is kept with the way in, and goes where that goes:
// along in a merge or to another address, and away with it.
type SecondFactor struct {
	Since  time.Time `json:"since"`
	Key    string    `json:"key"`             // the id of what sealed the secret
	Sealed []byte    `json:"sealed"`          // the secret
	Step   int64     `json:"step"`            // of the last code that was taken; it and those before are void
	Codes  [][]byte  `json:"codes,omitempty"` // hashes of the recovery codes that are left
}

// SecondFactorView is a second factor, as its player may see it.
type SecondFactorView struct {
	Kind              string    `json:"kind" enum:"totp"`
	Since             time.Time `json:"since"`
	RecoveryCodesLeft int       `json:"recoveryCodesLeft"`
}

// FactorAnswer is what a player shows of a second factor: one of the two.
type FactorAnswer struct {
	Code         string // of the authenticator app
	RecoveryCode string
}

// FactorSetUp is a secret for an authenticator app.
type FactorSetUp struct {
	Secret           string `json:"secret"` // base32, to be typed
	URI              string `json:"uri"`    // "otpauth://...", to be shown as a QR code
	ExpiresInSeconds int    `json:"expiresInSeconds"`
}

// The names of challenges are those that Amazon Cognito has for the same.
const (
	ChallengeCode  = "SOFTWARE_TOKEN_MFA" // asks for a code, or for a recovery code
	ChallengeSetUp = "MFA_SETUP"          // asks for an authenticator app to be set up
)

// FactorChallenge is what is asked after a right password.
type FactorChallenge struct {
	Name             string `json:"name" enum:"SOFTWARE_TOKEN_MFA,MFA_SETUP"`
	Session          string `json:"session"` // goes back with the answer
	ExpiresInSeconds int    `json:"expiresInSeconds"`
}

// PasswordAnswer is how a sign-in with a password goes on: with a grant, or with a challenge
// first. Of a grant that is held back at most Guest is set.
type PasswordAnswer struct {
	Grant
	Challenge *FactorChallenge
	// RecoveryCodes are there when the sign-in set a second factor up. They are shown this once.
	RecoveryCodes []string
}

// What is recorded of second factors.
const (
	AuditFactorOn        AuditEvent = "secondFactorOn"
	AuditFactorOff       AuditEvent = "secondFactorOff"
	AuditFactorRefused   AuditEvent = "secondFactorRefused" // wrong codes after a right password
	AuditRecoveryUsed    AuditEvent = "recoveryCodeUsed"
	AuditRecoveryRenewed AuditEvent = "recoveryCodesRenewed"
)

// FactorChange is how a second factor changes.
type FactorChange struct {
	// Change makes what is kept from what there was, which it leaves as it is; nil: none. Its
	// error ends the change.
	Change func(ctx context.Context, was *SecondFactor) (*SecondFactor, error)
	// Along is asked after Change.
	Along Along
	// By is the sign-in, or what is to become one, that changes it: it must not have ended. Zero:
	// there is none.
	By SignInRef
	// SignOut ends the player's sign-ins in the same Write, but for Keep, and gives the way in
	// another mark.
	SignOut bool
	Keep    string // empty: none is kept
}

// ChangeFactor changes the second factor of a player's way in, in one Write with what goes
// along: of many that come from the same state one succeeds. It returns the mark that the way
// in has now. When the way in does not lead to the player, the error is NotFound.
func (b *Backend) ChangeFactor(ctx context.Context, p PlayerID, id Identity, change FactorChange) (WayMark, error) {
	var ended Revocation
	var a account
	var way identityRecord
	err := Change(ctx, b.store, func(ctx context.Context) (ops []Op, err error) {
		var accountVersion, version int64
		if a, accountVersion, err = b.account(ctx, p); err != nil {
			return nil, err
		}
		if way, version, err = b.wayOf(ctx, p, id); err != nil {
			return nil, err
		}
		if a.ended(change.By) {
			return nil, errSignedOut()
		}
		if way.Factor, err = change.Change(ctx, way.Factor); err != nil {
			return nil, err
		}
		if ops, err = change.Along(ctx); err != nil {
			return nil, err
		}
		held := []Op{{Kind: Check, Key: accountKey(p), Version: accountVersion}}
		if change.SignOut {
			if held, ended, err = b.renewOps(ctx, &a, accountVersion, id, &way, change.Keep); err != nil {
				return nil, err
			}
		}
		kept, err := put(identityKey(id), version, way, time.Time{})
		return append(slices.Concat(ops, held), kept), err
	})
	if err == nil && change.SignOut {
		b.revoke(ctx, ended)
		b.endBelated(ctx, &a)
	}
	return way.Mark, err
}

// TakeFactorAway takes a player's second factor away, for an operator. along is what goes with
// it. A player without one stays so; one who is merged is a Conflict "player.merged".
func (b *Backend) TakeFactorAway(ctx context.Context, p PlayerID, along func(Identity) Along) error {
	a, _, err := b.account(ctx, p)
	if err != nil {
		return b.mergedInstead(ctx, p, err)
	}
	mine := a.identity(EmailProvider)
	if mine == nil {
		return nil
	}
	id := Identity{Provider: EmailProvider, Subject: mine.Subject}
	_, err = b.ChangeFactor(ctx, p, id, FactorChange{
		Change: func(_ context.Context, was *SecondFactor) (*SecondFactor, error) {
			if was == nil {
				return nil, errNoFactor
			}
			return nil, nil //nolint:nilnil // none is left
		},
		Along: along(id),
	})
	if errors.Is(err, errNoFactor) {
		return nil
	}
	return err
}

// errNoFactor says that there is nothing to take away.
var errNoFactor = errors.New("there is no second factor")

// View is what a player may see of a second factor.
func (f *SecondFactor) View() SecondFactorView {
	return SecondFactorView{Kind: "totp", Since: f.Since, RecoveryCodesLeft: len(f.Codes)}
}

// factorsOf lists an account's second factors, of which there is one at most.
func (b *Backend) factorsOf(ctx context.Context, a *account) ([]SecondFactorView, error) {
	mine := a.identity(EmailProvider)
	if mine == nil {
		return nil, nil
	}
	way, _, err := loadOr(ctx, b.store, identityKey(Identity{Provider: EmailProvider, Subject: mine.Subject}), identityRecord{})
	if err != nil || way.Factor == nil || way.Player != a.ID {
		return nil, err
	}
	return []SecondFactorView{way.Factor.View()}, nil
}
