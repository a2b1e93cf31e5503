package main

import (
	"muster/identity"
	"muster/identity/provider"
)

// amazonConfig is a provider of kind amazon: Login with Amazon.
type amazonConfig struct {
	ClientIDs  []string `yaml:"clientIds"`
	AllowReuse bool     `yaml:"allowReuse"`
	Endpoint   string   `yaml:"endpoint"` // empty: https://api.amazon.com
}

func amazonKeys() map[string]*shape {
	return map[string]*shape{"clientIds": textsShape(), "allowReuse": truth(), "endpoint": text()}
}

func (c *amazonConfig) check(k *checker, at string) {
	wantTexts(k, at+".clientIds", c.ClientIDs, "the client ids of the security profile")
	optionalURL(k, at+".endpoint", c.Endpoint)
}

func (c *amazonConfig) provider(tools providerTools) (identity.Provider, error) {
	return provider.NewAmazon(provider.AmazonOptions{
		Client: tools.client(), Now: tools.now, ClientIDs: c.ClientIDs, Endpoint: c.Endpoint, AllowReuse: c.AllowReuse,
	}), nil
}
