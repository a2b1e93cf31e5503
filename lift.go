package muster

import (
	"context"
	"time"
)

// PlacementID is one request for a session on a queue: ours, 1 to 48 characters of
// [a-zA-Z0-9-]. GameLift uses the same id, and never takes one twice.
type PlacementID string

// PlacementStatus is where a placement stands, in the words of the API.
type PlacementStatus string

// The placement statuses. The last four are final.
const (
	// PlacementProposed is a match that is not yet made: ours, never GameLift's.
	PlacementProposed  PlacementStatus = "proposed"
	PlacementPending   PlacementStatus = "pending"
	PlacementFulfilled PlacementStatus = "fulfilled"
	PlacementFailed    PlacementStatus = "failed"
	PlacementCancelled PlacementStatus = "cancelled"
	PlacementTimedOut  PlacementStatus = "timedOut"
)

// Final reports whether a placement with this status can no longer change.
func (s PlacementStatus) Final() bool {
	switch s {
	case PlacementFulfilled, PlacementFailed, PlacementCancelled, PlacementTimedOut:
		return true
	}
	return false
}

// StartPlacement is what a queue is asked for.
type StartPlacement struct {
	Placement  PlacementID
	Queue      string
	MaxPlayers int // seats of the session, those of spectators included
	Name       string
	Data       string            // for the game server: GameSessionData
	Properties map[string]string // GameProperties
	Players    []SeatPlayer      // who gets a seat at once
	// LocationOrder, when there is one, is tried in place of the queue's own order;
	// GameLift does not take latencies with it.
	LocationOrder []string
}

// SeatPlayer is a player for whom a seat is asked with a placement.
type SeatPlayer struct {
	ID          PlayerID
	LatencyInMs map[string]int // keyed by location
	Data        string         // for the game server: PlayerData
}

// PlacementSnapshot is what GameLift says of a placement, asked or in an event. Session
// and Seats are set when Status is PlacementFulfilled.
type PlacementSnapshot struct {
	Placement          PlacementID
	Status             PlacementStatus
	Session            SessionID
	IPAddress, DNSName string
	Port               int
	Seats              map[PlayerID]SeatID
}

// PlacementEvent tells how a placement ended. It may come twice, late, or never.
type PlacementEvent struct {
	ID string
	At time.Time // GameLift's clock
	PlacementSnapshot
}

// ReserveSeat asks for one more seat in a session that runs. Data is for the game
// server: PlayerData.
type ReserveSeat struct {
	Session SessionID
	Player  PlayerID
	Data    string
}

// SeatGrant is a seat that was reserved, and where its game server is.
type SeatGrant struct {
	Seat               SeatID
	IPAddress, DNSName string
	Port               int
}

// StartBackfill asks for more players for a session that FlexMatch made. Ticket is our
// id; Players are those who are in the session, each with their team.
type StartBackfill struct {
	Ticket        TicketID
	Configuration string
	Session       SessionID
	Players       []BackfillPlayer
}

// BackfillPlayer is a player who is in the session already.
type BackfillPlayer struct {
	MatchmakingPlayer
	Team string
}

// Hosting is the part of the port GameLift that is about sessions: queues place them,
// players join them. Errors are those of GameLift.
type Hosting interface {
	// StartPlacement asks a queue for a session. A repeat of one that GameLift knows is
	// success.
	StartPlacement(ctx context.Context, req StartPlacement) error
	// StopPlacement withdraws a placement; one that is over is Invalid.
	StopPlacement(ctx context.Context, id PlacementID) error
	// Placement describes one placement; an unknown one is NotFound.
	Placement(ctx context.Context, id PlacementID) (PlacementSnapshot, error)

	// ReserveSeat makes a seat in a running session. A full session, one that takes
	// nobody and one that is over are Conflict or Invalid.
	ReserveSeat(ctx context.Context, req ReserveSeat) (SeatGrant, error)
	// LiveSeats lists the seats of a session that are reserved or taken.
	LiveSeats(ctx context.Context, id SessionID) ([]SeatState, error)
	// EndSession tells the game server of a session to end it, or with force stops the
	// server. It can be repeated. One that is over is Conflict, an unknown one NotFound.
	EndSession(ctx context.Context, id SessionID, force bool) error

	// StartBackfill asks for more players; StopMatchmaking withdraws its ticket.
	StartBackfill(ctx context.Context, req StartBackfill) error
}
