package identity

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"muster"
)

// maxSocketTicket bounds the text of a socket ticket, in bytes; ours have 43.
const maxSocketTicket = 128

// socketTicket is the record behind a socket ticket.
type socketTicket struct {
	Player    muster.PlayerID `json:"player"`
	Scope     muster.Scope    `json:"scope"`
	Family    string          `json:"family"`
	ExpiresAt time.Time       `json:"expiresAt"`
}

// socketTicketKey is derived from the hash: whoever reads the store learns no ticket.
func socketTicketKey(ticket string) muster.Key {
	return muster.Key{Partition: "WT#" + hex.EncodeToString(hashText(ticket)), Sort: "T"}
}

// SocketTicket makes a ticket that opens one realtime socket for the caller within ttl.
// It is the one credential that may stand in a URL.
func (s *Service) SocketTicket(ctx context.Context, caller muster.Caller) (ticket string, ttl time.Duration, err error) {
	if caller.Player == "" {
		return "", 0, muster.Errorf(muster.Denied, "socket_ticket.player_only", "only a player can open a realtime socket")
	}
	ticket, err = newSecretText(s.random)
	if err != nil {
		return "", 0, err
	}
	expiresAt := s.now().UTC().Add(socketTicketTTL)
	body, err := json.Marshal(socketTicket{Player: caller.Player, Scope: caller.Scope, Family: caller.Family, ExpiresAt: expiresAt})
	if err != nil {
		return "", 0, fmt.Errorf("encode socket ticket: %w", err)
	}
	// The store counts in seconds, so it may forget the record one later.
	op := muster.Op{Kind: muster.Put, Key: socketTicketKey(ticket), Value: body, ExpiresAt: expiresAt.Add(time.Second)}
	if err := s.store.Write(ctx, op); err != nil {
		return "", 0, fmt.Errorf("keep socket ticket: %w", err)
	}
	return ticket, socketTicketTTL, nil
}

// RedeemSocketTicket takes a ticket, once, and says who made it. A ticket that is
// unknown, used or too old is Unauthenticated.
func (s *Service) RedeemSocketTicket(ctx context.Context, ticket string) (muster.Caller, error) {
	if ticket == "" || len(ticket) > maxSocketTicket {
		return muster.Caller{}, errTicketRefused()
	}
	key := socketTicketKey(ticket)
	rec, err := s.store.Get(ctx, key)
	if errors.Is(err, muster.ErrNotFound) {
		return muster.Caller{}, errTicketRefused()
	}
	if err != nil {
		return muster.Caller{}, fmt.Errorf("read socket ticket: %w", err)
	}
	var t socketTicket
	if err := json.Unmarshal(rec.Value, &t); err != nil {
		return muster.Caller{}, fmt.Errorf("decode socket ticket: %w", err)
	}
	err = s.store.Write(ctx, muster.Op{Kind: muster.Delete, Key: key, Version: rec.Version})
	if errors.Is(err, muster.ErrConflict) {
		return muster.Caller{}, errTicketRefused() // someone else was faster
	}
	if err != nil {
		return muster.Caller{}, fmt.Errorf("take socket ticket: %w", err)
	}
	if !s.now().Before(t.ExpiresAt) {
		return muster.Caller{}, errTicketRefused()
	}
	return muster.Caller{Player: t.Player, Scope: t.Scope, Family: t.Family}, nil
}

func errTicketRefused() *muster.Error {
	return muster.Errorf(muster.Unauthenticated, "socket_ticket.invalid", "this socket ticket is unknown, used or too old: ask for a new one")
}
