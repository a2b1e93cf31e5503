package muster

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What follows from a result that is recorded: a row in each player's history, their
// slots, and their news. Each step writes one record and may be repeated, so whoever
// finds the result's due record can finish what another left.

// followLease is how long a replica that found unfinished work has to do it before
// another tries.
const followLease = 30 * time.Second

// sweepResult finishes a result that its reporter left half-way.
func (b *Backend) sweepResult(ctx context.Context, now time.Time, rec *Record, d dueResult) error {
	taken, err := b.leaseDue(ctx, rec, now.Add(followLease))
	if err != nil || !taken {
		return err
	}
	res, err := b.finishResult(ctx, d.Session)
	if KindOf(err) == NotFound {
		return b.forget(ctx, []Key{rec.Key}) // it has expired
	}
	if err == nil {
		err = b.followResult(ctx, &res, d, rec.Key)
	}
	if err != nil {
		return fmt.Errorf("finish the result of session %s: %w", d.Session, err)
	}
	return nil
}

// followResult does what follows from a recorded result, or from a verdict about it, and
// forgets the due record that asked for it. A verdict neither ends the
// session nor is it told: the result's own due record sees to that, whatever the order.
func (b *Backend) followResult(ctx context.Context, res *result, due dueResult, key Key) error {
	players := res.players()
	err := b.inParallel(ctx, len(players), func(ctx context.Context, i int) error {
		return b.followPlayer(ctx, res, players[i])
	})
	if err != nil {
		return err
	}
	if !due.Verdict {
		if err := b.endSession(ctx, res); err != nil {
			return fmt.Errorf("end session %s: %w", res.Session, err)
		}
		b.tellResult(ctx, res)
	}
	return b.forget(ctx, []Key{key})
}

func (b *Backend) followPlayer(ctx context.Context, res *result, p *playerResult) error {
	if p.ID.erased() {
		return nil // nothing is kept of them
	}
	if err := b.freeOf(ctx, res.Session, p.ID); err != nil {
		return fmt.Errorf("free player %s: %w", p.ID, err)
	}
	there, err := b.hasAccount(ctx, p.ID)
	if err == nil && !there {
		_, there, err = b.departed(ctx, p.ID) // the row leads the next purge to the result
	}
	if err == nil && there {
		err = b.keepHistory(ctx, res, p)
	}
	if err != nil {
		return fmt.Errorf("keep the match of player %s: %w", p.ID, err)
	}
	return b.followOnBoard(ctx, res, p)
}

// endSession closes a session that players join by themselves: its result is known.
func (b *Backend) endSession(ctx context.Context, res *result) error {
	if b.modes[res.Mode].Sessions == nil {
		return nil
	}
	s, _, err := load[session](ctx, b.store, sessionKey(res.Session))
	if errors.Is(err, ErrNotFound) || err == nil && s.Room == nil {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = b.UpdateSession(ctx, res.Session, SessionUpdate{Ended: true})
	return err
}

// keepHistory writes a player's row of a result, or brings the one that stands up to
// date with what became of the result. What a row showed of the rating at the time stays.
func (b *Backend) keepHistory(ctx context.Context, res *result, p *playerResult) error {
	key := historyKey(p.ID, res.RecordedAt, res.Session)
	expires := res.RecordedAt.Add(resultLife)
	op, err := put(key, 0, storedRow(b.historyView(res, p)), expires)
	if err != nil {
		return err
	}
	err = b.store.Write(ctx, op)
	if !errors.Is(err, ErrConflict) {
		return err
	}
	return Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		row, version, err := loadOr(ctx, b.store, key, historyRow{})
		if err != nil || version == 0 {
			return nil, err
		}
		// Read after the row, and written even where it says so already: whoever still
		// means to write what an earlier verdict said meets a conflict.
		now, _, err := b.loadResult(ctx, res.Session)
		if err != nil || len(now.Verdicts) == 0 {
			return nil, err
		}
		row.Voided = now.Voided
		op, err := put(key, version, row, expires)
		return []Op{op}, err
	})
}

// tellResult tells the players how their match ended.
func (b *Backend) tellResult(ctx context.Context, res *result) {
	players := res.players()
	notices := make([]Notice, 0, len(players))
	for _, p := range players {
		notices = append(notices, b.resultNotice(res, p))
	}
	b.notifier.Notify(ctx, notices...)
}

func (b *Backend) resultNotice(res *result, p *playerResult) Notice {
	return Notice{Player: p.ID, Type: "result", Data: b.historyView(res, p), Follow: followOfResult(res.Session)}
}
