package identity

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"muster"
	"muster/mail"
)

// Bounds of challenges.
const (
	challengeLife  = 5 * time.Minute
	setUpLife      = 10 * time.Minute
	maxAnswers     = 5  // wrong answers to a challenge
	openChallenges = 10 // of one account, within challengeLife
	openByDevices  = 5  // and as many more for devices that the player is signed in on
)

// factorChallenge is what waits for a code, or for an authenticator app to be set up.
type factorChallenge struct {
	Player   muster.PlayerID `json:"player"`
	Address  string          `json:"address"`
	SetUp    bool            `json:"setUp,omitempty"`
	Key      string          `json:"key,omitempty"`    // what sealed the secret to be
	Sealed   []byte          `json:"sealed,omitempty"` // the secret to be
	Tries    int             `json:"tries,omitempty"`  // answers that were wrong, or are judged
	ProvenAt time.Time       `json:"provenAt,omitzero"`
	Mark     muster.WayMark  `json:"mark,omitempty"` // of the way in, then
	Until    time.Time       `json:"until"`
}

// opening is the sign-in that the right answer is good for.
func (c factorChallenge) opening() opening {
	return opening{player: c.Player, scope: muster.PlayerScope, way: emailIdentity(c.Address), mark: c.Mark, proven: c.ProvenAt}
}

// challengeKey names the challenge of a session, which is a secret.
func challengeKey(session string) muster.Key {
	return muster.Key{Partition: "FACTOR#" + hex.EncodeToString(hashText(session)), Sort: "C"}
}

// setUpKey names what waits for the first code of a player who is signed in.
func setUpKey(p muster.PlayerID) muster.Key {
	return muster.Key{Partition: muster.PlayerPartition(p), Sort: "FACTOR"}
}

// openedKey names when challenges of an account were opened.
func openedKey(address string) muster.Key {
	return muster.Key{Partition: "FACTORS#" + hex.EncodeToString(hashText(address)), Sort: "O"}
}

// openedChallenges is when the latest challenges of an account were opened.
type openedChallenges struct {
	At []time.Time `json:"at"`
}

// openChallenge keeps a challenge and gives its session. An account has a few of them within
// their life, so that answers are few whatever limits there are besides. Some are the devices'
// that the player is signed in on: who knows the password alone does not use them up.
func (f *Factors) openChallenge(ctx context.Context, c factorChallenge) (session string, err error) {
	if session, err = newSecretText(f.o.Random); err != nil {
		return "", err
	}
	err = muster.Change(ctx, f.o.Store, func(ctx context.Context) ([]muster.Op, error) {
		now := f.o.Now().UTC()
		opened, version, err := readRecord[openedChallenges](ctx, f.o.Store, openedKey(c.Address))
		if err != nil && !errors.Is(err, muster.ErrNotFound) {
			return nil, err
		}
		opened.At = slices.DeleteFunc(opened.At, func(at time.Time) bool { return now.Sub(at) >= challengeLife })
		room, err := f.room(ctx, c.Player, len(opened.At))
		if err != nil {
			return nil, err
		}
		if len(opened.At) >= room {
			return nil, muster.LimitExceeded(opened.At[0].Add(challengeLife).Sub(now))
		}
		opened.At = append(opened.At, now)
		c.Until = now.Add(challengeLife)
		count, err := recordOp(openedKey(c.Address), version, opened, c.Until)
		if err != nil {
			return nil, err
		}
		op, err := recordOp(challengeKey(session), 0, c, c.Until)
		return []muster.Op{count, op}, err
	})
	return session, err
}

// room is how many challenges an account may have open, of which some are.
func (f *Factors) room(ctx context.Context, player muster.PlayerID, open int) (int, error) {
	if open < openChallenges || !muster.ClientFrom(ctx).NamesDevice() {
		return openChallenges, nil
	}
	signedIn, err := f.devices.isSignedIn(ctx, player)
	if signedIn {
		return openChallenges + openByDevices, err
	}
	return openChallenges, err
}

// readRecord reads a JSON record of the store.
func readRecord[T any](ctx context.Context, store muster.Store, key muster.Key) (value T, version int64, err error) {
	rec, err := store.Get(ctx, key)
	if err != nil {
		return value, 0, fmt.Errorf("read %s: %w", key.Redacted(), err)
	}
	if err := json.Unmarshal(rec.Value, &value); err != nil {
		return value, 0, fmt.Errorf("decode %s: %w", key.Redacted(), err)
	}
	return value, rec.Version, nil
}

// challenge reads a challenge. One that is unknown, over or answered too often is refused.
func (f *Factors) challenge(ctx context.Context, key muster.Key) (c factorChallenge, version int64, err error) {
	c, version, err = readRecord[factorChallenge](ctx, f.o.Store, key)
	switch {
	case errors.Is(err, muster.ErrNotFound):
		return factorChallenge{}, 0, errChallengeRefused()
	case err == nil && (!f.o.Now().Before(c.Until) || c.Tries >= maxAnswers):
		return factorChallenge{}, 0, errChallengeRefused()
	}
	return c, version, err
}

// countTry uses up one of a challenge's answers, before it is looked at: so answers at once
// are no more than answers in a row.
func (f *Factors) countTry(ctx context.Context, key muster.Key) (c factorChallenge, err error) {
	err = muster.Change(ctx, f.o.Store, func(ctx context.Context) ([]muster.Op, error) {
		var version int64
		if c, version, err = f.challenge(ctx, key); err != nil {
			return nil, err
		}
		c.Tries++
		op, err := recordOp(key, version, c, c.Until)
		return []muster.Op{op}, err
	})
	return c, err
}

// closing takes a challenge away, in one Write with what else belongs to a right answer. One
// that is gone meanwhile was answered.
func (f *Factors) closing(key muster.Key, also muster.Along) muster.Along {
	return func(ctx context.Context) ([]muster.Op, error) {
		_, version, err := readRecord[factorChallenge](ctx, f.o.Store, key)
		if errors.Is(err, muster.ErrNotFound) {
			return nil, errChallengeRefused()
		}
		if err != nil {
			return nil, err
		}
		ops, err := also(ctx)
		return append(ops, muster.Op{Kind: muster.Delete, Key: key, Version: version}), err
	}
}

// factorUse is what follows from a right answer.
type factorUse struct {
	// then makes what is kept from then on; nil: it stays.
	then  func(next *muster.SecondFactor) *muster.SecondFactor
	event muster.AuditEvent // empty: nothing is recorded but a recovery code
	about mail.Topic        // with event; empty: nobody is written to but of a recovery code
}

// factorGuesses is what wrong answers are counted under, apart from wrong passwords: a right
// password is no reason to forget them.
const factorGuesses = "email+factor"

// answer judges the answer to a challenge. A code and a recovery code work once, and so does
// the challenge: all in one Write with what follows.
func (f *Factors) answer(ctx context.Context, session string, said muster.FactorAnswer, use factorUse) error {
	key := challengeKey(session)
	c, _, err := f.challenge(ctx, key)
	if err != nil {
		return err
	}
	if c.SetUp {
		return errChallengeRefused()
	}
	id := emailIdentity(c.Address)
	known := func(ctx context.Context) (bool, error) { return f.devices.isKnown(ctx, id) }
	err = f.o.Limits.Guess(ctx, muster.Identity{Provider: factorGuesses, Subject: c.Address}, known, func(ctx context.Context) error {
		if c, err = f.countTry(ctx, key); err != nil {
			return err
		}
		return f.accept(ctx, key, c, said, use)
	})
	if err != nil && muster.KindOf(err) == muster.Unauthenticated && c.Tries == maxAnswers {
		f.tellRefused(ctx, c)
	}
	return err
}

// accept uses up what was said, if it is right.
func (f *Factors) accept(ctx context.Context, key muster.Key, c factorChallenge, said muster.FactorAnswer, use factorUse) error {
	post := func() {}
	recovered := false
	_, err := f.o.Accounts.ChangeFactor(ctx, c.Player, emailIdentity(c.Address), muster.FactorChange{
		Change: func(ctx context.Context, was *muster.SecondFactor) (next *muster.SecondFactor, err error) {
			if next, recovered, err = f.used(ctx, was, said); err != nil {
				return nil, err
			}
			if use.then != nil {
				next = use.then(next)
			}
			return next, nil
		},
		Along: func(ctx context.Context) ([]muster.Op, error) {
			var along muster.Along
			along, post = f.afterwards(c, recovered, use)
			return f.closing(key, along)(ctx)
		},
		By: c.opening().ref(),
	})
	if err != nil {
		return wayGoneInstead(err)
	}
	post()
	return nil
}

// afterwards is what is recorded of a right answer, and whom it is told.
func (f *Factors) afterwards(c factorChallenge, recovered bool, use factorUse) (along muster.Along, post func()) {
	var events []muster.AuditEvent
	about := use.about
	if recovered {
		events = append(events, muster.AuditRecoveryUsed)
		if about == "" {
			about = mail.RecoveryUsed
		}
	}
	if use.event != "" {
		events = append(events, use.event)
	}
	if len(events) == 0 {
		return nothing, func() {}
	}
	return f.telling(c.Player, c.Address, about, events...)
}

// used is a second factor after a right answer.
func (f *Factors) used(ctx context.Context, was *muster.SecondFactor, said muster.FactorAnswer) (next *muster.SecondFactor, recovered bool, err error) {
	if was == nil { // taken away meanwhile
		return nil, false, errChallengeRefused()
	}
	after := *was
	if said.RecoveryCode != "" {
		left, right := withoutRecoveryCode(was.Codes, said.RecoveryCode)
		if !right {
			return nil, false, errFactorRefused()
		}
		after.Codes = left
		return &after, true, nil
	}
	secret, err := f.o.Seal.open(ctx, was.Key, was.Sealed)
	if err != nil {
		return nil, false, err
	}
	step, right := totpMatch(secret, said.Code, f.o.Now(), was.Step)
	if !right {
		return nil, false, errFactorRefused()
	}
	after.Step = step
	return &after, false, nil
}

// tellRefused records that a challenge has ended by wrong answers, and tells the owner: whoever
// gave them knows the password.
func (f *Factors) tellRefused(ctx context.Context, c factorChallenge) {
	along, post := f.telling(c.Player, c.Address, mail.FactorRefused, muster.AuditFactorRefused)
	if err := muster.Change(ctx, f.o.Store, along); err != nil {
		f.o.Log.WarnContext(ctx, "wrong codes after a right password are not recorded", "player", c.Player, "error", err)
		return
	}
	post()
}

func errChallengeRefused() error {
	return muster.Errorf(muster.Unauthenticated, "challenge.invalid", "this challenge is over, or was answered: sign in again")
}

func errFactorRefused() error {
	return muster.Errorf(muster.Unauthenticated, "factor.refused", "this code is wrong, or was used")
}
