package provider

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"muster/identity"
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
	parse  func(body []byte) ([]jose.JSONWebKey, error)
	held   cached[[]jose.JSONWebKey]
}

// NewKeySet makes a KeySet of a fixed address. It fetches nothing before it is asked.
func NewKeySet(client *Client, address string, now func() time.Time) *KeySet {
	return newKeySetAt(client, func(context.Context) (string, error) { return address, nil }, now)
}

// newKeySetAt makes a KeySet of an address that is still to be found out.
func newKeySetAt(client *Client, at func(context.Context) (string, error), now func() time.Time) *KeySet {
	k := &KeySet{client: client, at: at, parse: parseKeySet}
	k.held.fetch, k.held.now = k.fetch, now
	return k
}

// Key implements KeySource.
func (k *KeySet) Key(ctx context.Context, id string, algorithm jose.SignatureAlgorithm) (any, error) {
	keys, err := k.held.get(ctx, func(keys []jose.JSONWebKey) bool { return find(keys, id, algorithm) != nil })
	if err != nil {
		return nil, err
	}
	if key := find(keys, id, algorithm); key != nil {
		return key, nil
	}
	return nil, identity.Refusal(identity.CredentialInvalid, errors.New("the token names a key that is not published"))
}

func (k *KeySet) fetch(ctx context.Context) ([]jose.JSONWebKey, time.Duration, error) {
	address, err := k.at(ctx)
	if err != nil {
		return nil, 0, err
	}
	answer, err := k.client.Do(ctx, Call{URL: address, Published: true})
	if err != nil {
		return nil, 0, err
	}
	if answer.Status != http.StatusOK {
		return nil, 0, k.client.Misconfigured(ctx, fmt.Sprintf("there is no key set at %q: status %d", shown(address), answer.Status))
	}
	keys, err := k.parse(answer.Body)
	if err != nil {
		return nil, 0, k.client.Misconfigured(ctx, fmt.Sprintf("the answer of %q does not do: %v", shown(address), err))
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
