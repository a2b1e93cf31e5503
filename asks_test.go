package muster_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"muster"
)

// tallyLift counts what is asked of GameLift. It takes nobody into sessions, and no answers.
type tallyLift struct {
	*fakeGameLift
	n map[string]int
}

func (l tallyLift) StartMatchmaking(ctx context.Context, req muster.StartMatchmaking) error {
	l.n["start"]++
	return l.fakeGameLift.StartMatchmaking(ctx, req)
}

func (l tallyLift) StopMatchmaking(ctx context.Context, id muster.TicketID) error {
	l.n["stop"]++
	return l.fakeGameLift.StopMatchmaking(ctx, id)
}

func (l tallyLift) Tickets(ctx context.Context, ids []muster.TicketID) ([]muster.TicketSnapshot, error) {
	l.n["describe"]++
	return l.fakeGameLift.Tickets(ctx, ids)
}

func (l tallyLift) AcceptMatch(context.Context, muster.TicketID, []muster.PlayerID, bool) error {
	l.n["accept"]++
	return muster.Errorf(muster.Invalid, "gamelift.invalid", "too late")
}

func (l tallyLift) ReserveSeat(context.Context, muster.ReserveSeat) (muster.SeatGrant, error) {
	l.n["reserve"]++
	return muster.SeatGrant{}, muster.Errorf(muster.Conflict, "gamelift.session_full", "full")
}

func (l tallyLift) LiveSeats(ctx context.Context, id muster.SessionID) ([]muster.SeatState, error) {
	l.n["seats"]++
	return l.fakeGameLift.LiveSeats(ctx, id)
}

func (l tallyLift) StartPlacement(ctx context.Context, req muster.StartPlacement) error {
	l.n["place"]++
	return l.fakeGameLift.StartPlacement(ctx, req)
}

func (l tallyLift) StopPlacement(context.Context, muster.PlacementID) error {
	l.n["unplace"]++
	return muster.Errorf(muster.Invalid, "gamelift.invalid", "it is starting")
}

func (l tallyLift) Placement(ctx context.Context, id muster.PlacementID) (muster.PlacementSnapshot, error) {
	l.n["placement"]++
	return l.fakeGameLift.Placement(ctx, id)
}

func (l tallyLift) StartBackfill(ctx context.Context, req muster.StartBackfill) error {
	l.n["backfill"]++
	return l.fakeGameLift.StartBackfill(ctx, req)
}

// Elsewhere whatever a player asked for again went to GameLift again.
func TestRuleWhatPlayersDoReachesGameLiftSeldom(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		what  string
		begin func(t *testing.T, r *rig, ann muster.PlayerID) (again func() error)
		most  int // calls of one kind while it is done 50 times at once
	}{
		{"cancel a ticket that is being placed", func(t *testing.T, r *rig, ann muster.PlayerID) func() error {
			id := r.start(t, ann, duel()).ID
			r.lift.tickets[id].Status = muster.Placing
			return func() error { _, err := r.CancelTicket(ctx, ann, id); return err }
		}, 2}, // the first learns that it is being placed
		{"answer too late", func(t *testing.T, r *rig, ann muster.PlayerID) func() error {
			id := r.start(t, ann, duel()).ID
			r.start(t, r.guest("bob"), duel())
			r.mustDeliver(t)
			return func() error { _, err := r.AnswerMatch(ctx, ann, id, true); return err }
		}, 1},
		{"join a session that is full at GameLift", func(t *testing.T, r *rig, ann muster.PlayerID) func() error {
			id := r.open(t, r.guest("host"), muster.SessionRequest{}).SessionID
			return func() error { _, err := r.JoinSession(ctx, ann, id, muster.JoinRequest{}); return err }
		}, 1},
		{"watch a session that is full at GameLift", func(t *testing.T, r *rig, ann muster.PlayerID) func() error {
			id := r.open(t, r.guest("host"), muster.SessionRequest{}).SessionID
			return func() error {
				_, err := r.JoinSession(ctx, ann, id, muster.JoinRequest{Role: muster.Spectator})
				return err
			}
		}, 1},
		{"start and cancel", func(t *testing.T, r *rig, ann muster.PlayerID) func() error {
			return func() error {
				view, _, err := r.StartTicket(ctx, ann, duel(), "")
				if err != nil {
					return err
				}
				_, err = r.CancelTicket(ctx, ann, view.ID)
				return err
			}
		}, 20},
		{"ask for a session and cancel in vain", func(t *testing.T, r *rig, ann muster.PlayerID) func() error {
			r.lift.manual = true
			view := must[muster.SessionPlacementView](t)(r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"}))
			return func() error { _, err := r.CancelPlacement(ctx, ann, view.ID); return err }
		}, 1},
		{"ask for sessions that are refused", func(t *testing.T, r *rig, ann muster.PlayerID) func() error {
			r.lift.placeErr = func() (bool, error) { return false, muster.Errorf(muster.Invalid, "gamelift.invalid", "no") }
			return func() error { _, err := r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"}); return err }
		}, 20},
		{"ask for more players", func(t *testing.T, r *rig, ann muster.PlayerID) func() error {
			bob := r.guest("bob")
			id := r.seated(t, map[muster.PlayerID]string{ann: "red", bob: "blue"})
			players := []muster.BackfillMember{{PlayerID: ann, Team: "red"}}
			return func() error { _, err := r.StartBackfill(ctx, id, muster.BackfillRequest{Players: players}); return err }
		}, 20},
	} {
		t.Run(c.what, func(t *testing.T) {
			n := map[string]int{}
			r := newRigWith(c.what == "answer too late", func(o *muster.Options) {
				o.GameLift = tallyLift{o.GameLift.(*fakeGameLift), n}
				o.Modes = append(o.Modes, lobbyMode())
			})
			again := c.begin(t, r, r.guest("ann"))
			clear(n)
			var failed error
			for range 50 {
				failed = again()
			}
			if len(n) == 0 {
				t.Error("GameLift heard nothing")
			}
			for call, times := range n {
				if times > c.most {
					t.Errorf("50 times made %d calls of %s, want %d at most", times, call, c.most)
				}
			}
			var e *muster.Error
			if c.most == 20 && (!errors.As(failed, &e) || e.RetryAfter <= 0 && e.Kind == muster.Exhausted) {
				t.Errorf("the last try says %v", failed)
			}
			before := fmt.Sprint(n)
			r.clock.advance(11 * time.Second)
			_ = again()
			if fmt.Sprint(n) == before {
				t.Error("eleven seconds later GameLift is not asked")
			}
		})
	}
}
