package main

import (
	"muster/identity"
	"muster/identity/provider"
)

// epicConfig is a provider of kind epic or epic-connect.
type epicConfig struct {
	ClientIDs     []string `yaml:"clientIds"`
	ProductIDs    []string `yaml:"productIds"`
	SandboxIDs    []string `yaml:"sandboxIds"`
	DeploymentIDs []string `yaml:"deploymentIds"`

	connect bool
}

func epicKeys() map[string]*shape {
	return map[string]*shape{"clientIds": textsShape(), "productIds": textsShape(), "sandboxIds": textsShape(), "deploymentIds": textsShape()}
}

func (c *epicConfig) check(k *checker, at string) {
	wantTexts(k, at+".clientIds", c.ClientIDs, "the ids of the game's clients")
	wantTexts(k, at+".productIds", c.ProductIDs, "the ids of the game's products")
	if len(c.SandboxIDs) == 0 && len(c.DeploymentIDs) == 0 {
		k.report(at+".deploymentIds", "is needed, or sandboxIds: they keep test environments apart from the live one")
	}
}

func (c *epicConfig) provider(tools providerTools) (identity.Provider, error) {
	o := provider.EpicOptions{
		Client: tools.client(), Now: tools.now, ClientIDs: c.ClientIDs, Products: c.ProductIDs, Sandboxes: c.SandboxIDs, Deployments: c.DeploymentIDs,
	}
	if c.connect {
		return provider.NewEpicConnect(o), nil
	}
	return provider.NewEpic(o), nil
}
