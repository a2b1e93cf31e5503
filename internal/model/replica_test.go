package model

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"muster"
)

// replica is one process of the service. It dies in the middle of a call and comes back
// with nothing but the store; its clock is a little off.
type replica struct {
	*muster.Backend
	w    *world
	name string
	skew time.Duration
	born int
	busy bool // in the middle of an action

	// Of the process that runs now.
	dead   bool
	killIn int  // it dies at the killIn-th use of the store from now; 0: it does not
	keeps  bool // the Write it dies at is done all the same
}

func newReplica(w *world, i int) *replica {
	r := &replica{w: w, name: fmt.Sprint("replica-", i), skew: time.Duration(w.rand.IntN(4000)-2000) * time.Millisecond}
	r.restart()
	return r
}

// restart begins anew, as after a crash.
func (r *replica) restart() {
	r.dead, r.killIn = false, 0
	r.born++
	made := 0
	options := r.w.options()
	options.Store, options.GameLift, options.Notifier = r.store(), r.w.lift, r
	options.Now = func() time.Time { return r.w.now.Add(r.skew) }
	options.NewID = func() string {
		made++
		return fmt.Sprintf("%s-%d-%05d", r.name, r.born, made)
	}
	options.Random = rand.NewChaCha8([32]byte{byte(r.w.seed), byte(r.w.seed >> 8), byte(r.born), r.name[len(r.name)-1]})
	options.Parallel = 1 // so that a seed is one history
	options.Log = slog.New(slog.DiscardHandler)
	r.Backend = muster.New(options)
}

// alive is a replica that does not die now.
func (r *replica) alive() *replica {
	if r.dead {
		r.restart()
	}
	r.killIn = 0
	return r
}

// Notify implements muster.Notifier: what players are told is looked at.
func (r *replica) Notify(_ context.Context, notices ...muster.Notice) {
	for _, n := range notices {
		r.w.told(n)
	}
}

// errDead is what a process that died would have said.
var errDead = muster.Errorf(muster.Unavailable, "model.dead", "the replica died")

// faulty is the store as one process sees it: now and then a Write gets no answer, and
// others do something in between.
type faulty struct {
	under muster.Store
	r     *replica
	born  int // of the process that it belongs to
}

func (r *replica) store() muster.Store { return &faulty{under: r.w.store, r: r, born: r.born} }

// before is what may happen before a use of the store; an error says that it did not
// come to it.
func (f *faulty) before() error {
	if f.r.dead || f.born != f.r.born {
		return errDead
	}
	f.r.w.meanwhile()
	if f.r.dead || f.born != f.r.born {
		return errDead
	}
	if f.r.killIn > 0 {
		f.r.killIn--
		f.r.dead = f.r.killIn == 0
	}
	return nil
}

func (f *faulty) Get(ctx context.Context, key muster.Key) (muster.Record, error) {
	if err := f.before(); err != nil {
		return muster.Record{}, err
	}
	if f.r.dead {
		return muster.Record{}, errDead
	}
	return f.under.Get(ctx, key)
}

func (f *faulty) List(ctx context.Context, partition string, opts muster.ListOptions) ([]muster.Record, error) {
	if err := f.before(); err != nil {
		return nil, err
	}
	if f.r.dead {
		return nil, errDead
	}
	return f.under.List(ctx, partition, opts)
}

func (f *faulty) Write(ctx context.Context, ops ...muster.Op) error {
	if err := f.before(); err != nil {
		return err
	}
	if f.r.dead && !f.r.keeps {
		return errDead
	}
	silent := !f.r.w.calm && f.r.w.rand.IntN(60) == 0
	if silent && f.r.w.rand.IntN(2) == 0 {
		return muster.Errorf(muster.Unavailable, "model.lost_request", "the store does not answer")
	}
	err := f.under.Write(ctx, ops...)
	if f.r.dead {
		return errDead
	}
	if silent {
		return muster.Errorf(muster.Unavailable, "model.lost_answer", "the store does not answer")
	}
	return err
}
