package cognito

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	sdk "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/smithy-go"

	"muster"
	"muster/aws/caller"
	"muster/identity"
)

// How long a token of Developer lives. Source: Cognito Federated Identities API reference,
// GetOpenIdTokenForDeveloperIdentity.
const (
	DefaultTokenLife = 15 * time.Minute
	maxTokenLife     = 24 * time.Hour
)

// DeveloperOptions is what Developer needs. Pool and Provider are required.
type DeveloperOptions struct {
	Pool string // of identities
	// Provider is the developer provider name in the pool's settings.
	Provider string
	Life     time.Duration // of a token; zero: DefaultTokenLife
	// Guests lets guests have credentials, too.
	Guests bool

	Endpoint    string                  // base URL; empty: Amazon's for the pool's region
	Credentials aws.CredentialsProvider // nil: as the AWS SDK finds them
	HTTPClient  *http.Client            // nil: one of the SDK's
	CallTimeout time.Duration           // zero: DefaultCallTimeout
	Log         *slog.Logger            // nil: silent
}

// Developer vouches for players at an identity pool. It is safe for concurrent use. It
// needs the permission cognito-identity:GetOpenIdTokenForDeveloperIdentity on the pool, and
// for Forget those that stand there.
type Developer struct {
	o   DeveloperOptions
	api *sdk.Client
}

var developerName = regexp.MustCompile(`^[\w._-]{1,128}$`)

// NewDeveloper makes a Developer. Without credentials it reads the SDK's environment and
// files. It calls nobody.
func NewDeveloper(o DeveloperOptions) (*Developer, error) {
	if err := CheckIdentityPool(o.Pool); err != nil {
		return nil, err
	}
	if !developerName.MatchString(o.Provider) {
		return nil, fmt.Errorf("%q is not a developer provider name: up to 128 letters, digits, dots, hyphens and underscores", o.Provider)
	}
	if o.Life == 0 {
		o.Life = DefaultTokenLife
	}
	if o.Life < time.Second || o.Life > maxTokenLife {
		return nil, fmt.Errorf("a token lives between a second and %v", maxTokenLife)
	}
	if o.CallTimeout <= 0 {
		o.CallTimeout = DefaultCallTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Credentials == nil {
		found, err := config.LoadDefaultConfig(context.Background(), config.WithRegion(regionOf(o.Pool)))
		if err != nil {
			return nil, fmt.Errorf("configure the identity pool: %w", err)
		}
		o.Credentials = found.Credentials
	}
	so := sdk.Options{Region: regionOf(o.Pool), Credentials: o.Credentials, Retryer: briefly(), Logger: caller.Log(o.Log)}
	if o.HTTPClient != nil {
		so.HTTPClient = o.HTTPClient
	}
	if o.Endpoint != "" {
		so.BaseEndpoint = &o.Endpoint
	}
	return &Developer{o: o, api: sdk.New(so)}, nil
}

// briefly tries a call twice: a player waits.
func briefly() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 2, 300*time.Millisecond })
}

// AWSIdentity has the pool vouch for who calls. The same player always has the same
// identity there.
func (d *Developer) AWSIdentity(ctx context.Context, who muster.Caller) (muster.AWSIdentity, error) {
	if who.Player == "" {
		return muster.AWSIdentity{}, muster.Errorf(muster.Denied, "auth.wrong_scope", "this call is for players")
	}
	if who.Scope == muster.GuestScope && !d.o.Guests {
		return muster.AWSIdentity{}, muster.Errorf(muster.Denied, "aws.not_for_guests", "guests get no AWS credentials: link another way in first")
	}
	ctx, cancel := context.WithTimeout(ctx, d.o.CallTimeout)
	defer cancel()
	out, err := d.api.GetOpenIdTokenForDeveloperIdentity(ctx, &sdk.GetOpenIdTokenForDeveloperIdentityInput{
		IdentityPoolId: &d.o.Pool,
		Logins:         map[string]string{d.o.Provider: string(who.Player)},
		TokenDuration:  aws.Int64(int64(d.o.Life / time.Second)),
	})
	if err != nil {
		return muster.AWSIdentity{}, d.told(ctx, err)
	}
	return muster.AWSIdentity{
		IdentityID: aws.ToString(out.IdentityId), IdentityPoolID: d.o.Pool, Region: regionOf(d.o.Pool),
		Login: LoginKey, Token: aws.ToString(out.Token), ExpiresInSeconds: int(d.o.Life / time.Second),
	}, nil
}

// told turns an error of the pool into what the client reads. But for throttling, none is a
// player's to mend.
func (d *Developer) told(ctx context.Context, err error) error {
	if caller.LacksCredentials(err) {
		d.o.Log.LogAttrs(ctx, slog.LevelError, "the identity pool cannot be asked", slog.String("error", caller.ErrNoCredentials.Error()))
		return identity.Refusal(identity.ProviderUnavailable, caller.ErrNoCredentials)
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return identity.Refusal(identity.ProviderUnavailable, errors.New("the identity pool did not answer"))
	}
	cause := fmt.Errorf("the identity pool answered %s", api.ErrorCode())
	switch api.ErrorCode() {
	case "TooManyRequestsException", "LimitExceededException":
		return identity.Refusal(identity.ProviderRateLimited, cause)
	case "InternalErrorException":
	default:
		d.o.Log.LogAttrs(ctx, slog.LevelError, "the identity pool refuses to vouch for players",
			slog.String("pool", d.o.Pool), slog.String("exception", api.ErrorCode()))
	}
	return identity.Refusal(identity.ProviderUnavailable, cause)
}
