package identity

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster"
	"muster/mail"
)

// mailUse is what a code that was sent by mail is good for.
type mailUse string

const (
	useSignUp mailUse = "signUp" // makes a player
	useLink   mailUse = "link"   // adds the address to a player
	useReset  mailUse = "reset"  // sets another password
	useMove   mailUse = "move"   // replaces a player's address
)

// room is where the letters of a use wait to be sent. Whoever has no address here yet, which
// anybody can be, has but a part of the outbox.
func (u mailUse) room() mail.Room {
	if u == useSignUp || u == useLink {
		return mail.SignUps
	}
	return mail.Codes
}

// mailRequest is what waits for a code to come back. Whoever knows the id and the code
// read the answer of the call and the mail. One that is dead looks like others: no code
// is right.
type mailRequest struct {
	Use     mailUse         `json:"use"`
	Address string          `json:"address"`
	Secret  []byte          `json:"secret,omitempty"` // hash of the password to be: signUp, link
	Player  muster.PlayerID `json:"player,omitempty"` // link, reset, move
	Dead    bool            `json:"dead,omitempty"`
	// Owner is whose its letters are: of the player who has the address, or is to have it.
	Owner   muster.MailOwner `json:"owner,omitempty"`
	About   mail.Topic       `json:"about"`           // of its letter; empty: nobody is written to
	Tries   int              `json:"tries,omitempty"` // that were wrong, or are under way
	Letters int              `json:"letters"`
	Until   time.Time        `json:"until"`
}

// Bounds of a request.
const (
	maxTries   = 5 // wrong codes; of 2^40 possible ones
	maxLetters = 3 // the first and two more
)

const mailRequestPartition = "MAILCODE#"

// mailRequestName is how the id of a request stands in keys: whoever reads them does not
// have it.
func mailRequestName(id string) string { return hex.EncodeToString(hashText(id)) }

func mailRequestKey(id string) muster.Key {
	return muster.Key{Partition: mailRequestPartition + mailRequestName(id), Sort: "M"}
}

// open keeps a new request and has its letter sent.
func (p *Passwords) open(ctx context.Context, r mailRequest, life time.Duration) (muster.CodeSent, error) {
	if err := p.limits.Spend(ctx, muster.ActMail); err != nil {
		return muster.CodeSent{}, err
	}
	id, err := newSecretText(p.random)
	if err != nil {
		return muster.CodeSent{}, err
	}
	r.Letters, r.Until = 1, p.now().UTC().Add(life)
	if r.Dead {
		r.Secret = nil // nobody will have it
	}
	listed, err := p.listing(id, r)
	if err != nil {
		return muster.CodeSent{}, err
	}
	err = p.send(ctx, id, func(context.Context) (mailRequest, int64, error) { return r, 0, nil }, listed)
	return muster.CodeSent{ID: id, ExpiresInSeconds: int(life / time.Second)}, err
}

// Resend has the letter of a request sent once more, with the same code.
func (p *Passwords) Resend(ctx context.Context, id string) error {
	if err := p.limits.Spend(ctx, muster.ActMail); err != nil {
		return err
	}
	return p.send(ctx, id, func(ctx context.Context) (mailRequest, int64, error) {
		r, version, err := p.request(ctx, id)
		if err == nil && r.Tries >= maxTries {
			err = errCodeRefused()
		}
		if err == nil && r.Letters >= maxLetters {
			err = muster.Errorf(muster.Exhausted, "email.too_many", "the code was sent %d times: look for it among unwanted mail, or start again", maxLetters)
		}
		r.Letters++
		return r, version, err
	})
}

// send stores a request as next answers it, with its letter, in one Write. An address that
// was written to often enough is left alone, and nobody can tell. along is in the same Write.
func (p *Passwords) send(ctx context.Context, id string, next func(ctx context.Context) (mailRequest, int64, error), along ...muster.Op) error {
	var post func()
	err := muster.Change(ctx, p.store, func(ctx context.Context) ([]muster.Op, error) {
		r, version, err := next(ctx)
		if err != nil {
			return nil, err
		}
		from, err := p.source(ctx, r)
		if err != nil {
			return nil, err
		}
		may, count, err := p.count(ctx, r.Address, r.Use.kind(), from)
		if err != nil {
			return nil, err
		}
		letter := mail.Letter{To: r.Address, About: r.About, Owner: r.Owner, Until: r.Until, Room: r.Use.room()}
		if !r.Dead {
			letter.Ref = id
		}
		if !may || r.About == "" {
			letter.To = ""
		}
		letterOp, send, err := p.outbox.Post(letter)
		if err != nil {
			return nil, err
		}
		post = send
		request, err := recordOp(mailRequestKey(id), version, r, r.Until)
		return append([]muster.Op{request, letterOp, count}, along...), err
	})
	if err != nil {
		return err
	}
	post()
	return nil
}

// recordOp is the op that stores a value in place of a version, until it is over.
func recordOp(key muster.Key, version int64, value any, until time.Time) (muster.Op, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return muster.Op{}, fmt.Errorf("encode %s: %w", key.Redacted(), err)
	}
	return muster.Op{Kind: muster.Put, Key: key, Value: body, Version: version, ExpiresAt: until.Add(time.Second)}, nil
}

// request reads what waits for a code. What is unknown or over is refused.
func (p *Passwords) request(ctx context.Context, id string) (r mailRequest, version int64, err error) {
	rec, err := p.store.Get(ctx, mailRequestKey(id))
	if errors.Is(err, muster.ErrNotFound) {
		return mailRequest{}, 0, errCodeRefused()
	}
	if err != nil {
		return mailRequest{}, 0, fmt.Errorf("read a request for a code: %w", err)
	}
	if err := json.Unmarshal(rec.Value, &r); err != nil {
		return mailRequest{}, 0, fmt.Errorf("decode a request for a code: %w", err)
	}
	if !p.now().Before(r.Until) {
		return mailRequest{}, 0, errCodeRefused()
	}
	return r, rec.Version, nil
}

// proven is a request whose code came back.
type proven struct {
	mailRequest
	id     string
	byLink bool
}

// proving is what else has to be true of a request, besides its code; nil: nothing.
type proving func(proven) (bool, error)

// prove checks what somebody read in a mail, for one of the uses. The try is used up before
// anything is compared, so that guesses at once are no more than guesses in a row, and given
// back unless something was wrong: usedUp is for the Write that acts on it.
func (p *Passwords) prove(ctx context.Context, proof muster.MailProof, also proving, uses ...mailUse) (proven, error) {
	id, secret := proof.ID, proof.Code
	byLink := proof.Token != ""
	if byLink {
		id, secret, _ = strings.Cut(proof.Token, ".")
	}
	if len(id) > maxProofField || len(secret) > maxProofField {
		return proven{}, errCodeRefused()
	}
	r, err := p.countTry(ctx, id, 1)
	if err != nil {
		return proven{}, err
	}
	was := proven{r, id, byLink}
	right, err := p.isProof(was, secret)
	right = right && !r.Dead && slices.Contains(uses, r.Use)
	if err == nil && right && also != nil {
		right, err = also(was)
	}
	if err == nil && !right {
		return proven{}, errCodeRefused()
	}
	if _, back := p.countTry(ctx, id, -1); err == nil {
		err = back
	}
	return was, err
}

// isProof says whether a secret is the code of a request, or that of its link.
func (p *Passwords) isProof(r proven, secret string) (bool, error) {
	if r.byLink {
		return p.codes.isLink(r.id, secret)
	}
	return p.codes.isCode(r.id, secret)
}

// countTry uses up one of a request's tries, or gives one back with -1. A request that has
// none left is refused; it stays until it is over, for a try that is under way.
func (p *Passwords) countTry(ctx context.Context, id string, change int) (r mailRequest, err error) {
	err = muster.Change(ctx, p.store, func(ctx context.Context) ([]muster.Op, error) {
		var version int64
		if r, version, err = p.request(ctx, id); err != nil {
			return nil, err
		}
		if change > 0 && r.Tries >= maxTries {
			return nil, errCodeRefused()
		}
		r.Tries = max(0, r.Tries+change)
		op, err := recordOp(mailRequestKey(id), version, r, r.Until)
		return []muster.Op{op}, err
	})
	return r, err
}

// usedUp is the op that takes a request away; one that is gone meanwhile is refused.
func (p *Passwords) usedUp(ctx context.Context, id string) (muster.Op, error) {
	_, version, err := p.request(ctx, id)
	return muster.Op{Kind: muster.Delete, Key: mailRequestKey(id), Version: version}, err
}

func errCodeRefused() error {
	return muster.Errorf(muster.Unauthenticated, string(CredentialInvalid), "this code is wrong, was used or has expired: ask for another")
}
