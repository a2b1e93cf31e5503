package main

import (
	"fmt"
	"maps"
	"slices"

	"muster"
	"muster/aws/sts"
	"muster/identity"
	"muster/identity/provider"
)

// bearerConfig has access tokens of a provider taken as they are.
type bearerConfig struct {
	Groups map[string]muster.Scope `yaml:"groups"`
	Scopes map[string]muster.Scope `yaml:"scopes"`
	// MaxAgeSeconds is how long a token is taken after it was made; 0: until it expires.
	MaxAgeSeconds int `yaml:"maxAgeSeconds"`
}

// serverRolesConfig lets game servers in by their AWS roles.
type serverRolesConfig struct {
	Roles    []string `yaml:"roles"`
	Regions  []string `yaml:"regions"`
	ServerID string   `yaml:"serverId"` // empty: our URL
	Endpoint string   `yaml:"endpoint"` // of a stand-in; empty: Amazon's
}

func bearersShape() *shape {
	scopes := func() *shape { return &shape{want: "a group of scopes", takes: isGroup, each: text()} }
	return &shape{want: "a group of providers", takes: isGroup, each: group(map[string]*shape{"groups": scopes(), "scopes": scopes(), "maxAgeSeconds": whole()})}
}

func serverRolesShape() *shape {
	return group(map[string]*shape{"roles": textsShape(), "regions": textsShape(), "serverId": text(), "endpoint": text()})
}

// checkBearers reports providers whose access tokens cannot be taken as they are, and
// scopes that cannot be given.
func (c *identityConfig) checkBearers(k *checker) {
	for _, name := range slices.Sorted(maps.Keys(c.Bearers)) {
		at := "identity.bearers." + name
		entry, known := c.Providers[name]
		if !known || entry.kind(name) != "cognito" {
			k.report(at, "%q is not one of identity.providers of kind cognito", name)
		}
		bearer := c.Bearers[name]
		checkSeconds(k, at+".maxAgeSeconds", bearer.MaxAgeSeconds)
		for kind, given := range map[string]map[string]muster.Scope{"groups": bearer.Groups, "scopes": bearer.Scopes} {
			for _, holder := range slices.Sorted(maps.Keys(given)) {
				if scope := given[holder]; scope != muster.ServerScope && scope != muster.AdminScope {
					k.report(at+"."+kind+"."+holder, "%q cannot be given; there are server and admin", scope)
				}
			}
		}
	}
}

func (c *serverRolesConfig) check(k *checker) {
	if c == nil {
		return
	}
	const at = "identity.serverRoles"
	wantTexts(k, at+".roles", c.Roles, "the ARNs of the IAM roles of game servers")
	wantTexts(k, at+".regions", c.Regions, "the regions whose STS signs for them")
	optionalURL(k, at+".endpoint", c.Endpoint)
	if len(c.Roles) == 0 || len(c.Regions) == 0 {
		return
	}
	if _, err := sts.New(c.options("https://placeholder.example", providerTools{})); err != nil {
		k.report(at, "%s", err)
	}
}

func (c *serverRolesConfig) options(url string, tools providerTools) sts.Options {
	o := sts.Options{ServerID: c.ServerID, Regions: c.Regions, Roles: c.Roles, Endpoint: c.Endpoint, Now: tools.now}
	if o.ServerID == "" {
		o.ServerID = url
	}
	if tools.now != nil {
		o.Client = provider.NewClient(provider.ClientOptions{Name: serverRoles, Now: tools.now, Log: tools.log})
	}
	return o
}

// serverRoles names what proofs of game servers are used up under. No provider has a space
// in its name.
const serverRoles = "server roles"

// givesAdmin says that somebody is an operator by a token of others.
func (c *identityConfig) givesAdmin() bool {
	for _, b := range c.Bearers {
		for _, given := range []map[string]muster.Scope{b.Groups, b.Scopes} {
			if slices.Contains(slices.Collect(maps.Values(given)), muster.AdminScope) {
				return true
			}
		}
	}
	return false
}

// bearers are the issuers whose access tokens are taken as they are.
func (c *identityConfig) bearers(made map[string]identity.Provider) (map[string]identity.Bearing, error) {
	issuers := make(map[string]identity.Bearing, len(c.Bearers))
	for name, b := range c.Bearers {
		issuer, can := made[name].(identity.Issuer)
		if !can {
			return nil, fmt.Errorf("identity.bearers.%s: access tokens of this provider cannot be taken as they are", name)
		}
		issuers[name] = identity.Bearing{Issuer: issuer, Groups: b.Groups, Scopes: b.Scopes, MaxAge: seconds(b.MaxAgeSeconds)}
	}
	return issuers, nil
}
