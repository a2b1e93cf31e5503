// Package cognitotest is a stand-in for one user pool of Amazon Cognito: it speaks the wire
// protocol (AWS JSON 1.1), keeps users, does the server's half of password proofs, asks for
// second factors, and signs tokens with keys that it publishes.
//
// It is for tests alone and shares no code with what it tests. Its texts of errors are those
// of Cognito, so that a test notices when one goes on to a client.
package cognitotest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/identity/provider/providertest"
)

// Names of the stand-in. Codes are the same for everybody.
const (
	PoolID       = "eu-central-1_AbCdEfGhI"
	ClientID     = "4h1jexampleclientid"
	ClientSecret = "client-secret-of-the-test"

	Code    = "123456" // the right one, of every kind
	KeyID   = "rsa-1"
	keyPath = "/" + PoolID + "/.well-known/jwks.json"
)

// Pool is the stand-in. Its methods are safe for concurrent use.
type Pool struct {
	*providertest.Platform
	now func() time.Time

	mu       sync.Mutex
	users    map[string]*User   // guarded by mu; by name
	sessions map[string]session // guarded by mu
	refresh  map[string]string  // guarded by mu; user names by refresh token
	access   map[string]string  // guarded by mu; user names by access token
	serial   int                // guarded by mu
	fails    map[string]failure // guarded by mu; by operation
}

// User is an account of the pool.
type User struct {
	Name, Password string
	Sub            string
	Confirmed      bool
	Groups         []string
	// Factor is the challenge after the password: "SMS_MFA", "SOFTWARE_TOKEN_MFA",
	// "EMAIL_OTP", "SELECT_MFA_TYPE", "MFA_SETUP" or "NEW_PASSWORD_REQUIRED".
	Factor string
	Reset  bool // an operator has reset the password
}

type session struct {
	user     string
	name     string // of the challenge
	exchange *exchange
}

type failure struct{ exception, message string }

// New starts a stand-in that ends with the test.
func New(t testing.TB, now func() time.Time) *Pool {
	t.Helper()
	p := &Pool{
		Platform: providertest.New(t), now: now,
		users: make(map[string]*User), sessions: make(map[string]session), refresh: make(map[string]string),
		access: make(map[string]string), fails: make(map[string]failure),
	}
	p.Handle("/", p.serve)
	p.Handle(keyPath, func(w http.ResponseWriter, _ *http.Request) {
		providertest.WriteJSON(w, http.StatusOK, map[string]any{"keys": []any{p.Key(KeyID).JWK()}})
	})
	return p
}

// Issuer is the issuer of the pool's tokens.
func (p *Pool) Issuer() string { return p.URL() + "/" + PoolID }

// Add makes a user, confirmed and with a sub of its own.
func (p *Pool) Add(u User) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u.Confirmed = true
	p.add(u)
}

// add keeps a user. mu is held.
func (p *Pool) add(u User) {
	if u.Sub == "" {
		u.Sub = fmt.Sprintf("00000000-0000-4000-8000-%012d", p.next())
	}
	p.users[u.Name] = &u
}

func (p *Pool) next() int {
	p.serial++
	return p.serial
}

// Refuse makes every call of an operation fail with an exception; empty: no longer.
func (p *Pool) Refuse(operation, exception, message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fails[operation] = failure{exception, message}
}

// Operations are the names of the operations that were called, in order.
func (p *Pool) Operations() []string {
	var names []string
	for _, call := range p.Calls("/") {
		_, name, _ := strings.Cut(call.Header.Get("X-Amz-Target"), ".")
		names = append(names, name)
	}
	return names
}

// AccessClaims are those of an access token of a user, for a test to change and sign with
// KeyID.
func (p *Pool) AccessClaims(sub, name string) map[string]any {
	now := p.now()
	return map[string]any{
		"iss": p.Issuer(), "sub": sub, "token_use": "access", "client_id": ClientID, "username": name,
		"scope": "aws.cognito.signin.user.admin", "iat": now.Unix(), "auth_time": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"jti": fmt.Sprint("jti-", sub), "origin_jti": "o", "event_id": "e",
	}
}

// IDClaims are those of an ID token of a user.
func (p *Pool) IDClaims(sub, name string) map[string]any {
	claims := p.AccessClaims(sub, name)
	claims["token_use"], claims["aud"], claims["cognito:username"] = "id", ClientID, name
	for _, access := range []string{"client_id", "username", "scope"} {
		delete(claims, access)
	}
	return claims
}

// request is the body of a call, of every operation.
type request struct {
	ClientID           string `json:"ClientId"`
	Username           string
	Password           string
	SecretHash         string
	ClientSecret       string
	ConfirmationCode   string
	AuthFlow           string
	AuthParameters     map[string]string
	ChallengeName      string
	ChallengeResponses map[string]string
	Session            string
	UserCode           string
	AccessToken        string
	RefreshToken       string
	Token              string
	PreviousPassword   string
	ProposedPassword   string
	UserAttributes     []struct{ Name, Value string }
}

// exception is an error as Cognito answers it.
type exception struct{ name, message string }

func refuse(name, message string) *exception { return &exception{name, message} }

func (p *Pool) serve(w http.ResponseWriter, r *http.Request) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var in request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("Authorization") != "" {
		answer(w, nil, refuse("SerializationException", "not JSON, or signed"))
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.fails[operation]; f.exception != "" {
		answer(w, nil, refuse(f.exception, f.message))
		return
	}
	handler, known := operations()[operation]
	if !known {
		answer(w, nil, refuse("UnknownOperationException", operation))
		return
	}
	out, failed := handler(p, in)
	answer(w, out, failed)
}

func answer(w http.ResponseWriter, out any, failed *exception) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if failed != nil {
		status := http.StatusBadRequest
		if failed.name == "InternalErrorException" {
			status = http.StatusInternalServerError
		}
		w.WriteHeader(status)
		out = map[string]string{"__type": failed.name, "message": failed.message}
	}
	_ = json.NewEncoder(w).Encode(out) // the caller may have left
}
