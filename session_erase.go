package muster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// A session that goes on may outlive the account of somebody who was in it or who asked for
// it. There their alias takes their place, as in what is kept of matches. Its game server
// may still know them by their id, for as long as it is remembered that they were deleted.

// sessionsToErase are the running sessions that are known to name a player: the one they
// are in, and those that they asked for. In others that they left they are found when a
// session is kept for longer.
func (b *Backend) sessionsToErase(ctx context.Context, p PlayerID) ([]SessionID, error) {
	var ids []SessionID
	held, _, err := b.slotOf(ctx, p)
	if err != nil {
		return nil, err
	}
	if held.Seat.SessionID != "" {
		ids = append(ids, held.Seat.SessionID)
	}
	own, _, err := loadOr(ctx, b.store, ownRoomsKey(p), ownRooms{})
	if err != nil {
		return nil, err
	}
	for _, r := range own.Rooms {
		if r.Session != "" {
			ids = append(ids, r.Session)
		}
	}
	return ids, nil
}

// eraseFrom puts a deleted player's alias in their place in sessions that players join by
// themselves. In one of a match they stay for its result, which leads the purge there: its
// events may name them again.
func (b *Backend) eraseFrom(ctx context.Context, a *account, ids []SessionID) error {
	for _, id := range ids {
		s, _, err := loadOr(ctx, b.store, sessionKey(id), session{})
		if err == nil && s.joinable() {
			if err = b.unname(ctx, id, a); err == nil {
				err = b.rename(ctx, sessionKey(id), a)
			}
		}
		if err != nil {
			return fmt.Errorf("session %s: %w", id, err)
		}
	}
	return nil
}

// unname takes its name from a session that a deleted player asked for: the name is theirs.
func (b *Backend) unname(ctx context.Context, id SessionID, a *account) error {
	return Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		rec, err := b.store.Get(ctx, sessionKey(id))
		if errors.Is(err, ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		s, err := decode[session](rec)
		if err != nil || s.Room == nil || s.Room.Name == "" || s.Room.Owner != a.ID && s.Room.Owner != a.Alias {
			return nil, err
		}
		s.Room.Name = ""
		op, err := put(rec.Key, rec.Version, s, rec.ExpiresAt)
		return []Op{op}, err
	})
}

// joinable says that players come and go by themselves; no match is in it.
func (s *session) joinable() bool { return s.Room != nil && s.MatchID == "" }

// eraseLeft does so for all who left a session and were deleted since, and for who asked
// for it.
func (b *Backend) eraseLeft(ctx context.Context, s *session) error {
	if !s.joinable() {
		return nil
	}
	names := maps.Clone(s.Teams)
	if names == nil {
		names = make(map[PlayerID]string)
	}
	names[s.Room.Owner] = ""
	for _, p := range slices.Sorted(maps.Keys(names)) {
		if _, in := s.Room.Members[p]; in || p == "" || p.erased() {
			continue
		}
		a, gone, err := b.tombstone(ctx, p)
		if err == nil && gone {
			err = b.eraseFrom(ctx, &a, []SessionID{s.ID})
		}
		if err != nil {
			return fmt.Errorf("erase %s: %w", p, err)
		}
	}
	return nil
}

// namesErased says that an alias stands for somebody on the roster.
func (s *session) namesErased() bool {
	for p := range s.Teams {
		if p.erased() {
			return true
		}
	}
	return false
}

// erasedFrom reads the tombstone of a deleted player whose alias stands on a session's
// roster; ok is false for any other.
func (b *Backend) erasedFrom(ctx context.Context, s *session, p PlayerID) (a account, ok bool, err error) {
	if _, known := s.Teams[p]; known || !s.namesErased() {
		return account{}, false, nil
	}
	a, gone, err := b.tombstone(ctx, p)
	_, known := s.Teams[a.Alias]
	return a, err == nil && gone && known, err
}

// leftLongAgo is nil for a player who was erased from the session, and NotFound for who was
// never in it.
func (b *Backend) leftLongAgo(ctx context.Context, s *session, p PlayerID) error {
	_, erased, err := b.erasedFrom(ctx, s, p)
	if err == nil && !erased {
		err = Errorf(NotFound, "session.player_unknown", "there is no such player in this session")
	}
	return err
}

// asReported makes a session and a report about it speak of the same ids. While results
// change the ratings of a deleted player's matches they are known by their id, and what is
// written finds their purge; later by their alias.
func (b *Backend) asReported(ctx context.Context, s session, r ResultReport) (session, ResultReport, error) {
	if !s.namesErased() {
		return s, r, nil
	}
	s = s.clone()
	named := r.players()
	aliases := make(map[PlayerID]PlayerID)
	for _, p := range named {
		a, erased, err := b.erasedFrom(ctx, &s, p.PlayerID)
		switch {
		case err != nil:
			return s, r, err
		case !erased:
		case b.now().Before(a.DeletedAt.Add(ratedAfterDeletion)):
			s.Teams[p.PlayerID] = s.Teams[a.Alias]
			delete(s.Teams, a.Alias)
		case !slices.ContainsFunc(named, func(other ResultPlayer) bool { return other.PlayerID == a.Alias }):
			aliases[p.PlayerID] = a.Alias
		}
	}
	return s, r.renamed(aliases), nil
}

// renamed is the report with other ids for some players.
func (r ResultReport) renamed(as map[PlayerID]PlayerID) ResultReport {
	rename := func(p *ResultPlayer) {
		if alias, known := as[p.PlayerID]; known {
			p.PlayerID = alias
		}
	}
	r.Teams, r.Players = slices.Clone(r.Teams), slices.Clone(r.Players)
	for i := range r.Teams {
		r.Teams[i].Players = slices.Clone(r.Teams[i].Players)
		for j := range r.Teams[i].Players {
			rename(&r.Teams[i].Players[j])
		}
	}
	for i := range r.Players {
		rename(&r.Players[i].ResultPlayer)
	}
	return r
}
