package muster

import (
	"context"
	"time"
)

// What tests outside the package do to boards without playing for it.

// Rank gives a player an account, a rating of so many points at 60 a mu, and an entry.
func (b *Backend) Rank(ctx context.Context, p PlayerID, mode ModeName, season SeasonName, points int) error {
	s := rating{Skill: Skill{Mu: (float64(points) + 0.5) / 60, Sigma: 5}, Games: 1, Season: season, LastAt: b.instant()}
	for _, r := range []struct {
		key   Key
		value any
	}{{accountKey(p), account{ID: p}}, {ratingKey(p, mode), s}} {
		op, err := put(r.key, AnyVersion, r.value, time.Time{})
		if err != nil {
			return err
		}
		if err := b.store.Write(ctx, op); err != nil {
			return err
		}
	}
	return b.Enter(ctx, p, mode, season, points)
}

// Enter puts an entry on a board, whatever the rating says.
func (b *Backend) Enter(ctx context.Context, p PlayerID, mode ModeName, season SeasonName, points int) error {
	return b.markBoard(ctx, board{mode, season}, p, boardPlace{Listed: true, Points: points}, true)
}

// Leave takes one entry off a board.
func (b *Backend) Leave(ctx context.Context, p PlayerID, mode ModeName, season SeasonName, points int) error {
	return b.markBoard(ctx, board{mode, season}, p, boardPlace{Listed: true, Points: points}, false)
}

// LeaveBoards is what the deletion of an account calls.
func (b *Backend) LeaveBoards(ctx context.Context, p PlayerID) error { return b.leaveBoards(ctx, p) }

// CountBoard counts a board that nobody asked about.
func (b *Backend) CountBoard(ctx context.Context, mode ModeName, season SeasonName) error {
	return b.countBoard(ctx, board{mode, season})
}

// BoardEntries is every entry of a board as it is stored, in no order.
func (b *Backend) BoardEntries(ctx context.Context, mode ModeName, season SeasonName) (map[PlayerID][]int, error) {
	all := make(map[PlayerID][]int)
	for shard := range boardShards {
		page, err := b.listBoard(ctx, board{mode, season}, shard, ListOptions{})
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			all[e.Player] = append(all[e.Player], e.Points)
		}
	}
	return all, nil
}
