package muster

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// session is the record of a game session: of a match that was made, or of a room.
type session struct {
	ID      SessionID           `json:"id"`
	Mode    ModeName            `json:"mode"`
	MatchID MatchID             `json:"matchId,omitempty"`
	Teams   map[PlayerID]string `json:"teams"` // everybody who has played and their team
	// Left is when players of a long roster left; see longRoster. Trimmed says that some were
	// let go of.
	Left      map[PlayerID]time.Time `json:"left,omitempty"`
	Trimmed   bool                   `json:"trimmed,omitempty"`
	StartedAt time.Time              `json:"startedAt"`
	// EndedAt is when its game server said that it is over, or GameLift did.
	EndedAt time.Time `json:"endedAt,omitzero"`
	// Room is set for a session that players find and join by themselves.
	Room *room `json:"room,omitempty"`
	// Backfill is the game server's latest request for more players.
	Backfill TicketID `json:"backfill,omitempty"`
}

// sessionLife is how long a session's record is kept for late results.
const sessionLife = 7 * 24 * time.Hour

// room is what a session has beyond a match: players come and go by themselves.
type room struct {
	roomPlan
	// Browse says that it is listed while it can be joined.
	Browse bool `json:"browse,omitempty"`
	// Members are those who have a place now. They stand in the session's own record:
	// one write takes a place, and the count cannot be wrong.
	Members map[PlayerID]member `json:"members,omitempty"`
	Locked  bool                `json:"locked,omitempty"`
	// EmptyAt is since when nobody has a place, in a session that a player asked for.
	EmptyAt time.Time `json:"emptyAt,omitzero"`
	// ClosingAt is when it was locked for good, because nobody came any more.
	ClosingAt time.Time `json:"closingAt,omitzero"`
	// KeptAt is when the expiry of the list's row and of the code was last set.
	KeptAt time.Time `json:"keptAt"`
}

// member is somebody's place in a room.
type member struct {
	Since     time.Time `json:"since"`
	Spectator bool      `json:"spectator,omitempty"`
	// New says that they were not on the roster before.
	New bool `json:"new,omitempty"`
}

// clone copies the session with what it holds, so that a decision never reaches the
// original.
func (s session) clone() session {
	s.Teams, s.Left = maps.Clone(s.Teams), maps.Clone(s.Left)
	if s.Teams == nil {
		s.Teams = make(map[PlayerID]string)
	}
	if s.Room == nil {
		return s
	}
	r := *s.Room
	r.Properties, r.Members = maps.Clone(r.Properties), maps.Clone(r.Members)
	if r.Members == nil {
		r.Members = make(map[PlayerID]member)
	}
	s.Room = &r
	return s
}

// counts says how many play in the room and how many watch.
func (r *room) counts() (players, spectators int) {
	for _, m := range r.Members {
		if m.Spectator {
			spectators++
		} else {
			players++
		}
	}
	return players, spectators
}

// hasRoom says that one more can come, to play or to watch. The players of a match are
// settled when its session begins.
func (s *session) hasRoom(role SeatRole) bool {
	if s.Room == nil || s.Room.shut() || !s.EndedAt.IsZero() {
		return false
	}
	players, spectators := s.Room.counts()
	if role == Spectator {
		return spectators < s.Room.Spectators
	}
	return s.MatchID == "" && players < s.Room.MaxPlayers
}

// listed says that the session stands in the list of open ones.
func (s *session) listed() bool {
	return s.Room != nil && s.Room.Browse && !s.Room.Private && (s.hasRoom("") || s.hasRoom(Spectator))
}

// admits says that the code is the one to show; a session that is not private asks for
// none. It takes the same time for every wrong one.
func (s *session) admits(code string) bool {
	if s.Room == nil {
		return false
	}
	given, want := sha256.Sum256([]byte(code)), sha256.Sum256([]byte(s.Room.Code))
	right := subtle.ConstantTimeCompare(given[:], want[:]) == 1
	return !s.Room.Private || s.Room.Code != "" && right
}

// joined decides whether a player gets a place. One who has a place keeps it.
func (s session) joined(p PlayerID, req JoinRequest, teams []ModeTeam, now time.Time) (session, error) {
	if held, in := s.Room.Members[p]; in && held.Spectator == (req.Role == Spectator) && s.EndedAt.IsZero() {
		next := s.clone()
		held.Since = now
		next.Room.Members[p] = held
		return next, nil
	}
	switch {
	case !s.EndedAt.IsZero():
		return s, Errorf(Conflict, "session.ended", "the session is over")
	case s.Room.shut():
		return s, Errorf(Conflict, "session.locked", "the session takes nobody now")
	case req.Role == Spectator && s.Room.Spectators == 0:
		return s, Errorf(Denied, "session.no_spectators", "nobody may watch this session")
	case req.Role != Spectator && s.MatchID != "":
		return s, Errorf(Denied, "session.match", "the players of this session were matched; you can only watch it")
	}
	next := s.clone()
	delete(next.Room.Members, p) // who changes their role gives up the other place
	if !next.hasRoom(req.Role) {
		return s, Errorf(Conflict, "session.full", "the session is full")
	}
	_, known := next.Teams[p]
	next.Room.Members[p] = member{Since: now, Spectator: req.Role == Spectator, New: !known}
	if req.Role == Spectator {
		return next, nil
	}
	team, err := next.team(p, req.Team, teams)
	if err != nil {
		return s, err
	}
	next.Teams[p] = team
	delete(next.Left, p)
	next.trimRoster(next.inRoom)
	return next, nil
}

// team chooses where a newcomer plays: where they want, else where they played before,
// else in the smallest team, the first of equals.
func (s *session) team(p PlayerID, want string, teams []ModeTeam) (string, error) {
	sizes := make(map[string]int)
	for id, m := range s.Room.Members {
		if !m.Spectator && id != p {
			sizes[s.Teams[id]]++
		}
	}
	return pickTeam(teams, sizes, want, s.Teams[p])
}

// pickTeam chooses one of a mode's teams; sizes are how many play in each. A mode
// without teams has none to choose.
func pickTeam(teams []ModeTeam, sizes map[string]int, want, before string) (string, error) {
	best := ""
	for _, t := range teams {
		hasRoom := sizes[t.Name] < t.MaxPlayers
		switch {
		case t.Name == want && !hasRoom:
			return "", Errorf(Conflict, "session.team_full", "team %q is full", want)
		case t.Name == want, want == "" && t.Name == before && hasRoom:
			return t.Name, nil
		case hasRoom && (best == "" || sizes[t.Name] < sizes[best]):
			best = t.Name
		}
	}
	if want != "" {
		return "", Errorf(Invalid, "session.team_unknown", "there is no team %q", want)
	}
	if best == "" && len(teams) > 0 {
		return "", Errorf(Conflict, "session.full", "every team is full")
	}
	return best, nil
}

// without takes a player's place away. Who played stays on the roster: a result may
// name them.
func (s session) without(p PlayerID, now time.Time) (next session, changed bool) {
	_, left := s.Left[p]
	_, played := s.Teams[p]
	long := !s.joinable() && played && !left && len(s.Teams) >= longRoster
	if !s.inRoom(p) && !long {
		return s, false
	}
	next = s.clone()
	if next.Room != nil {
		delete(next.Room.Members, p)
	}
	next.noteLeft(p, now)
	return next, true
}

// refused takes back the place of a player who got no seat, as if they had never come.
func (s session) refused(p PlayerID, now time.Time) (next session, changed bool) {
	if !s.inRoom(p) {
		return s, false
	}
	if next, changed = s.without(p, now); s.Room.Members[p].New {
		delete(next.Teams, p)
		delete(next.Left, p)
	}
	return next, changed
}

// seatGrace is how long a place waits for a seat at GameLift, which keeps a reservation
// for 60 seconds, before it counts as given up.
const seatGrace = 90 * time.Second

// pruned gives up the places of those who have no live seat at GameLift any more, of most
// players at once.
func (s session) pruned(live map[PlayerID]bool, asked time.Time, most int) (next session, gone []PlayerID) {
	for _, p := range slices.Sorted(maps.Keys(s.Room.Members)) {
		if m := s.Room.Members[p]; len(gone) < most && !live[p] && asked.Sub(m.Since) >= seatGrace {
			gone = append(gone, p)
		}
	}
	if len(gone) == 0 {
		return s, nil
	}
	next = s.clone()
	for _, p := range gone {
		delete(next.Room.Members, p)
		next.noteLeft(p, asked)
	}
	return next, gone
}

// over is the session after its end; its members are freed afterwards.
func (s session) over(now time.Time) session {
	if !s.EndedAt.IsZero() {
		return s
	}
	next := s.clone()
	next.EndedAt = now
	return next
}

// owes says that a result must name the player: everybody of a match, and who is in the
// room when it is reported. Others may be named.
func (s *session) owes(p PlayerID) bool {
	if s.Room == nil || s.MatchID != "" {
		return true
	}
	m, in := s.Room.Members[p]
	return in && !m.Spectator
}

// updated is the session as its game server wants it; only keys that the mode lists.
func (s session) updated(u SessionUpdate, allowed map[string][]string) (session, error) {
	next := s.clone()
	if u.Locked == nil && len(u.Properties) == 0 {
		return next, nil
	}
	if next.Room == nil {
		return s, Errorf(Conflict, "session.not_open", "nobody joins this session: it has neither a lock nor properties")
	}
	if u.Locked != nil {
		next.Room.Locked = *u.Locked
	}
	for key, value := range u.Properties {
		choices, listed := allowed[key]
		if !listed || !propertyValue(value) || len(choices) > 0 && !slices.Contains(choices, value) {
			return s, errProperty(allowed, true, key, value)
		}
		if next.Room.Properties == nil {
			next.Room.Properties = make(map[string]string)
		}
		next.Room.Properties[key] = value
	}
	return next, nil
}

// view is the session as anybody may see it who may see it at all.
func (s *session) view() SessionView {
	v := SessionView{ID: s.ID, Mode: s.Mode, Location: s.ID.location(), CreatedAt: s.StartedAt, PlayerCount: len(s.Teams), MaxPlayers: len(s.Teams)}
	if !s.EndedAt.IsZero() {
		v.EndedAt = &s.EndedAt
	}
	if r := s.Room; r != nil {
		v.Name, v.Private, v.Locked, v.Properties = r.Name, r.Private, r.shut(), r.Properties
		v.PlayerCount, v.SpectatorCount = r.counts()
		v.MaxPlayers, v.MaxSpectators = r.MaxPlayers, r.Spectators
	}
	return v
}

// members are those who are in the session, in the order of their ids.
func (s *session) members() []SessionPlayerView {
	var all []SessionPlayerView
	if s.Room == nil {
		for _, p := range slices.Sorted(maps.Keys(s.Teams)) {
			all = append(all, SessionPlayerView{PlayerID: p, Team: s.Teams[p]})
		}
		return all
	}
	for _, p := range slices.Sorted(maps.Keys(s.Room.Members)) {
		if s.Room.Members[p].Spectator {
			all = append(all, SessionPlayerView{PlayerID: p, Role: Spectator})
		} else {
			all = append(all, SessionPlayerView{PlayerID: p, Team: s.Teams[p]})
		}
	}
	return all
}

// roster is everybody whom a game server has to know of.
func (s *session) roster() []RosterPlayerView {
	all := make([]RosterPlayerView, 0, len(s.Teams))
	for _, p := range slices.Sorted(maps.Keys(s.Teams)) {
		row := RosterPlayerView{PlayerID: p, Team: s.Teams[p]}
		if s.Room != nil {
			m, in := s.Room.Members[p]
			row.Left = !in || m.Spectator
		}
		all = append(all, row)
	}
	if s.Room == nil {
		return all
	}
	for _, p := range slices.Sorted(maps.Keys(s.Room.Members)) {
		if s.Room.Members[p].Spectator {
			all = append(all, RosterPlayerView{PlayerID: p, Role: Spectator})
		}
	}
	return all
}

// location is where a session runs, read from its ARN:
// arn:aws:gamelift:<region>::gamesession/<fleet>[/<location>]/<id>. Without a location it
// runs in the fleet's home region.
func (id SessionID) location() string {
	arn, path, ok := strings.Cut(string(id), ":gamesession/")
	if !ok {
		return ""
	}
	if parts := strings.Split(path, "/"); len(parts) == 3 {
		return parts[1]
	}
	if fields := strings.Split(arn, ":"); len(fields) > 3 {
		return fields[3]
	}
	return ""
}

// openShards spreads the list of a mode's open sessions over partitions.
const openShards = 4

func openPartition(mode ModeName, shard int) string {
	return "OPEN#" + string(mode) + "#" + strconv.Itoa(shard)
}

// openKey names the record that lists the session while it can be joined; it sorts by
// age.
func (s *session) openKey() Key {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s.ID)) // a hash never fails to write
	return Key{openPartition(s.Mode, int(h.Sum32()%openShards)), sortableTime(s.StartedAt) + "#" + string(s.ID)}
}

// openSession is a row of the list of open sessions: what is needed to pass over it.
// Everything else is read from the session.
type openSession struct {
	Session    SessionID         `json:"session"`
	Properties map[string]string `json:"properties,omitempty"`
	Full       bool              `json:"full,omitempty"` // for players; one can still watch
}

func (s *session) row() openSession { return openSession{s.ID, s.Room.Properties, !s.hasRoom("")} }

// same says that two rows of one session say the same.
func (o openSession) same(other openSession) bool {
	return o.Full == other.Full && maps.Equal(o.Properties, other.Properties)
}

// putSession stores a session in place of version, with the list of open ones as it is
// after the change.
func (b *Backend) putSession(before, after session, version int64) ([]Op, error) {
	now := b.instant()
	after, expires := after.sinceEmpty(now), now.Add(sessionLife)
	op, err := put(sessionKey(after.ID), version, after, expires)
	if err != nil {
		return nil, err
	}
	ops := []Op{op}
	was, is := before.listed(), after.listed()
	switch {
	case is && (!was || !before.row().same(after.row())):
		if op, err = put(after.openKey(), AnyVersion, after.row(), expires); err != nil {
			return nil, err
		}
		ops = append(ops, op)
	case was && !is:
		ops = append(ops, Op{Kind: Delete, Key: before.openKey(), Version: AnyVersion})
	}
	if ended := before.EndedAt.IsZero() && !after.EndedAt.IsZero(); ended && after.Room != nil && after.Room.Code != "" {
		ops = append(ops, Op{Kind: Delete, Key: roomCodeKey(after.Room.Code), Version: AnyVersion})
	}
	return ops, nil
}

// roomCode points from a private session's code to the session.
type roomCode struct {
	Session SessionID `json:"session"`
}

// roomCodeKey holds the code's hash: keys stand in logs.
func roomCodeKey(code string) Key {
	sum := sha256.Sum256([]byte(code))
	return Key{"SC#" + hex.EncodeToString(sum[:]), "C"}
}

// roomCodeLength makes 47 bits: with few guesses a minute nobody finds one of a million
// sessions.
const roomCodeLength = 10
