package identity

import (
	"fmt"
	"slices"
	"time"
)

const (
	// DefaultStolenWait is how soon a key signs that takes over from stolen ones.
	DefaultStolenWait = time.Minute
	// stolenSettle is how long a key has to sign before those that were stolen are dropped:
	// meanwhile everybody reads it, and seals with it what only the old ones had sealed.
	stolenSettle = time.Minute
)

// Replaced is what ReplaceStolenKeys did.
type Replaced struct {
	Added    string    // id of the new key; empty: it was added before
	SignsAt  time.Time // when the new key begins to sign
	Dropped  []string  // ids of those that are gone
	Stolen   []string  // ids of those that are marked as stolen, and count until they are dropped
	DropFrom time.Time // from when on they can be dropped; zero: none is left
}

// ReplaceStolenKeys takes the text of a key set one step further whose private keys somebody
// else has. The first step adds a key that signs after Wait, drops those that wait, and marks
// the others as stolen. The second, from DropFrom on, drops what is marked; too early it changes
// nothing. Keys that only verify stay: their private parts were never here. Of the Rotation
// After does not count, and Keep only says what else is over.
func ReplaceStolenKeys(data []byte, now time.Time, r Rotation) ([]byte, Replaced, error) {
	set, err := decodeKeys(data)
	if err != nil {
		return nil, Replaced{}, err
	}
	keys, err := newKeys(set)
	if err != nil {
		return nil, Replaced{}, err
	}
	if slices.ContainsFunc(set, setKey.succeeds) && slices.ContainsFunc(set, func(k setKey) bool { return k.stolen }) {
		return dropStolen(set, now)
	}
	current, kind := keys.At(now).current(), r.Kind
	if kind == "" {
		kind = kindOf(current.alg)
	}
	set, done := markStolen(set, current.id, now, r)
	key, err := newKey(kind, r.Random)
	if err != nil {
		return nil, Replaced{}, err
	}
	done.Added, done.SignsAt = key.KeyID, now.UTC().Add(orDefault(r.Wait, DefaultStolenWait)).Truncate(time.Second)
	done.DropFrom = done.SignsAt.Add(stolenSettle)
	set = append(set, setKey{JSONWebKey: key, from: done.SignsAt})
	if len(set) > maxKeys {
		return nil, Replaced{}, fmt.Errorf("%d keys, %d is the limit: remove those that nobody needs", len(set), maxKeys)
	}
	text, err := encodeKeys(set)
	return text, done, err
}

// succeeds says that a key can take over from stolen ones.
func (k setKey) succeeds() bool { return !k.stolen && !k.IsPublic() }

// markStolen drops the private keys that wait or are over, and marks the others.
func markStolen(set []setKey, current string, now time.Time, r Rotation) ([]setKey, Replaced) {
	var over Rotated
	set = dropOver(set, now.Add(-orDefault(r.Keep, DefaultKeyKeep)), &over)
	done := Replaced{Dropped: over.Dropped}
	var left []setKey
	for _, key := range set {
		switch {
		case key.IsPublic():
		case key.KeyID != current && key.from.After(now):
			done.Dropped = append(done.Dropped, key.KeyID)
			continue
		default:
			key.stolen = true
			done.Stolen = append(done.Stolen, key.KeyID)
			if key.from.After(now) { // it signs only because none came before it, and must not take over again
				key.from = time.Time{}
			}
		}
		left = append(left, key)
	}
	return left, done
}

// dropStolen drops what is marked once a key that is not has signed for long enough.
func dropStolen(set []setKey, now time.Time) ([]byte, Replaced, error) {
	var done Replaced
	var left []setKey
	for _, key := range set {
		if key.stolen {
			done.Stolen = append(done.Stolen, key.KeyID)
			continue
		}
		left = append(left, key)
	}
	first := left[slices.IndexFunc(left, setKey.succeeds)]
	for _, key := range left {
		if key.succeeds() && key.from.Before(first.from) {
			first = key
		}
	}
	done.SignsAt = first.from
	if from := first.from.Add(stolenSettle); now.Before(from) {
		done.DropFrom, left = from, set
	} else {
		done.Dropped, done.Stolen = done.Stolen, nil
	}
	text, err := encodeKeys(left)
	return text, done, err
}
