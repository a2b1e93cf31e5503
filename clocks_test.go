package muster_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"muster"
)

// What a replica with a wrong clock wrote before it died, the others believe only so far.

// astray is a replica whose clock is hours ahead.
func (r *rig) astray(change func(*muster.Options)) *muster.Backend {
	return newRigWith(false, func(o *muster.Options) {
		o.Store, o.GameLift, o.NewID = r.store, r.lift, ids("astray")
		o.Now = func() time.Time { return r.clock.now().Add(3 * time.Hour) }
		o.Modes = append(o.Modes, lobbyMode())
		if change != nil {
			change(o)
		}
	}).Backend
}

func lobbyMode() muster.Mode {
	return muster.Mode{Name: "lobby", Kind: muster.Queue, Sessions: &muster.SessionOptions{
		Queue: "lobbies", MaxPlayers: 4, Create: muster.CreateByPlayers, Browse: true, Spectators: 2,
	}}
}

// deafTo is GameLift for one that it does not answer.
type deafTo struct{ *fakeGameLift }

func (deafTo) Tickets(context.Context, []muster.TicketID) ([]muster.TicketSnapshot, error) {
	return nil, errDown
}

func TestWhatAWrongClockWroteHoldsNoTicket(t *testing.T) {
	ctx := context.Background()
	for what, misled := range map[string]func(t *testing.T, r *rig, ann, bob muster.PlayerID) muster.TicketID{
		"a lease": func(t *testing.T, r *rig, ann, bob muster.PlayerID) muster.TicketID {
			id := r.start(t, ann, duel()).ID
			r.start(t, bob, duel())
			if err := r.astray(func(o *muster.Options) { o.GameLift = deafTo{r.lift} }).Reconcile(ctx); err == nil {
				t.Fatal("nothing was claimed")
			}
			return id
		},
		"a ticket of its own": func(t *testing.T, r *rig, ann, bob muster.PlayerID) muster.TicketID {
			view, _, err := r.astray(nil).StartTicket(ctx, ann, duel(), "")
			if err != nil {
				t.Fatal(err)
			}
			r.start(t, bob, duel())
			return view.ID
		},
		"news": func(t *testing.T, r *rig, ann, bob muster.PlayerID) muster.TicketID {
			id := r.start(t, ann, duel()).ID
			astray := r.astray(nil)
			for _, ev := range r.lift.take() {
				if err := astray.ApplyEvent(ctx, ev); err != nil {
					t.Fatal(err)
				}
			}
			r.start(t, bob, duel())
			return id
		},
	} {
		t.Run(what, func(t *testing.T) {
			r := newRig(false)
			for range 200 { // shards are busy: their first page does not show all
				p := r.guest("other" + r.clock.now().String())
				r.start(t, p, muster.TicketRequest{Mode: "squad"})
				r.clock.advance(time.Millisecond)
			}
			r.lift.timeOut()
			ann, bob := r.guest("ann"), r.guest("bob")
			id := misled(t, r, ann, bob)
			r.lift.take() // all news is lost
			r.sweep(t, time.Minute)
			if v := must[muster.TicketView](t)(r.Ticket(ctx, ann, id)); v.Status != muster.Completed {
				t.Errorf("a minute later the ticket is %s", v.Status)
			}
		})
	}
}

// A ticket that a wrong clock made is not taken for lost before GameLift can know it.
func TestATicketFromTheFutureIsToldOfAgainBeforeItCountsAsLost(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	lost := func() (bool, error) { return false, errDown }
	r.lift.startErr = lost
	view, _, err := r.astray(nil).StartTicket(ctx, ann, duel(), "")
	if err != nil {
		t.Fatal(err)
	}
	r.lift.startErr = nil
	r.sweep(t, 30*time.Second)
	if r.lift.tickets[view.ID] == nil {
		t.Error("GameLift was not told of it again")
	}
	if v := must[muster.TicketView](t)(r.Ticket(ctx, ann, view.ID)); v.Status.Final() {
		t.Errorf("the ticket is %s", v.Status)
	}
}

func TestARequestFromTheFutureThatWasLostEnds(t *testing.T) {
	ctx := context.Background()
	r := lobby(nil)
	ann := r.guest("ann")
	r.lift.placeErr = func() (bool, error) { return false, errDown }
	view := must[muster.SessionPlacementView](t)(r.astray(nil).CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"}))
	r.sweep(t, 2*time.Minute)
	if v := must[muster.SessionPlacementView](t)(r.Placement(ctx, ann, view.ID)); v.Status != muster.PlacementFailed {
		t.Errorf("two minutes later it is %s", v.Status)
	}
	r.start(t, ann, duel())
}

func TestAJoinFromTheFutureIsSettled(t *testing.T) {
	ctx := context.Background()
	r := lobby(nil)
	ann, bob := r.guest("ann"), r.guest("bob")
	id := r.open(t, ann, muster.SessionRequest{}).SessionID
	r.lift.reserveErr = func() (bool, error) { return false, errDown }
	if _, err := r.astray(nil).JoinSession(ctx, bob, id, muster.JoinRequest{}); err == nil {
		t.Fatal("joined")
	}
	r.lift.reserveErr = nil
	r.clock.advance(20 * time.Second)
	must[muster.SeatView](t)(r.JoinSession(ctx, bob, id, muster.JoinRequest{}))
}

func TestARoomThatAWrongClockSawEmptyEnds(t *testing.T) {
	ctx := context.Background()
	r := lobby(nil)
	ann := r.guest("ann")
	id := r.open(t, ann, muster.SessionRequest{}).SessionID
	if err := r.astray(nil).LeaveSession(ctx, ann); err != nil {
		t.Fatal(err)
	}
	r.lift.endSeats(func(muster.SeatState) bool { return true })
	r.sweep(t, 8*time.Minute)
	if len(r.lift.ends) == 0 {
		t.Errorf("nobody asked GameLift to end session %s", id)
	}
}

func TestARecountThatAWrongClockTookIsTakenOver(t *testing.T) {
	ctx := context.Background()
	r := league(muster.Competition{})
	ann, bob := r.guest("ann"), r.guest("bob")
	id := r.duelled(t, ann, bob)
	must[muster.AdminResultView](t)(r.VoidResult(ctx, id, muster.ResultVerdict{Reason: "a crash"}))
	key := muster.Key{Partition: "RECOUNT#duel", Sort: "R"}
	rec := must[muster.Record](t)(r.store.Get(ctx, key))
	var fields map[string]any
	if err := json.Unmarshal(rec.Value, &fields); err != nil {
		t.Fatal(err)
	}
	fields["owner"], fields["leasedUntil"] = "astray", r.clock.now().Add(3*time.Hour)
	op := muster.Op{Kind: muster.Put, Key: key, Version: rec.Version}
	op.Value = must[[]byte](t)(json.Marshal(fields))
	if err := r.store.Write(ctx, op); err != nil {
		t.Fatal(err)
	}
	r.recount(t)
	if v := r.rating(t, ann); v.Games != 0 {
		t.Errorf("the recount is not done: %+v", v)
	}
}
