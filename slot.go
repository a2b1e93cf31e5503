package muster

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// slotKind is what holds a player.
type slotKind string

const (
	slotFree      slotKind = "" // nothing does
	slotTicket    slotKind = "ticket"
	slotPlacement slotKind = "placement"
	slotJoining   slotKind = "joining" // a place in a session whose seat GameLift has not confirmed
	slotSession   slotKind = "session"
)

// slot is the one thing a player may be doing: the lock behind "one live ticket per
// player". A free one may have a record, too (see freeSlot).
type slot struct {
	Kind   slotKind `json:"kind"`
	Ticket TicketID `json:"ticket,omitempty"`
	Seat   SeatView `json:"seat,omitzero"` // without join token
	Player PlayerID `json:"player"`

	Placement PlacementID `json:"placement,omitempty"`
	// Since is when a join began; the seat it is about has no id yet.
	Since time.Time `json:"since,omitzero"`

	expiresAt time.Time // of the record, as it was read
}

// slotLife removes a slot that nothing ever settled, or that was not used again. That of a
// live seat is renewed when its player does something in the second half of it; in a room,
// by the reconciler.
const slotLife = 24 * time.Hour

// slotOf reads a player's slot as it is recorded. version 0: there is no record, and
// nothing holds the player.
func (b *Backend) slotOf(ctx context.Context, p PlayerID) (slot, int64, error) {
	key := slotKey(p)
	rec, err := b.store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return slot{}, 0, nil
	}
	if err != nil {
		return slot{}, 0, fmt.Errorf("read %s: %w", key.Redacted(), err)
	}
	held, err := decode[slot](rec)
	held.expiresAt = rec.ExpiresAt
	return held, rec.Version, err
}

// liveSlot reads a player's slot and settles it first if what it names is over: a
// final ticket, a ticket that has been silent for a while and turns out to be gone, or
// a seat that is no longer live. What it returns is free, or live as far as anyone
// knows; version is that of the record to replace, which may outlive its cause. However
// often it is called, GameLift is asked at the reconciler's pace.
func (b *Backend) liveSlot(ctx context.Context, p PlayerID) (slot, int64, error) {
	return b.settledSlot(ctx, p, false)
}

// neededSlot is liveSlot for who wants to take it: of a seat GameLift is asked sooner.
func (b *Backend) neededSlot(ctx context.Context, p PlayerID) (slot, int64, error) {
	return b.settledSlot(ctx, p, true)
}

func (b *Backend) settledSlot(ctx context.Context, p PlayerID, need bool) (slot, int64, error) {
	for range 3 {
		held, version, err := b.slotOf(ctx, p)
		if err != nil || version == 0 {
			return slot{}, version, err
		}
		switch held.Kind {
		case slotTicket:
			t, _, err := load[ticket](ctx, b.store, ticketKey(held.Ticket))
			if errors.Is(err, ErrNotFound) || err == nil && t.Status.Final() {
				return slot{}, version, nil
			}
			if err != nil {
				return slot{}, 0, err
			}
			if !t.silent(b.now()) || !b.settledNow(ctx, "ticket/"+string(t.ID), func(ctx context.Context) error { return b.settle(ctx, t.ID) }) {
				return held, version, nil
			}
			continue
		case slotPlacement:
			p, _, err := load[placement](ctx, b.store, placementKey(held.Placement))
			if errors.Is(err, ErrNotFound) || err == nil && p.Status.Final() {
				return slot{}, version, nil
			}
			return held, version, err
		case slotJoining:
			join := "join/" + string(p) + held.Since.Format(time.RFC3339Nano)
			if now := b.now(); now.Sub(held.Since) < lookAgain && !wild(held.Since, now) || !b.settledNow(ctx, join, func(ctx context.Context) error { return b.settleJoin(ctx, held) }) {
				return held, version, nil
			}
			continue
		case slotSession:
			if !b.seatLive(ctx, held, need) {
				return slot{}, version, nil
			}
			renewed, err := b.renewSlot(ctx, held, version)
			if err != nil || !renewed {
				return held, version, err
			}
			continue
		}
		return slot{}, version, nil
	}
	return b.slotOf(ctx, p)
}

// renewSlot puts off the expiry of a live seat's slot when less than half of its life is
// left. renewed says that the record may have another version now.
func (b *Backend) renewSlot(ctx context.Context, held slot, version int64) (renewed bool, err error) {
	now := b.now()
	if held.expiresAt.Sub(now) >= slotLife/2 {
		return false, nil
	}
	op, err := put(slotKey(held.Player), version, held, now.Add(slotLife))
	if err != nil {
		return false, err
	}
	if err := b.store.Write(ctx, op); err != nil && !errors.Is(err, ErrConflict) {
		return false, fmt.Errorf("renew the slot of %s: %w", held.Player, err)
	}
	return true, nil
}

// settledNow says that settle succeeded in finding out from GameLift what became of
// something. Until it does, that counts as live.
func (b *Backend) settledNow(ctx context.Context, key string, settle func(context.Context) error) (settled bool) {
	b.looks.ask(ctx, key, b.now(), false, func(ctx context.Context) (bool, error) {
		err := settle(ctx)
		settled = err == nil
		return true, err
	})
	return settled
}

// seatLive says whether the seat of a slot is still reserved or taken, as far as GameLift
// can say.
func (b *Backend) seatLive(ctx context.Context, held slot, need bool) bool {
	return b.looks.ask(ctx, "seat/"+string(held.Seat.PlayerSessionID), b.now(), need, func(ctx context.Context) (bool, error) {
		state, err := b.gamelift.Seat(ctx, held.Seat.PlayerSessionID)
		if KindOf(err) == NotFound {
			return false, nil
		}
		return state.Live, err
	})
}

// Seat is the caller's live seat, for whoever lost their connection. Without one the
// error is NotFound.
func (b *Backend) Seat(ctx context.Context, p PlayerID) (SeatView, error) {
	held, _, err := b.liveSlot(ctx, p)
	if err != nil {
		return SeatView{}, err
	}
	if held.Kind == slotJoining {
		return SeatView{}, errJoining(held)
	}
	if held.Kind != slotSession {
		return SeatView{}, Errorf(NotFound, "session.none", "you are in no session")
	}
	return b.signed(held.Seat, p)
}

// signed completes a seat for its owner.
func (b *Backend) signed(seat SeatView, owner PlayerID) (SeatView, error) {
	if b.signSeat == nil {
		return seat, nil
	}
	if err := b.signSeat(&seat, owner); err != nil {
		return SeatView{}, err
	}
	return seat, nil
}

// Snapshot is all that a player who connects must know at once.
func (b *Backend) Snapshot(ctx context.Context, p PlayerID) (Snapshot, error) {
	held, _, err := b.liveSlot(ctx, p)
	if err != nil {
		return Snapshot{}, err
	}
	var all Snapshot
	switch held.Kind {
	case slotTicket:
		view, err := b.Ticket(ctx, p, held.Ticket)
		if err != nil {
			return Snapshot{}, err
		}
		all.Ticket = &view
	case slotPlacement:
		view, err := b.Placement(ctx, p, held.Placement)
		if err != nil {
			return Snapshot{}, err
		}
		all.Placement = &view
	case slotSession:
		seat, err := b.signed(held.Seat, p)
		if err != nil {
			return Snapshot{}, err
		}
		all.Seat = &seat
	}
	return all, b.addParty(ctx, p, &all)
}

// freeOps frees the slots of players that a ticket holds. A slot that something else
// holds meanwhile is left alone.
func (b *Backend) freeOps(ctx context.Context, players []ticketPlayer, id TicketID) ([]Op, error) {
	var ops []Op
	for _, p := range players {
		held, version, err := b.slotOf(ctx, p.ID)
		if err != nil {
			return nil, err
		}
		if version != 0 && held.Kind == slotTicket && held.Ticket == id {
			op, err := b.freeSlot(p.ID, version)
			if err != nil {
				return nil, err
			}
			ops = append(ops, op)
		}
	}
	return ops, nil
}

// freeSlot frees a player in place of a version of their slot. The record is emptied, not
// deleted: a new one would begin with version 1 again, and whoever had read that version
// of the old one could take what holds the player by then for what held them before.
func (b *Backend) freeSlot(p PlayerID, version int64) (Op, error) {
	return put(slotKey(p), version, slot{Player: p}, b.now().Add(slotLife))
}
