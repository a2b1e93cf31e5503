package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"muster"
)

// Linker keeps which identities lead to a player. A new secret is the hash of the one that
// a guest gets when it is replaced; the answer names the guest then.
type Linker interface {
	Links(ctx context.Context, player muster.PlayerID) (muster.LinksView, error)
	LinkSecret(ctx context.Context, player muster.PlayerID, id muster.Identity, secret muster.LinkedSecret) (muster.LinksView, error)
	Unlink(ctx context.Context, player muster.PlayerID, provider string, guestShown bool) (muster.LinksView, error)
	Merge(ctx context.Context, into, from muster.PlayerID, newSecret []byte) (muster.LinksView, error)
}

// freshFor is how long after a sign-in its access tokens may change what leads to the
// account. Renewing a token is no sign-in.
const freshFor = 5 * time.Minute

// Links lists the caller's ways in.
func (s *Service) Links(ctx context.Context, caller muster.Caller) (muster.LinksView, error) {
	return s.linker.Links(ctx, caller.Player)
}

// Link adds the identity that a proof is about to the caller's ways in. What the caller
// shows besides the access token makes up for a sign-in that is not fresh: see fresh.
func (s *Service) Link(ctx context.Context, caller muster.Caller, provider string, proof Proof, shown string) (muster.LinksView, error) {
	if _, err := s.fresh(ctx, caller, shown); err != nil {
		return muster.LinksView{}, err
	}
	id, who, err := s.prove(ctx, provider, proof)
	if err != nil {
		return muster.LinksView{}, err
	}
	return s.linkProven(ctx, caller.Player, id, who.Consent)
}

// linkProven adds a proven identity to a player's ways in, and keeps what its proof came with.
func (s *Service) linkProven(ctx context.Context, player muster.PlayerID, id muster.Identity, consent Consent) (muster.LinksView, error) {
	return s.withNewSecret(func(hash []byte) (muster.LinksView, error) {
		return s.linker.LinkSecret(ctx, player, id, muster.LinkedSecret{
			NewGuest: hash, Along: func(context.Context) ([]muster.Op, error) { return s.consentOps(id, consent) },
		})
	})
}

// Unlink takes away the caller's way in of a provider. The last besides a guest goes only
// when the guest's secret is shown.
func (s *Service) Unlink(ctx context.Context, caller muster.Caller, provider, shown string) (muster.LinksView, error) {
	guestShown, err := s.fresh(ctx, caller, shown)
	if err != nil {
		return muster.LinksView{}, err
	}
	return s.linker.Unlink(ctx, caller.Player, provider, guestShown)
}

// Merge makes another player, whom the caller proves to be too, a part of the caller's.
func (s *Service) Merge(ctx context.Context, caller muster.Caller, other muster.OtherPlayer, shown string) (muster.LinksView, error) {
	if _, err := s.fresh(ctx, caller, shown); err != nil {
		return muster.LinksView{}, err
	}
	from, err := s.proveOther(ctx, other)
	if err != nil {
		return muster.LinksView{}, err
	}
	return s.withNewSecret(func(hash []byte) (muster.LinksView, error) {
		return s.linker.Merge(ctx, caller.Player, from, hash)
	})
}

// proveOther is the player whom a proof is about. A consent that comes with the proof is not
// kept: the identity is known, and what was given when it came is still there.
func (s *Service) proveOther(ctx context.Context, other muster.OtherPlayer) (muster.PlayerID, error) {
	switch {
	case other.Provider != "":
		id, err := s.ProveIdentity(ctx, other.Provider, other.Proof)
		if err != nil {
			return "", err
		}
		player, _, err := s.accounts.FindIdentity(ctx, id)
		if muster.KindOf(err) == muster.NotFound {
			return "", muster.Errorf(muster.NotFound, "merge.nobody", "no player signs in with this: link it instead")
		}
		return player, err
	case other.Guest != nil:
		player, err := s.findGuest(ctx, *other.Guest)
		if err == nil && player == "" {
			err = errGuestRefused()
		}
		return player, err
	}
	presented, ok := parseRefreshToken(other.RefreshToken)
	if !ok {
		return "", errRefreshRefused()
	}
	record, _, err := s.loadFamily(ctx, presented)
	if err != nil {
		return "", err
	}
	if s.judge(record, presented) != tokenCurrent {
		return "", errRefreshRefused()
	}
	if s.now().Sub(record.OpenedAt) > freshFor { // as for whoever calls: the token may have been copied
		return "", errNotFresh()
	}
	return presented.player, s.guard.Admit(ctx, presented.player, record.ref(presented.family))
}

// Fresh refuses whoever calls by a sign-in that is not fresh, and shows nothing that makes up
// for it: see fresh. A token of another issuer tells itself when its player signed in there. That
// is enough to end sign-ins, and not for what changes the ways in.
func (s *Service) Fresh(ctx context.Context, caller muster.Caller, shown string) error {
	if shown == "" && caller.Family == "" && !caller.SignedInAt.IsZero() {
		if s.now().Sub(caller.SignedInAt) > freshFor {
			return errNotFresh()
		}
		return nil
	}
	_, err := s.fresh(ctx, caller, shown)
	return err
}

// fresh says that whoever calls was proven a moment ago: the sign-in is not older than
// freshFor, or they show a guest's "id.secret" of theirs. A refresh token does not do: it
// lies where the access token lies.
func (s *Service) fresh(ctx context.Context, caller muster.Caller, shown string) (guestShown bool, err error) {
	if shown != "" && !strings.HasPrefix(shown, refreshPrefix) {
		return true, guestProofInstead(s.Prove(ctx, caller, shown))
	}
	record, _, err := s.loadFamily(ctx, refreshToken{player: caller.Player, family: caller.Family})
	if err != nil && muster.KindOf(err) != muster.Unauthenticated {
		return false, err
	}
	if err != nil || s.now().Sub(record.OpenedAt) > freshFor {
		return false, errNotFresh()
	}
	return false, nil
}

// guestProofInstead says of a proof that does not do what would: a refresh token would not.
func guestProofInstead(err error) error {
	var refused *muster.Error
	if errors.As(err, &refused) && refused.Code == "proof.invalid" {
		return muster.Errorf(muster.Denied, "proof.invalid", "what Muster-Proof shows is not a guest's id and secret, joined by a dot, that are yours")
	}
	return err
}

// withNewSecret does what may replace a guest's secret, and puts the new one into the
// answer if it did.
func (s *Service) withNewSecret(change func(hash []byte) (muster.LinksView, error)) (muster.LinksView, error) {
	secret, err := newSecretText(s.random)
	if err != nil {
		return muster.LinksView{}, err
	}
	view, err := change(hashText(secret))
	if err != nil {
		var known *muster.Error
		if errors.As(err, &known) {
			return muster.LinksView{}, err
		}
		return muster.LinksView{}, fmt.Errorf("change the ways in of a player: %w", err)
	}
	if view.Guest != nil {
		view.Guest = &muster.Guest{ID: view.Guest.ID, Secret: secret}
	}
	return view, nil
}

func errNotFresh() *muster.Error {
	return muster.Errorf(muster.Denied, "signin.not_fresh", "sign in again first, or show a guest's id and secret, joined by a dot, in the header Muster-Proof: this is for the first %d minutes after a sign-in, and a refresh is none", int(freshFor/time.Minute))
}
