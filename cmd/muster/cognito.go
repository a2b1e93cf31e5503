package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"

	"muster"
	"muster/aws/cognito"
	"muster/aws/sts"
	"muster/httpapi"
	"muster/identity"
)

// serveAWS adds to the interface what Amazon Cognito and IAM have to do with identity.
func (c *identityConfig) serveAWS(o *httpapi.Options, ids *identity.Service, url string, tools providerTools) error {
	for _, name := range slices.Sorted(maps.Keys(c.Providers)) {
		at := "identity.providers." + name
		settings, is := c.Providers[name].settings.(*cognitoConfig)
		if !is || settings.PassThrough == nil {
			continue
		}
		users, err := settings.users(name, ids, tools)
		if err != nil {
			return fmt.Errorf("%s.passThrough.%w", at, err)
		}
		o.UserPool = users
	}
	if c.ServerRoles == nil {
		return nil
	}
	callers, err := sts.New(c.ServerRoles.options(url, tools))
	if err != nil {
		return fmt.Errorf("identity.serverRoles: %w", err)
	}
	prover := deniedProver{callers, c.denials()}
	o.LoginServer = func(ctx context.Context, proof string) (muster.ServerGrant, error) {
		return ids.LoginServer(ctx, serverRoles, prover, identity.Proof{Token: proof})
	}
	return nil
}

// developer vouches for players at an identity pool; nil: none is configured.
func (c *identityConfig) developer(tools providerTools) (*cognito.Developer, error) {
	for _, name := range slices.Sorted(maps.Keys(c.Providers)) {
		settings, is := c.Providers[name].settings.(*cognitoIdentityConfig)
		if !is || settings.Developer == nil {
			continue
		}
		options := settings.Developer.options()
		options.Log = tools.log
		made, err := cognito.NewDeveloper(options)
		if err != nil {
			return nil, fmt.Errorf("identity.providers.%s.developer: %w", name, err)
		}
		return made, nil
	}
	return nil, nil
}

// forgetPlayer has the pool forget players who are gone; nil without one.
func forgetPlayer(d *cognito.Developer) func(context.Context, muster.PlayerID) error {
	if d == nil {
		return nil
	}
	return d.Forget
}

// users signs players up and in at the pool of passThrough; name is the provider's.
func (c *cognitoConfig) users(name string, ids *identity.Service, tools providerTools) (*cognito.Users, error) {
	p := c.PassThrough
	secret, err := p.ClientSecret.open("clientSecret", tools)
	if err != nil {
		return nil, err
	}
	pool, _ := c.pool(p.Pool) // check has found it
	return cognito.NewUsers(cognito.UsersOptions{
		Pool: p.Pool, ClientID: p.ClientID, ClientSecret: secret, Flow: p.Flow, ShowTokens: p.ShowTokens, Endpoint: pool.Endpoint,
		Login: func(ctx context.Context, token string) (muster.Grant, error) {
			return ids.Login(ctx, name, identity.Proof{Token: token})
		},
		Now: tools.now, Random: rand.Reader, Log: tools.log,
	})
}

// checkCognito reports what only one provider can be.
func (c *identityConfig) checkCognito(k *checker) {
	taken := make(map[string]string)
	claim := func(key, name string) {
		if other, twice := taken[key]; twice {
			k.report("identity.providers."+name+"."+key, "is %s's already: there can be one", other)
			return
		}
		taken[key] = name
	}
	for _, name := range slices.Sorted(maps.Keys(c.Providers)) {
		switch settings := c.Providers[name].settings.(type) {
		case *cognitoConfig:
			if settings.PassThrough != nil {
				claim("passThrough", name)
			}
		case *cognitoIdentityConfig:
			if settings.Developer != nil {
				claim("developer", name)
			}
		}
	}
}
