package muster

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// Our placement ids begin with what they are for, so that events of placements that
// FlexMatch makes by itself are told apart without a read.
const (
	roomPlacement  = "room-"  // somebody asked for a session
	matchPlacement = "match-" // a match of standalone matchmaking
)

// oursToPlace says that a placement id is one of ours.
func oursToPlace(id PlacementID) bool {
	return len(id) <= 48 && (strings.HasPrefix(string(id), roomPlacement) || strings.HasPrefix(string(id), matchPlacement))
}

// placementOfMatch is the one placement of a match: every replica derives the same.
func placementOfMatch(id MatchID) PlacementID {
	sum := sha256.Sum256([]byte(id))
	return PlacementID(matchPlacement + hex.EncodeToString(sum[:16]))
}

// placement is the record of one request for a session on a queue. Its methods decide;
// they change nothing but the copy they return.
type placement struct {
	ID PlacementID `json:"id"`
	// Request is a hash of the request that made it, if that had an idempotency key.
	Request string            `json:"request,omitempty"`
	Mode    ModeName          `json:"mode"`
	Status  PlacementStatus   `json:"status"`
	Players []placementPlayer `json:"players,omitempty"`
	// Room is what was asked for; nil for a match.
	Room *roomPlan `json:"room,omitempty"`
	// Match is set for a match of standalone matchmaking.
	Match MatchID `json:"match,omitempty"`

	ReasonCode    string    `json:"reasonCode,omitempty"`
	ReasonMessage string    `json:"reasonMessage,omitempty"`
	CreatedAt     time.Time `json:"createdAt"`
	// AskedAt is when GameLift was first asked for it. Zero: not yet.
	AskedAt   time.Time `json:"askedAt,omitzero"`
	UpdatedAt time.Time `json:"updatedAt"`
	// Withdrawn says that who asked for it wants it no more: it is not asked for again.
	Withdrawn bool `json:"withdrawn,omitempty"`

	Session   SessionID `json:"session,omitempty"`
	IPAddress string    `json:"ipAddress,omitempty"`
	DNSName   string    `json:"dnsName,omitempty"`
	Port      int       `json:"port,omitempty"`
}

// placementPlayer is a player who gets a seat with the session.
type placementPlayer struct {
	ID          PlayerID       `json:"id"`
	Ticket      TicketID       `json:"ticket,omitempty"` // of a match
	Team        string         `json:"team,omitempty"`
	LatencyInMs map[string]int `json:"latencyInMs,omitempty"`
	Seat        SeatID         `json:"seat,omitempty"`
}

// roomPlan is a session as somebody wants it.
type roomPlan struct {
	Owner      PlayerID          `json:"owner,omitempty"` // empty: a game server
	Name       string            `json:"name,omitempty"`
	Private    bool              `json:"private,omitempty"`
	Code       string            `json:"code,omitempty"` // only who made it and who is in it see it
	Properties map[string]string `json:"properties,omitempty"`
	MaxPlayers int               `json:"maxPlayers"`
	Spectators int               `json:"spectators,omitempty"`
}

func (p *placement) player(id PlayerID) *placementPlayer {
	for i := range p.Players {
		if p.Players[i].ID == id {
			return &p.Players[i]
		}
	}
	return nil
}

func (p placement) clone() placement {
	p.Players = slices.Clone(p.Players)
	return p
}

// How long a placement that GameLift does not know is asked for again, and the wait
// before its word that it does not is believed. A session is worth waiting for: the
// players are matched, or have nothing better to do.
const (
	askFor     = time.Minute
	unknownFor = 10 * time.Second
)

// settled decides what GameLift's word makes of a placement. A final one never changes,
// and seats go by player id.
func (p placement) settled(snap PlacementSnapshot, now time.Time) (next placement, changed bool) {
	if p.Status.Final() || snap.Placement != p.ID || !snap.Status.Final() {
		return p, false
	}
	next = p.clone()
	next.Status, next.UpdatedAt = snap.Status, now
	switch snap.Status {
	case PlacementFulfilled:
		next.Session, next.IPAddress, next.DNSName, next.Port = snap.Session, snap.IPAddress, snap.DNSName, snap.Port
		for i := range next.Players {
			next.Players[i].Seat = snap.Seats[next.Players[i].ID]
		}
	case PlacementTimedOut:
		next.ReasonCode, next.ReasonMessage = "placement.no_server", "no game server was free in time"
	case PlacementCancelled:
		next.ReasonCode, next.ReasonMessage = "placement.cancelled", "the request was cancelled"
	default:
		next.ReasonCode, next.ReasonMessage = "placement.failed", "the session could not be started"
	}
	next.forgetLatencies()
	return next, true
}

// unknown decides what becomes of a placement that GameLift does not know: it is over
// when nobody wants it, or when it was asked for long enough; otherwise it is asked for
// again.
func (p placement) unknown(now time.Time) (next placement, changed, again bool) {
	if p.Status != PlacementPending {
		return p, false, false
	}
	age := now.Sub(p.AskedAt)
	switch {
	case wild(p.AskedAt, now): // count from here
		next = p.clone()
		next.AskedAt = now
		return next, true, false
	case p.Withdrawn && age >= unknownFor:
		return p.ended(PlacementCancelled, "placement.cancelled", "the request was cancelled", now), true, false
	case p.Withdrawn:
		return p, false, false
	case age >= askFor:
		return p.ended(PlacementFailed, "placement.lost", "the request for a session was lost; please try again", now), true, false
	}
	return p, false, age >= unknownFor
}

// ended is a final status without a session.
func (p placement) ended(status PlacementStatus, code, message string, now time.Time) placement {
	next := p.clone()
	next.Status, next.ReasonCode, next.ReasonMessage, next.UpdatedAt = status, code, message, now
	next.forgetLatencies()
	return next
}

// forgetLatencies drops what only GameLift had to know.
func (p *placement) forgetLatencies() {
	for i := range p.Players {
		p.Players[i].LatencyInMs = nil
	}
}

// seat is the place of one of the placement's players.
func (p *placement) seat(player placementPlayer) SeatView {
	return SeatView{
		SessionID: p.Session, Mode: p.Mode, Team: player.Team,
		IPAddress: p.IPAddress, DNSName: p.DNSName, Port: p.Port, PlayerSessionID: player.Seat,
	}
}

// view is the placement as its player sees it; the seat is the player's own, without
// join token. A placement that a game server asked for is seen by game servers, as
// nobody's.
func (p *placement) view(me PlayerID, version int64) SessionPlacementView {
	v := SessionPlacementView{
		ID: p.ID, Mode: p.Mode, Status: p.Status, Version: version,
		CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt, SessionID: p.Session,
	}
	if p.Room != nil {
		v.Code = p.Room.Code
	}
	if mine := p.player(me); me != "" && mine != nil && p.Status == PlacementFulfilled && mine.Seat != "" {
		seat := p.seat(*mine)
		v.Seat = &seat
	}
	if p.ReasonCode != "" {
		v.Reason = &ReasonView{Code: p.ReasonCode, Message: p.ReasonMessage}
	}
	return v
}

// tickets are the tickets of a match with their players, in the order of the players.
func (p *placement) tickets() []EventTicket {
	var all []EventTicket
	at := make(map[TicketID]int)
	for _, player := range p.Players {
		if player.Ticket == "" {
			continue
		}
		i, known := at[player.Ticket]
		if !known {
			i = len(all)
			at[player.Ticket] = i
			all = append(all, EventTicket{ID: player.Ticket})
		}
		all[i].Players = append(all[i].Players, EventPlayer{ID: player.ID, Team: player.Team})
	}
	return all
}
