package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"muster"
)

// fakeStore answers every Get with err, after some time.
type fakeStore struct {
	muster.Store
	err   error
	takes time.Duration
	asked int
}

func (f *fakeStore) Get(ctx context.Context, _ muster.Key) (muster.Record, error) {
	f.asked++
	select {
	case <-time.After(f.takes):
		return muster.Record{}, f.err
	case <-ctx.Done():
		return muster.Record{}, ctx.Err()
	}
}

func TestAReplicaIsReadyWhileItCanServe(t *testing.T) {
	away := errors.New("nobody answers")
	var store *fakeStore
	var lift error
	var r *readiness
	fresh := func() {
		store, lift = &fakeStore{err: muster.ErrNotFound}, nil
		r = newReadiness(store, func(context.Context) error { return lift }, time.Now)
	}
	cases := []struct {
		name   string
		before func()
		want   error
	}{
		{"when store and GameLift answer", func() {}, nil},
		{"unless the store is away", func() { store.err = away }, away},
		{"unless the store takes too long", func() { store.takes = time.Minute }, context.DeadlineExceeded},
		{"unless GameLift has never answered", func() { lift = away }, away},
		{"even when GameLift has gone away since", func() { _ = r.check(context.Background()); lift = away; time.Sleep(2 * time.Second) }, nil},
		{"as it was within the second", func() { _ = r.check(context.Background()); store.err = away; time.Sleep(time.Second / 2) }, nil},
		{"but not for longer", func() { _ = r.check(context.Background()); store.err = away; time.Sleep(time.Second) }, away},
		{"unless it is about to end", func() { r.drain() }, errDraining},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fresh()
				c.before()
				err := r.check(context.Background())
				if !errors.Is(err, c.want) {
					t.Errorf("the answer is %v, want %v", err, c.want)
				}
				if waits := (unreadyError{}); errors.As(err, &waits) && (waits.WaitsFor() == "GameLift") != (lift != nil) {
					t.Errorf("it waits for %s", waits.WaitsFor())
				}
			})
		})
	}
}

func TestTheStoreIsAskedOnceASecondHoweverManyAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{err: muster.ErrNotFound, takes: 10 * time.Millisecond}
		r := newReadiness(store, func(context.Context) error { return nil }, time.Now)
		for range 50 {
			go func() { _ = r.check(context.Background()) }()
		}
		synctest.Wait()
		gone, leave := context.WithCancel(context.Background())
		leave()
		if err := r.check(gone); !errors.Is(err, context.Canceled) {
			t.Errorf("who has left is answered %v", err)
		}
		time.Sleep(time.Second / 2)
		if store.asked != 1 {
			t.Errorf("the store was asked %d times", store.asked)
		}
	})
}
