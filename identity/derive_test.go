package identity

import (
	"bytes"
	"crypto/rand"
	"testing"
)

func TestSecretsFollowFromThePrivateKeysAlone(t *testing.T) {
	first, err := NewKeySet(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parse := func(text []byte) *Keys {
		keys, err := ParseKeys(text)
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	derive := func(keys *Keys, purpose string) []Derived {
		secrets, err := keys.Derive(purpose)
		if err != nil {
			t.Fatal(err)
		}
		return secrets
	}
	a, b := derive(parse(first), "mail"), derive(parse(first), "mail")
	if len(a) != 1 || len(a[0].Secret) != 32 || a[0].ID == "" || a[0].ID != b[0].ID || !bytes.Equal(a[0].Secret, b[0].Secret) {
		t.Errorf("the same keys give %v and %v", a, b)
	}
	if other := derive(parse(first), "more mail"); bytes.Equal(other[0].Secret, a[0].Secret) {
		t.Error("two purposes share a secret")
	}
	second, err := NewKeySet(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if other := derive(parse(second), "mail"); bytes.Equal(other[0].Secret, a[0].Secret) {
		t.Error("two keys share a secret")
	}
}
