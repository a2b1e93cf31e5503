package cognito

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"muster/identity"
	"muster/identity/provider"
)

// identityIssuer is the issuer of OpenID tokens of identity pools, of every region.
const identityIssuer = "https://cognito-identity.amazonaws.com"

// LoginKey is the name under which a client shows a token of [Developer] to the identity
// pool.
const LoginKey = "cognito-identity.amazonaws.com"

// IdentityPoolsOptions is what IdentityPools needs. Pools, Client and Now are required.
type IdentityPoolsOptions struct {
	Pools []string // "eu-central-1:0a1b2c3d-..."
	// Guests takes identities that have no login behind them.
	Guests bool
	// DeveloperProvider is the name by which a pool knows players of ours; their tokens sign
	// nobody in, since they come from a sign-in. Empty: there is none.
	DeveloperProvider string
	Issuer            string // empty: Amazon's
	KeysURL           string // empty: Amazon's
	Client            *provider.Client
	Now               func() time.Time
}

// IdentityPools takes OpenID tokens of identity pools (GetOpenIdToken) as proofs. The
// subject is the identity's id. It is safe for concurrent use.
type IdentityPools struct {
	guests    bool
	developer string
	verifier  *provider.Verifier
}

// NewIdentityPools makes an IdentityPools. It fetches no keys before it needs them.
func NewIdentityPools(o IdentityPoolsOptions) (*IdentityPools, error) {
	if len(o.Pools) == 0 {
		return nil, errors.New("no identity pool is named")
	}
	for _, id := range o.Pools {
		if err := CheckIdentityPool(id); err != nil {
			return nil, err
		}
	}
	if o.Issuer == "" {
		o.Issuer = identityIssuer
	}
	if o.KeysURL == "" {
		o.KeysURL = identityIssuer + "/.well-known/jwks_uri"
	}
	return &IdentityPools{o.Guests, o.DeveloperProvider, provider.NewVerifier(provider.Rules{
		Keys:       provider.NewKeySet(o.Client, o.KeysURL, o.Now),
		Algorithms: []jose.SignatureAlgorithm{jose.RS512},
		Issuer:     provider.ExactIssuer(o.Issuer),
		Audiences:  o.Pools,
		Nonce:      provider.NonceNone,
		Now:        o.Now,
	})}, nil
}

// Verify implements identity.Provider. A token works once.
func (p *IdentityPools) Verify(ctx context.Context, proof identity.Proof) (identity.Verified, error) {
	claims, err := p.verifier.Verify(ctx, proof.Token, provider.Expected{})
	if err != nil {
		return identity.Verified{}, err
	}
	logins := claims.Texts("amr")
	switch {
	case !identityPoolID.MatchString(claims.Subject):
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, errors.New("the token's subject is not an identity"))
	case !slices.Contains(logins, "authenticated") && !p.guests:
		return identity.Verified{}, identity.Refusal(identity.NotEntitled, errors.New("the identity has no login"))
	case isDeveloper(logins, p.developer):
		return identity.Verified{}, identity.Refusal(identity.WrongApplication, errors.New("the identity is that of a player of ours"))
	}
	return p.verifier.Proved(claims, provider.Expected{}), nil
}

// Takes implements identity.Taker.
func (p *IdentityPools) Takes() [][]string { return [][]string{{"token"}} }

// isDeveloper says that an identity's logins are those of a player of ours.
func isDeveloper(logins []string, developer string) bool {
	return developer != "" && slices.ContainsFunc(logins, func(login string) bool {
		return login == developer || strings.HasPrefix(login, developer+":")
	})
}
