package muster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// sessionLook is how often GameLift is asked about a session that players join by
// themselves. Its game server says sooner; this is for one that went without a word.
const sessionLook = 2 * time.Minute

// dueSession brings a session to the reconciler's notice.
type dueSession struct {
	Session SessionID `json:"session"`
}

// sessionDueOp is the record that brings a session to notice; it goes with the session.
func sessionDueOp(id SessionID, at time.Time) (Op, error) {
	return put(dueSessions.key(string(id), at), AnyVersion, dueSession{id}, time.Time{})
}

func (b *Backend) sweepSession(ctx context.Context, now time.Time, rec *Record, d dueSession) error {
	s, _, err := loadOr(ctx, b.store, sessionKey(d.Session), session{})
	if err != nil {
		return err
	}
	if s.Room == nil || !s.EndedAt.IsZero() && len(s.Room.Members) == 0 {
		if err := b.forget(ctx, []Key{rec.Key}); err != nil {
			return fmt.Errorf("forget a session that is over: %w", err)
		}
		return nil
	}
	taken, err := b.leaseDue(ctx, rec, s.nextLook(now))
	if err != nil || !taken {
		return err
	}
	return b.lookAtSession(ctx, d.Session)
}

// nextLook is when a session is looked at again: one that stays empty soon.
func (s *session) nextLook(now time.Time) time.Time {
	if s.Room.EmptyAt.IsZero() || now.Sub(s.Room.EmptyAt) >= 2*forceAfter {
		return now.Add(sessionLook)
	}
	return now.Add(emptyLook)
}

// lookAtSession asks GameLift about a room: one that is over is ended here too, places
// without a live seat are given up, and one that nobody comes to is ended.
func (b *Backend) lookAtSession(ctx context.Context, id SessionID) error {
	s, _, err := b.sessionOf(ctx, id)
	if err != nil {
		return err
	}
	if !s.EndedAt.IsZero() {
		return b.freeSession(ctx, id)
	}
	snap, err := b.gamelift.Session(ctx, id)
	switch {
	case err != nil && KindOf(err) != NotFound:
		return fmt.Errorf("describe session %s: %w", id, err)
	case err == nil && !snap.Live && snap.Ending && s.closing():
		return b.awaitEnd(ctx, &s)
	case err != nil || !snap.Live:
		_, err := b.UpdateSession(ctx, id, SessionUpdate{Ended: true})
		return err
	}
	asked := b.instant()
	seats, err := b.gamelift.LiveSeats(ctx, id)
	if err != nil {
		return fmt.Errorf("list seats of session %s: %w", id, err)
	}
	live := make(map[PlayerID]bool, len(seats))
	for _, seat := range seats {
		if seat.Live {
			live[seat.Player] = true
		}
	}
	if err := b.pruneSession(ctx, id, live, asked); err != nil {
		return err
	}
	return b.closeEmpty(ctx, id, len(live) > 0, asked)
}

// keepSession is how old the records of a session that goes on may become before their
// expiry is put off: soon enough for the slots of those who are in it.
const keepSession = slotLife / 2

// pruneAtOnce is how many places are given up in one transaction: each is an op, and
// another is the slot that goes with it.
const pruneAtOnce = 40

// pruneSession gives up the places of those who have no live seat at GameLift, and frees
// them. A session that goes on for days is kept, and so are the slots of its members.
func (b *Backend) pruneSession(ctx context.Context, id SessionID, live map[PlayerID]bool, asked time.Time) error {
	for more := true; more; {
		var kept session
		err := Change(ctx, b.store, func(ctx context.Context) (ops []Op, err error) {
			kept, more, ops, err = b.pruneOps(ctx, id, live, asked)
			return ops, err
		})
		if err != nil {
			return err
		}
		if kept.ID == "" {
			continue
		}
		if err := b.keepSlots(ctx, kept); err != nil {
			return err
		}
		if err := b.eraseLeft(ctx, &kept); err != nil {
			return err
		}
		err = Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
			s, version, err := b.sessionOf(ctx, id)
			if err != nil || !s.EndedAt.IsZero() {
				return nil, err
			}
			return b.keepOps(s, version)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// pruneOps takes away places without a live seat, together with the slots that hold
// their players: one who joins again meanwhile changes the session, and keeps both. due
// is the session when its records must be kept for longer; more says that places are left
// to be given up.
func (b *Backend) pruneOps(ctx context.Context, id SessionID, live map[PlayerID]bool, asked time.Time) (due session, more bool, ops []Op, err error) {
	s, version, err := b.sessionOf(ctx, id)
	if err != nil || s.Room == nil || !s.EndedAt.IsZero() {
		return session{}, false, nil, err
	}
	next, gone := s.pruned(live, asked, pruneAtOnce)
	more = len(gone) == pruneAtOnce
	if !more && asked.Sub(s.Room.KeptAt) >= keepSession {
		due = next
	}
	if len(gone) == 0 {
		return due, more, nil, nil
	}
	if ops, err = b.putSession(s, next, version); err != nil {
		return due, more, nil, err
	}
	for _, p := range gone {
		held, slotVersion, err := b.slotOf(ctx, p)
		if err != nil {
			return due, more, nil, err
		}
		if held.holds(id) {
			op, err := b.freeSlot(p, slotVersion)
			if err != nil {
				return due, more, nil, err
			}
			ops = append(ops, op)
		}
	}
	return due, more, ops, nil
}

// keepSlots puts off the expiry of the slots of a session's members.
func (b *Backend) keepSlots(ctx context.Context, s session) error {
	for _, p := range slices.Sorted(maps.Keys(s.Room.Members)) {
		err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
			held, version, err := b.slotOf(ctx, p)
			if err != nil || held.Kind != slotSession || !held.holds(s.ID) {
				return nil, err
			}
			op, err := put(slotKey(p), version, held, b.now().Add(slotLife))
			return []Op{op}, err
		})
		if err != nil {
			return fmt.Errorf("keep the slot of %s: %w", p, err)
		}
	}
	return nil
}

// keepOps stores a session that goes on, and all that points to it, for longer.
func (b *Backend) keepOps(s session, version int64) ([]Op, error) {
	next := s.clone()
	next.Room.KeptAt = b.instant()
	ops, err := b.putSession(session{}, next, version)
	if err != nil || next.Room.Code == "" {
		return ops, err
	}
	op, err := put(roomCodeKey(next.Room.Code), AnyVersion, roomCode{next.ID}, next.Room.KeptAt.Add(sessionLife))
	return append(ops, op), err
}
