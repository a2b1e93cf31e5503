package provider

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// maxXboxKeys bounds the private keys that are tried.
const maxXboxKeys = 4

// ParseXboxKeys reads the private keys of a relying party: PEM of PKCS#8 or PKCS#1; what
// else is in the file, as the certificate, is skipped. The error completes a sentence that
// begins with the key's name.
func ParseXboxKeys(text []byte) ([]*rsa.PrivateKey, error) {
	var keys []*rsa.PrivateKey
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		var key any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		default:
			continue
		}
		private, ok := key.(*rsa.PrivateKey)
		if err != nil || !ok || private.N.BitLen() < minRSABits {
			return nil, errors.New("is not an RSA key of 2048 bits or more")
		}
		keys = append(keys, private)
	}
	if len(keys) == 0 || len(keys) > maxXboxKeys {
		return nil, errors.New("is not PEM of one to four private keys")
	}
	return keys, nil
}

// relyingKeys keeps the keys of a relying party parsed for as long as their text is the
// same: parsing costs more than a decryption. The zero value is ready.
type relyingKeys struct {
	mu   sync.Mutex
	of   [sha256.Size]byte // guarded by mu; hash of the text
	keys []*rsa.PrivateKey // guarded by mu; nil: none yet. Not changed, but replaced
}

func (k *relyingKeys) parse(text string) ([]*rsa.PrivateKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	of := sha256.Sum256([]byte(text))
	if k.keys != nil && k.of == of {
		return k.keys, nil
	}
	keys, err := ParseXboxKeys([]byte(text))
	if err != nil {
		return nil, err
	}
	k.of, k.keys = of, keys
	return keys, nil
}

// privateKeys are those that tokens are encrypted for, as they are now.
func (x *Xbox) privateKeys(ctx context.Context) ([]*rsa.PrivateKey, error) {
	const name = "the private key of the Xbox relying party"
	text, err := x.o.PrivateKeys.read(ctx, x.o.Client, name)
	if err != nil {
		return nil, err
	}
	keys, err := x.keys.parse(text)
	if err != nil {
		return nil, x.o.Client.Misconfigured(ctx, name+" "+err.Error())
	}
	return keys, nil
}

// parseSealed reads an encrypted token. Xbox names one pair of algorithms (RFC 7518, sections
// 4.3 and 5.2.3); no other is tried.
func parseSealed(text string) (*jose.JSONWebEncryption, error) {
	if text == "" || len(text) > maxToken {
		return nil, errors.New("this is no XSTS token")
	}
	sealed, err := jose.ParseEncryptedCompact(text, []jose.KeyAlgorithm{jose.RSA_OAEP}, []jose.ContentEncryption{jose.A128CBC_HS256})
	if err != nil {
		return nil, errors.New("the token is not encrypted as Xbox does it")
	}
	return sealed, nil
}

// xboxAlgorithms are what XSTS signs with.
var xboxAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256}

// unseal decrypts a token and reads the signed one inside. It trusts nothing of that.
func unseal(sealed *jose.JSONWebEncryption, private []*rsa.PrivateKey) (openedToken, error) {
	for _, key := range private {
		inner, err := sealed.Decrypt(key)
		if err != nil {
			continue
		}
		if len(inner) > maxToken {
			return openedToken{}, errors.New("what is encrypted is too long")
		}
		signed, err := jose.ParseSignedCompact(string(inner), xboxAlgorithms)
		if err != nil {
			return openedToken{}, errors.New("what is encrypted is not a token signed as Xbox does it")
		}
		return openedToken{signed: signed}, nil
	}
	return openedToken{}, errors.New("the token is not encrypted for us")
}
