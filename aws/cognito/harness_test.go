package cognito_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
	"muster/aws/cognito"
	"muster/aws/cognito/cognitotest"
	"muster/identity"
	"muster/identity/provider"
)

// rig is a user pool and what signs in at it, with a clock that the test moves.
type rig struct {
	*cognitotest.Pool
	users *cognito.Users
	pools *cognito.UserPools

	mu     sync.Mutex
	now    time.Time    // guarded by mu
	log    bytes.Buffer // guarded by mu
	logins int
}

func newRig(t testing.TB, change func(*cognito.UsersOptions)) *rig {
	t.Helper()
	r := &rig{now: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)}
	r.Pool = cognitotest.New(t, r.clock)
	var err error
	r.pools, err = cognito.NewUserPools(r.poolsOptions())
	if err != nil {
		t.Fatal(err)
	}
	o := cognito.UsersOptions{
		Pool: cognitotest.PoolID, ClientID: cognitotest.ClientID, Endpoint: r.URL(), Login: r.login, ShowTokens: true,
		ClientSecret: func() (string, error) { return cognitotest.ClientSecret, nil },
		Now:          r.clock, Random: rand.Reader, Log: slog.New(slog.NewTextHandler(r, nil)), CallTimeout: time.Minute,
	}
	if change != nil {
		change(&o)
	}
	if r.users, err = cognito.NewUsers(o); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) poolsOptions() cognito.UserPoolsOptions {
	return cognito.UserPoolsOptions{
		Pools:  []cognito.Pool{{ID: cognitotest.PoolID, ClientIDs: []string{"another-client", cognitotest.ClientID}, Endpoint: r.URL()}},
		Client: provider.NewClient(provider.ClientOptions{Name: "cognito", Timeout: time.Minute, Now: r.clock}), Now: r.clock,
	}
}

// login is what turns the pool's token into a grant of ours.
func (r *rig) login(ctx context.Context, token string) (muster.Grant, error) {
	r.logins++
	who, err := r.pools.Verify(ctx, identity.Proof{Token: token})
	if err != nil {
		return muster.Grant{}, err
	}
	return muster.Grant{Player: muster.GrantPlayer{ID: muster.PlayerID("player of " + who.Subject)}}, nil
}

func (r *rig) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

// Write keeps the log.
func (r *rig) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(line)
}

func (r *rig) logged() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

// wantRefusal fails unless err is an *Error of kind and code that passes nothing of Cognito
// on.
func wantRefusal(t testing.TB, err error, kind muster.Kind, code string) {
	t.Helper()
	var e *muster.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Code != code {
		t.Fatalf("error is %v, want %v with code %s", err, kind, code)
	}
	for _, text := range []string{"Incorrect", "does not exist", "Invalid ", "did not conform", "revoked", "hash for client"} {
		if strings.Contains(e.Error(), text) {
			t.Errorf("the error passes on what Cognito says: %v", e)
		}
	}
}
