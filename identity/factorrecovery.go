package identity

import (
	"crypto/subtle"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A recovery code has 120 bits, in four groups of six characters: so a plain hash of it cannot
// be searched (ASVS 5.0, 6.5.2).
const (
	recoveryCodes = 10
	recoveryBytes = 15
	recoveryGroup = 6
)

// newRecoveryCodes draws recovery codes, and the hashes that are kept of them.
func newRecoveryCodes(random io.Reader) (codes []string, hashes [][]byte, err error) {
	for range recoveryCodes {
		bits := make([]byte, recoveryBytes)
		if _, err := io.ReadFull(random, bits); err != nil {
			return nil, nil, fmt.Errorf("draw a recovery code: %w", err)
		}
		text := codeAlphabet.EncodeToString(bits)
		hashes = append(hashes, hashText(text))
		var groups []string
		for group := range slices.Chunk([]byte(text), recoveryGroup) {
			groups = append(groups, string(group))
		}
		codes = append(codes, strings.Join(groups, "-"))
	}
	return codes, hashes, nil
}

// withoutRecoveryCode takes the code that somebody read out of the hashes, if it is one of
// them. Case, spaces and hyphens do not matter.
func withoutRecoveryCode(hashes [][]byte, said string) (left [][]byte, ok bool) {
	hash := hashText(strings.Map(codeRune, said))
	at := -1
	for i := range hashes {
		if subtle.ConstantTimeCompare(hashes[i], hash) == 1 {
			at = i
		}
	}
	if at < 0 {
		return nil, false
	}
	return slices.Delete(slices.Clone(hashes), at, at+1), true
}
