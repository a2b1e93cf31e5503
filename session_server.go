package muster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
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
		v.Name, v.Private, v.Locked, v.Properties = r.Name, r.Private, r.shut(), r.Properties
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
// free to play elsewhere. It can be repeated. Who was never in it is NotFound, as long as the
// session knows all who were.
func (b *Backend) RemovePlayer(ctx context.Context, id SessionID, p PlayerID) error {
	return Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		s, version, err := b.sessionOf(ctx, id)
		if err != nil {
			return nil, err
		}
		next, changed := s.without(p, b.instant())
		if _, known := s.Teams[p]; !known && !changed && !s.Trimmed {
			return nil, b.leftLongAgo(ctx, &s, p)
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
