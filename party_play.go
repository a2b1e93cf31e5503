package muster

import (
	"context"
	"errors"
	"time"
)

// partyCodeLength makes a code of 3.8e11: with 100,000 parties open, one guess in four
// million finds one.
const partyCodeLength = 8

// Party is the party that the caller is in; without one the error is NotFound.
func (b *Backend) Party(ctx context.Context, me PlayerID) (PartyView, error) {
	m, err := b.membershipOf(ctx, me)
	if err != nil {
		return PartyView{}, err
	}
	if !m.party.exists() {
		return PartyView{}, errNoParty()
	}
	return b.partyView(ctx, &m.party, m.version, b.liveSlot)
}

func errNoParty() error { return Errorf(NotFound, "party.none", "you are in no party") }

func errInParty(p *party) error {
	err := Errorf(Conflict, "party.already_in", "you are in a party: leave it first")
	err.Details = map[string]any{"partyId": p.ID}
	return err
}

// CreateParty makes a party with the caller as its leader. While they are in one the
// error is Conflict.
func (b *Backend) CreateParty(ctx context.Context, me PlayerID, want PartySettings) (PartyView, error) {
	mode := ModeName("")
	if want.Mode != nil {
		mode = *want.Mode
		wanted, known := b.modes[mode]
		if !known {
			return PartyView{}, errUnknownMode(mode)
		}
		if err := wanted.forParties(); err != nil {
			return PartyView{}, err
		}
	}
	id, now := PartyID(b.newID()), b.instant()
	return b.changeParty(ctx, func(ctx context.Context) (partyChange, error) {
		self, err := b.newMember(ctx, me)
		if err != nil {
			return partyChange{}, err
		}
		in, err := b.membershipOf(ctx, me)
		if err != nil {
			return partyChange{}, err
		}
		if in.party.exists() {
			return partyChange{}, errInParty(&in.party)
		}
		code, err := b.newCode(partyCodeLength) // another one at every try: the last may be taken
		if err != nil {
			return partyChange{}, err
		}
		made := newParty(id, code, self, mode, want.Open == nil || *want.Open, now)
		return partyChange{after: made, newcomer: in.pointer}, nil
	})
}

// newMember is a player as a party's member. An unknown player is NotFound.
func (b *Backend) newMember(ctx context.Context, id PlayerID) (partyMember, error) {
	a, _, err := b.account(ctx, id)
	return partyMember{ID: id, Name: b.displayName(&a)}, err
}

// changeParty lets decide change a party in one transaction, tells everybody whom that
// concerns, and shows the party as it is then. decide is called afresh at every try.
func (b *Backend) changeParty(ctx context.Context, decide func(context.Context) (partyChange, error)) (PartyView, error) {
	var done partyChange
	var lists map[PlayerID][]InviteView
	wrote := false
	err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		var ops []Op
		var err error
		lists, wrote = nil, false
		if done, err = decide(ctx); err != nil || done.unchanged {
			return nil, err
		}
		ops, lists, err = b.partyOps(ctx, done)
		if err == nil && done.also != nil {
			var more []Op
			more, err = done.also(ctx)
			ops = append(ops, more...)
		}
		wrote = true
		return ops, err
	})
	if err != nil {
		return PartyView{}, err
	}
	version := done.version
	if wrote {
		version++
	}
	view, err := b.partyView(ctx, &done.after, version, b.slotOf)
	if wrote {
		b.tellInvites(ctx, lists)
		b.tellParty(ctx, view, done.out()...)
	}
	return view, err
}

// changeMine is changeParty for the party that the caller is in.
func (b *Backend) changeMine(ctx context.Context, me PlayerID, decide func(p party, now time.Time) (next party, changed bool, err error)) (PartyView, error) {
	return b.changeParty(ctx, func(ctx context.Context) (partyChange, error) { return b.mine(ctx, me, decide) })
}

// mine is a change of the party that the caller is in.
func (b *Backend) mine(ctx context.Context, me PlayerID, decide func(p party, now time.Time) (next party, changed bool, err error)) (partyChange, error) {
	in, err := b.membershipOf(ctx, me)
	if err != nil {
		return partyChange{}, err
	}
	if !in.party.exists() {
		return partyChange{}, errNoParty()
	}
	next, changed, err := decide(in.party, b.instant())
	if !changed {
		next = in.party
	}
	return partyChange{before: in.party, after: next, version: in.version, unchanged: !changed}, err
}

// ChangeParty changes what the leader may choose.
func (b *Backend) ChangeParty(ctx context.Context, me PlayerID, want PartySettings) (PartyView, error) {
	limit := 0
	if want.Mode != nil {
		mode, known := b.modes[*want.Mode]
		if !known {
			return PartyView{}, errUnknownMode(*want.Mode)
		}
		if err := mode.forParties(); err != nil {
			return PartyView{}, err
		}
		limit = mode.partyLimit()
	}
	return b.changeMine(ctx, me, func(p party, now time.Time) (party, bool, error) {
		return p.set(me, want.Mode, want.Open, limit, now)
	})
}

// PassLead makes another member the leader.
func (b *Backend) PassLead(ctx context.Context, me, to PlayerID) (PartyView, error) {
	return b.changeMine(ctx, me, func(p party, now time.Time) (party, bool, error) { return p.lead(me, to, now) })
}

// ReportReady takes in whether the caller is ready for the next match, and what
// matchmaking is to be told of them when the leader starts.
func (b *Backend) ReportReady(ctx context.Context, me PlayerID, said PartyReport) (PartyView, error) {
	self, err := b.newMember(ctx, me)
	if err != nil {
		return PartyView{}, err
	}
	if said.LatencyInMs != nil {
		if self.LatencyInMs, _, err = b.latencies(said.LatencyInMs); err != nil {
			return PartyView{}, err
		}
	}
	self.Preferences = said.Preferences
	return b.changeMine(ctx, me, func(p party, now time.Time) (party, bool, error) {
		if err := b.checkPreferences(p.Mode, said.Preferences); err != nil {
			return p, false, err
		}
		return p.report(me, said.Ready, self, now)
	})
}

// checkPreferences says whether a party's mode takes a member's preferences.
func (b *Backend) checkPreferences(mode ModeName, preferences map[string]string) error {
	if len(preferences) > 0 && mode == "" {
		return Errorf(Conflict, "party.no_mode", "the party has not chosen a mode, so there is nothing to prefer yet")
	}
	for name, value := range preferences {
		if err := b.modes[mode].checkPreference(name, value); err != nil {
			return err
		}
	}
	return nil
}

// LeaveParty takes the caller out of their party; without one nothing happens. A party
// in the queue leaves it first. When it is too late for that, because a session is
// starting, the caller leaves the party, and still has a seat in that session.
func (b *Backend) LeaveParty(ctx context.Context, me PlayerID) error {
	_, err := b.depart(ctx, me, func(p party, now time.Time) (party, bool, error) {
		next, changed := p.leave(me, now)
		return next, changed, nil
	})
	if KindOf(err) == NotFound {
		return nil
	}
	return err
}

// Kick takes another member out of the caller's party, under the same conditions as
// LeaveParty. The party gets another code.
func (b *Backend) Kick(ctx context.Context, me, who PlayerID) (PartyView, error) {
	return b.depart(ctx, me, func(p party, now time.Time) (party, bool, error) {
		code, err := b.newCode(partyCodeLength)
		if err != nil {
			return p, false, err
		}
		return p.kick(me, who, code, now)
	})
}

// maxWithdrawals bounds how many tickets, one after the other, are withdrawn for one
// departure: the leader may start anew meanwhile.
const maxWithdrawals = 3

// depart lets decide take a member out of the caller's party, which is out of the queue
// then, or beyond it.
func (b *Backend) depart(ctx context.Context, me PlayerID, decide func(p party, now time.Time) (party, bool, error)) (PartyView, error) {
	withdrawn := TicketID("") // or too late for that
	for range maxWithdrawals {
		queued := TicketID("")
		view, err := b.changeMine(ctx, me, func(p party, now time.Time) (party, bool, error) {
			queued = ""
			next, changed, err := decide(p, now)
			if err == nil && changed && p.queued() && p.Ticket != withdrawn {
				queued = p.Ticket
				return p, false, nil
			}
			return next, changed, err
		})
		if err != nil || queued == "" {
			return view, err
		}
		if err := b.withdrawTicket(ctx, me, queued); err != nil {
			return PartyView{}, err
		}
		withdrawn = queued
	}
	return PartyView{}, &Error{Kind: Unavailable, Code: "party.contended", Message: "the party keeps starting matches; try again", RetryAfter: time.Second}
}

// withdrawTicket takes a party's ticket out of the queue. It succeeds also when it is too
// late for that. While that is not known the error is Unavailable.
func (b *Backend) withdrawTicket(ctx context.Context, me PlayerID, id TicketID) error {
	_, err := b.CancelTicket(ctx, me, id)
	var refused *Error
	switch {
	case KindOf(err) == NotFound:
		return nil // it has expired
	case !errors.As(err, &refused) || refused.Code != "ticket.placing":
		return err
	}
	t, _, err := b.anyTicket(ctx, id)
	if err != nil || t.Status == Placing || t.Status.Final() {
		return err
	}
	return &Error{Kind: Unavailable, Code: "party.ticket_unsettled", Message: "the party's ticket cannot be cancelled yet; try again", RetryAfter: lookEvery, Err: refused}
}

// leavePartyFor takes a player out of everything that has to do with parties: theirs,
// and the invites that they had.
func (b *Backend) leavePartyFor(ctx context.Context, id PlayerID) error {
	if err := b.LeaveParty(ctx, id); err != nil {
		return err
	}
	return b.eraseInvites(ctx, id)
}
