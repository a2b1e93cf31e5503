package muster

import (
	"context"
	"maps"
	"slices"
	"time"
)

// AdminTicketView is a whole ticket, for operators: every player, what GameLift was told
// of each, and why. It holds no seat and no join token: those are the players' own.
type AdminTicketView struct {
	ID            TicketID     `json:"id"`
	Mode          ModeName     `json:"mode"`
	Configuration string       `json:"configuration"`
	Status        TicketStatus `json:"status" enum:"queued,searching,requiresAcceptance,placing,completed,failed,cancelled,timedOut"`
	Version       int64        `json:"version"`
	Owner         PlayerID     `json:"owner"`
	PartyID       PartyID      `json:"partyId,omitempty"`
	CreatedAt     time.Time    `json:"createdAt"`
	UpdatedAt     time.Time    `json:"updatedAt"`
	// HeardAt is when GameLift last said anything new of the ticket, AskedAt when it was
	// last asked. Nil: never asked.
	HeardAt              time.Time         `json:"heardAt"`
	AskedAt              *time.Time        `json:"askedAt,omitempty"`
	EstimatedWaitSeconds int               `json:"estimatedWaitSeconds,omitempty"`
	Match                *AdminMatchView   `json:"match,omitempty"`
	LeftMatches          []MatchID         `json:"leftMatches,omitempty"`
	SessionID            SessionID         `json:"sessionId,omitempty"`
	Reason               *ReasonView       `json:"reason,omitempty"`
	Players              []AdminTicketSeat `json:"players"`
}

// AdminMatchView is the proposed or made match of a ticket.
type AdminMatchView struct {
	ID                 MatchID    `json:"id"`
	AcceptanceRequired bool       `json:"acceptanceRequired"`
	AcceptBy           *time.Time `json:"acceptBy,omitempty"`
	PlayerCount        int        `json:"playerCount"`
	AcceptedCount      int        `json:"acceptedCount"`
}

// AdminTicketSeat is one player of a ticket. Seated says that the player has a seat,
// Accepted what the player answered; nil: nothing yet.
type AdminTicketSeat struct {
	PlayerID         PlayerID            `json:"playerId"`
	Team             string              `json:"team,omitempty"`
	Accepted         *bool               `json:"accepted,omitempty"`
	Seated           bool                `json:"seated"`
	Attributes       []SentAttributeView `json:"attributes"`
	LatencyInMs      map[string]int      `json:"latencyInMs"`
	DroppedLatencies map[string]string   `json:"droppedLatencies,omitempty"`
}

// SentAttributeView is one attribute that the mode declares: what GameLift was told, and
// where that came from. Value is nil where nothing was sent.
type SentAttributeView struct {
	Name  string          `json:"name"`
	Value *AttributeValue `json:"value,omitempty"`
	From  Source          `json:"from" enum:"rating,player,client,const"`
	// Field is the stored "namespace.field", DocumentVersion the version of its document,
	// for From player; Games what the rating rests on, for From rating.
	Field           string `json:"field,omitempty"`
	DocumentVersion int64  `json:"documentVersion,omitempty"`
	Games           *int64 `json:"games,omitempty"`
	// PartyRating says what of the party's ratings was sent, for From rating. Empty: the
	// player's own.
	PartyRating PartyRating `json:"partyRating,omitempty" enum:"average,highest"`
	// Problem is why the source's own value was not sent, Sent what was instead, and Was
	// the number that was out of range. Empty: nothing was in the way.
	Problem string   `json:"problem,omitempty" enum:"none,type,wild,long,range"`
	Sent    string   `json:"sent,omitempty" enum:"absent,clamp,default"`
	Was     *float64 `json:"was,omitempty"`
}

// InspectTicket shows any ticket to an operator.
func (b *Backend) InspectTicket(ctx context.Context, id TicketID) (AdminTicketView, error) {
	t, version, err := b.anyTicket(ctx, id)
	if err != nil {
		return AdminTicketView{}, err
	}
	return t.adminView(version), nil
}

func (t *ticket) adminView(version int64) AdminTicketView {
	v := AdminTicketView{
		ID: t.ID, Mode: t.Mode, Configuration: t.Configuration, Status: t.Status, Version: version, Owner: t.Players[0].ID, PartyID: t.Party,
		CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt, HeardAt: t.NewsAt, AskedAt: someTime(t.CheckedAt),
		EstimatedWaitSeconds: t.EstimatedWaitSeconds, LeftMatches: t.Closed, SessionID: t.Session,
		Players: make([]AdminTicketSeat, 0, len(t.Players)),
	}
	if t.Match.ID != "" || t.Match.AcceptanceRequired {
		v.Match = &AdminMatchView{
			ID: t.Match.ID, AcceptanceRequired: t.Match.AcceptanceRequired, AcceptBy: someTime(t.Match.AcceptBy),
			PlayerCount: t.Match.PlayerCount, AcceptedCount: t.Match.AcceptedCount,
		}
	}
	if t.ReasonCode != "" {
		v.Reason = &ReasonView{Code: t.ReasonCode, Message: t.ReasonMessage}
	}
	for _, p := range t.Players {
		v.Players = append(v.Players, p.adminView())
	}
	return v
}

func (p ticketPlayer) adminView() AdminTicketSeat {
	v := AdminTicketSeat{
		PlayerID: p.ID, Team: p.Team, Accepted: p.Accepted, Seated: p.Seat != "",
		Attributes: make([]SentAttributeView, 0, len(p.Why)), LatencyInMs: p.LatencyInMs,
	}
	if v.LatencyInMs == nil {
		v.LatencyInMs = map[string]int{}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Why)) {
		v.Attributes = append(v.Attributes, p.Why[name].view(name, p.Attributes))
	}
	for location, why := range p.Dropped {
		if v.DroppedLatencies == nil {
			v.DroppedLatencies = make(map[string]string, len(p.Dropped))
		}
		v.DroppedLatencies[location] = string(why)
	}
	return v
}

func (r attributeReason) view(name string, sent map[string]AttributeValue) SentAttributeView {
	v := SentAttributeView{Name: name, From: r.From, Field: r.Field, Problem: string(r.Problem), Sent: string(r.Remedy), Was: r.Was}
	if value, was := sent[name]; was {
		v.Value = &value
	}
	switch r.From {
	case FromRating:
		v.Games, v.PartyRating = &r.Count, r.Shared
	case FromPlayer:
		v.DocumentVersion = r.Count
	}
	return v
}

// someTime is an instant, or nil where there is none.
func someTime(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}
