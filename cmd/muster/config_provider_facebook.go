package main

import (
	"muster/identity"
	"muster/identity/provider"
)

// facebookConfig is a provider of kind facebook: access tokens and those of Limited Login.
type facebookConfig struct {
	AppID      string       `yaml:"appId"`
	AppSecret  secretConfig `yaml:"appSecret"`
	AllowReuse bool         `yaml:"allowReuse"` // of access tokens
	Nonce      string       `yaml:"nonce"`      // of Limited Login; empty: required
	Endpoint   string       `yaml:"endpoint"`   // empty: the Graph API, with the version that is known
}

func facebookKeys() map[string]*shape {
	return map[string]*shape{"appId": text(), "appSecret": secretShape(), "allowReuse": truth(), "nonce": text(), "endpoint": text()}
}

func (c *facebookConfig) check(k *checker, at string) {
	wantText(k, at+".appId", c.AppID, "the id of the app at Meta")
	c.AppSecret.check(k, at+".appSecret")
	checkNonce(k, at+".nonce", c.Nonce)
	optionalURL(k, at+".endpoint", c.Endpoint)
}

func (c *facebookConfig) provider(tools providerTools) (identity.Provider, error) {
	secret, err := c.AppSecret.open("appSecret", tools)
	if err != nil {
		return nil, err
	}
	client := tools.client()
	return provider.NewFacebook(provider.FacebookOptions{
		Client: client, Now: tools.now, AppID: c.AppID, AppSecret: secret, Endpoint: c.Endpoint, AllowReuse: c.AllowReuse,
		Limited: provider.NewFacebookLimited(provider.FacebookLimitedOptions{
			Client: client, Now: tools.now, AppID: c.AppID, Nonce: provider.NoncePolicy(c.Nonce),
		}),
	}), nil
}

// facebookInstantConfig is a provider of kind facebook-instant.
type facebookInstantConfig struct {
	AppSecret secretConfig `yaml:"appSecret"`
}

func facebookInstantKeys() map[string]*shape { return map[string]*shape{"appSecret": secretShape()} }

func (c *facebookInstantConfig) check(k *checker, at string) { c.AppSecret.check(k, at+".appSecret") }

func (c *facebookInstantConfig) provider(tools providerTools) (identity.Provider, error) {
	secret, err := c.AppSecret.open("appSecret", tools)
	if err != nil {
		return nil, err
	}
	return provider.NewFacebookInstant(provider.FacebookInstantOptions{Client: tools.client(), Now: tools.now, AppSecret: secret}), nil
}
