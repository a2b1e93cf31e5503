package muster

import (
	"context"
	"time"
)

// Followed is something that a player was told of, in the version they know. Whoever
// keeps players informed looks from time to time whether there is a newer one
// (CatchUp), because a notice may be lost: the replica that made the change may have
// died before it told anyone.
type Followed struct {
	Kind    string `json:"kind"` // one of the follow kinds
	ID      string `json:"id"`
	Version int64  `json:"version"`
	// Step orders what is told of one version without being stored: how many have accepted
	// the match.
	Step  int           `json:"step,omitempty"`
	Every time.Duration `json:"every,omitempty"` // between two looks; 0: it does not change any more
}

// Newer says that f is later than what else was told of the same thing.
func (f Followed) Newer(than Followed) bool {
	return f.Version > than.Version || f.Version == than.Version && f.Step > than.Step
}

// What can be followed.
const (
	followTicket    = "ticket"    // ID is a TicketID
	followPlacement = "placement" // ID is a PlacementID
	followParty     = "party"     // ID is a PartyID
	followSeat      = "seat"      // ID is a SessionID; version 1 while it is taken, 2 once its result is known
)

// How often to look. A player who waits for a match notices every second; one who plays
// is told by the game server, too, and plays for long: every look is a read.
const (
	followTicketEvery = 2 * time.Second
	followSeatEvery   = 30 * time.Second
)

// followOfTicket is what somebody who was shown a ticket knows.
func followOfTicket(v TicketView) []Followed {
	f := Followed{Kind: followTicket, ID: string(v.ID), Version: v.Version}
	if v.Match != nil {
		f.Step = v.Match.AcceptedCount
	}
	if !v.Status.Final() {
		f.Every = followTicketEvery
	}
	if v.Seat == nil {
		return []Followed{f}
	}
	return []Followed{f, followOfSeat(v.Seat.SessionID)}
}

// followOfPlacement is what somebody who was shown a placement knows.
func followOfPlacement(v SessionPlacementView) []Followed {
	f := Followed{Kind: followPlacement, ID: string(v.ID), Version: v.Version}
	if !v.Status.Final() {
		f.Every = followTicketEvery
	}
	if v.Seat == nil {
		return []Followed{f}
	}
	return []Followed{f, followOfSeat(v.Seat.SessionID)}
}

func followOfSeat(id SessionID) Followed {
	return Followed{Kind: followSeat, ID: string(id), Version: 1, Every: followSeatEvery}
}

// followOfResult is what somebody who was told of a result knows: their seat is over.
func followOfResult(id SessionID) []Followed {
	return []Followed{{Kind: followSeat, ID: string(id), Version: 2}}
}

// Following is what a player knows who was shown the snapshot.
func (s Snapshot) Following() []Followed {
	var all []Followed
	if s.Ticket != nil {
		all = append(all, followOfTicket(*s.Ticket)...)
	}
	if s.Placement != nil {
		all = append(all, followOfPlacement(*s.Placement)...)
	}
	if s.Seat != nil {
		all = append(all, followOfSeat(s.Seat.SessionID))
	}
	if s.Party != nil {
		all = append(all, followOfParty(s.Party.ID, s.Party.Version, true)...)
	}
	return all
}

func ticketNotice(p PlayerID, v TicketView) Notice {
	return Notice{Player: p, Type: "ticket", Data: v, Follow: followOfTicket(v)}
}

// CatchUp looks whether something that a player was told of has changed, and returns the
// notices that they lack. open is false when there is nothing more to follow: it is
// over, or not theirs.
func (b *Backend) CatchUp(ctx context.Context, p PlayerID, known Followed) (lacking []Notice, open bool, err error) {
	switch known.Kind {
	case followTicket:
		return b.catchUpTicket(ctx, p, known)
	case followParty:
		return b.catchUpParty(ctx, p, known)
	case followPlacement:
		return b.catchUpPlacement(ctx, p, known)
	case followSeat:
		return b.catchUpSeat(ctx, p, known)
	}
	return nil, false, nil // a later version of this program told of it
}

func (b *Backend) catchUpTicket(ctx context.Context, p PlayerID, known Followed) ([]Notice, bool, error) {
	view, err := b.Ticket(ctx, p, TicketID(known.ID))
	return known.caughtUp(view.Version, view.Status.Final(), ticketNotice(p, view), err)
}

func (b *Backend) catchUpPlacement(ctx context.Context, p PlayerID, known Followed) ([]Notice, bool, error) {
	view, err := b.Placement(ctx, p, PlacementID(known.ID))
	return known.caughtUp(view.Version, view.Status.Final(), placementNotice(p, view), err)
}

// caughtUp is what catching up with a ticket or a placement comes to: it was read as news, or
// err says why not.
func (f Followed) caughtUp(version int64, final bool, news Notice, err error) ([]Notice, bool, error) {
	switch {
	case KindOf(err) == NotFound:
		return nil, false, nil
	case err != nil:
		return nil, true, err
	case version <= f.Version:
		return nil, !final, nil
	}
	return []Notice{news}, !final, nil
}

// catchUpSeat looks for the result of a seat that is gone. A result is there before it
// frees a seat.
func (b *Backend) catchUpSeat(ctx context.Context, p PlayerID, known Followed) ([]Notice, bool, error) {
	held, _, err := b.slotOf(ctx, p)
	if err != nil || held.Kind == slotSession && string(held.Seat.SessionID) == known.ID {
		return nil, true, err
	}
	res, version, err := b.loadResult(ctx, SessionID(known.ID))
	if err != nil {
		return nil, true, err
	}
	if version == 0 || res.Stage != resultDone {
		return nil, version != 0, nil
	}
	for _, mine := range res.players() {
		if mine.ID == p {
			return []Notice{b.resultNotice(&res, mine)}, false, nil
		}
	}
	return nil, false, nil
}

// Heard takes in notices that another replica sent: whoever waits here for what they
// tell looks at once, and what was revoked there is refused here.
func (b *Backend) Heard(notices ...Notice) {
	for _, n := range notices {
		if r, ok := RevocationOf(n); ok {
			b.revocations.add(b.now(), r)
		}
		for _, f := range n.Follow {
			if f.Kind == followTicket || f.Kind == followPlacement {
				b.watch.wake(TicketID(f.ID))
			}
		}
	}
}
