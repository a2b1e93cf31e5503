package cognito

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/smithy-go"

	"muster"
	"muster/aws/caller"
)

// Forget has the pool forget a player's id, who is deleted or merged. What is left of the
// identity leads to nobody and can no longer be had credentials for; those that were given out live
// to their end. A player whom the pool does not know is no error, so it may be repeated.
//
// It needs the permissions cognito-identity:LookupDeveloperIdentity and
// cognito-identity:UnlinkDeveloperIdentity on the pool. Deleting the identity as a whole would need
// one that cannot be limited to a pool (Service Authorization Reference, DeleteIdentities).
func (d *Developer) Forget(ctx context.Context, p muster.PlayerID) error {
	ctx, cancel := context.WithTimeout(ctx, d.o.CallTimeout)
	defer cancel()
	player := string(p)
	found, err := d.api.LookupDeveloperIdentity(ctx, &sdk.LookupDeveloperIdentityInput{
		IdentityPoolId: &d.o.Pool, DeveloperUserIdentifier: &player, MaxResults: aws.Int32(1),
	})
	if err != nil {
		return unlessUnknown("look a player up at the identity pool", err)
	}
	_, err = d.api.UnlinkDeveloperIdentity(ctx, &sdk.UnlinkDeveloperIdentityInput{
		IdentityId: found.IdentityId, IdentityPoolId: &d.o.Pool, DeveloperProviderName: &d.o.Provider, DeveloperUserIdentifier: &player,
	})
	return unlessUnknown("have the identity pool forget a player", err)
}

// unlessUnknown is nil if the pool does not know the player, or not any more. Of any other failure it
// tells the exception alone: messages of AWS name the role that called.
func unlessUnknown(what string, err error) error {
	var unknown *types.ResourceNotFoundException
	var api smithy.APIError
	switch {
	case err == nil || errors.As(err, &unknown):
		return nil
	case caller.LacksCredentials(err):
		return fmt.Errorf("%s: %w", what, caller.ErrNoCredentials)
	case errors.As(err, &api):
		return fmt.Errorf("%s: it answered %s", what, api.ErrorCode())
	}
	return fmt.Errorf("%s: %w", what, err)
}
