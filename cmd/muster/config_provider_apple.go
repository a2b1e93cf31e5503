package main

import (
	"crypto/x509"

	"muster/identity"
	"muster/identity/provider"
)

// appleConfig is a provider of kind apple: Sign in with Apple.
type appleConfig struct {
	ClientIDs    []string     `yaml:"clientIds"` // bundle ids and Services IDs
	Nonce        string       `yaml:"nonce"`     // empty: required
	TeamID       string       `yaml:"teamId"`
	KeyID        string       `yaml:"keyId"`
	PrivateKey   secretConfig `yaml:"privateKey"` // left out: no authorization codes
	RedirectURIs []string     `yaml:"redirectUris"`
}

func appleKeys() map[string]*shape {
	return map[string]*shape{
		"clientIds": textsShape(), "nonce": text(), "teamId": text(), "keyId": text(), "privateKey": secretShape(), "redirectUris": textsShape(),
	}
}

func (c *appleConfig) check(k *checker, at string) {
	wantTexts(k, at+".clientIds", c.ClientIDs, "the bundle ids of apps and the Services IDs of web pages")
	checkNonce(k, at+".nonce", c.Nonce)
	c.PrivateKey.checkOptional(k, at+".privateKey", checkPrivateKey)
	if c.PrivateKey.given() {
		wantText(k, at+".teamId", c.TeamID, "the ten characters of the developer team, for authorization codes")
		wantText(k, at+".keyId", c.KeyID, "the ten characters of the private key, for authorization codes")
	} else if c.TeamID != "" || c.KeyID != "" || len(c.RedirectURIs) > 0 {
		k.report(at+".privateKey", "is needed for authorization codes; without it teamId, keyId and redirectUris say nothing")
	}
}

func (c *appleConfig) provider(tools providerTools) (identity.Provider, error) {
	key, err := openPrivateKey(&c.PrivateKey, "privateKey", tools)
	if err != nil {
		return nil, err
	}
	return provider.NewApple(provider.AppleOptions{
		Client: tools.client(), Now: tools.now, ClientIDs: c.ClientIDs, Nonce: provider.NoncePolicy(c.Nonce),
		TeamID: c.TeamID, KeyID: c.KeyID, PrivateKey: key, RedirectURIs: c.RedirectURIs,
	}), nil
}

// gameCenterConfig is a provider of kind gamecenter.
type gameCenterConfig struct {
	BundleIDs   []string `yaml:"bundleIds"`
	Sandbox     bool     `yaml:"sandbox"`
	Authorities string   `yaml:"authorities"` // file of certificates in PEM, relative to the configuration file

	pool *x509.CertPool
}

func gameCenterKeys() map[string]*shape {
	return map[string]*shape{"bundleIds": textsShape(), "sandbox": truth(), "authorities": text()}
}

func (c *gameCenterConfig) check(k *checker, at string) {
	wantTexts(k, at+".bundleIds", c.BundleIDs, "the bundle ids of the game")
	if c.Authorities == "" {
		return
	}
	body, err := k.readFile(c.Authorities)
	if err != nil {
		k.report(at+".authorities", "%s: %v", fileOf(err, k.fullPath(c.Authorities)), underlying(err))
		return
	}
	c.pool = x509.NewCertPool()
	if !c.pool.AppendCertsFromPEM(body) {
		k.report(at+".authorities", "%s holds no certificate in PEM", k.fullPath(c.Authorities))
	}
}

func (c *gameCenterConfig) provider(tools providerTools) (identity.Provider, error) {
	return provider.NewGameCenter(provider.GameCenterOptions{
		Client: tools.client(), Now: tools.now, BundleIDs: c.BundleIDs, Sandbox: c.Sandbox, Authorities: c.pool,
	}), nil
}
