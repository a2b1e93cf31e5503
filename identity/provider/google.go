package provider

import (
	"time"

	"muster/identity"
)

// GoogleOptions describe Google as a way in. Client, ClientIDs and Now are required.
type GoogleOptions struct {
	Client *Client
	Now    func() time.Time

	// ClientIDs are the OAuth clients of the game: the one that tokens are for, and those of
	// the apps that get them, which Google names in azp.
	ClientIDs     []string
	HostedDomains []string    // of Google Workspace, one of which the account must be in; empty: any account
	Nonce         NoncePolicy // zero: NonceRequired

	keysURL string // empty: Google's
}

// NewGoogle proves Google accounts by the ID tokens of Google Sign-In. Source: Google
// Identity, "Verify the Google ID token on your server side".
func NewGoogle(o GoogleOptions) *OIDC {
	options := OIDCOptions{
		Client: o.Client, Now: o.Now, ClientIDs: o.ClientIDs, Nonce: o.Nonce, Issuer: "https://accounts.google.com", MoreIssuers: []string{"accounts.google.com"},
		KeysURL: or(o.keysURL, "https://www.googleapis.com/oauth2/v3/certs"),
	}
	if len(o.HostedDomains) > 0 {
		options.Required = map[string][]string{"hd": o.HostedDomains}
	}
	return NewOIDC(options)
}

func or(text, fallback string) string {
	if text != "" {
		return text
	}
	return fallback
}

var _ identity.Provider = (*OIDC)(nil)
