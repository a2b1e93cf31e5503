package identity

import (
	"bytes"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
)

// sealed is FactorSeals of several replicas over one store.
type sealed struct {
	*site
	log bytes.Buffer
}

// replica is a FactorSeal with keys of its own.
func (s *sealed) replica(keys *Keys) (*FactorSeal, *KeyRing) {
	ring := NewKeyRing(keys)
	return NewFactorSeal(FactorSealOptions{
		Store: s.store, Keys: ring, NewID: s.nextID, Now: s.clock, Random: rand.Reader, Log: slog.New(slog.NewTextHandler(&s.log, nil)),
	}), ring
}

// keySets are one key, that with its successor, and the successor alone.
func keySets(t *testing.T) (first, both, second *Keys) {
	t.Helper()
	a, err := newKey(EdDSA, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b, err := newKey(EdDSA, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set := func(keys ...setKey) *Keys {
		all, err := newKeys(keys)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	return set(setKey{JSONWebKey: a}), set(setKey{JSONWebKey: a}, setKey{JSONWebKey: b}), set(setKey{JSONWebKey: b})
}

func wantOpen(t *testing.T, f *FactorSeal, id string, sealed []byte, want string) {
	t.Helper()
	if got, err := f.open(t.Context(), id, sealed); err != nil || string(got) != want {
		t.Errorf("it opens to %q, %v; want %q", got, err, want)
	}
}

func TestWhatIsSealedOutlivesTheSigningKeys(t *testing.T) {
	s := &sealed{site: newSite(t)}
	first, both, second := keySets(t)
	f, ring := s.replica(first)
	id, text, err := f.seal(t.Context(), []byte("of 2026"))
	if err != nil {
		t.Fatal(err)
	}
	ring.Replace(both)
	if err := f.Follow(t.Context()); err != nil { // as Run does each minute
		t.Fatal(err)
	}
	other, _ := s.replica(both)
	wantOpen(t, other, id, text, "of 2026")
	s.pass(40 * 24 * time.Hour)
	late, _ := s.replica(second)
	wantOpen(t, late, id, text, "of 2026")
	gone, _ := s.replica(first) // somebody who has the key that was dropped, and the store
	if _, err := gone.open(t.Context(), id, text); muster.KindOf(err) != muster.Unavailable {
		t.Errorf("the key of long ago still opens it: %v", err)
	}
}

func TestAReplicaWithOlderKeysTakesNothingAway(t *testing.T) {
	s := &sealed{site: newSite(t)}
	first, both, second := keySets(t)
	ahead, _ := s.replica(both)
	id, text, err := ahead.seal(t.Context(), []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	behind, _ := s.replica(first)
	wantOpen(t, behind, id, text, "secret")
	late, _ := s.replica(second)
	wantOpen(t, late, id, text, "secret")
}

func TestKeysThatAreReplacedAtOnceLoseWhatWasSealed(t *testing.T) {
	s := &sealed{site: newSite(t)}
	first, _, second := keySets(t)
	f, _ := s.replica(first)
	id, text, err := f.seal(t.Context(), []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	after, _ := s.replica(second)
	if _, err := after.open(t.Context(), id, text); err == nil || !strings.Contains(err.Error(), "recovery code") {
		t.Errorf("it gives %v", err)
	}
	if !strings.Contains(s.log.String(), "recovery codes still work") {
		t.Errorf("the log says %q", s.log.String())
	}
	newID, newText, err := after.seal(t.Context(), []byte("another"))
	if err != nil || newID == id {
		t.Fatalf("a new one is sealed by %s, %v", newID, err)
	}
	wantOpen(t, after, newID, newText, "another")
	wantOpen(t, f, id, text, "secret") // the replica that has not seen it yet
	again, _ := s.replica(first)       // and the old keys, put back
	wantOpen(t, again, id, text, "secret")
}

func TestAReplicaThatRunsSealsByKeysThatReplaceAllOthers(t *testing.T) {
	s := &sealed{site: newSite(t)}
	first, _, second := keySets(t)
	f, ring := s.replica(first)
	id, text, err := f.seal(t.Context(), []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	ring.Replace(second)
	if err := f.Follow(t.Context()); err != nil { // as Run does each minute
		t.Fatal(err)
	}
	after, _ := s.replica(second)
	wantOpen(t, after, id, text, "secret")
}

func TestOfManyFirstSealsOneKeyIsLeft(t *testing.T) {
	s := &sealed{site: newSite(t)}
	first, _, _ := keySets(t)
	var mu sync.Mutex
	var ids []string
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			f, _ := s.replica(first)
			id, text, err := f.seal(t.Context(), []byte("secret"))
			if err != nil {
				t.Error(err)
			}
			wantOpen(t, f, id, text, "secret")
			mu.Lock()
			defer mu.Unlock()
			ids = append(ids, id)
		})
	}
	wg.Wait()
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) != 1 {
		t.Errorf("there are the keys %v", ids)
	}
}

func TestWithoutSecondFactorsNothingIsKept(t *testing.T) {
	s := &sealed{site: newSite(t)}
	first, _, _ := keySets(t)
	f, _ := s.replica(first)
	if err := f.follow(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if rec, err := s.store.Get(t.Context(), factorKeysKey()); !errors.Is(err, muster.ErrNotFound) {
		t.Errorf("there is %s, %v", rec.Value, err)
	}
}
