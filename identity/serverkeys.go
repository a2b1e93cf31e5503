package identity

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"muster"
)

// serverKeyPrefix marks a server key, so that scanners of published code find it.
const serverKeyPrefix = "msk_"

// Bounds of server keys.
const (
	maxServerKey  = 256 // bytes of text; ours have 47
	maxServerKeys = 64  // every check compares with all of them
)

// NewServerKey makes a key for game servers, and its HashServerKey.
func NewServerKey(random io.Reader) (key, hash string, err error) {
	secret, err := newSecretText(random)
	if err != nil {
		return "", "", err
	}
	key = serverKeyPrefix + secret
	return key, HashServerKey(key), nil
}

// HashServerKey is what a configuration keeps of a key: hexadecimal SHA-256, which
// nobody can search back to 256 random bits.
func HashServerKey(key string) string { return hex.EncodeToString(hashText(key)) }

// IsWholeKey says that text is in the form of a key as NewServerKey and NewAdminKey make them: one
// that was cut off is not.
func IsWholeKey(text string) bool {
	secret, server := strings.CutPrefix(text, serverKeyPrefix)
	if !server {
		var admin bool
		if secret, admin = strings.CutPrefix(text, adminKeyPrefix); !admin {
			return false
		}
	}
	raw, err := base64.RawURLEncoding.DecodeString(secret)
	return err == nil && len(raw) == secretBytes
}

// KeyFingerprint names a key in records: the first digits of its hash.
func KeyFingerprint(key string) string { return HashServerKey(key)[:2*fingerprintBytes] }

// ServerKeys are the keys that game servers may show. The zero value accepts none. It
// does not change and is safe for concurrent use.
type ServerKeys struct{ hashes [][]byte }

// NewServerKeys reads the hashes that NewServerKey made. Several allow rotation.
func NewServerKeys(hashes ...string) (*ServerKeys, error) {
	return newHashedKeys("server", hashes)
}

// newHashedKeys reads the hashes of keys; whose is for messages.
func newHashedKeys(whose string, hashes []string) (*ServerKeys, error) {
	if len(hashes) > maxServerKeys {
		return nil, fmt.Errorf("%d %s keys, %d is the limit", len(hashes), whose, maxServerKeys)
	}
	k := &ServerKeys{}
	for i, text := range hashes {
		hash, err := hex.DecodeString(text)
		if err != nil || len(hash) != sha256.Size {
			return nil, fmt.Errorf("%s key %d: its hash is not %d hexadecimal digits", whose, i+1, 2*sha256.Size)
		}
		k.hashes = append(k.hashes, hash)
	}
	return k, nil
}

// Verify says that key is one of them. It compares with every hash in constant time,
// whichever matches. A wrong key is Unauthenticated.
func (k *ServerKeys) Verify(key string) (muster.Caller, error) {
	known := 0
	if len(key) <= maxServerKey {
		presented := hashText(key)
		for _, hash := range k.hashes {
			known |= subtle.ConstantTimeCompare(presented, hash)
		}
	}
	if known != 1 {
		return muster.Caller{}, muster.Errorf(muster.Unauthenticated, "server_key.invalid", "the server key is not valid")
	}
	return muster.Caller{Scope: muster.ServerScope, Key: KeyFingerprint(key)}, nil
}
