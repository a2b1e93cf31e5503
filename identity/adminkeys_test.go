package identity

import (
	"crypto/rand"
	"strings"
	"testing"
	"testing/iotest"

	"muster"
)

func TestAdminKeys(t *testing.T) {
	good, hash, err := NewAdminKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	server, _, err := NewServerKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := NewAdminKeys(hash)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(good, "mak_") {
		t.Errorf("the key has no prefix")
	}
	if c, err := keys.Verify(good); err != nil || c != (muster.Caller{Scope: muster.AdminScope, Key: hash[:16]}) {
		t.Errorf("caller %+v, %v", c, err)
	}
	for name, key := range map[string]string{
		"nothing": "", "a server key": server, "a hash": hash, "half a key": good[:30], "a key without end": good + strings.Repeat("A", maxServerKey),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := keys.Verify(key)
			wantRefusal(t, err, muster.Unauthenticated, "admin_key.invalid", key)
		})
	}
	if _, err := new(AdminKeys).Verify(good); err == nil {
		t.Error("no keys at all let one in")
	}
	if _, err := NewAdminKeys("no hash"); err == nil || strings.Contains(err.Error(), "no hash") {
		t.Errorf("a hash that is none: %v", err)
	}
	if _, _, err := NewAdminKey(iotest.ErrReader(iotest.ErrTimeout)); err == nil {
		t.Error("a key was made without randomness")
	}
}
