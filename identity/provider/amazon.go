package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"muster/identity"
)

// AmazonAPI is where Login with Amazon is asked, outside of Europe and the Far East.
const AmazonAPI = "https://api.amazon.com"

// AmazonOptions says for which clients players are proved. Client, Now and ClientIDs are
// required.
type AmazonOptions struct {
	Client     *Client
	Now        func() time.Time
	ClientIDs  []string
	Endpoint   string // empty: AmazonAPI
	AllowReuse bool   // takes a token more than once, for games whose clients keep it
}

// Amazon proves Amazon accounts by access tokens of Login with Amazon. Subjects are the user
// ids that Amazon gives for this security profile.
type Amazon struct{ o AmazonOptions }

// NewAmazon makes an Amazon.
func NewAmazon(o AmazonOptions) *Amazon {
	o.Endpoint = or(o.Endpoint, AmazonAPI)
	return &Amazon{o}
}

// Takes implements identity.Taker.
func (a *Amazon) Takes() [][]string { return [][]string{{"token"}} }

// amazonToken is what tokeninfo says of a token.
type amazonToken struct {
	Audience         string `json:"aud"`
	UserID           string `json:"user_id"`
	ExpiresInSeconds int64  `json:"exp"`
}

// Verify implements identity.Provider. It makes sure for whom the token was made before it
// asks whose it is.
func (a *Amazon) Verify(ctx context.Context, proof identity.Proof) (identity.Verified, error) {
	if !visible(proof.Token) {
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, errors.New("there is no token, or one that none can be"))
	}
	var token amazonToken
	query := url.Values{"access_token": {proof.Token}}
	if err := a.ask(ctx, Call{URL: a.o.Endpoint + "/auth/o2/tokeninfo?" + query.Encode()}, &token); err != nil {
		return identity.Verified{}, err
	}
	if reason, err := a.decide(token); err != nil {
		return identity.Verified{}, identity.Refusal(reason, err)
	}
	var profile struct {
		UserID string `json:"user_id"`
		Name   string `json:"name"`
	}
	header := http.Header{"Authorization": {"Bearer " + proof.Token}}
	if err := a.ask(ctx, Call{URL: a.o.Endpoint + "/user/profile", Header: header}, &profile); err != nil {
		return identity.Verified{}, err
	}
	if profile.UserID != token.UserID {
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, errors.New("the profile is another user's"))
	}
	who := identity.Verified{Subject: token.UserID, DisplayName: profile.Name}
	if !a.o.AllowReuse {
		lifetime := time.Duration(min(token.ExpiresInSeconds, int64(longestReuse/time.Second))) * time.Second
		who.Once, who.Until = proof.Token, a.o.Now().Add(lifetime)
	}
	return who, nil
}

func (a *Amazon) decide(t amazonToken) (identity.Reason, error) {
	switch {
	case !slices.Contains(a.o.ClientIDs, t.Audience) || t.Audience == "":
		return identity.WrongApplication, errors.New("the token is another client's")
	case t.UserID == "":
		return identity.ProviderUnavailable, errors.New("the answer of Amazon is of no known form")
	case t.ExpiresInSeconds <= 0:
		return identity.CredentialExpired, errors.New("the token has expired")
	}
	return "", nil
}

// ask makes a call about a token. Amazon takes no secret of ours: what it refuses with 400 or
// 401 is the token.
func (a *Amazon) ask(ctx context.Context, call Call, dest any) error {
	answer, err := a.o.Client.Do(ctx, call)
	if err != nil {
		return err
	}
	switch answer.Status {
	case http.StatusOK:
		return answer.JSON(dest)
	case http.StatusBadRequest, http.StatusUnauthorized:
		return identity.Refusal(identity.CredentialInvalid, errors.New("Amazon refuses the token"))
	}
	return a.o.Client.Misconfigured(ctx, fmt.Sprintf("Amazon answers %d", answer.Status))
}
