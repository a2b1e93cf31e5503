package provider

import (
	"time"
)

// EpicOptions describe Epic Games as a way in. Client, ClientIDs, Products, and Sandboxes or
// Deployments, and Now are required.
type EpicOptions struct {
	Client *Client
	Now    func() time.Time

	ClientIDs   []string
	Products    []string // product ids, of which the token must name one
	Sandboxes   []string // empty: any of the deployments'
	Deployments []string // empty: any of the sandboxes'

	baseURL string // empty: Epic's
}

const epicURL = "https://api.epicgames.dev"

// NewEpic proves Epic accounts by the ID tokens of EOS_Auth_CopyIdToken. Epic binds them to
// no nonce, so each works once.
func NewEpic(o EpicOptions) *OIDC { return newEpic(o, "/epic/oauth/v2/.well-known/jwks.json") }

// NewEpicConnect proves product users by the ID tokens of EOS_Connect_CopyIdToken. Their
// subject is the product user id, which is no Epic account id: they are another way in.
func NewEpicConnect(o EpicOptions) *OIDC { return newEpic(o, "/auth/v1/oauth/jwks") }

// newEpic makes either. Source of claims and issuer: Epic Online Services, "Auth Interface",
// "Connect Interface".
func newEpic(o EpicOptions, keysPath string) *OIDC {
	required := map[string][]string{"pfpid": o.Products}
	if len(o.Sandboxes) > 0 {
		required["pfsid"] = o.Sandboxes
	}
	if len(o.Deployments) > 0 {
		required["pfdid"] = o.Deployments
	}
	return NewOIDC(OIDCOptions{
		Client: o.Client, Now: o.Now, ClientIDs: o.ClientIDs, Nonce: NonceNone, Required: required, NameClaim: "dn",
		Issuer: epicURL, IssuerBelow: true, KeysURL: or(o.baseURL, epicURL) + keysPath,
	})
}
