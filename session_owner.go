package muster

import (
	"cmp"
	"context"
	"time"
)

// How many sessions of a mode that a player asked for may run at once: each takes a game
// server, whether its creator is in it or not.
const (
	roomsPerPlayer    = 2 // where the mode does not say
	maxRoomsPerPlayer = 20
)

// ownRooms is the record of the sessions that a player asked for and that were not over
// when it was last written. It ends with the account.
type ownRooms struct {
	Rooms []ownRoom `json:"rooms"`
}

// ownRoom is one of them. Session is empty until it is placed.
type ownRoom struct {
	Placement PlacementID `json:"placement"`
	Session   SessionID   `json:"session,omitempty"`
	Mode      ModeName    `json:"mode,omitempty"` // empty in records of earlier versions: any
}

func ownRoomsKey(p PlayerID) Key { return Key{PlayerPartition(p), "ROOMS"} }

// addRoom is the op that counts one more session of a mode for a player. Those that are
// over are found out here: nothing is written when a session ends. With too many the error
// is Exhausted.
func (b *Backend) addRoom(ctx context.Context, p PlayerID, mode Mode, id PlacementID) (Op, error) {
	own, version, err := loadOr(ctx, b.store, ownRoomsKey(p), ownRooms{})
	if err != nil {
		return Op{}, err
	}
	var live []ownRoom
	ofMode := 0
	var running []SessionID
	for _, r := range own.Rooms {
		lives, err := b.roomLives(ctx, r)
		if err != nil {
			return Op{}, err
		}
		if lives {
			live = append(live, r)
			if r.Mode == mode.Name || r.Mode == "" {
				ofMode++
				if r.Session != "" {
					running = append(running, r.Session)
				}
			}
		}
	}
	if ofMode >= cmp.Or(mode.Sessions.PerPlayer, roomsPerPlayer) {
		return Op{}, &Error{
			Kind: Exhausted, Code: "session.too_many", RetryAfter: sessionLook,
			Message: "sessions that you created are still running; join one of them, or wait until one ends: that which nobody is in ends by itself",
			Details: map[string]any{"sessionIds": running},
		}
	}
	return put(ownRoomsKey(p), version, ownRooms{append(live, ownRoom{Placement: id, Mode: mode.Name})}, time.Time{})
}

// roomLives says that a session that a player asked for is not over.
func (b *Backend) roomLives(ctx context.Context, r ownRoom) (bool, error) {
	if r.Session == "" {
		p, version, err := loadOr(ctx, b.store, placementKey(r.Placement), placement{})
		return version != 0 && !p.Status.Final(), err
	}
	s, version, err := loadOr(ctx, b.store, sessionKey(r.Session), session{})
	return version != 0 && s.EndedAt.IsZero(), err
}

// placeRoom is the op that notes the session of a player's request; there is none when
// the account was deleted meanwhile.
func (b *Backend) placeRoom(ctx context.Context, p placement) ([]Op, error) {
	own, version, err := loadOr(ctx, b.store, ownRoomsKey(p.Room.Owner), ownRooms{})
	if err != nil {
		return nil, err
	}
	next := ownRooms{Rooms: make([]ownRoom, 0, len(own.Rooms))}
	noted := false
	for _, r := range own.Rooms {
		if r.Placement == p.ID {
			r.Session, noted = p.Session, true
		}
		next.Rooms = append(next.Rooms, r)
	}
	if !noted {
		return nil, nil
	}
	op, err := put(ownRoomsKey(p.Room.Owner), version, next, time.Time{})
	return []Op{op}, err
}
