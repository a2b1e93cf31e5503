package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/identity"
	"muster/store/sqlite"
)

// gate is a backend with its store and its keys, and the authorizer's command line for it.
type gate struct {
	t     *testing.T
	rules *muster.Backend
	ids   *identity.Service
	url   string
	file  string // of the store
}

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{t: t, file: filepath.Join(t.TempDir(), databaseFile)}
	store, err := sqlite.Open(context.Background(), sqlite.Options{Path: g.file})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	keys, err := identity.NewKeys(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/.well-known/jwks.json" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write(g.ids.JWKS())
	}))
	t.Cleanup(server.Close)
	g.url = server.URL
	g.rules = muster.New(muster.Options{Store: store, Notifier: nobodyListens{}, Now: time.Now, NewID: newID, Log: slog.New(slog.DiscardHandler)})
	g.ids = identity.New(identity.Options{Accounts: g.rules, Store: store, Keys: keys, Issuer: g.url, Audience: tokenAudience, Guard: g.rules, Now: time.Now, NewID: newID, Random: rand.Reader})
	return g
}

// ask runs the command on one event for a token and says whether the token is let in.
func (g *gate) ask(token string, args ...string) (allowed bool, stderr string) {
	g.t.Helper()
	header, _ := json.Marshal("Bearer " + token)
	event := `{"version":"2.0","type":"REQUEST","routeArn":"arn:aws:execute-api:r:1:api/$default/GET/x","identitySource":null,"headers":{"authorization":` + string(header) + `}}`
	var out, errs bytes.Buffer
	p := &process{stdin: strings.NewReader(event), stdout: &out, stderr: &errs, getenv: func(string) string { return "" }}
	if code := run(context.Background(), p, append([]string{"authorizer", "--url", g.url}, args...)); code != 0 {
		return false, errs.String()
	}
	var answer struct{ IsAuthorized bool }
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		g.t.Fatalf("%q: %v", out.String(), err)
	}
	return answer.IsAuthorized, errs.String()
}

func TestAuthorizerReadsThePublishedKeys(t *testing.T) {
	g := newGate(t)
	grant, err := g.ids.Guest(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if allowed, said := g.ask(grant.AccessToken); !allowed {
		t.Errorf("a good token is refused: %s", said)
	}
	if allowed, _ := g.ask(grant.AccessToken + "x"); allowed {
		t.Error("a bad token is let in")
	}
	if allowed, said := g.ask(grant.AccessToken, "--keys-url", g.url+"/nowhere"); allowed || !strings.Contains(said, "provider.unavailable") {
		t.Errorf("without keys: %v, %s", allowed, said)
	}
	if allowed, _ := g.ask(grant.AccessToken, "--scope", "player"); allowed {
		t.Error("a guest is let in where only players are")
	}
}

func TestAuthorizerHoldsTheKeysOfASecretAsTheSecretHasThem(t *testing.T) {
	g := newGate(t)
	first, both, second := keyTexts(t)
	v := newVault(t)
	v.hold(string(first))
	c := authorizerCmd{URL: g.url, SigningKeysSecret: keysARN}
	p := &process{getenv: func(string) string { return "" }, log: slog.New(slog.DiscardHandler)}
	held, err := c.held(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	held.watch.Every = time.Nanosecond
	verify, err := c.published(g.url, held, p)
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), databaseFile)})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // of a test
	token := func(text []byte) string {
		ids := identity.New(identity.Options{Accounts: g.rules, Store: store, Keys: parsedKeys(t, text), Issuer: g.url, Audience: tokenAudience, Now: time.Now, NewID: newID, Random: rand.Reader})
		grant, err := ids.Guest(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return grant.AccessToken
	}
	old, next := token(first), token(second)
	if _, err := verify(t.Context(), old); err != nil {
		t.Errorf("a token of the key that the secret holds: %v", err)
	}
	if _, err := verify(t.Context(), next); muster.KindOf(err) != muster.Unauthenticated {
		t.Errorf("a token of a key that it does not hold: %v", err)
	}
	v.hold(string(both))
	for _, text := range []string{old, next} {
		if _, err := verify(t.Context(), text); err != nil {
			t.Errorf("once it holds both: %v", err)
		}
	}
	v.hold(string(second))
	if _, err := verify(t.Context(), old); muster.KindOf(err) != muster.Unauthenticated {
		t.Errorf("a token of a key that was dropped: %v", err)
	}
}

func TestAuthorizerSaysWhoseTokenItRefuses(t *testing.T) {
	g := newGate(t)
	grant, err := g.ids.Guest(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	allowed, said := g.ask(grant.AccessToken, "--url", "https://other.example", "--keys-url", g.url+"/.well-known/jwks.json")
	if allowed || !strings.Contains(said, "level=WARN") || !strings.Contains(said, "the token's issuer is") || !strings.Contains(said, g.url) || !strings.Contains(said, "https://other.example") {
		t.Errorf("a token of another issuer: %v, %s", allowed, said)
	}
	if allowed, said := g.ask("garbage"); allowed || strings.Contains(said, "issuer") {
		t.Errorf("garbage: %v, %s", allowed, said)
	}
	if _, said := g.ask(grant.AccessToken, "--keys-url", g.url+"/nowhere"); !strings.Contains(said, "the keys of the backend cannot be had") || strings.Contains(said, "a platform refuses") {
		t.Errorf("without keys: %s", said)
	}
}

func TestAuthorizerKnowsOfEndedSignInsByTheStore(t *testing.T) {
	g := newGate(t)
	ctx := context.Background()
	grant, err := g.ids.Guest(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.rules.SignOutEverywhere(ctx, grant.Player.ID); err != nil {
		t.Fatal(err)
	}
	if allowed, said := g.ask(grant.AccessToken); !allowed {
		t.Errorf("without the store nobody can know: %s", said)
	}
	if allowed, _ := g.ask(grant.AccessToken, "--store", "sqlite:"+g.file); allowed {
		t.Error("with the store the token is let in")
	}
}

func TestFunctionsNameTheirCommand(t *testing.T) {
	env := func(values map[string]string) func(string) string {
		return func(name string) string { return values[name] }
	}
	for name, c := range map[string]struct {
		env   map[string]string
		args  int
		fails bool
	}{
		"no function":        {nil, 0, false},
		"an authorizer":      {map[string]string{envRuntimeAPI: "127.0.0.1:9001", envHandler: "authorizer"}, 1, false},
		"the backend":        {map[string]string{envRuntimeAPI: "127.0.0.1:9001", envHandler: "lambda"}, 1, false},
		"the usual handler":  {map[string]string{envRuntimeAPI: "127.0.0.1:9001", envHandler: "bootstrap"}, 0, true},
		"no handler at all":  {map[string]string{envRuntimeAPI: "127.0.0.1:9001"}, 0, true},
		"a handler, but not": {map[string]string{envHandler: "authorizer"}, 0, false},
	} {
		if args, err := functionArgs(env(c.env)); len(args) != c.args || (err != nil) != c.fails {
			t.Errorf("%s: %q, %v", name, args, err)
		}
	}
}

func TestAuthorizerRefusesWhatItCannotDo(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys.json")
	if err := (&signingKeysCmd{Out: keys}).Run(&process{}); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"no such scope":              {"--scope", "king"},
		"a field of nobody":          {"--denied-field", "Mutation.x"},
		"a field of no type":         {"--denied-field", "guest=x"},
		"answers kept for long":      {"--max-ttl", "2h"},
		"bearers without a store":    {"--config", "muster.yaml"},
		"keys of an open connection": {"--keys-url", "http://play.example/keys"},
		"a key for its hash":         {"--server-key-hash", "msk_x"},
		"keys in two places":         {"--keys-url", "https://play.example/keys", "--signing-keys", keys},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			p := &process{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, getenv: func(string) string { return "" }}
			if code := run(context.Background(), p, append([]string{"authorizer", "--url", "https://play.example"}, args...)); code == 0 || errs.Len() == 0 {
				t.Errorf("exit %d, %q", code, errs.String())
			}
			if name == "keys in two places" && !strings.Contains(errs.String(), "which are meant?") {
				t.Errorf("it says %q", errs.String())
			}
		})
	}
}
