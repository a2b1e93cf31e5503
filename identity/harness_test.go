package identity

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"testing"
	"time"

	"muster"
	"muster/store/memory"
)

// site is a Service with everything around it, and a clock that the test moves.
type site struct {
	*Service
	accounts *accounts
	store    muster.Store
	keys     *Keys

	mu  sync.Mutex
	now time.Time // guarded by mu
	ids int       // guarded by mu
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{accounts: &accounts{known: map[muster.Identity]account{}}, now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}
	s.store = memory.New(s.clock)
	var err error
	if s.keys, err = NewKeys(rand.Reader); err != nil {
		t.Fatal(err)
	}
	s.Service = New(s.options())
	return s
}

func (s *site) options() Options {
	return Options{
		Accounts: s.accounts, Store: s.store, Keys: s.keys, Issuer: "https://play.example", Audience: "muster",
		Now: s.clock, NewID: s.nextID, Random: rand.Reader,
	}
}

func (s *site) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *site) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// nextID makes ids that ascend, as UUIDv7 do.
func (s *site) nextID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids++
	return fmt.Sprintf("id-%08d", s.ids)
}

// guest signs a new guest in.
func (s *site) guest(t testing.TB) muster.Grant {
	t.Helper()
	grant, err := s.Guest(context.Background(), nil)
	if err != nil {
		t.Fatalf("new guest: %v", err)
	}
	return grant
}

// accounts is a fake of the rules, as far as sign-in needs them.
type accounts struct {
	mu     sync.Mutex
	known  map[muster.Identity]account // guarded by mu
	asked  int                         // guarded by mu; calls of FindIdentity
	fail   error                       // every call answers so, if set
	banned error                       // guarded by mu; ScopeOf answers so, if set
}

type account struct {
	player muster.PlayerID
	hash   []byte
}

func (a *accounts) EnsurePlayer(_ context.Context, id muster.Identity, secretHash []byte) (muster.PlayerID, bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fail != nil {
		return "", false, a.fail
	}
	if known, ok := a.known[id]; ok {
		return known.player, false, nil
	}
	player := muster.PlayerID(fmt.Sprintf("player-%d", len(a.known)+1))
	a.known[id] = account{player, secretHash}
	return player, true, nil
}

func (a *accounts) FindIdentity(_ context.Context, id muster.Identity) (muster.PlayerID, []byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	if a.fail != nil {
		return "", nil, a.fail
	}
	known, ok := a.known[id]
	if !ok {
		return "", nil, fmt.Errorf("read identity: %w", muster.ErrNotFound)
	}
	return known.player, known.hash, nil
}

// forget takes a way in away.
func (a *accounts) forget(id muster.Identity) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.known, id)
}

// ScopeOf counts how many identities lead to the player.
func (a *accounts) ScopeOf(_ context.Context, p muster.PlayerID, _ muster.SignInRef) (muster.Scope, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fail != nil {
		return "", a.fail
	}
	if a.banned != nil {
		return "", a.banned
	}
	scope, found := muster.GuestScope, false
	for id, known := range a.known {
		if known.player != p {
			continue
		}
		if found = true; id.Provider != muster.GuestProvider {
			scope = muster.PlayerScope
		}
	}
	if !found {
		return "", fmt.Errorf("read account: %w", muster.ErrNotFound)
	}
	return scope, nil
}

// wantRefusal fails unless err is an *Error of kind and code whose text, even with its
// cause, holds none of the secrets.
func wantRefusal(t *testing.T, err error, kind muster.Kind, code string, secrets ...string) {
	t.Helper()
	e, ok := err.(*muster.Error) //nolint:errorlint // it must be that very type, unwrapped
	if !ok || e.Kind != kind || e.Code != code {
		t.Fatalf("error is %v, want %v with code %s", err, kind, code)
	}
	for _, secret := range secrets {
		if secret != "" && contains(e.Error(), secret) {
			t.Errorf("the error repeats a secret: %v", e)
		}
	}
}

// contains is strings.Contains for secrets: a long common part counts.
func contains(text, secret string) bool {
	const window = 12
	for i := 0; i+window <= len(secret); i++ {
		for j := 0; j+window <= len(text); j++ {
			if text[j:j+window] == secret[i:i+window] {
				return true
			}
		}
	}
	return false
}
