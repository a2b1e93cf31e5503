package httpapi

import (
	"context"
	"net/http"

	"muster"
)

// AWSIdentities vouches for players at an identity pool of Amazon Cognito.
type AWSIdentities interface {
	AWSIdentity(ctx context.Context, caller muster.Caller) (muster.AWSIdentity, error)
}

type roleProof struct {
	URL string `json:"url" minLength:"1" maxLength:"8192" doc:"A presigned GetCallerIdentity that signs the header X-Muster-Server-Id" example:"https://sts.eu-central-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256"`
}

func (s *server) awsRoutes() {
	if s.AWSIdentities != nil {
		handle(s, operation{
			method: http.MethodPost, path: "/v1/auth/aws-credentials", id: "awsCredentials", tag: "auth",
			summary:     "Get a token for AWS credentials",
			description: "Call GetCredentialsForIdentity with identityId and Logins {login: token}; it needs no signature. Leaving Logins out gives the credentials of a guest of the pool. 403 aws.not_for_guests.",
			need:        needPlayer,
			example: muster.AWSIdentity{
				IdentityID: "eu-central-1:0a1b2c3d-0000-4000-8000-00000000aaaa", IdentityPoolID: "eu-central-1:0a1b2c3d-0000-4000-8000-000000000001",
				Region: "eu-central-1", Login: "cognito-identity.amazonaws.com", Token: "eyJhbGciOiJSUzUxMiJ9.eyJzdWIiOiJldSJ9.c2lnbmF0dXJl", ExpiresInSeconds: 900,
			},
		}, func(ctx context.Context, _ *struct{}) (*struct{ Body muster.AWSIdentity }, error) {
			caller, _ := muster.CallerFrom(ctx) // the route needs a player
			id, err := s.AWSIdentities.AWSIdentity(ctx, caller)
			return &struct{ Body muster.AWSIdentity }{id}, err
		})
	}
	if s.LoginServer != nil {
		handle(s, operation{
			method: http.MethodPost, path: "/v1/server/token", id: "serverToken", tag: "auth",
			summary:     "Get a game server's access token by its AWS role",
			description: "In place of a server key. The request is signed for this service and works once, within five minutes. 401 credential.wrong_application: the role is not configured.",
			refusals:    []int{http.StatusUnauthorized}, bodyLimit: s.BodyLimit, strict: true,
			example: muster.ServerGrant{AccessToken: "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJBUk9BIn0.c2lnbmF0dXJl", ExpiresInSeconds: 900},
		}, func(ctx context.Context, in *struct{ Body roleProof }) (*struct{ Body muster.ServerGrant }, error) {
			grant, err := s.LoginServer(ctx, in.Body.URL)
			return &struct{ Body muster.ServerGrant }{grant}, err
		})
	}
}
