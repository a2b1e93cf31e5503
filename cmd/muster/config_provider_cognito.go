package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/aws/cognito"
	"muster/identity"
)

// cognitoConfig is a provider of kind cognito: user pools of Amazon Cognito.
type cognitoConfig struct {
	UserPools   []userPoolConfig   `yaml:"userPools"`
	Tokens      []cognito.TokenUse `yaml:"tokens"` // that sign in; empty: access
	PassThrough *passThroughConfig `yaml:"passThrough"`
}

type userPoolConfig struct {
	ID        cognito.PoolID `yaml:"id"`
	ClientIDs []string       `yaml:"clientIds"`
	Endpoint  string         `yaml:"endpoint"` // of a stand-in; empty: Amazon's
}

// passThroughConfig has us sign players up and in at a pool, for clients without an SDK.
type passThroughConfig struct {
	Pool         cognito.PoolID `yaml:"pool"`     // empty: the only one
	ClientID     string         `yaml:"clientId"` // empty: the only one of the pool
	ClientSecret secretConfig   `yaml:"clientSecret"`
	Flow         cognito.Flow   `yaml:"flow"` // empty: srp
	ShowTokens   bool           `yaml:"showTokens"`
}

func cognitoKeys() map[string]*shape {
	return map[string]*shape{
		"userPools": list("a list of user pools", group(map[string]*shape{"id": text(), "clientIds": textsShape(), "endpoint": text()})),
		"tokens":    textsShape(),
		"passThrough": group(map[string]*shape{
			"pool": text(), "clientId": text(), "clientSecret": secretShape(), "flow": text(), "showTokens": truth(),
		}),
	}
}

func (c *cognitoConfig) check(k *checker, at string) {
	if len(c.UserPools) == 0 {
		k.report(at+".userPools", "is needed: the pools whose tokens are taken, each with its id and clientIds")
	}
	seen := make(map[cognito.PoolID]bool)
	for i, pool := range c.UserPools {
		place := fmt.Sprintf("%s.userPools[%d]", at, i)
		if err := pool.ID.Check(); err != nil {
			k.report(place+".id", "%s", err)
		}
		if seen[pool.ID] {
			k.report(place+".id", "another pool of the list has this id")
		}
		seen[pool.ID] = true
		wantTexts(k, place+".clientIds", pool.ClientIDs, "the ids of the app clients whose tokens are taken")
		optionalURL(k, place+".endpoint", pool.Endpoint)
	}
	for i, use := range c.Tokens {
		if use != cognito.AccessUse && use != cognito.IDUse {
			k.report(fmt.Sprintf("%s.tokens[%d]", at, i), "%q is no use of a token; there are access and id", use)
		}
	}
	if c.PassThrough != nil {
		c.checkPassThrough(k, at+".passThrough")
	}
}

// checkPassThrough finds the pool and the app client, or reports that it cannot.
func (c *cognitoConfig) checkPassThrough(k *checker, at string) {
	p := c.PassThrough
	p.ClientSecret.checkOptional(k, at+".clientSecret")
	if p.Flow != "" && p.Flow != cognito.FlowSRP && p.Flow != cognito.FlowPassword {
		k.report(at+".flow", "%q is no flow; there are srp and password", p.Flow)
	}
	if len(c.Tokens) > 0 && !slices.Contains(c.Tokens, cognito.AccessUse) {
		k.report(at, "signs in with access tokens: list access among tokens")
	}
	if p.Pool == "" && len(c.UserPools) == 1 {
		p.Pool = c.UserPools[0].ID
	}
	pool, found := c.pool(p.Pool)
	if !found {
		k.report(at+".pool", "names one of userPools")
		return
	}
	if p.ClientID == "" && len(pool.ClientIDs) == 1 {
		p.ClientID = pool.ClientIDs[0]
	}
	if !slices.Contains(pool.ClientIDs, p.ClientID) {
		k.report(at+".clientId", "names one of the clientIds of %s", pool.ID)
	}
}

func (c *cognitoConfig) pool(id cognito.PoolID) (userPoolConfig, bool) {
	i := slices.IndexFunc(c.UserPools, func(p userPoolConfig) bool { return p.ID == id })
	if i < 0 {
		return userPoolConfig{}, false
	}
	return c.UserPools[i], true
}

func (c *cognitoConfig) provider(tools providerTools) (identity.Provider, error) {
	o := cognito.UserPoolsOptions{Uses: c.Tokens, Client: tools.client(), Now: tools.now}
	for _, p := range c.UserPools {
		o.Pools = append(o.Pools, cognito.Pool{ID: p.ID, ClientIDs: p.ClientIDs, Endpoint: p.Endpoint})
	}
	return cognito.NewUserPools(o)
}

// cognitoIdentityConfig is a provider of kind cognito-identity: identity pools of Amazon
// Cognito.
type cognitoIdentityConfig struct {
	IdentityPools []string         `yaml:"identityPools"`
	Guests        bool             `yaml:"guests"`
	Developer     *developerConfig `yaml:"developer"`
}

// developerConfig has players of ours get AWS credentials from a pool.
type developerConfig struct {
	Provider     string `yaml:"provider"`
	Pool         string `yaml:"pool"`         // empty: the only one
	TokenSeconds *int   `yaml:"tokenSeconds"` // nil: as the package says
	Guests       bool   `yaml:"guests"`
	Endpoint     string `yaml:"endpoint"` // of a stand-in; empty: Amazon's
}

func cognitoIdentityKeys() map[string]*shape {
	return map[string]*shape{
		"identityPools": textsShape(), "guests": truth(),
		"developer": group(map[string]*shape{"provider": text(), "pool": text(), "tokenSeconds": whole(), "guests": truth(), "endpoint": text()}),
	}
}

func (c *cognitoIdentityConfig) check(k *checker, at string) {
	wantTexts(k, at+".identityPools", c.IdentityPools, "the ids of the identity pools")
	for i, id := range c.IdentityPools {
		if err := cognito.CheckIdentityPool(id); err != nil {
			k.report(fmt.Sprintf("%s.identityPools[%d]", at, i), "%s", err)
		}
	}
	d := c.Developer
	if d == nil {
		return
	}
	at += ".developer"
	wantText(k, at+".provider", d.Provider, "the developer provider name in the pool's settings")
	if strings.Contains(d.Provider, ":") {
		k.report(at+".provider", "%q has a colon", d.Provider)
	}
	if d.Pool == "" && len(c.IdentityPools) == 1 {
		d.Pool = c.IdentityPools[0]
	}
	if !slices.Contains(c.IdentityPools, d.Pool) {
		k.report(at+".pool", "names one of identityPools")
	}
	if n := d.TokenSeconds; n != nil && (*n < 1 || *n > 86400) {
		k.report(at+".tokenSeconds", "lies between 1 and 86400, not %d", *n)
	}
	optionalURL(k, at+".endpoint", d.Endpoint)
}

func (c *cognitoIdentityConfig) provider(tools providerTools) (identity.Provider, error) {
	o := cognito.IdentityPoolsOptions{Pools: c.IdentityPools, Guests: c.Guests, Client: tools.client(), Now: tools.now}
	if c.Developer != nil {
		o.DeveloperProvider = c.Developer.Provider
	}
	return cognito.NewIdentityPools(o)
}

func (d *developerConfig) options() cognito.DeveloperOptions {
	o := cognito.DeveloperOptions{Pool: d.Pool, Provider: d.Provider, Guests: d.Guests, Endpoint: d.Endpoint}
	if d.TokenSeconds != nil {
		o.Life = time.Duration(*d.TokenSeconds) * time.Second
	}
	return o
}
