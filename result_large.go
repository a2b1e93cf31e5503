package muster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A result whose players do not fit into one Write takes three steps, each of which any
// replica can go on with: the ratings are claimed, so that nothing else changes them;
// what the result does is decided from them and stored; then they are written and let
// go. Another result that meets a claim finishes the claimer first. Ratings are claimed
// in the order of player ids, so two claimers never wait for each other.

// claimingOps stores a result of which nothing is decided yet.
func (b *Backend) claimingOps(res *result) ([]Op, error) {
	for _, p := range res.rated() {
		p.Before, p.After, p.Outcome, p.version = rating{}, Skill{}, "", 0
	}
	now := b.instant()
	res.Stage, res.RecordedAt, res.DueAt = resultClaiming, now, now.Add(followAfter)
	return res.ops(0, false)
}

// finishResult brings a result to its end and returns it. Without one the error is
// NotFound.
func (b *Backend) finishResult(ctx context.Context, id SessionID) (result, error) {
	for {
		res, version, err := b.loadResult(ctx, id)
		switch {
		case err != nil:
			return result{}, err
		case version == 0:
			return result{}, errUnknownResult()
		}
		switch res.Stage {
		case resultDone:
			return res, nil
		case resultClaiming:
			err = b.claimRatings(ctx, &res, version)
			if err == nil {
				err = b.decideClaimed(ctx, res, version)
			}
		case resultApplying:
			err = b.applyClaimed(ctx, &res)
			if err == nil {
				res.Stage = resultDone
				err = b.writeResult(ctx, &res, version)
			}
		}
		// A conflict means that somebody else brought it further.
		if err != nil && !errors.Is(err, ErrConflict) {
			return result{}, fmt.Errorf("%s the result of session %s: %w", res.Stage, id, err)
		}
		if err := ctx.Err(); err != nil {
			return result{}, err
		}
	}
}

func errUnknownResult() error {
	return Errorf(NotFound, "result.unknown", "no result of this session is known")
}

// writeResult puts a result in place of a version.
func (b *Backend) writeResult(ctx context.Context, res *result, version int64) error {
	op, err := put(resultKey(res.Session), version, res, res.RecordedAt.Add(resultLife))
	if err != nil {
		return err
	}
	return b.store.Write(ctx, op)
}

// ratedInOrder lists the rated players in the order of their ids.
func (r *result) ratedInOrder() []*playerResult {
	return slices.SortedFunc(slices.Values(r.rated()), func(a, b *playerResult) int {
		return strings.Compare(string(a.ID), string(b.ID))
	})
}

// claimRatings claims the ratings of all whom the result rates. The error is ErrConflict
// once the result is no longer at that version.
func (b *Backend) claimRatings(ctx context.Context, res *result, version int64) error {
	still := Op{Kind: Check, Key: resultKey(res.Session), Version: version}
	for chunk := range slices.Chunk(res.ratedInOrder(), MaxWriteOps-1) {
		err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
			if _, now, err := b.loadResult(ctx, res.Session); err != nil {
				return nil, err
			} else if now != version {
				return nil, errMoved
			}
			ops, err := b.claimOps(ctx, res, chunk)
			if err != nil || len(ops) == 0 {
				return nil, err
			}
			return append(ops, still), nil
		})
		if errors.Is(err, errMoved) {
			return ErrConflict
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// errMoved ends a Change whose result another replica has brought further.
var errMoved = errors.New("the result has moved on")

func (b *Backend) claimOps(ctx context.Context, res *result, players []*playerResult) ([]Op, error) {
	standings, err := b.standingsOf(ctx, res.Mode, players)
	if err != nil {
		return nil, err
	}
	var ops []Op
	for i, p := range players {
		s := standings[i]
		if s.Claim == res.Session {
			continue
		}
		if s.version == 0 {
			alias, there, err := b.ratable(ctx, p.ID)
			if err != nil {
				return nil, err
			}
			if !there {
				continue
			}
			s.Alias = alias
		}
		if s.Claim != "" {
			if _, err := b.finishResult(ctx, s.Claim); err != nil {
				return nil, err
			}
			return nil, ErrConflict
		}
		s.Claim = res.Session
		op, err := put(ratingKey(p.ID, res.Mode), s.version, s.rating, time.Time{})
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// versionedRating is a rating with the version of its record.
type versionedRating struct {
	rating
	version int64
}

func (b *Backend) standingsOf(ctx context.Context, mode ModeName, players []*playerResult) ([]versionedRating, error) {
	standings := make([]versionedRating, len(players))
	err := b.inParallel(ctx, len(players), func(ctx context.Context, i int) (err error) {
		standings[i].rating, standings[i].version, err = b.standing(ctx, players[i].ID, mode)
		return err
	})
	return standings, err
}

// decideClaimed decides a result whose ratings are all claimed.
func (b *Backend) decideClaimed(ctx context.Context, res result, version int64) error {
	if err := b.readStandings(ctx, &res); err != nil {
		return err
	}
	for _, p := range res.rated() {
		if p.Before.Claim != res.Session {
			return ErrConflict // deleted meanwhile, or decided by another replica
		}
		p.Before.Claim = ""
	}
	b.ranking(res.Mode).decide(&res, b.instant())
	res.Stage = resultApplying
	ops, err := res.ops(version, true)
	if err != nil {
		return err
	}
	return b.store.Write(ctx, ops...)
}

// applyClaimed writes the ratings that a result still claims.
func (b *Backend) applyClaimed(ctx context.Context, res *result) error {
	k := b.ranking(res.Mode)
	for chunk := range slices.Chunk(res.ratedInOrder(), MaxWriteOps/2) { // a rating and that of the season before
		err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
			standings, err := b.standingsOf(ctx, res.Mode, chunk)
			if err != nil {
				return nil, err
			}
			var ops []Op
			for i, p := range chunk {
				if standings[i].Claim != res.Session {
					continue
				}
				p.version = standings[i].version
				more, err := k.ratingOps(p, res)
				if err != nil {
					return nil, err
				}
				ops = append(ops, more...)
			}
			return ops, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
