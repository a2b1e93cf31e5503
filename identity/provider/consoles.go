package provider

import (
	"context"
	"errors"
	"regexp"
	"time"

	"muster/identity"
)

// PlayStationOptions describe one environment of PlayStation Network as a way in. All of it
// is required but Redirects and SubjectClaim. The addresses and names are in the platform's own
// documents, which its licensed developers have.
type PlayStationOptions struct {
	Client *Client
	Now    func() time.Time

	Issuer       string
	KeysURL      string
	TokenURL     string
	Credentials  Credentials
	RedirectURIs []string
	SubjectClaim string // that holds the account id; empty: sub
}

// PlayStation proves accounts by the authorization codes of a console.
type PlayStation struct{ oidc *OIDC }

// NewPlayStation makes a PlayStation.
func NewPlayStation(o PlayStationOptions) *PlayStation {
	return &PlayStation{NewOIDC(OIDCOptions{
		Client: o.Client, Now: o.Now, Issuer: o.Issuer, KeysURL: o.KeysURL, ClientIDs: []string{o.Credentials.ClientID},
		SubjectClaim: o.SubjectClaim, Nonce: NonceNone,
		Code: &CodeOptions{Credentials: o.Credentials, RedirectURIs: o.RedirectURIs, TokenURL: o.TokenURL, WithoutPKCE: true},
	})}
}

// accountID is the form of a PlayStation account id: a decimal number of 64 bits.
var accountID = regexp.MustCompile(`^[1-9][0-9]{0,19}$`)

// Verify implements identity.Provider. It takes codes alone, which work once.
func (p *PlayStation) Verify(ctx context.Context, proof identity.Proof) (identity.Verified, error) {
	proof.Token = ""
	who, err := p.oidc.Verify(ctx, proof)
	if err == nil && !accountID.MatchString(who.Subject) {
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, errors.New("the subject is no account id"))
	}
	return who, err
}

// Takes implements identity.Taker.
func (p *PlayStation) Takes() [][]string { return [][]string{{"code", "redirectUri"}} }

// NintendoOptions describe one environment of Nintendo's service accounts (NSA) as a way in.
// All of it is required but TitleClaim. The addresses and ids are in the platform's own
// documents, which its licensed developers have.
type NintendoOptions struct {
	Client *Client
	Now    func() time.Time

	Issuer     string
	KeysURL    string // the one address of keys that tokens may name
	ClientIDs  []string
	Titles     []string // application ids, of which the token must name one
	TitleClaim string   // that holds the application id; empty: nintendo.ai
}

// NewNintendo proves service accounts by the ID tokens of a console. Such a token works once.
func NewNintendo(o NintendoOptions) *OIDC {
	return NewOIDC(OIDCOptions{
		Client: o.Client, Now: o.Now, Issuer: o.Issuer, KeysURL: o.KeysURL, NamesKeysURL: true, ClientIDs: o.ClientIDs, Nonce: NonceNone,
		Required: map[string][]string{"typ": {"id_token"}, or(o.TitleClaim, "nintendo.ai"): o.Titles},
	})
}
