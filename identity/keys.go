package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Keys is a set of keys as of an instant. One private key signs, all are published and
// verify. It does not change and is safe for concurrent use.
//
// A key may say from when on it signs. Of those whose time has come the latest does; of
// equals, such as keys that say nothing, the first of the set. So a set can hold the next
// key long before it signs: every replica decides alike, by its clock. RotateKeys adds and
// removes keys.
type Keys struct {
	signing []signingKey // the private ones, in the order of the set
	first   int          // which of them signs
	public  map[string]publicKey
	ids     []string // of all, in their order
	jwks    []byte   // the published set
	algs    []string // of all
	mark    *keyMark // the same for the set as of any instant
}

// keyMark tells sets apart.
type keyMark struct{ _ byte }

// signingKey is a private key, prepared for use.
type signingKey struct {
	id     string
	from   time.Time // when it begins to sign; zero: at once
	access jose.Signer
	join   jose.Signer
	secret []byte
	alg    jose.SignatureAlgorithm
}

// publicKey is what a token is checked with, and by which algorithm alone.
type publicKey struct {
	key any
	alg jose.SignatureAlgorithm
}

// setKey is one key of a set as it is stored.
type setKey struct {
	jose.JSONWebKey
	from   time.Time // zero: not said
	stolen bool      // ReplaceStolenKeys will drop it
}

// KeySource is where a Service finds its keys: *Keys for ever the same, *KeyRing for those
// that may be replaced.
type KeySource interface {
	// At is the set as of an instant.
	At(now time.Time) *Keys
}

// KeyRing holds the set that is in use. It is safe for concurrent use.
type KeyRing struct{ keys atomic.Pointer[Keys] }

// NewKeyRing makes a ring that holds a set.
func NewKeyRing(k *Keys) *KeyRing {
	r := new(KeyRing)
	r.Replace(k)
	return r
}

// At is the set that the ring holds, as of an instant.
func (r *KeyRing) At(now time.Time) *Keys { return r.keys.Load().At(now) }

// Replace puts another set in the place of the one that the ring holds.
func (r *KeyRing) Replace(k *Keys) { r.keys.Store(k) }

// At is the set as of an instant: it says which key signs.
func (k *Keys) At(now time.Time) *Keys {
	first := k.signer(now)
	if first == k.first {
		return k
	}
	at := *k
	at.first = first
	return &at
}

// signer says which private key signs at an instant. Before the time of the first it is
// that one all the same: somebody has to.
func (k *Keys) signer(now time.Time) int {
	best := -1
	for i := range k.signing {
		from := k.signing[i].from
		if !from.After(now) && (best < 0 || from.After(k.signing[best].from)) {
			best = i
		}
	}
	if best >= 0 {
		return best
	}
	best = 0
	for i := range k.signing {
		if k.signing[i].from.Before(k.signing[best].from) {
			best = i
		}
	}
	return best
}

// current is the key that signs.
func (k *Keys) current() *signingKey { return &k.signing[k.first] }

// sequence lists the private keys, the one that signs first.
func (k *Keys) sequence() []*signingKey {
	all := make([]*signingKey, 0, len(k.signing))
	all = append(all, k.current())
	for i := range k.signing {
		if i != k.first {
			all = append(all, &k.signing[i])
		}
	}
	return all
}

// maxKeys bounds a set; verification costs the same for any number.
const maxKeys = 16

// NewKeys makes a set of one fresh key. Nothing keeps it: tokens die with the process.
func NewKeys(random io.Reader) (*Keys, error) {
	key, err := newKey(EdDSA, random)
	if err != nil {
		return nil, err
	}
	return newKeys([]setKey{{JSONWebKey: key}})
}

// newKeys checks a list of keys and prepares it for use.
func newKeys(set []setKey) (*Keys, error) {
	if len(set) > maxKeys {
		return nil, fmt.Errorf("%d keys, %d is the limit", len(set), maxKeys)
	}
	k := &Keys{public: make(map[string]publicKey, len(set)), mark: new(keyMark)}
	published := jose.JSONWebKeySet{Keys: make([]jose.JSONWebKey, 0, len(set))}
	for i, key := range set {
		if _, twice := k.public[key.KeyID]; twice {
			return nil, fmt.Errorf("key %d has the id of another key", i+1)
		}
		public, alg := key.Public(), jose.SignatureAlgorithm(key.Algorithm)
		k.public[key.KeyID] = publicKey{public.Key, alg}
		k.ids = append(k.ids, key.KeyID)
		published.Keys = append(published.Keys, public)
		if key.IsPublic() {
			continue
		}
		private, err := key.prepared()
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		k.signing = append(k.signing, private)
	}
	if len(k.signing) == 0 {
		return nil, errors.New("no private key among them: one must sign")
	}
	k.first = k.signer(time.Time{})
	k.algs = algorithms(published.Keys)
	var err error
	if k.jwks, err = json.Marshal(published); err != nil {
		return nil, fmt.Errorf("encode published keys: %w", err)
	}
	return k, nil
}

// algorithms lists those of the keys, each once.
func algorithms(keys []jose.JSONWebKey) []string {
	var all []string
	for _, key := range keys {
		if !slices.Contains(all, key.Algorithm) {
			all = append(all, key.Algorithm)
		}
	}
	return all
}

// prepared is a private key with its signers.
func (key setKey) prepared() (signingKey, error) {
	k := signingKey{id: key.KeyID, from: key.from, alg: jose.SignatureAlgorithm(key.Algorithm)}
	var err error
	if k.secret, err = secretOf(key.Key); err != nil {
		return signingKey{}, err
	}
	for typ, signer := range map[jose.ContentType]*jose.Signer{accessType: &k.access, joinType: &k.join} {
		*signer, err = jose.NewSigner(jose.SigningKey{Algorithm: k.alg, Key: key.JSONWebKey}, (&jose.SignerOptions{}).WithType(typ))
		if err != nil {
			return signingKey{}, fmt.Errorf("prepare the signing key: %w", err)
		}
	}
	return k, nil
}
