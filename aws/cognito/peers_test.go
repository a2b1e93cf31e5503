package cognito_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	pools "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"muster"
	"muster/aws/cognito"
	"muster/aws/sts"
	"muster/identity"
	"muster/identity/provider"
	"muster/internal/peertest"
)

const peerRegion = "us-east-1"

var peerCredentials = credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", "")

// peer is a program by others that speaks Cognito's protocol.
type peer struct {
	url string
	api *idp.Client
}

// newPeer is the peer at a URL.
func newPeer(url string) *peer {
	return &peer{url: url, api: idp.New(idp.Options{Region: peerRegion, Credentials: peerCredentials, BaseEndpoint: &url, RetryMaxAttempts: 1})}
}

// cognitoLocal is npm's cognito-local 5.3.0, with its files in a folder of the test.
func cognitoLocal(t *testing.T) *peer {
	t.Helper()
	program := filepath.Join("node_modules", "cognito-local", "lib", "bin", "start.js")
	folder := peertest.Find(t, "npm cognito-local", "MUSTER_COGNITO_PEERS", program)
	host, port := peertest.FreeAddress(t)
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(folder, program))
	cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), "HOST="+host, "PORT="+port)
	return newPeer(peertest.Start(t, cmd, net.JoinHostPort(host, port)))
}

// moto is a peer with user pools whose clients have secrets, identity pools, and STS.
func moto(t *testing.T) *peer {
	t.Helper()
	return newPeer(peertest.Moto(t))
}

// userPool makes a pool with one app client.
func (p *peer) userPool(t *testing.T, withSecret bool) (pool cognito.PoolID, client string, secret *string) {
	t.Helper()
	made, err := p.api.CreateUserPool(t.Context(), &idp.CreateUserPoolInput{PoolName: aws.String("players")})
	if err != nil {
		t.Fatal(err)
	}
	app, err := p.api.CreateUserPoolClient(t.Context(), &idp.CreateUserPoolClientInput{
		UserPoolId: made.UserPool.Id, ClientName: aws.String("game"), GenerateSecret: withSecret,
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return cognito.PoolID(*made.UserPool.Id), *app.UserPoolClient.ClientId, app.UserPoolClient.ClientSecret
}

// users are a Users at the peer's pool, and what checks the pool's tokens.
func (p *peer) users(t *testing.T, flow cognito.Flow, pool cognito.Pool, secret *string) (*cognito.Users, *cognito.UserPools) {
	t.Helper()
	verifier, err := cognito.NewUserPools(cognito.UserPoolsOptions{
		Pools: []cognito.Pool{pool}, Uses: []cognito.TokenUse{cognito.AccessUse, cognito.IDUse},
		Client: provider.NewClient(provider.ClientOptions{Name: "cognito", Now: time.Now}), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	o := cognito.UsersOptions{
		Pool: pool.ID, ClientID: pool.ClientIDs[0], Flow: flow, ShowTokens: true, Endpoint: p.url, Now: time.Now, Random: rand.Reader, CallTimeout: time.Minute,
		Login: func(ctx context.Context, token string) (muster.Grant, error) {
			who, err := verifier.Verify(ctx, identity.Proof{Token: token})
			return muster.Grant{Player: muster.GrantPlayer{ID: muster.PlayerID(who.Subject)}}, err
		},
	}
	if secret != nil {
		o.ClientSecret = func() (string, error) { return *secret, nil }
	}
	users, err := cognito.NewUsers(o)
	if err != nil {
		t.Fatal(err)
	}
	return users, verifier
}

// signUp makes an account and confirms it, as an operator does. Its name is taken then,
// which is told of names alone.
func (p *peer) signUp(t *testing.T, users *cognito.Users, pool cognito.PoolID, name string) {
	t.Helper()
	want := muster.PoolSignUp{Username: name, Password: password, Attributes: map[string]string{"email": "ada@example.com"}}
	if err := users.SignUp(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if err := users.SignUp(t.Context(), want); muster.KindOf(err) != muster.Conflict && !(strings.Contains(name, "@") && err == nil) {
		t.Errorf("a name that is taken: %v", err)
	}
	if _, err := p.api.AdminConfirmSignUp(t.Context(), &idp.AdminConfirmSignUpInput{UserPoolId: aws.String(string(pool)), Username: &name}); err != nil {
		t.Fatal(err)
	}
}

// proveTokens checks what a sign-in gave: both tokens are good for the same subject.
func proveTokens(t *testing.T, verifier *cognito.UserPools, answer muster.PoolAnswer) {
	t.Helper()
	if answer.Grant == nil || answer.Cognito == nil {
		t.Fatalf("answer is %+v", answer)
	}
	for _, token := range []string{answer.Cognito.AccessToken, answer.Cognito.IDToken} {
		who, err := verifier.Verify(t.Context(), identity.Proof{Token: token})
		if err != nil || who.Subject != string(answer.Grant.Player.ID) {
			t.Errorf("verified is %+v, %v", who, err)
		}
	}
	access, err := verifier.VerifyAccess(t.Context(), answer.Cognito.AccessToken)
	if err != nil || access.Subject != string(answer.Grant.Player.ID) {
		t.Errorf("access is %+v, %v", access, err)
	}
}

func TestUsersOfCognitoLocal(t *testing.T) {
	p := cognitoLocal(t)
	id, client, _ := p.userPool(t, false)
	users, verifier := p.users(t, cognito.FlowPassword, cognito.Pool{ID: id, ClientIDs: []string{client}, Endpoint: p.url}, nil)
	const ada = "ada@example.com" // its pools want addresses
	p.signUp(t, users, id, ada)
	_, err := users.SignIn(t.Context(), muster.PoolSignIn{Username: ada, Password: "wrong"})
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
	answer, err := users.SignIn(t.Context(), muster.PoolSignIn{Username: ada, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	proveTokens(t, verifier, answer)

	// It does not know GetTokensFromRefreshToken, so this is the SDK's call.
	renewed, err := p.api.InitiateAuth(t.Context(), &idp.InitiateAuthInput{
		AuthFlow: types.AuthFlowTypeRefreshTokenAuth, ClientId: &client, AuthParameters: map[string]string{"REFRESH_TOKEN": answer.Cognito.RefreshToken},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verifier.VerifyAccess(t.Context(), *renewed.AuthenticationResult.AccessToken); err != nil {
		t.Errorf("a renewed access token: %v", err)
	}
	change := muster.PoolPasswordChange{AccessToken: answer.Cognito.AccessToken, Password: password, NewPassword: "Another-Horse-8"}
	if err := users.ChangePassword(t.Context(), change); err != nil {
		t.Errorf("change the password: %v", err)
	}
	if _, err = users.SignIn(t.Context(), muster.PoolSignIn{Username: ada, Password: "Another-Horse-8"}); err != nil {
		t.Errorf("sign in with the new password: %v", err)
	}
}

// Password proofs are not among it: moto 5.2.5 draws SRP_B and accepts every signature.
// Those of package srp are held to two implementations that compute.
func TestUsersOfMoto(t *testing.T) {
	p := moto(t)
	id, client, secret := p.userPool(t, true)
	users, verifier := p.users(t, cognito.FlowPassword, cognito.Pool{
		ID: id, ClientIDs: []string{client}, Endpoint: p.url, Issuer: "https://cognito-idp." + peerRegion + ".amazonaws.com/" + string(id),
	}, secret)
	p.signUp(t, users, id, ada)
	for _, name := range []string{ada, "nobody"} {
		_, err := users.SignIn(t.Context(), muster.PoolSignIn{Username: name, Password: "wrong"})
		wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
	}
	answer, err := users.SignIn(t.Context(), muster.PoolSignIn{Username: ada, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	proveTokens(t, verifier, answer)
}

func TestIdentityPoolsAndRolesOfMoto(t *testing.T) {
	p := moto(t)
	api := pools.New(pools.Options{Region: peerRegion, Credentials: peerCredentials, BaseEndpoint: &p.url})
	made, err := api.CreateIdentityPool(t.Context(), &pools.CreateIdentityPoolInput{
		IdentityPoolName: aws.String("players"), AllowUnauthenticatedIdentities: true, DeveloperProviderName: aws.String(developer),
	})
	if err != nil {
		t.Fatal(err)
	}
	vouch, err := cognito.NewDeveloper(cognito.DeveloperOptions{Pool: *made.IdentityPoolId, Provider: developer, Endpoint: p.url, Credentials: peerCredentials})
	if err != nil {
		t.Fatal(err)
	}
	ours, err := vouch.AWSIdentity(t.Context(), muster.Caller{Player: "player-ada", Scope: muster.PlayerScope})
	if err != nil || ours.Token == "" || ours.IdentityID == "" {
		t.Fatalf("identity is %+v, %v", ours, err)
	}
	creds, err := api.GetCredentialsForIdentity(t.Context(), &pools.GetCredentialsForIdentityInput{
		IdentityId: &ours.IdentityID, Logins: map[string]string{ours.Login: ours.Token},
	})
	if err != nil || aws.ToString(creds.Credentials.SecretKey) == "" {
		t.Errorf("credentials are %+v, %v", creds, err)
	}

	callers, err := sts.New(sts.Options{
		ServerID: "https://play.example", Regions: []string{peerRegion}, Roles: []string{"arn:aws:iam::123456789012:role/GameServer"}, Endpoint: p.url,
		Client: provider.NewClient(provider.ClientOptions{Name: "aws-iam", Now: time.Now}), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = callers.Verify(t.Context(), identity.Proof{Token: presigned(t, "https://play.example")})
	// It answers for a user of its own, who is under no role of ours.
	wantRefusal(t, err, muster.Unauthenticated, string(identity.WrongApplication))
	var e *muster.Error
	if errors.As(err, &e) && !strings.Contains(fmt.Sprint(e.Err), "no role of ours") {
		t.Errorf("its answer was not read: %v", e.Err)
	}
}

// presigned is a proof as a game server makes it with the SDK.
func presigned(t *testing.T, serverID string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://sts."+peerRegion+".amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(sts.ServerIDHeader, serverID)
	creds, err := peerCredentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	text, _, err := v4.NewSigner().PresignHTTP(t.Context(), creds, req, empty, "sts", peerRegion, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if u, err := url.Parse(text); err != nil || !slices.Contains(strings.Split(u.Query().Get("X-Amz-SignedHeaders"), ";"), strings.ToLower(sts.ServerIDHeader)) {
		t.Fatalf("the SDK signed %s, %v", text, err)
	}
	return text
}
