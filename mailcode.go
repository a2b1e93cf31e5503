package muster

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"
)

// CodeSent is the answer of whatever has a code sent by mail. It is the same whether
// anybody has an account with the address.
type CodeSent struct {
	ID               string `json:"id"` // to be shown with the code
	ExpiresInSeconds int    `json:"expiresInSeconds"`
}

// MailProof is what somebody read in a mail: a code, with the id of what asked for it, or
// the token of a link alone.
type MailProof struct {
	ID, Code string
	Token    string
}

// MailOwner is whose a letter or a mailed code is, as records keep it: a hash.
type MailOwner string

// MailOfPlayer is what belongs to a player, whatever address it goes to.
func MailOfPlayer(p PlayerID) MailOwner { return mailOwner("player", string(p)) }

// MailOfAddress is what belongs to an address that leads to no player yet.
func MailOfAddress(address string) MailOwner { return mailOwner("address", address) }

func mailOwner(kind, of string) MailOwner {
	sum := sha256.Sum256([]byte(kind + "\x00" + of))
	return MailOwner(base64.RawURLEncoding.EncodeToString(sum[:16]))
}

// TakeBackMails takes back what waits for an owner who is gone: letters that are not sent, and
// codes that nobody brought. before leaves alone what came to be at that instant or later; zero:
// nothing is left alone. It may be repeated.
type TakeBackMails func(ctx context.Context, owner MailOwner, before time.Time) error
