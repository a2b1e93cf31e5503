package identity

import (
	"errors"
	"time"

	"muster"
)

// Reason is why a proof does not sign anybody in. Its text is the stable code that clients
// see.
type Reason string

// The reasons.
const (
	CredentialInvalid   Reason = "credential.invalid"           // malformed, badly signed or unknown
	CredentialExpired   Reason = "credential.expired"           // expired or used already
	WrongApplication    Reason = "credential.wrong_application" // genuine, for another application or environment
	NonceMismatch       Reason = "credential.nonce_mismatch"    // a replay, or no nonce of ours
	NotEntitled         Reason = "credential.not_entitled"      // does not own the game
	AccountBanned       Reason = "account.banned"               // by the platform or by us
	AgeOrPrivilege      Reason = "credential.age_or_privilege"  // a child, or without the right to play with others
	ProviderRateLimited Reason = "provider.rate_limited"
	ProviderUnavailable Reason = "provider.unavailable" // down, slow, or set up wrongly
)

// refusals says, for each reason, what kind of error it is and what people read.
var refusals = map[Reason]struct {
	kind    muster.Kind
	message string
	retry   time.Duration
}{
	CredentialInvalid:   {muster.Unauthenticated, "this proof is not valid", 0},
	CredentialExpired:   {muster.Unauthenticated, "this proof has expired or was used already: get a new one", 0},
	WrongApplication:    {muster.Unauthenticated, "this proof was made for another application or environment", 0},
	NonceMismatch:       {muster.Unauthenticated, "this proof is not bound to a nonce of ours that is still good (each works once): ask for one first", 0},
	NotEntitled:         {muster.Denied, "this account does not own the game", 0},
	AccountBanned:       {muster.Denied, "this account is banned", 0},
	AgeOrPrivilege:      {muster.Denied, "this account may not play with others", 0},
	ProviderRateLimited: {muster.Exhausted, "the platform asks us to wait: try again", 5 * time.Second},
	ProviderUnavailable: {muster.Unavailable, "the platform cannot be asked now: try again", 5 * time.Second},
}

// Refusal is the error for a reason. cause is for the log; nothing of it reaches the
// client, and it must hold no part of a proof.
func Refusal(reason Reason, cause error) *muster.Error {
	r := refusals[reason]
	return &muster.Error{Kind: r.kind, Code: string(reason), Message: r.message, RetryAfter: r.retry, Err: cause}
}

// RefusalAfter is Refusal with the time that the platform asks for.
func RefusalAfter(reason Reason, wait time.Duration, cause error) *muster.Error {
	e := Refusal(reason, cause)
	e.RetryAfter = wait
	return e
}

// ProviderError is the cause of a refusal because a provider cannot be asked. It tells in the log
// which one that is: platforms that are slow all fail in the same words.
type ProviderError struct {
	Provider string // its name in the configuration
	Err      error  // nil: no more is known
}

// Error names the provider first.
func (e *ProviderError) Error() string {
	if e.Err == nil {
		return e.Provider
	}
	return e.Provider + ": " + e.Err.Error()
}

// Unwrap gives errors.Is and errors.As the cause.
func (e *ProviderError) Unwrap() error { return e.Err }

// atProvider names the provider in an error that says that it cannot be asked.
func atProvider(name string, err error) error {
	var refusal *muster.Error
	if !errors.As(err, &refusal) || refusal.Kind != muster.Unavailable {
		return err
	}
	named := *refusal
	named.Err = &ProviderError{name, refusal.Err}
	return &named
}

// tellRefused reports a refusal to whoever listens.
func (s *Service) tellRefused(provider string, err error) {
	var refusal *muster.Error
	if s.refused != nil && errors.As(err, &refusal) {
		s.refused(provider, refusal)
	}
}
