package provider

import (
	"context"
	"math/big"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"muster/identity"
	"muster/identity/provider/providertest"
)

func newKeysAt(r *rig) *KeySet { return NewKeySet(r.client, r.URL()+providertest.KeysPath, r.now) }

func (r *rig) fetches() int { return len(r.Calls(providertest.KeysPath)) }

func TestKeysAreKeptAsLongAsThePlatformSays(t *testing.T) {
	for header, fresh := range map[string]time.Duration{
		"":                                      freshAtLeast,
		"max-age=1":                             freshAtLeast,
		"no-store":                              freshAtLeast,
		"no-cache, max-age=7200":                freshAtLeast,
		"public, max-age=7200, must-revalidate": 2 * time.Hour,
		"MAX-AGE=\"7200\"":                      2 * time.Hour,
		"max-age=99999999":                      freshAtMost,
		"max-age=-5":                            freshAtLeast,
		"max-age=soon":                          freshAtLeast,
	} {
		r := newRig(t)
		r.SetCacheControl(header)
		keys := newKeysAt(r)
		ask := func() {
			t.Helper()
			if _, err := keys.Key(t.Context(), "rsa-1", jose.RS256); err != nil {
				t.Fatal(err)
			}
		}
		ask()
		r.pass(fresh - time.Second)
		ask()
		if r.fetches() != 1 {
			t.Errorf("%q: the keys were fetched again within %v", header, fresh)
		}
		r.pass(time.Second)
		ask()
		if r.fetches() != 2 {
			t.Errorf("%q: the keys were not fetched after %v", header, fresh)
		}
	}
}

func TestOldKeysServeWhileThePlatformIsDown(t *testing.T) {
	r := newRig(t)
	keys := newKeysAt(r)
	ask := func() error {
		_, err := keys.Key(t.Context(), "rsa-1", jose.RS256)
		return err
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	r.Fail("", providertest.Failure{Status: 500})
	r.pass(freshAtLeast)
	for range 100 {
		if err := ask(); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.fetches(); got != 3 { // the first, and one that was tried twice
		t.Errorf("a platform that is down was asked %d times", got)
	}
	r.pass(staleAtMost - time.Second)
	if err := ask(); err != nil {
		t.Errorf("just before they are too old: %v", err)
	}
	r.pass(2 * time.Second)
	wantReason(t, ask(), identity.ProviderUnavailable)
	r.Mend()
	r.pass(longestWait)
	if err := ask(); err != nil {
		t.Errorf("after the platform is back: %v", err)
	}
}

func TestUnknownKeysDoNotFloodThePlatform(t *testing.T) {
	r := newRig(t)
	keys := newKeysAt(r)
	for range 50 {
		_, err := keys.Key(t.Context(), "unknown", jose.RS256)
		wantReason(t, err, identity.CredentialInvalid)
	}
	if got := r.fetches(); got != 1 {
		t.Errorf("the platform was asked %d times", got)
	}
	r.pass(refetchGap)
	for range 50 {
		_, err := keys.Key(t.Context(), "unknown", jose.RS256)
		wantReason(t, err, identity.CredentialInvalid)
	}
	if got := r.fetches(); got != 2 {
		t.Errorf("the platform was asked %d times", got)
	}
}

func TestManyWhoNeedKeysFetchThemOnce(t *testing.T) {
	r := newRig(t)
	keys := newKeysAt(r)
	entered, release := make(chan struct{}), make(chan struct{})
	r.Handle(providertest.KeysPath, func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		providertest.WriteJSON(w, 200, map[string]any{"keys": []any{r.Key("rsa-1").JWK()}})
	})
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if _, err := keys.Key(context.Background(), "rsa-1", jose.RS256); err != nil {
				t.Error(err)
			}
		})
	}
	<-entered
	gone, leave := context.WithCancel(context.Background())
	leave()
	if _, err := keys.Key(gone, "rsa-1", jose.RS256); err == nil {
		t.Error("who left got a key")
	}
	close(release)
	all.Wait()
	if got := r.fetches(); got != 1 {
		t.Errorf("the keys were fetched %d times", got)
	}
}

func TestWhoFetchesMayLeaveTheOthersTheKeys(t *testing.T) {
	r := newRig(t)
	keys := newKeysAt(r)
	gone, leave := context.WithCancel(context.Background())
	leave()
	if _, err := keys.Key(gone, "rsa-1", jose.RS256); err != nil {
		t.Errorf("a fetch ended with its caller: %v", err)
	}
}

func TestKeysThatAreNotUsed(t *testing.T) {
	r := newRig(t)
	short := new(big.Int).Lsh(big.NewInt(1), 1023)
	weak := map[string]any{"kty": "RSA", "kid": "weak", "e": "AQAB", "n": encodeBig(short)}
	r.PublishJWK(weak)
	r.PublishJWK(map[string]any{"kty": "oct", "kid": "shared", "k": "AAAA", "alg": "HS256"})
	encrypts := r.Key("rsa-1").JWK()
	encrypts["kid"], encrypts["use"] = "encrypts", "enc"
	r.PublishJWK(encrypts)
	r.PublishJWK(map[string]any{"kty": "quantum", "kid": "future"})
	keys := newKeysAt(r)
	for _, c := range []struct {
		id        string
		algorithm jose.SignatureAlgorithm
	}{
		{"weak", jose.RS256},
		{"shared", jose.HS256},
		{"shared", jose.RS256},
		{"encrypts", jose.RS256},
		{"future", jose.RS256},
		{"rsa-1", jose.ES256},
		{"rsa-1", jose.RS512},
		{"ec-1", jose.RS256},
		{"ec-1", jose.ES384},
	} {
		_, err := keys.Key(t.Context(), c.id, c.algorithm)
		wantReason(t, err, identity.CredentialInvalid)
	}
	if _, err := keys.Key(t.Context(), "", jose.ES256); err != nil {
		t.Errorf("the only key for an algorithm needs no name: %v", err)
	}
	r.Publish("ec-2", "ES256")
	r.pass(freshAtLeast)
	_, err := keys.Key(t.Context(), "", jose.ES256)
	wantReason(t, err, identity.CredentialInvalid)
}

func TestFixedKeysAreAllThereAre(t *testing.T) {
	r := newRig(t)
	for name, body := range map[string]string{"no JSON": "x", "no keys": `{"keys":[]}`, "a shared secret": `{"keys":[{"kty":"oct","k":"AAAA"}]}`} {
		if _, err := ParseFixedKeys([]byte(body)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	keys, err := ParseFixedKeys([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"1"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Key(t.Context(), "1", jose.EdDSA); err != nil {
		t.Error(err)
	}
	_, err = keys.Key(t.Context(), "2", jose.EdDSA)
	wantReason(t, err, identity.CredentialInvalid)
	if r.fetches() != 0 {
		t.Error("somebody was asked")
	}
}
