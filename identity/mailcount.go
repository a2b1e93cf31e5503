package identity

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"muster"
)

// mailKind is what a letter is for. Each kind has counts of its own: one that is used up
// keeps no letter of another from an address.
type mailKind string

const (
	kindVerify mailKind = "verify" // registrations
	kindReset  mailKind = "reset"
	kindChange mailKind = "change" // an address is linked, or replaced by another
	kindNotice mailKind = "notice" // what has happened; never caused by strangers
	kindFactor mailKind = "factor" // wrong codes after a right password; caused by who knows it
)

// kind is what the letters of a use count as.
func (u mailUse) kind() mailKind {
	switch u {
	case useSignUp:
		return kindVerify
	case useReset:
		return kindReset
	default:
		return kindChange
	}
}

// Letters of one kind that one address gets within lettersWithin. A source is the network of
// who asks, so one source uses up its own letters and never those of the owner. To keep the
// owner's first letter back, strangers need as many sources as the firsts and the repeats
// leave room for: sixteen. All of it together keeps the record below 1 kB.
const (
	lettersWithin = time.Hour
	perSource     = 3  // as many as a request has letters
	mostRepeats   = 12 // in all, once a source had its first; and where sources are not known
	mostFirsts    = 24 // in all, for a source that had none
	mostByDevices = 30 // in all, for a device that is signed in as the address's player
)

// source is who asks for a letter. The zero value is not known.
type source struct {
	key    string // a short hash
	device bool   // it is signed in as the player who gets the letter
}

// counted is when letters of one kind went to an address, in Unix seconds, by source.
type counted struct {
	By map[string][]int64 `json:"by"`
}

// since drops what is too long ago to count.
func (c counted) since(now time.Time) counted {
	recent := counted{By: map[string][]int64{}}
	for key, times := range c.By {
		for _, at := range times {
			if now.Sub(time.Unix(at, 0)) < lettersWithin {
				recent.By[key] = append(recent.By[key], at)
			}
		}
	}
	return recent
}

// takes says whether a source may have another letter sent.
func (c counted) takes(from source) bool {
	all := 0
	for _, times := range c.By {
		all += len(times)
	}
	mine := len(c.By[from.key])
	switch {
	case from.key == "":
		return all < mostRepeats
	case mine >= perSource:
		return false
	case from.device:
		return all < mostByDevices
	case mine == 0:
		return all < mostFirsts
	}
	return all < mostRepeats
}

// add counts a letter; c must be of since.
func (c counted) add(from source, now time.Time) {
	c.By[from.key] = append(c.By[from.key], now.Unix())
}

// lettersKey names the count of one kind of an address, by its hash.
func lettersKey(address string, kind mailKind) muster.Key {
	return muster.Key{Partition: "LETTERS#" + hex.EncodeToString(hashText(address)), Sort: string(kind)}
}

// count takes a letter to an address from what a source may have sent. The op belongs to
// the Write that sends it; there is one whether it may be sent or not.
func (p *Passwords) count(ctx context.Context, address string, kind mailKind, from source) (may bool, op muster.Op, err error) {
	return countLetter(ctx, p.store, p.now().UTC(), lettersKey(address, kind), from)
}

func countLetter(ctx context.Context, store muster.Store, now time.Time, key muster.Key, from source) (may bool, op muster.Op, err error) {
	var kept counted
	rec, err := store.Get(ctx, key)
	if err == nil {
		err = json.Unmarshal(rec.Value, &kept)
	}
	if err != nil && !errors.Is(err, muster.ErrNotFound) {
		return false, muster.Op{}, fmt.Errorf("read how many letters an address got: %w", err)
	}
	if kept = kept.since(now); !kept.takes(from) {
		// A check costs what a change costs, and many of them at once do not meet.
		return false, muster.Op{Kind: muster.Check, Key: key, Version: rec.Version}, nil
	}
	kept.add(from, now)
	op, err = recordOp(key, rec.Version, kept, now.Add(lettersWithin))
	return true, op, err
}

// source says who asks for a letter of a request. A device is asked about for resets alone:
// only there the letter goes to whom it is signed in as. What is read for it depends on what
// the client sends and not on whether the request has a player.
func (p *Passwords) source(ctx context.Context, r mailRequest) (source, error) {
	client := muster.ClientFrom(ctx)
	if r.Use == useReset && client.NamesDevice() {
		signedIn, err := p.checker.isSignedIn(ctx, r.Player)
		if err != nil {
			return source{}, err
		}
		if signedIn {
			return source{key: shortHash("device " + client.Device), device: true}, nil
		}
	}
	return networkOf(client), nil
}

// networkOf is the network that a client comes from: an IPv4 address, or what a site has of
// IPv6, 48 bits: with 64, as limits count, one site would be 65,536 sources. This machine is
// not known: it is a proxy that does not say whom it speaks for, or somebody who tries things
// out.
func networkOf(client muster.Client) source {
	network := muster.NetworkOf(client.Address, 32, 48)
	if !network.IsValid() || client.Address.Unmap().IsLoopback() {
		return source{}
	}
	return source{key: shortHash("network " + network.String())}
}

// shortHash tells a few sources apart, in eight characters.
func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:6])
}
