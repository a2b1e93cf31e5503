package cognito_test

import (
	"strings"
	"testing"
	"time"

	"muster"
	"muster/aws/cognito"
	"muster/aws/cognito/cognitotest"
	"muster/identity"
	"muster/identity/provider"
	"muster/identity/provider/providertest"
)

const sub = "5f0c7f8e-0000-4000-8000-00000000ada0"

// pools makes a UserPools that takes tokens of these uses.
func (r *rig) poolsFor(t *testing.T, uses ...cognito.TokenUse) *cognito.UserPools {
	t.Helper()
	o := r.poolsOptions()
	o.Uses = uses
	pools, err := cognito.NewUserPools(o)
	if err != nil {
		t.Fatal(err)
	}
	return pools
}

func TestTokensOfAUserPoolSignIn(t *testing.T) {
	r := newRig(t, nil)
	pools := r.poolsFor(t, cognito.AccessUse, cognito.IDUse)
	for name, claims := range map[string]map[string]any{"an access token": r.AccessClaims(sub, ada), "an ID token": r.IDClaims(sub, ada)} {
		who, err := pools.Verify(t.Context(), identity.Proof{Token: r.Sign(cognitotest.KeyID, claims, nil)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if who.Subject != cognitotest.PoolID+"/"+sub || who.DisplayName != ada || who.Once == "" || !who.Until.After(r.clock()) {
			t.Errorf("%s: verified is %+v", name, who)
		}
	}
	claims := r.IDClaims(sub, ada)
	claims["nonce"] = "n-1"
	who, err := pools.Verify(t.Context(), identity.Proof{Token: r.Sign(cognitotest.KeyID, claims, nil), Nonce: "n-1"})
	if err != nil || who.Nonce != "n-1" {
		t.Errorf("with a nonce: %+v, %v", who, err)
	}
	_, err = pools.Verify(t.Context(), identity.Proof{Token: r.Sign(cognitotest.KeyID, claims, nil), Nonce: "n-2"})
	wantRefusal(t, err, muster.Unauthenticated, "credential.nonce_mismatch")
	if calls := len(r.Calls("/" + cognitotest.PoolID + "/.well-known/jwks.json")); calls != 1 {
		t.Errorf("the keys were fetched %d times", calls)
	}
}

// badTokens are tokens that must not be taken, made from the claims of a good one.
func (r *rig) badTokens(good func() map[string]any) map[string]struct {
	token string
	want  identity.Reason
} {
	type bad = struct {
		token string
		want  identity.Reason
	}
	with := func(name string, value any) string {
		claims := good()
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
		return r.Sign(cognitotest.KeyID, claims, nil)
	}
	now := r.clock()
	signed := r.Sign(cognitotest.KeyID, good(), nil)
	return map[string]bad{
		"nothing":                         {"", identity.CredentialInvalid},
		"two parts":                       {signed[:strings.LastIndexByte(signed, '.')], identity.CredentialInvalid},
		"an endless one":                  {signed + strings.Repeat("A", 17<<10), identity.CredentialInvalid},
		"another pool":                    {with("iss", r.URL()+"/eu-central-1_Other"), identity.CredentialInvalid},
		"an issuer that begins alike":     {with("iss", r.Issuer()+".evil.example"), identity.CredentialInvalid},
		"an issuer with a slash":          {with("iss", r.Issuer()+"/"), identity.CredentialInvalid},
		"no issuer":                       {with("iss", nil), identity.CredentialInvalid},
		"no subject":                      {with("sub", nil), identity.CredentialInvalid},
		"another use":                     {with("token_use", "refresh"), identity.CredentialInvalid},
		"no use":                          {with("token_use", nil), identity.CredentialInvalid},
		"expired":                         {with("exp", now.Add(-61*time.Second).Unix()), identity.CredentialExpired},
		"no end":                          {with("exp", nil), identity.CredentialInvalid},
		"made in the future":              {with("iat", now.Add(2*time.Minute).Unix()), identity.CredentialInvalid},
		"not valid yet":                   {with("nbf", now.Add(2*time.Minute).Unix()), identity.CredentialInvalid},
		"no signature":                    {providertest.Unsigned(good(), nil), identity.CredentialInvalid},
		"the public key as a secret":      {r.Confuse(cognitotest.KeyID, good(), nil), identity.CredentialInvalid},
		"another key":                     {r.Sign("ec-1", good(), nil), identity.CredentialInvalid},
		"a key under our key's name":      {r.Sign("rsa-1", good(), map[string]any{"kid": "unheard-of"}), identity.CredentialInvalid},
		"a key of its own":                {r.Sign(cognitotest.KeyID, good(), map[string]any{"jwk": r.Key(cognitotest.KeyID).JWK()}), identity.CredentialInvalid},
		"an address of keys":              {r.Sign(cognitotest.KeyID, good(), map[string]any{"jku": "https://evil.example/jwks"}), identity.CredentialInvalid},
		"claims that were changed":        {providertest.Tampered(signed, map[string]any{"iss": r.Issuer(), "sub": "bob", "token_use": "access", "client_id": cognitotest.ClientID, "username": "bob", "exp": now.Add(time.Hour).Unix(), "iat": now.Unix()}), identity.CredentialInvalid},
		"a user's name that is not there": {with("username", nil), identity.WrongApplication},
	}
}

func TestTokensThatDoNotSignIn(t *testing.T) {
	r := newRig(t, nil)
	access := func() map[string]any { return r.AccessClaims(sub, ada) }
	bad := r.badTokens(access)
	claims := access()
	claims["client_id"] = "somebody-else"
	client := r.Sign(cognitotest.KeyID, claims, nil)
	claims["aud"] = cognitotest.ClientID
	audience := r.Sign(cognitotest.KeyID, claims, nil)
	for name, c := range bad {
		t.Run(name, func(t *testing.T) {
			_, err := r.pools.Verify(t.Context(), identity.Proof{Token: c.token})
			kind := muster.Unauthenticated
			wantRefusal(t, err, kind, string(c.want))
		})
	}
	for name, token := range map[string]string{"another client": client, "another client with our audience": audience} {
		_, err := r.pools.Verify(t.Context(), identity.Proof{Token: token})
		if err == nil {
			t.Errorf("%s: was taken", name)
			continue
		}
		wantRefusal(t, err, muster.Unauthenticated, "credential.wrong_application")
	}
	_, err := r.pools.Verify(t.Context(), identity.Proof{Token: r.Sign(cognitotest.KeyID, r.IDClaims(sub, ada), nil)})
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid") // ID tokens are not asked for

	ids := r.poolsFor(t, cognito.IDUse)
	_, err = ids.Verify(t.Context(), identity.Proof{Token: r.Sign(cognitotest.KeyID, access(), nil)})
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid") // nor access tokens here
}

func TestAccessTokensAsTheyAre(t *testing.T) {
	r := newRig(t, nil)
	if issuers := r.pools.Issuers(); len(issuers) != 1 || issuers[0] != r.Issuer() {
		t.Errorf("issuers are %v", issuers)
	}
	claims := r.AccessClaims(sub, ada)
	claims["cognito:groups"], claims["scope"] = []string{"operators", "x"}, "aws.cognito.signin.user.admin game/play"
	access, err := r.pools.VerifyAccess(t.Context(), r.Sign(cognitotest.KeyID, claims, nil))
	if err != nil || access.Subject != cognitotest.PoolID+"/"+sub || len(access.Groups) != 2 || len(access.Scopes) != 2 || !access.IssuedAt.Equal(r.clock()) || !access.ExpiresAt.Equal(r.clock().Add(time.Hour)) || !access.SignedInAt.Equal(r.clock()) {
		t.Errorf("access is %+v, %v", access, err)
	}
	claims["auth_time"] = r.clock().Add(-time.Hour).Unix()
	if access, err = r.pools.VerifyAccess(t.Context(), r.Sign(cognitotest.KeyID, claims, nil)); err != nil || !access.SignedInAt.Equal(r.clock().Add(-time.Hour)) {
		t.Errorf("who signed in an hour ago did so at %v, %v", access.SignedInAt, err)
	}
	delete(claims, "auth_time")
	if access, err = r.pools.VerifyAccess(t.Context(), r.Sign(cognitotest.KeyID, claims, nil)); err != nil || !access.SignedInAt.Equal(r.clock()) {
		t.Errorf("without that, the token is from %v, %v", access.SignedInAt, err)
	}
	delete(claims, "username")
	if access, err = r.pools.VerifyAccess(t.Context(), r.Sign(cognitotest.KeyID, claims, nil)); err != nil || access.Subject != "" {
		t.Errorf("a program's access is %+v, %v", access, err)
	}
	_, err = r.pools.VerifyAccess(t.Context(), r.Sign(cognitotest.KeyID, r.IDClaims(sub, ada), nil))
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
	for name, c := range r.badTokens(func() map[string]any { return r.AccessClaims(sub, ada) }) {
		if c.want == identity.WrongApplication {
			continue // a program's
		}
		t.Run(name, func(t *testing.T) {
			_, err := r.pools.VerifyAccess(t.Context(), c.token)
			wantRefusal(t, err, muster.Unauthenticated, string(c.want))
		})
	}
}

func TestKeysThatCannotBeHad(t *testing.T) {
	r := newRig(t, nil)
	r.Fail("", providertest.Failure{Status: 503})
	_, err := r.pools.VerifyAccess(t.Context(), r.Sign(cognitotest.KeyID, r.AccessClaims(sub, ada), nil))
	wantRefusal(t, err, muster.Unavailable, "provider.unavailable")
}

func TestOptionsOfUserPools(t *testing.T) {
	client := provider.NewClient(provider.ClientOptions{Now: time.Now})
	for name, pools := range map[string][]cognito.Pool{
		"none":               nil,
		"no id":              {{ClientIDs: []string{"c"}}},
		"no client":          {{ID: cognitotest.PoolID}},
		"an empty client":    {{ID: cognitotest.PoolID, ClientIDs: []string{""}}},
		"one pool twice":     {{ID: cognitotest.PoolID, ClientIDs: []string{"c"}}, {ID: cognitotest.PoolID, ClientIDs: []string{"d"}}},
		"a path for an id":   {{ID: "eu-central-1_x/../y", ClientIDs: []string{"c"}}},
		"an id of no region": {{ID: "pool_x", ClientIDs: []string{"c"}}},
	} {
		if _, err := cognito.NewUserPools(cognito.UserPoolsOptions{Pools: pools, Client: client, Now: time.Now}); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
	for id, want := range map[cognito.PoolID]string{
		"eu-central-1_AbC":  "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC",
		"us-gov-west-1_AbC": "https://cognito-idp.us-gov-west-1.amazonaws.com/us-gov-west-1_AbC",
	} {
		pools, err := cognito.NewUserPools(cognito.UserPoolsOptions{Pools: []cognito.Pool{{ID: id, ClientIDs: []string{"c"}}}, Client: client, Now: time.Now})
		if err != nil || pools.Issuers()[0] != want {
			t.Errorf("issuer of %s is %v, %v", id, pools.Issuers(), err)
		}
	}
}
