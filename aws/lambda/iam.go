package lambda

import (
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"muster"
	"muster/identity"
)

// Signer is who signed a call with AWS credentials, as API Gateway found by checking the
// signature.
type Signer struct {
	Account string
	ARN     string // of the user or of the role's session
	UserID  string // "AROA...:session"

	// Of an identity of a Cognito identity pool; empty for any other signer.
	IdentityID   string
	IdentityPool string
	// Logins are what the identity has shown the pool: "authenticated" or
	// "unauthenticated", the login providers, and by which of their users.
	Logins []string
}

// authenticated says that the identity has a login.
func (s Signer) authenticated() bool { return slices.Contains(s.Logins, "authenticated") }

// SignerOfHTTP is who signed a call of an HTTP API (payload 2.0) or of a function URL; false:
// nobody did.
func SignerOfHTTP(c events.APIGatewayV2HTTPRequestContext) (Signer, bool) {
	if c.Authorizer == nil || c.Authorizer.IAM == nil || c.Authorizer.IAM.UserARN == "" {
		return Signer{}, false
	}
	iam := c.Authorizer.IAM
	return Signer{
		Account: iam.AccountID, ARN: iam.UserARN, UserID: iam.UserID,
		IdentityID: iam.CognitoIdentity.IdentityID, IdentityPool: iam.CognitoIdentity.IdentityPoolID, Logins: iam.CognitoIdentity.AMR,
	}, true
}

// SignerOfREST is who signed a call of a REST API; false: nobody did.
func SignerOfREST(c events.APIGatewayProxyRequestContext) (Signer, bool) {
	return signerOf(c.Identity)
}

// SignerOfWebSocket is who signed the $connect of a WebSocket API; false: nobody did. Later
// messages are not signed, so keep the caller by the connection's id.
func SignerOfWebSocket(c events.APIGatewayWebsocketProxyRequestContext) (Signer, bool) {
	return signerOf(c.Identity)
}

// signerOf reads the form that REST and WebSocket APIs share. What it lists of logins is
// one text there: "graph.facebook.com,cognito-idp...:CognitoSignIn:sub".
func signerOf(i events.APIGatewayRequestIdentity) (Signer, bool) {
	if i.UserArn == "" {
		return Signer{}, false
	}
	s := Signer{Account: i.AccountID, ARN: i.UserArn, UserID: i.User, IdentityID: i.CognitoIdentityID, IdentityPool: i.CognitoIdentityPoolID}
	if i.CognitoAuthenticationType != "" {
		s.Logins = append(s.Logins, i.CognitoAuthenticationType)
	}
	for login := range strings.SplitSeq(i.CognitoAuthenticationProvider, ",") {
		if login = strings.TrimSpace(login); login != "" {
			s.Logins = append(s.Logins, login)
		}
	}
	return s, true
}

// Pools says which signers are players.
type Pools struct {
	IdentityPools []string // ids; signers of other pools, and of none, are refused
	Provider      string   // the way in that knows identities of the pools: "cognito-identity"
	Guests        bool     // takes identities without a login
	// DeveloperProvider is the name by which the pools know players of ours; empty: they
	// know none.
	DeveloperProvider string
}

// Player says which player a signer is: one of ours by id, or else an identity, whose
// player the rules find or make. Any other signer is Denied. That an account is still
// there and not banned is to be checked by whoever calls this.
func (p Pools) Player(s Signer) (muster.PlayerID, muster.Identity, error) {
	authenticated := s.authenticated()
	switch {
	case s.IdentityID == "" || !slices.Contains(p.IdentityPools, s.IdentityPool):
		return "", muster.Identity{}, identity.Refusal(identity.NotEntitled, errors.New("the signer is of no identity pool of ours"))
	case !authenticated && !p.Guests:
		return "", muster.Identity{}, identity.Refusal(identity.NotEntitled, errors.New("the identity has no login"))
	}
	if p.DeveloperProvider == "" {
		return "", muster.Identity{Provider: p.Provider, Subject: s.IdentityID}, nil
	}
	player, named, isOurs := developerUser(s.Logins, p.DeveloperProvider, s.IdentityPool)
	switch {
	case !isOurs:
		return "", muster.Identity{Provider: p.Provider, Subject: s.IdentityID}, nil
	case !authenticated || !named:
		return "", muster.Identity{}, identity.Refusal(identity.CredentialInvalid, errors.New("the identity does not say which player it is"))
	}
	return player, muster.Identity{}, nil
}

// developerUser is the player that a developer provider vouched for. Only we can have: it
// takes our AWS credentials. The pool lists "NAME" and "NAME:POOL:USER"; two users are none.
func developerUser(logins []string, provider, pool string) (player muster.PlayerID, named, isOurs bool) {
	for _, login := range logins {
		rest, found := strings.CutPrefix(login, provider)
		if !found || rest != "" && rest[0] != ':' {
			continue
		}
		isOurs = true
		user, found := strings.CutPrefix(rest, ":"+pool+":")
		if !found {
			continue
		}
		if user == "" || named && muster.PlayerID(user) != player {
			return "", false, true
		}
		player, named = muster.PlayerID(user), true
	}
	return player, named, isOurs
}
