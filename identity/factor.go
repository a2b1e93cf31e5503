package identity

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"muster"
	"muster/mail"
)

// FactorMode says who signs in by e-mail and password with a second factor.
type FactorMode string

// The modes; empty is FactorsOptional. Whoever has a second factor is asked for it in each of
// them.
const (
	FactorsOff      FactorMode = "off"      // nobody sets one up
	FactorsOptional FactorMode = "optional" // who wants to
	FactorsRequired FactorMode = "required" // everybody: who has none sets it up to sign in
)

// FactorKeeper is where second factors are kept; *muster.Backend has it.
type FactorKeeper interface {
	Finder
	ChangeFactor(ctx context.Context, p muster.PlayerID, id muster.Identity, change muster.FactorChange) (muster.WayMark, error)
	TakeFactorAway(ctx context.Context, p muster.PlayerID, along func(muster.Identity) muster.Along) error
}

// FactorOptions is what Factors needs. All of it is required but what says otherwise.
type FactorOptions struct {
	Accounts FactorKeeper
	Store    muster.Store
	Seal     *FactorSeal
	Outbox   Outbox
	Limits   muster.Limits // nil: nobody is slowed down but by what is said in challenges
	Mode     FactorMode
	Game     string // what authenticator apps show
	Now      func() time.Time
	Random   io.Reader
	Log      *slog.Logger
}

// Factors asks those who sign in by e-mail and password for a second factor. The answer to
// every question is used up before it is compared, and counted: in the challenge, with the
// account, and by muster.Limits.
type Factors struct {
	o       FactorOptions
	devices passwordChecker // knows the devices of an address
}

// NewFactors makes Factors.
func NewFactors(o FactorOptions) *Factors {
	if o.Limits == nil {
		o.Limits = muster.NoLimits{}
	}
	return &Factors{o: o, devices: passwordChecker{accounts: o.Accounts, store: o.Store}}
}

// of is a way in with its second factor, if it has one. Nil Factors, and who has no such way
// in, have none.
func (f *Factors) of(ctx context.Context, id muster.Identity) (muster.Way, error) {
	if f == nil {
		return muster.Way{}, nil
	}
	way, err := f.o.Accounts.FindWay(ctx, id)
	if known, err := found(err); !known {
		return muster.Way{}, err
	}
	return way, nil
}

// asks says which challenge follows a right password, by what its way in has; empty: none does.
func (f *Factors) asks(has *muster.SecondFactor) (challenge string) {
	switch {
	case f == nil:
		return ""
	case has != nil:
		return muster.ChallengeCode
	case f.o.Mode == FactorsRequired:
		return muster.ChallengeSetUp
	}
	return ""
}

// ask opens a challenge for who has shown the right password.
func (f *Factors) ask(ctx context.Context, challenge string, o opening) (*muster.FactorChallenge, error) {
	session, err := f.openChallenge(ctx, factorChallenge{
		Player: o.player, Address: o.way.Subject, SetUp: challenge == muster.ChallengeSetUp, ProvenAt: o.proven, Mark: o.mark,
	})
	if err != nil {
		return nil, err
	}
	return &muster.FactorChallenge{Name: challenge, Session: session, ExpiresInSeconds: int(challengeLife / time.Second)}, nil
}

// prove judges an answer that comes together with the right password, where there is no
// second call: as a proof.
func (f *Factors) prove(ctx context.Context, who holder, said muster.FactorAnswer) error {
	switch f.asks(who.Factor) {
	case "":
		return nil
	case muster.ChallengeSetUp:
		return muster.Errorf(muster.Denied, "factor.not_set_up", "a second factor has to be set up first: sign in at POST /v1/auth/login/email")
	}
	return f.useNow(ctx, who.Way, who.id, said, factorUse{})
}

// useNow opens a challenge and answers it.
func (f *Factors) useNow(ctx context.Context, way muster.Way, id muster.Identity, said muster.FactorAnswer, use factorUse) error {
	if said == (muster.FactorAnswer{}) {
		return muster.Errorf(muster.Denied, "factor.required", "this account has a second factor: send a code of the authenticator app too, or a recovery code")
	}
	session, err := f.openChallenge(ctx, factorChallenge{Player: way.Player, Address: id.Subject, ProvenAt: f.o.Now().UTC(), Mark: way.Mark})
	if err != nil {
		return err
	}
	return f.answer(ctx, session, said, use)
}

// setUp keeps a new secret until its first code comes back, in the place of one that was kept
// there. It is on only then.
func (f *Factors) setUp(ctx context.Context, key muster.Key, c factorChallenge, version int64) (muster.FactorSetUp, error) {
	secret := make([]byte, totpSecretBytes)
	if _, err := io.ReadFull(f.o.Random, secret); err != nil {
		return muster.FactorSetUp{}, err
	}
	var err error
	if c.Key, c.Sealed, err = f.o.Seal.seal(ctx, secret); err != nil {
		return muster.FactorSetUp{}, err
	}
	op, err := recordOp(key, version, c, c.Until)
	if err == nil {
		err = f.o.Store.Write(ctx, op)
	}
	if errors.Is(err, muster.ErrConflict) {
		return muster.FactorSetUp{}, errChallengeRefused()
	}
	return muster.FactorSetUp{
		Secret: totpText(secret), URI: totpURI(secret, f.o.Game, c.Address),
		ExpiresInSeconds: int(c.Until.Sub(f.o.Now()) / time.Second),
	}, err
}

// setUpFor is setUp for a player who is signed in.
func (f *Factors) setUpFor(ctx context.Context, player muster.PlayerID, id muster.Identity) (muster.FactorSetUp, error) {
	way, err := f.of(ctx, id)
	if err != nil {
		return muster.FactorSetUp{}, err
	}
	if way.Factor != nil {
		return muster.FactorSetUp{}, errFactorThere()
	}
	c := factorChallenge{Player: player, Address: id.Subject, SetUp: true, Mark: way.Mark, Until: f.o.Now().UTC().Add(setUpLife)}
	return f.setUp(ctx, setUpKey(player), c, muster.AnyVersion)
}

// turnedOn is what comes of turning a second factor on.
type turnedOn struct {
	codes []string       // for recovery
	mark  muster.WayMark // that the way in has from then on
}

// turnOn turns a second factor on whose secret was set up, once its first code comes back. Every
// sign-in ends but for keep; empty: none is kept, since the one that does it is only being opened.
func (f *Factors) turnOn(ctx context.Context, key muster.Key, code, keep string) (done turnedOn, err error) {
	c, err := f.countTry(ctx, key)
	if err != nil {
		return turnedOn{}, err
	}
	if !c.SetUp || len(c.Sealed) == 0 {
		return turnedOn{}, muster.Errorf(muster.Conflict, "factor.not_set_up", "get a secret for an authenticator app first")
	}
	secret, err := f.o.Seal.open(ctx, c.Key, c.Sealed)
	if err != nil {
		return turnedOn{}, err
	}
	step, right := totpMatch(secret, code, f.o.Now(), 0)
	if !right {
		return turnedOn{}, errFactorRefused()
	}
	var hashes [][]byte
	if done.codes, hashes, err = newRecoveryCodes(f.o.Random); err != nil {
		return turnedOn{}, err
	}
	made := &muster.SecondFactor{Since: f.o.Now().UTC().Truncate(time.Millisecond), Key: c.Key, Sealed: c.Sealed, Step: step, Codes: hashes}
	tell, post := f.telling(c.Player, c.Address, mail.FactorOn, muster.AuditFactorOn)
	done.mark, err = f.o.Accounts.ChangeFactor(ctx, c.Player, emailIdentity(c.Address), muster.FactorChange{
		Change: func(_ context.Context, was *muster.SecondFactor) (*muster.SecondFactor, error) {
			if was != nil {
				return nil, errFactorThere()
			}
			return made, nil
		},
		Along: f.closing(key, tell), By: c.opening().ref(), SignOut: true, Keep: keep,
	})
	if err != nil {
		return turnedOn{}, wayGoneInstead(err)
	}
	post()
	return done, nil
}

// takeAway takes a lost second factor away, for an operator.
func (f *Factors) takeAway(ctx context.Context, player muster.PlayerID) error {
	post := func() {}
	err := f.o.Accounts.TakeFactorAway(ctx, player, func(id muster.Identity) muster.Along {
		var along muster.Along
		along, post = f.telling(player, id.Subject, mail.FactorOff, muster.AuditFactorOff)
		return along
	})
	if err == nil {
		post()
	}
	return err
}

// telling gives what records events and, about one of them, writes to the owner, as part of a
// Write, and what is to be called after it.
func (f *Factors) telling(player muster.PlayerID, address string, about mail.Topic, events ...muster.AuditEvent) (along muster.Along, post func()) {
	send := func() {}
	kind := kindNotice
	if about == mail.FactorRefused { // as many as somebody wants: they use up no other letters
		kind = kindFactor
	}
	along = func(ctx context.Context) ([]muster.Op, error) {
		now := f.o.Now().UTC()
		audits := make([]muster.Audit, len(events))
		for i, event := range events {
			audits[i] = muster.Audit{Player: player, Event: event}
		}
		ops, err := muster.AuditOps(ctx, now, audits...)
		if err != nil {
			return nil, err
		}
		may, count, err := countLetter(ctx, f.o.Store, now, lettersKey(address, kind), source{})
		if err != nil {
			return nil, err
		}
		notice := mail.Letter{To: address, About: about, Owner: muster.MailOfPlayer(player), Until: now.Add(noticeLife), Room: mail.Notices}
		if !may {
			notice.To = ""
		}
		letter, sending, err := f.o.Outbox.Post(notice)
		send = sending
		return append(ops, letter, count), err
	}
	return along, func() { send() }
}

// wayGoneInstead says of a way in that does not lead to the player any more what may be known.
func wayGoneInstead(err error) error {
	if err != nil && muster.KindOf(err) == muster.NotFound {
		return errChallengeRefused()
	}
	return err
}

// on says that second factors may be set up.
func (f *Factors) on() bool { return f != nil && f.o.Mode != FactorsOff }

func errFactorsOff() error {
	return muster.Errorf(muster.Denied, "factor.off", "second factors are not switched on here")
}

func errFactorThere() error {
	return muster.Errorf(muster.Conflict, "factor.exists", "there is a second factor already: take it away first")
}
