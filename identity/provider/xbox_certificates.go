package provider

import (
	"context"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // the thumbprint x5t is SHA-1 (RFC 7517, section 4.8); it names a certificate, it does not vouch for it
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"muster/identity"
)

// certificateSet is a KeySource of certificates that a platform lists as an array of DER in
// base64. Their ids are their thumbprints.
type certificateSet struct {
	client  *Client
	address string
	now     func() time.Time
	held    cached[[]jose.JSONWebKey]
}

func newCertificateSet(client *Client, address string, now func() time.Time) *certificateSet {
	s := &certificateSet{client: client, address: address, now: now}
	s.held.fetch, s.held.now = s.fetch, now
	return s
}

// Key implements KeySource.
func (s *certificateSet) Key(ctx context.Context, id string, algorithm jose.SignatureAlgorithm) (any, error) {
	keys, err := s.held.get(ctx, func(keys []jose.JSONWebKey) bool { return find(keys, id, algorithm) != nil })
	if err != nil {
		return nil, err
	}
	if key := find(keys, id, algorithm); key != nil {
		return key, nil
	}
	return nil, identity.Refusal(identity.CredentialInvalid, errors.New("the token names a certificate that is not listed"))
}

func (s *certificateSet) fetch(ctx context.Context) ([]jose.JSONWebKey, time.Duration, error) {
	answer, err := s.client.Do(ctx, Call{URL: s.address})
	if err != nil {
		return nil, 0, err
	}
	if answer.Status != http.StatusOK {
		return nil, 0, s.client.Misconfigured(ctx, fmt.Sprintf("there are no certificates at their address: status %d", answer.Status))
	}
	keys, err := parseCertificates(answer.Body, s.now())
	if err != nil {
		return nil, 0, identity.Refusal(identity.ProviderUnavailable, err)
	}
	return keys, freshFor(answer.Header.Get("Cache-Control")), nil
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
