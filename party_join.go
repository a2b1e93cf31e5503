package muster

import (
	"context"
	"errors"
	"time"
)

// JoinParty lets the caller into the party of a code, as people type it. A code that is
// wrong, or of a party that is closed or over, is NotFound: nothing tells them apart. A
// player who is alone in a party gives it up; from a party with others the error is
// Conflict.
func (b *Backend) JoinParty(ctx context.Context, me PlayerID, typed string) (PartyView, error) {
	if b.guesses.spent(string(me), b.now()) {
		return PartyView{}, &Error{Kind: Exhausted, Code: "party.too_many_codes", Message: "too many wrong codes; wait a minute", RetryAfter: guessWindow}
	}
	view, err := b.enter(ctx, me, func(ctx context.Context) (party, int64, error) {
		wrong := Errorf(NotFound, "party.no_code", "there is no party of this code to join")
		code, ok := typedCode(typed, partyCodeLength)
		if !ok {
			return party{}, 0, wrong
		}
		ptr, _, err := loadOr(ctx, b.store, partyCodeKey(code), partyPointer{})
		if err != nil {
			return party{}, 0, err
		}
		p, version, err := b.loadParty(ctx, ptr.Party)
		if err == nil && (!p.exists() || p.Code != code || !p.Open && p.member(me) == nil) {
			err = wrong
		}
		return p, version, err
	})
	var e *Error
	if errors.As(err, &e) && e.Code == "party.no_code" {
		b.guesses.take(string(me), b.now())
	}
	return view, err
}

// enter lets the caller into the party that find gives, out of one in which they are
// alone.
func (b *Backend) enter(ctx context.Context, me PlayerID, find func(context.Context) (party, int64, error)) (PartyView, error) {
	var given *partyChange // the caller's own party, given up
	var givenLists map[PlayerID][]InviteView
	view, err := b.changeParty(ctx, func(ctx context.Context) (partyChange, error) {
		given, givenLists = nil, nil
		target, version, err := find(ctx)
		if err != nil {
			return partyChange{}, err
		}
		in, err := b.membershipOf(ctx, me)
		if err != nil {
			return partyChange{}, err
		}
		alone := len(in.party.Members) == 1 && !in.party.queued()
		if in.party.exists() && in.party.ID != target.ID && !alone {
			return partyChange{}, errInParty(&in.party)
		}
		self, err := b.newMember(ctx, me)
		if err != nil {
			return partyChange{}, err
		}
		next, changed, err := target.join(self, b.partyLimit(target.Mode), b.instant())
		c := partyChange{before: target, after: next, version: version, newcomer: in.pointer, unchanged: !changed}
		if err == nil && changed && in.party.exists() {
			over, _ := in.party.leave(me, b.instant())
			given = &partyChange{before: in.party, after: over, version: in.version}
			c.also = func(ctx context.Context) (ops []Op, err error) {
				ops, givenLists, err = b.partyOps(ctx, *given)
				return withoutKey(ops, partyPointerKey(me)), err // which the newcomer's replaces
			}
		}
		return c, err
	})
	if err == nil && given != nil {
		b.tellInvites(ctx, givenLists)
	}
	return view, err
}

// withoutKey leaves out the op on a key.
func withoutKey(ops []Op, key Key) []Op {
	kept := ops[:0]
	for _, op := range ops {
		if op.Key != key {
			kept = append(kept, op)
		}
	}
	return kept
}

// Invite invites a player into the caller's party, for a quarter of an hour.
func (b *Backend) Invite(ctx context.Context, me, who PlayerID) (PartyView, error) {
	if wait := b.invitesSent.take(string(me), b.now()); wait > 0 {
		return PartyView{}, &Error{Kind: Exhausted, Code: "party.inviting_too_fast", Message: "you invite too many players; wait a minute", RetryAfter: wait}
	}
	if _, _, err := b.account(ctx, who); err != nil {
		return PartyView{}, err
	}
	return b.changeParty(ctx, func(ctx context.Context) (partyChange, error) {
		c, err := b.mine(ctx, me, func(p party, now time.Time) (party, bool, error) { return p.invite(me, who, now) })
		if err != nil || !c.unchanged {
			return c, err
		}
		list, _, err := b.inviteListOf(ctx, who)
		if err != nil || list.has(c.after.ID) {
			return c, err
		}
		c.after, c.unchanged, c.again = c.after.changed(b.instant()), false, who
		return c, nil
	})
}

// WithdrawInvite takes back an invite into the caller's party.
func (b *Backend) WithdrawInvite(ctx context.Context, me, who PlayerID) (PartyView, error) {
	return b.changeMine(ctx, me, func(p party, now time.Time) (party, bool, error) { return p.withdraw(me, who, now) })
}

// Invites is what the caller has been invited to, the oldest first.
func (b *Backend) Invites(ctx context.Context, me PlayerID) ([]InviteView, error) {
	list, err := b.invitesOf(ctx, me)
	return list, err
}

// AcceptInvite lets the caller into a party that invited them, under the conditions of
// JoinParty.
func (b *Backend) AcceptInvite(ctx context.Context, me PlayerID, id PartyID) (PartyView, error) {
	return b.enter(ctx, me, func(ctx context.Context) (party, int64, error) {
		p, version, err := b.loadParty(ctx, id)
		if err == nil && !p.invited(me, b.instant()).open() && p.member(me) == nil {
			err = errNoInvite()
		}
		return p, version, err
	})
}

// DeclineInvite refuses an invite. One that is over already is none, and no error.
func (b *Backend) DeclineInvite(ctx context.Context, me PlayerID, id PartyID) error {
	err := b.answerInvite(ctx, me, id, party.decline)
	if KindOf(err) == NotFound {
		return nil
	}
	return err
}

// answerInvite lets decide change the party that invited a player, who is not in it.
func (b *Backend) answerInvite(ctx context.Context, who PlayerID, id PartyID, decide func(party, PlayerID, time.Time) (party, bool)) error {
	_, err := b.changeParty(ctx, func(ctx context.Context) (partyChange, error) {
		p, version, err := b.loadParty(ctx, id)
		if err != nil {
			return partyChange{}, err
		}
		if p.invited(who, b.instant()) == nil {
			return partyChange{}, errNoInvite()
		}
		next, changed := decide(p, who, b.instant())
		return partyChange{before: p, after: next, version: version, unchanged: !changed}, nil
	})
	return err
}

// tellInvites tells players what they are invited to now.
func (b *Backend) tellInvites(ctx context.Context, lists map[PlayerID][]InviteView) {
	notices := make([]Notice, 0, len(lists))
	for id, list := range lists {
		notices = append(notices, Notice{Player: id, Type: "invites", Data: InviteNews{list}})
	}
	b.notifier.Notify(ctx, notices...)
}

// How many wrong codes a player may send to one replica, and in what time. That makes guessing
// slow; what makes it hopeless is the number of codes.
const (
	maxGuesses  = 10
	guessWindow = time.Minute
)
