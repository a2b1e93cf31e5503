package muster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// ServerSession is a session as game servers see it.
func (b *Backend) ServerSession(ctx context.Context, id SessionID) (ServerSessionView, error) {
	s, _, err := b.sessionOf(ctx, id)
	if err != nil {
		return ServerSessionView{}, err
	}
	return b.serverView(ctx, s)
}

func (b *Backend) serverView(ctx context.Context, s session) (ServerSessionView, error) {
	v := ServerSessionView{ID: s.ID, Mode: s.Mode, MatchID: s.MatchID, CreatedAt: s.StartedAt, Players: s.roster()}
	if !s.EndedAt.IsZero() {
		v.EndedAt = &s.EndedAt
	}
	if r := s.Room; r != nil {
		v.Name, v.Private, v.Locked, v.Properties = r.Name, r.Private, r.Locked, r.Properties
	}
	if s.Backfill == "" {
		return v, nil
	}
	f, _, err := load[backfill](ctx, b.store, backfillKey(s.Backfill))
	if errors.Is(err, ErrNotFound) {
		return v, nil
	}
	known := f.view()
	v.Backfill = &known
	return v, err
}

// UpdateSession takes in what a game server says of its session: whether it takes
// players, its properties, and that it is over, which frees everybody. It can be
// repeated.
func (b *Backend) UpdateSession(ctx context.Context, id SessionID, u SessionUpdate) (ServerSessionView, error) {
	err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		s, version, err := b.sessionOf(ctx, id)
		if err != nil {
			return nil, err
		}
		var allowed map[string][]string
		if o := b.modes[s.Mode].Sessions; o != nil {
			allowed = o.Properties
		}
		next, err := s.updated(u, allowed)
		if err != nil {
			return nil, err
		}
		if u.Ended {
			next = next.over(b.instant())
		}
		return b.putSession(s, next, version)
	})
	if err != nil {
		return ServerSessionView{}, err
	}
	if u.Ended {
		if err := b.freeSession(ctx, id); err != nil {
			return ServerSessionView{}, err
		}
	}
	return b.ServerSession(ctx, id)
}

// freeSession frees everybody whom a session that is over still holds, and empties its
// room. It can be repeated, and goes on where it stopped.
func (b *Backend) freeSession(ctx context.Context, id SessionID) error {
	s, _, err := b.sessionOf(ctx, id)
	if err != nil {
		return err
	}
	players := slices.Collect(maps.Keys(s.Teams))
	if s.Room != nil {
		players = slices.Collect(maps.Keys(s.Room.Members))
	}
	for _, p := range slices.Sorted(slices.Values(players)) {
		if err := b.freeOf(ctx, id, p); err != nil {
			return fmt.Errorf("free %s of session %s: %w", p, id, err)
		}
	}
	if s.Room == nil || len(s.Room.Members) == 0 {
		return nil
	}
	return Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		s, version, err := b.sessionOf(ctx, id)
		if err != nil || len(s.Room.Members) == 0 {
			return nil, err
		}
		next := s.clone()
		next.Room.Members = nil
		return b.putSession(s, next, version)
	})
}

// freeOf frees a player of a session, if that is what holds them.
func (b *Backend) freeOf(ctx context.Context, id SessionID, p PlayerID) error {
	return Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		held, version, err := b.slotOf(ctx, p)
		if err != nil || !held.holds(id) {
			return nil, err
		}
		op, err := b.freeSlot(p, version)
		return []Op{op}, err
	})
}

// holds says that the session holds the slot's player.
func (s slot) holds(id SessionID) bool {
	return (s.Kind == slotSession || s.Kind == slotJoining) && s.Seat.SessionID == id
}

// RemovePlayer takes in that a player is no longer in a game server's session: they are
// free to play elsewhere. It can be repeated. Who was never in it is NotFound.
func (b *Backend) RemovePlayer(ctx context.Context, id SessionID, p PlayerID) error {
	return Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		s, version, err := b.sessionOf(ctx, id)
		if err != nil {
			return nil, err
		}
		next, changed := s.without(p)
		if _, known := s.Teams[p]; !known && !changed {
			return nil, Errorf(NotFound, "session.player_unknown", "there is no such player in this session")
		}
		held, slotVersion, err := b.slotOf(ctx, p)
		if err != nil {
			return nil, err
		}
		var ops []Op
		if held.holds(id) {
			op, err := b.freeSlot(p, slotVersion)
			if err != nil {
				return nil, err
			}
			ops = append(ops, op)
		}
		if !changed {
			return ops, nil
		}
		more, err := b.putSession(s, next, version)
		return append(ops, more...), err
	})
}

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

// sweepSessions looks at due sessions.
func (b *Backend) sweepSessions(ctx context.Context, now time.Time, page []Record) error {
	var over []Key
	var failed []error
	for _, rec := range page {
		d, err := decode[dueSession](rec)
		if err != nil {
			b.log.ErrorContext(ctx, "skip a due record", "error", err)
			continue
		}
		s, _, err := loadOr(ctx, b.store, sessionKey(d.Session), session{})
		if err != nil {
			return err
		}
		if s.Room == nil || !s.EndedAt.IsZero() && len(s.Room.Members) == 0 {
			over = append(over, rec.Key)
			continue
		}
		taken, err := b.leaseDue(ctx, rec, now.Add(sessionLook))
		if err != nil {
			return err
		}
		if taken {
			failed = append(failed, b.lookAtSession(ctx, d.Session))
		}
	}
	if err := b.forget(ctx, over); err != nil {
		return fmt.Errorf("forget sessions that are over: %w", err)
	}
	return errors.Join(failed...)
}

// lookAtSession asks GameLift about a room: one that is over is ended here too, and
// places without a live seat are given up.
func (b *Backend) lookAtSession(ctx context.Context, id SessionID) error {
	s, _, err := b.sessionOf(ctx, id)
	if err != nil {
		return err
	}
	if !s.EndedAt.IsZero() {
		return b.freeSession(ctx, id)
	}
	snap, err := b.gamelift.Session(ctx, id)
	if err != nil && KindOf(err) != NotFound {
		return fmt.Errorf("describe session %s: %w", id, err)
	}
	if err != nil || !snap.Live {
		_, err := b.UpdateSession(ctx, id, SessionUpdate{Ended: true})
		return err
	}
	return b.pruneSession(ctx, id)
}

// keepSession is how old the records of a session that goes on may become before their
// expiry is put off: soon enough for the slots of those who are in it.
const keepSession = slotLife / 2

// pruneAtOnce is how many places are given up in one transaction: each is an op, and
// another is the slot that goes with it.
const pruneAtOnce = 40

// pruneSession gives up the places of those who have no live seat at GameLift, and frees
// them. A session that goes on for days is kept, and so are the slots of its members.
func (b *Backend) pruneSession(ctx context.Context, id SessionID) error {
	asked := b.instant()
	seats, err := b.gamelift.LiveSeats(ctx, id)
	if err != nil {
		return fmt.Errorf("list seats of session %s: %w", id, err)
	}
	live := make(map[PlayerID]bool, len(seats))
	for _, seat := range seats {
		live[seat.Player] = live[seat.Player] || seat.Live
	}
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
