package lambda_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"muster"
	"muster/aws/lambda"
)

const (
	pool     = "eu-central-1:0a1b2c3d-0000-4000-8000-000000000001"
	someone  = "eu-central-1:0a1b2c3d-0000-4000-8000-00000000aaaa"
	aPlayer  = "0199c0de-0000-7000-8000-000000000001"
	loginARN = "arn:aws:sts::123456789012:assumed-role/players/CognitoIdentityCredentials"
)

// contexts are a signed call as the three kinds of API describe it. Shapes: API Gateway
// developer guide, payload format 2.0 and 1.0, and the event types of aws-lambda-go.
func contexts(t *testing.T, poolID, loginsV2, authType, providers string) map[string]lambda.Signer {
	t.Helper()
	identityV1 := `"identity":{"accountId":"123456789012","userArn":"` + loginARN + `","user":"AROAEXAMPLE:CognitoIdentityCredentials",
		"cognitoIdentityId":"` + someone + `","cognitoIdentityPoolId":"` + poolID + `","cognitoAuthenticationType":"` + authType + `",
		"cognitoAuthenticationProvider":"` + providers + `","sourceIp":"192.0.2.1"}`
	var http events.APIGatewayV2HTTPRequest
	decode(t, `{"version":"2.0","requestContext":{"authorizer":{"iam":{"accessKey":"ASIA","accountId":"123456789012",
		"callerId":"AROAEXAMPLE:CognitoIdentityCredentials","userId":"AROAEXAMPLE:CognitoIdentityCredentials","userArn":"`+loginARN+`",
		"cognitoIdentity":{"amr":`+loginsV2+`,"identityId":"`+someone+`","identityPoolId":"`+poolID+`"}}}}}`, &http)
	var rest events.APIGatewayProxyRequest
	decode(t, `{"requestContext":{`+identityV1+`}}`, &rest)
	var socket events.APIGatewayWebsocketProxyRequest
	decode(t, `{"requestContext":{"eventType":"CONNECT","connectionId":"abc=",`+identityV1+`}}`, &socket)

	signers := map[string]lambda.Signer{}
	for name, read := range map[string]func() (lambda.Signer, bool){
		"HTTP API":      func() (lambda.Signer, bool) { return lambda.SignerOfHTTP(http.RequestContext) },
		"REST API":      func() (lambda.Signer, bool) { return lambda.SignerOfREST(rest.RequestContext) },
		"WebSocket API": func() (lambda.Signer, bool) { return lambda.SignerOfWebSocket(socket.RequestContext) },
	} {
		s, signed := read()
		if !signed {
			t.Fatalf("%s: nobody signed", name)
		}
		signers[name] = s
	}
	return signers
}

func decode(t *testing.T, text string, dest any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), dest); err != nil {
		t.Fatal(err)
	}
}

func TestSignersOfIdentityPools(t *testing.T) {
	const dev = "login.example"
	userPool := "cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC"
	for name, c := range map[string]struct {
		pool, amr, authType, providers string
		pools                          lambda.Pools
		player                         muster.PlayerID
		identity                       bool
	}{
		"a login": {
			pool, `["authenticated","` + userPool + `","` + userPool + `:CognitoSignIn:sub-1"]`, "authenticated", userPool + "," + userPool + ":CognitoSignIn:sub-1",
			lambda.Pools{},
			"", true,
		},
		"no login":                         {pool, `["unauthenticated"]`, "unauthenticated", "", lambda.Pools{}, "", false},
		"no login where guests may":        {pool, `["unauthenticated"]`, "unauthenticated", "", lambda.Pools{Guests: true}, "", true},
		"another pool":                     {"eu-central-1:ffffffff-0000-4000-8000-000000000001", `["authenticated"]`, "authenticated", "", lambda.Pools{Guests: true}, "", false},
		"no pool":                          {"", `null`, "", "", lambda.Pools{Guests: true}, "", false},
		"a player of ours":                 {pool, `["authenticated","` + dev + `","` + dev + `:` + pool + `:` + aPlayer + `"]`, "authenticated", dev + "," + dev + ":" + pool + ":" + aPlayer, lambda.Pools{DeveloperProvider: dev}, aPlayer, false},
		"a player of another pool":         {pool, `["authenticated","` + dev + `:other:` + aPlayer + `"]`, "authenticated", dev + ":other:" + aPlayer, lambda.Pools{DeveloperProvider: dev}, "", false},
		"a player who is not named":        {pool, `["authenticated","` + dev + `"]`, "authenticated", dev, lambda.Pools{DeveloperProvider: dev}, "", false},
		"two players":                      {pool, `["authenticated","` + dev + `:` + pool + `:a","` + dev + `:` + pool + `:b"]`, "authenticated", dev + ":" + pool + ":a," + dev + ":" + pool + ":b", lambda.Pools{DeveloperProvider: dev}, "", false},
		"a name that begins like ours":     {pool, `["authenticated","` + dev + `.evil:` + pool + `:` + aPlayer + `"]`, "authenticated", dev + ".evil:" + pool + ":" + aPlayer, lambda.Pools{DeveloperProvider: dev}, "", true},
		"no login with a player of ours":   {pool, `["unauthenticated","` + dev + `:` + pool + `:a"]`, "unauthenticated", dev + ":" + pool + ":a", lambda.Pools{DeveloperProvider: dev, Guests: true}, "", false},
		"logins that the pool did not say": {pool, `[]`, "", "", lambda.Pools{}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			for api, signer := range contexts(t, c.pool, c.amr, c.authType, c.providers) {
				c.pools.IdentityPools, c.pools.Provider = []string{pool}, "cognito-identity"
				player, id, err := c.pools.Player(signer)
				wantID := muster.Identity{}
				if c.identity {
					wantID = muster.Identity{Provider: "cognito-identity", Subject: someone}
				}
				if player != c.player || id != wantID || (err == nil) != (c.player != "" || c.identity) {
					t.Errorf("%s: player %q, identity %+v, %v", api, player, id, err)
				}
				if err != nil && muster.KindOf(err) != muster.Denied && muster.KindOf(err) != muster.Unauthenticated {
					t.Errorf("%s: refused as %v", api, muster.KindOf(err))
				}
				if signer.Account != "123456789012" || signer.ARN != loginARN || signer.UserID != "AROAEXAMPLE:CognitoIdentityCredentials" {
					t.Errorf("%s: signer is %+v", api, signer)
				}
			}
		})
	}
}

func TestCallsThatNobodySigned(t *testing.T) {
	jwt := events.APIGatewayV2HTTPRequestContext{Authorizer: &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: map[string]string{"sub": "x"}},
	}}
	for name, read := range map[string]func() (lambda.Signer, bool){
		"an HTTP API without an authorizer": func() (lambda.Signer, bool) { return lambda.SignerOfHTTP(events.APIGatewayV2HTTPRequestContext{}) },
		"an HTTP API with a token":          func() (lambda.Signer, bool) { return lambda.SignerOfHTTP(jwt) },
		"a REST API":                        func() (lambda.Signer, bool) { return lambda.SignerOfREST(events.APIGatewayProxyRequestContext{}) },
		"a WebSocket API": func() (lambda.Signer, bool) {
			return lambda.SignerOfWebSocket(events.APIGatewayWebsocketProxyRequestContext{})
		},
	} {
		if s, signed := read(); signed {
			t.Errorf("%s: signed by %+v", name, s)
		}
	}
}
