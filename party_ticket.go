package muster

import "context"

// team is who goes on a ticket together, with the ops that bind them to it.
type team struct {
	players []ticketPlayer
	party   PartyID // empty: a player by themselves
	ops     []Op
}

// gather finds who goes on a ticket that a player starts: the player, or the whole of
// the party they lead. It takes everybody's slot and puts the party into the queue. The
// player's own seat or ticket is in the refusal; of others it says only that they are
// busy.
func (b *Backend) gather(ctx context.Context, p PlayerID, mode Mode, req TicketRequest, id TicketID) (team, error) {
	held, version, err := b.neededSlot(ctx, p)
	if err != nil {
		return team{}, err
	}
	if err := b.busy(held); err != nil {
		return team{}, err
	}
	in, err := b.membershipOf(ctx, p)
	if err != nil {
		return team{}, err
	}
	next := party{}
	if in.party.exists() {
		if next, err = in.party.start(p, mode, id, b.instant()); err != nil {
			return team{}, err
		}
	}
	me, err := b.entrant(ctx, p, mode, req)
	if err != nil {
		return team{}, err
	}
	mine, err := b.takeSlot(p, version, id)
	if err != nil {
		return team{}, err
	}
	others, ops, err := b.gatherOthers(ctx, next, mode)
	if err != nil {
		return team{}, err
	}
	t := team{party: next.ID, ops: append(ops, mine)}
	if t.players, err = mode.brief(append([]entrant{me}, others...)); err != nil || t.party == "" {
		return t, err
	}
	more, _, err := b.partyOps(ctx, partyChange{before: in.party, after: next, version: in.version})
	t.ops = append(t.ops, more...)
	return t, err
}

// gatherOthers finds the members of a party but its leader, who started: each with the
// latencies and preferences that they reported, and the op that takes their slot.
func (b *Backend) gatherOthers(ctx context.Context, p party, mode Mode) (others []entrant, ops []Op, err error) {
	var busy []PlayerID
	for _, m := range p.Members {
		if m.ID == p.Leader {
			continue
		}
		held, version, err := b.neededSlot(ctx, m.ID)
		if err != nil {
			return nil, nil, err
		}
		if held.Kind != slotFree {
			busy = append(busy, m.ID)
			continue
		}
		op, err := b.takeSlot(m.ID, version, p.Ticket)
		if err != nil {
			return nil, nil, err
		}
		other, err := b.entrant(ctx, m.ID, mode, TicketRequest{LatencyInMs: m.LatencyInMs, Preferences: mode.offered(m.Preferences)})
		if err != nil {
			return nil, nil, err
		}
		others, ops = append(others, other), append(ops, op)
	}
	if len(busy) > 0 {
		err := Errorf(Conflict, "party.member_busy", "%d of the party are in the queue or in a session by themselves", len(busy))
		err.Details = map[string]any{"playerIds": busy}
		return nil, nil, err
	}
	return others, ops, nil
}

// brief decides what GameLift is told of the players of a ticket.
func (m Mode) brief(players []entrant) ([]ticketPlayer, error) {
	m.shareRating(players)
	all := make([]ticketPlayer, 0, len(players))
	for _, p := range players {
		var err error
		if p.Attributes, p.Why, err = m.attributes(p.facts, p.preferences); err != nil {
			return nil, err
		}
		all = append(all, p.ticketPlayer)
	}
	return all, nil
}

// takeSlot binds a player to a ticket.
func (b *Backend) takeSlot(p PlayerID, version int64, id TicketID) (Op, error) {
	return put(slotKey(p), version, slot{Kind: slotTicket, Ticket: id, Player: p}, b.instant().Add(slotLife))
}

// tellStart tells of a new ticket: the player's other devices, and the rest of the party
// whose leader started, must know it.
func (b *Backend) tellStart(ctx context.Context, t *ticket) {
	b.tellTicket(ctx, t, 1)
	b.tellPartyOf(ctx, t)
}

// addParty adds to a player's snapshot what has to do with parties.
func (b *Backend) addParty(ctx context.Context, p PlayerID, all *Snapshot) error {
	in, err := b.membershipOf(ctx, p)
	if err != nil {
		return err
	}
	if in.party.exists() {
		view, err := b.partyView(ctx, &in.party, in.version, b.liveSlot)
		if err != nil {
			return err
		}
		all.Party = &view
	}
	all.Invites, err = b.invitesOf(ctx, p)
	return err
}
