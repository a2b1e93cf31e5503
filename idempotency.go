package muster

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"time"
	"unicode/utf8"
)

// A start with an idempotency key makes a ticket, or a placement, whose id follows from the
// player and the key. So the ticket itself remembers what its key did, and nothing more is written. The
// day is part of the id: when a ticket is no longer kept its key may be used again, and
// GameLift wants a new id then. So is how often GameLift refused the start before.

// maxIdempotencyKey bounds the Idempotency-Key of a request, in bytes.
const maxIdempotencyKey = 128

// maxRefusals is how often one key can be used for a start that GameLift refuses.
const maxRefusals = 10

// idempotencySlack is by how much the replicas' clocks may differ about the day.
const idempotencySlack = 2 * time.Minute

// keyedID is the id of what a request with a key makes; of says whose key it is.
func keyedID(of, key string, at time.Time, refusals int) string {
	// The key comes last: it alone may contain anything.
	sum := sha256.Sum256([]byte(of + "\n" + at.UTC().Format(time.DateOnly) + "\n" + strconv.Itoa(refusals) + "\n" + key))
	return hex.EncodeToString(sum[:16])
}

// requestHash is 128 bits that tell requests apart.
func requestHash(req any) string {
	body, err := json.Marshal(req) // map keys are sorted, so equal requests are equal bytes
	if err != nil {
		panic("muster: a request of plain strings and numbers always encodes: " + err.Error())
	}
	sum := sha256.Sum256(body)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// keyed is a record that remembers the request that made it.
type keyed interface {
	madeBy() (request string, refused bool)
}

func (t ticket) madeBy() (request string, refused bool) {
	return t.Request, t.ReasonCode == refusedTicket
}

func (p placement) madeBy() (request string, refused bool) {
	return p.Request, p.ReasonCode == refusedPlacement
}

// earlier finds what an earlier request with an idempotency key made; life is how long that
// is kept, and key where it stands. With version 0 there is nothing, and id is that of the
// new one. The key of another request is Conflict.
func earlier[T keyed](ctx context.Context, b *Backend, of, with, request string, life time.Duration, key func(id string) Key) (made T, version int64, id string, err error) {
	if len(with) > maxIdempotencyKey || !utf8.ValidString(with) {
		return made, 0, "", Errorf(Invalid, "request.idempotency_key", "an idempotency key has at most %d bytes, in UTF-8", maxIdempotencyKey)
	}
	now := b.instant()
	seen := ""
	for _, at := range []time.Time{now.Add(-life), now.Add(idempotencySlack), now} {
		day := at.Format(time.DateOnly)
		if day == seen {
			continue
		}
		seen = day
		for refusals := 0; ; refusals++ {
			if refusals == maxRefusals {
				return made, 0, "", Errorf(Conflict, "request.idempotency_refused", "this start was refused %d times: use another idempotency key", maxRefusals)
			}
			id = keyedID(of, with, at, refusals)
			made, version, err = load[T](ctx, b.store, key(id))
			if errors.Is(err, ErrNotFound) {
				break
			}
			if err != nil {
				return made, 0, "", err
			}
			said, refused := made.madeBy()
			if said != request {
				return made, 0, "", Errorf(Conflict, "request.idempotency_reused", "this idempotency key was used with another request")
			}
			if !refused {
				return made, version, id, nil
			}
		}
	}
	var none T
	return none, 0, id, nil
}

// keyedTicket finds the ticket that a player's earlier request with the key made. With
// version 0 there is none, and t holds what a new one begins with.
func (b *Backend) keyedTicket(ctx context.Context, p PlayerID, key, request string) (t ticket, version int64, err error) {
	t, version, id, err := earlier[ticket](ctx, b, string(p), key, request, ticketLife, func(id string) Key { return ticketKey(TicketID(id)) })
	if err == nil && version == 0 {
		t = ticket{ID: TicketID(id), Request: request}
	}
	return t, version, err
}

// keyedPlacement is keyedTicket for the sessions that game servers ask for: they have one
// set of keys.
func (b *Backend) keyedPlacement(ctx context.Context, key, request string) (p placement, version int64, err error) {
	named := func(id string) PlacementID { return PlacementID(roomPlacement + id) }
	p, version, id, err := earlier[placement](ctx, b, "game servers", key, request, placementLife, func(id string) Key { return placementKey(named(id)) })
	if err == nil && version == 0 {
		p = placement{ID: named(id), Request: request}
	}
	return p, version, err
}
