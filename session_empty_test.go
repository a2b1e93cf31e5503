package muster_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"muster"
)

// left is a session that its creator made and left again, with its request.
func (r *rig) left(t *testing.T, owner muster.PlayerID) muster.SessionPlacementView {
	t.Helper()
	made := r.open(t, owner, muster.SessionRequest{})
	if err := r.LeaveSession(context.Background(), owner); err != nil {
		t.Fatal(err)
	}
	return made
}

func TestASessionThatNobodyIsInIsEnded(t *testing.T) {
	ctx := context.Background()
	r := lobby(nil)
	ann, bob := r.guest("ann"), r.guest("bob")
	id := r.left(t, ann).SessionID
	r.lift.endSeats(func(muster.SeatState) bool { return true })
	if got := r.listed(t, muster.SessionQuery{}); len(got) != 1 {
		t.Fatalf("listed are %v: a minute has to pass first", got)
	}
	r.sweep(t, 130*time.Second)
	if got := r.listed(t, muster.SessionQuery{}); len(got) != 0 || len(r.lift.ends) != 0 {
		t.Fatalf("listed are %v, and GameLift was asked for %v ends; want it locked first", got, r.lift.ends)
	}
	_, err := r.JoinSession(ctx, bob, id, muster.JoinRequest{})
	wantError(t, err, muster.Conflict, "session.locked")
	r.sweep(t, 40*time.Second)
	if !slices.Equal(r.lift.ends, []bool{false}) {
		t.Fatalf("GameLift was asked for the ends %v, want one, without force", r.lift.ends)
	}
	if v := must[muster.ServerSessionView](t)(r.ServerSession(ctx, id)); v.EndedAt != nil || !v.Locked {
		t.Errorf("while its server ends the session is %+v", v)
	}
	r.lift.endServers()
	r.sweep(t, 40*time.Second)
	if v := must[muster.ServerSessionView](t)(r.ServerSession(ctx, id)); v.EndedAt == nil {
		t.Errorf("the session is %+v, want it over", v)
	}
	r.sweep(t, time.Minute)
	if len(r.lift.ends) != 1 {
		t.Errorf("GameLift was asked for %d ends", len(r.lift.ends))
	}
	r.leavesNothing(t, "DUE#session", "OPEN#")
}

func TestWhoIsInKeepsTheSessionRunning(t *testing.T) {
	ctx := context.Background()
	for name, tc := range map[string]struct {
		arrange func(t *testing.T, r *rig) muster.SessionID
	}{
		"its creator, alone": {func(t *testing.T, r *rig) muster.SessionID {
			return r.open(t, r.guest("ann"), muster.SessionRequest{}).SessionID
		}},
		"a spectator, alone": {func(t *testing.T, r *rig) muster.SessionID {
			ann, bob := r.guest("ann"), r.guest("bob")
			id := r.left(t, ann).SessionID
			r.lift.endSeats(func(muster.SeatState) bool { return true })
			must[muster.SeatView](t)(r.JoinSession(ctx, bob, id, muster.JoinRequest{Role: muster.Spectator}))
			return id
		}},
		"who left here and is still connected": {func(t *testing.T, r *rig) muster.SessionID {
			return r.left(t, r.guest("ann")).SessionID
		}},
		"the game server that asked for it": {func(t *testing.T, r *rig) muster.SessionID {
			made := r.serverSession(t, muster.SessionRequest{Mode: "lobby"})
			if err := r.deliverPlaced(); err != nil {
				t.Fatal(err)
			}
			return must[muster.SessionPlacementView](t)(r.ServerPlacement(ctx, made.ID)).SessionID
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := lobby(nil)
			id := tc.arrange(t, r)
			r.sweep(t, time.Hour)
			if v := must[muster.ServerSessionView](t)(r.ServerSession(ctx, id)); v.EndedAt != nil || v.Locked || len(r.lift.ends) > 0 {
				t.Errorf("the session is %+v after %v ends", v, r.lift.ends)
			}
		})
	}
}

func TestWhoComesInTimeKeepsTheSession(t *testing.T) {
	ctx := context.Background()
	r := lobby(nil)
	ann, bob := r.guest("ann"), r.guest("bob")
	id := r.left(t, ann).SessionID
	r.lift.endSeats(func(muster.SeatState) bool { return true })
	r.sweep(t, 118*time.Second)
	must[muster.SeatView](t)(r.JoinSession(ctx, bob, id, muster.JoinRequest{}))
	r.sweep(t, 10*time.Minute)
	if err := r.LeaveSession(ctx, bob); err != nil {
		t.Fatal(err)
	}
	r.lift.endSeats(func(muster.SeatState) bool { return true })
	r.sweep(t, 50*time.Second)
	must[muster.SeatView](t)(r.JoinSession(ctx, ann, id, muster.JoinRequest{})) // a minute anew
	if len(r.lift.ends) > 0 {
		t.Errorf("ends were asked for: %v", r.lift.ends)
	}
}

func TestACreatorWhoNeverComesLosesTheSession(t *testing.T) {
	ctx := context.Background()
	r := lobby(nil)
	ann := r.guest("ann")
	made := r.open(t, ann, muster.SessionRequest{Private: true})
	r.lift.endSeats(func(muster.SeatState) bool { return true }) // a reservation lasts a minute
	r.sweep(t, 5*time.Minute)
	r.lift.endServers()
	r.sweep(t, time.Minute)
	if v := must[muster.ServerSessionView](t)(r.ServerSession(ctx, made.SessionID)); v.EndedAt == nil {
		t.Errorf("the session is %+v, want it over", v)
	}
	_, err := r.JoinByCode(ctx, r.guest("bob"), muster.JoinRequest{Code: made.Code})
	wantError(t, err, muster.NotFound, "session.not_found")
}

func TestAGameServerThatDoesNotEndIsStopped(t *testing.T) {
	ctx := context.Background()
	r := lobby(nil)
	id := r.left(t, r.guest("ann")).SessionID
	r.lift.endSeats(func(muster.SeatState) bool { return true })
	r.sweep(t, 8*time.Minute)
	if !slices.Equal(r.lift.ends, []bool{false, true}) {
		t.Fatalf("GameLift was asked for the ends %v, want the last with force", r.lift.ends)
	}
	r.sweep(t, time.Minute)
	if v := must[muster.ServerSessionView](t)(r.ServerSession(ctx, id)); v.EndedAt == nil {
		t.Errorf("the session is %+v, want it over", v)
	}
}

func TestAnEmptySessionThatGameLiftDoesNotEnd(t *testing.T) {
	ctx := context.Background()
	refused := muster.Errorf(muster.Invalid, "gamelift.invalid", "no agent here")
	t.Run("nobody can stop the server: it is given up", func(t *testing.T) {
		r := lobby(nil)
		id := r.left(t, r.guest("ann")).SessionID
		r.lift.endSeats(func(muster.SeatState) bool { return true })
		r.sweep(t, 3*time.Minute)
		r.lift.endErr = refused
		r.sweep(t, 6*time.Minute)
		if v := must[muster.ServerSessionView](t)(r.ServerSession(ctx, id)); v.EndedAt == nil || len(r.lift.ends) != 2 {
			t.Errorf("the session is %+v after %v", v, r.lift.ends)
		}
	})
	t.Run("it runs on: nobody joins, and its creator makes no more", func(t *testing.T) {
		r := lobby(func(o *muster.SessionOptions) { o.PerPlayer = 1 })
		ann := r.guest("ann")
		id := r.left(t, ann).SessionID
		r.lift.endSeats(func(muster.SeatState) bool { return true })
		r.lift.endErr = refused
		for range 20 {
			r.clock.advance(time.Minute)
			_ = r.Reconcile(ctx)
		}
		if v := must[muster.ServerSessionView](t)(r.ServerSession(ctx, id)); v.EndedAt != nil || !v.Locked {
			t.Errorf("the session is %+v", v)
		}
		_, err := r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"})
		wantError(t, err, muster.Exhausted, "session.too_many")
		r.lift.endErr = nil
		r.sweep(t, 5*time.Minute)
		r.open(t, ann, muster.SessionRequest{})
	})
}

func TestHowManySessionsAPlayerMayHaveRunning(t *testing.T) {
	ctx := context.Background()
	r := newRigWith(false, func(o *muster.Options) {
		for name, most := range map[muster.ModeName]int{"lobby": 1, "arena": 3} {
			o.Modes = append(o.Modes, muster.Mode{Name: name, Kind: muster.Queue, Sessions: &muster.SessionOptions{
				Queue: "q", MaxPlayers: 4, Create: muster.CreateByPlayers, PerPlayer: most,
			}})
		}
	})
	eve := r.guest("eve")
	for _, tc := range []struct {
		mode muster.ModeName
		ok   bool
	}{{"lobby", true}, {"lobby", false}, {"arena", true}, {"arena", true}, {"arena", true}, {"arena", false}, {"lobby", false}} {
		_, err := r.CreateSession(ctx, eve, muster.SessionRequest{Mode: tc.mode})
		if !tc.ok {
			wantError(t, err, muster.Exhausted, "session.too_many")
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", tc.mode, err)
		}
		if err := r.deliverPlaced(); err != nil {
			t.Fatal(err)
		}
		if err := r.LeaveSession(ctx, eve); err != nil {
			t.Fatal(err)
		}
	}
}
