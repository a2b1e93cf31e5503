package identity

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"testing"

	"muster"
)

// The vectors of the reference implementation, github.com/P-H-C/phc-winner-argon2, test.c.
func TestHashesOfTheReferenceImplementation(t *testing.T) {
	h := NewPasswordHasher(HashOptions{}, rand.Reader)
	for _, phc := range []string{
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
	} {
		right, _, err := h.verify(context.Background(), "password", []byte(phc))
		if err != nil || !right {
			t.Errorf("%s: %v, %v", phc, right, err)
		}
		if right, _, err := h.verify(context.Background(), "Password", []byte(phc)); err != nil || right {
			t.Errorf("%s and another password: %v, %v", phc, right, err)
		}
	}
}

func TestAHashSaysWhatItCost(t *testing.T) {
	ctx := context.Background()
	h := NewPasswordHasher(HashOptions{MemoryKiB: 64, Passes: 3}, rand.Reader)
	phc, err := h.hash(ctx, annWords)
	if err != nil || !strings.HasPrefix(string(phc), "$argon2id$v=19$m=64,t=3,p=1$") {
		t.Fatalf("%s, %v", phc, err)
	}
	other, err := h.hash(ctx, annWords)
	if err != nil || string(other) == string(phc) {
		t.Errorf("two hashes of one password are the same, or %v", err)
	}
	for name, c := range map[string]struct {
		options         HashOptions
		right, outdated bool
	}{
		"at the same costs": {HashOptions{MemoryKiB: 64, Passes: 3}, true, false},
		"at higher ones":    {HashOptions{MemoryKiB: 128, Passes: 3}, true, true},
		"at lower ones":     {HashOptions{MemoryKiB: 64, Passes: 2}, true, false},
	} {
		right, outdated, err := NewPasswordHasher(c.options, rand.Reader).verify(ctx, annWords, phc)
		if err != nil || right != c.right || outdated != c.outdated {
			t.Errorf("%s: right %v, outdated %v, %v", name, right, outdated, err)
		}
	}
	if right, _, err := h.verify(ctx, "", nil); err != nil || right {
		t.Errorf("no hash: %v, %v", right, err)
	}
}

func TestHashesThatAreNotOurs(t *testing.T) {
	h := NewPasswordHasher(HashOptions{MemoryKiB: 64}, rand.Reader)
	for name, phc := range map[string]string{
		"bcrypt":           "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"argon2i":          "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"endless memory":   "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"endless passes":   "$argon2id$v=19$m=256,t=65,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"several lanes":    "$argon2id$v=19$m=256,t=2,p=4$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"something behind": "$argon2id$v=19$m=256,t=2,p=1x$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"a short sum":      "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65",
		"a bad salt":       "$argon2id$v=19$m=256,t=2,p=1$!!!!$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"a guest's":        "\x01\x02\x03",
	} {
		if _, _, err := h.verify(context.Background(), "password", []byte(phc)); muster.KindOf(err) != muster.Internal || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// However many come at once: so many are computed, so many wait, and the rest is refused.
func TestHashingIsBounded(t *testing.T) {
	const atOnce, queue, callers = 2, 3, 20
	h := NewPasswordHasher(HashOptions{AtOnce: atOnce, Queue: queue}, rand.Reader)
	var mu sync.Mutex
	running, most := 0, 0
	started, release := make(chan struct{}, callers), make(chan struct{})
	h.derive = func(password, salt []byte, p hashParams) []byte {
		mu.Lock()
		running++
		most = max(most, running)
		mu.Unlock()
		started <- struct{}{}
		<-release
		mu.Lock()
		running--
		mu.Unlock()
		return quickly(password, salt, p)
	}
	refused := make(chan error, callers)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			if _, err := h.hash(context.Background(), annWords); err != nil {
				refused <- err
			}
		})
	}
	for range callers - atOnce - queue { // all that are too many come back while nothing is done
		e, ok := (<-refused).(*muster.Error) //nolint:errorlint // it must be that very type
		if !ok || e.Code != "password.busy" || e.Kind != muster.Exhausted || e.RetryAfter == 0 {
			t.Errorf("refused with %v", e)
		}
	}
	for range atOnce {
		<-started
	}
	close(release)
	wg.Wait()
	if most != atOnce || len(refused) != 0 || h.waiting.Load() != 0 {
		t.Errorf("%d at once, %d more refused, %d left waiting", most, len(refused), h.waiting.Load())
	}
}

func TestWhoGivesUpLeavesTheQueue(t *testing.T) {
	h := NewPasswordHasher(HashOptions{AtOnce: 1, Queue: 1}, rand.Reader)
	h.slots <- struct{}{} // somebody computes
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := h.hash(ctx, annWords); err == nil || h.waiting.Load() != 0 {
		t.Errorf("%v, %d waiting", err, h.waiting.Load())
	}
}

func FuzzPHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")
	f.Add("$argon2id$v=19$m=0256,t=2,p=1$c29tZXNhbHQ$")
	f.Fuzz(func(t *testing.T, text string) {
		p, salt, sum, err := parsePHC(text)
		if err != nil {
			return
		}
		if p.memoryKiB > maxHashMemory || p.passes > maxHashPasses {
			t.Errorf("%q costs %+v", text, p)
		}
		if again := string(encodePHC(p, salt, sum)); len(again) > len(text) || again[:20] != text[:20] {
			t.Errorf("%q is %q", text, again)
		}
	})
}
