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

// A start with an idempotency key makes a ticket whose id follows from the player and the
// key. So the ticket itself remembers what its key did, and nothing more is written. The
// day is part of the id: when a ticket is no longer kept its key may be used again, and
// GameLift wants a new id then. So is how often GameLift refused the start before.

// maxIdempotencyKey bounds the Idempotency-Key of a request, in bytes.
const maxIdempotencyKey = 128

// maxRefusals is how often one key can be used for a start that GameLift refuses.
const maxRefusals = 10

// idempotencySlack is by how much the replicas' clocks may differ about the day.
const idempotencySlack = 2 * time.Minute

func keyedTicketID(p PlayerID, key string, at time.Time, refusals int) TicketID {
	// The key comes last: it alone may contain anything.
	sum := sha256.Sum256([]byte(string(p) + "\n" + at.UTC().Format(time.DateOnly) + "\n" + strconv.Itoa(refusals) + "\n" + key))
	return TicketID(hex.EncodeToString(sum[:16]))
}

// requestHash is 128 bits that tell requests apart.
func requestHash(req TicketRequest) string {
	body, err := json.Marshal(req) // map keys are sorted, so equal requests are equal bytes
	if err != nil {
		panic("muster: a ticket request of plain strings and numbers always encodes: " + err.Error())
	}
	sum := sha256.Sum256(body)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// keyedTicket finds the ticket that a player's earlier request with the key made. With
// version 0 there is none, and t holds what a new one begins with. The key of another
// request is Conflict.
func (b *Backend) keyedTicket(ctx context.Context, p PlayerID, key, request string) (t ticket, version int64, err error) {
	if len(key) > maxIdempotencyKey || !utf8.ValidString(key) {
		return ticket{}, 0, Errorf(Invalid, "request.idempotency_key", "an idempotency key has at most %d bytes, in UTF-8", maxIdempotencyKey)
	}
	now := b.instant()
	fresh := ticket{Request: request}
	seen := ""
	for _, at := range []time.Time{now.Add(-ticketLife), now.Add(idempotencySlack), now} {
		day := at.Format(time.DateOnly)
		if day == seen {
			continue
		}
		seen = day
		for refusals := 0; ; refusals++ {
			if refusals == maxRefusals {
				return ticket{}, 0, Errorf(Conflict, "request.idempotency_refused", "this start was refused %d times: use another idempotency key", maxRefusals)
			}
			fresh.ID = keyedTicketID(p, key, at, refusals)
			t, version, err = load[ticket](ctx, b.store, ticketKey(fresh.ID))
			if errors.Is(err, ErrNotFound) {
				break
			}
			if err != nil {
				return ticket{}, 0, err
			}
			if t.Request != request {
				return ticket{}, 0, Errorf(Conflict, "request.idempotency_reused", "this idempotency key was used with another request")
			}
			if t.ReasonCode != refusedTicket {
				return t, version, nil
			}
		}
	}
	return fresh, 0, nil
}
