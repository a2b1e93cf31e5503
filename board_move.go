package muster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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
//
// A result's moves have its due record behind them. Moves without a result have BoardWas:
// whoever dies half-way leaves a rating that says where an entry may still stand, to the
// next result, recount or deletion.
func (b *Backend) moveOnBoard(ctx context.Context, p PlayerID, d board, after boardPlace, before ...boardPlace) error {
	marks := []boardMark{{after, false}}
	for _, place := range before {
		if place.Listed && place != after {
			marks = append(marks, boardMark{place, true})
		}
	}
	if len(marks) == 1 && (!after.Listed || slices.Contains(before, after)) {
		return nil
	}
	return b.settleOnBoard(ctx, d, p, after, marks)
}

// followOnBoard moves the entry of a result's player.
func (b *Backend) followOnBoard(ctx context.Context, res *result, p *playerResult) error {
	if p.Unrated {
		return nil
	}
	k := b.ranking(res.Mode)
	var before, was boardPlace
	if p.Before.Season == res.Season {
		before, was = k.listed(p.Before), p.Before.BoardWas.place()
	}
	return b.moveOnBoard(ctx, p.ID, board{res.Mode, res.Season}, k.boardPlace(k.after(p, res)), before, was)
}

// relist writes a rating in place of a version without a result, and moves the player's
// entry to where the rules say. The error is ErrConflict when the rating has changed.
func (b *Backend) relist(ctx context.Context, p PlayerID, d board, key Key, version int64, stored, next rating) error {
	k := b.ranking(d.Mode)
	if err := b.clearBoardWas(ctx, p, d, stored); err != nil {
		return err
	}
	next = k.relisted(stored, next)
	op, err := put(key, version, next, time.Time{})
	if err != nil {
		return err
	}
	if err := b.store.Write(ctx, op); err != nil {
		return err
	}
	return b.moveOnBoard(ctx, p, d, k.listed(next), k.listed(stored))
}

// clearBoardWas finishes a move without a result that somebody may have left half-way.
func (b *Backend) clearBoardWas(ctx context.Context, p PlayerID, d board, s rating) error {
	if s.BoardWas == 0 {
		return nil
	}
	return b.moveOnBoard(ctx, p, d, b.ranking(d.Mode).listed(s), s.BoardWas.place())
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

// boardPlaceOf is where a player's rating says that their entry was put.
func (b *Backend) boardPlaceOf(ctx context.Context, d board, p PlayerID) (boardPlace, error) {
	s, version, _, err := b.seasonStanding(ctx, p, d.Mode, d.Season)
	if err != nil || version == 0 {
		return boardPlace{}, err
	}
	return b.ranking(d.Mode).listed(s), nil
}

// mendEntry looks whether an entry says what the player's rating says, and puts it right
// where it does not. It can be wrong where the rules for boards changed, or a player is
// gone.
func (b *Backend) mendEntry(ctx context.Context, d board, e boardEntry) (right bool, err error) {
	place := boardPlace{Listed: true, Points: e.Points}
	s, version, key, err := b.seasonStanding(ctx, e.Player, d.Mode, d.Season)
	if err != nil {
		return false, err
	}
	k := b.ranking(d.Mode)
	var now boardPlace
	if version != 0 {
		now = k.boardPlace(s)
	}
	if version != 0 && k.listed(s) != now && s.Claim == "" { // the rules have changed
		if err := b.relist(ctx, e.Player, d, key, version, s, s); err != nil && !errors.Is(err, ErrConflict) {
			return false, err
		}
	}
	if now == place {
		return true, nil
	}
	return false, b.settleOnBoard(ctx, d, e.Player, now, []boardMark{{now, false}, {place, true}})
}

// leaveBoards takes a player who is being deleted off every board, as long as their
// ratings still tell where they stand: of modes and seasons, too, that the configuration
// no longer has. An entry that a result puts up afterwards is removed by whoever put it,
// or who reads it.
func (b *Backend) leaveBoards(ctx context.Context, p PlayerID) error {
	return b.ratingPages(ctx, p, func(page []Record) error {
		return b.inParallel(ctx, len(page), func(ctx context.Context, i int) error {
			s, err := decode[rating](page[i])
			if err != nil {
				return err
			}
			for _, mode := range b.modesOfRating(page[i].Key, s) {
				if err := b.leaveBoard(ctx, p, board{mode, s.Season}, s); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// leaveBoard takes away every entry of a season that a standing knows of.
func (b *Backend) leaveBoard(ctx context.Context, p PlayerID, d board, s rating) error {
	places := []boardPlace{b.ranking(d.Mode).listed(s), s.BoardWas.place()}
	for i, place := range places {
		if !place.Listed || i > 0 && place == places[0] {
			continue
		}
		if err := b.markBoard(ctx, d, p, place, false); err != nil {
			return err
		}
	}
	return nil
}

// modesOfRating says whose rating a record is. Where the configuration does not know the
// mode, what follows its last # may belong to its name or be a season: it may be either.
func (b *Backend) modesOfRating(key Key, s rating) []ModeName {
	whole := ModeName(strings.TrimPrefix(key.Sort, ratingPrefix))
	mode, past := strings.CutSuffix(string(whole), "#"+string(s.Season))
	switch {
	case !past:
		return []ModeName{whole}
	case slices.Contains(b.modeOrder, whole) == slices.Contains(b.modeOrder, ModeName(mode)):
		return []ModeName{whole, ModeName(mode)}
	case slices.Contains(b.modeOrder, whole):
		return []ModeName{whole}
	}
	return []ModeName{ModeName(mode)}
}

// followLate is how long after a result its entries may wait to be moved.
const followLate = 24 * time.Hour

// leaveBoardOf takes away what a late result may have left standing of a player who is
// being deleted: under their alias nobody moves their entry any more.
func (b *Backend) leaveBoardOf(ctx context.Context, res *result, p PlayerID) error {
	if b.now().Sub(res.RecordedAt) > followLate {
		return nil
	}
	for _, one := range res.rated() {
		if one.ID != p || one.Before.Season != res.Season || !one.Before.played() {
			continue
		}
		return b.leaveBoard(ctx, p, board{res.Mode, res.Season}, one.Before)
	}
	return nil
}
