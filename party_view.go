package muster

import (
	"context"
	"time"
)

// PartyState is what a party is doing.
type PartyState string

// The states of a party.
const (
	PartyIdle    PartyState = "idle"    // nothing: it may queue
	PartyQueued  PartyState = "queued"  // its ticket is under way
	PartyPlaying PartyState = "playing" // a member is still in the session of its latest match
)

// PartyView is a party as its members see it, all of them alike.
type PartyView struct {
	ID      PartyID    `json:"id"`
	Version int64      `json:"version"` // grows with every change
	State   PartyState `json:"state" enum:"idle,queued,playing"`
	// Code lets others join while Open is true.
	Code      string            `json:"code"`
	Open      bool              `json:"open"`
	Mode      ModeName          `json:"mode,omitempty"`
	Leader    PlayerID          `json:"leader"`
	MaxSize   int               `json:"maxSize"`
	Members   []PartyMemberView `json:"members"` // in the order in which they came
	Invites   []PartyInviteView `json:"invites"`
	TicketID  TicketID          `json:"ticketId,omitempty"` // unless State is idle
	CreatedAt time.Time         `json:"createdAt"`
	ChangedAt time.Time         `json:"changedAt"`
}

// PartyMemberView is one member as the others see them.
type PartyMemberView struct {
	PlayerID    PlayerID  `json:"playerId"`
	DisplayName string    `json:"displayName"`
	Ready       bool      `json:"ready"`
	JoinedAt    time.Time `json:"joinedAt"`
}

// PartyInviteView is an invite as the party sees it.
type PartyInviteView struct {
	PlayerID  PlayerID  `json:"playerId"`
	By        PlayerID  `json:"by"`
	Declined  bool      `json:"declined"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// InviteView is an invite as the invited player sees it.
type InviteView struct {
	PartyID   PartyID   `json:"partyId"`
	From      PlayerID  `json:"from"`
	FromName  string    `json:"fromName"`
	Mode      ModeName  `json:"mode,omitempty"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// PartyNews is the data of the notice "party": the party that the player is in now, null
// when in none.
type PartyNews struct {
	Party *PartyView `json:"party"`
}

// InviteNews is the data of the notice "invites": all that the player has now.
type InviteNews struct {
	Invites []InviteView `json:"invites"`
}

// PartyRulesView is what a mode asks of parties.
type PartyRulesView struct {
	MaxSize      int         `json:"maxSize"`
	Rating       PartyRating `json:"rating" enum:"own,average,highest"`
	RequireReady bool        `json:"requireReady"`
}

// PartySettings is what a leader may choose; nil keeps what is.
type PartySettings struct {
	Mode *ModeName `json:"mode,omitempty"`
	Open *bool     `json:"open,omitempty"` // a new party is open
}

// PartyReport is what a member says of themselves. Nil keeps what was said before.
type PartyReport struct {
	Ready       bool              `json:"ready"`
	LatencyInMs map[string]int    `json:"latencyInMs,omitempty"`
	Preferences map[string]string `json:"preferences,omitempty"`
}

// lookAtSlot is slotOf, or liveSlot to be sure.
type lookAtSlot func(ctx context.Context, p PlayerID) (slot, int64, error)

// partyView shows a party. While its latest match may last, the members' slots say
// whether it does.
func (b *Backend) partyView(ctx context.Context, p *party, version int64, look lookAtSlot) (PartyView, error) {
	v := PartyView{
		ID: p.ID, Version: version, State: PartyIdle, Code: p.Code, Open: p.Open, Mode: p.Mode, Leader: p.Leader,
		MaxSize: b.partyLimit(p.Mode), Members: make([]PartyMemberView, 0, len(p.Members)), Invites: []PartyInviteView{},
		CreatedAt: p.CreatedAt, ChangedAt: p.ChangedAt,
	}
	for _, m := range p.Members {
		v.Members = append(v.Members, PartyMemberView{PlayerID: m.ID, DisplayName: m.Name, Ready: p.ready(m), JoinedAt: m.JoinedAt})
	}
	now := b.instant()
	for _, i := range p.Invites {
		if i.ExpiresAt.After(now) {
			v.Invites = append(v.Invites, PartyInviteView{PlayerID: i.Player, By: i.By, Declined: i.Declined, ExpiresAt: i.ExpiresAt})
		}
	}
	playing, err := p.plays(ctx, look)
	switch {
	case err != nil:
		return PartyView{}, err
	case p.queued():
		v.State, v.TicketID = PartyQueued, p.Ticket
	case playing:
		v.State, v.TicketID = PartyPlaying, p.Ticket
	}
	return v, nil
}

// plays says whether a member still holds a seat of the party's latest match.
func (p *party) plays(ctx context.Context, look lookAtSlot) (bool, error) {
	if p.last != Completed {
		return false, nil
	}
	for _, m := range p.Members {
		held, _, err := look(ctx, m.ID)
		if err != nil || held.Kind == slotSession && held.Ticket == p.Ticket {
			return err == nil, err
		}
	}
	return false, nil
}

// tellParty tells the members of a party how it stands, and those who are in it no
// longer that they are out. Who misses it reads the state again.
func (b *Backend) tellParty(ctx context.Context, v PartyView, out ...PlayerID) {
	notices := make([]Notice, 0, len(v.Members)+len(out))
	for _, id := range out {
		notices = append(notices, outNotice(id, v.ID, v.Version))
	}
	for _, m := range v.Members { // none, where the view could not be made
		notices = append(notices, partyNotice(m.PlayerID, v))
	}
	b.notifier.Notify(ctx, notices...)
}

// tellPartyOf tells the members of a ticket's party how it stands, if it has one: its
// state follows from the ticket.
func (b *Backend) tellPartyOf(ctx context.Context, t *ticket) {
	if t.Party == "" {
		return
	}
	p, version, err := b.loadParty(ctx, t.Party)
	if err == nil && p.Ticket != t.ID {
		return
	}
	var v PartyView
	if err == nil {
		v, err = b.partyView(ctx, &p, version, b.slotOf)
	}
	if err != nil {
		b.log.WarnContext(ctx, "tell a party of its ticket", "ticket", t.ID, "error", err)
		return
	}
	notices := make([]Notice, 0, len(v.Members))
	for _, m := range v.Members {
		n := partyNotice(m.PlayerID, v)
		if t.Status.Final() {
			n.Follow = nil // the party's version is not new, but its state is
		}
		notices = append(notices, n)
	}
	b.notifier.Notify(ctx, notices...)
}
