package identity

import (
	"context"
	"errors"

	"muster"
)

// Enter signs in whoever a proof is about, and tells their subject. Somebody who is known
// already is signed in as who they are. Nobody yet becomes, if the caller is a player, a
// further way in of the caller, whose sign-in must be fresh as for Link; else a new player.
func (s *Service) Enter(ctx context.Context, caller muster.Caller, provider string, proof Proof) (muster.Entrance, error) {
	proven := s.instant()
	if err := s.guard.MayOpen(ctx, proven); err != nil {
		return muster.Entrance{}, err
	}
	id, who, err := s.prove(ctx, provider, proof)
	if err != nil {
		return muster.Entrance{}, err
	}
	in := muster.Entrance{Subject: id.Subject}
	opened := opening{scope: muster.PlayerScope, way: id, mark: who.Mark, proven: proven, consent: who.Consent}
	if caller.Player == "" {
		opened.player, opened.created, err = s.playerOf(ctx, id)
	} else {
		opened.player, in.Guest, err = s.playerFor(ctx, caller, id, who.Consent)
	}
	if err != nil {
		return muster.Entrance{}, err
	}
	if in.Grant, err = s.grant(ctx, opened); err != nil {
		return muster.Entrance{}, err
	}
	return in, nil
}

// playerFor is the player of a proven identity, which becomes the caller's when it is new.
func (s *Service) playerFor(ctx context.Context, caller muster.Caller, id muster.Identity, consent Consent) (muster.PlayerID, *muster.Guest, error) {
	player, _, err := s.accounts.FindIdentity(ctx, id)
	if muster.KindOf(err) == muster.NotFound {
		return s.link(ctx, caller, id, consent)
	}
	return player, nil, err
}

// link makes an identity that nobody has the caller's, and says whose it is then: somebody
// may have been faster.
func (s *Service) link(ctx context.Context, caller muster.Caller, id muster.Identity, consent Consent) (muster.PlayerID, *muster.Guest, error) {
	if _, err := s.fresh(ctx, caller, ""); err != nil {
		return "", nil, err
	}
	view, err := s.linkProven(ctx, caller.Player, id, consent)
	var refused *muster.Error
	if errors.As(err, &refused) && refused.Code == "identity.in_use" {
		player, _, err := s.accounts.FindIdentity(ctx, id)
		return player, nil, err
	}
	return caller.Player, view.Guest, err
}
