package limit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"muster"
)

// allowance is a limit that replicas share. The first few of a key each lets through by
// itself, without asking the store; after that it takes from what is kept there, some at a
// time. What it took and nobody used within Per is gone. So N replicas let through, within
// any time of length T,
//
//	Count × (1 + T/Per) + N × (free × (1 + T/Per) + batch - 1)
//
// at most: what is in the store, and what each may have to itself.
type allowance struct {
	name        string
	rate        Rate
	free, batch int
	store       muster.Store
	now         func() time.Time

	mu   sync.Mutex
	held *recent[share] // guarded by mu
}

// share is what this replica has of a key.
type share struct {
	free   time.Time     // the debt of what it lets through by itself
	left   int           // taken from the store, not used
	until  time.Time     // when left is gone
	shut   time.Time     // until when the store has none
	asking chan struct{} // closed when the store has answered; nil: nobody asks
}

// A tenth of a limit is taken at a time, up to mostTaken; a twentieth is let through
// without asking, up to mostFree. One alone is the store's: it is exact.
const (
	mostTaken = 20
	mostFree  = 5
)

func newAllowance(name string, rate Rate, o Options) *allowance {
	return &allowance{
		name: name, rate: rate, free: min(rate.Count/20, mostFree), batch: min(max(rate.Count/10, 1), mostTaken),
		store: o.Store, now: o.Now, held: newRecent[share](o.Memory),
	}
}

// spend takes one. Errors but LimitExceeded are the store's.
func (a *allowance) spend(ctx context.Context, key string) error {
	if a.rate.unlimited() || key == "" {
		return nil
	}
	for {
		wait, asking, mine := a.look(key)
		switch {
		case wait > 0:
			return muster.LimitExceeded(wait)
		case asking == nil:
			return nil
		case mine:
			return a.ask(ctx, key, asking)
		}
		select {
		case <-asking:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// look takes one of what is here. wait says how long until there is one. asking is not nil
// when it is the store's to say; mine: the caller is to ask it, and to close asking.
func (a *allowance) look(key string) (wait time.Duration, asking chan struct{}, mine bool) {
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.held.at(key)
	if own := (Rate{a.free, a.rate.Per}); !own.unlimited() {
		taken, debt, _ := own.take(s.free, now, 1)
		if s.free = debt; taken > 0 {
			return 0, nil, false
		}
	}
	switch {
	case s.left > 0 && now.Before(s.until) && !now.Before(s.until.Add(-a.rate.Per)):
		s.left--
		return 0, nil, false
	case now.Before(s.shut) && s.shut.Sub(now) <= a.rate.Per:
		return s.shut.Sub(now), nil, false
	case s.asking != nil:
		return 0, s.asking, false
	}
	s.asking = make(chan struct{})
	return 0, s.asking, true
}

// ask takes some from the store, one of them for the caller.
func (a *allowance) ask(ctx context.Context, key string, asking chan struct{}) error {
	taken, wait, err := a.take(ctx, key)
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	close(asking)
	s := a.held.at(key)
	s.asking = nil
	switch {
	case err != nil:
		return err
	case taken == 0:
		s.shut = now.Add(wait)
		return muster.LimitExceeded(wait)
	}
	s.left, s.until = taken-1, now.Add(a.rate.Per)
	return nil
}

// spentRecord is what is kept of a key: the debt of its Rate.
type spentRecord struct {
	Debt time.Time `json:"debt"`
}

func (a *allowance) key(key string) muster.Key {
	return muster.Key{Partition: "RL#" + a.name + "#" + hashed(key), Sort: "L"}
}

// take takes up to a batch from the store: one read and one write of one record.
func (a *allowance) take(ctx context.Context, key string) (taken int, wait time.Duration, err error) {
	err = muster.Change(ctx, a.store, func(ctx context.Context) ([]muster.Op, error) {
		var kept spentRecord
		version, err := read(ctx, a.store, a.key(key), &kept)
		if err != nil {
			return nil, err
		}
		taken, kept.Debt, wait = a.rate.take(kept.Debt, a.now().UTC(), a.batch)
		if taken == 0 {
			return nil, nil
		}
		return put(a.key(key), version, kept, kept.Debt)
	})
	return taken, wait, err
}

// read decodes a record into value; one that is not there leaves it, at version 0.
func read(ctx context.Context, store muster.Store, key muster.Key, value any) (version int64, err error) {
	rec, err := store.Get(ctx, key)
	if errors.Is(err, muster.ErrNotFound) {
		return 0, nil
	}
	if err == nil {
		err = json.Unmarshal(rec.Value, value)
	}
	if err != nil {
		return 0, fmt.Errorf("read a limit: %w", err)
	}
	return rec.Version, nil
}

// put stores a value in place of a version, until it says nothing any more.
func put(key muster.Key, version int64, value any, until time.Time) ([]muster.Op, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode a limit: %w", err)
	}
	return []muster.Op{{Kind: muster.Put, Key: key, Value: body, Version: version, ExpiresAt: until.Add(time.Second)}}, nil
}
