package main

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/aws/cognito/cognitotest"
	"muster/aws/gamelift"
	"muster/identity"
	"muster/identity/provider/providertest"
	"muster/store/memory"
)

const identityPoolID = "eu-central-1:0a1b2c3d-0000-4000-8000-000000000001"

func TestCognitoIsConfigured(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-central-1")
	c, err := parseConfig("c.yaml", []byte(oneMode+`
identity:
  providers:
    cognito:
      userPools:
        - {id: eu-central-1_AbCdEfGhI, clientIds: [client-1]}
        - {id: eu-west-1_Other, clientIds: [a, b]}
      tokens: [access, id]
      passThrough: {pool: eu-central-1_AbCdEfGhI, clientSecret: {env: SECRET}, flow: password, showTokens: true}
    pools:
      kind: cognito-identity
      identityPools: ['`+identityPoolID+`']
      guests: true
      developer: {provider: login.example, tokenSeconds: 600}
  bearers:
    cognito: {groups: {operators: admin}, scopes: {game/server: server}}
  serverRoles: {roles: ['arn:aws:iam::123456789012:role/GameServer'], regions: [eu-central-1]}
`), files)
	if err != nil {
		t.Fatal(err)
	}
	made, err := c.Identity.providers(newTestTools(map[string]string{"SECRET": "topsecret"}))
	if err != nil || len(made) != 2 {
		t.Fatalf("there are %v, %v", made, err)
	}
	issuers, err := c.Identity.bearers(made)
	if err != nil || len(issuers["cognito"].Issuer.Issuers()) != 2 || issuers["cognito"].Groups["operators"] != muster.AdminScope || !c.Identity.givesAdmin() {
		t.Errorf("bearers are %+v, %v", issuers, err)
	}
	cognito := c.Identity.Providers["cognito"].settings.(*cognitoConfig)
	if cognito.PassThrough.ClientID != "client-1" {
		t.Errorf("the app client is %q", cognito.PassThrough.ClientID)
	}
	pools := c.Identity.Providers["pools"].settings.(*cognitoIdentityConfig)
	if o := pools.Developer.options(); o.Pool != identityPoolID || o.Life != 10*time.Minute {
		t.Errorf("the developer's options are %+v", o)
	}
	if o := c.Identity.ServerRoles.options("https://play.example", newTestTools(nil)); o.ServerID != "https://play.example" {
		t.Errorf("the server id is %q", o.ServerID)
	}
}

func TestWhatCognitoLacksIsNamed(t *testing.T) {
	const pool = "userPools: [{id: eu-central-1_AbC, clientIds: [c]}]"
	for text, want := range map[string]string{
		"providers: {cognito: {}}": "cognito.userPools: is needed",
		"providers: {cognito: {userPools: [{id: pool, clientIds: [c]}]}}":                                                       `cognito.userPools[0].id: "pool" is not the id of a user pool`,
		"providers: {cognito: {userPools: [{id: eu-central-1_AbC}]}}":                                                           "cognito.userPools[0].clientIds: is needed",
		"providers: {cognito: {userPools: [{id: eu-central-1_AbC, clientIds: [c]}, {id: eu-central-1_AbC, clientIds: [d]}]}}":   "cognito.userPools[1].id: another pool",
		"providers: {cognito: {userPools: [{id: eu-central-1_AbC, clientIds: [c], endpoint: 'http://a.example'}]}}":             "userPools[0].endpoint: \"http://a.example\" is not an https address",
		"providers: {cognito: {" + pool + ", tokens: [refresh]}}":                                                               `cognito.tokens[0]: "refresh" is no use of a token`,
		"providers: {cognito: {" + pool + ", tokens: [id], passThrough: {}}}":                                                   "cognito.passThrough: signs in with access tokens",
		"providers: {cognito: {" + pool + ", passThrough: {flow: magic}}}":                                                      `cognito.passThrough.flow: "magic" is no flow`,
		"providers: {cognito: {" + pool + ", passThrough: {pool: eu-central-1_Other}}}":                                         "cognito.passThrough.pool: names one of userPools",
		"providers: {cognito: {" + pool + ", passThrough: {clientId: d}}}":                                                      "cognito.passThrough.clientId: names one of the clientIds",
		"providers: {cognito: {" + pool + ", passThrough: {}}, b: {kind: cognito, " + pool + ", passThrough: {}}}":              "identity.providers.cognito.passThrough: is b's already",
		"providers: {cognito-identity: {}}":                                                                                     "cognito-identity.identityPools: is needed",
		"providers: {cognito-identity: {identityPools: [x]}}":                                                                   `cognito-identity.identityPools[0]: "x" is not the id of an identity pool`,
		"providers: {cognito-identity: {identityPools: ['" + identityPoolID + "'], developer: {}}}":                             "developer.provider: is needed",
		"providers: {cognito-identity: {identityPools: ['" + identityPoolID + "'], developer: {provider: 'a:b'}}}":              `developer.provider: "a:b" has a colon`,
		"providers: {cognito-identity: {identityPools: ['" + identityPoolID + "'], developer: {provider: a, tokenSeconds: 0}}}": "developer.tokenSeconds: lies between",
		"providers: {cognito-identity: {identityPools: ['" + identityPoolID + "'], developer: {provider: a, pool: x}}}":         "developer.pool: names one of identityPools",
		"bearers: {cognito: {}}": `identity.bearers.cognito: "cognito" is not one of identity.providers of kind cognito`,
		"{providers: {cognito: {" + pool + "}}, bearers: {cognito: {groups: {g: player}}}}": `identity.bearers.cognito.groups.g: "player" cannot be given`,
		"serverRoles: {}": "identity.serverRoles.roles: is needed",
		"serverRoles: {roles: ['arn:aws:iam::123456789012:role/*'], regions: [eu-central-1]}": "identity.serverRoles: \"arn:aws:iam::123456789012:role/*\" is not the ARN of a role",
	} {
		if !strings.HasPrefix(text, "{") {
			text = "{" + text + "}"
		}
		if _, err := parseConfig("c.yaml", []byte(oneMode+"identity: "+text+"\n"), files); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	c, err := parseConfig("c.yaml", []byte(oneMode+"identity: {providers: {cognito: {"+pool+", passThrough: {clientSecret: {env: NO_SECRET}}}}}\n"), files)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Identity.Providers["cognito"].settings.(*cognitoConfig).users("cognito", nil, newTestTools(nil))
	if err == nil || !strings.Contains(err.Error(), "clientSecret: the environment variable NO_SECRET is not set") {
		t.Errorf("error is %v", err)
	}
}

// withCognito is a backend with a user pool, wired as the file says.
func withCognito(t *testing.T, pool *cognitotest.Pool) http.Handler {
	t.Helper()
	t.Setenv("COGNITO_CLIENT_SECRET", cognitotest.ClientSecret)
	c, err := parseConfig("c.yaml", []byte(oneMode+`
identity:
  providers:
    cognito:
      userPools: [{id: `+cognitotest.PoolID+`, clientIds: [`+cognitotest.ClientID+`], endpoint: '`+pool.URL()+`'}]
      passThrough: {clientSecret: {env: COGNITO_CLIENT_SECRET}, showTokens: true}
  bearers:
    cognito: {groups: {operators: admin, hosts: server}}
  serverRoles: {roles: ['arn:aws:iam::123456789012:role/GameServer'], regions: [eu-central-1]}
`), files)
	if err != nil {
		t.Fatal(err)
	}
	lift, err := gamelift.New(gamelift.Options{Endpoint: "http://127.0.0.1:1", Region: region, AccessKeyID: "a", SecretAccessKey: "b"})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := identity.NewKeys(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBackend(backendParts{
		url: "http://muster.test", store: memory.New(time.Now), gameLift: lift, keys: keys, identity: c.Identity, log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.handler
}

// TestAPlayerOfAUserPool goes through the whole: file, wiring, pool, our own tokens, and
// the pool's.
func TestAPlayerOfAUserPool(t *testing.T) {
	pool := cognitotest.New(t, time.Now)
	h := withCognito(t, pool)
	post := func(path, body string, status int, headers ...string) string {
		t.Helper()
		got, text := ask(t, h, "POST", path, body, headers...)
		if got != status {
			t.Fatalf("%s: %d %s, want %d", path, got, text, status)
		}
		return text
	}
	me := func(token string, status int) string {
		t.Helper()
		got, text := ask(t, h, "GET", "/v1/players/me", "", "Authorization", "Bearer "+token)
		if got != status {
			t.Fatalf("me: %d %s, want %d", got, text, status)
		}
		var view muster.PlayerView
		if err := json.Unmarshal([]byte(text), &view); err != nil {
			t.Fatal(err)
		}
		return string(view.ID)
	}
	post("/v1/auth/cognito/sign-up", `{"username":"ada@example.com","password":"Correct-Horse-7"}`, 204)
	post("/v1/auth/cognito/confirm", `{"username":"ada@example.com","code":"`+cognitotest.Code+`"}`, 204)
	post("/v1/auth/cognito/sign-in", `{"username":"ada@example.com","password":"wrong"}`, 401)
	var answer muster.PoolAnswer
	text := post("/v1/auth/cognito/sign-in", `{"username":"ada@example.com","password":"Correct-Horse-7"}`, 200)
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Grant == nil || answer.Cognito == nil {
		t.Fatalf("answer is %s, %v", text, err)
	}
	player := me(answer.Grant.AccessToken, 200)
	if by := me(answer.Cognito.AccessToken, 200); by != player {
		t.Errorf("the pool's token speaks for %s, ours for %s", by, player)
	}
	me(answer.Cognito.IDToken, 401)
	proof := `{"token":"` + answer.Cognito.AccessToken + `"}`
	if text := post("/v1/auth/login/cognito", proof, 401); !strings.Contains(text, "credential.expired") {
		t.Errorf("a token that signed in already: %s", text)
	}
	claims := pool.AccessClaims("00000000-0000-4000-8000-00000000b0b0", "bob")
	token := pool.Sign(cognitotest.KeyID, claims, nil)
	bob := me(token, 200)
	if bob == player {
		t.Error("two users are one player")
	}
	if text := post("/v1/auth/login/cognito", `{"token":"`+token+`"}`, 200); !strings.Contains(text, bob) {
		t.Errorf("a sign-in with the token leads to %s, not %s", text, bob)
	}

	claims["cognito:groups"] = []string{"operators"}
	operator := []string{"Authorization", "Bearer " + pool.Sign(cognitotest.KeyID, claims, nil)}
	post("/v1/admin/players/"+bob+"/ban", `{"reason":"cheating"}`, 200, operator...)
	me(token, 403) // at once, though the token was just good
	post("/v1/auth/login/cognito", `{"token":"`+pool.Sign(cognitotest.KeyID, pool.AccessClaims("00000000-0000-4000-8000-00000000b0b0", "bob2"), nil)+`"}`, 403)
	if status, text := ask(t, h, "GET", "/v1/admin/players/"+bob, "", "Authorization", "Bearer "+answer.Cognito.AccessToken); status != 403 {
		t.Errorf("a player as operator: %d %s", status, text)
	}
	post("/v1/server/token", `{"url":"https://sts.eu-central-1.amazonaws.com/?Action=AssumeRole"}`, 401)
}

func TestAUserPoolThatIsAway(t *testing.T) {
	pool := cognitotest.New(t, time.Now)
	h := withCognito(t, pool)
	token := pool.Sign(cognitotest.KeyID, pool.AccessClaims("sub-1", "ada"), nil)
	pool.Fail("", providertest.Failure{Status: http.StatusServiceUnavailable})
	if status, text := ask(t, h, "GET", "/v1/players/me", "", "Authorization", "Bearer "+token); status != 503 || !strings.Contains(text, "provider.unavailable") {
		t.Errorf("without keys: %d %s", status, text)
	}
	if status, text := ask(t, h, "POST", "/v1/auth/guest", "{}"); status != 201 {
		t.Errorf("a guest meanwhile: %d %s", status, text)
	}
}

func TestThePoolIsToldOfPlayersWhoAreGone(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	var asked []string
	pool := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		asked = append(asked, r.Header.Get("X-Amz-Target")+" "+string(body))
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"ResourceNotFoundException"}`) // who does not hear it asks again
	}))
	defer pool.Close()
	c := identityConfig{Providers: map[string]providerConfig{"pools": {settings: &cognitoIdentityConfig{
		IdentityPools: []string{identityPoolID}, Developer: &developerConfig{Provider: "login.example", Pool: identityPoolID, Endpoint: pool.URL},
	}}}}
	made, err := c.developer(newTestTools(nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := forgetPlayer(made)(t.Context(), "player-ada"); err != nil {
		t.Fatal(err)
	}
	if len(asked) != 1 || !strings.Contains(asked[0], "LookupDeveloperIdentity") || !strings.Contains(asked[0], "player-ada") {
		t.Errorf("the pool was asked %q", asked)
	}
	if forgetPlayer(nil) != nil {
		t.Error("without a pool there is somebody to tell")
	}
}
