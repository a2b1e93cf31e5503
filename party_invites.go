package muster

import (
	"context"
	"slices"
	"time"
)

// inviteList is the record of the invites that a player has. It is emptied, not
// deleted, so that its version never starts again while it is in use.
type inviteList struct {
	Invites []InviteView `json:"invites"` // the oldest first
	// Declined are the invites that the player refused: until they would have expired,
	// their senders do not reach the player from other parties either.
	Declined []declinedInvite `json:"declined,omitempty"` // the oldest first
}

type declinedInvite struct {
	Party     PartyID   `json:"party"`
	From      PlayerID  `json:"from"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// maxInvites bounds the invites that one player has at a time, and apart from these the
// refused ones.
const maxInvites = 20

// maxInvitesFrom bounds those that one player sent, from whatever party.
const maxInvitesFrom = 3

// current is a copy without what has expired.
func (l inviteList) current(now time.Time) inviteList {
	l.Invites = slices.DeleteFunc(slices.Clone(l.Invites), func(i InviteView) bool { return !i.ExpiresAt.After(now) })
	l.Declined = slices.DeleteFunc(slices.Clone(l.Declined), func(d declinedInvite) bool { return !d.ExpiresAt.After(now) })
	return l
}

// without is a copy without the invite of a party.
func (l inviteList) without(id PartyID) inviteList {
	l.Invites = slices.DeleteFunc(slices.Clone(l.Invites), func(i InviteView) bool { return i.PartyID == id })
	return l
}

// has says that the list has an invite of a party.
func (l inviteList) has(id PartyID) bool {
	return slices.ContainsFunc(l.Invites, func(i InviteView) bool { return i.PartyID == id })
}

// with is a copy with another invite. Where there are too many one gives way, so that
// nobody can keep a player's friends out: the oldest of the same sender, if they sent several, else
// that of the youngest account. So whoever makes accounts to wash out a friend's invite washes
// out their own.
func (l inviteList) with(add InviteView) (inviteList, error) {
	if slices.ContainsFunc(l.Declined, func(d declinedInvite) bool { return d.From == add.From }) {
		return l, errInviteDeclined()
	}
	l = l.without(add.PartyID)
	var own []int
	youngest := -1
	for i, other := range l.Invites {
		if other.From == add.From {
			own = append(own, i)
		}
		if youngest < 0 || other.From > l.Invites[youngest].From { // ids are UUIDv7: they sort by age
			youngest = i
		}
	}
	switch {
	case len(own) >= maxInvitesFrom:
		l.Invites = slices.Delete(l.Invites, own[0], own[0]+1)
	case len(l.Invites) >= maxInvites:
		l.Invites = slices.Delete(l.Invites, youngest, youngest+1)
	}
	l.Invites = append(l.Invites, add)
	return l, nil
}

// declined is a copy in which an invite is refused.
func (l inviteList) declined(id PartyID, i partyInvite) inviteList {
	l = l.without(id)
	l.Declined = newest(append(slices.Clone(l.Declined), declinedInvite{Party: id, From: i.By, ExpiresAt: i.ExpiresAt}))
	return l
}

func newest[T any](list []T) []T { return list[max(0, len(list)-maxInvites):] }

func errInviteDeclined() error {
	return Errorf(Conflict, "party.invite_declined", "this player declined; ask again later")
}

// inviteListOf reads what a player is invited to and has refused.
func (b *Backend) inviteListOf(ctx context.Context, id PlayerID) (inviteList, int64, error) {
	stored, version, err := loadOr(ctx, b.store, partyInvitesKey(id), inviteList{})
	return stored.current(b.instant()), version, err
}

// invitesOf reads the invites that a player has now, the oldest first.
func (b *Backend) invitesOf(ctx context.Context, id PlayerID) ([]InviteView, error) {
	stored, _, err := b.inviteListOf(ctx, id)
	if err != nil {
		return nil, err
	}
	return append([]InviteView{}, stored.Invites...), nil
}

// inviteOps brings the lists of invited players into line with a party's invites.
func (b *Backend) inviteOps(ctx context.Context, c partyChange) (ops []Op, lists map[PlayerID][]InviteView, err error) {
	now := b.instant()
	touch := func(id PlayerID, change func(inviteList) (inviteList, error)) error {
		list, version, err := b.inviteListOf(ctx, id)
		if err != nil {
			return err
		}
		if list, err = change(list); err != nil {
			return err
		}
		op, err := put(partyInvitesKey(id), version, list, now.Add(inviteLife))
		if lists == nil {
			lists = make(map[PlayerID][]InviteView)
		}
		ops, lists[id] = append(ops, op), append([]InviteView{}, list.Invites...)
		return err
	}
	for _, i := range c.before.Invites {
		after := c.after.invited(i.Player, now)
		if !c.before.invited(i.Player, now).open() || after.open() {
			continue
		}
		err := touch(i.Player, func(l inviteList) (inviteList, error) {
			if after != nil {
				return l.declined(c.after.ID, i), nil
			}
			return l.without(c.after.ID), nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	for _, i := range c.after.Invites {
		if !i.open() || c.before.invited(i.Player, now).open() && i.Player != c.again {
			continue
		}
		sender := c.after.member(i.By)
		add := InviteView{PartyID: c.after.ID, From: i.By, FromName: sender.Name, Mode: c.after.Mode, ExpiresAt: i.ExpiresAt}
		if err := touch(i.Player, func(l inviteList) (inviteList, error) { return l.with(add) }); err != nil {
			return nil, nil, err
		}
	}
	return ops, lists, nil
}

// eraseInvites takes a player out of the parties that invited them, refused or not.
// What had expired is erased with the party's next change, or with the party.
func (b *Backend) eraseInvites(ctx context.Context, id PlayerID) error {
	list, _, err := b.inviteListOf(ctx, id)
	if err != nil {
		return err
	}
	var parties []PartyID
	for _, i := range list.Invites {
		parties = append(parties, i.PartyID)
	}
	for _, d := range list.Declined {
		parties = append(parties, d.Party)
	}
	for _, in := range parties {
		if err := b.answerInvite(ctx, id, in, party.uninvite); err != nil && KindOf(err) != NotFound {
			return err
		}
	}
	return nil
}

// How many invites a player may send by one replica, and in what time.
const (
	maxInvitesSent = 20
	inviteWindow   = time.Minute
)
