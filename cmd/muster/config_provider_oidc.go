package main

import (
	"fmt"
	"slices"
	"strings"

	"muster/identity"
	"muster/identity/provider"
)

// oidcConfig is a provider of kind oidc: any OpenID provider.
type oidcConfig struct {
	Issuer           string              `yaml:"issuer"`
	ClientIDs        []string            `yaml:"clientIds"`
	Algorithms       []string            `yaml:"algorithms"` // none: RS256
	JWKSURI          string              `yaml:"jwksUri"`    // empty: discovered
	SubjectClaim     string              `yaml:"subjectClaim"`
	RequiredClaims   map[string][]string `yaml:"requiredClaims"`
	Nonce            string              `yaml:"nonce"` // empty: required
	MaxAgeSeconds    int                 `yaml:"maxAgeSeconds"`
	MaxAuthAgeSecond int                 `yaml:"maxAuthAgeSeconds"`
	Code             *oidcCodeConfig     `yaml:"code"`
	Introspection    *introspectConfig   `yaml:"introspection"`
}

// clientAuthConfig is how we prove ourselves to an endpoint.
type clientAuthConfig struct {
	ClientID   string       `yaml:"clientId"` // empty: the first of clientIds
	Auth       string       `yaml:"auth"`     // empty: client_secret_basic
	Secret     secretConfig `yaml:"secret"`
	PrivateKey secretConfig `yaml:"privateKey"`
	KeyID      string       `yaml:"keyId"`
}

type oidcCodeConfig struct {
	clientAuthConfig `yaml:",inline"`

	RedirectURIs []string `yaml:"redirectUris"`
	TokenURL     string   `yaml:"tokenUrl"` // empty: discovered
	Iss          string   `yaml:"iss"`      // empty: optional
}

// Whether a code has to come with the iss that the client got beside it.
const (
	issOptional = "optional"
	issRequired = "required"
)

type introspectConfig struct {
	clientAuthConfig `yaml:",inline"`

	URL string `yaml:"url"` // empty: discovered
}

func clientAuthShapes() map[string]*shape {
	return map[string]*shape{"clientId": text(), "auth": text(), "secret": secretShape(), "privateKey": secretShape(), "keyId": text()}
}

func oidcKeys() map[string]*shape {
	return map[string]*shape{
		"issuer": text(), "clientIds": textsShape(), "algorithms": textsShape(), "jwksUri": text(),
		"subjectClaim": text(), "requiredClaims": requiredShape(), "nonce": text(), "maxAgeSeconds": whole(), "maxAuthAgeSeconds": whole(),
		"code":          group(merged(clientAuthShapes(), map[string]*shape{"redirectUris": textsShape(), "tokenUrl": text(), "iss": text()})),
		"introspection": group(merged(clientAuthShapes(), map[string]*shape{"url": text()})),
	}
}

func (c *oidcConfig) check(k *checker, at string) {
	wantURL(k, at+".issuer", c.Issuer, "the issuer, as its tokens name it")
	wantTexts(k, at+".clientIds", c.ClientIDs, "the client ids that tokens are for")
	checkAlgorithms(k, at+".algorithms", c.Algorithms)
	optionalURL(k, at+".jwksUri", c.JWKSURI)
	checkRequired(k, at+".requiredClaims", c.RequiredClaims)
	checkNonce(k, at+".nonce", c.Nonce)
	checkSeconds(k, at+".maxAgeSeconds", c.MaxAgeSeconds)
	checkSeconds(k, at+".maxAuthAgeSeconds", c.MaxAuthAgeSecond)
	if c.Code != nil {
		c.Code.check(k, at+".code")
		wantTexts(k, at+".code.redirectUris", c.Code.RedirectURIs, "the redirect addresses that codes are made for")
		optionalURL(k, at+".code.tokenUrl", c.Code.TokenURL)
		if iss := c.Code.Iss; iss != "" && iss != issOptional && iss != issRequired {
			k.report(at+".code.iss", "%q is neither %s nor %s", iss, issOptional, issRequired)
		}
	}
	if c.Introspection != nil {
		c.Introspection.check(k, at+".introspection")
		optionalURL(k, at+".introspection.url", c.Introspection.URL)
		c.checkOpaque(k, at)
	}
}

// checkOpaque reports what opaque tokens could not be held to: a demand that half of the
// tokens get around is none.
func (c *oidcConfig) checkOpaque(k *checker, at string) {
	const without = "cannot be asked of opaque tokens: leave it out, or leave out introspection"
	if provider.NoncePolicy(c.Nonce) == provider.NonceRequired {
		k.report(at+".nonce", "%q %s", c.Nonce, without)
	}
	if c.MaxAgeSeconds != 0 {
		k.report(at+".maxAgeSeconds", without)
	}
	if c.MaxAuthAgeSecond != 0 {
		k.report(at+".maxAuthAgeSeconds", without)
	}
}

func (c *clientAuthConfig) check(k *checker, at string) {
	known := []string{string(provider.AuthBasic), string(provider.AuthPost), string(provider.AuthPrivateKey), string(provider.AuthNone)}
	switch provider.ClientAuth(c.Auth) {
	case "", provider.AuthBasic, provider.AuthPost:
		c.Secret.check(k, at+".secret")
	case provider.AuthPrivateKey:
		c.PrivateKey.check(k, at+".privateKey", checkPrivateKey)
	case provider.AuthNone:
	default:
		k.report(at+".auth", "%q is no way to prove ourselves; there are %s", c.Auth, strings.Join(known, ", "))
	}
}

// credentials finds the secret. key is for messages.
func (c *clientAuthConfig) credentials(key, clientID string, tools providerTools) (provider.Credentials, error) {
	if c.ClientID != "" {
		clientID = c.ClientID
	}
	made := provider.Credentials{ClientID: clientID, Auth: provider.ClientAuth(c.Auth), KeyID: c.KeyID}
	var err error
	if made.Auth != provider.AuthPrivateKey {
		made.Secret, err = c.Secret.open(key+".secret", tools)
		return made, err
	}
	made.Secret, err = openPrivateKey(&c.PrivateKey, key+".privateKey", tools)
	return made, err
}

// openPrivateKey finds a private key, and refuses at the start one that does not sign.
func openPrivateKey(c *secretConfig, key string, tools providerTools) (provider.Secret, error) {
	secret, err := c.open(key, tools)
	if err != nil || secret == nil {
		return nil, err
	}
	text, err := secret()
	if err != nil {
		return nil, err
	}
	if err := checkPrivateKey(text); err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return secret, nil
}

func checkPrivateKey(text string) error {
	_, _, err := provider.ParsePrivateKey(text)
	return err
}

func (c *oidcConfig) provider(tools providerTools) (identity.Provider, error) {
	o := provider.OIDCOptions{
		Client: tools.client(), Now: tools.now, Issuer: c.Issuer, ClientIDs: c.ClientIDs, Algorithms: algorithms(c.Algorithms), KeysURL: c.JWKSURI,
		SubjectClaim: c.SubjectClaim, Required: c.RequiredClaims, Nonce: provider.NoncePolicy(c.Nonce), MaxAge: seconds(c.MaxAgeSeconds), MaxAuthAge: seconds(c.MaxAuthAgeSecond),
	}
	if c.Code != nil {
		credentials, err := c.Code.credentials("code", c.ClientIDs[0], tools)
		if err != nil {
			return nil, err
		}
		o.Code = &provider.CodeOptions{Credentials: credentials, RedirectURIs: c.Code.RedirectURIs, TokenURL: c.Code.TokenURL, WantIssuer: c.Code.Iss == issRequired}
	}
	if c.Introspection != nil {
		credentials, err := c.Introspection.credentials("introspection", c.ClientIDs[0], tools)
		if err != nil {
			return nil, err
		}
		o.Introspection = &provider.IntrospectionOptions{Credentials: credentials, URL: c.Introspection.URL}
	}
	return provider.NewOIDC(o), nil
}

// jwtConfig is a provider of kind jwt: the studio's own issuer of short-lived tokens.
type jwtConfig struct {
	Issuer         string              `yaml:"issuer"`
	Audiences      []string            `yaml:"audiences"`
	Algorithms     []string            `yaml:"algorithms"` // none: RS256, ES256 and EdDSA
	JWKSURI        string              `yaml:"jwksUri"`
	JWKSFile       string              `yaml:"jwksFile"` // relative to the configuration file
	RequiredClaims map[string][]string `yaml:"requiredClaims"`
	MaxAgeSeconds  *int                `yaml:"maxAgeSeconds"` // nil: defaultJWTAge
	Nonce          string              `yaml:"nonce"`         // empty: none

	keys provider.FixedKeys
}

// defaultJWTAge is how old the studio's own tokens may be, in seconds.
const defaultJWTAge = 300

func jwtKeys() map[string]*shape {
	return map[string]*shape{
		"issuer": text(), "audiences": textsShape(), "algorithms": textsShape(), "jwksUri": text(), "jwksFile": text(),
		"requiredClaims": requiredShape(), "maxAgeSeconds": whole(), "nonce": text(),
	}
}

func (c *jwtConfig) check(k *checker, at string) {
	wantText(k, at+".issuer", c.Issuer, "the issuer, as its tokens name it")
	wantTexts(k, at+".audiences", c.Audiences, "what tokens name as their audience")
	checkAlgorithms(k, at+".algorithms", c.Algorithms)
	checkRequired(k, at+".requiredClaims", c.RequiredClaims)
	checkNonce(k, at+".nonce", c.Nonce)
	if c.MaxAgeSeconds != nil {
		checkSeconds(k, at+".maxAgeSeconds", *c.MaxAgeSeconds)
	}
	optionalURL(k, at+".jwksUri", c.JWKSURI)
	if (c.JWKSURI == "") == (c.JWKSFile == "") {
		k.report(at+".jwksUri", "is needed, or jwksFile, and not both: where the public keys are")
		return
	}
	if c.JWKSFile == "" {
		return
	}
	body, err := k.readFile(c.JWKSFile)
	if err == nil {
		c.keys, err = provider.ParseFixedKeys(body)
	}
	if err != nil {
		k.report(at+".jwksFile", "%s: %v", fileOf(err, k.fullPath(c.JWKSFile)), underlying(err))
	}
}

func (c *jwtConfig) provider(tools providerTools) (identity.Provider, error) {
	age := defaultJWTAge
	if c.MaxAgeSeconds != nil {
		age = *c.MaxAgeSeconds
	}
	o := provider.OIDCOptions{
		Client: tools.client(), Now: tools.now, Issuer: c.Issuer, ClientIDs: c.Audiences, Algorithms: algorithms(c.Algorithms), KeysURL: c.JWKSURI,
		Required: c.RequiredClaims, Nonce: provider.NoncePolicy(c.Nonce), MaxAge: seconds(age),
	}
	if len(o.Algorithms) == 0 {
		o.Algorithms = slices.Clone(provider.StudioAlgorithms)
	}
	if c.Nonce == "" {
		o.Nonce = provider.NonceNone
	}
	if c.keys != nil {
		o.Keys = c.keys
	}
	return provider.NewOIDC(o), nil
}
