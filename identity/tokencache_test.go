package identity

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"testing"
	"time"

	"muster"
)

func TestARememberedTokenIsNoBetterThanTheTokenItself(t *testing.T) {
	ctx := context.Background()
	s := newSite(t)
	ring := NewKeyRing(s.keys)
	o := s.options()
	o.Keys = ring
	s.Service = New(o)
	token := s.guest(t).AccessToken
	first, err := s.Verify(ctx, token)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.Verify(ctx, token); err != nil || again != first {
		t.Errorf("the second time it is %+v (%v)", again, err)
	}
	if len(s.verified.young) != 1 {
		t.Errorf("%d tokens are remembered", len(s.verified.young))
	}
	_, err = s.Verify(ctx, token+"A")
	wantRefusal(t, err, muster.Unauthenticated, "token.invalid")
	s.pass(DefaultAccessTTL - time.Second)
	if _, err := s.Verify(ctx, token); err != nil {
		t.Errorf("a second before its end: %v", err)
	}
	s.pass(time.Second)
	_, err = s.Verify(ctx, token)
	wantRefusal(t, err, muster.Unauthenticated, "token.expired")

	second, err := s.Guest(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Verify(ctx, second.AccessToken); err != nil {
		t.Fatal(err)
	}
	other, err := NewKeys(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ring.Replace(other)
	_, err = s.Verify(ctx, second.AccessToken)
	wantRefusal(t, err, muster.Unauthenticated, "token.invalid")
	ring.Replace(s.keys)
	if _, err := s.Verify(ctx, second.AccessToken); err != nil {
		t.Errorf("with the keys back: %v", err)
	}
}

func TestRememberedTokensAreBoundedAndTheUsedOnesStay(t *testing.T) {
	keys, err := NewKeys(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var v verifiedTokens
	now := time.Now()
	hash := func(i int) (h tokenHash) {
		binary.BigEndian.PutUint64(h[:], uint64(i)) //nolint:gosec // a test
		return h
	}
	used := hash(-1)
	v.keep(keys, used, someone, now.Add(time.Hour))
	for i := range 4 * halfOfTokens {
		v.keep(keys, hash(i), someone, now.Add(time.Hour))
		if i%(halfOfTokens/2) == 0 {
			if _, ok := v.find(keys, used, now); !ok {
				t.Fatalf("after %d others the one that is used is forgotten", i)
			}
		}
		if len(v.young)+len(v.old) > 2*halfOfTokens {
			t.Fatalf("%d tokens are remembered", len(v.young)+len(v.old))
		}
	}
	if _, ok := v.find(keys, hash(0), now); ok {
		t.Error("one that nobody used is remembered")
	}
}
