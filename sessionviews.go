package muster

import "time"

// SeatRole is what a seat is for.
type SeatRole string

// Spectator is the role of who watches and does not play. Players have none.
const Spectator SeatRole = "spectator"

// SessionRequest is what somebody may say who wants a session.
type SessionRequest struct {
	Mode        ModeName          `json:"mode"`
	Name        string            `json:"name,omitempty"`
	Private     bool              `json:"private,omitempty"`
	Properties  map[string]string `json:"properties,omitempty"`
	MaxPlayers  int               `json:"maxPlayers,omitempty"` // 0: as many as the mode allows
	LatencyInMs map[string]int    `json:"latencyInMs,omitempty"`
	Team        string            `json:"team,omitempty"` // empty: the smallest
}

// SessionPlacementView is a request for a session as who made it sees it.
type SessionPlacementView struct {
	ID        PlacementID     `json:"id"`
	Mode      ModeName        `json:"mode"`
	Status    PlacementStatus `json:"status" enum:"pending,fulfilled,failed,cancelled,timedOut"`
	Version   int64           `json:"version"`
	CreatedAt time.Time       `json:"createdAt"`
	UpdatedAt time.Time       `json:"updatedAt"`
	Code      string          `json:"code,omitempty"`
	SessionID SessionID       `json:"sessionId,omitempty"`
	Seat      *SeatView       `json:"seat,omitempty"`
	Reason    *ReasonView     `json:"reason,omitempty"`
}

// SessionView is a session that can be joined, or that the caller is in. Code and
// Players are for those who are in it.
type SessionView struct {
	ID             SessionID           `json:"id"`
	Mode           ModeName            `json:"mode"`
	Name           string              `json:"name,omitempty"`
	Location       string              `json:"location"`
	Private        bool                `json:"private,omitempty"`
	Locked         bool                `json:"locked,omitempty"`
	Properties     map[string]string   `json:"properties,omitempty"`
	PlayerCount    int                 `json:"playerCount"`
	MaxPlayers     int                 `json:"maxPlayers"`
	SpectatorCount int                 `json:"spectatorCount"`
	MaxSpectators  int                 `json:"maxSpectators"`
	CreatedAt      time.Time           `json:"createdAt"`
	EndedAt        *time.Time          `json:"endedAt,omitempty"`
	Code           string              `json:"code,omitempty"`
	Players        []SessionPlayerView `json:"players,omitempty"`
}

// SessionPlayerView is somebody who is in a session, as the others in it see them.
type SessionPlayerView struct {
	PlayerID    PlayerID `json:"playerId"`
	DisplayName string   `json:"displayName,omitempty"`
	Team        string   `json:"team,omitempty"`
	Role        SeatRole `json:"role,omitempty" enum:"spectator"`
}

// SessionPage is part of the list of open sessions, newest first. Next is the cursor of
// the following page, empty at the end; a page may be short and still not be the last.
type SessionPage struct {
	Sessions []SessionView `json:"sessions"`
	Next     string        `json:"next,omitempty"`
}

// SessionQuery says which open sessions are wanted.
type SessionQuery struct {
	Mode       ModeName
	Location   string            // empty: anywhere
	Properties map[string]string // each must be as given
	HasRoom    bool              // for one more player, not only for a spectator
	After      string            // the Next of the page before
	Limit      int
}

// JoinRequest is what a player says who wants to join a session.
type JoinRequest struct {
	Code string   `json:"code,omitempty"` // of a private session
	Role SeatRole `json:"role,omitempty"` // empty: to play
	Team string   `json:"team,omitempty"` // empty: the smallest
}

// SessionUpdate is what a game server says of its session. What is nil stays.
type SessionUpdate struct {
	Locked     *bool             `json:"locked,omitempty"`     // nobody can join
	Properties map[string]string `json:"properties,omitempty"` // set or replaced, never removed
	Ended      bool              `json:"ended,omitempty"`      // everybody is free
}

// ServerSessionView is a session as game servers see it. Players is its roster: who was
// ever put in, but spectators who left.
type ServerSessionView struct {
	ID         SessionID          `json:"id"`
	Mode       ModeName           `json:"mode"`
	MatchID    MatchID            `json:"matchId,omitempty"`
	Name       string             `json:"name,omitempty"`
	Private    bool               `json:"private,omitempty"`
	Locked     bool               `json:"locked,omitempty"`
	Properties map[string]string  `json:"properties,omitempty"`
	CreatedAt  time.Time          `json:"createdAt"`
	EndedAt    *time.Time         `json:"endedAt,omitempty"`
	Players    []RosterPlayerView `json:"players"`
	Backfill   *BackfillView      `json:"backfill,omitempty"`
}

// RosterPlayerView is one player of a roster. Left says that they are no longer in it.
type RosterPlayerView struct {
	PlayerID PlayerID `json:"playerId"`
	Team     string   `json:"team,omitempty"`
	Role     SeatRole `json:"role,omitempty" enum:"spectator"`
	Left     bool     `json:"left,omitempty"`
}

// BackfillRequest names the players who are in a session that wants more, with their
// teams.
type BackfillRequest struct {
	Players []BackfillMember `json:"players"`
}

// BackfillMember is one player of a BackfillRequest.
type BackfillMember struct {
	PlayerID PlayerID `json:"playerId"`
	Team     string   `json:"team"`
}

// BackfillView is a game server's request for more players.
type BackfillView struct {
	TicketID  TicketID     `json:"ticketId"`
	SessionID SessionID    `json:"sessionId"`
	Status    TicketStatus `json:"status" enum:"searching,completed,failed,cancelled,timedOut"`
	StartedAt time.Time    `json:"startedAt"`
}
