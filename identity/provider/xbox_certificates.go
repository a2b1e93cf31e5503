package provider

import (
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // the thumbprint x5t is SHA-1 (RFC 7517, section 4.8); it names a certificate, it does not vouch for it
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// newCertificateSet makes a KeySet of certificates that a platform lists as an array of DER
// in base64. Their ids are their thumbprints.
func newCertificateSet(client *Client, address string, now func() time.Time) *KeySet {
	set := NewKeySet(client, address, now)
	set.parse = func(body []byte) ([]jose.JSONWebKey, error) { return parseCertificates(body, now()) }
	return set
}

// parseCertificates reads the certificates that are valid now and hold a key that can be used.
func parseCertificates(body []byte, now time.Time) ([]jose.JSONWebKey, error) {
	var list [][]byte
	if err := json.Unmarshal(body, &list); err != nil || len(list) > maxPlatformKeys {
		return nil, errors.New("the certificates are not a JSON array of base64")
	}
	var keys []jose.JSONWebKey
	for _, der := range list {
		certificate, err := x509.ParseCertificate(der)
		if err != nil || now.Before(certificate.NotBefore) || now.After(certificate.NotAfter) {
			continue
		}
		if public, ok := certificate.PublicKey.(*rsa.PublicKey); ok && strong(public) {
			thumbprint := sha1.Sum(der) //nolint:gosec // as above
			keys = append(keys, jose.JSONWebKey{Key: public, KeyID: base64.RawURLEncoding.EncodeToString(thumbprint[:]), Algorithm: string(jose.RS256)})
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("no certificate can be used")
	}
	return keys, nil
}
