package cognito_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"muster"
	"muster/aws/cognito"
	"muster/identity"
	"muster/identity/provider"
	"muster/identity/provider/providertest"
)

const (
	identityPool = "eu-central-1:0a1b2c3d-0000-4000-8000-000000000001"
	someone      = "eu-central-1:0a1b2c3d-0000-4000-8000-00000000aaaa"
	developer    = "login.example"
)

// poolRig is an identity pool that signs tokens, with a key "pool-1" of RS512.
type poolRig struct {
	*providertest.Platform
	now time.Time
}

func newPoolRig(t *testing.T) *poolRig {
	t.Helper()
	r := &poolRig{Platform: providertest.New(t), now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}
	r.Publish("pool-1", "RS512")
	return r
}

func (r *poolRig) clock() time.Time { return r.now }

func (r *poolRig) pools(t *testing.T, change func(*cognito.IdentityPoolsOptions)) *cognito.IdentityPools {
	t.Helper()
	o := cognito.IdentityPoolsOptions{
		Pools: []string{identityPool}, Issuer: "https://cognito-identity.amazonaws.com", KeysURL: r.URL() + providertest.KeysPath,
		Client: provider.NewClient(provider.ClientOptions{Name: "cognito-identity", Timeout: time.Minute, Now: r.clock}), Now: r.clock,
	}
	if change != nil {
		change(&o)
	}
	pools, err := cognito.NewIdentityPools(o)
	if err != nil {
		t.Fatal(err)
	}
	return pools
}

// claims are those of GetOpenIdToken. Source: Cognito developer guide, "Open ID token".
func (r *poolRig) claims() map[string]any {
	return map[string]any{
		"iss": "https://cognito-identity.amazonaws.com", "sub": someone, "aud": identityPool, "amr": []string{"authenticated", "accounts.google.com"},
		"iat": r.now.Unix(), "exp": r.now.Add(10 * time.Minute).Unix(),
	}
}

func (r *poolRig) token(change map[string]any) string {
	claims := r.claims()
	for name, value := range change {
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
	}
	return r.Sign("pool-1", claims, map[string]any{"typ": "JWS"})
}

func TestTokensOfAnIdentityPoolSignIn(t *testing.T) {
	r := newPoolRig(t)
	who, err := r.pools(t, nil).Verify(t.Context(), identity.Proof{Token: r.token(nil)})
	if err != nil || who.Subject != someone || who.Once == "" {
		t.Errorf("verified is %+v, %v", who, err)
	}
	guest := map[string]any{"amr": []string{"unauthenticated"}}
	_, err = r.pools(t, nil).Verify(t.Context(), identity.Proof{Token: r.token(guest)})
	wantRefusal(t, err, muster.Denied, "credential.not_entitled")
	guests := r.pools(t, func(o *cognito.IdentityPoolsOptions) { o.Guests = true })
	if who, err = guests.Verify(t.Context(), identity.Proof{Token: r.token(guest)}); err != nil || who.Subject != someone {
		t.Errorf("verified is %+v, %v", who, err)
	}
}

func TestTokensOfIdentityPoolsThatDoNotSignIn(t *testing.T) {
	for name, c := range map[string]struct {
		token func(r *poolRig) string
		want  identity.Reason
	}{
		"another pool": {func(r *poolRig) string {
			return r.token(map[string]any{"aud": "eu-central-1:ffffffff-0000-4000-8000-000000000001"})
		}, identity.WrongApplication},
		"another issuer": {func(r *poolRig) string {
			return r.token(map[string]any{"iss": "https://cognito-identity.amazonaws.com.evil.example"})
		}, identity.CredentialInvalid},
		"no audience": {func(r *poolRig) string { return r.token(map[string]any{"aud": nil}) }, identity.WrongApplication},
		"no identity": {func(r *poolRig) string { return r.token(map[string]any{"sub": "ada"}) }, identity.CredentialInvalid},
		"expired":     {func(r *poolRig) string { return r.token(map[string]any{"exp": r.now.Add(-2 * time.Minute).Unix()}) }, identity.CredentialExpired},
		"a player of ours": {func(r *poolRig) string {
			return r.token(map[string]any{"amr": []string{"authenticated", developer, developer + ":" + identityPool + ":p"}})
		}, identity.WrongApplication},
		"another algorithm":    {func(r *poolRig) string { return r.Sign("rsa-1", r.claims(), nil) }, identity.CredentialInvalid},
		"no signature":         {func(r *poolRig) string { return providertest.Unsigned(r.claims(), nil) }, identity.CredentialInvalid},
		"the key as a secret":  {func(r *poolRig) string { return r.Confuse("pool-1", r.claims(), nil) }, identity.CredentialInvalid},
		"an unknown key":       {func(r *poolRig) string { return r.Sign("pool-1", r.claims(), map[string]any{"kid": "pool-2"}) }, identity.CredentialInvalid},
		"a user pool's access": {func(r *poolRig) string { return r.token(map[string]any{"token_use": "access"}) }, identity.CredentialInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			r := newPoolRig(t)
			pools := r.pools(t, func(o *cognito.IdentityPoolsOptions) { o.DeveloperProvider = developer })
			_, err := pools.Verify(t.Context(), identity.Proof{Token: c.token(r)})
			wantRefusal(t, err, muster.Unauthenticated, string(c.want))
		})
	}
	client := provider.NewClient(provider.ClientOptions{Now: time.Now})
	for _, pools := range [][]string{nil, {"pool"}, {"eu-central-1_AbC"}} {
		if _, err := cognito.NewIdentityPools(cognito.IdentityPoolsOptions{Pools: pools, Client: client, Now: time.Now}); err == nil {
			t.Errorf("%v was taken", pools)
		}
	}
}

func (r *poolRig) developer(t *testing.T, change func(*cognito.DeveloperOptions)) *cognito.Developer {
	t.Helper()
	o := cognito.DeveloperOptions{
		Pool: identityPool, Provider: developer, Endpoint: r.URL(), CallTimeout: time.Minute,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
	}
	if change != nil {
		change(&o)
	}
	d, err := cognito.NewDeveloper(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAPlayerGetsAnAWSIdentity(t *testing.T) {
	r := newPoolRig(t)
	r.Answer("/", http.StatusOK, map[string]string{"IdentityId": someone, "Token": "token of the pool"})
	ada := muster.Caller{Player: "player-ada", Scope: muster.PlayerScope}
	got, err := r.developer(t, nil).AWSIdentity(t.Context(), ada)
	want := muster.AWSIdentity{
		IdentityID: someone, IdentityPoolID: identityPool, Region: "eu-central-1", Login: "cognito-identity.amazonaws.com",
		Token: "token of the pool", ExpiresInSeconds: 900,
	}
	if err != nil || got != want {
		t.Errorf("identity is %+v, %v", got, err)
	}
	call := r.Calls("/")[0]
	var body struct {
		IdentityPoolID string `json:"IdentityPoolId"`
		Logins         map[string]string
		TokenDuration  int
	}
	if err := json.Unmarshal([]byte(call.Body), &body); err != nil {
		t.Fatal(err)
	}
	if body.IdentityPoolID != identityPool || len(body.Logins) != 1 || body.Logins[developer] != "player-ada" || body.TokenDuration != 900 {
		t.Errorf("body is %s", call.Body)
	}
	if target := call.Header.Get("X-Amz-Target"); target != "AWSCognitoIdentityService.GetOpenIdTokenForDeveloperIdentity" {
		t.Errorf("target is %q", target)
	}
	if signed := call.Header.Get("Authorization"); !strings.Contains(signed, "/eu-central-1/cognito-identity/aws4_request") {
		t.Errorf("authorization is %q", signed)
	}
}

func TestWhoGetsNoAWSIdentity(t *testing.T) {
	r := newPoolRig(t)
	r.Answer("/", http.StatusOK, map[string]string{"IdentityId": someone, "Token": "t"})
	guest := muster.Caller{Player: "player-ada", Scope: muster.GuestScope}
	_, err := r.developer(t, nil).AWSIdentity(t.Context(), guest)
	wantRefusal(t, err, muster.Denied, "aws.not_for_guests")
	_, err = r.developer(t, nil).AWSIdentity(t.Context(), muster.Caller{Scope: muster.ServerScope})
	wantRefusal(t, err, muster.Denied, "auth.wrong_scope")
	if len(r.Calls("/")) != 0 {
		t.Error("the pool was asked")
	}
	if _, err := r.developer(t, func(o *cognito.DeveloperOptions) { o.Guests = true }).AWSIdentity(t.Context(), guest); err != nil {
		t.Error(err)
	}
	for exception, c := range map[string]struct {
		status int
		kind   muster.Kind
		code   string
	}{
		"TooManyRequestsException":         {400, muster.Exhausted, "provider.rate_limited"},
		"NotAuthorizedException":           {400, muster.Unavailable, "provider.unavailable"},
		"ResourceNotFoundException":        {400, muster.Unavailable, "provider.unavailable"},
		"DeveloperUserAlreadyRegisteredEx": {400, muster.Unavailable, "provider.unavailable"},
		"InternalErrorException":           {500, muster.Unavailable, "provider.unavailable"},
	} {
		r.Answer("/", c.status, map[string]string{"__type": exception, "message": "Token is not from a supported provider; did not conform"})
		_, err := r.developer(t, nil).AWSIdentity(t.Context(), muster.Caller{Player: "p", Scope: muster.PlayerScope})
		wantRefusal(t, err, c.kind, c.code)
	}
}

func TestAnIdentityPoolWithoutCredentials(t *testing.T) {
	r := newPoolRig(t)
	var log bytes.Buffer
	d := r.developer(t, func(o *cognito.DeveloperOptions) {
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, errors.New("no role")
		})
	})
	_, err := d.AWSIdentity(t.Context(), muster.Caller{Player: "p", Scope: muster.PlayerScope})
	wantRefusal(t, err, muster.Unavailable, "provider.unavailable")
	if !strings.Contains(log.String(), "no AWS credentials") {
		t.Errorf("the log is %q", log.String())
	}
}

func TestOptionsOfDeveloper(t *testing.T) {
	for name, o := range map[string]cognito.DeveloperOptions{
		"no pool":         {Provider: developer},
		"no provider":     {Pool: identityPool},
		"a provider of :": {Pool: identityPool, Provider: "a:b"},
		"a long life":     {Pool: identityPool, Provider: developer, Life: 25 * time.Hour},
	} {
		if _, err := cognito.NewDeveloper(o); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
}
