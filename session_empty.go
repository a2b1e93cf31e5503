package muster

import (
	"context"
	"fmt"
	"time"
)

// A session that a player asked for takes a game server for as long as it runs. One that
// nobody is in is locked after emptyFor, and ended when it is still empty at the next look.
// One that a game server asked for is that server's to end: it waits for players.
const (
	emptyFor  = time.Minute
	emptyLook = 30 * time.Second // between looks at an empty session
	// forceAfter is how long a game server has to end its session before it is stopped: what
	// GameLift gives it on managed fleets (GameLift API reference, TerminateGameSession).
	forceAfter = 5 * time.Minute
)

// shut says that nobody can join.
func (r *room) shut() bool { return r.Locked || !r.ClosingAt.IsZero() }

// closing says that the session is to end because it was empty.
func (s *session) closing() bool {
	return s.Room != nil && !s.Room.ClosingAt.IsZero() && s.EndedAt.IsZero()
}

// sinceEmpty notes since when nobody has a place in a session that a player asked for.
func (s session) sinceEmpty(now time.Time) session {
	if s.Room == nil || s.Room.Owner == "" || (len(s.Room.Members) == 0) == !s.Room.EmptyAt.IsZero() {
		return s
	}
	next := s.clone()
	next.Room.EmptyAt = time.Time{}
	if len(s.Room.Members) == 0 {
		next.Room.EmptyAt = now
	}
	return next
}

// emptied decides what becomes of a running session after a look at its seats, which were
// asked for at an instant; seated says that there was a live one. A place is taken in the
// session's record before GameLift is asked for its seat, so nobody is on the way into an
// empty one that is locked.
func (s session) emptied(seated bool, asked, now time.Time) (next session, changed, end bool) {
	if s.Room == nil || s.Room.Owner == "" || !s.EndedAt.IsZero() {
		return s, false, false
	}
	next = s.clone()
	switch {
	case seated || len(s.Room.Members) > 0:
		next.Room.ClosingAt = time.Time{}
		return next, s.closing(), false
	case s.Room.EmptyAt.IsZero():
		return next.sinceEmpty(now), true, false // as earlier versions stored it
	case s.closing():
		return s, false, asked.After(s.Room.ClosingAt) || wild(s.Room.ClosingAt, asked)
	case asked.Sub(s.Room.EmptyAt) < emptyFor && !wild(s.Room.EmptyAt, asked):
		return s, false, false
	}
	next.Room.ClosingAt = now
	return next, true, false
}

// closeEmpty locks a session that nobody is in, and ends one that was locked before.
func (b *Backend) closeEmpty(ctx context.Context, id SessionID, seated bool, asked time.Time) error {
	var closing session
	err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		closing = session{}
		s, version, err := b.sessionOf(ctx, id)
		if err != nil {
			return nil, err
		}
		next, changed, end := s.emptied(seated, asked, b.instant())
		if end {
			closing = s
		}
		if !changed {
			return nil, nil
		}
		return b.putSession(s, next, version)
	})
	if err != nil || closing.ID == "" {
		return err
	}
	return b.endAtGameLift(ctx, &closing)
}

// endAtGameLift asks for the end of an empty session. Whether it is over the next look
// says; until then it counts as running, since it takes a game server.
func (b *Backend) endAtGameLift(ctx context.Context, s *session) error {
	err := b.gamelift.EndSession(ctx, s.ID, b.instant().Sub(s.Room.ClosingAt) >= forceAfter)
	switch KindOf(err) {
	case Conflict, NotFound: // it ended by itself
		return nil
	}
	if err != nil {
		return fmt.Errorf("end the empty session %s: %w", s.ID, err)
	}
	return nil
}

// awaitEnd is for an empty session whose game server was told to end it. One that does not
// is stopped; where GameLift cannot do that the session is given up.
func (b *Backend) awaitEnd(ctx context.Context, s *session) error {
	if b.instant().Sub(s.Room.ClosingAt) < forceAfter {
		return nil
	}
	err := b.endAtGameLift(ctx, s)
	if !definiteRefusal(err) {
		return err
	}
	b.log.WarnContext(ctx, "a game server does not end its empty session", "session", s.ID, "error", err)
	_, err = b.UpdateSession(ctx, s.ID, SessionUpdate{Ended: true})
	return err
}
