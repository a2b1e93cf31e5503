package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/identity"
)

// replicaRun is a `muster serve` that runs in this process.
type replicaRun struct {
	HTTP string `json:"http"` // where it listens
	URL  string `json:"url"`

	stop   context.CancelFunc // as SIGTERM does
	ended  chan int           // gets the exit code
	stderr *lockedText
}

// lockedText is a buffer that a command writes to while a test reads it.
type lockedText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// firstLine passes on the first line that is written.
type firstLine chan []byte

func (f firstLine) Write(b []byte) (int, error) {
	f <- bytes.Clone(b)
	return len(b), nil
}

// serveNow runs `muster serve` until it says that it serves. env is its environment.
func serveNow(t *testing.T, env map[string]string, args ...string) *replicaRun {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &replicaRun{stop: cancel, ended: make(chan int, 1), stderr: &lockedText{}}
	said := make(firstLine, 1)
	p := &process{stdout: said, stderr: r.stderr, getenv: func(name string) string { return env[name] }}
	go func() { r.ended <- run(ctx, p, append([]string{"serve", "--json"}, args...)) }()
	select {
	case line := <-said:
		if err := json.Unmarshal(line, r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
	case code := <-r.ended:
		t.Fatalf("it ended with %d: %s", code, r.stderr)
	}
	t.Cleanup(func() { cancel(); <-r.ended })
	return r
}

// end stops it and returns its exit code.
func (r *replicaRun) end(t *testing.T) int {
	t.Helper()
	r.stop()
	code := <-r.ended
	r.ended <- code // for the cleanup
	return code
}

// newLift is a house with a local GameLift at work and everything a backend needs made in
// it, but without a backend.
func newLift(t *testing.T) *house {
	t.Helper()
	conf, err := (&upCmd{}).config()
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, conf)
	if err := h.openGameLift(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.stack.run("address", func(ctx context.Context) error { return serve(ctx, h.lift, h.local.Handler(), nil) })
	h.stack.run("local GameLift", h.local.Run)
	if err := h.provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.front.Close(); err != nil { // the replica will listen there
		t.Fatal(err)
	}
	return h
}

// serveArgs are the arguments with which a replica uses the local GameLift of a house,
// and its environment.
func (h *house) serveArgs(t *testing.T) (args []string, env map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"muster.yaml", "duel.json", "skirmish.json"} {
		body, err := builtin.ReadFile("builtin/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := os.ReadFile(filepath.Join(h.cmd.Data, identity.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", h.credentials.id)
	t.Setenv("AWS_SECRET_ACCESS_KEY", h.credentials.secret)
	return []string{
		"--config", filepath.Join(dir, "muster.yaml"), "--http", h.front.Addr().String(), "--url", h.url(), "--store", "sqlite:" + filepath.Join(dir, "muster.db"), "--create-table",
		"--region", region, "--gamelift-endpoint", h.liftURL(), "--sns-topic", topicARN, "--sns-trust", h.liftURL() + "/sns/",
		"--server-key-hash", identity.HashServerKey(h.serverKey), "--admin-key-hash", identity.HashAdminKey(h.adminKey),
		"--drain", "10s", "--drain-notice", "500ms",
	}, map[string]string{envSigningKeys: string(keys)}
}

func TestAReplicaServesAndLetsEverybodyGoWhenItEnds(t *testing.T) {
	h := newLift(t)
	args, env := h.serveArgs(t)
	r := serveNow(t, env, append(slices.Clip(args), "--drain", "1m", "--drain-notice", "2s")...)
	if status, body := get(t, r.HTTP+"/readyz", ""); status != http.StatusOK {
		t.Fatalf("it is not ready: %d %s", status, body)
	}
	if r.stderr.String() != "" {
		t.Errorf("it warns although all is well: %s", r.stderr)
	}
	var grant struct{ AccessToken string }
	post(t, r.HTTP+"/v1/auth/guest", "", `{}`, &grant)
	var ticket struct {
		ID      string
		Version int
	}
	if status := post(t, r.HTTP+"/v1/matchmaking/tickets", grant.AccessToken, `{"mode":"duel","latencyInMs":{"custom-local":5}}`, &ticket); status != http.StatusCreated {
		t.Fatalf("a ticket is answered with %d", status)
	}
	polled := make(chan int, 1)
	go func() {
		status, _ := get(t, r.HTTP+"/v1/matchmaking/tickets/"+ticket.ID+"?wait=30&after=99", grant.AccessToken)
		polled <- status
	}()
	began := time.Now()
	r.stop()
	waitFor(t, func() bool { status, _ := get(t, r.HTTP+"/readyz", ""); return status == http.StatusServiceUnavailable })
	if status, _ := get(t, r.HTTP+"/v1/modes", grant.AccessToken); status != http.StatusOK {
		t.Errorf("while load balancers take notice a call is answered with %d", status)
	}
	if status := <-polled; status != http.StatusOK {
		t.Errorf("the long poll is answered with %d", status)
	}
	if code := r.end(t); code != 0 {
		t.Errorf("it ended with %d: %s", code, r.stderr)
	}
	if took := time.Since(began); took >= 30*time.Second {
		t.Errorf("ending took %v, as long as the poll would have waited", took)
	}
	if status, _ := get(t, r.HTTP+"/healthz", ""); status != 0 {
		t.Errorf("after its end it answers %d", status)
	}

	again := serveNow(t, env, args...)
	if status, body := get(t, again.HTTP+"/v1/matchmaking/tickets/"+ticket.ID, grant.AccessToken); status != http.StatusOK {
		t.Errorf("after a restart the ticket is answered with %d %s", status, body)
	}
}

// waitFor looks again and again, for a minute at most.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	limit := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("it did not happen in a minute")
		}
	}
}

func TestServeRefusesToStartWithOneSentenceAProblem(t *testing.T) {
	h := newHouse(t, config{})
	if err := h.front.Close(); err != nil {
		t.Fatal(err)
	}
	good, env := h.serveArgs(t)
	without := func(flag string) []string {
		var args []string
		for i := 0; i < len(good); i++ {
			if good[i] == flag {
				i++
				continue
			}
			args = append(args, good[i])
		}
		return args
	}
	cases := []struct {
		name string
		args []string
		env  map[string]string
		says []string
	}{
		{"without signing keys", good, nil, []string{"there are no signing keys", "muster keys signing"}},
		{"with signing keys that are none", good, map[string]string{envSigningKeys: "hello"}, []string{"signing keys in MUSTER_SIGNING_KEYS cannot be used"}},
		{"with signing keys twice", append([]string{"--signing-keys", "f"}, good...), env, []string{"which are meant"}},
		{"with a file of signing keys that is not there", append([]string{"--signing-keys", "gone.json"}, good...), nil, []string{"read the signing keys", "gone.json"}},
		{"without a server key", without("--server-key-hash"), env, []string{"no game server could report a result", "muster keys server"}},
		{"with a key in the place of its hash", append([]string{"--admin-key-hash", "mak_secret"}, good...), env, []string{"--admin-key-hash takes the hash"}},
		{"with a URL that is none", append(without("--url"), "--url", "play.example"), env, []string{`--url "play.example" is not an address`}},
		{"with a topic that is none", append([]string{"--sns-topic", "news"}, good...), env, []string{`--sns-topic "news" is not the ARN`}},
		{"with a store that is none", append(without("--store"), "--store", "postgres:x"), env, []string{"postgres:x is no store"}},
		{"with a configuration that is not there", append(without("--config"), "--config", "gone.yaml"), env, []string{"read the configuration", "gone.yaml"}},
		{"on an address that is taken", append(without("--http"), "--http", h.lift.Addr().String()), env, []string{"in use", "--http"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // it must not come to that
			defer cancel()
			var stdout, stderr bytes.Buffer
			p := &process{stdout: &stdout, stderr: &stderr, getenv: func(name string) string { return c.env[name] }}
			code := run(ctx, p, append([]string{"serve"}, c.args...))
			if code == 0 || stdout.Len() > 0 || strings.Count(stderr.String(), "\n") != 1 {
				t.Errorf("code %d, standard output %q, standard error %q", code, stdout.String(), stderr.String())
			}
			for _, word := range c.says {
				if !strings.Contains(stderr.String(), word) {
					t.Errorf("%q does not say %q", stderr.String(), word)
				}
			}
			if strings.Contains(stderr.String(), "mak_secret") {
				t.Error("a secret is repeated")
			}
		})
	}
	t.Run("several at once", func(t *testing.T) {
		withoutRegion(t)
		var stderr bytes.Buffer
		p := &process{stdout: io.Discard, stderr: &stderr, getenv: func(string) string { return "" }}
		if code := run(t.Context(), p, []string{"serve", "--config", "gone.yaml", "--url", "x", "--store", "sqlite:x"}); code != 1 || strings.Count(stderr.String(), "\n") != 5 {
			t.Errorf("code %d, %s", code, stderr.String())
		}
	})
}

func TestAReplicaWarnsOfWhatWillNotWork(t *testing.T) {
	h := newLift(t)
	args, env := h.serveArgs(t)
	dir := filepath.Dir(args[1]) // of the configuration
	yaml, err := os.ReadFile(args[1])
	if err != nil {
		t.Fatal(err)
	}
	yaml = append(yaml, "  - {name: other, ruleSet: duel.json, attributes: {skill: {from: rating}}}\n"...)
	if err := os.WriteFile(filepath.Join(dir, "muster.yaml"), yaml, 0o600); err != nil {
		t.Fatal(err)
	}
	r := serveNow(t, env, append([]string{"--log-format", "json"}, args...)...)
	var line struct{ Level, Msg, Mode string }
	if err := json.Unmarshal([]byte(strings.TrimSpace(r.stderr.String())), &line); err != nil {
		t.Fatalf("%v: %s", err, r.stderr)
	}
	if line.Level != "WARN" || line.Mode != "other" || !strings.Contains(line.Msg, "no such matchmaking configuration") {
		t.Errorf("it says %+v", line)
	}
}
