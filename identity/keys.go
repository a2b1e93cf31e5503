package identity

import (
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// Keys is a set of Ed25519 keys. The first private one signs; all are published and
// verify. It does not change and is safe for concurrent use.
//
// To rotate: add the new key behind the signing one, wait longer than anyone caches the
// published keys, move it to the front, wait for the longest token to die, remove the
// old one.
type Keys struct {
	public map[string]ed25519.PublicKey // by key id
	jwks   []byte                       // the published set
	access jose.Signer
	join   jose.Signer
	seeds  []namedSeed // of the private keys, in their order
}

// maxKeys bounds a set; verification costs the same for any number.
const maxKeys = 16

// NewKeys makes a set of one fresh key. Nothing keeps it: tokens die with the process.
func NewKeys(random io.Reader) (*Keys, error) {
	key, err := newKey(random)
	if err != nil {
		return nil, err
	}
	return newKeys([]jose.JSONWebKey{key})
}

// ParseKeys reads a key set: a JWKS of OKP Ed25519 keys, or PEM blocks "PRIVATE KEY"
// (PKCS#8) and "PUBLIC KEY". The first private key signs, keys without a private part
// only verify. A key without an id gets its thumbprint (RFC 7638). Errors name the
// place, never the content.
func ParseKeys(data []byte) (*Keys, error) {
	set, err := decodeKeys(data)
	if err != nil {
		return nil, err
	}
	return newKeys(set)
}

func newKey(random io.Reader) (jose.JSONWebKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("draw a signing key: %w", err)
	}
	return asJWK(ed25519.NewKeyFromSeed(seed), "")
}

// asJWK wraps an Ed25519 key, private or public, for signing.
func asJWK(key any, id string) (jose.JSONWebKey, error) {
	k := jose.JSONWebKey{Key: key, KeyID: id, Algorithm: string(jose.EdDSA), Use: "sig"}
	if id == "" {
		print, err := k.Thumbprint(crypto.SHA256)
		if err != nil {
			return jose.JSONWebKey{}, fmt.Errorf("thumbprint of a signing key: %w", err)
		}
		k.KeyID = base64.RawURLEncoding.EncodeToString(print)
	}
	return k, nil
}

// newKeys checks a list of keys and prepares it for use.
func newKeys(set []jose.JSONWebKey) (*Keys, error) {
	if len(set) > maxKeys {
		return nil, fmt.Errorf("%d keys, %d is the limit", len(set), maxKeys)
	}
	k := &Keys{public: make(map[string]ed25519.PublicKey, len(set))}
	published := jose.JSONWebKeySet{Keys: make([]jose.JSONWebKey, 0, len(set))}
	for i, key := range set {
		public, ok := key.Public().Key.(ed25519.PublicKey)
		if !ok {
			return nil, fmt.Errorf("key %d is not an Ed25519 key", i+1)
		}
		if _, twice := k.public[key.KeyID]; twice {
			return nil, fmt.Errorf("key %d has the id of another key", i+1)
		}
		k.public[key.KeyID] = public
		published.Keys = append(published.Keys, key.Public())
		if private, ok := key.Key.(ed25519.PrivateKey); ok {
			k.seeds = append(k.seeds, namedSeed{key.KeyID, private.Seed()})
		}
		if k.access == nil && !key.IsPublic() {
			if err := k.signWith(key); err != nil {
				return nil, err
			}
		}
	}
	if k.access == nil {
		return nil, errors.New("no private key among them: one must sign")
	}
	var err error
	k.jwks, err = json.Marshal(published)
	if err != nil {
		return nil, fmt.Errorf("encode published keys: %w", err)
	}
	return k, nil
}

// signWith makes key the one that signs.
func (k *Keys) signWith(key jose.JSONWebKey) error {
	for typ, signer := range map[jose.ContentType]*jose.Signer{accessType: &k.access, joinType: &k.join} {
		made, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key}, (&jose.SignerOptions{}).WithType(typ))
		if err != nil {
			return fmt.Errorf("prepare the signing key: %w", err)
		}
		*signer = made
	}
	return nil
}

// decodeKeys reads either form of a key set.
func decodeKeys(data []byte) ([]jose.JSONWebKey, error) {
	text := strings.TrimSpace(string(data))
	switch {
	case text == "":
		return nil, errors.New("the key set is empty")
	case strings.HasPrefix(text, "{"):
		return decodeJWKS([]byte(text))
	}
	return decodePEM([]byte(text))
}

func decodeJWKS(data []byte) ([]jose.JSONWebKey, error) {
	var doc struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, errors.New("the key set is not a JSON object with a list named keys")
	}
	set := make([]jose.JSONWebKey, 0, len(doc.Keys))
	for i, raw := range doc.Keys {
		var parsed jose.JSONWebKey
		if err := json.Unmarshal(raw, &parsed); err != nil {
			return nil, fmt.Errorf("key %d of the set is not a JSON Web Key", i+1)
		}
		key, err := ed25519JWK(parsed)
		if err != nil {
			return nil, fmt.Errorf("key %d of the set: %w", i+1, err)
		}
		set = append(set, key)
	}
	return set, nil
}

// ed25519JWK accepts what we sign with and nothing else.
func ed25519JWK(parsed jose.JSONWebKey) (jose.JSONWebKey, error) {
	switch parsed.Key.(type) {
	case ed25519.PrivateKey, ed25519.PublicKey:
	default:
		return jose.JSONWebKey{}, errors.New("it is not an Ed25519 key (kty OKP, crv Ed25519)")
	}
	if parsed.Algorithm != "" && parsed.Algorithm != string(jose.EdDSA) || parsed.Use != "" && parsed.Use != "sig" {
		return jose.JSONWebKey{}, errors.New("it is meant for something else than signing with EdDSA")
	}
	return asJWK(parsed.Key, parsed.KeyID)
}

func decodePEM(data []byte) ([]jose.JSONWebKey, error) {
	var set []jose.JSONWebKey
	for len(strings.TrimSpace(string(data))) > 0 {
		block, rest := pem.Decode(data)
		if block == nil {
			return nil, fmt.Errorf("no key after %d keys: expected JWKS or PEM", len(set))
		}
		data = rest
		key, err := pemKey(block)
		if err != nil {
			return nil, fmt.Errorf("PEM block %d: %w", len(set)+1, err)
		}
		set = append(set, key)
	}
	return set, nil
}

func pemKey(block *pem.Block) (jose.JSONWebKey, error) {
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	default:
		return jose.JSONWebKey{}, fmt.Errorf("a %q is neither PRIVATE KEY nor PUBLIC KEY", block.Type)
	}
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("the %s does not parse", strings.ToLower(block.Type))
	}
	return ed25519JWK(jose.JSONWebKey{Key: key})
}
