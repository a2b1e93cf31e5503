package identity

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	rand2 "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"muster"
	"muster/store/memory"
)

// gateway checks tokens as API Gateway does: by a key set that it fetches every two hours
// and never in between.
type gateway struct {
	fetch func() []byte
	keys  jose.JSONWebKeySet
	until time.Time
}

func (g *gateway) check(t *testing.T, now time.Time, token, audience string) {
	t.Helper()
	if !now.Before(g.until) {
		g.keys, g.until = jose.JSONWebKeySet{}, now.Add(2*time.Hour)
		if err := json.Unmarshal(g.fetch(), &g.keys); err != nil {
			t.Fatalf("the published keys: %v", err)
		}
	}
	parsed, err := jwt.ParseSigned(token, algorithmsAccepted)
	if err != nil {
		t.Fatalf("a token does not parse: %v", err)
	}
	found := g.keys.Key(parsed.Headers[0].KeyID)
	if len(found) != 1 || found[0].Algorithm != parsed.Headers[0].Algorithm {
		t.Fatalf("at %v the gateway has %d keys for a token", now, len(found))
	}
	var claims jwt.Claims
	if err := parsed.Claims(found[0].Key, &claims); err != nil {
		t.Fatalf("at %v a token's signature is not good: %v", now, err)
	}
	if err := claims.Validate(jwt.Expected{Issuer: "https://play.example", AnyAudience: jwt.Audience{audience}, Time: now}); err != nil {
		t.Fatalf("at %v a token is refused: %v", now, err)
	}
}

// lateReplica is a Service with keys that it reads off the file from time to time.
type lateReplica struct {
	*Service
	ring *KeyRing
	lag  time.Duration
	next time.Time // when it reads the file again
}

// Keys rotate several times while two replicas give out tokens every minute. All that was
// given out is good everywhere until it ends: at both replicas, and at a gateway that
// caches keys for two hours. So are socket tickets, join tokens and what is derived.
func TestKeysRotateUnderLoadAndNothingFails(t *testing.T) {
	for _, kind := range []KeyKind{EdDSA, ES256} {
		t.Run(string(kind), func(t *testing.T) {
			seeds := uint64(4)
			if testing.Short() {
				seeds = 1
			}
			for seed := range seeds {
				rotateUnderLoad(t, kind, rand2.New(rand2.NewPCG(seed, 5))) //nolint:gosec // a test
			}
		})
	}
}

func rotateUnderLoad(t *testing.T, kind KeyKind, random *rand2.Rand) {
	t.Helper()
	s := &site{accounts: &accounts{known: map[muster.Identity]account{}}, now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}
	file, err := NewKeySetOf(kind, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s.store = memory.New(s.clock)
	replicas := make([]*lateReplica, 2)
	for i := range replicas {
		keys, err := ParseKeys(file)
		if err != nil {
			t.Fatal(err)
		}
		replicas[i] = &lateReplica{ring: NewKeyRing(keys), lag: time.Duration(1+random.IntN(19)) * time.Minute}
		o := s.options()
		o.Keys = replicas[i].ring
		replicas[i].Service = New(o)
	}
	gateways := []*gateway{{fetch: replicas[0].JWKS}, {fetch: replicas[1].JWKS}}
	signers := map[string]bool{}
	type issued struct {
		access, ticket string
		join           muster.SeatView
		by             int
		at             time.Time
	}
	var out []issued
	rotateIn := time.Duration(random.IntN(90)) * time.Minute
	for minute := range 16 * 60 {
		now := s.clock()
		if rotateIn -= time.Minute; rotateIn < 0 {
			if file, _, err = RotateKeys(file, now, Rotation{Keep: time.Hour, Random: rand.Reader}); err != nil {
				t.Fatal(err)
			}
			rotateIn = time.Duration(10+random.IntN(390)) * time.Minute
		}
		for _, r := range replicas {
			if !now.Before(r.next) {
				keys, err := ParseKeys(file)
				if err != nil {
					t.Fatal(err)
				}
				r.ring.Replace(keys)
				r.next = now.Add(r.lag)
			}
		}
		if minute%5 == 0 {
			for i, r := range replicas {
				given := issued{by: i, at: now}
				if given.access, err = r.accessToken(someone); err != nil {
					t.Fatal(err)
				}
				if given.ticket, _, err = r.SocketTicket(context.Background(), someone); err != nil {
					t.Fatal(err)
				}
				if err := r.JoinToken(&given.join, someone.Player); err != nil {
					t.Fatal(err)
				}
				if caller, err := replicas[1-i].RedeemSocketTicket(context.Background(), given.ticket); err != nil || caller != someone {
					t.Fatalf("at %v a socket ticket of the other replica is refused: %v", now, err)
				}
				mine, err := r.keys.At(now).Derive("mesh")
				if err != nil {
					t.Fatal(err)
				}
				theirs, err := replicas[1-i].keys.At(now).Derive("mesh")
				if err != nil || !slices.ContainsFunc(theirs, func(d Derived) bool { return d.ID == mine[0].ID && bytes.Equal(d.Secret, mine[0].Secret) }) {
					t.Fatalf("at %v the other replica does not know what this one seals with (%v)", now, err)
				}
				signers[mine[0].ID] = true
				out = append(out, given)
			}
		}
		out = slices.DeleteFunc(out, func(g issued) bool { return now.Sub(g.at) >= 10*time.Minute })
		for _, given := range []issued{out[0], out[len(out)-1]} { // those between them are no different
			for _, r := range replicas {
				if caller, err := r.Verify(context.Background(), given.access); err != nil || caller != someone {
					t.Fatalf("at %v a token of %v is refused: %v", now, given.at, err)
				}
			}
			for _, g := range gateways {
				g.check(t, now, given.access, "muster")
				g.check(t, now, given.join.JoinToken, JoinAudience)
			}
		}
		s.pass(time.Minute)
	}
	if len(signers) < 3 {
		t.Fatalf("only %d keys have signed", len(signers))
	}
	set, err := decodeKeys(file)
	if err != nil || len(set) > 3 {
		t.Fatalf("in the end there are %d keys (%v)", len(set), err)
	}
}

func TestRotationStepByStep(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	text, err := NewKeySet(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer := func(at time.Time) string {
		keys, err := ParseKeys(text)
		if err != nil {
			t.Fatal(err)
		}
		return keys.At(at).current().id
	}
	rotate := func(r Rotation) Rotated {
		r.Random = rand.Reader
		next, done, err := RotateKeys(text, now, r)
		if err != nil {
			t.Fatal(err)
		}
		text = next
		return done
	}
	old := signer(now)
	if early := rotate(Rotation{After: 30 * 24 * time.Hour}); early.Added == "" { // it does not say since when it signs
		t.Errorf("a key without a beginning gets no successor: %+v", early)
	}
	first := signer(now.Add(DefaultKeyWait))
	if signer(now) != old || first == old || signer(now.Add(DefaultKeyWait-time.Second)) != old {
		t.Error("the new key does not sign just when it should")
	}
	if again := rotate(Rotation{}); again.Added != "" || len(again.Dropped) > 0 || !again.SignsAt.Equal(now.Add(DefaultKeyWait)) {
		t.Errorf("while one waits another step does %+v", again)
	}
	now = now.Add(DefaultKeyWait + DefaultKeyKeep - time.Second)
	if early := rotate(Rotation{After: 48 * time.Hour}); early.Added != "" || len(early.Dropped) > 0 {
		t.Errorf("a second too early a step does %+v", early)
	}
	now = now.Add(time.Second)
	if over := rotate(Rotation{After: 48 * time.Hour}); over.Added != "" || !slices.Equal(over.Dropped, []string{old}) {
		t.Errorf("when the last token has died a step does %+v", over)
	}
	if rsa := rotate(Rotation{Kind: RS256, Wait: time.Minute}); rsa.Added == "" {
		t.Errorf("the next step does %+v", rsa)
	}
	keys, err := ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	if keys.At(now).current().alg != jose.EdDSA || keys.At(now.Add(time.Minute)).current().alg != jose.RS256 {
		t.Error("the kinds do not follow each other")
	}
	for name, data := range map[string]string{"nothing": "", "no keys": "{}", "nonsense": "hello"} {
		if _, _, err := RotateKeys([]byte(data), now, Rotation{Random: rand.Reader}); err == nil {
			t.Errorf("%s was rotated", name)
		}
	}
	if _, _, err := RotateKeys(jwksOf(t, newPrivate(t)), now, Rotation{Random: iotest.ErrReader(errors.New("dry"))}); err == nil {
		t.Error("a key was made without randomness")
	}
}

func TestTokensOfEveryKindOfKey(t *testing.T) {
	for _, kind := range []KeyKind{EdDSA, ES256, RS256} {
		t.Run(string(kind), func(t *testing.T) {
			s := newSite(t)
			text, err := NewKeySetOf(kind, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			if s.keys, err = ParseKeys(text); err != nil {
				t.Fatal(err)
			}
			s.Service = New(s.options())
			grant := s.guest(t)
			if _, err := s.Verify(context.Background(), grant.AccessToken); err != nil {
				t.Fatal(err)
			}
			g := gateway{fetch: s.JWKS}
			g.check(t, s.clock(), grant.AccessToken, "muster")
			if !strings.Contains(string(s.Configuration()), `"id_token_signing_alg_values_supported":["`+s.keys.algs[0]+`"]`) {
				t.Errorf("the configuration is %s", s.Configuration())
			}
			if strings.Contains(string(s.JWKS()), `"d"`) || strings.Contains(string(s.JWKS()), `"p"`) {
				t.Error("a private part is published")
			}
			ticket, _, err := s.SocketTicket(context.Background(), someone)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.RedeemSocketTicket(context.Background(), ticket); err != nil {
				t.Error(err)
			}
			if again, err := ParseKeys(text); err != nil || !slices.Equal(again.Fingerprints(), s.keys.Fingerprints()) {
				t.Errorf("read again the set is another (%v)", err)
			}
		})
	}
	if _, err := NewKeySetOf("hs256", rand.Reader); err == nil {
		t.Error("a key of no kind was made")
	}
}

func TestAKeyThatOnlyVerifiesIsNotDropped(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	foreign := newPrivate(t)
	text, _, err := RotateKeys(jwksOf(t, newPrivate(t), foreign.Public()), now, Rotation{Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	next, done, err := RotateKeys(text, now.Add(48*time.Hour), Rotation{After: 72 * time.Hour, Random: rand.Reader})
	set, _ := decodeKeys(next)
	if err != nil || len(done.Dropped) != 1 || len(set) != 2 || !set[0].IsPublic() {
		t.Errorf("left are %d keys, dropped %v (%v)", len(set), done.Dropped, err)
	}
}

func TestAWatchTakesWhatIsGoodAndKeepsWhatItHasOtherwise(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, KeyFile)
	first, err := LoadOrCreateKeys(dir, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	w := &KeyWatch{
		Ring: NewKeyRing(first), From: path, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Read: func(context.Context) ([]byte, error) { return ReadKeyFile(path) },
	}
	signer := func() string { return w.Ring.At(time.Time{}).current().id }
	write := func(text string) {
		if err := WriteKeyFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	w.look(t.Context())
	if signer() != first.current().id || log.Len() > 0 {
		t.Errorf("the same file changed something: %s", log.String())
	}
	write("{broken")
	for range 3 {
		w.look(t.Context())
	}
	if signer() != first.current().id || strings.Count(log.String(), "cannot be used") != 1 || !strings.Contains(log.String(), "from=") {
		t.Errorf("a broken file: %s", log.String())
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	w.look(t.Context())
	if signer() != first.current().id || !strings.Contains(log.String(), "could not be read") {
		t.Errorf("an absent file: %s", log.String())
	}
	fresh := jwksOf(t, newPrivate(t))
	write(string(fresh))
	w.look(t.Context())
	if signer() == first.current().id || !strings.Contains(log.String(), "have changed\"") {
		t.Errorf("other keys were not taken: %s", log.String())
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := w.Run(ctx); err != nil {
		t.Error(err)
	}
}

func TestADataFolderRotatesItsKeysByItself(t *testing.T) {
	s := newSite(t)
	dir := t.TempDir()
	if _, err := LoadOrCreateKeys(dir, rand.Reader); err != nil {
		t.Fatal(err)
	}
	rotate := KeepRotating(dir, 30*24*time.Hour, s.clock, rand.Reader)
	sizes := map[int]int{}
	files := map[string]bool{}
	for range 100 * 24 {
		if err := rotate(); err != nil {
			t.Fatal(err)
		}
		text, err := readKeyFile(filepath.Join(dir, KeyFile))
		if err != nil {
			t.Fatal(err)
		}
		set, err := decodeKeys(text)
		if err != nil {
			t.Fatal(err)
		}
		sizes[len(set)]++
		files[string(text)] = true
		s.pass(time.Hour)
	}
	if sizes[1] < 90*24 || sizes[2] == 0 || len(sizes) > 2 || len(files) != 8 {
		t.Errorf("in a hundred days the file had %v keys for so many hours, and %d forms", sizes, len(files))
	}
	if err := os.Remove(filepath.Join(dir, KeyFile)); err != nil {
		t.Fatal(err)
	}
	if err := rotate(); err == nil {
		t.Error("a file that is gone was rotated")
	}
}
