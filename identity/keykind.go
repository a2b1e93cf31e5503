package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/go-jose/go-jose/v4"
)

// KeyKind says what keys sign with.
type KeyKind string

// The kinds. EdDSA is the fastest to make and to check at this strength; ES256 and RS256
// are for those who must check our tokens and do not know it: the JWT authorizer of API
// Gateway's HTTP APIs takes RSA alone.
const (
	EdDSA KeyKind = "eddsa"
	ES256 KeyKind = "es256" // P-256
	RS256 KeyKind = "rs256" // RSA of 2048 bits
)

// Bounds of RSA keys, in bits: below they are weak, above every check costs too much.
const (
	minRSABits = 2048
	maxRSABits = 4096
)

// algorithmOf is what a key signs with or is checked by; an error says why we do not use it.
func algorithmOf(key any) (jose.SignatureAlgorithm, error) {
	switch k := key.(type) {
	case ed25519.PrivateKey, ed25519.PublicKey:
		return jose.EdDSA, nil
	case *ecdsa.PrivateKey:
		return algorithmOf(&k.PublicKey)
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return jose.ES256, nil
		}
	case *rsa.PrivateKey:
		return algorithmOf(&k.PublicKey)
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return "", fmt.Errorf("it is an RSA key of %d bits, not of %d to %d", bits, minRSABits, maxRSABits)
		}
		return jose.RS256, nil
	}
	return "", errors.New("it is neither an Ed25519 nor a P-256 nor an RSA key")
}

// kindOf is the kind of an algorithm's keys.
func kindOf(a jose.SignatureAlgorithm) KeyKind {
	switch a {
	case jose.ES256:
		return ES256
	case jose.RS256:
		return RS256
	}
	return EdDSA
}

// newKey draws a key of a kind. An Ed25519 key follows from random alone.
func newKey(kind KeyKind, random io.Reader) (jose.JSONWebKey, error) {
	var key any
	var err error
	switch kind {
	case EdDSA, "":
		seed := make([]byte, ed25519.SeedSize)
		_, err = io.ReadFull(random, seed)
		key = ed25519.NewKeyFromSeed(seed)
	case ES256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), random)
	case RS256:
		key, err = rsa.GenerateKey(random, minRSABits)
	default:
		err = fmt.Errorf("%q is no kind of key", kind)
	}
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("draw a signing key: %w", err)
	}
	return asJWK(key, "")
}

// asJWK wraps a key, private or public, for signing. Without an id it gets its thumbprint.
func asJWK(key any, id string) (jose.JSONWebKey, error) {
	algorithm, err := algorithmOf(key)
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	k := jose.JSONWebKey{Key: key, KeyID: id, Algorithm: string(algorithm), Use: "sig"}
	if id == "" {
		print, err := k.Thumbprint(crypto.SHA256)
		if err != nil {
			return jose.JSONWebKey{}, fmt.Errorf("thumbprint of a signing key: %w", err)
		}
		k.KeyID = base64.RawURLEncoding.EncodeToString(print)
	}
	return k, nil
}

// usable accepts what we sign with, for signing, and nothing else.
func usable(parsed jose.JSONWebKey) (jose.JSONWebKey, error) {
	key, err := asJWK(parsed.Key, parsed.KeyID)
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	if parsed.Algorithm != "" && parsed.Algorithm != key.Algorithm || parsed.Use != "" && parsed.Use != "sig" {
		return jose.JSONWebKey{}, fmt.Errorf("it is meant for something else than signing with %s", key.Algorithm)
	}
	return key, nil
}

// secretOf is what of a private key nobody else knows.
func secretOf(key any) ([]byte, error) {
	switch k := key.(type) {
	case ed25519.PrivateKey:
		return k.Seed(), nil
	case *ecdsa.PrivateKey:
		return k.Bytes()
	case *rsa.PrivateKey:
		return k.D.Bytes(), nil
	}
	return nil, errors.New("it has no private part")
}

// publicBytes stand for a public key in fingerprints.
func publicBytes(key any) []byte {
	if k, ok := key.(ed25519.PublicKey); ok {
		return k
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		panic("identity: a key that was accepted does not encode: " + err.Error())
	}
	return der
}
