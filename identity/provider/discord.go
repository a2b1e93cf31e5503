package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"muster/identity"
)

// DiscordAPI is where Discord is asked. It wants a User-Agent of the form that
// DiscordUserAgent has, and turns others away.
const (
	DiscordAPI       = "https://discord.com/api/v10"
	DiscordUserAgent = "DiscordBot (https://muster.invalid, 1)" // an address is part of the form; we have none
)

// DiscordOptions says for which application players are proved. Client, Now, ClientID and
// ClientSecret are required.
type DiscordOptions struct {
	Client       *Client // with DiscordUserAgent
	Now          func() time.Time
	ClientID     string // which is the application's id, too
	ClientSecret Secret
	// RedirectURIs are those that clients may have asked for the code with. A code of an
	// activity that runs in Discord comes without one.
	RedirectURIs []string
	Endpoint     string // empty: DiscordAPI
}

// Discord proves Discord accounts by authorization codes. Subjects are user ids, decimal.
type Discord struct {
	o    DiscordOptions
	code *codeExchange
}

// NewDiscord makes a Discord.
func NewDiscord(o DiscordOptions) *Discord {
	o.Endpoint = or(o.Endpoint, DiscordAPI)
	return &Discord{o, &codeExchange{
		client: o.Client, now: o.Now, redirects: o.RedirectURIs, withoutRedirect: true,
		endpoint: func(context.Context) (string, error) { return o.Endpoint + "/oauth2/token", nil },
		credentials: func(identity.Proof) (Credentials, error) {
			return Credentials{ClientID: o.ClientID, Secret: o.ClientSecret}, nil
		},
	}}
}

// Takes implements identity.Taker.
func (d *Discord) Takes() [][]string {
	return [][]string{{"code"}, {"code", "redirectUri"}, {"code", "redirectUri", "codeVerifier"}}
}

// Verify implements identity.Provider. Discord takes a code once. Access tokens that
// clients hold are not taken: a code cannot come from another application.
func (d *Discord) Verify(ctx context.Context, proof identity.Proof) (identity.Verified, error) {
	given, err := d.code.trade(ctx, proof)
	if err != nil {
		return identity.Verified{}, err
	}
	if given.AccessToken == "" {
		return identity.Verified{}, identity.Refusal(identity.ProviderUnavailable, errors.New("the platform gives no access token for a code"))
	}
	return d.whose(ctx, given.AccessToken)
}

// discordGrant is what oauth2/@me says of a token.
type discordGrant struct {
	Application struct {
		ID string `json:"id"`
	} `json:"application"`
	Scopes  []string  `json:"scopes"`
	Expires time.Time `json:"expires"`
	User    struct {
		ID         string `json:"id"`
		Username   string `json:"username"`
		GlobalName string `json:"global_name"`
	} `json:"user"`
}

// whose asks who gave a token to whom.
func (d *Discord) whose(ctx context.Context, token string) (identity.Verified, error) {
	answer, err := d.o.Client.Do(ctx, Call{URL: d.o.Endpoint + "/oauth2/@me", Header: http.Header{"Authorization": {"Bearer " + token}}})
	if err != nil {
		return identity.Verified{}, err
	}
	if !answer.OK() {
		return identity.Verified{}, d.o.Client.Misconfigured(ctx, fmt.Sprintf("Discord answers %d to its own token", answer.Status))
	}
	var grant discordGrant
	if err := answer.JSON(&grant); err != nil {
		return identity.Verified{}, err
	}
	if reason, err := d.decide(grant); err != nil {
		return identity.Verified{}, identity.Refusal(reason, err)
	}
	who := identity.Verified{Subject: grant.User.ID, DisplayName: grant.User.GlobalName}
	if who.DisplayName == "" {
		who.DisplayName = grant.User.Username
	}
	return who, nil
}

func (d *Discord) decide(g discordGrant) (identity.Reason, error) {
	switch {
	case g.Application.ID != d.o.ClientID:
		return identity.WrongApplication, errors.New("the code was another application's")
	case !slices.Contains(g.Scopes, "identify") || g.User.ID == "":
		return identity.CredentialInvalid, errors.New("the code was asked for without the scope identify")
	case !d.o.Now().Before(g.Expires):
		return identity.CredentialExpired, errors.New("the token has expired")
	}
	return "", nil
}
