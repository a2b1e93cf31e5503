package main

import (
	"muster/identity"
	"muster/identity/provider"
)

// discordConfig is a provider of kind discord.
type discordConfig struct {
	ClientID     string       `yaml:"clientId"`
	ClientSecret secretConfig `yaml:"clientSecret"`
	RedirectURIs []string     `yaml:"redirectUris"` // none: codes of activities alone
}

func discordKeys() map[string]*shape {
	return map[string]*shape{"clientId": text(), "clientSecret": secretShape(), "redirectUris": textsShape()}
}

func (c *discordConfig) check(k *checker, at string) {
	wantText(k, at+".clientId", c.ClientID, "the id of the application at Discord")
	c.ClientSecret.check(k, at+".clientSecret")
}

func (c *discordConfig) provider(tools providerTools) (identity.Provider, error) {
	secret, err := c.ClientSecret.open("clientSecret", tools)
	if err != nil {
		return nil, err
	}
	return provider.NewDiscord(provider.DiscordOptions{
		Client: provider.NewClient(provider.ClientOptions{Name: tools.name, UserAgent: provider.DiscordUserAgent, Now: tools.now, Log: tools.log}),
		Now:    tools.now, ClientID: c.ClientID, ClientSecret: secret, RedirectURIs: c.RedirectURIs,
	}), nil
}
