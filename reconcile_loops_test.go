package muster_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"muster"
)

// slowSessions is a GameLift that does not say how sessions fare while it is asked to wait.
type slowSessions struct {
	*fakeGameLift
	wait chan struct{} // closed when it may answer
}

func (g slowSessions) Session(ctx context.Context, id muster.SessionID) (muster.SessionSnapshot, error) {
	select {
	case <-g.wait:
	case <-ctx.Done():
		return muster.SessionSnapshot{}, ctx.Err()
	}
	return g.fakeGameLift.Session(ctx, id)
}

// passes lets time pass in a bubble.
func passes(d time.Duration) { <-time.After(d) }

// running starts a replica in a bubble, which ends with the test.
func (r *rig) running(t *testing.T, o muster.Options) *muster.Backend {
	t.Helper()
	o.Now = time.Now
	b := muster.New(o)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return b
}

// inRealTime is a rig whose clock is that of the bubble, and its options.
func inRealTime(change func(o *muster.Options)) (*rig, muster.Options) {
	var made muster.Options
	r := newRigWith(false, func(o *muster.Options) {
		o.Now = time.Now
		o.Modes = append(o.Modes, muster.Mode{Name: "lobby", Kind: muster.Queue, Sessions: &muster.SessionOptions{
			Queue: "lobbies", MaxPlayers: 4, Create: muster.CreateByPlayers,
		}})
		if change != nil {
			change(o)
		}
		made = *o
	})
	return r, made
}

func TestSessionsOfAnEarlierConfigurationAreLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r, options := inRealTime(nil)
		r.clock.at = time.Now()
		ann := r.guest("ann")
		id := r.open(t, ann, muster.SessionRequest{}).SessionID
		options.Modes = options.Modes[:1] // without sessions
		b := r.running(t, options)
		r.lift.mu.Lock()
		r.lift.sessions[id].Live = false
		r.lift.mu.Unlock()
		passes(5 * time.Minute)
		if v := must[muster.ServerSessionView](t)(b.ServerSession(ctx, id)); v.EndedAt == nil {
			t.Errorf("the session is %+v, want it over", v)
		}
		if _, _, err := b.StartTicket(ctx, ann, duel(), ""); err != nil {
			t.Errorf("who was in it is not free: %v", err)
		}
	})
}

func TestSlowLooksAtSessionsHoldNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		wait := make(chan struct{})
		r, options := inRealTime(nil)
		r.clock.at = time.Now()
		id := r.open(t, r.guest("ann"), muster.SessionRequest{}).SessionID
		passes(3 * time.Minute) // GameLift has to be asked about it at once
		bob := r.guest("bob")
		ticket := r.start(t, bob, duel())
		r.lift.tickets[ticket.ID].Status = muster.TimedOut // and nobody says so
		options.GameLift = slowSessions{r.lift, wait}
		b := r.running(t, options)
		passes(time.Minute)
		if v := must[muster.TicketView](t)(b.Ticket(ctx, bob, ticket.ID)); v.Status != muster.TimedOut {
			t.Errorf("the ticket is %s: it waits for the session", v.Status)
		}
		r.lift.mu.Lock()
		r.lift.sessions[id].Live = false
		r.lift.mu.Unlock()
		close(wait)
		passes(5 * time.Minute)
		if v := must[muster.ServerSessionView](t)(b.ServerSession(ctx, id)); v.EndedAt == nil {
			t.Errorf("the session is %+v, want it over", v)
		}
	})
}
