package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestNothingIsLostWhenTheProgramIsKilled kills it, with matches running and players
// queued, and starts it again on the same folder.
func TestNothingIsLostWhenTheProgramIsKilled(t *testing.T) {
	data := t.TempDir()
	first := up(t, data, "--round", "2s")
	ann, bob, carl := guest(t, first.HTTP), guest(t, first.HTTP), guest(t, first.HTTP)

	playWhole(t, ann, bob)
	before := map[*player]rating{ann: ann.rating("duel"), bob: bob.rating("duel")}
	if before[ann].Games != 1 || before[bob].Games != 1 {
		t.Fatalf("after one match: %+v", before)
	}

	// In the middle of it all: ann and bob sit in a match, carl waits in the queue.
	seated, _ := seatBoth(t, ann, bob)
	if kind, code, _ := join(t, seated, seated.PlayerSessionID, seated.JoinToken); kind != "welcome" {
		t.Fatalf("the game server answered %s %s", kind, code)
	}
	waiting := carl.queue("duel")
	first.kill()

	second := up(t, data, "--round", "2s")
	for _, p := range []*player{ann, bob, carl} {
		p.comeBack(second.HTTP)
	}
	for p, want := range before {
		if got := p.rating("duel"); got != want {
			t.Errorf("player %s stands at %+v after the crash, was %+v", p.ID, got, want)
		}
	}
	var old ticket
	if err := carl.call(http.MethodGet, "/v1/matchmaking/tickets/"+waiting.ID, nil, &old); err != nil {
		t.Errorf("the acknowledged ticket is gone: %v", err)
	}
	if old.Status != "failed" || old.Reason == nil || old.Reason.Code != "ticket.lost" {
		t.Errorf("the ticket that waited is %+v, and the new GameLift does not know it", old)
	}
	// The reconciler's bound: a ticket is asked about after 30 silent seconds at most.
	for _, p := range []*player{ann, bob, carl} {
		p.queueWithin(60 * time.Second)
	}
}

// queueWithin queues as soon as the player is free.
func (p *player) queueWithin(limit time.Duration) ticket {
	p.t.Helper()
	started := time.Now()
	for {
		var tk ticket
		err := p.call(http.MethodPost, "/v1/matchmaking/tickets", map[string]any{"mode": "duel"}, &tk)
		if err == nil {
			p.t.Logf("player %s could queue after %v", p.ID, time.Since(started).Round(time.Millisecond))
			return tk
		}
		var refused *problem
		if !errors.As(err, &refused) || refused.Status != http.StatusConflict || time.Since(started) > limit {
			p.t.Fatalf("player %s is stuck: %v", p.ID, err)
		}
		// A long poll on what holds the player would need its id: look once a second.
		<-time.After(time.Second)
	}
}

// playWhole plays one duel to its result: both join, the round runs out.
func playWhole(t *testing.T, a, b *player) {
	t.Helper()
	games := map[*player]int{a: a.rating("duel").Games, b: b.rating("duel").Games}
	seatA, seatB := seatBoth(t, a, b)
	for _, s := range []seat{seatA, seatB} {
		kind, code, conn := join(t, s, s.PlayerSessionID, s.JoinToken)
		if kind != "welcome" {
			t.Fatalf("the game server answered %s %s", kind, code)
		}
		go drain(conn)
	}
	deadline := time.Now().Add(60 * time.Second)
	for p, before := range games {
		for p.rating("duel").Games == before {
			if time.Now().After(deadline) {
				t.Fatal("no result came")
			}
			<-time.After(100 * time.Millisecond)
		}
		if err := p.call(http.MethodGet, "/v1/players/me/session", nil, nil); err == nil {
			t.Error(fmt.Errorf("player %s still has a session after its result", p.ID))
		}
	}
}
