package providertest

import (
	"bytes"
	"compress/flate"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // RSA-OAEP is with SHA-1 (RFC 7518, section 4.3)
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// Seal encrypts a token for the holder of a key, as Xbox does: RSA-OAEP, A128CBC-HS256 and
// DEFLATE (RFC 7516). header is added to the usual one and may contradict it; a nil member of
// it takes one out.
func Seal(public *rsa.PublicKey, token string, header map[string]any) string {
	usual := map[string]any{"alg": "RSA-OAEP", "enc": "A128CBC-HS256", "zip": "DEF", "cty": "JWT"}
	for name, value := range header {
		usual[name] = value
		if value == nil {
			delete(usual, name)
		}
	}
	head := encodeJSON(usual)
	plain := []byte(token)
	if usual["zip"] == "DEF" {
		plain = deflated(plain)
	}
	secret, iv := make([]byte, 32), make([]byte, aes.BlockSize)
	must(rand.Read(secret))
	must(rand.Read(iv))
	wrapped := must(rsa.EncryptOAEP(sha1.New(), rand.Reader, public, secret, nil)) //nolint:gosec // as above

	// The first half of the secret authenticates, the second encrypts (RFC 7518, section 5.2.2.1).
	padding := aes.BlockSize - len(plain)%aes.BlockSize
	plain = append(plain, bytes.Repeat([]byte{byte(padding)}, padding)...)
	sealed := make([]byte, len(plain))
	cipher.NewCBCEncrypter(must(aes.NewCipher(secret[16:])), iv).CryptBlocks(sealed, plain)

	mac := hmac.New(sha256.New, secret[:16])
	mac.Write(slices.Concat([]byte(head), iv, sealed))
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(head))*8))
	return head + "." + encode(wrapped) + "." + encode(iv) + "." + encode(sealed) + "." + encode(mac.Sum(nil)[:16])
}

func deflated(data []byte) []byte {
	var out bytes.Buffer
	w := must(flate.NewWriter(&out, flate.DefaultCompression))
	must(w.Write(data))
	if err := w.Close(); err != nil {
		panic("providertest: " + err.Error())
	}
	return out.Bytes()
}

func must[T any](value T, err error) T {
	if err != nil {
		panic("providertest: " + err.Error())
	}
	return value
}
