package muster_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"muster"
)

// dying is a store whose writes fail where a test says so.
type dying struct {
	muster.Store
	at func(ops []muster.Op) bool // called once at a time

	mu sync.Mutex
}

func (s *dying) Write(ctx context.Context, ops ...muster.Op) error {
	s.mu.Lock()
	dies := s.at(ops)
	s.mu.Unlock()
	if dies {
		return errDied
	}
	return s.Store.Write(ctx, ops...)
}

func TestAVerdictDoesNotKeepAResultFromBeingFollowedUp(t *testing.T) {
	for _, wait := range []time.Duration{0, time.Second, 20 * time.Second} {
		t.Run("the verdict comes after "+wait.String(), func(t *testing.T) {
			ctx := context.Background()
			down := false
			r := newRigWith(false, func(o *muster.Options) {
				o.Store = &dying{Store: o.Store, at: func(ops []muster.Op) bool { return down && len(ops) == 1 }}
				o.Modes = append(o.Modes, muster.Mode{Name: "lobby", Kind: muster.Queue, Sessions: &muster.SessionOptions{
					Queue: "lobbies", MaxPlayers: 4, Create: muster.CreateByPlayers, Browse: true,
				}})
			})
			ann, bob := r.guest("ann"), r.guest("bob")
			id := r.open(t, ann, muster.SessionRequest{}).SessionID
			must[muster.SeatView](t)(r.JoinSession(ctx, bob, id, muster.JoinRequest{}))
			down = true // whoever takes the report dies before the follow-up
			must[muster.ResultView](t)(r.ReportResult(ctx, id, muster.ResultReport{Players: []muster.ResultPlace{
				{ResultPlayer: muster.ResultPlayer{PlayerID: ann}, Rank: 1}, {ResultPlayer: muster.ResultPlayer{PlayerID: bob}, Rank: 2},
			}}))
			down = false
			r.clock.advance(wait)
			must[muster.AdminResultView](t)(r.VoidResult(ctx, id, disputed))
			r.inbox.take()
			r.sweep(t, 2*time.Minute)
			told := map[muster.PlayerID]int{}
			for _, n := range r.inbox.take() {
				if n.Type == "result" {
					told[n.Player]++
				}
			}
			if told[ann] != 1 || told[bob] != 1 {
				t.Errorf("told of the result were %v, want each once", told)
			}
			if v := must[muster.ServerSessionView](t)(r.ServerSession(ctx, id)); v.EndedAt == nil {
				t.Error("the session goes on")
			}
			if rows := r.history(t, bob); len(rows) != 1 || !rows[0].Voided {
				t.Errorf("the history shows %+v", rows)
			}
		})
	}
}
