package cognito_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"muster/aws/cognito"
)

// vouched is an identity pool that knows players by a developer's ids. Source: Cognito Federated
// Identities API reference, LookupDeveloperIdentity and UnlinkDeveloperIdentity.
type vouched struct {
	*poolRig
	known map[string]string // identities by players
	fail  string            // exception that every call answers; empty: none
	late  bool              // the player is unlinked by somebody else between the two calls
	calls []string
}

func newVouched(t *testing.T, known map[string]string) *vouched {
	v := &vouched{poolRig: newPoolRig(t), known: known}
	v.Handle("/", v.serve)
	return v
}

func (v *vouched) serve(w http.ResponseWriter, r *http.Request) {
	var in struct {
		IdentityPoolID          string `json:"IdentityPoolId"`
		IdentityID              string `json:"IdentityId"`
		DeveloperProviderName   string
		DeveloperUserIdentifier string
	}
	_ = json.NewDecoder(r.Body).Decode(&in) // what cannot be read names nobody
	_, call, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	v.calls = append(v.calls, call)
	id, known := v.known[in.DeveloperUserIdentifier]
	switch {
	case v.fail != "":
		v.refuse(w, v.fail)
	case in.IdentityPoolID != identityPool || !strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/cognito-identity/aws4_request"):
		v.refuse(w, "NotAuthorizedException")
	case !known:
		v.refuse(w, "ResourceNotFoundException")
	case call == "LookupDeveloperIdentity":
		_ = json.NewEncoder(w).Encode(map[string]any{"IdentityId": id, "DeveloperUserIdentifierList": []string{in.DeveloperUserIdentifier}})
		if v.late {
			delete(v.known, in.DeveloperUserIdentifier)
		}
	case call == "UnlinkDeveloperIdentity" && in.IdentityID == id && in.DeveloperProviderName == developer:
		delete(v.known, in.DeveloperUserIdentifier)
	default:
		v.refuse(w, "InvalidParameterException")
	}
}

func (v *vouched) refuse(w http.ResponseWriter, exception string) {
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": exception, "message": "User: arn:aws:iam::123456789012:role/Muster is not"})
}

func TestThePoolForgetsAPlayer(t *testing.T) {
	v := newVouched(t, map[string]string{"ada": someone, "bob": "eu-central-1:0a1b2c3d-0000-4000-8000-00000000bbbb"})
	d := v.developer(t, nil)
	for range 2 { // a repeat is no error
		if err := d.Forget(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Forget(t.Context(), "who never asked"); err != nil {
		t.Errorf("a player whom the pool does not know: %v", err)
	}
	if len(v.known) != 1 || v.known["bob"] == "" {
		t.Errorf("the pool knows %v", v.known)
	}
	if got := strings.Join(v.calls, " "); got != "LookupDeveloperIdentity UnlinkDeveloperIdentity LookupDeveloperIdentity LookupDeveloperIdentity" {
		t.Errorf("it was asked %s", got)
	}
}

func TestAPlayerWhomSomebodyElseForgotMeanwhile(t *testing.T) {
	v := newVouched(t, map[string]string{"ada": someone})
	v.late = true
	if err := v.developer(t, nil).Forget(t.Context(), "ada"); err != nil || len(v.calls) != 2 {
		t.Errorf("after %v: %v", v.calls, err)
	}
}

func TestAPoolThatDoesNotForgetIsToldOf(t *testing.T) {
	for name, fail := range map[string]string{
		"without the permission": "AccessDeniedException", "throttled": "TooManyRequestsException", "broken": "InternalErrorException",
	} {
		t.Run(name, func(t *testing.T) {
			v := newVouched(t, map[string]string{"ada": someone})
			v.fail = fail
			err := v.developer(t, nil).Forget(t.Context(), "ada")
			if err == nil || !strings.Contains(err.Error(), fail) || strings.Contains(err.Error(), "arn:") {
				t.Errorf("error is %v", err)
			}
		})
	}
	v := newVouched(t, nil)
	d := v.developer(t, func(o *cognito.DeveloperOptions) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, errors.New("no role")
		})
	})
	if err := d.Forget(t.Context(), "ada"); err == nil || !strings.Contains(err.Error(), "no AWS credentials") {
		t.Errorf("without credentials: %v", err)
	}
	v.Close()
	d = v.developer(t, func(o *cognito.DeveloperOptions) { o.CallTimeout = 100 * time.Millisecond })
	if err := d.Forget(t.Context(), "ada"); err == nil {
		t.Error("a pool that is away forgot")
	}
}
