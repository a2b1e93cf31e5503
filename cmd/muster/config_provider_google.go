package main

import (
	"muster/identity"
	"muster/identity/provider"
)

// googleConfig is a provider of kind google: Google Sign-In.
type googleConfig struct {
	ClientIDs     []string `yaml:"clientIds"`
	HostedDomains []string `yaml:"hostedDomains"`
	Nonce         string   `yaml:"nonce"` // empty: required
}

func googleKeys() map[string]*shape {
	return map[string]*shape{"clientIds": textsShape(), "hostedDomains": textsShape(), "nonce": text()}
}

func (c *googleConfig) check(k *checker, at string) {
	wantTexts(k, at+".clientIds", c.ClientIDs, "the OAuth client ids of the game, that of the server and those of the apps")
	checkNonce(k, at+".nonce", c.Nonce)
}

func (c *googleConfig) provider(tools providerTools) (identity.Provider, error) {
	return provider.NewGoogle(provider.GoogleOptions{
		Client: tools.client(), Now: tools.now, ClientIDs: c.ClientIDs, HostedDomains: c.HostedDomains, Nonce: provider.NoncePolicy(c.Nonce),
	}), nil
}

// playGamesConfig is a provider of kind playgames: Google Play Games.
type playGamesConfig struct {
	ApplicationID string       `yaml:"applicationId"`
	ClientID      string       `yaml:"clientId"` // of the web client
	ClientSecret  secretConfig `yaml:"clientSecret"`
}

func playGamesKeys() map[string]*shape {
	return map[string]*shape{"applicationId": text(), "clientId": text(), "clientSecret": secretShape()}
}

func (c *playGamesConfig) check(k *checker, at string) {
	wantText(k, at+".applicationId", c.ApplicationID, "the game's id in the Play Console, a number")
	wantText(k, at+".clientId", c.ClientID, "the OAuth client id of the type web application")
	c.ClientSecret.check(k, at+".clientSecret")
}

func (c *playGamesConfig) provider(tools providerTools) (identity.Provider, error) {
	secret, err := c.ClientSecret.open("clientSecret", tools)
	if err != nil {
		return nil, err
	}
	return provider.NewPlayGames(provider.PlayGamesOptions{
		Client: tools.client(), Now: tools.now, ApplicationID: c.ApplicationID, Credentials: provider.Credentials{ClientID: c.ClientID, Secret: secret},
	}), nil
}

// facebookLimitedConfig is a provider of kind facebook-limited.
type facebookLimitedConfig struct {
	AppID string `yaml:"appId"`
	Nonce string `yaml:"nonce"` // empty: required
}

func facebookLimitedKeys() map[string]*shape {
	return map[string]*shape{"appId": text(), "nonce": text()}
}

func (c *facebookLimitedConfig) check(k *checker, at string) {
	wantText(k, at+".appId", c.AppID, "the app id, a number")
	checkNonce(k, at+".nonce", c.Nonce)
}

func (c *facebookLimitedConfig) provider(tools providerTools) (identity.Provider, error) {
	return provider.NewFacebookLimited(provider.FacebookLimitedOptions{
		Client: tools.client(), Now: tools.now, AppID: c.AppID, Nonce: provider.NoncePolicy(c.Nonce),
	}), nil
}
