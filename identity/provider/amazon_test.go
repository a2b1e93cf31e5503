package provider

import (
	"net/http"
	"testing"

	"muster/identity"
)

const (
	amazonClient = "amzn1.application-oa2-client.1234"
	amazonUser   = "amzn1.account.K2LI23KL2LK2"
	amazonAccess = "Atza|IQEBLjAsAhRmHjNgHpi0U"
)

func amazonVendor() vendor {
	return vendor{
		make: func(r *rig) identity.Provider {
			scriptAmazon(r, nil, nil)
			return newAmazon(r, false)
		},
		proof: identity.Proof{Token: amazonAccess}, subject: amazonUser,
		paths: []string{"/auth/o2/tokeninfo", "/user/profile"}, secrets: []string{amazonAccess},
	}
}

func newAmazon(r *rig, reuse bool) *Amazon {
	return NewAmazon(AmazonOptions{Client: r.client, Now: r.now, ClientIDs: []string{amazonClient}, Endpoint: r.URL(), AllowReuse: reuse})
}

// scriptAmazon answers about a good token, with some members changed.
func scriptAmazon(r *rig, info, profile map[string]any) {
	token := map[string]any{
		"iss": "https://www.amazon.com", "aud": amazonClient, "user_id": amazonUser,
		"app_id": "amzn1.application.436457DFHDH", "exp": 3597, "iat": 1311280970,
	}
	user := map[string]any{"user_id": amazonUser, "name": "Ann", "email": "ann@example.com"}
	for name, value := range info {
		token[name] = value
	}
	for name, value := range profile {
		user[name] = value
	}
	r.Answer("/auth/o2/tokeninfo", http.StatusOK, token)
	r.Answer("/user/profile", http.StatusOK, user)
}

func TestWhatAmazonSays(t *testing.T) {
	for name, c := range map[string]struct {
		token, profile map[string]any
		reason         identity.Reason
	}{
		"another client's token":     {map[string]any{"aud": "amzn1.application-oa2-client.evil"}, nil, identity.WrongApplication},
		"a token for nobody":         {map[string]any{"aud": ""}, nil, identity.WrongApplication},
		"a token without a user":     {map[string]any{"user_id": ""}, nil, identity.ProviderUnavailable},
		"a token that has run out":   {map[string]any{"exp": 0}, nil, identity.CredentialExpired},
		"a profile of somebody else": {nil, map[string]any{"user_id": "amzn1.account.EVIL"}, identity.CredentialInvalid},
		"a profile that is nobody's": {nil, map[string]any{"user_id": nil}, identity.CredentialInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			scriptAmazon(r, c.token, c.profile)
			_, err := newAmazon(r, false).Verify(t.Context(), identity.Proof{Token: amazonAccess})
			wantRefused(t, err, c.reason, amazonAccess, amazonUser)
			if c.token != nil && len(r.Calls("/user/profile")) != 0 {
				t.Error("the token is used before it is known for whom it is")
			}
		})
	}
	for _, path := range amazonVendor().paths {
		r := newRig(t)
		scriptAmazon(r, nil, nil)
		r.Answer(path, http.StatusBadRequest, map[string]any{"error": "invalid_token", "error_description": "The access token is invalid"})
		_, err := newAmazon(r, false).Verify(t.Context(), identity.Proof{Token: amazonAccess})
		wantRefused(t, err, identity.CredentialInvalid, amazonAccess)
	}
}

func TestAnAmazonTokenWorksOnceUnlessReuseIsAllowed(t *testing.T) {
	v := amazonVendor()
	wantOnce(t, v.make(newRig(t)), v.proof)
	r := newRig(t)
	scriptAmazon(r, nil, nil)
	who, err := newAmazon(r, true).Verify(t.Context(), v.proof)
	if err != nil || who.Once != "" || who.DisplayName != "Ann" {
		t.Errorf("Verify = %+v, %v", who, err)
	}
	if got := r.Calls("/user/profile")[0].Header.Get("Authorization"); got != "Bearer "+amazonAccess {
		t.Errorf("Authorization is %q", got)
	}
}
