package muster

import "context"

// A party is one record. Beside it, always written in the same transaction: a pointer
// for each member, a record for its code, and an entry in the list of each invited
// player. The party record says what is true, and its version guards all of them; a
// pointer to a party that does not have the player counts for nothing.

func partyKey(id PartyID) Key        { return Key{"PTY#" + string(id), "META"} }
func partyPointerKey(p PlayerID) Key { return Key{PlayerPartition(p), "PARTY"} }
func partyCodeKey(code string) Key   { return Key{"CODE#" + code, "PARTY"} }
func partyInvitesKey(p PlayerID) Key { return Key{PlayerPartition(p), "INVITES"} }

// partyPointer leads from a player, or from a code, to a party.
type partyPointer struct {
	Party PartyID `json:"party"`
}

// loadParty reads a party with the status of its latest ticket; one that is gone does
// not exist, which is no error.
func (b *Backend) loadParty(ctx context.Context, id PartyID) (p party, version int64, err error) {
	if !ours(string(id)) {
		return party{}, 0, nil
	}
	p, version, err = loadOr(ctx, b.store, partyKey(id), party{})
	if err != nil || p.Ticket == "" {
		return p, version, err
	}
	t, _, err := loadOr(ctx, b.store, ticketKey(p.Ticket), ticket{Status: Completed})
	p.last = t.Status
	return p, version, err
}

// membership is a player's party, if they are in one, and what a change of it replaces.
type membership struct {
	party   party
	version int64
	pointer int64 // version of the player's pointer, which may be there without a party
}

// membershipOf reads the party that a player is in.
func (b *Backend) membershipOf(ctx context.Context, id PlayerID) (membership, error) {
	ptr, pointer, err := loadOr(ctx, b.store, partyPointerKey(id), partyPointer{})
	if err != nil || pointer == 0 {
		return membership{}, err
	}
	p, version, err := b.loadParty(ctx, ptr.Party)
	if err != nil || p.member(id) == nil {
		return membership{pointer: pointer}, err
	}
	return membership{p, version, pointer}, nil
}

// partyChange is what one transaction does to a party.
type partyChange struct {
	before, after party    // the zero value before: it is new; no members after: it is over
	version       int64    // of before
	newcomer      int64    // version of the pointer of the one who joins
	unchanged     bool     // nothing is to be written
	again         PlayerID // invited before, and their list has lost it
	also          moreOps
}

// out lists who is in the party no longer.
func (c *partyChange) out() []PlayerID {
	var out []PlayerID
	for _, m := range c.before.Members {
		if c.after.member(m.ID) == nil {
			out = append(out, m.ID)
		}
	}
	return out
}

// partyOps is all that a change of a party writes. lists is what the players whose
// invites it touches have afterwards.
func (b *Backend) partyOps(ctx context.Context, c partyChange) (ops []Op, lists map[PlayerID][]InviteView, err error) {
	over := len(c.after.Members) == 0
	if over {
		ops = append(ops, Op{Kind: Delete, Key: partyKey(c.before.ID), Version: c.version})
	} else {
		op, err := put(partyKey(c.after.ID), c.version, c.after, c.after.ChangedAt.Add(partyLife))
		if err != nil {
			return nil, nil, err
		}
		ops = append(ops, op)
	}
	pointers, err := c.pointerOps(over)
	if err != nil {
		return nil, nil, err
	}
	invites, lists, err := b.inviteOps(ctx, c)
	return append(append(ops, pointers...), invites...), lists, err
}

// pointerOps are the ops on the pointers of members and on the code. The party record's
// version, in the same Write, guards those without a version of their own.
func (c *partyChange) pointerOps(over bool) (ops []Op, err error) {
	until := c.after.HeldUntil
	renewed := !until.Equal(c.before.HeldUntil)
	write := func(key Key, version int64) {
		op, failed := put(key, version, partyPointer{c.after.ID}, until)
		if failed != nil {
			err = failed
		}
		ops = append(ops, op)
	}
	for _, m := range c.after.Members {
		switch known := c.before.member(m.ID) != nil; {
		case !known:
			write(partyPointerKey(m.ID), c.newcomer)
		case renewed:
			write(partyPointerKey(m.ID), AnyVersion)
		}
	}
	for _, id := range c.out() {
		ops = append(ops, Op{Kind: Delete, Key: partyPointerKey(id), Version: AnyVersion})
	}
	newCode := c.before.Code != c.after.Code
	if c.before.Code != "" && (newCode || over) {
		ops = append(ops, Op{Kind: Delete, Key: partyCodeKey(c.before.Code), Version: AnyVersion})
	}
	switch {
	case newCode:
		write(partyCodeKey(c.after.Code), 0)
	case renewed && !over:
		write(partyCodeKey(c.after.Code), AnyVersion)
	}
	return ops, err
}

// open says that an invite may still be answered.
func (i *partyInvite) open() bool { return i != nil && !i.Declined }
