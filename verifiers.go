package muster

import (
	"context"
	"strings"
)

// What tells the keys of game servers and of operators from access tokens.
const (
	serverKeyPrefix = "msk_"
	adminKeyPrefix  = "mak_"
)

// maxCredential bounds what is handed to verification, in bytes. Tokens of others can hold
// many groups.
const maxCredential = 8192

// Verifiers say who a request speaks for by what it shows. Every transport asks the same.
type Verifiers struct {
	Token  func(ctx context.Context, token string) (Caller, error)
	Server func(key string) (Caller, error) // nil: keys of game servers are tokens like others
	Admin  func(key string) (Caller, error) // nil: keys of operators are tokens like others
}

// Authorization verifies an Authorization header; values are all that were sent.
func (v Verifiers) Authorization(ctx context.Context, values []string) (Caller, error) {
	if len(values) == 0 {
		return Caller{}, Errorf(Unauthenticated, "auth.missing", "send an access token as Authorization: Bearer")
	}
	scheme, credential, ok := strings.Cut(values[0], " ")
	credential = strings.TrimSpace(credential)
	if len(values) > 1 || !ok || !strings.EqualFold(scheme, "Bearer") || credential == "" {
		return Caller{}, errMalformedAuthorization()
	}
	return v.Credential(ctx, credential)
}

// Credential verifies an access token or a key.
func (v Verifiers) Credential(ctx context.Context, credential string) (Caller, error) {
	switch {
	case len(credential) > maxCredential:
		return Caller{}, errMalformedAuthorization()
	case v.Server != nil && strings.HasPrefix(credential, serverKeyPrefix):
		return v.Server(credential)
	case v.Admin != nil && strings.HasPrefix(credential, adminKeyPrefix):
		return v.Admin(credential)
	}
	return v.Token(ctx, credential)
}

func errMalformedAuthorization() *Error {
	return Errorf(Unauthenticated, "auth.malformed", "send one Authorization header with Bearer and a token")
}
