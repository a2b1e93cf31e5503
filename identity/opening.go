package identity

import (
	"context"
	"time"

	"muster"
)

// opening is a sign-in that is about to be opened.
type opening struct {
	player  muster.PlayerID
	scope   muster.Scope
	way     muster.Identity // by which the player was proven
	mark    muster.WayMark  // of the way in when it was read to prove the player
	proven  time.Time
	created bool    // the player was made for it just now
	consent Consent // that the proof came with
}

// ref names the sign-in, which has no id yet.
func (o opening) ref() muster.SignInRef {
	return muster.SignInRef{At: o.proven, Way: muster.WayInOf(o.way), Mark: o.mark}
}

// grant opens a session for a player who was proven, if they are let in, and signs its
// first tokens. A player who was made for it just now is nobody who could be banned.
func (s *Service) grant(ctx context.Context, o opening) (muster.Grant, error) {
	if !o.created {
		if err := s.guard.Admit(ctx, o.player, o.ref()); err != nil {
			return muster.Grant{}, err
		}
	}
	return s.grantAdmitted(ctx, o)
}

// grantAdmitted is grant for a player of whom it was asked whether they are let in.
func (s *Service) grantAdmitted(ctx context.Context, o opening) (muster.Grant, error) {
	opened, err := s.openFamily(ctx, o)
	if err != nil {
		return muster.Grant{}, err
	}
	grant, err := s.granted(opened)
	grant.Created = o.created
	return grant, err
}
