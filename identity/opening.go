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

// grant opens a session for a player who was proven, and signs its first tokens if they are let
// in. That is asked once the sign-in is written: what ends sign-ins meanwhile finds it, or has
// ended it when it is asked. A player who was made for it just now is nobody who could be
// banned, but may have another password already.
func (s *Service) grant(ctx context.Context, o opening) (muster.Grant, error) {
	ref := o.ref()
	if o.consent.Token != "" && !o.created { // it is kept in the same Write, and not for who is refused
		if err := s.guard.Admit(ctx, o.player, ref); err != nil {
			return muster.Grant{}, s.soonInstead(ctx, o, err)
		}
	}
	opened, err := s.openFamily(ctx, o)
	if err != nil {
		return muster.Grant{}, err
	}
	if ref.ID = opened.token.family; !o.created || o.mark != "" {
		if opened.scope, err = s.scopeNow(ctx, o.player, o.scope, ref); err != nil {
			_ = s.store.Write(ctx, opened.undo...) // nobody has its token, and it is not renewed
			return muster.Grant{}, s.soonInstead(ctx, o, err)
		}
	}
	grant, err := s.granted(opened)
	grant.Created = o.created
	return grant, err
}
