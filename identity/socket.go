package identity

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"muster"
)

// A socket ticket says by itself for whom it is and until when, sealed, so that nothing
// is kept of one that is never used: in a URL it may end up in a log, and tells no reader
// anything. What is recorded is its use. Its text is base64url of 16 random bytes and of
// the sealed text; the random bytes make a key that seals nothing else.

const (
	// maxSocketTicket bounds the text of a socket ticket, in bytes; ours have some 230.
	maxSocketTicket = 512
	socketSaltBytes = 16
	// usedFor is how long the use of a ticket is remembered after its end: the clock of
	// another replica may be that much behind.
	usedFor = 10 * time.Minute
	// socketPurpose is what the secrets that seal tickets are derived for.
	socketPurpose = "socket tickets"
)

// socketTicket is what a socket ticket says.
type socketTicket struct {
	Player    muster.PlayerID `json:"p"`
	Scope     muster.Scope    `json:"s"`
	Family    string          `json:"f"`
	ExpiresAt int64           `json:"e"` // epoch milliseconds
	SignedIn  int64           `json:"a"` // epoch seconds; 0: not known
}

// usedTicket is the record that a ticket was used.
type usedTicket struct {
	Player muster.PlayerID `json:"player"`
}

func usedTicketKey(salt []byte) muster.Key {
	return muster.Key{Partition: "WT#" + hex.EncodeToString(salt), Sort: "T"}
}

// SocketTicket makes a ticket that opens one realtime socket for the caller within ttl.
// It is the one credential that may stand in a URL.
func (s *Service) SocketTicket(ctx context.Context, caller muster.Caller) (ticket string, ttl time.Duration, err error) {
	if caller.Player == "" {
		return "", 0, muster.Errorf(muster.Denied, "socket_ticket.player_only", "only a player can open a realtime socket")
	}
	if err := s.limits.Spend(ctx, muster.ActTicket); err != nil {
		return "", 0, err
	}
	content := socketTicket{
		Player: caller.Player, Scope: caller.Scope, Family: caller.Family, ExpiresAt: s.now().Add(socketTicketTTL).UnixMilli(),
	}
	if !caller.SignedInAt.IsZero() {
		content.SignedIn = caller.SignedInAt.Unix()
	}
	text, err := json.Marshal(content)
	if err != nil {
		return "", 0, fmt.Errorf("encode socket ticket: %w", err)
	}
	secrets, err := s.keys.At(s.now()).Derive(socketPurpose)
	if err != nil {
		return "", 0, err
	}
	salt := make([]byte, socketSaltBytes, maxSocketTicket)
	if _, err := io.ReadFull(s.random, salt); err != nil {
		return "", 0, fmt.Errorf("draw a socket ticket: %w", err)
	}
	seal, nonce, err := socketSeal(secrets[0], salt)
	if err != nil {
		return "", 0, err
	}
	return base64.RawURLEncoding.EncodeToString(seal.Seal(salt, nonce, text, nil)), socketTicketTTL, nil
}

// socketSeal is the cipher of one ticket. Its key is used once, so its nonce is zero.
func socketSeal(secret Derived, salt []byte) (seal cipher.AEAD, nonce []byte, err error) {
	key, err := hkdf.Key(sha256.New, secret.Secret, salt, "muster socket ticket", sha256.Size)
	if err != nil {
		return nil, nil, fmt.Errorf("derive the key of a socket ticket: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, fmt.Errorf("prepare the cipher of a socket ticket: %w", err)
	}
	if seal, err = cipher.NewGCM(block); err != nil {
		return nil, nil, fmt.Errorf("prepare the cipher of a socket ticket: %w", err)
	}
	return seal, make([]byte, seal.NonceSize()), nil
}

// openTicket reads a ticket of our making; ok is false for any other.
func (s *Service) openTicket(text string) (t socketTicket, salt []byte, ok bool, err error) {
	if len(text) > maxSocketTicket {
		return socketTicket{}, nil, false, nil
	}
	body, malformed := base64.RawURLEncoding.DecodeString(text)
	if ok := malformed == nil && len(body) >= socketSaltBytes; !ok {
		return socketTicket{}, nil, false, nil
	}
	salt, sealed := body[:socketSaltBytes], body[socketSaltBytes:]
	secrets, err := s.keys.At(s.now()).Derive(socketPurpose)
	if err != nil {
		return socketTicket{}, nil, false, err
	}
	for _, secret := range secrets {
		seal, nonce, err := socketSeal(secret, salt)
		if err != nil {
			return socketTicket{}, nil, false, err
		}
		plain, err := seal.Open(nil, nonce, sealed, nil)
		if err != nil {
			continue // sealed by another key, or by nobody
		}
		if err := json.Unmarshal(plain, &t); err != nil {
			return socketTicket{}, nil, false, fmt.Errorf("decode socket ticket: %w", err)
		}
		return t, salt, true, nil
	}
	return socketTicket{}, nil, false, nil
}

// RedeemSocketTicket takes a ticket, once, and says who made it. A ticket that is
// unknown, used or too old is Unauthenticated.
func (s *Service) RedeemSocketTicket(ctx context.Context, ticket string) (muster.Caller, error) {
	t, salt, ok, err := s.openTicket(ticket)
	if err != nil {
		return muster.Caller{}, err
	}
	expiresAt := time.UnixMilli(t.ExpiresAt)
	if !ok || !s.now().Before(expiresAt) {
		return muster.Caller{}, errTicketRefused()
	}
	body, err := json.Marshal(usedTicket{Player: t.Player})
	if err != nil {
		return muster.Caller{}, fmt.Errorf("encode the use of a socket ticket: %w", err)
	}
	err = s.store.Write(ctx, muster.Op{Kind: muster.Put, Key: usedTicketKey(salt), Value: body, ExpiresAt: expiresAt.Add(usedFor)})
	if errors.Is(err, muster.ErrConflict) {
		return muster.Caller{}, errTicketRefused() // it was used
	}
	if err != nil {
		return muster.Caller{}, fmt.Errorf("take socket ticket: %w", err)
	}
	caller := muster.Caller{Player: t.Player, Scope: t.Scope, Family: t.Family}
	if t.SignedIn != 0 {
		caller.SignedInAt = time.Unix(t.SignedIn, 0).UTC()
	}
	return caller, nil
}

func errTicketRefused() *muster.Error {
	return muster.Errorf(muster.Unauthenticated, "socket_ticket.invalid", "this socket ticket is unknown, used or too old: ask for a new one")
}
