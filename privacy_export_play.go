package muster

import (
	"context"
	"slices"
	"time"
)

// exportReadiness is what a member last told their party.
type exportReadiness struct {
	LatencyInMs map[string]int    `json:"latencyInMs,omitempty"`
	Preferences map[string]string `json:"preferences,omitempty"`
}

// exportRoom is a session that the player asked for or waits for. What was asked for is
// kept for a day, or with the session.
type exportRoom struct {
	PlacementID PlacementID       `json:"placementId"`
	SessionID   SessionID         `json:"sessionId,omitempty"`
	Mode        ModeName          `json:"mode,omitempty"`
	Status      PlacementStatus   `json:"status,omitempty"`
	CreatedAt   *time.Time        `json:"createdAt,omitempty"`
	Name        string            `json:"name,omitempty"`
	Private     bool              `json:"private,omitempty"`
	Code        string            `json:"code,omitempty"`
	Properties  map[string]string `json:"properties,omitempty"`
	LatencyInMs map[string]int    `json:"latencyInMs,omitempty"`
}

// fill says what was asked for. Of another's session the player sees the code and the name
// where they are in it.
func (e *exportRoom) fill(plan *roomPlan) {
	e.Name, e.Private, e.Code, e.Properties = plan.Name, plan.Private, plan.Code, plan.Properties
}

// exportRooms gathers the sessions that a player asked for, and the one that waiting, if any,
// brings them.
func (b *Backend) exportRooms(ctx context.Context, p PlayerID, waiting PlacementID) ([]exportRoom, error) {
	own, _, err := loadOr(ctx, b.store, ownRoomsKey(p), ownRooms{})
	if err != nil {
		return nil, err
	}
	if waiting != "" && !slices.ContainsFunc(own.Rooms, func(r ownRoom) bool { return r.Placement == waiting }) {
		own.Rooms = append(own.Rooms, ownRoom{Placement: waiting})
	}
	var all []exportRoom
	for _, r := range own.Rooms {
		e := exportRoom{PlacementID: r.Placement, SessionID: r.Session, Mode: r.Mode}
		if err := b.exportPlacement(ctx, p, &e); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// exportPlacement fills in what is kept of a session that was asked for.
func (b *Backend) exportPlacement(ctx context.Context, p PlayerID, e *exportRoom) error {
	asked, version, err := loadOr(ctx, b.store, placementKey(e.PlacementID), placement{})
	if err != nil {
		return err
	}
	if version != 0 {
		e.SessionID, e.Mode, e.Status, e.CreatedAt = asked.Session, asked.Mode, asked.Status, someTime(asked.CreatedAt)
		if asked.Room != nil {
			e.fill(asked.Room)
		}
		if mine := asked.player(p); mine != nil {
			e.LatencyInMs = mine.LatencyInMs
		}
		return nil
	}
	if e.SessionID == "" {
		return nil
	}
	s, _, err := loadOr(ctx, b.store, sessionKey(e.SessionID), session{})
	if err == nil && s.Room != nil && s.Room.Owner == p {
		e.fill(&s.Room.roomPlan)
	}
	return err
}

// exportParty fills in the party, what the player said there, and invites.
func (b *Backend) exportParty(ctx context.Context, p PlayerID, head *exportHead) error {
	in, err := b.membershipOf(ctx, p)
	if err != nil {
		return err
	}
	if in.party.exists() {
		view, err := b.partyView(ctx, &in.party, in.version, b.slotOf)
		if err != nil {
			return err
		}
		me := in.party.member(p)
		head.Party = &view
		if len(me.LatencyInMs) > 0 || len(me.Preferences) > 0 {
			head.Readiness = &exportReadiness{me.LatencyInMs, me.Preferences}
		}
	}
	list, _, err := b.inviteListOf(ctx, p)
	head.Invites = append(head.Invites, list.Invites...)
	head.DeclinedInvites = list.Declined
	return err
}
