package provider

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"muster/identity"
)

// GameCenterOptions describe Apple's Game Center as a way in. Client, BundleIDs and Now are
// required.
type GameCenterOptions struct {
	Client *Client
	Now    func() time.Time

	BundleIDs []string
	Sandbox   bool // signatures of Apple's sandbox, and no others
	// Authorities are whom a certificate must descend from, itself without the certificates in
	// between. Nil: DigiCert's authority for code signing, and the certificate must be Apple's.
	Authorities *x509.CertPool

	host string // scheme and host; empty: Apple's
}

// GameCenter proves players of Game Center by the signature that
// fetchItems(forIdentityVerificationSignature:) gives. It is safe for concurrent use.
type GameCenter struct {
	o     GameCenterOptions
	host  string
	path  *regexp.Regexp // of certificates of this environment
	trust func(*x509.Certificate) error

	mu           sync.Mutex
	certificates map[string]*cached[*x509.Certificate] // guarded by mu; by address
}

// NewGameCenter makes a GameCenter. Source: GameKit, GKLocalPlayer.
func NewGameCenter(o GameCenterOptions) *GameCenter {
	g := &GameCenter{o: o, host: "https://static.gc.apple.com", path: certificatePath, certificates: make(map[string]*cached[*x509.Certificate])}
	if o.Sandbox {
		g.host, g.path = "https://sandbox.gc.apple.com", sandboxCertificatePath
	}
	g.host = or(o.host, g.host)
	g.trust = trustAuthorities(o.Authorities, o.Now)
	if o.Authorities == nil {
		g.trust = trustApple(o.Now)
	}
	return g
}

// Takes implements identity.Taker.
func (g *GameCenter) Takes() [][]string {
	return [][]string{{"fields.publicKeyUrl", "fields.signature", "fields.salt", "fields.timestamp", "fields.playerId", "fields.bundleId"}}
}

const (
	// gameCenterAge is how old a signature may be.
	gameCenterAge   = 10 * time.Minute
	maxGameCenterID = 128
	maxSalt         = 64
)

// Verify implements identity.Provider. Members of the proof are its fields publicKeyUrl,
// signature and salt (both base64), timestamp (milliseconds), playerId and bundleId.
func (g *GameCenter) Verify(ctx context.Context, proof identity.Proof) (identity.Verified, error) {
	player, bundle := proof.Fields["playerId"], proof.Fields["bundleId"]
	signature, errSignature := base64.StdEncoding.DecodeString(proof.Fields["signature"])
	salt, errSalt := base64.StdEncoding.DecodeString(proof.Fields["salt"])
	millis, errTime := strconv.ParseUint(proof.Fields["timestamp"], 10, 63)
	if errSignature != nil || errSalt != nil || errTime != nil || player == "" || len(player) > maxGameCenterID || len(salt) == 0 || len(salt) > maxSalt || millis > maxInstant*1000 {
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, errors.New("the fields do not have the form of Game Center's"))
	}
	if !slices.Contains(g.o.BundleIDs, bundle) {
		return identity.Verified{}, identity.Refusal(identity.WrongApplication, errors.New("the signature is for another bundle"))
	}
	made, now := time.UnixMilli(int64(millis)), g.o.Now()
	switch {
	case made.After(now.Add(clockSkew)):
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, errors.New("the signature was made in the future"))
	case now.After(made.Add(gameCenterAge + clockSkew)):
		return identity.Verified{}, identity.Refusal(identity.CredentialExpired, errors.New("the signature is too old"))
	}
	certificate, err := g.certificate(ctx, proof.Fields["publicKeyUrl"])
	if err != nil {
		return identity.Verified{}, err
	}
	signed := binary.BigEndian.AppendUint64([]byte(player+bundle), millis)
	digest := sha256.Sum256(append(signed, salt...))
	if err := rsa.VerifyPKCS1v15(certificate.PublicKey.(*rsa.PublicKey), crypto.SHA256, digest[:], signature); err != nil {
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, errors.New("the signature is not of what it comes with"))
	}
	return identity.Verified{Subject: player, Once: hex.EncodeToString(digest[:]), Until: made.Add(gameCenterAge + clockSkew)}, nil
}
