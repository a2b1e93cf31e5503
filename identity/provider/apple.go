package provider

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"muster"
	"muster/identity"
)

// appleEventAge is how old a notification may be; Apple repeats one that was not taken.
const appleEventAge = 7 * 24 * time.Hour

// appleURL is Apple's issuer, and where its endpoints are.
const appleURL = "https://appleid.apple.com"

// AppleOptions describe Sign in with Apple as a way in. Client, ClientIDs and Now are
// required; TeamID, KeyID and PrivateKey are needed for authorization codes.
type AppleOptions struct {
	Client *Client
	Now    func() time.Time

	ClientIDs []string    // bundle ids of apps and Services IDs of web pages
	Nonce     NoncePolicy // zero: NonceRequired

	TeamID       string
	KeyID        string
	PrivateKey   Secret   // in PEM, as Apple gives it; nil: no codes
	RedirectURIs []string // that codes of web pages may be made for

	baseURL string // empty: Apple's
}

// Apple proves Apple accounts by identity tokens and by authorization codes. It is safe for
// concurrent use.
type Apple struct {
	*OIDC
	client  *Client
	base    string
	clients []string
	now     func() time.Time
	events  *Verifier
	secret  func(clientID string) (string, error) // nil: there is no key
}

// NewApple makes an Apple. Source: Sign in with Apple REST API.
func NewApple(o AppleOptions) *Apple {
	base := or(o.baseURL, appleURL)
	keys := NewKeySet(o.Client, base+"/auth/keys", o.Now)
	a := &Apple{
		client: o.Client, base: base, clients: o.ClientIDs, now: o.Now,
		OIDC: NewOIDC(OIDCOptions{Client: o.Client, Now: o.Now, Issuer: appleURL, Keys: keys, ClientIDs: o.ClientIDs, Nonce: o.Nonce}),
		events: NewVerifier(Rules{
			Keys: keys, Issuer: ExactIssuer(appleURL), Audiences: o.ClientIDs, Nonce: NonceNone, Now: o.Now, MaxAge: appleEventAge, Events: true,
		}),
	}
	if o.PrivateKey == nil {
		return a
	}
	a.secret = func(clientID string) (string, error) { return appleSecret(o, clientID) }
	a.code = &codeExchange{
		client: o.Client, now: o.Now, redirects: o.RedirectURIs, withoutRedirect: true,
		endpoint:    a.endpoint("/auth/token"),
		credentials: a.credentials,
	}
	return a
}

// appleSecretTTL is how long a client secret is valid that we make; Apple takes six months.
const appleSecretTTL = 5 * time.Minute

// appleSecret makes a client secret: a JWT that our key signs. Source: Sign in with Apple,
// "Creating a client secret".
func appleSecret(o AppleOptions, clientID string) (string, error) {
	key, err := o.PrivateKey()
	if err != nil {
		return "", err
	}
	now := o.Now()
	return signedAs(key, o.KeyID, jwt.Claims{
		Issuer: o.TeamID, Subject: clientID, Audience: jwt.Audience{appleURL},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(appleSecretTTL)),
	})
}

func (a *Apple) endpoint(path string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return a.base + path, nil }
}

// credentials are those of the client that a code was made for: the field clientId of the
// proof, or the first that is configured.
func (a *Apple) credentials(proof identity.Proof) (Credentials, error) {
	id := or(proof.Fields["clientId"], a.clients[0])
	if !slices.Contains(a.clients, id) {
		return Credentials{}, identity.Refusal(identity.WrongApplication, errors.New("the code is for a client that is not configured"))
	}
	return Credentials{ClientID: id, Auth: AuthPost, Secret: func() (string, error) { return a.secret(id) }}, nil
}

// Takes implements identity.Taker.
func (a *Apple) Takes() [][]string {
	takes := a.OIDC.Takes()
	if a.code != nil {
		takes = append(takes, append(takes[len(takes)-1], "fields.clientId"))
	}
	return takes
}

// Verify implements identity.Provider.
func (a *Apple) Verify(ctx context.Context, proof identity.Proof) (identity.Verified, error) {
	if proof.Code == "" || a.code == nil {
		return a.OIDC.Verify(ctx, proof)
	}
	who, got, err := a.byCode(ctx, proof)
	if err == nil && got.RefreshToken != "" {
		who.Consent = identity.Consent{Token: got.RefreshToken, ClientID: or(proof.Fields["clientId"], a.clients[0])}
	}
	return who, err
}

// Revoke implements identity.Revoker: Apple asks apps that let players delete their accounts
// to revoke their tokens then.
func (a *Apple) Revoke(ctx context.Context, given identity.Consent) error {
	if a.secret == nil || !slices.Contains(a.clients, given.ClientID) {
		return nil // what we proved ourselves with is not configured any more
	}
	credentials := Credentials{ClientID: given.ClientID, Auth: AuthPost, Secret: func() (string, error) { return a.secret(given.ClientID) }}
	form := url.Values{"token": {given.Token}, "token_type_hint": {"refresh_token"}}
	answer, err := a.client.post(ctx, a.endpoint("/auth/revoke"), &credentials, form, true, a.now())
	switch {
	case err != nil:
		return err
	case answer.OK():
		return nil
	}
	err = a.client.refusedGrant(ctx, answer)
	if muster.KindOf(err) == muster.Unauthenticated {
		return nil // it was void already
	}
	return err
}

// Heard implements identity.Herald. Source: Sign in with Apple, "Processing changes for Sign
// in with Apple accounts".
func (a *Apple) Heard(ctx context.Context, payload string) (identity.News, error) {
	claims, err := a.events.Verify(ctx, payload, Expected{})
	if err != nil {
		return identity.News{}, err
	}
	var event struct {
		Type    string `json:"type"`
		Subject string `json:"sub"`
	}
	text := []byte(claims.Text("events")) // an object as text, or the object
	if len(text) == 0 {
		if text, err = json.Marshal(claims.Value("events")); err != nil {
			return identity.News{}, identity.Refusal(identity.CredentialInvalid, errors.New("the event does not decode"))
		}
	}
	if err := json.Unmarshal(text, &event); err != nil || event.Type == "" || event.Subject == "" {
		return identity.News{}, identity.Refusal(identity.CredentialInvalid, errors.New("the notification tells of no event"))
	}
	return identity.News{
		Subject: event.Subject, Withdrawn: slices.Contains(appleWithdrawals, event.Type),
		Once: claims.once, Until: claims.IssuedAt.Add(appleEventAge + clockSkew),
	}, nil
}

// appleWithdrawals are the events after which an account does not sign in any more. The name
// of the second has had two spellings.
var appleWithdrawals = []string{"consent-revoked", "account-delete", "account-deleted"}
