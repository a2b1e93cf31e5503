package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-jose/go-jose/v4"
)

func newPrivate(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func pemOf(t testing.TB, key any) []byte {
	t.Helper()
	block := &pem.Block{Type: "PRIVATE KEY"}
	var err error
	switch key.(type) {
	case ed25519.PublicKey:
		block.Type = "PUBLIC KEY"
		block.Bytes, err = x509.MarshalPKIXPublicKey(key)
	default:
		block.Bytes, err = x509.MarshalPKCS8PrivateKey(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block)
}

func jwksOf(t testing.TB, keys ...any) []byte {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, key := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key})
	}
	body, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// publishedIDs are the key ids of the published set, in order; a private part in it
// fails the test.
func publishedIDs(t *testing.T, k *Keys) []string {
	t.Helper()
	if strings.Contains(string(k.jwks), `"d"`) {
		t.Fatalf("the published set holds a private key: %s", k.jwks)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(k.jwks, &set); err != nil {
		t.Fatal(err)
	}
	ids := make([]string, 0, len(set.Keys))
	for _, key := range set.Keys {
		if key.Use != "sig" || key.Algorithm == "" || !key.Valid() {
			t.Errorf("published key %s is use %q, alg %q", key.KeyID, key.Use, key.Algorithm)
		}
		ids = append(ids, key.KeyID)
	}
	return ids
}

func TestBothFormsOfAKeySetAreTheSame(t *testing.T) {
	signing, retiring := newPrivate(t), newPrivate(t)
	fromPEM, err := ParseKeys(append(pemOf(t, signing), pemOf(t, retiring.Public())...))
	if err != nil {
		t.Fatal(err)
	}
	fromJWKS, err := ParseKeys(jwksOf(t, signing, retiring.Public()))
	if err != nil {
		t.Fatal(err)
	}
	a, b := publishedIDs(t, fromPEM), publishedIDs(t, fromJWKS)
	if len(a) != 2 || a[0] != b[0] || a[1] != b[1] {
		t.Errorf("PEM publishes %v, JWKS %v", a, b)
	}
}

func TestTokensOutliveARotation(t *testing.T) {
	s := newSite(t)
	before, after := newPrivate(t), newPrivate(t)
	use := func(keys ...any) {
		var err error
		if s.keys, err = ParseKeys(jwksOf(t, keys...)); err != nil {
			t.Fatal(err)
		}
		s.Service = New(s.options())
	}
	use(before)
	old := s.guest(t).AccessToken
	use(before, after) // published, not yet signing
	announced := s.guest(t).AccessToken
	use(after, before.Public()) // signing; the old one retires
	fresh := s.guest(t).AccessToken
	for name, token := range map[string]string{"before": old, "announced": announced, "after": fresh} {
		if _, err := s.Verify(context.Background(), token); err != nil {
			t.Errorf("token of %s: %v", name, err)
		}
	}
	use(after)
	if _, err := s.Verify(context.Background(), old); err == nil {
		t.Error("a token of a removed key passes")
	}
	if _, err := s.Verify(context.Background(), fresh); err != nil {
		t.Error(err)
	}
}

func TestKeySetsThatAreRefused(t *testing.T) {
	private := newPrivate(t)
	ec, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // it is to be refused
	if err != nil {
		t.Fatal(err)
	}
	mixed := append(ed25519.PrivateKey{}, private...)
	copy(mixed[ed25519.SeedSize:], newPrivate(t).Public().(ed25519.PublicKey))
	var many []any
	for range maxKeys + 1 {
		many = append(many, newPrivate(t))
	}
	cases := []struct {
		name string
		data []byte
		want string // part of the message
	}{
		{"nothing", nil, "empty"},
		{"blank", []byte(" \n"), "empty"},
		{"neither form", []byte("hello"), "expected JWKS or PEM"},
		{"broken JSON", []byte("{"), "not a JSON object"},
		{"a set without keys", []byte("{}"), "one must sign"},
		{"a key that is none", []byte(`{"keys":[1]}`), "key 1"},
		{"only public keys", jwksOf(t, private.Public()), "one must sign"},
		{"the same key twice", jwksOf(t, private, private), "id of another key"},
		{"an elliptic curve key of another curve", jwksOf(t, ec), "neither an Ed25519"},
		{"the same in PEM", pemOf(t, ec), "neither an Ed25519"},
		{"a weak RSA key", jwksOf(t, weak), "RSA key of 1024 bits"},
		{"a time that is none", []byte(strings.Replace(string(jwksOf(t, private)), `{"keys":[{`, `{"keys":[{"nbf":"soon",`, 1)), "nbf"},
		{"a time before 1970", []byte(strings.Replace(string(jwksOf(t, private)), `{"keys":[{`, `{"keys":[{"nbf":-1,`, 1)), "nbf"},
		{"halves of two keys, whose signatures would leak the private one", jwksOf(t, mixed), "not a JSON Web Key"},
		{"too many keys", jwksOf(t, many...), "limit"},
		{"a key for encryption", []byte(strings.Replace(string(jwksOf(t, private)), `{"keys":[{`, `{"keys":[{"use":"enc",`, 1)), "something else"},
		{"a PEM block of another type", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "neither"},
		{"a PEM block with nonsense", []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "does not parse"},
		{"text after the PEM", append(pemOf(t, private), "tail"...), "after 1 keys"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseKeys(c.data)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestTheKeyFileIsMadeOnceAndReadAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	made, err := LoadOrCreateKeys(dir, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o600 {
		t.Errorf("the key file has mode %04o", mode)
	}
	read, err := LoadOrCreateKeys(dir, iotest.ErrReader(errors.New("no randomness is needed")))
	if err != nil {
		t.Fatal(err)
	}
	if string(read.jwks) != string(made.jwks) {
		t.Error("the second start has other keys")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("the folder holds %d files (%v), want the key file alone", len(left), err)
	}
}

func TestKeyFilesThatAreRefusedAndKept(t *testing.T) {
	cases := []struct {
		name    string
		content string
		mode    os.FileMode
		want    string
	}{
		{"a damaged file", "{\"keys\":[", 0o600, "damaged"},
		{"an empty file, as a full disk leaves it", "", 0o600, "damaged"},
		{"a file that others may read", "{}", 0o644, "chmod 600"},
		{"a file that the group may write", "{}", 0o620, "chmod 600"},
		{"a file without end", strings.Repeat(" ", maxKeyFile+1), 0o600, "more than"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if runtime.GOOS == "windows" && c.mode != 0o600 {
				t.Skip("Windows has no permission bits")
			}
			dir := t.TempDir()
			path := filepath.Join(dir, KeyFile)
			if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			_, err := LoadOrCreateKeys(dir, rand.Reader)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error is %v, want one with %q and the path", err, c.want)
			}
			if after, _ := os.ReadFile(path); string(after) != c.content {
				t.Error("the file was changed")
			}
		})
	}
}

func TestAKeyFileThatIsAFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, KeyFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreateKeys(dir, rand.Reader); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("error is %v", err)
	}
}

func TestAFolderThatCannotBeMadeIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreateKeys(filepath.Join(file, "data"), rand.Reader); err == nil {
		t.Error("keys were kept below a file")
	}
	if _, err := LoadOrCreateKeys(t.TempDir(), iotest.ErrReader(errors.New("dry"))); err == nil {
		t.Error("keys were made without randomness")
	}
}

func FuzzParseKeys(f *testing.F) {
	private := newPrivate(f)
	f.Add(jwksOf(f, private))
	f.Add(pemOf(f, private))
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"","d":""}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := ParseKeys(data)
		if err != nil {
			return
		}
		if k.current().access == nil || k.current().join == nil || len(k.public) == 0 {
			t.Error("a key set without use passes")
		}
		s := newSite(t)
		s.keys = k
		s.Service = New(s.options())
		if _, err := s.Verify(context.Background(), s.guest(t).AccessToken); err != nil {
			t.Errorf("what it signs does not verify: %v", err)
		}
	})
}
