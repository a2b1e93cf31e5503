package identity

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// Derived is a secret that follows from a signing key, and from which the signing key
// does not follow. ID is the signing key's.
type Derived struct {
	ID     string
	Secret []byte // 32 bytes
}

// Derive makes a secret for a purpose of each private key, that of the key that signs
// first (RFC 5869, SHA-256): programs that share signing keys share them too. Use the first,
// accept any: so a rotation of the keys interrupts nothing.
func (k *Keys) Derive(purpose string) ([]Derived, error) {
	secrets := make([]Derived, 0, len(k.signing))
	for _, s := range k.sequence() {
		secret, err := hkdf.Key(sha256.New, s.secret, nil, "muster "+purpose, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("derive a secret: %w", err)
		}
		secrets = append(secrets, Derived{ID: s.id, Secret: secret})
	}
	return secrets, nil
}
