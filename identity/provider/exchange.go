package provider

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"muster/identity"
)

// ClientAuth is how we prove ourselves to a platform's endpoints. Source: OpenID Connect Core
// 1.0, section 9.
type ClientAuth string

// The ways.
const (
	AuthBasic      ClientAuth = "client_secret_basic"
	AuthPost       ClientAuth = "client_secret_post"
	AuthPrivateKey ClientAuth = "private_key_jwt"
	AuthNone       ClientAuth = "none" // a public client: PKCE alone protects the code
)

// Credentials are what a platform knows us by.
type Credentials struct {
	ClientID string
	Auth     ClientAuth // empty: AuthBasic
	// Secret is the client secret, or for AuthPrivateKey the private key in PEM.
	Secret Secret
	KeyID  string // of the private key, as the platform knows it; empty: not told
}

// apply puts the credentials into a call to an endpoint.
func (c *Credentials) apply(endpoint string, form url.Values, header http.Header, now time.Time) error {
	if c.Auth == AuthNone {
		form.Set("client_id", c.ClientID)
		return nil
	}
	secret, err := c.Secret()
	if err != nil {
		return err
	}
	switch c.Auth {
	case AuthPost:
		form.Set("client_id", c.ClientID)
		form.Set("client_secret", secret)
	case AuthPrivateKey:
		assertion, err := c.assertion(secret, endpoint, now)
		if err != nil {
			return err
		}
		form.Set("client_id", c.ClientID)
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	default:
		// RFC 6749, section 2.3.1: both are form-encoded first.
		req := http.Request{Header: header}
		req.SetBasicAuth(url.QueryEscape(c.ClientID), url.QueryEscape(secret))
	}
	return nil
}

// assertionTTL is how long a signed statement of who we are can be used.
const assertionTTL = 5 * time.Minute

// assertion says who we are, signed (RFC 7523).
func (c *Credentials) assertion(key, audience string, now time.Time) (string, error) {
	return signedAs(key, c.KeyID, jwt.Claims{
		Issuer: c.ClientID, Subject: c.ClientID, Audience: jwt.Audience{audience}, ID: rand.Text(),
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(assertionTTL)),
	})
}

// signedAs signs claims with a private key in PEM, with the algorithm that goes with it.
func signedAs(key, keyID string, claims jwt.Claims) (string, error) {
	private, algorithm, err := ParsePrivateKey(key)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: private, KeyID: keyID}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", errors.New("the private key cannot sign")
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		return "", errors.New("the private key does not sign")
	}
	return text, nil
}

// ParsePrivateKey reads a private key in PEM (PKCS#8) and says which algorithm goes with it:
// RS256, ES256 or EdDSA. The error says nothing of the key.
func ParsePrivateKey(text string) (crypto.Signer, jose.SignatureAlgorithm, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, "", errors.New("is not a private key in PEM (PKCS#8)")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, "", errors.New("is a private key that does not parse")
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() >= minRSABits {
			return key, jose.RS256, nil
		}
	case *ecdsa.PrivateKey:
		if key.Curve.Params().BitSize == 256 {
			return key, jose.ES256, nil
		}
	case ed25519.PrivateKey:
		return key, jose.EdDSA, nil
	}
	return nil, "", errors.New("is a private key of another kind: RSA from 2048 bits, EC P-256 or Ed25519 is expected")
}

// codeExchange turns authorization codes into tokens. Source: RFC 6749, section 4.1.3, and
// RFC 7636.
type codeExchange struct {
	client      *Client
	endpoint    func(context.Context) (string, error)
	credentials func(identity.Proof) (Credentials, error)
	redirects   []string // that a code may have been made for; the only one may be left out
	// withoutRedirect says that a code of an app comes without a redirect address, whatever
	// redirects says.
	withoutRedirect bool
	pkce            bool // a code comes with its verifier
	// issuer says who may have issued a code, as far as clients pass that on; nil: whoever did.
	issuer      func(string) bool
	wantsIssuer bool // a code comes with its issuer
	now         func() time.Time
}

// tokens is what a code is worth.
type tokens struct {
	AccessToken  string `json:"access_token"`
	IDToken      string `json:"id_token"`
	RefreshToken string `json:"refresh_token"`
	TokenType    string `json:"token_type"`
	Scope        string `json:"scope"`
}

// verifierForm is the form of a code verifier (RFC 7636, section 4.1).
var verifierForm = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

// visible says that a text may be a code or an opaque token (RFC 6749, appendix A).
func visible(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// trade exchanges the code of a proof. A code is sent once: it works once.
func (x *codeExchange) trade(ctx context.Context, proof identity.Proof) (tokens, error) {
	if !visible(proof.Code) {
		return tokens{}, identity.Refusal(identity.CredentialInvalid, errors.New("there is no code, or one that none can be"))
	}
	if err := x.checkIssuer(proof); err != nil {
		return tokens{}, err
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {proof.Code}}
	redirect, err := x.redirect(proof)
	if err != nil {
		return tokens{}, err
	}
	if redirect != "" {
		form.Set("redirect_uri", redirect)
	}
	switch {
	case proof.CodeVerifier != "" && !verifierForm.MatchString(proof.CodeVerifier), x.pkce && proof.CodeVerifier == "":
		return tokens{}, identity.Refusal(identity.CredentialInvalid, errors.New("the code comes without a code verifier of the right form"))
	case proof.CodeVerifier != "":
		form.Set("code_verifier", proof.CodeVerifier)
	}
	credentials, err := x.credentials(proof)
	if err != nil {
		return tokens{}, err
	}
	answer, err := x.client.post(ctx, x.endpoint, &credentials, form, false, x.now())
	if err != nil {
		return tokens{}, err
	}
	if !answer.OK() {
		return tokens{}, x.client.refusedGrant(ctx, answer)
	}
	var got tokens
	if err := answer.JSON(&got); err != nil {
		return tokens{}, err
	}
	return got, nil
}

func (x *codeExchange) redirect(proof identity.Proof) (string, error) {
	switch {
	case proof.RedirectURI == "" && x.withoutRedirect:
		return "", nil
	case proof.RedirectURI == "" && len(x.redirects) == 1:
		return x.redirects[0], nil
	case proof.RedirectURI == "" && len(x.redirects) == 0, slices.Contains(x.redirects, proof.RedirectURI):
		return proof.RedirectURI, nil
	}
	return "", identity.Refusal(identity.CredentialInvalid, errors.New("the code was made for a redirect address that is not configured"))
}

// post sends a form to an endpoint, with our credentials.
func (c *Client) post(ctx context.Context, endpoint func(context.Context) (string, error), as *Credentials, form url.Values, repeatable bool, now time.Time) (Answer, error) {
	address, err := endpoint(ctx)
	if err != nil {
		return Answer{}, err
	}
	header := http.Header{}
	if err := as.apply(address, form, header, now); err != nil {
		return Answer{}, c.Misconfigured(ctx, "our credentials cannot be used: "+err.Error())
	}
	return c.Do(ctx, Call{URL: address, Form: form, Header: header, Repeatable: repeatable})
}

// ours says for each error code of RFC 6749 (section 5.2), and for those that platforms add,
// what is wrong with our configuration.
var ours = map[string]string{
	"invalid_client":         "it does not accept the client id or secret",
	"unauthorized_client":    "the client may not exchange codes",
	"unsupported_grant_type": "it does not exchange codes",
	"invalid_scope":          "it does not accept the scope",
	"redirect_uri_mismatch":  "it does not know the redirect address",
}

// refusedGrant says whose fault it is that a token endpoint refuses.
func (c *Client) refusedGrant(ctx context.Context, answer Answer) error {
	var body struct {
		Error string `json:"error"`
	}
	if err := answer.JSON(&body); err != nil && answer.Status != http.StatusUnauthorized && answer.Status != http.StatusForbidden {
		return err
	}
	problem, known := ours[body.Error]
	switch {
	case body.Error == "invalid_grant":
		return identity.Refusal(identity.CredentialExpired, errors.New("the platform does not take the code"))
	case body.Error == "invalid_request":
		return identity.Refusal(identity.CredentialInvalid, errors.New("the platform does not take the request"))
	case known:
		return c.Misconfigured(ctx, problem)
	case answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden:
		return c.Misconfigured(ctx, "it does not accept our credentials")
	}
	return identity.Refusal(identity.ProviderUnavailable, errors.New("the platform refuses for no reason that we know"))
}
