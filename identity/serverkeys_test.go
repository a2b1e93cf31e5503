package identity

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"muster"
)

func TestServerKeys(t *testing.T) {
	old, oldHash, err := NewServerKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	fresh, freshHash, err := NewServerKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := NewServerKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(old, "msk_") || old == fresh {
		t.Fatalf("keys are %d and %d characters", len(old), len(fresh))
	}
	keys, err := NewServerKeys(oldHash, freshHash, oldHash)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]string{"an old key": old, "a fresh key": fresh} {
		if c, err := keys.Verify(key); err != nil || c != (muster.Caller{Scope: muster.ServerScope, Key: HashServerKey(key)[:16]}) {
			t.Errorf("%s: caller %+v, %v", name, c, err)
		}
	}
	for name, key := range map[string]string{
		"nothing": "", "another key": other, "a hash": oldHash, "half a key": old[:30], "a key without end": old + strings.Repeat("A", maxServerKey),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := keys.Verify(key)
			wantRefusal(t, err, muster.Unauthenticated, "server_key.invalid", key)
		})
	}
	if _, err := new(ServerKeys).Verify(old); err == nil {
		t.Error("no keys at all let one in")
	}
}

func TestHashesThatAreNone(t *testing.T) {
	for name, hashes := range map[string][]string{
		"not hexadecimal": {strings.Repeat("z", 64)}, "too short": {"abcd"}, "a key itself": {"msk_" + strings.Repeat("A", 43)},
		"too many": make([]string, maxServerKeys+1),
	} {
		if _, err := NewServerKeys(hashes...); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, _, err := NewServerKey(iotest.ErrReader(errors.New("dry"))); err == nil {
		t.Error("a key was made without randomness")
	}
}
