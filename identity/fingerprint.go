package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// fingerprintBytes are enough to tell keys apart, and too few to be taken for one.
const fingerprintBytes = 8

// Fingerprints are hashes of the public keys and their ids: that of the key that signs
// first. Nothing follows from them.
func (k *Keys) Fingerprints() []string {
	ids := []string{k.current().id}
	for _, id := range slices.Sorted(slices.Values(k.ids)) {
		if id != ids[0] {
			ids = append(ids, id)
		}
	}
	for i, id := range ids {
		sum := sha256.Sum256(append([]byte(id+"\x00"), publicBytes(k.public[id].key)...))
		ids[i] = hex.EncodeToString(sum[:fingerprintBytes])
	}
	return ids
}
