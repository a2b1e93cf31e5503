package model

import (
	"context"

	"muster"
)

// errNoRooms answers calls that the histories do not make: their modes are matched, and
// GameLift places the sessions.
var errNoRooms = muster.Errorf(muster.Unavailable, "model.no_rooms", "nobody places sessions here")

func (l *lift) StartPlacement(context.Context, muster.StartPlacement) error { return errNoRooms }

func (l *lift) StopPlacement(context.Context, muster.PlacementID) error { return errNoRooms }

func (l *lift) Placement(context.Context, muster.PlacementID) (muster.PlacementSnapshot, error) {
	return muster.PlacementSnapshot{}, errNoRooms
}

func (l *lift) ReserveSeat(context.Context, muster.ReserveSeat) (muster.SeatGrant, error) {
	return muster.SeatGrant{}, errNoRooms
}

func (l *lift) LiveSeats(context.Context, muster.SessionID) ([]muster.SeatState, error) {
	return nil, errNoRooms
}

func (l *lift) StartBackfill(context.Context, muster.StartBackfill) error { return errNoRooms }
