package muster

import (
	"context"
	"fmt"
	"time"
)

// boardMark is an entry that somebody may have put or deleted, and whether they left it
// standing.
type boardMark struct {
	place  boardPlace
	stands bool
}

// moveOnBoard moves a player's entry when a result changed their rating. It is a step
// that follows from the result: it may be repeated, come late, or run beside those of
// the player's other results, and what stands when all of them are done is the entry
// that the rating says.
//
// That holds because nobody trusts what they were told for longer than one write:
// whoever put or deleted an entry reads the rating afterwards, and undoes what does not
// agree, until there is nothing to undo. An entry can only be wrong while somebody who
// touched it has yet to look. Usually it costs two writes of one record and one read.
func (b *Backend) moveOnBoard(ctx context.Context, p PlayerID, mode ModeName, season SeasonName, before, after boardPlace) error {
	if before == after {
		return nil
	}
	return b.settleOnBoard(ctx, board{mode, season}, p, after, []boardMark{{after, false}, {before, true}})
}

// followOnBoard moves the entry of a result's player.
func (b *Backend) followOnBoard(ctx context.Context, res *result, p *playerResult) error {
	if p.Unrated {
		return nil
	}
	k := b.ranking(res.Mode)
	var before boardPlace
	if p.Before.Season == res.Season {
		before = k.boardPlace(p.Before)
	}
	return b.moveOnBoard(ctx, p.ID, res.Mode, res.Season, before, k.boardPlace(k.after(p, res)))
}

// settleOnBoard makes those of a player's places stand that should, and no others: at
// first as it is told, then as the rating says.
func (b *Backend) settleOnBoard(ctx context.Context, d board, p PlayerID, want boardPlace, marks []boardMark) error {
	for range maxTries {
		for i := range marks {
			m := &marks[i]
			stands := m.place == want
			if !m.place.Listed || stands == m.stands {
				continue
			}
			if err := b.markBoard(ctx, d, p, m.place, stands); err != nil {
				return err
			}
			m.stands = stands
		}
		now, err := b.boardPlaceOf(ctx, d, p)
		if err != nil || now == want {
			return err
		}
		want = now
	}
	return &Error{Kind: Unavailable, Code: "store.contended", Message: "too many changes at once; try again", RetryAfter: time.Second}
}

// markBoard puts or deletes one entry, whatever stands there.
func (b *Backend) markBoard(ctx context.Context, d board, p PlayerID, place boardPlace, stands bool) error {
	op := Op{Kind: Delete, Key: d.key(boardEntry{place.Points, p}), Version: AnyVersion}
	if stands {
		op.Kind, op.Value, op.ExpiresAt = Put, []byte("{}"), b.instant().Add(boardLife)
	}
	if err := b.store.Write(ctx, op); err != nil {
		return fmt.Errorf("move player %s on the board of %s: %w", p, d.Mode, err)
	}
	return nil
}

// boardPlaceOf is the place that a player's rating says.
func (b *Backend) boardPlaceOf(ctx context.Context, d board, p PlayerID) (boardPlace, error) {
	s, version, _, err := b.seasonStanding(ctx, p, d.Mode, d.Season)
	if err != nil || version == 0 {
		return boardPlace{}, err
	}
	return b.ranking(d.Mode).boardPlace(s), nil
}

// mendEntry looks whether an entry says what the player's rating says, and puts it right
// where it does not. It can be wrong where the rules for boards changed, or a player is
// gone.
func (b *Backend) mendEntry(ctx context.Context, d board, e boardEntry) (right bool, err error) {
	place := boardPlace{Listed: true, Points: e.Points}
	now, err := b.boardPlaceOf(ctx, d, e.Player)
	if err != nil || now == place {
		return err == nil, err
	}
	return false, b.settleOnBoard(ctx, d, e.Player, now, []boardMark{{now, false}, {place, true}})
}

// leaveBoards takes a player who is being deleted off every board, as long as their
// ratings still tell where they stand. An entry that a result puts up afterwards is
// removed by whoever put it, or who reads it.
func (b *Backend) leaveBoards(ctx context.Context, p PlayerID) error {
	records, err := b.store.List(ctx, ratingKey(p, "").Partition, ListOptions{Prefix: ratingPrefix})
	if err != nil {
		return fmt.Errorf("list the ratings of player %s: %w", p, err)
	}
	return b.inParallel(ctx, len(records), func(ctx context.Context, i int) error {
		s, err := decode[rating](records[i])
		if err != nil {
			return err
		}
		for _, mode := range b.modeOrder {
			if records[i].Key != ratingKey(p, mode) && records[i].Key != seasonRatingKey(p, mode, s.Season) {
				continue
			}
			if place := b.ranking(mode).boardPlace(s); place.Listed {
				return b.markBoard(ctx, board{mode, s.Season}, p, place, false)
			}
		}
		return nil
	})
}
