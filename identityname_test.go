package muster_test

import (
	"context"
	"testing"

	"muster"
)

func TestTheSameSubjectOfTwoProvidersIsTwoPlayers(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	players := map[muster.PlayerID]muster.Identity{}
	for _, provider := range []string{"steam", "steam-test", "google", muster.GuestProvider, muster.EmailProvider} {
		id := by(provider)
		p, created, err := r.EnsurePlayer(ctx, id, []byte("hash"))
		if err != nil || !created {
			t.Fatalf("%v: %v, created: %v", id, err, created)
		}
		if other, taken := players[p]; taken {
			t.Errorf("%v and %v are one player", id, other)
		}
		players[p] = id
		r.wantLinked(t, id, p)
	}
	for p, id := range players {
		r.wantLinked(t, id, p)
	}
}
