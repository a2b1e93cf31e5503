package hosting

import (
	"slices"
	"time"
)

type playerSession struct {
	PlayerSession
	session *session
}

// Reserve makes a player session for each player, RESERVED for 60 s, all or none.
// NotFound: unknown session. WrongStatus: it is not ACTIVE or denies new players.
// SessionFull: too few places. Invalid: nobody named, a player twice, or one who has a
// place in this session already.
func (w *World) Reserve(now time.Time, id SessionID, players []NewPlayer) ([]PlayerSession, error) {
	w.Advance(now)
	s, err := w.session(id)
	switch {
	case err != nil:
		return nil, err
	case s.Status != SessionActive:
		return nil, refuse(WrongStatus, "game session %s is %s", id, s.Status)
	case s.CreationPolicy == DenyAll:
		return nil, refuse(WrongStatus, "game session %s takes no new players", id)
	case len(players) == 0:
		return nil, refuse(Invalid, "no player is named")
	}
	for i, player := range players {
		again := slices.ContainsFunc(players[:i], func(p NewPlayer) bool { return p.PlayerID == player.PlayerID })
		if again || s.seated(player.PlayerID) {
			return nil, refuse(Invalid, "player %q has a player session in game session %s already", player.PlayerID, id)
		}
	}
	if s.Players+len(players) > s.MaxPlayers {
		return nil, refuse(SessionFull, "game session %s has %d of %d places taken", id, s.Players, s.MaxPlayers)
	}
	out := make([]PlayerSession, len(players))
	for i, player := range players {
		out[i] = w.reserve(s, player)
	}
	return out, nil
}

// reserve makes one player session; the caller has checked that there is a place.
func (w *World) reserve(s *session, player NewPlayer) PlayerSession {
	ps := &playerSession{
		PlayerSession: PlayerSession{
			ID: PlayerSessionID("psess-" + w.options.NewID()), PlayerID: player.PlayerID,
			Session: s.ID, Fleet: s.Fleet, Data: player.Data, Status: PlayerReserved,
			IPAddress: s.IPAddress, DNSName: s.DNSName, Port: s.Port, CreatedAt: w.now,
		},
		session: s,
	}
	w.players[ps.ID] = ps
	w.playersByName[ps.PlayerID] = append(w.playersByName[ps.PlayerID], ps)
	s.players = append(s.players, ps)
	s.Players++
	w.timers.set(ps.timer(), w.now.Add(ReservationTimeout))
	w.emit(PlayerSessionChanged{At: w.now, PlayerSession: ps.PlayerSession})
	return ps.PlayerSession
}

// Accept makes a player session ACTIVE. NotFound: the session or player session is
// unknown. Invalid: it is not RESERVED, or not of this session and process.
func (w *World) Accept(now time.Time, process ProcessID, id SessionID, player PlayerSessionID) error {
	w.Advance(now)
	ps, err := w.playerOn(process, id, player)
	switch {
	case err != nil:
		return err
	case ps.Status != PlayerReserved:
		return refuse(Invalid, "player session %s is %s, not RESERVED", player, ps.Status)
	}
	w.timers.clear(ps.timer())
	ps.Status = PlayerActive
	w.emit(PlayerSessionChanged{At: w.now, PlayerSession: ps.PlayerSession})
	return nil
}

// Remove makes an open player session COMPLETED and frees its place. NotFound: the
// session or player session is unknown. Invalid: it is closed already, or not of this
// session and process.
func (w *World) Remove(now time.Time, process ProcessID, id SessionID, player PlayerSessionID) error {
	w.Advance(now)
	ps, err := w.playerOn(process, id, player)
	switch {
	case err != nil:
		return err
	case !ps.Status.Open():
		return refuse(Invalid, "player session %s is %s", player, ps.Status)
	}
	w.closePlayer(ps, PlayerCompleted)
	return nil
}

func (w *World) playerOn(process ProcessID, id SessionID, player PlayerSessionID) (*playerSession, error) {
	s, err := w.sessionOn(process, id)
	if err != nil {
		return nil, err
	}
	ps, ok := w.players[player]
	switch {
	case !ok:
		return nil, refuse(NotFound, "player session %s does not exist", player)
	case ps.session != s:
		return nil, refuse(Invalid, "player session %s is for another game session", player)
	}
	return ps, nil
}

// closePlayer ends an open player session.
func (w *World) closePlayer(ps *playerSession, status PlayerStatus) {
	w.timers.clear(ps.timer())
	ps.Status, ps.EndedAt = status, w.now
	s := ps.session
	s.Players--
	s.closed++
	w.emit(PlayerSessionChanged{At: w.now, PlayerSession: ps.PlayerSession})
	if s.closed > maxClosedPerActive {
		i := slices.IndexFunc(s.players, func(p *playerSession) bool { return !p.Status.Open() })
		w.forgetPlayer(s.players[i])
		s.players = slices.Delete(s.players, i, i+1)
		s.closed--
	}
}

// PlayerQuery selects player sessions by exactly one of the first three. Status
// works with Session only, as in Amazon's DescribePlayerSessions; empty: all.
type PlayerQuery struct {
	Session       SessionID
	PlayerSession PlayerSessionID
	PlayerID      string
	Status        PlayerStatus
}

// PlayerSessions lists player sessions, open and kept, in the order they were made.
// Invalid: not exactly one selector, or an unknown status. NotFound: the session or
// player session is unknown. A player without any gives an empty list.
func (w *World) PlayerSessions(q PlayerQuery) ([]PlayerSession, error) {
	given := 0
	for _, selector := range []string{string(q.Session), string(q.PlayerSession), q.PlayerID} {
		if selector != "" {
			given++
		}
	}
	if given != 1 {
		return nil, refuse(Invalid, "exactly one of GameSessionId, PlayerId and PlayerSessionId must be given")
	}
	switch q.Status {
	case "", PlayerReserved, PlayerActive, PlayerCompleted, PlayerTimedOut:
	default:
		return nil, refuse(Invalid, "player session status %q is unknown", q.Status)
	}
	if q.PlayerSession != "" {
		ps, ok := w.players[q.PlayerSession]
		if !ok {
			return nil, refuse(NotFound, "player session %s does not exist", q.PlayerSession)
		}
		return []PlayerSession{ps.PlayerSession}, nil
	}
	found := w.playersByName[q.PlayerID]
	if q.Session != "" {
		s, err := w.session(q.Session)
		if err != nil {
			return nil, err
		}
		found = s.players
	}
	out := make([]PlayerSession, 0, len(found))
	for _, ps := range found {
		if q.Session == "" || q.Status == "" || ps.Status == q.Status {
			out = append(out, ps.PlayerSession)
		}
	}
	return out, nil
}

// seated says whether the player has a place.
func (s *session) seated(player string) bool {
	return slices.ContainsFunc(s.players, func(ps *playerSession) bool {
		return ps.PlayerID == player && ps.Status.Open()
	})
}

func (ps *playerSession) timer() timerKey { return timerKey{timerReservation, string(ps.ID)} }
