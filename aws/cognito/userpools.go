package cognito

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/identity"
	"muster/identity/provider"
)

// TokenUse is what a token of a user pool is for, as its claim token_use says.
type TokenUse string

// The uses.
const (
	AccessUse TokenUse = "access"
	IDUse     TokenUse = "id"
)

// Pool is a user pool whose tokens are taken.
type Pool struct {
	ID        PoolID
	ClientIDs []string // the app clients whose tokens count
	Endpoint  string   // base URL; empty: Amazon's for the pool's region
	Issuer    string   // of its tokens; empty: Endpoint and the pool's id
}

func (p Pool) endpoint() string {
	if p.Endpoint != "" {
		return strings.TrimSuffix(p.Endpoint, "/")
	}
	region := p.ID.Region()
	return "https://cognito-idp." + region + "." + domain(region)
}

func (p Pool) issuer() string {
	if p.Issuer != "" {
		return p.Issuer
	}
	return p.endpoint() + "/" + string(p.ID)
}

// UserPoolsOptions is what UserPools needs. Pools, Client and Now are required.
type UserPoolsOptions struct {
	Pools []Pool
	// Uses are the tokens that sign in; empty: access tokens.
	Uses   []TokenUse
	Client *provider.Client
	Now    func() time.Time
}

// UserPools takes the tokens of user pools: as proofs of a sign-in (identity.Provider) and,
// access tokens alone, as they are (identity.Issuer). It is safe for concurrent use.
//
// The subject of a player is the pool's id, a slash and the claim sub: names and e-mail
// addresses are never keys. A token that an app client got for itself, by client
// credentials, names no user, and is no player's.
type UserPools struct {
	uses  []TokenUse
	pools map[string]userPool // by issuer
}

type userPool struct {
	id        PoolID
	verifiers map[TokenUse]*provider.Verifier
}

// NewUserPools makes a UserPools. It fetches no keys before it needs them.
func NewUserPools(o UserPoolsOptions) (*UserPools, error) {
	if len(o.Pools) == 0 {
		return nil, errors.New("no user pool is named")
	}
	if len(o.Uses) == 0 {
		o.Uses = []TokenUse{AccessUse}
	}
	u := &UserPools{uses: o.Uses, pools: make(map[string]userPool, len(o.Pools))}
	for _, p := range o.Pools {
		if err := p.ID.Check(); err != nil {
			return nil, err
		}
		if len(p.ClientIDs) == 0 || slices.Contains(p.ClientIDs, "") {
			return nil, fmt.Errorf("the user pool %s names no app client", p.ID)
		}
		if _, twice := u.pools[p.issuer()]; twice {
			return nil, fmt.Errorf("the user pool %s is named twice", p.ID)
		}
		keys := provider.NewKeySet(o.Client, p.endpoint()+"/"+string(p.ID)+"/.well-known/jwks.json", o.Now)
		rules := provider.Rules{Keys: keys, Issuer: provider.ExactIssuer(p.issuer()), Audiences: p.ClientIDs, Now: o.Now}
		access, id := rules, rules
		access.AccessTokens, access.AudienceClaim, access.Nonce = true, "client_id", provider.NonceNone
		id.Nonce = provider.NonceOptional
		u.pools[p.issuer()] = userPool{p.ID, map[TokenUse]*provider.Verifier{
			AccessUse: provider.NewVerifier(access), IDUse: provider.NewVerifier(id),
		}}
	}
	return u, nil
}

// Verify implements identity.Provider: the proof is a token of a pool. It works once, by itself
// or by the nonce of ours that an ID token is bound to.
func (u *UserPools) Verify(ctx context.Context, proof identity.Proof) (identity.Verified, error) {
	told := peek(proof.Token)
	if !slices.Contains(u.uses, told.Use) {
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, errors.New("the token is not for a use that signs in"))
	}
	pool, claims, err := u.verify(ctx, proof.Token, told, provider.Expected{Nonce: proof.Nonce})
	if err != nil {
		return identity.Verified{}, err
	}
	name := claims.Text(nameClaim[told.Use])
	if name == "" {
		return identity.Verified{}, identity.Refusal(identity.WrongApplication, errors.New("the token is an app client's own"))
	}
	who := pool.verifiers[told.Use].Proved(claims, provider.Expected{Nonce: proof.Nonce})
	who.Subject, who.DisplayName = pool.subject(claims), name
	return who, nil
}

// Takes implements identity.Taker. An ID token that is bound to a nonce comes with it.
func (u *UserPools) Takes() [][]string { return [][]string{{"token"}} }

// nameClaim is where a token has the user's name.
var nameClaim = map[TokenUse]string{AccessUse: "username", IDUse: "cognito:username"}

func (p userPool) subject(c provider.Claims) string { return string(p.id) + "/" + c.Subject }

// Issuers implements identity.Issuer.
func (u *UserPools) Issuers() []string {
	issuers := make([]string, 0, len(u.pools))
	for issuer := range u.pools {
		issuers = append(issuers, issuer)
	}
	return issuers
}

// VerifyAccess implements identity.Issuer: groups are those of the claim cognito:groups.
func (u *UserPools) VerifyAccess(ctx context.Context, token string) (identity.Access, error) {
	told := peek(token)
	if told.Use != AccessUse {
		return identity.Access{}, identity.Refusal(identity.CredentialInvalid, errors.New("the token is not an access token"))
	}
	pool, claims, err := u.verify(ctx, token, told, provider.Expected{})
	if err != nil {
		return identity.Access{}, err
	}
	access := identity.Access{
		Holder: pool.subject(claims),
		Groups: claims.Texts("cognito:groups"), Scopes: strings.Fields(claims.Text("scope")), ExpiresAt: claims.ExpiresAt,
		IssuedAt: claims.IssuedAt, SignedInAt: claims.AuthenticatedAt,
	}
	if access.SignedInAt.IsZero() {
		access.SignedInAt = claims.IssuedAt
	}
	if claims.Text(nameClaim[AccessUse]) != "" { // else the token is an app client's own
		access.Subject = access.Holder
	}
	return access, nil
}

// verify checks a token by the pool that it names, as what it calls itself.
func (u *UserPools) verify(ctx context.Context, token string, told peeked, with provider.Expected) (userPool, provider.Claims, error) {
	pool, ours := u.pools[told.Issuer]
	if !ours {
		return userPool{}, provider.Claims{}, identity.Refusal(identity.CredentialInvalid, errors.New("the token is of no pool of ours"))
	}
	claims, err := pool.verifiers[told.Use].Verify(ctx, token, with)
	if err != nil {
		return userPool{}, provider.Claims{}, err
	}
	if claims.Text("token_use") != string(told.Use) {
		return userPool{}, provider.Claims{}, identity.Refusal(identity.CredentialInvalid, errors.New("the token says twice what it is for"))
	}
	return pool, claims, nil
}

// peeked is what a token says of itself before anything of it is checked. It chooses who
// checks.
type peeked struct {
	Issuer string   `json:"iss"`
	Use    TokenUse `json:"token_use"`
}

// maxToken bounds the text of a token, in bytes.
const maxToken = 16 << 10

func peek(token string) peeked {
	var told peeked
	parts := strings.Split(token, ".")
	if len(token) > maxToken || len(parts) != 3 {
		return told
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(body, &told) != nil {
		return peeked{}
	}
	return told
}
