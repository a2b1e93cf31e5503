package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"muster/identity"
	"muster/store/memory"
)

// keyTexts are a set of signing keys, one with a second key beside it, and one with that alone.
func keyTexts(t *testing.T) (first, both, second []byte) {
	t.Helper()
	var sets [2]struct {
		Keys []json.RawMessage `json:"keys"`
	}
	text := func(keys ...json.RawMessage) []byte {
		made, err := json.Marshal(map[string]any{"keys": keys})
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	for i := range sets {
		made, err := identity.NewKeySet(rand.Reader)
		if err == nil {
			err = json.Unmarshal(made, &sets[i])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	one, other := sets[0].Keys[0], sets[1].Keys[0]
	return text(one), text(one, other), text(other)
}

func parsedKeys(t *testing.T, text []byte) *identity.Keys {
	t.Helper()
	keys, err := identity.ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

const keysARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:muster/signing-keys-a1b2c3"

// vault is a Secrets Manager with one secret, and how often that was asked for.
type vault struct {
	text  atomic.Pointer[string] // nil: nobody may read it
	asked atomic.Int64
}

func newVault(t *testing.T) *vault {
	t.Helper()
	v := &vault{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.asked.Add(1)
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		text := v.text.Load()
		if text == nil || !strings.Contains(string(body), keysARN) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"AccessDeniedException","Message":"no policy allows it"}`)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"SecretString": *text})
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	return v
}

func (v *vault) hold(text string) { v.text.Store(&text) }

func TestSigningKeysAreReadFromTheirSecretAndReadAgain(t *testing.T) {
	first, both, _ := keyTexts(t)
	v := newVault(t)
	var log lockedText
	o := &office{settings: serveSettings{keysSecret: keysARN}, log: slog.New(slog.NewTextHandler(&log, nil))}
	if err := o.openKeys(t.Context()); err == nil || !strings.Contains(err.Error(), "no policy allows it") || !strings.Contains(err.Error(), keysARN) {
		t.Errorf("where it may not be read: %v", err)
	}
	v.hold("{")
	if err := o.openKeys(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot be used") {
		t.Errorf("where it holds no keys: %v", err)
	}
	v.hold(string(first))
	if err := o.openKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	known := func() int { return len(o.settings.keys.At(time.Now()).Fingerprints()) }
	v.hold(string(both))
	before, now := v.asked.Load(), wallClock()
	o.keys.Fresh(t.Context(), now.Add(secretEvery/2))
	if v.asked.Load() != before || known() != 1 {
		t.Errorf("within %v it is asked for again, and there are %d keys", secretEvery, known())
	}
	o.keys.Fresh(t.Context(), now.Add(secretEvery))
	o.keys.Fresh(t.Context(), now.Add(secretEvery))
	if v.asked.Load() != before+1 || known() != 2 {
		t.Errorf("after %v it was asked for %d times, and there are %d keys", secretEvery, v.asked.Load()-before, known())
	}
	v.text.Store(nil)
	o.keys.Fresh(t.Context(), now.Add(2*secretEvery))
	if known() != 2 || !strings.Contains(log.String(), "those from before stay in use") {
		t.Errorf("when it cannot be read any more there are %d keys, and the log has %s", known(), log.String())
	}
	if strings.Contains(log.String(), `"d"`) {
		t.Error("the log has a key")
	}
}

func TestAFunctionReadsItsSigningKeysBeforeItAnswers(t *testing.T) {
	first, both, _ := keyTexts(t)
	s := newStand(t, "")
	text := &first
	s.b.settings.keys.Replace(parsedKeys(t, first))
	var failure error
	s.b.keys = &identity.KeyWatch{
		Ring: s.b.settings.keys, Log: slog.New(slog.DiscardHandler), Every: time.Nanosecond,
		Read: func(context.Context) ([]byte, error) { return *text, failure },
	}
	published := func() int {
		status, answer := s.call(http.MethodGet, "/.well-known/jwks.json", "", "", unsigned)
		keys, _ := answer["keys"].([]any)
		if status != http.StatusOK {
			t.Errorf("the keys: %d %v", status, answer)
		}
		return len(keys)
	}
	if n := published(); n != 1 {
		t.Errorf("at first there are %d", n)
	}
	text = &both // while the function stands still
	if n := published(); n != 2 {
		t.Errorf("the next call sees %d", n)
	}
	failure = errors.New("the secret cannot be read")
	if n := published(); n != 2 {
		t.Errorf("while they cannot be read there are %d", n)
	}
}

func TestSigningKeysComeFromOnePlace(t *testing.T) {
	first, _, _ := keyTexts(t)
	for what, c := range map[string]struct {
		flags callerFlags
		text  string
		said  string
	}{
		"a secret":                     {callerFlags{SigningKeysSecret: keysARN}, "", ""},
		"a text":                       {callerFlags{}, string(first), ""},
		"a name of a secret":           {callerFlags{SigningKeysSecret: "muster/signing-keys"}, "", "not the ARN of a secret"},
		"a secret and a text":          {callerFlags{SigningKeysSecret: keysARN}, string(first), "which are meant"},
		"a secret and a file":          {callerFlags{SigningKeysSecret: keysARN, SigningKeys: "keys.json"}, "", "which are meant"},
		"neither a secret nor another": {callerFlags{}, "", "there are no signing keys"},
	} {
		var s serveSettings
		err := s.takeKeys(c.flags, func(string) string { return c.text })
		if (err == nil) != (c.said == "") || err != nil && !strings.Contains(err.Error(), c.said) {
			t.Errorf("%s: %v", what, err)
		}
		if err == nil && (s.keysSecret == "") == (s.keys == nil) {
			t.Errorf("%s: secret %q, keys %v", what, s.keysSecret, s.keys)
		}
	}
}

// replicaOf is what a function runs over a store, with passwords.
func replicaOf(t *testing.T, store *memory.Store, text []byte, terminal io.Writer) *booth {
	t.Helper()
	conf, err := parseConfig("c.yaml", []byte(oneMode+"\nidentity:\n  passwords: {}\n"), vendorFiles)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	ring := identity.NewKeyRing(parsedKeys(t, text))
	b := &booth{office: &office{settings: serveSettings{keys: ring}, log: log}}
	b.backend, err = newBackend(backendParts{
		url: "http://muster.test", store: store, keys: ring, modes: conf.musterModes(), identity: conf.Identity,
		terminal: terminal, function: true, now: wallClock, log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheRoundsOfAFunctionKeepSecondFactorsReadable(t *testing.T) {
	first, both, second := keyTexts(t)
	store, terminal := memory.New(time.Now), new(lockedText)
	b := replicaOf(t, store, first, terminal)
	b.keys = &identity.KeyWatch{
		Ring: b.settings.keys, Log: b.log, Every: time.Nanosecond,
		Read: func(context.Context) ([]byte, error) { return both, nil },
	}
	server := httptest.NewServer(b.backend.handler)
	defer server.Close()
	round := func() {
		t.Helper()
		if err := b.tick(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	kept := b.keys
	b.keys = nil // the first key alone, until the factor is there
	secret, _, _ := annAt(t, server.URL, func() string { round(); return awaitCode(t, terminal) })
	b.keys = kept
	round() // reads both, and nobody uses a code

	late := replicaOf(t, store, second, terminal) // which never saw the first
	server = httptest.NewServer(late.backend.handler)
	defer server.Close()
	var in loginAnswer
	body := fmt.Sprintf(`{"session":%q,"code":%q}`, challengeOf(t, server.URL), authenticator(t, secret, 1))
	if status := post(t, server.URL+"/v1/auth/challenge", "", body, &in); status != http.StatusOK || in.Player.ID == "" {
		t.Errorf("a code, once the first key is gone: %d %+v", status, in)
	}
}

func TestAFunctionFollowsItsSigningKeysFromTheStart(t *testing.T) {
	first, both, second := keyTexts(t)
	store, terminal := memory.New(time.Now), new(lockedText)
	b := replicaOf(t, store, first, terminal)
	server := httptest.NewServer(b.backend.handler)
	defer server.Close()
	secret, _, _ := annAt(t, server.URL, func() string {
		if err := b.tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		return awaitCode(t, terminal)
	})
	replicaOf(t, store, both, terminal).begin(t.Context()) // makes no round
	late := replicaOf(t, store, second, terminal)
	server = httptest.NewServer(late.backend.handler)
	defer server.Close()
	var in loginAnswer
	body := fmt.Sprintf(`{"session":%q,"code":%q}`, challengeOf(t, server.URL), authenticator(t, secret, 1))
	if status := post(t, server.URL+"/v1/auth/challenge", "", body, &in); status != http.StatusOK {
		t.Errorf("a code, once the first key is gone: %d", status)
	}
}

func TestTheTemplateKeepsSigningKeysOutOfTheEnvironment(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "lambda.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte("resolve:secretsmanager")) || !bytes.Contains(text, []byte("MUSTER_SIGNING_KEYS_SECRET: !Ref SigningKeysSecret")) {
		t.Error("the functions' environment has the keys, or does not name their secret")
	}
	lines := strings.Split(string(text), "\n")
	i := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "secretsmanager:GetSecretValue") })
	if i < 0 || strings.TrimSpace(lines[i+1]) != "Resource: !Ref SigningKeysSecret" {
		t.Error("the role may read other secrets than that of the keys, or not even that")
	}
}
