package provider

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"muster/identity"
)

const (
	// maxCertificates bounds those kept at once; Apple uses one or two.
	maxCertificates = 16
	maxCertificate  = 16 << 10 // bytes
)

// Where Apple's certificates stand: "gc-prod-10.cer" and, in the sandbox, "gc-sb-2.cer". Apple
// documents neither the paths nor the hosts; published proofs name these, as of 2026.
var (
	certificatePath        = regexp.MustCompile(`^/public-key/gc-prod(-[0-9]{1,3})?\.cer$`)
	sandboxCertificatePath = regexp.MustCompile(`^/public-key/gc-sb(-[0-9]{1,3})?\.cer$`)
)

// gameCenterAuthority is "DigiCert Trusted G4 Code Signing RSA4096 SHA384 2021 CA1", valid until
// April 2036, SHA-256 46011ede1c147eb2bc731a539b7c047b7ee93e48b9d3c3ba710ce132bbdfac6b. It
// descends from "DigiCert Trusted Root G4", which systems trust, and Apple's certificates for
// Game Center descend from it, without naming it in the answer; observed of those of 2021.
//
//go:embed gamecenter_authority.pem
var gameCenterAuthority []byte

// trustApple trusts certificates of Apple's that the authority of Game Center made. Source:
// GameKit, GKLocalPlayer: "verify with the appropriate signing authority that the public key is
// signed by Apple".
func trustApple(now func() time.Time) func(*x509.Certificate) error {
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(gameCenterAuthority) {
		panic("provider: the authority of Game Center does not parse")
	}
	descends := descendsFrom(authorities, x509.ExtKeyUsageCodeSigning, now)
	return func(c *x509.Certificate) error {
		if !slices.Contains(c.Subject.Organization, "Apple Inc.") {
			return errors.New("is not made out to Apple")
		}
		return descends(c)
	}
}

// trustAuthorities trusts certificates that authorities made. The pool holds intermediates as
// well; each of it is trusted.
func trustAuthorities(authorities *x509.CertPool, now func() time.Time) func(*x509.Certificate) error {
	return descendsFrom(authorities, x509.ExtKeyUsageAny, now)
}

func descendsFrom(authorities *x509.CertPool, usage x509.ExtKeyUsage, now func() time.Time) func(*x509.Certificate) error {
	return func(c *x509.Certificate) error {
		_, err := c.Verify(x509.VerifyOptions{Roots: authorities, CurrentTime: now(), KeyUsages: []x509.ExtKeyUsage{usage}})
		if err != nil {
			return fmt.Errorf("is of %q, which is none of the authorities: look at authorities", shown(c.Issuer.CommonName))
		}
		return nil
	}
}

// certificate is the one at an address, which has to be Apple's.
func (g *GameCenter) certificate(ctx context.Context, address string) (*x509.Certificate, error) {
	if !g.isApples(address) {
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
	return certificate, checkCertificate(certificate, g.o.Now())
}

// isApples says that an address is one of Apple's certificates for this environment, in its
// one spelling.
func (g *GameCenter) isApples(address string) bool {
	u, err := url.Parse(address)
	return err == nil && g.host+u.Path == address && g.path.MatchString(u.Path)
}

// held is what is kept for an address. Clients name the addresses, so it makes room among
// those at which nothing was found that can be used.
func (g *GameCenter) held(address string) (*cached[*x509.Certificate], error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c, there := g.certificates[address]; there {
		return c, nil
	}
	for other, c := range g.certificates {
		if len(g.certificates) >= maxCertificates && c.idle(g.o.Now()) {
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

// idle says that there is nothing here that can still be used, nor under way.
func (c *cached[T]) idle(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	usable := c.there && now.Before(c.freshTill.Add(staleAtMost))
	return !usable && c.flight == nil && !c.triedAt.IsZero()
}

// fetch gets a certificate that can be used. Apple keeps old ones where they were; those are
// not kept here.
func (g *GameCenter) fetch(ctx context.Context, address string) (*x509.Certificate, time.Duration, error) {
	answer, err := g.o.Client.Do(ctx, Call{URL: address, Header: http.Header{"Accept": {"*/*"}}})
	if err != nil {
		return nil, 0, err
	}
	if answer.Status == http.StatusNotFound {
		return nil, 0, identity.Refusal(identity.CredentialInvalid, errors.New("there is no certificate at the address"))
	}
	if !answer.OK() || len(answer.Body) > maxCertificate {
		return nil, 0, identity.Refusal(identity.ProviderUnavailable, errors.New("the platform does not give its certificate"))
	}
	certificate, err := x509.ParseCertificate(answer.Body)
	if err != nil {
		return nil, 0, identity.Refusal(identity.ProviderUnavailable, errors.New("what the platform gives is no certificate"))
	}
	if err := checkCertificate(certificate, g.o.Now()); err != nil {
		return nil, 0, err
	}
	if err := g.trust(certificate); err != nil {
		return nil, 0, g.o.Client.Misconfigured(ctx, fmt.Sprintf("the certificate at %q %v", address, err))
	}
	return certificate, freshFor(answer.Header.Get("Cache-Control")), nil
}

// checkCertificate says whether a certificate may be used now.
func checkCertificate(certificate *x509.Certificate, now time.Time) error {
	key, isRSA := certificate.PublicKey.(*rsa.PublicKey)
	if !isRSA || !strong(key) || now.Before(certificate.NotBefore) || now.After(certificate.NotAfter) {
		return identity.Refusal(identity.CredentialInvalid, errors.New("the certificate is not valid now"))
	}
	return nil
}
