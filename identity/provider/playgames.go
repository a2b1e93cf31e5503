package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"muster/identity"
)

// PlayGamesOptions describe Google Play Games as a way in. Client, ApplicationID, Credentials
// and Now are required.
type PlayGamesOptions struct {
	Client *Client
	Now    func() time.Time

	ApplicationID string      // of the game, in the Play Console
	Credentials   Credentials // of its web client

	tokenURL, gamesURL string // empty: Google's
}

// PlayGames proves players of Google Play Games by the server auth codes of
// requestServerSideAccess. It is safe for concurrent use.
type PlayGames struct {
	client      *Client
	application string
	code        *codeExchange
	gamesURL    string
}

// NewPlayGames makes a PlayGames. Source: Play Games Services, "Enable server-side access to
// Google Play Games Services".
func NewPlayGames(o PlayGamesOptions) *PlayGames {
	o.Credentials.Auth = AuthPost
	tokenURL := or(o.tokenURL, "https://oauth2.googleapis.com/token")
	return &PlayGames{
		client: o.Client, application: o.ApplicationID, gamesURL: or(o.gamesURL, "https://games.googleapis.com"),
		code: &codeExchange{
			client: o.Client, now: o.Now,
			endpoint:    func(context.Context) (string, error) { return tokenURL, nil },
			credentials: func(identity.Proof) (Credentials, error) { return o.Credentials, nil },
		},
	}
}

// Takes implements identity.Taker.
func (p *PlayGames) Takes() [][]string { return [][]string{{"code"}} }

// Verify implements identity.Provider.
func (p *PlayGames) Verify(ctx context.Context, proof identity.Proof) (identity.Verified, error) {
	got, err := p.code.trade(ctx, proof)
	if err != nil {
		return identity.Verified{}, err
	}
	if got.AccessToken == "" {
		return identity.Verified{}, identity.Refusal(identity.ProviderUnavailable, errors.New("the platform gives no access token for a code"))
	}
	// That the token is of this game is what only this call says.
	var application struct {
		PlayerID string `json:"player_id"`
	}
	if err := p.get(ctx, "/games/v1/applications/"+url.PathEscape(p.application)+"/verify/", got.AccessToken, &application); err != nil {
		return identity.Verified{}, err
	}
	var player struct {
		ID   string `json:"playerId"`
		Name string `json:"displayName"`
	}
	if err := p.get(ctx, "/games/v1/players/me", got.AccessToken, &player); err != nil {
		return identity.Verified{}, err
	}
	if player.ID == "" || application.PlayerID != player.ID {
		return identity.Verified{}, identity.Refusal(identity.ProviderUnavailable, errors.New("the platform names two players for one token"))
	}
	return identity.Verified{Subject: player.ID, DisplayName: player.Name}, nil
}

// get reads what a player's token lets us read.
func (p *PlayGames) get(ctx context.Context, path, token string, dest any) error {
	answer, err := p.client.Do(ctx, Call{URL: p.gamesURL + path, Header: http.Header{"Authorization": {"Bearer " + token}}})
	switch {
	case err != nil:
		return err
	case answer.OK():
		return answer.JSON(dest)
	case answer.Status == http.StatusUnauthorized:
		return identity.Refusal(identity.CredentialInvalid, errors.New("the platform does not take the token of the code"))
	case answer.Status == http.StatusForbidden && switchedOff(answer):
		return p.client.Misconfigured(ctx, "the Play Games Services API is not enabled")
	case answer.Status == http.StatusForbidden || answer.Status == http.StatusNotFound:
		return identity.Refusal(identity.WrongApplication, errors.New("the token is of another game"))
	}
	return identity.Refusal(identity.ProviderUnavailable, fmt.Errorf("the platform answers %d", answer.Status))
}

// switchedOff tells from the form of Google's errors that an API is not enabled.
func switchedOff(answer Answer) bool {
	var body struct {
		Error struct {
			Errors []struct {
				Reason string `json:"reason"`
			} `json:"errors"`
			Details []struct {
				Reason string `json:"reason"`
			} `json:"details"`
		} `json:"error"`
	}
	if answer.JSON(&body) != nil {
		return false
	}
	reasons := body.Error.Errors
	reasons = append(reasons, body.Error.Details...)
	for _, r := range reasons {
		if r.Reason == "accessNotConfigured" || strings.EqualFold(r.Reason, "SERVICE_DISABLED") {
			return true
		}
	}
	return false
}
