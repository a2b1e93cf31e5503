package identity

import (
	"io"

	"muster"
)

// adminKeyPrefix marks an admin key, so that scanners of published code find it.
const adminKeyPrefix = "mak_"

// NewAdminKey makes a key for operators, and its HashAdminKey.
func NewAdminKey(random io.Reader) (key, hash string, err error) {
	secret, err := newSecretText(random)
	if err != nil {
		return "", "", err
	}
	key = adminKeyPrefix + secret
	return key, HashAdminKey(key), nil
}

// HashAdminKey is what a configuration keeps of a key, as HashServerKey is.
func HashAdminKey(key string) string { return HashServerKey(key) }

// AdminKeys are the keys that operators may show. The zero value accepts none. It does
// not change and is safe for concurrent use.
type AdminKeys struct{ keys ServerKeys }

// NewAdminKeys reads the hashes that NewAdminKey made. Several allow rotation.
func NewAdminKeys(hashes ...string) (*AdminKeys, error) {
	keys, err := newHashedKeys("admin", hashes)
	if err != nil {
		return nil, err
	}
	return &AdminKeys{*keys}, nil
}

// Verify says that key is one of them, in constant time. A wrong key is
// Unauthenticated.
func (k *AdminKeys) Verify(key string) (muster.Caller, error) {
	caller, err := k.keys.Verify(key)
	if err != nil {
		return muster.Caller{}, muster.Errorf(muster.Unauthenticated, "admin_key.invalid", "the admin key is not valid")
	}
	caller.Scope = muster.AdminScope
	return caller, nil
}
