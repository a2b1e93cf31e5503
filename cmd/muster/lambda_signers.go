package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"muster"
	"muster/aws/lambda"
	"muster/aws/sts"
)

// signers are whose signatures count: identities of the pools that are ways in, and game
// servers by their roles.
func (c *identityConfig) signers(rules *muster.Backend, limits muster.Limits) (*lambda.Signers, error) {
	// Signatures tell of no sign-in.
	admit := func(ctx context.Context, p muster.PlayerID) error { return rules.AdmitBearer(ctx, p, time.Time{}) }
	made := &lambda.Signers{Accounts: rules, Limits: limits, Admit: admit}
	for _, name := range slices.Sorted(maps.Keys(c.Providers)) {
		settings, is := c.Providers[name].settings.(*cognitoIdentityConfig)
		if !is {
			continue
		}
		pools := lambda.Pools{IdentityPools: settings.IdentityPools, Provider: name, Guests: settings.Guests}
		if settings.Developer != nil {
			pools.DeveloperProvider = settings.Developer.Provider
		}
		made.Pools = append(made.Pools, pools)
	}
	if c.ServerRoles == nil {
		return made, nil
	}
	roles, err := sts.ParseRoles(c.ServerRoles.Roles)
	if err != nil {
		return nil, fmt.Errorf("identity.serverRoles.roles: %w", err)
	}
	made.Server = roles.Hold
	return made, nil
}
