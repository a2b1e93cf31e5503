package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/identity"
	"muster/identity/provider/providertest"
)

// wholeProviders is one entry of each kind, with all that it needs and all that it takes.
const wholeProviders = oneMode + `
identity:
  providers:
    apple:
      clientIds: [com.studio.game, com.studio.web]
      teamId: ABCDE12345
      keyId: FGHIJ67890
      privateKey: {file: apple.pem}
      redirectUris: ['https://game.example/back']
    gamecenter: {bundleIds: [com.studio.game], sandbox: true}
    google: {clientIds: [a.apps.googleusercontent.com], hostedDomains: [studio.example], nonce: optional}
    playgames: {applicationId: '1234', clientId: web, clientSecret: {env: PLAY_SECRET}}
    facebook-limited: {appId: 1234567}
    epic: {clientIds: [x], productIds: [p], deploymentIds: [d]}
    epic-connect: {clientIds: [x], productIds: [p], sandboxIds: [s]}
    playstation:
      issuer: https://console.example/issuer
      jwksUri: https://console.example/keys
      tokenUrl: https://console.example/token
      clientId: x
      clientSecret: {env: PLAY_SECRET}
    nintendo: {issuer: 'https://other.example', jwksUri: 'https://other.example/certificates', clientIds: [x], titleIds: [t]}
    studio: {kind: jwt, issuer: studio, audiences: [game], jwksFile: studio.json, maxAgeSeconds: 60}
    keycloak:
      kind: oidc
      issuer: https://id.example/realms/game
      clientIds: [game]
      algorithms: [RS256, ES256]
      subjectClaim: uid
      requiredClaims: {role: [player, tester]}
      nonce: required
      maxAgeSeconds: 600
      maxAuthAgeSeconds: 3600
      code: {auth: private_key_jwt, privateKey: {file: apple.pem}, keyId: k1, redirectUris: ['https://game.example/back'], tokenUrl: 'https://id.example/token', iss: required}
    opaque:
      kind: oidc
      issuer: https://id.example/realms/game
      clientIds: [game]
      introspection: {secret: {env: PLAY_SECRET}, url: 'https://id.example/introspect'}
`

func newTestTools(env map[string]string) providerTools {
	return providerTools{name: "acme", getenv: func(name string) string { return env[name] }, now: time.Now, log: slog.New(slog.DiscardHandler)}
}

// providerFiles are the files that wholeProviders names.
func providerFiles(t *testing.T) func(string) ([]byte, error) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	jwks := `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"1"}]}`
	return func(name string) ([]byte, error) {
		switch name {
		case "apple.pem":
			return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
		case "studio.json":
			return []byte(jwks), nil
		}
		return files(name)
	}
}

func TestEveryKindOfProviderIsConfigured(t *testing.T) {
	c, err := parseConfig("c.yaml", []byte(wholeProviders), providerFiles(t))
	if err != nil {
		t.Fatal(err)
	}
	made, err := c.Identity.providers(newTestTools(map[string]string{"PLAY_SECRET": "topsecret"}))
	if err != nil {
		t.Fatal(err)
	}
	if len(made) != len(c.Identity.Providers) || made["keycloak"] == nil {
		t.Errorf("there are %v", slices.Sorted(maps.Keys(made)))
	}
	if kinds := c.Identity.kinds(); kinds["studio"] != "jwt" || kinds["epic"] != "epic" {
		t.Errorf("kinds are %v", kinds)
	}
}

func TestWhatProvidersLackIsNamed(t *testing.T) {
	for text, want := range map[string][]string{
		"apple:": {"c.yaml:5: identity.providers.apple.clientIds: is needed"},
		"apple: {clientIds: [a], privateKey: {env: K}}":                               {"apple.teamId: is needed", "apple.keyId: is needed"},
		"apple: {clientIds: [a], teamId: t}":                                          {"apple.privateKey: is needed for authorization codes"},
		"apple: {clientIds: [a], privateKey: {env: K, file: f}, teamId: t, keyId: k}": {"apple.privateKey: is in a variable of the environment or in a file, not in both"},
		"gamecenter: {authorities: none.pem}":                                         {"gamecenter.bundleIds: is needed", "gamecenter.authorities: none.pem"},
		"google: {clientIds: ['']}":                                                   {"google.clientIds[0]: is empty"},
		"google: {clientIds: [a], nonce: never}":                                      {`google.nonce: "never" is no policy; there are required, optional, none`},
		"google: {clientIds: [a], appId: b}":                                          {"appId: there is no such key in identity.providers.google"},
		"playgames: {}":                                                               {"playgames.applicationId: is needed", "playgames.clientId: is needed", "playgames.clientSecret: is needed: env names"},
		"facebook-limited: {}":                                                        {"facebook-limited.appId: is needed"},
		"epic: {clientIds: [a]}":                                                      {"epic.productIds: is needed", "epic.deploymentIds: is needed, or sandboxIds"},
		"playstation: {issuer: 'http://a.example'}":                                   {"playstation.issuer: \"http://a.example\" is not an https address", "playstation.jwksUri: is needed", "playstation.tokenUrl: is needed", "clientSecret: is needed"},
		"nintendo: {issuer: 'https://a.example', jwksUri: 'https://b.example/k'}":     {"nintendo.jwksUri: is on another host", "nintendo.clientIds: is needed", "nintendo.titleIds: is needed"},
		"studio: {kind: jwt}":                                                         {"studio.issuer: is needed", "studio.audiences: is needed", "studio.jwksUri: is needed, or jwksFile"},
		"studio: {kind: jwt, issuer: s, audiences: [a], jwksFile: none.json}":         {"studio.jwksFile: none.json"},
		"studio: {kind: jwt, issuer: s, audiences: [a], jwksFile: good.json}":         {"studio.jwksFile: good.json: the key set holds no key that can be used"},
		"oidc: {}": {"oidc.issuer: is needed", "oidc.clientIds: is needed"},
		"a: {kind: oidc, issuer: 'https://i.example', clientIds: [c], algorithms: [HS256]}":                    {`a.algorithms[0]: "HS256" is no algorithm that is taken`},
		"a: {kind: oidc, issuer: 'https://i.example', clientIds: [c], maxAgeSeconds: -1}":                      {"a.maxAgeSeconds: lies between"},
		"a: {kind: oidc, issuer: 'https://i.example', clientIds: [c], requiredClaims: {r: []}}":                {"a.requiredClaims.r: is needed"},
		"a: {kind: oidc, issuer: 'https://i.example', clientIds: [c], code: {}}":                               {"a.code.secret: is needed", "a.code.redirectUris: is needed"},
		"a: {kind: oidc, issuer: 'https://i.example', clientIds: [c], code: {auth: magic, redirectUris: [x]}}": {`a.code.auth: "magic" is no way to prove ourselves`},
		"a: {kind: oidc, issuer: 'https://i.example', clientIds: [c], code: {iss: always}}":                    {`a.code.iss: "always" is neither optional nor required`},
		"a: {kind: oidc, issuer: 'https://i.example', clientIds: [c], introspection: {auth: private_key_jwt}}": {"a.introspection.privateKey: is needed"},
		"a: {kind: oidc, issuer: 'https://i.example', clientIds: [c], nonce: required, maxAgeSeconds: 9, maxAuthAgeSeconds: 9, introspection: {secret: {env: S}}}": {
			`a.nonce: "required" cannot be asked of opaque tokens`, "a.maxAgeSeconds: cannot be asked of opaque tokens", "a.maxAuthAgeSeconds: cannot be asked of opaque tokens",
		},
		"a: {kind: nobody}":                       {`a.kind: there is no kind of provider "nobody"; there are amazon, apple, `},
		"keycloak: {issuer: 'https://i.example'}": {`keycloak.kind: is missing, and "keycloak" is no kind itself; there are amazon, apple, `},
		"guest: {kind: jwt}":                      {`identity.providers.guest: "guest" is not a name for a provider`},
		"oidc: 7":                                 {"identity.providers.oidc: wants a group of keys"},
	} {
		_, err := parseConfig("c.yaml", []byte(oneMode+"identity:\n  providers:\n    "+text+"\n"), files)
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s: got %v, want %s", text, err, w)
			}
		}
	}
}

func TestASecretThatIsMissingIsNoticedAtTheStart(t *testing.T) {
	for text, want := range map[string]string{
		"playgames: {applicationId: a, clientId: c, clientSecret: {env: NO_SECRET}}":                       "identity.providers.playgames.clientSecret: the environment variable NO_SECRET is not set",
		"playgames: {applicationId: a, clientId: c, clientSecret: {file: none}}":                           "identity.providers.playgames.clientSecret: read none:",
		"apple: {clientIds: [a], teamId: t, keyId: k, privateKey: {env: SECRET}}":                          "identity.providers.apple.privateKey: is not a private key in PEM",
		"a: {kind: oidc, issuer: 'https://i.example', clientIds: [c], introspection: {secret: {env: NO}}}": "identity.providers.a.introspection.secret: the environment variable NO is not set",
	} {
		c, err := parseConfig("c.yaml", []byte(oneMode+"identity:\n  providers:\n    "+text+"\n"), files)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		_, err = c.Identity.providers(newTestTools(map[string]string{"SECRET": "topsecret"}))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func TestASecretFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one\n")
	now := time.Unix(1e9, 0)
	tools := newTestTools(nil)
	tools.now = func() time.Time { return now }
	secret, err := (&secretConfig{File: path, readFile: os.ReadFile}).open("key", tools)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ text, want string }{{"one", "one"}, {"two", "two"}, {"", "two"}, {"three", "three"}} {
		write(step.text)
		now = now.Add(secretFileAge)
		if got, err := secret(); err != nil || got != step.want {
			t.Errorf("with %q in the file the secret is %q, %v", step.text, got, err)
		}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	now = now.Add(secretFileAge)
	if got, err := secret(); err != nil || got != "three" {
		t.Errorf("without the file the secret is %q, %v", got, err)
	}
}

// TestAConfiguredProviderProves goes through the whole: file, wiring, platform.
func TestAConfiguredProviderProves(t *testing.T) {
	platform := providertest.New(t)
	c, err := parseConfig("c.yaml", []byte(oneMode+"identity: {providers: {acme: {kind: oidc, issuer: '"+platform.URL()+"', clientIds: [game], nonce: none}}}\n"), files)
	if err != nil {
		t.Fatal(err)
	}
	made, err := c.Identity.providers(newTestTools(nil))
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{"iss": platform.URL(), "aud": "game", "sub": "ann", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()}
	who, err := made["acme"].Verify(t.Context(), proofOf(platform.Sign("rsa-1", claims, nil)))
	if err != nil || who.Subject != "ann" {
		t.Errorf("the token proves %+v, %v", who, err)
	}
}

func proofOf(token string) identity.Proof { return identity.Proof{Token: token} }
