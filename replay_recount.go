package muster

import (
	"context"
	"errors"
	"time"
)

// recount is the record of the last recount of a mode's ratings: what a verdict asks for,
// and how far it has come.
type recount struct {
	Pending   bool      `json:"pending"`
	Since     time.Time `json:"since"` // the first result to count again
	Asked     int       `json:"asked"` // how many verdicts asked; one that comes meanwhile makes another round
	AskedAt   time.Time `json:"askedAt"`
	Results   int       `json:"results"`
	Corrected int       `json:"corrected"`
	// Owner is the run that does the work, until LeasedUntil.
	Owner       string    `json:"owner,omitempty"`
	LeasedUntil time.Time `json:"leasedUntil,omitzero"`
	FinishedAt  time.Time `json:"finishedAt,omitzero"`
}

// dueRecounts are modes whose ratings are to be counted again.
const dueRecounts dueKind = "recount"

// dueRecount brings a mode to notice.
type dueRecount struct {
	Mode ModeName `json:"mode"`
}

// recountEvery is how often a replica looks for a recount to do.
const recountEvery = 5 * time.Second

// recountLease is how long a replica has a recount for itself after its last sign of
// progress.
const recountLease = time.Minute

// leased says that somebody works at the recount.
func (r *recount) leased(now time.Time) bool {
	return r.LeasedUntil.After(now) && !wild(r.LeasedUntil, now.Add(recountLease))
}

func recountKey(mode ModeName) Key { return Key{"RECOUNT#" + string(mode), "R"} }

func (r recount) view() *RecountView {
	if r.Asked == 0 {
		return nil
	}
	v := &RecountView{Pending: r.Pending, Since: r.Since, AskedAt: r.AskedAt, Results: r.Results, Corrected: r.Corrected}
	if !r.FinishedAt.IsZero() {
		v.FinishedAt = &r.FinishedAt
	}
	return v
}

// askRecount asks for a recount of a mode's ratings from an instant on.
func (b *Backend) askRecount(ctx context.Context, mode ModeName, since, now time.Time) ([]Op, error) {
	r, version, err := loadOr(ctx, b.store, recountKey(mode), recount{})
	if err != nil {
		return nil, err
	}
	if r.Pending && r.Since.Before(since) {
		since = r.Since
	}
	if !r.Pending {
		r = recount{Asked: r.Asked}
	}
	r.Pending, r.Since, r.AskedAt = true, since, now
	r.Asked++
	op, err := put(recountKey(mode), version, r, time.Time{})
	if err != nil {
		return nil, err
	}
	due, err := put(dueRecounts.key(string(mode), now), AnyVersion, dueRecount{mode}, now.Add(resultLife))
	return []Op{op, due}, err
}

// Recount brings the ratings of modes up to date with verdicts about their results, and
// returns when it is done. Results may come in meanwhile. It is safe to run on every
// replica: one at a time works at a mode, and another goes on after it.
func (b *Backend) Recount(ctx context.Context) error {
	return sweepEach(ctx, b, dueRecounts, 1, func(ctx context.Context, _ time.Time, rec *Record, d dueRecount) error {
		over, err := b.recountMode(ctx, d.Mode)
		if over {
			err = b.forget(ctx, []Key{rec.Key})
		}
		return err
	})
}

// recountMode works at a mode's recount until no verdict is left; over is false when
// another replica does.
func (b *Backend) recountMode(ctx context.Context, mode ModeName) (over bool, err error) {
	owner := b.newID()
	for {
		var job recount
		err := b.changeRecount(ctx, mode, func(r *recount) bool {
			job = *r
			if !r.Pending || r.Owner != "" && r.Owner != owner && r.leased(b.now()) {
				return false
			}
			r.Owner, r.LeasedUntil, r.Results, r.Corrected = owner, b.instant().Add(recountLease), 0, 0
			job = *r
			return true
		})
		if err != nil || !job.Pending || job.Owner != owner {
			return err == nil && !job.Pending, err
		}
		report, err := b.replay(ctx, mode, ReplayOptions{
			From: job.Since, Write: true,
			Progress: func(so ReplayReport) error { return b.renewRecount(ctx, mode, owner, so) },
		}, false)
		if errors.Is(err, errLeaseLost) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		err = b.changeRecount(ctx, mode, func(r *recount) bool {
			if r.Owner != owner {
				return false
			}
			r.Owner, r.LeasedUntil = "", time.Time{}
			r.Results, r.Corrected = report.Results, report.Repaired
			if r.Asked == job.Asked {
				r.Pending, r.FinishedAt = false, b.instant()
			}
			return true
		})
		if err != nil {
			return false, err
		}
	}
}

// errLeaseLost ends a run whose work another has taken over.
var errLeaseLost = errors.New("the recount was taken over")

// renewRecount keeps the lease and tells how far the work has come.
func (b *Backend) renewRecount(ctx context.Context, mode ModeName, owner string, so ReplayReport) error {
	mine := false
	err := b.changeRecount(ctx, mode, func(r *recount) bool {
		if mine = r.Owner == owner; !mine {
			return false
		}
		r.LeasedUntil, r.Results, r.Corrected = b.instant().Add(recountLease), so.Results, so.Repaired
		return true
	})
	if err == nil && !mine {
		return errLeaseLost
	}
	return err
}

// changeRecount lets change alter a mode's recount; it says whether it did.
func (b *Backend) changeRecount(ctx context.Context, mode ModeName, change func(r *recount) bool) error {
	return Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		r, version, err := loadOr(ctx, b.store, recountKey(mode), recount{})
		if err != nil || version == 0 || !change(&r) {
			return nil, err
		}
		op, err := put(recountKey(mode), version, r, time.Time{})
		return []Op{op}, err
	})
}
