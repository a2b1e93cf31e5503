package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"muster"
)

// How long an answer of readiness holds, and how long asking may take.
const (
	readyFor   = time.Second
	readyAfter = 2 * time.Second
)

// readiness says whether load balancers shall send players here. It asks the store at
// most once a second, however often it is asked itself. GameLift must have answered once.
// Later it may be away: results, seats and sign-ins do not need it, and a replica that
// left for its sake would leave them unserved.
type readiness struct {
	store    muster.Store
	gameLift func(context.Context) error
	now      func() time.Time
	draining atomic.Bool

	turn    chan struct{} // holds a token; whoever has it may touch what follows
	reached bool          // GameLift has answered once
	askedAt time.Time
	answer  error // of askedAt
}

func newReadiness(store muster.Store, gameLift func(context.Context) error, now func() time.Time) *readiness {
	r := &readiness{store: store, gameLift: gameLift, now: now, turn: make(chan struct{}, 1)}
	r.turn <- struct{}{}
	return r
}

var errDraining = errors.New("this replica is about to end")

// drain makes the answer no, for good.
func (r *readiness) drain() { r.draining.Store(true) }

// check is nil while this replica can serve.
func (r *readiness) check(ctx context.Context) error {
	if r.draining.Load() {
		return errDraining
	}
	select {
	case <-r.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { r.turn <- struct{}{} }()
	if !r.askedAt.IsZero() && r.now().Sub(r.askedAt) < readyFor {
		return r.answer
	}
	// Others wait for the answer: the one who asks first may not end it by leaving.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyAfter)
	defer cancel()
	r.answer = r.ask(ctx)
	r.askedAt = r.now()
	return r.answer
}

func (r *readiness) ask(ctx context.Context) error {
	if err := r.askStore(ctx); err != nil {
		return unreadyError{"the store", err}
	}
	if r.reached {
		return nil
	}
	if err := r.gameLift(ctx); err != nil {
		return unreadyError{"GameLift", err}
	}
	r.reached = true
	return nil
}

// unreadyError says what a replica waits for.
type unreadyError struct {
	what string
	err  error
}

func (e unreadyError) Error() string    { return e.err.Error() }
func (e unreadyError) Unwrap() error    { return e.err }
func (e unreadyError) WaitsFor() string { return e.what }

// readinessKey names a record that is never there: reading it shows that the store can be
// read.
var readinessKey = muster.Key{Partition: "READY", Sort: "-"}

func (r *readiness) askStore(ctx context.Context) error {
	_, err := r.store.Get(ctx, readinessKey)
	if errors.Is(err, muster.ErrNotFound) {
		return nil
	}
	return err
}
