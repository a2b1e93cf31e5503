package muster_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"muster"
)

// betweenStore lets a test act right after somebody's write.
type betweenStore struct {
	muster.Store
	after func(ops []muster.Op)
}

func (s *betweenStore) Write(ctx context.Context, ops ...muster.Op) error {
	err := s.Store.Write(ctx, ops...)
	if err == nil && s.after != nil {
		s.after(ops)
	}
	return err
}

func TestWhoJoinsAgainWhileTheirOldPlaceIsGivenUpKeepsTheNewOne(t *testing.T) {
	ctx := context.Background()
	between := &betweenStore{}
	r := newRigWith(false, func(o *muster.Options) {
		between.Store, o.Store = o.Store, between
		o.Modes = append(o.Modes, muster.Mode{Name: "lobby", Kind: muster.Queue, Sessions: &muster.SessionOptions{Queue: "lobbies", MaxPlayers: 4, Create: muster.CreateByPlayers}})
	})
	ann, bob := r.guest("ann"), r.guest("bob")
	id := r.open(t, ann, muster.SessionRequest{}).SessionID
	must[muster.SeatView](t)(r.JoinSession(ctx, bob, id, muster.JoinRequest{}))
	r.lift.endSeats(func(s muster.SeatState) bool { return s.Player == bob })
	r.clock.advance(3 * time.Minute)
	var again muster.SeatView
	between.after = func(ops []muster.Op) {
		if strings.HasPrefix(ops[0].Key.Partition, "GS#") {
			between.after = nil
			again = must[muster.SeatView](t)(r.JoinSession(ctx, bob, id, muster.JoinRequest{}))
		}
	}
	if err := r.Reconcile(ctx); err != nil {
		t.Fatal(err)
	}
	if seat := must[muster.SeatView](t)(r.Seat(ctx, bob)); seat != again || again.PlayerSessionID == "" {
		t.Errorf("bob joined again with %+v and has %+v", again, seat)
	}
	_, _, err := r.StartTicket(ctx, bob, duel(), "")
	wantError(t, err, muster.Conflict, "session.live")
}

func TestMoreThanATransactionOfPlacesIsGivenUp(t *testing.T) {
	ctx := context.Background()
	r := lobby(func(o *muster.SessionOptions) { o.MaxPlayers = 150 })
	ann := r.guest("ann")
	id := r.open(t, ann, muster.SessionRequest{}).SessionID
	var guests []muster.PlayerID
	for i := range 130 {
		p := r.guest(string(rune('A'+i/26)) + string(rune('a'+i%26)))
		must[muster.SeatView](t)(r.JoinSession(ctx, p, id, muster.JoinRequest{}))
		guests = append(guests, p)
	}
	r.lift.endSeats(func(s muster.SeatState) bool { return s.Player != ann })
	r.sweep(t, 4*time.Minute)
	if v := must[muster.SessionView](t)(r.Session(ctx, ann, id)); v.PlayerCount != 1 {
		t.Errorf("%d players have a place, want ann alone", v.PlayerCount)
	}
	for _, p := range guests {
		_, err := r.Seat(ctx, p)
		wantError(t, err, muster.NotFound, "session.none")
	}
}

func TestALiveSeatProtectsItsPlayerForDays(t *testing.T) {
	ctx := context.Background()
	pass := func(t *testing.T, r *rig, days int, then func()) {
		t.Helper()
		for range days * 48 {
			r.clock.advance(30 * time.Minute)
			if err := r.Reconcile(ctx); err != nil {
				t.Fatal(err)
			}
			then()
		}
	}
	t.Run("in a room, whose members need do nothing", func(t *testing.T) {
		r := lobby(nil)
		ann, bob := r.guest("ann"), r.guest("bob")
		seat := r.open(t, ann, muster.SessionRequest{}).Seat
		r.clock.advance(11 * time.Hour)
		must[muster.SeatView](t)(r.JoinSession(ctx, bob, seat.SessionID, muster.JoinRequest{}))
		pass(t, r, 4, func() {})
		if got := must[muster.SeatView](t)(r.Seat(ctx, ann)); got != *seat {
			t.Errorf("ann has %+v, want %+v", got, *seat)
		}
		for _, p := range []muster.PlayerID{ann, bob} {
			_, _, err := r.StartTicket(ctx, p, duel(), "")
			wantError(t, err, muster.Conflict, "session.live")
		}
	})
	t.Run("in a match, whose players show themselves", func(t *testing.T) {
		r := newRig(false)
		ann, _, _ := r.match(t)
		pass(t, r, 4, func() { must[muster.SeatView](t)(r.Seat(ctx, ann)) })
		_, _, err := r.StartTicket(ctx, ann, duel(), "")
		wantError(t, err, muster.Conflict, "session.live")
	})
}

func TestAnEarlierSeatIsNotGivenInAnotherRole(t *testing.T) {
	ctx := context.Background()
	for _, tc := range []struct {
		name       string
		then, role muster.SeatRole
	}{
		{"who played cannot watch with a player's seat", "", muster.Spectator},
		{"who watched cannot play with a spectator's seat", muster.Spectator, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := lobby(func(o *muster.SessionOptions) { o.MaxPlayers = 2 })
			ann, bob, cyd := r.guest("ann"), r.guest("bob"), r.guest("cyd")
			id := r.open(t, ann, muster.SessionRequest{}).SessionID
			first := must[muster.SeatView](t)(r.JoinSession(ctx, bob, id, muster.JoinRequest{Role: tc.then}))
			if err := r.LeaveSession(ctx, bob); err != nil {
				t.Fatal(err)
			}
			_, err := r.JoinSession(ctx, bob, id, muster.JoinRequest{Role: tc.role})
			wantError(t, err, muster.Conflict, "session.other_role")
			must[muster.SeatView](t)(r.JoinSession(ctx, cyd, id, muster.JoinRequest{Role: tc.role})) // the place was given back
			if err := r.LeaveSession(ctx, cyd); err != nil {
				t.Fatal(err)
			}
			if again := must[muster.SeatView](t)(r.JoinSession(ctx, bob, id, muster.JoinRequest{Role: tc.then})); again != first {
				t.Errorf("in the same role bob gets %+v, want the seat he has: %+v", again, first)
			}
			if err := r.LeaveSession(ctx, bob); err != nil {
				t.Fatal(err)
			}
			r.lift.endSeats(func(s muster.SeatState) bool { return s.Player == bob })
			r.clock.advance(3 * time.Second) // a refusal is remembered for as long
			if other := must[muster.SeatView](t)(r.JoinSession(ctx, bob, id, muster.JoinRequest{Role: tc.role})); other.PlayerSessionID == first.PlayerSessionID || other.Role != tc.role {
				t.Errorf("once the seat has ended bob gets %+v", other)
			}
		})
	}
}

func TestAPlayerHasFewSessionsRunning(t *testing.T) {
	ctx := context.Background()
	r := lobby(nil)
	eve := r.guest("eve")
	create := func() error {
		_, err := r.CreateSession(ctx, eve, muster.SessionRequest{Mode: "lobby"})
		return err
	}
	var ids []muster.SessionID
	for range 2 {
		ids = append(ids, r.open(t, eve, muster.SessionRequest{}).SessionID)
		if err := r.LeaveSession(ctx, eve); err != nil {
			t.Fatal(err)
		}
	}
	refused := create()
	wantError(t, refused, muster.Exhausted, "session.too_many")
	if e, _ := errors.AsType[*muster.Error](refused); fmt.Sprint(e.Details["sessionIds"]) != fmt.Sprint(ids) {
		t.Errorf("running are %v, it says %v", ids, e.Details)
	}
	r.clock.advance(30 * time.Hour) // the requests are forgotten, the sessions are not
	wantError(t, create(), muster.Exhausted, "session.too_many")
	r.serverSession(t, muster.SessionRequest{Mode: "lobby"})
	r.open(t, r.guest("bob"), muster.SessionRequest{})

	must[muster.ServerSessionView](t)(r.UpdateSession(ctx, ids[0], muster.SessionUpdate{Ended: true}))
	r.lift.placeErr = func() (bool, error) { return false, muster.Errorf(muster.Invalid, "gamelift.invalid", "no") }
	for range 3 { // a request that comes to nothing does not count
		wantError(t, create(), muster.Invalid, "gamelift.invalid")
	}
	r.lift.placeErr = nil
	r.open(t, eve, muster.SessionRequest{})
	if err := r.LeaveSession(ctx, eve); err != nil {
		t.Fatal(err)
	}
	wantError(t, create(), muster.Exhausted, "session.too_many")
}
