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
	"net/http"
	"net/url"
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
	// Authorities are whom a certificate must descend from. Nil: that it comes from Apple's
	// host, over TLS, is enough.
	Authorities *x509.CertPool

	host string // scheme and host; empty: Apple's
}

// GameCenter proves players of Game Center by the signature that
// fetchItems(forIdentityVerificationSignature:) gives. It is safe for concurrent use.
type GameCenter struct {
	o    GameCenterOptions
	host string

	mu           sync.Mutex
	certificates map[string]*cached[*x509.Certificate] // guarded by mu; by address
}

// NewGameCenter makes a GameCenter. Source: GameKit, GKLocalPlayer.
func NewGameCenter(o GameCenterOptions) *GameCenter {
	host := o.host
	switch {
	case host != "":
	case o.Sandbox:
		host = "https://sandbox.gc.apple.com"
	default:
		host = "https://static.gc.apple.com"
	}
	return &GameCenter{o: o, host: host, certificates: make(map[string]*cached[*x509.Certificate])}
}

// Takes implements identity.Taker.
func (g *GameCenter) Takes() [][]string {
	return [][]string{{"fields.publicKeyUrl", "fields.signature", "fields.salt", "fields.timestamp", "fields.playerId", "fields.bundleId"}}
}

const (
	// gameCenterAge is how old a signature may be.
	gameCenterAge = 10 * time.Minute
	// maxCertificates bounds those kept at once; Apple uses one or two.
	maxCertificates = 16
	maxGameCenterID = 128
	maxSalt         = 64
)

// certificatePath is where Apple's certificates stand.
var certificatePath = regexp.MustCompile(`^/public-key/[A-Za-z0-9-]{1,64}\.cer$`)

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

// certificate is the one at an address, which has to be Apple's.
func (g *GameCenter) certificate(ctx context.Context, address string) (*x509.Certificate, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme+"://"+u.Host != g.host || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.RawPath != "" || !certificatePath.MatchString(u.Path) {
		return nil, identity.Refusal(identity.CredentialInvalid, errors.New("the certificate is not at an address of Apple's for this environment"))
	}
	held, err := g.held(address)
	if err != nil {
		return nil, err
	}
	certificate, err := held.get(ctx, func(*x509.Certificate) bool { return true })
	if err != nil {
		return nil, err
	}
	return certificate, g.check(certificate)
}

// held is what is kept for an address. Clients name the addresses, so it makes room among
// those at which nothing was found.
func (g *GameCenter) held(address string) (*cached[*x509.Certificate], error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c, there := g.certificates[address]; there {
		return c, nil
	}
	for other, c := range g.certificates {
		if len(g.certificates) >= maxCertificates && c.idle() {
			delete(g.certificates, other)
		}
	}
	if len(g.certificates) >= maxCertificates {
		return nil, identity.Refusal(identity.ProviderUnavailable, errors.New("too many certificates are asked for"))
	}
	c := &cached[*x509.Certificate]{now: g.o.Now, fetch: func(ctx context.Context) (*x509.Certificate, time.Duration, error) { return g.fetch(ctx, address) }}
	g.certificates[address] = c
	return c, nil
}

// idle says that there is nothing here, nor under way.
func (c *cached[T]) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.there && c.flight == nil && !c.triedAt.IsZero()
}

func (g *GameCenter) fetch(ctx context.Context, address string) (*x509.Certificate, time.Duration, error) {
	answer, err := g.o.Client.Do(ctx, Call{URL: address, Header: http.Header{"Accept": {"*/*"}}})
	if err != nil {
		return nil, 0, err
	}
	if answer.Status == http.StatusNotFound {
		return nil, 0, identity.Refusal(identity.CredentialInvalid, errors.New("there is no certificate at the address"))
	}
	certificate, err := x509.ParseCertificate(answer.Body)
	if !answer.OK() || err != nil {
		return nil, 0, identity.Refusal(identity.ProviderUnavailable, errors.New("the platform does not give its certificate"))
	}
	return certificate, freshFor(answer.Header.Get("Cache-Control")), nil
}

// check says whether a certificate may be used now.
func (g *GameCenter) check(certificate *x509.Certificate) error {
	now := g.o.Now()
	key, isRSA := certificate.PublicKey.(*rsa.PublicKey)
	if !isRSA || key.N.BitLen() < minRSABits || now.Before(certificate.NotBefore) || now.After(certificate.NotAfter) {
		return identity.Refusal(identity.CredentialInvalid, errors.New("the certificate is not valid now"))
	}
	if g.o.Authorities == nil {
		return nil
	}
	// The pool holds intermediates as well; each of it is trusted.
	_, err := certificate.Verify(x509.VerifyOptions{Roots: g.o.Authorities, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return identity.Refusal(identity.CredentialInvalid, errors.New("the certificate does not descend from the configured authorities"))
	}
	return nil
}
