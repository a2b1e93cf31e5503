package identity

import (
	"crypto/rand"
	"slices"
	"testing"
)

func TestFingerprintsTellKeysApart(t *testing.T) {
	var texts [2][]byte
	var prints [2][]string
	for i := range texts {
		var err error
		if texts[i], err = NewKeySet(rand.Reader); err != nil {
			t.Fatal(err)
		}
		for range 2 { // read twice they are the same
			keys, err := ParseKeys(texts[i])
			if err != nil {
				t.Fatal(err)
			}
			if before := prints[i]; before != nil && !slices.Equal(before, keys.Fingerprints()) {
				t.Errorf("one set has %v and %v", before, keys.Fingerprints())
			}
			prints[i] = keys.Fingerprints()
		}
		if len(prints[i]) != 1 || len(prints[i][0]) != 2*fingerprintBytes {
			t.Errorf("a set of one key has %v", prints[i])
		}
	}
	if prints[0][0] == prints[1][0] {
		t.Error("two keys have one fingerprint")
	}
}
