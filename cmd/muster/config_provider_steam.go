package main

import (
	"strconv"

	"muster/identity"
	"muster/identity/provider"
)

// steamConfig is a provider of kind steam.
type steamConfig struct {
	Key            secretConfig `yaml:"key"` // the publisher's Web API key
	AppID          string       `yaml:"appId"`
	Identity       string       `yaml:"identity"` // empty: muster
	AllowVACBanned bool         `yaml:"allowVacBanned"`
	AllowBorrowed  bool         `yaml:"allowBorrowed"`
	Endpoint       string       `yaml:"endpoint"` // empty: that for publishers
}

func steamKeys() map[string]*shape {
	return map[string]*shape{
		"key": secretShape(), "appId": text(), "identity": text(),
		"allowVacBanned": truth(), "allowBorrowed": truth(), "endpoint": text(),
	}
}

func (c *steamConfig) check(k *checker, at string) {
	c.Key.check(k, at+".key")
	if id, err := strconv.ParseUint(c.AppID, 10, 32); err != nil || id == 0 {
		k.report(at+".appId", "is the number of the game's app at Steam, not %q", c.AppID)
	}
	optionalURL(k, at+".endpoint", c.Endpoint)
}

func (c *steamConfig) provider(tools providerTools) (identity.Provider, error) {
	key, err := c.Key.open("key", tools)
	if err != nil {
		return nil, err
	}
	return provider.NewSteam(provider.SteamOptions{
		Client: tools.client(), Now: tools.now, Key: key, AppID: c.AppID, Identity: c.Identity, Endpoint: c.Endpoint,
		AllowVACBanned: c.AllowVACBanned, AllowBorrowed: c.AllowBorrowed,
	}), nil
}
