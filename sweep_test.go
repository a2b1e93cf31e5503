package muster_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"muster"
)

// sickStore cannot read some records.
type sickStore struct {
	muster.Store
	ill map[muster.Key]bool
}

func (s *sickStore) Get(ctx context.Context, key muster.Key) (muster.Record, error) {
	if s.ill[key] {
		return muster.Record{}, fmt.Errorf("record %v is damaged", key)
	}
	return s.Store.Get(ctx, key)
}

// choosyLift does not take questions about some things, as GameLift does not about what is
// of another region.
type choosyLift struct {
	*fakeGameLift
	odd   map[string]bool // ids of tickets, sessions and placements
	asked map[string]int  // in vain
}

func (l *choosyLift) refuses(id string) error {
	if !l.odd[id] {
		return nil
	}
	l.asked[id]++
	return muster.Errorf(muster.Invalid, "gamelift.invalid", "%s is not of this region", id)
}

func (l *choosyLift) Tickets(ctx context.Context, ids []muster.TicketID) ([]muster.TicketSnapshot, error) {
	for _, id := range ids {
		if err := l.refuses(string(id)); err != nil {
			return nil, err
		}
	}
	return l.fakeGameLift.Tickets(ctx, ids)
}

func (l *choosyLift) Session(ctx context.Context, id muster.SessionID) (muster.SessionSnapshot, error) {
	if err := l.refuses(string(id)); err != nil {
		return muster.SessionSnapshot{}, err
	}
	return l.fakeGameLift.Session(ctx, id)
}

func (l *choosyLift) Placement(ctx context.Context, id muster.PlacementID) (muster.PlacementSnapshot, error) {
	if err := l.refuses(string(id)); err != nil {
		return muster.PlacementSnapshot{}, err
	}
	return l.fakeGameLift.Placement(ctx, id)
}

// ward is a rig in which some things cannot be settled.
type ward struct {
	*rig
	sick *sickStore
	lift *choosyLift
}

func newWard() *ward {
	w := &ward{}
	w.rig = newRigWith(false, func(o *muster.Options) {
		w.lift = &choosyLift{o.GameLift.(*fakeGameLift), map[string]bool{}, map[string]int{}}
		w.sick = &sickStore{o.Store, map[muster.Key]bool{}}
		o.GameLift, o.Store = w.lift, w.sick
		o.Modes = append(o.Modes, muster.Mode{Name: "lobby", Kind: muster.Queue, Sessions: &muster.SessionOptions{
			Queue: "lobbies", MaxPlayers: 4, Create: muster.CreateByPlayers,
		}})
	})
	return w
}

// matched lets pairs of players be matched while all news is lost. It lists their tickets.
func (w *ward) matched(t *testing.T, pairs int) (ids []muster.TicketID, open func() int) {
	players := w.guests(2 * pairs)
	for _, p := range players {
		ids = append(ids, w.start(t, p, duel()).ID)
		w.clock.advance(10 * time.Millisecond)
	}
	w.rig.lift.take()
	return ids, func() int {
		open := 0
		for i, p := range players {
			if w.sick.ill[ticketRecord(ids[i])] {
				open++
			} else if v := must[muster.TicketView](t)(w.Ticket(context.Background(), p, ids[i])); !v.Status.Final() {
				open++
			}
		}
		return open
	}
}

// Elsewhere one job that failed came first again and again, and those behind it never.
func TestRuleWhatCannotBeSettledHoldsNobodyUp(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		what string
		// begin makes work and spoils some; left counts what is not done.
		begin func(t *testing.T, w *ward) (left func() int)
		want  int // is left in the end
	}{
		{"a ticket that cannot be read", func(t *testing.T, w *ward) func() int {
			ids, open := w.matched(t, 20)
			w.sick.ill[ticketRecord(ids[0])] = true
			return open
		}, 1},
		{"a ticket whose session cannot be described", func(t *testing.T, w *ward) func() int {
			ids, open := w.matched(t, 20)
			w.lift.odd[string(w.rig.lift.tickets[ids[0]].Session)] = true
			return open
		}, 2},
		{"a ticket for whose sake GameLift refuses a question about ten", func(t *testing.T, w *ward) func() int {
			ids, open := w.matched(t, 20)
			w.lift.odd[string(ids[0])] = true
			return open
		}, 1},
		{"a placement that cannot be described", func(t *testing.T, w *ward) func() int {
			w.rig.lift.manual = true
			players := w.guests(40)
			var ids []muster.PlacementID
			for i, p := range players {
				view := must[muster.SessionPlacementView](t)(w.CreateSession(ctx, p, muster.SessionRequest{Mode: "lobby"}))
				ids = append(ids, view.ID)
				w.rig.lift.placements[view.ID].Status = muster.PlacementTimedOut
				w.lift.odd[string(view.ID)] = i == 0
			}
			return func() int {
				open := 0
				for i, p := range players {
					if v := must[muster.SessionPlacementView](t)(w.Placement(ctx, p, ids[i])); !v.Status.Final() {
						open++
					}
				}
				return open
			}
		}, 1},
		{"a session that cannot be described", func(t *testing.T, w *ward) func() int {
			var ids []muster.SessionID
			for i, p := range w.guests(40) {
				id := w.open(t, p, muster.SessionRequest{}).SessionID
				ids = append(ids, id)
				w.rig.lift.sessions[id].Live = false
				w.lift.odd[string(id)] = i == 0
			}
			return func() int {
				running := 0
				for _, id := range ids {
					if v := must[muster.ServerSessionView](t)(w.ServerSession(ctx, id)); v.EndedAt == nil {
						running++
					}
				}
				return running
			}
		}, 1},
		{"a result that cannot be read", func(t *testing.T, w *ward) func() int {
			players := w.guests(24)
			for pair := range slices.Chunk(players, 2) {
				id := w.seated(t, map[muster.PlayerID]string{pair[0]: "red", pair[1]: "blue"})
				_, _ = w.shaky(false, 2).ReportResult(ctx, id, beats(pair[0], pair[1])) // dies half-way
				w.sick.ill[muster.Key{Partition: "GS#" + string(id), Sort: "RESULT"}] = pair[0] == players[0]
			}
			if n := w.dueOf(t, "result"); n != len(players)/2 {
				t.Fatalf("%d results are half done", n)
			}
			return func() int { return w.dueOf(t, "result") }
		}, 1},
		{"a banned player who cannot be read", func(t *testing.T, w *ward) func() int {
			for i, p := range w.guests(40) {
				must[muster.BanView](t)(w.Ban(ctx, p, muster.BanRequest{Reason: "cheating"}))
				w.sick.ill[muster.Key{Partition: "P#" + string(p), Sort: "A"}] = i == 0
			}
			return func() int { return w.dueOf(t, "eviction") }
		}, 1},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := newWard()
			left := c.begin(t, w)
			failed := 0
			for range 60 {
				w.clock.advance(10 * time.Second)
				if w.Reconcile(ctx) != nil || w.EvictBanned(ctx) != nil {
					failed++
				}
			}
			if n := left(); n != c.want {
				t.Errorf("ten minutes later %d are left, want %d", n, c.want)
			}
			if failed < 5 || failed > 11 {
				t.Errorf("in ten minutes it was tried %d times, want about once a minute", failed)
			}
		})
	}
}

// deafLift lets every question about tickets wait, and then fail.
type deafLift struct{ *fakeGameLift }

func (deafLift) Tickets(context.Context, []muster.TicketID) ([]muster.TicketSnapshot, error) {
	passes(5 * time.Second)
	return nil, errDown
}

// Elsewhere a worker waited for a service that did not answer, once for each job.
func TestRuleADeadDependencyDoesNotMakeARoundLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r, options := inRealTime(nil)
		r.clock.at = time.Now()
		tickets := map[muster.PlayerID]muster.TicketID{}
		for _, p := range r.guests(400) {
			tickets[p] = r.start(t, p, duel()).ID
		}
		r.lift.take()
		passes(time.Minute)
		options.GameLift = deafLift{r.lift}
		began := time.Now()
		if err := muster.New(options).Reconcile(ctx); err == nil {
			t.Error("a round in which GameLift did not answer went well")
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("the round took %v", took)
		}
		// What it did not come to is nobody's, and settled at once.
		if err := r.Reconcile(ctx); err != nil {
			t.Fatal(err)
		}
		open := 0
		for p, id := range tickets {
			if v := must[muster.TicketView](t)(r.Ticket(ctx, p, id)); !v.Status.Final() {
				open++
			}
		}
		if open > 50 {
			t.Errorf("%d of %d tickets had to wait", open, len(tickets))
		}
	})
}
