package muster_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"muster"
)

func TestATickDoesWhatReplicasDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r, options := inRealTime(nil)
		r.clock.at = time.Now()
		ann := r.guest("ann")
		id := r.open(t, ann, muster.SessionRequest{}).SessionID
		options.Now = time.Now
		b := muster.New(options)
		r.lift.mu.Lock()
		r.lift.sessions[id].Live = false
		r.lift.mu.Unlock()
		passes(5 * time.Minute)
		if err := b.Tick(ctx); err != nil {
			t.Fatal(err)
		}
		if v := must[muster.ServerSessionView](t)(b.ServerSession(ctx, id)); v.EndedAt == nil {
			t.Errorf("the session is %+v, want it over", v)
		}
	})
}

func TestASlowPartOfATickHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, options := inRealTime(nil)
		r.clock.at = time.Now()
		ann, bob := r.guest("ann"), r.guest("bob")
		r.open(t, ann, muster.SessionRequest{})
		options.Now, options.GameLift = time.Now, slowSessions{r.lift, make(chan struct{})}
		b := muster.New(options)
		if _, err := b.Ban(context.Background(), bob, muster.BanRequest{Reason: "x"}); err != nil {
			t.Fatal(err)
		}
		heard := muster.New(options)
		passes(5 * time.Minute)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		start := time.Now()
		if err := heard.Tick(ctx); err == nil {
			t.Error("nobody is told that GameLift did not answer")
		}
		if took := time.Since(start); took > 11*time.Second {
			t.Errorf("the round took %v, more than it had", took)
		}
		if err := heard.Revoked(muster.Caller{Player: bob}); muster.KindOf(err) != muster.Denied {
			t.Errorf("the ban is not known: %v", err)
		}
	})
}
