package provider

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"muster/identity"
)

// How long a key set is used. The platform's Cache-Control counts within the limits.
const (
	freshAtLeast = 5 * time.Minute
	freshAtMost  = 24 * time.Hour
	staleAtMost  = 24 * time.Hour   // beyond its time, while the platform cannot be asked
	refetchGap   = 30 * time.Second // between fetches that an unknown key id or a failure asks for
	emptyGap     = time.Second      // between fetches while there is no set at all
)

// maxPlatformKeys bounds a set; platforms publish a handful.
const maxPlatformKeys = 100

// KeySource finds the public key that a token names.
type KeySource interface {
	// Key returns the key of an id that is made for an algorithm. An unknown one is refused
	// as CredentialInvalid, keys that cannot be had as ProviderUnavailable. An empty id is
	// that of the only key there is for the algorithm.
	Key(ctx context.Context, id string, algorithm jose.SignatureAlgorithm) (any, error)
}

// KeySet is the keys that a platform publishes at an address (RFC 7517). It is safe for
// concurrent use.
type KeySet struct {
	client *Client
	at     func(context.Context) (string, error)
	now    func() time.Time

	mu        sync.Mutex
	keys      []jose.JSONWebKey // guarded by mu; nil before the first fetch; not changed, but replaced
	freshTill time.Time         // guarded by mu
	triedAt   time.Time         // guarded by mu; when the last fetch ended
	failed    error             // guarded by mu; of the last fetch
	flight    chan struct{}     // guarded by mu; closed when the fetch under way ends; nil: none is
}

// NewKeySet makes a KeySet of a fixed address. It fetches nothing before it is asked.
func NewKeySet(client *Client, address string, now func() time.Time) *KeySet {
	return newKeySetAt(client, func(context.Context) (string, error) { return address, nil }, now)
}

// newKeySetAt makes a KeySet of an address that is still to be found out.
func newKeySetAt(client *Client, at func(context.Context) (string, error), now func() time.Time) *KeySet {
	return &KeySet{client: client, at: at, now: now}
}

// Key implements KeySource.
func (k *KeySet) Key(ctx context.Context, id string, algorithm jose.SignatureAlgorithm) (any, error) {
	for {
		key, held, wait, fetch := k.look(id, algorithm)
		switch {
		case fetch:
			k.fetch(ctx)
			continue
		case key != nil:
			return key, nil
		case wait != nil:
			select {
			case <-wait:
				continue
			case <-ctx.Done():
				return nil, identity.Refusal(identity.ProviderUnavailable, ctx.Err())
			}
		case !held:
			return nil, k.unavailable()
		}
		return nil, identity.Refusal(identity.CredentialInvalid, errors.New("the token names a key that is not published"))
	}
}

// look finds a key among those at hand. Fetch says that this caller is the one to fetch
// first; wait is the fetch under way that might bring the key; held says that there is a set.
func (k *KeySet) look(id string, algorithm jose.SignatureAlgorithm) (key any, held bool, wait chan struct{}, fetch bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	held = k.keys != nil && now.Before(k.freshTill.Add(staleAtMost))
	if held {
		key = find(k.keys, id, algorithm)
	}
	gap := refetchGap
	if !held {
		gap = emptyGap
	}
	wanted := key == nil || !now.Before(k.freshTill)
	due := k.triedAt.IsZero() || !now.Before(k.triedAt.Add(gap))
	switch {
	case k.flight != nil:
		return key, held, k.flight, false
	case wanted && due:
		k.flight = make(chan struct{})
		return nil, held, nil, true
	}
	return key, held, nil, false
}

func (k *KeySet) unavailable() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failed != nil {
		return k.failed
	}
	return identity.Refusal(identity.ProviderUnavailable, errors.New("the platform's keys are out of date"))
}

// fetch gets the set and ends the flight. That the caller leaves does not end it: others
// wait.
func (k *KeySet) fetch(ctx context.Context) {
	keys, fresh, err := k.get(context.WithoutCancel(ctx))
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	k.triedAt, k.failed = now, err
	if err == nil {
		k.keys, k.freshTill = keys, now.Add(fresh)
	}
	close(k.flight)
	k.flight = nil
}

func (k *KeySet) get(ctx context.Context) ([]jose.JSONWebKey, time.Duration, error) {
	address, err := k.at(ctx)
	if err != nil {
		return nil, 0, err
	}
	answer, err := k.client.Do(ctx, Call{URL: address})
	if err != nil {
		return nil, 0, err
	}
	if answer.Status != http.StatusOK {
		return nil, 0, k.client.Misconfigured(ctx, "there is no key set at its address: status "+strconv.Itoa(answer.Status))
	}
	keys, err := parseKeySet(answer.Body)
	if err != nil {
		return nil, 0, identity.Refusal(identity.ProviderUnavailable, err)
	}
	return keys, freshFor(answer.Header.Get("Cache-Control")), nil
}

// parseKeySet reads the keys of a JWKS that can check signatures; it drops others, which
// RFC 7517 (section 5) asks for, and keys that are too weak.
func parseKeySet(body []byte) ([]jose.JSONWebKey, error) {
	var doc struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, errors.New("the key set is not a JSON object with a list named keys")
	}
	if len(doc.Keys) > maxPlatformKeys {
		return nil, errors.New("the key set is too large")
	}
	var keys []jose.JSONWebKey
	for _, raw := range doc.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) == nil && key.IsPublic() && (key.Use == "" || key.Use == "sig") && strong(key.Key) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the key set holds no key that can be used")
	}
	return keys, nil
}

// minRSABits is the shortest RSA key that is taken.
const minRSABits = 2048

func strong(key any) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= minRSABits
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	}
	return false
}

// find returns the key with an id that is made for an algorithm, or nil.
func find(keys []jose.JSONWebKey, id string, algorithm jose.SignatureAlgorithm) any {
	var found []any
	for _, key := range keys {
		fits := key.Algorithm == "" || key.Algorithm == string(algorithm)
		if (key.KeyID == id || id == "") && fits && signs(key.Key, algorithm) {
			found = append(found, key.Key)
		}
	}
	if len(found) == 0 || id == "" && len(found) > 1 {
		return nil
	}
	return found[0]
}

// signs says whether an algorithm goes with a kind of key.
func signs(key any, algorithm jose.SignatureAlgorithm) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return slices.Contains([]jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512}, algorithm)
	case *ecdsa.PublicKey:
		return map[int]jose.SignatureAlgorithm{256: jose.ES256, 384: jose.ES384, 521: jose.ES512}[key.Curve.Params().BitSize] == algorithm
	case ed25519.PublicKey:
		return algorithm == jose.EdDSA
	}
	return false
}

// freshFor reads how long a Cache-Control header lets an answer be used, within our limits.
func freshFor(cacheControl string) time.Duration {
	var fresh time.Duration
	for directive := range strings.SplitSeq(strings.ToLower(cacheControl), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		seconds, err := strconv.Atoi(strings.Trim(value, `"`))
		switch {
		case name == "no-store" || name == "no-cache":
			return freshAtLeast
		case name == "max-age" && err == nil && seconds > 0:
			fresh = time.Duration(min(seconds, int(freshAtMost/time.Second))) * time.Second
		}
	}
	return min(max(fresh, freshAtLeast), freshAtMost)
}

// FixedKeys are keys that the configuration holds, not the platform.
type FixedKeys []jose.JSONWebKey

// ParseFixedKeys reads a JWKS of public keys.
func ParseFixedKeys(body []byte) (FixedKeys, error) { return parseKeySet(body) }

// Key implements KeySource.
func (k FixedKeys) Key(_ context.Context, id string, algorithm jose.SignatureAlgorithm) (any, error) {
	if key := find(k, id, algorithm); key != nil {
		return key, nil
	}
	return nil, identity.Refusal(identity.CredentialInvalid, errors.New("the token names a key that is not ours"))
}
