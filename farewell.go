package muster

import (
	"context"
	"fmt"
	"time"
)

// Platforms and services outside keep something of players because of us: the consent that came
// with a proof, the id of a player for whom a pool vouches. When a way in is unlinked, or a
// player deleted or merged, they are told, as work that goes on until it succeeds.

// dueFarewells are those that are still to be told.
const dueFarewells dueKind = "farewell"

// The pace of farewells.
const (
	farewellEvery = time.Minute // reading eight empty lists is what an idle replica pays for
	farewellLease = time.Minute
	// farewellAgain is how long after the event they are told once more: sign-ins that were
	// under way, which may have brought another consent, are over then.
	farewellAgain = evictAgain
	// A failure is followed by another try after farewellFirst, then ever later, until
	// farewellLife has passed.
	farewellFirst   = 30 * time.Second
	farewellLongest = 6 * time.Hour
	farewellLife    = tombstoneLife
)

// farewell is what outsiders are to be told of a player.
type farewell struct {
	Player PlayerID  `json:"player"`
	At     time.Time `json:"at"` // when it became true
	// Ways are identities that led to the player: their platforms may forget our consent.
	Ways []Identity `json:"ways,omitempty"`
	// Gone says that nobody is the player any more: services may forget the player's id.
	Gone   bool `json:"gone,omitempty"`
	Failed int  `json:"failed,omitempty"` // tries that did, one after the other
}

// farewellOps has outsiders told, if any wants to hear of it.
func (b *Backend) farewellOps(f farewell) ([]Op, error) {
	f.Gone = f.Gone && b.forgetPlayer != nil
	if len(f.Ways) == 0 && !f.Gone {
		return nil, nil
	}
	id := string(f.Player)
	if !f.Gone && len(f.Ways) == 1 { // several may be unlinked at one instant
		id += "#" + f.Ways[0].Provider
	}
	op, err := put(dueFarewells.key(id, f.At), AnyVersion, f, f.At.Add(farewellLife))
	return []Op{op}, err
}

// platformsOf are the identities of which a platform may want to hear.
func (b *Backend) platformsOf(ids ...linkedIdentity) []Identity {
	if b.takeBack == nil {
		return nil
	}
	var all []Identity
	for _, id := range ids {
		if id.Provider != GuestProvider && id.Provider != EmailProvider {
			all = append(all, Identity{Provider: id.Provider, Subject: id.Subject})
		}
	}
	return all
}

// TellOutsiders tells platforms and services what is due to be told of players who unlinked a
// way in, or are gone. Every replica calls it; they share the work.
func (b *Backend) TellOutsiders(ctx context.Context) error {
	return sweepEach(ctx, b, dueFarewells, 1, b.tellDue)
}

// tellDue claims a farewell for farewellLease, tells, and says when to tell again.
func (b *Backend) tellDue(ctx context.Context, _ time.Time, rec *Record, job farewell) error {
	now := b.instant()
	taken, err := b.leaseDue(ctx, rec, now.Add(farewellLease))
	if err != nil || !taken {
		return err
	}
	ops := []Op{{Kind: Delete, Key: rec.Key, Version: AnyVersion}}
	if at, more := b.tell(ctx, &job, now); more {
		op, err := put(dueFarewells.key(idOfDue(*rec), at), AnyVersion, job, job.At.Add(farewellLife))
		if err != nil {
			return err
		}
		ops = append(ops, op)
	}
	if err := b.store.Write(ctx, ops...); err != nil {
		return fmt.Errorf("tell of player %s: %w", job.Player, err)
	}
	return nil
}

// tell tells everybody once, and leaves in the job what is to be told again, and when.
func (b *Backend) tell(ctx context.Context, job *farewell, now time.Time) (at time.Time, more bool) {
	last := !now.Before(job.At.Add(farewellAgain))
	var left []Identity
	failed := false
	for _, id := range job.Ways {
		err := b.tellPlatform(ctx, id)
		if err != nil {
			b.log.WarnContext(ctx, "a platform cannot be told that an identity is gone: told again later", "player", job.Player, "provider", id.Provider, "error", err)
			failed = true
		}
		if err != nil || !last {
			left = append(left, id)
		}
	}
	job.Ways = left
	if job.Gone && b.forgetPlayer != nil {
		err := b.forgetPlayer(ctx, job.Player)
		if err != nil {
			b.log.WarnContext(ctx, "a service cannot be told that a player is gone: told again later", "player", job.Player, "error", err)
			failed = true
		}
		job.Gone = err != nil || !last
	}
	if !failed {
		job.Failed = 0
		return job.At.Add(farewellAgain), !last
	}
	wait := min(farewellFirst<<min(job.Failed, 20), farewellLongest)
	job.Failed++
	return now.Add(wait), true
}

func (b *Backend) tellPlatform(ctx context.Context, id Identity) error {
	if b.takeBack == nil {
		return nil
	}
	return b.takeBack(ctx, id)
}
