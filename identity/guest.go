package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"regexp"

	"muster"
)

// Bounds on what a guest may present.
const maxGuestSecret = 256 // bytes; ours have 43

var guestID = regexp.MustCompile(`^[a-zA-Z0-9-]{1,64}$`)

// Guest signs a guest in. Nil or a guest without id makes a new one: the answer then
// holds the secret, once. An unknown id and a wrong secret are the same
// Unauthenticated error after the same work.
func (s *Service) Guest(ctx context.Context, guest *muster.Guest) (muster.Grant, error) {
	if guest == nil || guest.ID == "" {
		return s.newGuest(ctx)
	}
	return s.knownGuest(ctx, *guest, func(muster.PlayerID) bool { return true })
}

// GuestOf signs a known guest in for a client that names the player as well. Somebody
// else's id and secret are refused like wrong ones, and open no sign-in.
func (s *Service) GuestOf(ctx context.Context, player muster.PlayerID, guest muster.Guest) (muster.Grant, error) {
	return s.knownGuest(ctx, guest, func(found muster.PlayerID) bool { return found == player })
}

// knownGuest signs a guest in whose player is the one wanted.
func (s *Service) knownGuest(ctx context.Context, guest muster.Guest, wanted func(muster.PlayerID) bool) (muster.Grant, error) {
	if err := s.begin(ctx, muster.ActSignIn); err != nil {
		return muster.Grant{}, err
	}
	proven := s.instant() // before it is looked at
	player, err := s.findGuest(ctx, guest)
	if err != nil {
		return muster.Grant{}, err
	}
	if player == "" || !wanted(player) {
		return muster.Grant{}, errGuestRefused()
	}
	// The scope is that of a guest until it is looked whether there are other ways in, at the end.
	grant, err := s.grant(ctx, opening{player: player, scope: muster.GuestScope, way: guestIdentity(guest.ID), proven: proven})
	if err != nil {
		return muster.Grant{}, goneOr(err, errGuestRefused())
	}
	grant.Guest = &muster.Guest{ID: guest.ID}
	return grant, nil
}

func (s *Service) newGuest(ctx context.Context) (muster.Grant, error) {
	if err := s.begin(ctx, muster.ActGuest); err != nil {
		return muster.Grant{}, err
	}
	secret, err := newSecretText(s.random)
	if err != nil {
		return muster.Grant{}, err
	}
	id := s.newID()
	player, created, err := s.accounts.EnsurePlayer(ctx, guestIdentity(id), hashText(secret))
	if err != nil {
		return muster.Grant{}, fmt.Errorf("create guest: %w", err)
	}
	if !created {
		return muster.Grant{}, errors.New("create guest: a new guest id was taken already")
	}
	grant, err := s.grant(ctx, opening{player: player, scope: muster.GuestScope, way: guestIdentity(id), proven: s.instant(), created: true})
	if err != nil {
		return muster.Grant{}, err
	}
	grant.Guest = &muster.Guest{ID: id, Secret: secret}
	return grant, nil
}

// goneOr is refused for a player who is gone, and any other error as it is.
func goneOr(err error, refused *muster.Error) error {
	if muster.KindOf(err) == muster.NotFound {
		return refused
	}
	return err
}

func guestIdentity(id string) muster.Identity {
	return muster.Identity{Provider: muster.GuestProvider, Subject: id}
}

// secretMatches compares a presented secret with a stored hash in constant time. An
// absent hash costs the same and never matches.
func secretMatches(secret string, hash []byte) bool {
	present := len(hash) == sha256.Size
	if !present {
		hash = make([]byte, sha256.Size)
	}
	return subtle.ConstantTimeCompare(hashText(secret), hash) == 1 && present
}

func errGuestRefused() *muster.Error {
	return muster.Errorf(muster.Unauthenticated, "guest.refused", "this guest is not known, or the secret is wrong")
}
