package muster

import (
	"maps"
	"slices"
	"time"
)

// PartyID is players who queue together, a UUIDv7 of ours.
type PartyID string

// Bounds of a party.
const (
	// maxPartySize is how many players a ticket takes (GameLift service quotas, "Players
	// per matchmaking ticket").
	maxPartySize    = 10
	maxPartyInvites = 10 // of one party at a time, refused ones included
)

// How long a party and what belongs to it live.
const (
	// partyLife is how long a party lives after its last change.
	partyLife = 24 * time.Hour
	// partyHold is how long its code and its members' pointers live. It is longer, so that
	// not every change of a party must renew all of them.
	partyHold  = 7 * 24 * time.Hour
	inviteLife = 15 * time.Minute
)

// party is the record of players who queue together, and the only place that says who
// they are. Its methods decide; they change nothing but the copy they return, and say
// whether that differs.
type party struct {
	ID   PartyID  `json:"id"`
	Code string   `json:"code"`
	Mode ModeName `json:"mode,omitempty"` // empty: none chosen yet
	// Open says that whoever knows the code may join.
	Open    bool          `json:"open,omitempty"`
	Leader  PlayerID      `json:"leader"`
	Members []partyMember `json:"members"` // in the order in which they came
	Invites []partyInvite `json:"invites,omitempty"`
	// Ticket is the latest ticket and Round how many there were. Whether the party queues
	// or plays follows from that ticket: its end needs no write here.
	Ticket    TicketID  `json:"ticket,omitempty"`
	Round     int       `json:"round,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
	ChangedAt time.Time `json:"changedAt"`
	// HeldUntil is the expiry of the code and of the members' pointers; never before the
	// party's own.
	HeldUntil time.Time `json:"heldUntil"`

	last TicketStatus // of Ticket, as it was read with the party; empty: there is none
}

// partyMember is one player of a party, with what they last reported.
type partyMember struct {
	ID   PlayerID `json:"id"`
	Name string   `json:"name"` // when they joined or last said that they are ready
	// ReadyFor is the round that the member is ready for; 0: none.
	ReadyFor    int               `json:"readyFor,omitempty"`
	LatencyInMs map[string]int    `json:"latencyInMs,omitempty"`
	Preferences map[string]string `json:"preferences,omitempty"`
	JoinedAt    time.Time         `json:"joinedAt"`
}

// partyInvite lets a player in until it expires. One that was declined stays until
// then, so that nobody is asked again and again.
type partyInvite struct {
	Player    PlayerID  `json:"player"`
	By        PlayerID  `json:"by"`
	Declined  bool      `json:"declined,omitempty"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// newParty is a party of one.
func newParty(id PartyID, code string, founder partyMember, mode ModeName, open bool, now time.Time) party {
	founder.JoinedAt = now
	return party{
		ID: id, Code: code, Mode: mode, Open: open, Leader: founder.ID,
		Members: []partyMember{founder}, CreatedAt: now, ChangedAt: now, HeldUntil: now.Add(partyHold),
	}
}

// exists tells a party from the zero value, which stands for none.
func (p *party) exists() bool { return p.ID != "" }

// queued says that the party's ticket is under way.
func (p *party) queued() bool { return p.last != "" && !p.last.Final() }

// member returns the party's own entry of a player, or nil. The entry is the party's.
func (p *party) member(id PlayerID) *partyMember {
	for i := range p.Members {
		if p.Members[i].ID == id {
			return &p.Members[i]
		}
	}
	return nil
}

// invited returns the party's own entry of an invited player, or nil when there is none
// that still counts.
func (p *party) invited(id PlayerID, now time.Time) *partyInvite {
	for i := range p.Invites {
		if p.Invites[i].Player == id && p.Invites[i].ExpiresAt.After(now) {
			return &p.Invites[i]
		}
	}
	return nil
}

// changed is a copy to change: without invites that have expired, and renewed where its
// code and pointers would end before it.
func (p party) changed(now time.Time) party {
	p.Members = slices.Clone(p.Members)
	p.Invites = slices.DeleteFunc(slices.Clone(p.Invites), func(i partyInvite) bool { return !i.ExpiresAt.After(now) })
	p.ChangedAt = now
	if now.Add(partyLife).After(p.HeldUntil) {
		p.HeldUntil = now.Add(partyHold)
	}
	return p
}

// ready says that a member is ready for the next match. A match uses readiness up; a
// search that ended without one does not.
func (p *party) ready(m partyMember) bool {
	return m.ReadyFor > p.Round || m.ReadyFor > 0 && p.last != "" && p.last != Completed
}

// join adds a member. limit is the size that the party's mode allows.
func (p party) join(m partyMember, limit int, now time.Time) (next party, changed bool, err error) {
	switch {
	case p.member(m.ID) != nil:
		return p, false, nil
	case p.queued():
		return p, false, p.errQueued()
	case len(p.Members) >= limit:
		return p, false, Errorf(Conflict, "party.full", "the party has all the %d players that fit", limit)
	}
	next = p.changed(now)
	m.JoinedAt = now
	next.Members = append(next.Members, m)
	next.Invites = slices.DeleteFunc(next.Invites, func(i partyInvite) bool { return i.Player == m.ID })
	return next, true, nil
}

// leave removes a member with the invites they sent. The lead passes to who has been
// there longest; without members the party is over.
func (p party) leave(id PlayerID, now time.Time) (next party, changed bool) {
	if p.member(id) == nil {
		return p, false
	}
	next = p.changed(now)
	next.Members = slices.DeleteFunc(next.Members, func(m partyMember) bool { return m.ID == id })
	next.Invites = slices.DeleteFunc(next.Invites, func(i partyInvite) bool { return i.By == id })
	if len(next.Members) == 0 {
		next.Invites = nil
	} else if next.Leader == id {
		next.Leader = next.Members[0].ID
	}
	return next, true
}

// kick removes another member. The party gets another code, which they do not know.
func (p party) kick(by, who PlayerID, code string, now time.Time) (next party, changed bool, err error) {
	switch {
	case p.Leader != by:
		return p, false, errNotLeader(p.Leader)
	case by == who:
		return p, false, Errorf(Invalid, "party.kick_self", "you cannot remove yourself: leave the party instead")
	case p.member(who) == nil:
		return p, false, errNoMember()
	}
	next, _ = p.leave(who, now)
	next.Code = code
	return next, true, nil
}

// lead passes the lead to another member.
func (p party) lead(by, to PlayerID, now time.Time) (next party, changed bool, err error) {
	switch {
	case p.Leader != by:
		return p, false, errNotLeader(p.Leader)
	case p.member(to) == nil:
		return p, false, errNoMember()
	case by == to:
		return p, false, nil
	}
	next = p.changed(now)
	next.Leader = to
	return next, true, nil
}

// report takes in what a member says of themselves. Latencies and preferences that are
// nil stay as they were.
func (p party) report(by PlayerID, ready bool, said partyMember, now time.Time) (next party, changed bool, err error) {
	if p.queued() {
		return p, false, p.errQueued()
	}
	next = p.changed(now)
	me := next.member(by)
	was := *me
	me.Name = said.Name
	if said.LatencyInMs != nil {
		me.LatencyInMs = said.LatencyInMs
	}
	if said.Preferences != nil {
		me.Preferences = said.Preferences
	}
	if ready != p.ready(was) {
		me.ReadyFor = 0
		if ready {
			me.ReadyFor = p.Round + 1
		}
	}
	same := me.Name == was.Name && me.ReadyFor == was.ReadyFor &&
		maps.Equal(me.LatencyInMs, was.LatencyInMs) && maps.Equal(me.Preferences, was.Preferences)
	return next, !same, nil
}

// set changes what the leader may choose. limit is the size that the mode allows which
// applies afterwards. Another mode asks everybody afresh.
func (p party) set(by PlayerID, mode *ModeName, open *bool, limit int, now time.Time) (next party, changed bool, err error) {
	newMode := mode != nil && *mode != p.Mode
	newOpen := open != nil && *open != p.Open
	switch {
	case p.Leader != by:
		return p, false, errNotLeader(p.Leader)
	case !newMode && !newOpen:
		return p, false, nil
	case newMode && p.queued():
		return p, false, p.errQueued()
	case newMode && len(p.Members) > limit:
		return p, false, p.errTooLarge(limit)
	}
	next = p.changed(now)
	if newOpen {
		next.Open = *open
	}
	if newMode {
		next.Mode = *mode
		for i := range next.Members {
			next.Members[i].ReadyFor, next.Members[i].Preferences = 0, nil
		}
	}
	return next, true, nil
}

// invite lets a player in. One who was invited already stays so.
func (p party) invite(by, who PlayerID, now time.Time) (next party, changed bool, err error) {
	if p.member(who) != nil {
		return p, false, Errorf(Conflict, "party.member_already", "this player is in the party")
	}
	switch i := p.invited(who, now); {
	case i != nil && i.Declined:
		return p, false, errInviteDeclined()
	case i != nil:
		return p, false, nil
	}
	next = p.changed(now)
	if len(next.Invites) >= maxPartyInvites {
		return p, false, &Error{
			Kind: Exhausted, Code: "party.too_many_invites", Message: "the party has invited enough players for now",
			RetryAfter: next.Invites[0].ExpiresAt.Sub(now),
		}
	}
	next.Invites = append(next.Invites, partyInvite{Player: who, By: by, ExpiresAt: now.Add(inviteLife)})
	return next, true, nil
}

// decline marks an invite as refused.
func (p party) decline(who PlayerID, now time.Time) (next party, changed bool) {
	if i := p.invited(who, now); i == nil || i.Declined {
		return p, false
	}
	next = p.changed(now)
	next.invited(who, now).Declined = true
	return next, true
}

// withdraw takes an invite back: its sender may, and the leader.
func (p party) withdraw(by, who PlayerID, now time.Time) (next party, changed bool, err error) {
	i := p.invited(who, now)
	switch {
	case i == nil:
		return p, false, errNoInvite()
	case i.By != by && p.Leader != by:
		return p, false, errNotLeader(p.Leader)
	case i.Declined:
		return p, false, nil
	}
	next, changed = p.uninvite(who, now)
	return next, changed, nil
}

// uninvite removes every trace of an invite.
func (p party) uninvite(who PlayerID, now time.Time) (next party, changed bool) {
	next = p.changed(now)
	next.Invites = slices.DeleteFunc(next.Invites, func(i partyInvite) bool { return i.Player == who })
	return next, len(next.Invites) != len(p.Invites)
}

// start puts the party into the queue of a mode on a new ticket.
func (p party) start(by PlayerID, mode Mode, t TicketID, now time.Time) (next party, err error) {
	switch limit := mode.partyLimit(); {
	case p.Leader != by:
		err := errNotLeader(p.Leader)
		err.Message = "the leader of your party starts for all of you; to play alone, leave the party"
		return p, err
	case p.queued():
		return p, p.errQueued()
	case p.Mode != "" && p.Mode != mode.Name:
		return p, Errorf(Conflict, "party.mode_differs", "the party is set to play %q: change its mode first", p.Mode)
	case len(p.Members) > limit:
		return p, p.errTooLarge(limit)
	}
	var waiting []PlayerID
	for _, m := range p.Members {
		if m.ID != by && !p.ready(m) {
			waiting = append(waiting, m.ID)
		}
	}
	if mode.Party.RequireReady && len(waiting) > 0 {
		err := Errorf(Conflict, "party.not_ready", "%d of the party are not ready", len(waiting))
		err.Details = map[string]any{"playerIds": waiting}
		return p, err
	}
	next = p.changed(now)
	for i, m := range p.Members {
		if !p.ready(m) {
			next.Members[i].ReadyFor = 0 // used up: the new round must not bring it back
		}
	}
	next.Mode, next.Ticket, next.last = mode.Name, t, Queued
	next.Round++
	return next, nil
}

func (p *party) errQueued() error {
	err := Errorf(Conflict, "party.queued", "the party is in the queue: cancel the ticket first")
	err.Details = map[string]any{"ticketId": p.Ticket}
	return err
}

func (p *party) errTooLarge(limit int) error {
	err := Errorf(Conflict, "party.too_large", "this mode takes parties of up to %d, and yours has %d", limit, len(p.Members))
	err.Details = map[string]any{"maxSize": limit}
	return err
}

func errNotLeader(leader PlayerID) *Error {
	err := Errorf(Denied, "party.not_leader", "only the leader of your party may do this")
	err.Details = map[string]any{"leader": leader}
	return err
}

func errNoMember() error {
	return Errorf(NotFound, "party.no_member", "there is no such player in your party")
}

func errNoInvite() error {
	return Errorf(NotFound, "party.no_invite", "there is no such invite")
}
