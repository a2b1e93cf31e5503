package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// keyKeep is the least that a key is kept after it has signed.
const keyKeep = 20 * time.Minute

// tokenLife is how long an access token of the load is used.
const tokenLife = 14 * time.Minute

// oldAndCurrentKeys makes a file of two keys: one that has been over for longer than it is kept,
// and the one that followed it.
func oldAndCurrentKeys(t *testing.T) (file string, old, current string) {
	t.Helper()
	file = newKeys(t)
	var first, second struct {
		Keys []map[string]any `json:"keys"`
	}
	for name, into := range map[string]any{file: &first, newKeys(t): &second} {
		if err := json.Unmarshal([]byte(readFile(t, name)), into); err != nil {
			t.Fatal(err)
		}
	}
	second.Keys[0]["nbf"] = time.Now().Add(-keyKeep - time.Minute).Unix()
	first.Keys = append(first.Keys, second.Keys...)
	text, err := json.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file, first.Keys[0]["kid"].(string), first.Keys[1]["kid"].(string)
}

// signedAnew is a token of the load as another key of the file would have signed it, good for as long.
func (l *load) signedAnew(file, key string) string {
	l.t.Helper()
	token, ok := l.some(1) // the newest
	if !ok {
		l.t.Fatal("nobody has a token")
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(readFile(l.t, file)), &set); err != nil {
		l.t.Fatal(err)
	}
	found := set.Key(key)
	if len(found) != 1 {
		l.t.Fatalf("the file has %d keys %s", len(found), key)
	}
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		l.t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: found[0]}, (&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		l.t.Fatal(err)
	}
	signed, err := signer.Sign(parsed.UnsafePayloadWithoutVerification())
	if err != nil {
		l.t.Fatal(err)
	}
	anew, err := signed.CompactSerialize()
	if err != nil {
		l.t.Fatal(err)
	}
	return anew
}

// load is clients of every kind, each of which goes on until the test ends. Whatever is
// refused is an error.
type load struct {
	t    *testing.T
	c    *cluster
	ctx  context.Context
	all  sync.WaitGroup
	stop context.CancelFunc

	mu       sync.Mutex
	done     map[string]int // calls by kind
	refused  []string
	signedBy map[string]string // the key of the latest token of each replica, by its address
	tokens   []issuedToken     // the oldest first
}

type issuedToken struct {
	text string
	at   time.Time
}

func startLoad(t *testing.T, c *cluster) *load {
	t.Helper()
	l := &load{t: t, c: c, done: map[string]int{}, signedBy: map[string]string{}}
	l.ctx, l.stop = context.WithCancel(context.Background())
	t.Cleanup(l.end)
	l.every("sign-in", 150*time.Millisecond, l.signIns())
	for i := range 3 {
		l.every(fmt.Sprintf("refresh %d", i), 200*time.Millisecond, l.refreshes())
		l.every(fmt.Sprintf("verifier %d", i), 250*time.Millisecond, l.verifies(c.replicas[i].HTTP))
	}
	l.every("call", 50*time.Millisecond, l.calls())
	l.every("socket", 300*time.Millisecond, l.sockets())
	l.listens()
	return l
}

// every does something at a pace until the load ends.
func (l *load) every(kind string, pace time.Duration, do func(round int) error) {
	l.all.Go(func() {
		ticker := time.NewTicker(pace)
		defer ticker.Stop()
		for round := 0; ; round++ {
			select {
			case <-l.ctx.Done():
				return
			case <-ticker.C:
			}
			err := do(round)
			l.mu.Lock()
			if l.done[kind]++; err != nil {
				l.refused = append(l.refused, fmt.Sprintf("%s %s: %v", time.Now().Format("15:04:05.000"), kind, err))
			}
			l.mu.Unlock()
		}
	})
}

// end ends the load, once.
func (l *load) end() {
	l.stop()
	l.all.Wait()
}

// replica is one after the other.
func (l *load) replica(round int) string { return l.c.replicas[round%len(l.c.replicas)].HTTP }

// issued remembers a token that a replica gave out.
func (l *load) issued(replica string, token string) error {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.signedBy[replica] = parsed.Headers[0].KeyID
	l.tokens = append(l.tokens, issuedToken{token, time.Now()})
	for len(l.tokens) > 0 && time.Since(l.tokens[0].at) > tokenLife {
		l.tokens = l.tokens[1:]
	}
	return nil
}

// some is the oldest token that is good, the newest, or one between them.
func (l *load) some(round int) (token string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.tokens)
	if n == 0 {
		return "", false
	}
	return l.tokens[[]int{0, n - 1, round % n}[round%3]].text, true
}

// signIns signs guests in, new and known in turn.
func (l *load) signIns() func(round int) error {
	var known grant
	return func(round int) error {
		body := map[string]any{}
		if round%2 == 1 && known.Guest.Secret != "" {
			body["guest"] = map[string]string{"id": known.Guest.ID, "secret": known.Guest.Secret}
		}
		var got grant
		at := l.replica(round)
		if err := request(http.MethodPost, at+"/v1/auth/guest", "", body, &got); err != nil {
			return err
		}
		if round%20 == 0 { // a player has twenty sign-ins at most
			known = got
		}
		return l.issued(at, got.Access)
	}
}

// refreshes renews one sign-in at one replica after another.
func (l *load) refreshes() func(round int) error {
	var held grant
	return func(round int) error {
		at := l.replica(round)
		if held.Token == "" {
			return request(http.MethodPost, at+"/v1/auth/guest", "", map[string]any{}, &held)
		}
		if err := request(http.MethodPost, at+"/v1/auth/refresh", "", map[string]any{"refreshToken": held.Token}, &held); err != nil {
			return err
		}
		return l.issued(at, held.Access)
	}
}

// calls makes calls with tokens old and new.
func (l *load) calls() func(round int) error {
	return func(round int) error {
		token, ok := l.some(round)
		if !ok {
			return nil
		}
		return request(http.MethodGet, l.replica(round)+"/v1/players/me", token, nil, nil)
	}
}

// sockets opens one at another replica than its ticket is from.
func (l *load) sockets() func(round int) error {
	return func(round int) error {
		token, ok := l.some(round)
		if !ok {
			return nil
		}
		ws, err := l.socket(l.replica(round), l.replica(round+1), token)
		if err != nil {
			return err
		}
		return ws.CloseNow()
	}
}

func (l *load) socket(ticketAt, socketAt, token string) (*websocket.Conn, error) {
	var got struct{ Ticket string }
	if err := request(http.MethodPost, ticketAt+"/v1/auth/socket-ticket", token, nil, &got); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(socketAt, "http")+"/v1/realtime?ticket="+got.Ticket, nil)
	if err != nil {
		return nil, err
	}
	if _, _, err := ws.Read(ctx); err != nil {
		return nil, fmt.Errorf("the first message: %w", err)
	}
	return ws, nil
}

// listens keeps a socket open for as long as the load lasts.
func (l *load) listens() {
	var got grant
	if err := request(http.MethodPost, l.replica(0)+"/v1/auth/guest", "", map[string]any{}, &got); err != nil {
		l.t.Fatal(err)
	}
	ws, err := l.socket(l.replica(0), l.replica(1), got.Access)
	if err != nil {
		l.t.Fatal(err)
	}
	l.all.Go(func() {
		defer ws.CloseNow() //nolint:errcheck // its end
		for {
			if _, _, err := ws.Read(l.ctx); err != nil {
				if l.ctx.Err() == nil {
					l.mu.Lock()
					l.refused = append(l.refused, "a socket that was open: "+err.Error())
					l.mu.Unlock()
				}
				return
			}
		}
	})
}

// verifies checks tokens as somebody does who has nothing but the published keys of a replica,
// and fetches them no sooner than they are told to.
func (l *load) verifies(replica string) func(round int) error {
	var keys jose.JSONWebKeySet
	var until time.Time
	return func(round int) error {
		if !time.Now().Before(until) {
			fresh, age, err := publishedKeys(l.ctx, replica)
			if err != nil {
				return err
			}
			keys, until = fresh, time.Now().Add(age)
		}
		token, ok := l.some(round)
		if !ok {
			return nil
		}
		parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.EdDSA})
		if err != nil {
			return err
		}
		found := keys.Key(parsed.Headers[0].KeyID)
		if len(found) != 1 {
			return fmt.Errorf("of the keys that are to be kept until %s %d are that of a token", until.Format("15:04:05"), len(found))
		}
		var claims jwt.Claims
		if err := parsed.Claims(found[0].Key, &claims); err != nil {
			return err
		}
		return claims.ValidateWithLeeway(jwt.Expected{Issuer: l.c.balancer.url, AnyAudience: jwt.Audience{"muster"}, Time: time.Now()}, 0)
	}
}

// publishedKeys fetches the keys of a replica, and says how long they may be kept.
func publishedKeys(ctx context.Context, replica string) (keys jose.JSONWebKeySet, age time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, replica+"/.well-known/jwks.json", nil)
	if err != nil {
		return keys, 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return keys, 0, err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	if res.StatusCode != http.StatusOK {
		return keys, 0, fmt.Errorf("the keys are answered with %d", res.StatusCode)
	}
	var seconds int
	if _, err := fmt.Sscanf(res.Header.Get("Cache-Control"), "public, max-age=%d", &seconds); err != nil {
		return keys, 0, fmt.Errorf("Cache-Control is %q: %w", res.Header.Get("Cache-Control"), err)
	}
	return keys, time.Duration(seconds) * time.Second, json.NewDecoder(res.Body).Decode(&keys)
}

// healthy fails the test when something was refused, or a kind of client has stood still.
func (l *load) healthy() {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.refused) > 0 {
		l.t.Fatalf("%d calls were refused, of %v:\n%s\n%s", len(l.refused), l.done, strings.Join(l.refused[:min(len(l.refused), 20)], "\n"), l.c.said())
	}
}

// signsEverywhere says that the latest token of every replica was signed with a key.
func (l *load) signsEverywhere(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.c.replicas {
		if l.signedBy[r.HTTP] != key {
			return false
		}
	}
	return true
}

// goesOn waits until each kind of client has made so many more.
func (l *load) goesOn(rounds int) {
	l.t.Helper()
	l.mu.Lock()
	least := make(map[string]int, len(l.done))
	for kind, n := range l.done {
		least[kind] = n + rounds
	}
	l.mu.Unlock()
	l.c.await("clients of every kind go on", 2*time.Minute, func() bool {
		l.healthy()
		l.mu.Lock()
		defer l.mu.Unlock()
		for kind, n := range least {
			if l.done[kind] < n {
				return false
			}
		}
		return len(l.done) >= 9
	})
}

// published says that every replica publishes exactly these keys.
func (c *cluster) published(ids ...string) bool {
	c.t.Helper()
	for _, r := range c.replicas {
		keys, _, err := publishedKeys(context.Background(), r.HTTP)
		if err != nil {
			c.t.Fatal(err)
		}
		if len(keys.Keys) != len(ids) {
			return false
		}
		for _, id := range ids {
			if len(keys.Key(id)) != 1 {
				return false
			}
		}
	}
	return true
}

// rotate does what an operator does, and says what came of it.
func rotate(t *testing.T, file string, wait time.Duration) (added string, dropped []string) {
	t.Helper()
	stdout, errs, code := run(t, "keys", "rotate", "--file", file, "--wait", wait.String(), "--keep", keyKeep.String())
	if code != 0 {
		t.Fatal(errs)
	}
	for line := range strings.Lines(stdout) {
		switch words := strings.Fields(line); words[0] {
		case "added":
			added = words[1]
		case "dropped":
			dropped = words[1:]
		}
	}
	return added, dropped
}

// rotationFor is how long keys are rotated besides once; MUSTER_ROTATION is a duration. With
// half an hour keys retire that have signed tokens of the test.
func rotationFor(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("MUSTER_ROTATION")
	if text == "" {
		return 0
	}
	length, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("MUSTER_ROTATION: %v", err)
	}
	return length
}

// TestKeysRotateUnderLoadAndNoRequestFails has `muster keys rotate` publish the next key of three
// replicas, wait, sign, and retire what is over, while clients of every kind go on at all of
// them: nothing is refused at any time, but a token of the key that was retired.
func TestKeysRotateUnderLoadAndNoRequestFails(t *testing.T) {
	store, env := sharedStore(t)
	keys, over, current := oldAndCurrentKeys(t)
	c := newCluster(t, store, keys, env, 3)
	l := startLoad(t, c)
	c.await("it begins with two keys of which the second signs", time.Minute, func() bool {
		l.healthy()
		return c.published(over, current) && l.signsEverywhere(current)
	})
	byOver := l.signedAnew(keys, over)
	for _, r := range c.replicas { // which remember it as good from here on
		if err := request(http.MethodGet, r.HTTP+"/v1/players/me", byOver, nil, nil); err != nil {
			t.Fatalf("a token of the key that is over is refused while it is kept: %v", err)
		}
	}
	length := rotationFor(t)
	wait := max(time.Minute, length/12)
	live, retired := []string{current}, 0
	for began, first := time.Now(), true; first || time.Since(began) < length; first = false {
		next, dropped := rotate(t, keys, wait)
		if first && (len(dropped) != 1 || dropped[0] != over) {
			t.Fatalf("dropped were %v, not the key that is over", dropped)
		}
		for _, id := range dropped {
			if id != over {
				if id != live[0] {
					t.Fatalf("dropped was %s, which is not the oldest", id)
				}
				live, retired = live[1:], retired+1
			}
		}
		live = append(live, next)
		c.await("every replica publishes the next key, and what is over no more", time.Minute, func() bool { l.healthy(); return c.published(live...) })
		for _, r := range c.replicas {
			if err := request(http.MethodGet, r.HTTP+"/v1/players/me", byOver, nil, nil); !refusedWith(err, "token.invalid") {
				t.Errorf("a token of the key that was dropped: %v", err)
			}
		}
		if !l.signsEverywhere(live[len(live)-2]) {
			t.Error("a replica signs with the next key at once")
		}
		c.await("every replica signs with the next key", wait+time.Minute, func() bool { l.healthy(); return l.signsEverywhere(next) })
		l.goesOn(30)
	}
	l.end()
	l.healthy()
	t.Logf("calls were %v; %d keys are published, %d that signed have retired", l.done, len(live), retired)
	if length >= keyKeep+5*time.Minute && retired == 0 {
		t.Error("no key that signed has retired")
	}
}

// TestUpRotatesItsKeysByTheClock starts `muster up` with a key that has signed for too long.
func TestUpRotatesItsKeysByTheClock(t *testing.T) {
	data := t.TempDir()
	file, over, current := oldAndCurrentKeys(t)
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	edit := func(change func()) {
		t.Helper()
		if err := json.Unmarshal([]byte(readFile(t, file)), &set); err != nil {
			t.Fatal(err)
		}
		change()
		text, err := json.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		next := file + ".next"
		if err := os.WriteFile(next, text, 0o600); err != nil {
			t.Fatal(err)
		}
		file = filepath.Join(data, "signing-keys.json")
		if err := os.Rename(next, file); err != nil {
			t.Fatal(err)
		}
	}
	edit(func() { set.Keys[1]["nbf"] = time.Now().Add(-40 * 24 * time.Hour).Unix() })
	p := up(t, data)
	c := &cluster{t: t, balancer: &balancer{url: p.HTTP}, replicas: []*oneReplica{{HTTP: p.HTTP}, {HTTP: p.HTTP}, {HTTP: p.HTTP}}}
	l := startLoad(t, c)
	next := ""
	c.await("the next key is published, and what is over no more", time.Minute, func() bool {
		keys, _, err := publishedKeys(t.Context(), p.HTTP)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys.Keys {
			if key.KeyID != over && key.KeyID != current {
				next = key.KeyID
			}
		}
		return next != "" && c.published(current, next)
	})
	l.goesOn(3)
	if !l.signsEverywhere(current) {
		t.Error("the next key signs at once")
	}
	l.end() // who caches keys is told of them hours before they sign; the test has no hours
	edit(func() { set.Keys[1]["nbf"] = time.Now().Add(15 * time.Second).Unix() })
	c.await("the next key signs when its time has come", time.Minute, func() bool {
		var got grant
		if err := request(http.MethodPost, p.HTTP+"/v1/auth/guest", "", map[string]any{}, &got); err != nil {
			t.Fatal(err)
		}
		if err := l.issued(p.HTTP, got.Access); err != nil {
			t.Fatal(err)
		}
		for round := range 3 { // tokens from before and of now
			token, _ := l.some(round)
			if err := request(http.MethodGet, p.HTTP+"/v1/players/me", token, nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		return l.signsEverywhere(next)
	})
	l.healthy()
}
