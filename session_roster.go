package muster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The roster of a session is who has ever played in it, Teams. Most have few visitors. In one
// that goes on for days, and that people come to and leave, there may be any number: it is
// kept within what a result can name, and who left first is let go of first.

// longRoster is from how many visitors on it is written down when one of them leaves. Who
// left before that left before all others.
const longRoster = maxResultPlayers / 2

// crowded says that the session has had more visitors than a result can name.
func (s *session) crowded() bool { return s.Trimmed || len(s.Teams) > maxResultPlayers }

// noteLeft writes down that a player left, where that will matter.
func (s *session) noteLeft(p PlayerID, now time.Time) {
	if _, known := s.Teams[p]; !known || len(s.Teams) < longRoster {
		return
	}
	if s.Left == nil {
		s.Left = make(map[PlayerID]time.Time)
	}
	s.Left[p] = now
}

// trimRoster keeps the roster within what a result can name, as far as those suffice who are
// not here any more.
func (s *session) trimRoster(here func(PlayerID) bool) {
	over := len(s.Teams) - maxResultPlayers
	if over <= 0 {
		return
	}
	var gone []PlayerID
	for p := range s.Teams {
		if !here(p) {
			gone = append(gone, p)
		}
	}
	slices.SortFunc(gone, func(a, b PlayerID) int {
		return cmp.Or(s.Left[a].Compare(s.Left[b]), strings.Compare(string(a), string(b)))
	})
	for _, p := range gone[:min(over, len(gone))] {
		delete(s.Teams, p)
		delete(s.Left, p)
		s.Trimmed = true
	}
}

// inRoom says that a player has a place in the session's room.
func (s *session) inRoom(p PlayerID) bool {
	if s.Room == nil {
		return false
	}
	_, in := s.Room.Members[p]
	return in
}

// livePlayers are those who have a live seat in a session, as far as GameLift knows.
func (b *Backend) livePlayers(ctx context.Context, id SessionID) (map[PlayerID]bool, error) {
	seats, err := b.gamelift.LiveSeats(ctx, id)
	if err != nil && KindOf(err) != NotFound {
		return nil, fmt.Errorf("list seats of session %s: %w", id, err)
	}
	live := make(map[PlayerID]bool, len(seats))
	for _, seat := range seats {
		if seat.Live {
			live[seat.Player] = true
		}
	}
	return live, nil
}

// fitted is a report as it counts for its session: without those whom that has let go of. It
// is an error if it does not fit. Of a match everybody is owed; of a crowded one only who is
// still there.
func (b *Backend) fitted(ctx context.Context, s *session, r ResultReport) (ResultReport, error) {
	absent, owed := b.modes[s.Mode].Competition.Absent, s.owes
	if s.crowded() {
		r = r.about(s)
		if absent == AbsentRefused && !s.joinable() && r.missing(s, owed) > 0 {
			live, err := b.livePlayers(ctx, s.ID)
			if err != nil {
				return r, err
			}
			owed = func(p PlayerID) bool { return live[p] && s.owes(p) }
		}
	}
	return r, r.fits(s, absent, owed)
}

// about is the report without players who are not on the session's roster.
func (r ResultReport) about(s *session) ResultReport {
	unknown := func(p ResultPlayer) bool { _, known := s.Teams[p.PlayerID]; return !known }
	r.Teams = slices.Clone(r.Teams)
	for i := range r.Teams {
		r.Teams[i].Players = slices.DeleteFunc(slices.Clone(r.Teams[i].Players), unknown)
	}
	r.Players = slices.DeleteFunc(slices.Clone(r.Players), func(p ResultPlace) bool { return unknown(p.ResultPlayer) })
	return r
}
