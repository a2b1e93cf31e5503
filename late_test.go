package muster_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"muster"
)

func TestADeletedPlayerHasNoPlaceInASessionThatStartsTooLate(t *testing.T) {
	ctx := context.Background()
	for _, late := range []bool{false, true} { // the session starts while the purge cancels it, or after the purge
		r := lobby(nil)
		ann := r.guest("ann")
		r.lift.manual = true
		made := must[muster.SessionPlacementView](t)(r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"}))
		if err := r.DeleteAccount(ctx, ann); err != nil {
			t.Fatal(err)
		}
		if late { // the request is still on its way to GameLift
			p := r.lift.placements[made.ID]
			delete(r.lift.placements, made.ID)
			r.erase(t)
			r.lift.placements[made.ID] = p
		}
		r.lift.endPlacement(made.ID, muster.PlacementFulfilled)
		r.erase(t)
		if err := r.deliverPlaced(); err != nil {
			t.Fatal(err)
		}
		session := must[muster.PlacementSnapshot](t)(r.lift.Placement(ctx, made.ID)).Session
		view := must[muster.ServerSessionView](t)(r.ServerSession(ctx, session))
		if len(view.Players) != 1 || !view.Players[0].Left {
			t.Errorf("late is %t: in the session are %+v", late, view.Players)
		}
	}
}

func TestAResultMayNamePlayersWhoCameByBackfillUnheard(t *testing.T) {
	ctx := context.Background()
	for i, name := range []string{"before their ticket was asked about", "after it was", "back before their ticket was asked about", "back after it was"} {
		reconcile, back := i%2 == 1, i > 1
		t.Run(name, func(t *testing.T) {
			r := league(muster.Competition{})
			ann, bob, cyd := r.guest("ann"), r.guest("bob"), r.guest("cyd")
			teams := map[muster.PlayerID]string{ann: "red", bob: "blue"}
			if back {
				teams[cyd] = "red"
			}
			id := r.seated(t, teams)
			if back { // they were there before, in another team
				if err := r.RemovePlayer(ctx, id, cyd); err != nil {
					t.Fatal(err)
				}
			}
			ticket := r.start(t, cyd, duel()).ID
			there := r.lift.tickets[ticket] // GameLift's word of it is lost
			there.Status, there.Session, there.Teams = muster.Completed, id, map[muster.PlayerID]string{cyd: "blue"}
			there.Seats = map[muster.PlayerID]muster.SeatID{cyd: "psess-cyd"}
			r.lift.seats["psess-cyd"] = &muster.SeatState{Seat: "psess-cyd", Player: cyd, Session: id, Live: true}
			if reconcile {
				r.clock.advance(time.Minute)
				if err := r.Reconcile(ctx); err != nil {
					t.Fatal(err)
				}
			}
			must[muster.ResultView](t)(r.ReportResult(ctx, id, muster.ResultReport{Teams: []muster.ResultTeam{side("red", 1, ann), side("blue", 2, bob, cyd)}}))
			r.wantSettled(t, cyd, 1)
		})
	}
}

// onList is a store that calls a test after it has answered a List.
type onList struct {
	muster.Store
	hook func(partition string, o muster.ListOptions)
}

func (s *onList) List(ctx context.Context, partition string, o muster.ListOptions) ([]muster.Record, error) {
	records, err := s.Store.List(ctx, partition, o)
	s.hook(partition, o)
	return records, err
}

func TestAResultThatComesDuringAPurgeIsErasedByTheNextLook(t *testing.T) {
	ctx := context.Background()
	r := league(muster.Competition{})
	ann, bob := r.guest("ann"), r.guest("bob")
	id := r.seated(t, map[muster.PlayerID]string{ann: "red", bob: "blue"})
	if err := r.DeleteAccount(ctx, ann); err != nil {
		t.Fatal(err)
	}
	reported := false
	slow := &onList{Store: r.store, hook: func(partition string, o muster.ListOptions) {
		if partition != muster.PlayerPartition(ann) || !strings.HasPrefix(o.Prefix, "MR#") || reported {
			return
		}
		reported = true // the purge has seen that there are no matches
		must[muster.ResultView](t)(r.ReportResult(ctx, id, beats(ann, bob)))
	}}
	if err := r.replica(muster.Competition{}, slow, r.clock.now).ErasePlayers(ctx); err != nil || !reported {
		t.Fatalf("the purge: %v; a result came: %t", err, reported)
	}
	for range 9 {
		r.clock.advance(24 * time.Hour)
		r.erase(t)
	}
	if left := r.traces(t, string(ann)); len(left) > 0 {
		t.Errorf("nine days after the deletion the player is in %q", left)
	}
	r.wantReplayed(t)
}

func TestAMatchThatReplicasDieOverIsPlacedByAnother(t *testing.T) {
	ctx := context.Background()
	for cuts := range 100 {
		r := standalone(nil)
		tickets := r.pairUp(t)
		for _, ev := range without(r.lift.take(), muster.MatchmakingSucceeded) {
			if err := r.ApplyEvent(ctx, ev); err != nil {
				t.Fatal(err)
			}
		}
		r.clock.advance(31 * time.Second)
		for _, cut := range []int{cuts / 10, cuts % 10} { // two die, one after the other
			dying := newRigWith(false, func(o *muster.Options) {
				o.Modes[0].Kind, o.Modes[0].Sessions = muster.Standalone, &muster.SessionOptions{Queue: "duels"}
				o.Store, o.GameLift, o.Now = &brittle{Store: r.store, left: cut}, r.lift, r.clock.now
			})
			_ = dying.Reconcile(ctx) // it dies in the middle
			r.clock.advance(11 * time.Second)
		}
		r.sweep(t, time.Minute)
		if err := r.deliverPlaced(); err != nil {
			t.Fatal(err)
		}
		r.wantSeats(t, tickets)
	}
}
