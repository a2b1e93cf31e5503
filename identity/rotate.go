package identity

import (
	"fmt"
	"io"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// How keys rotate unless a Rotation says otherwise.
const (
	// DefaultKeyWait is longer than anyone is known to cache published keys: API Gateway
	// does for two hours ("Control access to HTTP APIs with JWT authorizers").
	DefaultKeyWait = 150 * time.Minute
	// DefaultKeyKeep is longer than anything that a key signs or gives a code to is good for.
	DefaultKeyKeep = 25 * time.Hour
)

// Rotation says how the keys of a set follow each other.
type Rotation struct {
	Wait   time.Duration // from publishing a key to signing with it; 0: DefaultKeyWait
	Keep   time.Duration // of a key that signs no more; 0: DefaultKeyKeep
	After  time.Duration // for which a key signs before it gets a successor; 0: it gets one at once
	Kind   KeyKind       // of a new key; empty: that of the key that signs
	Random io.Reader     // cryptographically strong
}

// Rotated is what RotateKeys did.
type Rotated struct {
	Added   string    // id of the new key; empty: none was due
	SignsAt time.Time // when the key that waits begins to sign; zero: none waits
	Waits   KeyKind   // of the key that waits; empty: none does
	Dropped []string  // ids of those that were over
}

// RotateKeys takes the text of a key set one step further, and returns the new text: keys
// whose last token has died are dropped, and a new one is added that signs after Wait, unless
// one waits already or it is too early. Doing it again changes nothing until then.
func RotateKeys(data []byte, now time.Time, r Rotation) ([]byte, Rotated, error) {
	set, err := decodeKeys(data)
	if err != nil {
		return nil, Rotated{}, err
	}
	keys, err := newKeys(set)
	if err != nil {
		return nil, Rotated{}, err
	}
	var done Rotated
	set = dropOver(set, now.Add(-orDefault(r.Keep, DefaultKeyKeep)), &done)
	for _, key := range set {
		if key.from.After(now) {
			done.SignsAt, done.Waits = key.from, kindOf(jose.SignatureAlgorithm(key.Algorithm))
		}
	}
	current := keys.At(now).current()
	if done.SignsAt.IsZero() && now.Sub(current.from) >= r.After {
		kind := r.Kind
		if kind == "" {
			kind = kindOf(current.alg)
		}
		key, err := newKey(kind, r.Random)
		if err != nil {
			return nil, Rotated{}, err
		}
		done.Waits = kind
		done.Added, done.SignsAt = key.KeyID, now.UTC().Add(orDefault(r.Wait, DefaultKeyWait)).Truncate(time.Second)
		set = append(set, setKey{JSONWebKey: key, from: done.SignsAt})
	}
	if len(set) > maxKeys {
		return nil, Rotated{}, fmt.Errorf("%d keys, %d is the limit: remove those that nobody needs", len(set), maxKeys)
	}
	text, err := encodeKeys(set)
	return text, done, err
}

// dropOver removes the private keys that another took over from by an instant. Of keys that
// only verify nobody here knows for how long; they stay.
func dropOver(set []setKey, by time.Time, done *Rotated) []setKey {
	var left []setKey
	for _, key := range set {
		if end, over := successorOf(key, set); over && !key.IsPublic() && !end.After(by) {
			done.Dropped = append(done.Dropped, key.KeyID)
			continue
		}
		left = append(left, key)
	}
	return left
}

// successorOf is when the next private key began, or begins, to sign in a key's place.
func successorOf(key setKey, set []setKey) (at time.Time, ok bool) {
	for _, other := range set {
		if !other.IsPublic() && other.from.After(key.from) && (!ok || other.from.Before(at)) {
			at, ok = other.from, true
		}
	}
	return at, ok
}

// algorithmsAccepted are those that tokens may be signed with. Which one counts is the
// key's to say.
var algorithmsAccepted = []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256, jose.RS256}
