package identity

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// ParseKeys reads a key set: a JWKS of Ed25519, P-256 or RSA keys, or PEM blocks "PRIVATE
// KEY" (PKCS#8) and "PUBLIC KEY". In a JWKS a key may have the member "nbf", in seconds since
// 1970: from then on it signs; "stolen" is a mark of ReplaceStolenKeys. Keys without a private
// part only verify. A key without an id gets its thumbprint (RFC 7638). Errors name the place,
// never the content.
func ParseKeys(data []byte) (*Keys, error) {
	set, err := decodeKeys(data)
	if err != nil {
		return nil, err
	}
	return newKeys(set)
}

// NewKeySet makes the text of a key set with one fresh private key, which ParseKeys
// reads: a JWKS. Whoever has it can be anybody.
func NewKeySet(random io.Reader) ([]byte, error) {
	return NewKeySetOf(EdDSA, random)
}

// NewKeySetOf is NewKeySet with a key of a kind.
func NewKeySetOf(kind KeyKind, random io.Reader) ([]byte, error) {
	key, err := newKey(kind, random)
	if err != nil {
		return nil, err
	}
	return encodeKeys([]setKey{{JSONWebKey: key}})
}

// encodeKeys writes a key set, private parts included.
func encodeKeys(set []setKey) ([]byte, error) {
	var doc struct {
		Keys []map[string]any `json:"keys"`
	}
	for _, key := range set {
		text, err := json.Marshal(key.JSONWebKey)
		if err != nil {
			return nil, fmt.Errorf("encode signing keys: %w", err)
		}
		var members map[string]any
		if err := json.Unmarshal(text, &members); err != nil {
			return nil, fmt.Errorf("encode signing keys: %w", err)
		}
		if !key.from.IsZero() {
			members["nbf"] = key.from.Unix()
		}
		if key.stolen {
			members["stolen"] = true
		}
		doc.Keys = append(doc.Keys, members)
	}
	data, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode signing keys: %w", err)
	}
	return append(data, '\n'), nil
}

// decodeKeys reads either form of a key set.
func decodeKeys(data []byte) ([]setKey, error) {
	text := strings.TrimSpace(string(data))
	switch {
	case text == "":
		return nil, errors.New("the key set is empty")
	case strings.HasPrefix(text, "{"):
		return decodeJWKS([]byte(text))
	}
	return decodePEM([]byte(text))
}

func decodeJWKS(data []byte) ([]setKey, error) {
	var doc struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, errors.New("the key set is not a JSON object with a list named keys")
	}
	set := make([]setKey, 0, len(doc.Keys))
	for i, raw := range doc.Keys {
		key, err := decodeKey(raw)
		if err != nil {
			return nil, fmt.Errorf("key %d of the set %w", i+1, err)
		}
		set = append(set, key)
	}
	return set, nil
}

// maxFrom bounds when a key begins to sign, in seconds since 1970: the year 9999.
const maxFrom = 253402300799

func decodeKey(raw json.RawMessage) (setKey, error) {
	var parsed jose.JSONWebKey
	if err := json.Unmarshal(raw, &parsed); err != nil {
		return setKey{}, errors.New("is not a JSON Web Key")
	}
	key, err := usable(parsed)
	if err != nil {
		return setKey{}, fmt.Errorf("cannot be used: %w", err)
	}
	var times struct {
		From *int64 `json:"nbf"`
	}
	if err := json.Unmarshal(raw, &times); err != nil || times.From != nil && (*times.From < 0 || *times.From > maxFrom) {
		return setKey{}, errors.New("says with nbf no time in seconds since 1970")
	}
	var mark struct {
		Stolen bool `json:"stolen"`
	}
	if err := json.Unmarshal(raw, &mark); err != nil {
		return setKey{}, errors.New("says with stolen neither true nor false")
	}
	all := setKey{JSONWebKey: key, stolen: mark.Stolen}
	if times.From != nil {
		all.from = time.Unix(*times.From, 0).UTC()
	}
	return all, nil
}

func decodePEM(data []byte) ([]setKey, error) {
	var set []setKey
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
		set = append(set, setKey{JSONWebKey: key})
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
	return usable(jose.JSONWebKey{Key: key})
}
