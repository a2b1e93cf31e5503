package muster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The pace of a purge: one pass erases so many matches, and may take so long before
// another replica goes on with it.
const (
	eraseEvery   = 5 * time.Second
	purgeMatches = 50
	purgePage    = 100
	purgeLease   = time.Minute
	purgePause   = time.Second // between two passes of one player
)

// ErasePlayers erases what is due of deleted players. Every replica calls it; they share
// the work.
func (b *Backend) ErasePlayers(ctx context.Context) error {
	return sweepEach(ctx, b, duePurges, 1, b.purgeDue)
}

// purgeDue claims a deleted player for purgeLease, erases, and says when to come again.
func (b *Backend) purgeDue(ctx context.Context, now time.Time, rec *Record, job purge) error {
	taken, err := b.leaseDue(ctx, rec, now.Add(purgeLease))
	if err != nil || !taken {
		return err
	}
	whole, err := b.purgePlayer(ctx, &job)
	if err != nil {
		return fmt.Errorf("purge player %s: %w", job.Player, err)
	}
	ops := []Op{{Kind: Delete, Key: rec.Key, Version: AnyVersion}}
	if at, more := job.next(whole, b.instant()); more {
		op, err := put(duePurges.key(string(job.Player), at), AnyVersion, job, job.At.Add(tombstoneLife))
		if err != nil {
			return err
		}
		ops = append(ops, op)
	}
	return b.store.Write(ctx, ops...)
}

// last says that nobody looks again after this pass.
func (j *purge) last() bool { return j.Purged && j.Look == len(purgeLooks)-1 }

// next is when to look again after a pass; more is false when the player is erased for
// good.
func (j *purge) next(whole bool, now time.Time) (at time.Time, more bool) {
	if !whole {
		return now.Add(purgePause), true
	}
	if j.Purged {
		j.Look++
	}
	j.Purged = true
	if j.Look == len(purgeLooks) {
		return time.Time{}, false
	}
	if at = j.At.Add(purgeLooks[j.Look]); !at.After(now) {
		at = now.Add(purgePause)
	}
	return at, true
}

// purgePlayer erases what is kept of a deleted player; whole says that nothing was left
// for another pass. Ratings stay until the last one: results may come of matches that the
// player was in, and rate the others by them. It may be repeated at any point.
func (b *Backend) purgePlayer(ctx context.Context, job *purge) (whole bool, err error) {
	p := job.Player
	a, ok, err := b.departed(ctx, p)
	if err != nil || !ok {
		return true, err
	}
	if a.Status == accountMerged {
		return true, b.settleMerged(ctx, &a, job.Fill)
	}
	sessions, err := b.sessionsToErase(ctx, p)
	if err != nil {
		return false, err
	}
	for _, step := range []struct {
		what string
		do   func(context.Context, PlayerID) error
	}{
		{"take mails back", func(ctx context.Context, _ PlayerID) error { return b.takeMailsBack(ctx, job) }},
		{"end play", b.endPlay},
		{"leave parties", b.leavePartyFor},
		{"leave boards", b.leaveBoards},
		{"retire ratings", func(ctx context.Context, p PlayerID) error { return b.retireRatings(ctx, &a) }},
	} {
		if err := step.do(ctx, p); err != nil {
			return false, fmt.Errorf("%s: %w", step.what, err)
		}
	}
	if err := b.eraseFrom(ctx, &a, sessions); err != nil {
		return false, err
	}
	if whole, err = b.eraseMatches(ctx, &a); err != nil || !whole {
		return false, err
	}
	if err := b.eraseAudit(ctx, p); err != nil {
		return false, err
	}
	return true, b.eraseRecords(ctx, p, func(sort string) bool {
		// A row of a match that came in meanwhile leads the next look to its result.
		return strings.HasPrefix(sort, historyPrefix) || !job.last() && strings.HasPrefix(sort, ratingPrefix)
	})
}

// endPlay withdraws a player's ticket or placement, for which it may be too late, and
// leaves their session.
func (b *Backend) endPlay(ctx context.Context, p PlayerID) error {
	held, version, err := b.slotOf(ctx, p)
	if err != nil || version == 0 {
		return err
	}
	switch held.Kind {
	case slotTicket:
		_, err = b.CancelTicket(ctx, p, held.Ticket)
	case slotPlacement:
		_, err = b.CancelPlacement(ctx, p, held.Placement)
	case slotSession, slotJoining:
		return b.LeaveSession(ctx, p)
	}
	if kind := KindOf(err); err != nil && kind != Conflict && kind != NotFound { // too late, or over
		return err
	}
	return nil
}

// eraseSlot deletes a player's slot. Whatever it holds by now lets go of them first: the
// place in a session goes with the slot, and a ticket or placement that is still under way
// finds nobody to seat.
func (b *Backend) eraseSlot(ctx context.Context, p PlayerID) error {
	for _, last := range []bool{false, true} {
		err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
			held, version, err := b.slotOf(ctx, p)
			switch {
			case err != nil || version == 0:
				return nil, err
			case held.Kind == slotSession || held.Kind == slotJoining:
				return b.leaveOps(ctx, held, version)
			case !last:
				return nil, nil
			}
			return []Op{{Kind: Delete, Key: slotKey(p), Version: version}}, nil
		})
		if err != nil {
			return fmt.Errorf("erase the slot: %w", err)
		}
	}
	return nil
}

// eraseMatches puts the alias of a deleted player in place of their id in the results of
// their matches and the histories of all who played, and deletes their own rows, some at
// a time; whole says that there are no more.
func (b *Backend) eraseMatches(ctx context.Context, a *account) (whole bool, err error) {
	rows, err := b.store.List(ctx, PlayerPartition(a.ID), ListOptions{Prefix: historyPrefix, Limit: purgeMatches})
	if err != nil {
		return false, err
	}
	for _, rec := range rows {
		row, err := readHistory(rec)
		if err != nil {
			return false, err
		}
		if err := b.eraseMatch(ctx, a, row.SessionID); err != nil {
			return false, fmt.Errorf("session %s: %w", row.SessionID, err)
		}
	}
	keys := make([]Key, len(rows))
	for i, rec := range rows {
		keys[i] = rec.Key
	}
	return len(rows) < purgeMatches, b.forget(ctx, keys)
}

// eraseMatch puts the alias of a player in place of their id in all that is kept of one
// session.
func (b *Backend) eraseMatch(ctx context.Context, a *account, id SessionID) error {
	res, err := b.finishResult(ctx, id) // while it claims ratings, their players have names
	if err != nil && KindOf(err) != NotFound {
		return err
	}
	if err := b.leaveBoardOf(ctx, &res, a.ID); err != nil {
		return err
	}
	for _, other := range res.players() {
		if other.ID == a.ID || other.ID.erased() {
			continue
		}
		if err := b.rename(ctx, historyKey(other.ID, res.RecordedAt, id), a); err != nil {
			return err
		}
	}
	for after, more := "", true; more; {
		records, err := b.store.List(ctx, sessionKey(id).Partition, ListOptions{After: after, Limit: purgePage})
		if err != nil {
			return err
		}
		for _, rec := range records {
			if err := b.rename(ctx, rec.Key, a); err != nil {
				return err
			}
			after = rec.Sort
		}
		more = len(records) == purgePage
	}
	return nil
}

// rename puts the alias of a player in place of their id, wherever it stands as a whole
// string in a record, and deletes a record whose key names them. Ids are unique, so
// nothing else is meant by one.
func (b *Backend) rename(ctx context.Context, key Key, a *account) error {
	return Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		rec, err := b.store.Get(ctx, key)
		if errors.Is(err, ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if strings.Contains(key.Sort, string(a.ID)) {
			return []Op{{Kind: Delete, Key: key, Version: rec.Version}}, nil
		}
		value := bytes.ReplaceAll(rec.Value, quoted(a.ID), quoted(a.Alias))
		if bytes.Equal(value, rec.Value) {
			return nil, nil
		}
		return []Op{{Kind: Put, Key: key, Value: value, Version: rec.Version, ExpiresAt: rec.ExpiresAt}}, nil
	})
}

// quoted is an id as JSON: ids are of an alphabet that needs no escapes.
func quoted(p PlayerID) []byte {
	text, err := json.Marshal(p)
	if err != nil {
		panic("muster: a string always encodes: " + err.Error())
	}
	return text
}

// retireRatings marks the ratings of a deleted player, so that they stand on no board any
// more. Those of seasons that the player had left are deleted: no result asks for them.
func (b *Backend) retireRatings(ctx context.Context, a *account) error {
	return b.eachRating(ctx, a.ID, a.Alias, func(key Key, s rating, version int64) (Op, error) {
		if s.Season != "" && strings.HasSuffix(key.Sort, "#"+string(s.Season)) {
			return Op{Kind: Delete, Key: key, Version: version}, nil
		}
		return retiredOp(key, s, version, a.Alias)
	})
}

// retiredOp marks a rating by the id that stands for its player.
func retiredOp(key Key, s rating, version int64, alias PlayerID) (Op, error) {
	s.Alias, s.Board, s.BoardWas = alias, noBoardSpot, 0
	return put(key, version, s, time.Time{})
}

// eachRating changes each rating of a player that does not have an alias yet.
func (b *Backend) eachRating(ctx context.Context, p, alias PlayerID, change func(key Key, s rating, version int64) (Op, error)) error {
	return b.ratingPages(ctx, p, func(page []Record) error {
		for _, rec := range page {
			err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
				s, version, err := loadOr(ctx, b.store, rec.Key, rating{})
				if err != nil || version == 0 || s.Alias == alias {
					return nil, err
				}
				op, err := change(rec.Key, s, version)
				return []Op{op}, err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// ratingPages hands all ratings of a player to visit, those of past seasons included: in a
// game of many modes and seasons more than one List has.
func (b *Backend) ratingPages(ctx context.Context, p PlayerID, visit func(page []Record) error) error {
	for after, more := "", true; more; {
		page, err := b.store.List(ctx, PlayerPartition(p), ListOptions{Prefix: ratingPrefix, After: after})
		if err != nil {
			return fmt.Errorf("list the ratings of player %s: %w", p, err)
		}
		if err := visit(page); err != nil {
			return err
		}
		if more = len(page) == MaxListLimit; more {
			after = page[len(page)-1].Sort
		}
	}
	return nil
}

// eraseRecords deletes everything in the player's partition but the account, and what is to
// be kept by its sort key.
func (b *Backend) eraseRecords(ctx context.Context, p PlayerID, keep func(sort string) bool) error {
	if err := b.eraseSlot(ctx, p); err != nil {
		return err
	}
	for after, more := "", true; more; {
		records, err := b.store.List(ctx, PlayerPartition(p), ListOptions{After: after, Limit: purgePage})
		if err != nil {
			return err
		}
		var keys []Key
		for _, rec := range records {
			after = rec.Sort
			if rec.Key != accountKey(p) && rec.Key != slotKey(p) && !keep(rec.Sort) {
				keys = append(keys, rec.Key)
			}
		}
		if err := b.forget(ctx, keys); err != nil {
			return err
		}
		more = len(records) == purgePage
	}
	return nil
}
