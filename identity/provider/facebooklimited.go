package provider

import "time"

// FacebookLimitedOptions describe Facebook's Limited Login as a way in. Client, AppID and Now
// are required.
type FacebookLimitedOptions struct {
	Client *Client
	Now    func() time.Time

	AppID string
	Nonce NoncePolicy // zero: NonceRequired

	keysURL string // empty: Facebook's
}

// NewFacebookLimited proves Facebook accounts by the authentication tokens of Limited Login
// (iOS), which are ID tokens. Their subject is the app-scoped user id of classic Login.
// Source: Facebook Login, "Validating the OIDC Token".
func NewFacebookLimited(o FacebookLimitedOptions) *OIDC {
	return NewOIDC(OIDCOptions{
		Client: o.Client, Now: o.Now, ClientIDs: []string{o.AppID}, Nonce: o.Nonce,
		Issuer: "https://www.facebook.com", MoreIssuers: []string{"https://facebook.com"}, // tokens of older SDKs
		KeysURL: or(o.keysURL, "https://limited.facebook.com/.well-known/oauth/openid/jwks/"),
	})
}
