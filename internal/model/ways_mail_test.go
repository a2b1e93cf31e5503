package model

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"muster"
)

// allowing drops an error of a kind that a race may have.
func allowing(err error, kinds ...muster.Kind) error {
	for _, kind := range kinds {
		if err != nil && muster.KindOf(err) == kind {
			return nil
		}
	}
	return err
}

func byMail(i int) muster.Identity {
	return muster.Identity{Provider: muster.EmailProvider, Subject: fmt.Sprintf("p%d@example.com", i)}
}

func alone(context.Context) ([]muster.Op, error) { return nil, nil }

func TestAnAddressAndItsPasswordAreLinkedTogetherOrNotWhileTheirAccountIsDeleted(t *testing.T) {
	crowded(t, func(t *testing.T, _ *world, replicas []*muster.Backend) {
		ctx := context.Background()
		var players [crowd / 2]muster.PlayerID
		for i := range players {
			var err error
			if players[i], _, err = replicas[0].EnsurePlayer(ctx, muster.Identity{Provider: muster.GuestProvider, Subject: fmt.Sprint(i)}, []byte("hash")); err != nil {
				t.Fatal(err)
			}
		}
		var linked [crowd / 2]bool
		atOnce(t, func(i int) error {
			r, n := replicas[i%len(replicas)], i/2
			if i%2 == 0 {
				return r.DeleteAccount(ctx, players[n])
			}
			_, err := r.LinkSecret(ctx, players[n], byMail(n), muster.LinkedSecret{Hash: []byte("hash"), NewGuest: []byte("new")})
			linked[n] = err == nil
			return allowing(err, muster.NotFound)
		})
		for n := range players {
			if _, _, err := replicas[0].FindIdentity(ctx, byMail(n)); muster.KindOf(err) != muster.NotFound {
				t.Errorf("the address of a deleted player, linked %v, leads somewhere: %v", linked[n], err)
			}
		}
	})
}

// Whatever players do at once with a few addresses, every address leads to a player who has it,
// with a password of that player's.
func TestAnAddressAlwaysLeadsToWhoHasItWithTheirOwnPassword(t *testing.T) {
	const addresses, rounds = 3, 12
	crowded(t, func(t *testing.T, w *world, replicas []*muster.Backend) {
		ctx := context.Background()
		free := []muster.Kind{muster.NotFound, muster.Conflict, muster.Unauthenticated}
		var randoms [crowd]*rand.Rand
		for i := range randoms {
			randoms[i] = rand.New(rand.NewPCG(uint64(i), 22))
		}
		linkOwn := func(r *muster.Backend, to muster.Identity, guest string) error {
			p, _, err := r.EnsurePlayer(ctx, muster.Identity{Provider: muster.GuestProvider, Subject: guest}, []byte("hash"))
			if err == nil {
				_, err = r.LinkSecret(ctx, p, to, muster.LinkedSecret{Hash: []byte(p), NewGuest: []byte("new")})
			}
			return err
		}
		act := func(i, round int) error {
			r, random := replicas[i%len(replicas)], randoms[i]
			at, to := byMail(random.IntN(addresses)), byMail(random.IntN(addresses))
			guest := fmt.Sprint(i, "-", round)
			owner, hash, err := r.FindIdentity(ctx, at)
			if err != nil {
				return linkOwn(r, at, guest)
			}
			switch random.IntN(5) {
			case 0:
				return r.DeleteAccount(ctx, owner)
			case 1: // as at a sign-in that raises the costs of the hash
				return r.ReplaceSecret(ctx, owner, at, muster.NewSecret{Hash: []byte(string(owner) + "+"), Was: hash}, alone)
			case 2: // as with a change of the password
				return r.ReplaceSecret(ctx, owner, at, muster.NewSecret{Hash: []byte(string(owner) + "!"), SignOut: true}, alone)
			case 3:
				return r.MoveIdentity(ctx, owner, at, to, alone)
			default: // as with a proof of the address, whose account may be gone by now
				p, _, err := r.EnsurePlayer(ctx, muster.Identity{Provider: muster.GuestProvider, Subject: guest}, []byte("hash"))
				if err == nil {
					_, err = r.Link(ctx, p, at, []byte("new"))
				}
				return err
			}
		}
		atOnce(t, func(i int) error {
			for round := range rounds {
				if err := allowing(act(i, round), free...); err != nil {
					return err
				}
			}
			return nil
		})
		for key, value := range w.census() {
			if !strings.HasPrefix(key.Partition, "ID#email#") {
				continue
			}
			text, _ := value["secretHash"].(string)
			hash, err := base64.StdEncoding.DecodeString(text)
			if owner, _ := value["player"].(string); err != nil || owner == "" || strings.TrimRight(string(hash), "+!") != owner {
				t.Errorf("%s leads to %q with the password of %q", key.Partition, owner, hash)
			}
		}
	})
}
