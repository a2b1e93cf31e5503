package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
)

// fingerprintBytes are enough to tell keys apart, and too few to be taken for one.
const fingerprintBytes = 8

// Fingerprints are hashes of the public keys and their ids: that of the key that signs
// first. Nothing follows from them.
func (k *Keys) Fingerprints() []string {
	ids := make([]string, 0, len(k.public))
	for _, s := range k.seeds {
		ids = append(ids, s.id)
	}
	for _, id := range slices.Sorted(maps.Keys(k.public)) {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for i, id := range ids {
		sum := sha256.Sum256(append([]byte(id+"\x00"), k.public[id]...))
		ids[i] = hex.EncodeToString(sum[:fingerprintBytes])
	}
	return ids
}
