package providertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // for RS384 and RS512
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync"
)

// Key is one that a Platform signs with.
type Key struct {
	ID        string
	Algorithm string // RS256, RS384, RS512, PS256, ES256 or EdDSA
	Private   crypto.Signer
}

// pool is some keys that are made once for all Platforms: RSA keys take their time.
var pool = [...]func() *rsa.PrivateKey{newRSA(), newRSA()}

func newRSA() func() *rsa.PrivateKey {
	return sync.OnceValue(func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic("providertest: " + err.Error())
		}
		return key
	})
}

// RSAKey is an RSA key of 2048 bits. Those of different numbers, 0 or 1, differ.
func RSAKey(n int) *rsa.PrivateKey { return pool[n]() }

// Publish adds a key with an id, made for an algorithm, to the published set. The RSA keys
// of two ids differ if their last characters do, as in "rsa-1" and "rsa-2".
func (p *Platform) Publish(id, algorithm string) { p.add(p.make(id, algorithm), true) }

// Hold adds a key that is not published yet: Publish it later under the same id.
func (p *Platform) Hold(id, algorithm string) { p.add(p.make(id, algorithm), false) }

// PublishJWK adds what need not be a key of ours, or any that could be used.
func (p *Platform) PublishJWK(jwk map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.strange = append(p.strange, jwk)
}

// Withdraw takes a key out of the published set; it still signs.
func (p *Platform) Withdraw(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.published = slices.DeleteFunc(p.published, func(other string) bool { return other == id })
}

func (p *Platform) make(id, algorithm string) Key {
	p.mu.Lock()
	known, there := p.keys[id]
	p.mu.Unlock()
	if there && known.Algorithm == algorithm {
		return known
	}
	var private crypto.Signer
	var err error
	switch algorithm {
	case "ES256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		private = pool[int(id[len(id)-1])%2]()
	}
	if err != nil {
		panic("providertest: " + err.Error())
	}
	return Key{id, algorithm, private}
}

func (p *Platform) add(key Key, publish bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys[key.ID] = key
	if publish && !slices.Contains(p.published, key.ID) {
		p.published = append(p.published, key.ID)
	}
}

// Key is the key of an id.
func (p *Platform) Key(id string) Key {
	p.mu.Lock()
	defer p.mu.Unlock()
	key, there := p.keys[id]
	if !there {
		panic(fmt.Sprintf("providertest: there is no key %q", id))
	}
	return key
}

// publicKeys is the published set. mu is held.
func (p *Platform) publicKeys() []map[string]any {
	keys := make([]map[string]any, 0, len(p.published))
	for _, id := range p.published {
		keys = append(keys, p.keys[id].JWK())
	}
	return append(keys, p.strange...)
}

// JWK is the public half as a JSON Web Key.
func (k Key) JWK() map[string]any {
	jwk := map[string]any{"kid": k.ID, "use": "sig", "alg": k.Algorithm}
	switch public := k.Private.Public().(type) {
	case *rsa.PublicKey:
		jwk["kty"], jwk["n"], jwk["e"] = "RSA", encode(public.N.Bytes()), encode(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := public.Bytes() // 4, then X and Y of 32 bytes each
		if err != nil {
			panic("providertest: " + err.Error())
		}
		jwk["kty"], jwk["crv"], jwk["x"], jwk["y"] = "EC", "P-256", encode(point[1:33]), encode(point[33:])
	case ed25519.PublicKey:
		jwk["kty"], jwk["crv"], jwk["x"] = "OKP", "Ed25519", encode(public)
	}
	return jwk
}

// Sign makes a token with a key of the Platform. header is added to alg, kid and typ; a
// nil member of it takes one out.
func (p *Platform) Sign(id string, claims, header map[string]any) string {
	return p.Key(id).Sign(claims, header)
}

// Sign makes a token.
func (k Key) Sign(claims, header map[string]any) string {
	covered := cover(map[string]any{"alg": k.Algorithm, "kid": k.ID, "typ": "JWT"}, claims, header)
	return covered + "." + encode(k.signature([]byte(covered)))
}

// Unsigned makes a token of algorithm none.
func Unsigned(claims, header map[string]any) string {
	return cover(map[string]any{"alg": "none", "typ": "JWT"}, claims, header) + "."
}

// Confuse makes a token of algorithm HS256 whose secret is the public key of an id, in the
// PEM form that careless checkers use as such.
func (p *Platform) Confuse(id string, claims, header map[string]any) string {
	der, err := x509.MarshalPKIXPublicKey(p.Key(id).Private.Public())
	if err != nil {
		panic("providertest: " + err.Error())
	}
	secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	covered := cover(map[string]any{"alg": "HS256", "kid": id, "typ": "JWT"}, claims, header)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(covered))
	return covered + "." + encode(mac.Sum(nil))
}

// Tampered is a token with other claims under the same signature.
func Tampered(token string, claims map[string]any) string {
	parts := strings.Split(token, ".")
	return parts[0] + "." + encodeJSON(claims) + "." + parts[2]
}

// cover is the part of a token that its signature covers.
func cover(header, claims, more map[string]any) string {
	maps.Copy(header, more)
	maps.DeleteFunc(header, func(_ string, value any) bool { return value == nil })
	return encodeJSON(header) + "." + encodeJSON(claims)
}

func (k Key) signature(covered []byte) []byte {
	hash := map[string]crypto.Hash{"RS384": crypto.SHA384, "RS512": crypto.SHA512}[k.Algorithm]
	if hash == 0 {
		hash = crypto.SHA256
	}
	digest := hash.New()
	digest.Write(covered)
	var signature []byte
	var err error
	switch private := k.Private.(type) {
	case *rsa.PrivateKey:
		if k.Algorithm == "PS256" {
			signature, err = rsa.SignPSS(rand.Reader, private, hash, digest.Sum(nil), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
			break
		}
		signature, err = rsa.SignPKCS1v15(rand.Reader, private, hash, digest.Sum(nil))
	case *ecdsa.PrivateKey:
		var r, s *big.Int
		if r, s, err = ecdsa.Sign(rand.Reader, private, digest.Sum(nil)); err == nil {
			signature = slices.Concat(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32)))
		}
	case ed25519.PrivateKey:
		signature = ed25519.Sign(private, covered)
	}
	if err != nil {
		panic("providertest: " + err.Error())
	}
	return signature
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func encodeJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic("providertest: " + err.Error())
	}
	return encode(text)
}
