package muster

import (
	"context"
	"errors"
	"time"
)

// followPartyEvery is how often it is looked whether a party has changed. Its members
// are told at once; only what got lost waits for the look.
const followPartyEvery = 10 * time.Second

// followOfParty is what somebody knows who was shown a party, or that they are out of it.
func followOfParty(id PartyID, version int64, in bool) []Followed {
	f := Followed{Kind: followParty, ID: string(id), Version: version}
	if in {
		f.Every = followPartyEvery
	}
	return []Followed{f}
}

func partyNotice(p PlayerID, v PartyView) Notice {
	return Notice{Player: p, Type: "party", Data: PartyNews{&v}, Follow: followOfParty(v.ID, v.Version, true)}
}

// outNotice tells a player that they are in a party no longer.
func outNotice(p PlayerID, id PartyID, version int64) Notice {
	return Notice{Player: p, Type: "party", Data: PartyNews{}, Follow: followOfParty(id, version, false)}
}

// catchUpParty looks whether a party has changed. Who lacks the news that the leader
// started lacks the ticket, too.
func (b *Backend) catchUpParty(ctx context.Context, p PlayerID, known Followed) ([]Notice, bool, error) {
	if !ours(known.ID) {
		return nil, false, nil
	}
	seen, version, err := load[party](ctx, b.store, partyKey(PartyID(known.ID)))
	switch {
	case err != nil && !errors.Is(err, ErrNotFound):
		return nil, true, err
	case err == nil && version == known.Version && seen.member(p) != nil:
		return nil, true, nil
	}
	in, err := b.membershipOf(ctx, p)
	if err != nil {
		return nil, true, err
	}
	if !in.party.exists() {
		return []Notice{outNotice(p, PartyID(known.ID), known.Version+1)}, false, nil
	}
	v, err := b.partyView(ctx, &in.party, in.version, b.slotOf)
	if err != nil {
		return nil, true, err
	}
	lacking := []Notice{partyNotice(p, v)}
	if v.State == PartyQueued {
		t, err := b.Ticket(ctx, p, v.TicketID)
		if err != nil && KindOf(err) != NotFound {
			return nil, true, err
		}
		if err == nil {
			lacking = append(lacking, ticketNotice(p, t))
		}
	}
	return lacking, v.ID == PartyID(known.ID), nil
}
