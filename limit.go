package muster

import (
	"context"
	"time"
)

// Action is something that costs us more than it costs who asks, so that it is counted by
// where it comes from.
type Action string

// The actions.
const (
	ActGuest    Action = "newGuests"     // a player is made
	ActSignIn   Action = "signIns"       // a proof is judged
	ActRenew    Action = "renewals"      // a refresh token is used
	ActRegister Action = "registrations" // a password is hashed, an address is asked for proof
	ActMail     Action = "mails"         // a mail with a code is sent
	ActNonce    Action = "nonces"        // a nonce is kept
	ActTicket   Action = "socketTickets" // a ticket is made, its use is kept
)

// Actions lists them all.
func Actions() []Action {
	return []Action{ActGuest, ActSignIn, ActRenew, ActRegister, ActMail, ActNonce, ActTicket}
}

// Limits slows down who asks too often, or guesses. A refusal is LimitExceeded.
type Limits interface {
	// Spend takes one of what the client of ctx may do of an action.
	Spend(ctx context.Context, what Action) error
	// Guess has check judge something that can be guessed: what proves id. It is not called
	// while id or the client has to wait after failures; a failure is an Unauthenticated error.
	// known says whether id was signed in from the client's device before; it is asked only
	// when all others have to wait. Nil: no device is known.
	Guess(ctx context.Context, id Identity, known func(ctx context.Context) (bool, error), check func(ctx context.Context) error) error
}

// LimitExceeded is the refusal of whoever must wait. It is the same for everybody.
func LimitExceeded(wait time.Duration) *Error {
	e := Errorf(Exhausted, "limit.exceeded", "this was asked for too often: wait, and try again")
	e.RetryAfter = max(wait, time.Second)
	return e
}

// NoLimits holds nobody back.
type NoLimits struct{}

// Spend lets everybody do everything.
func (NoLimits) Spend(context.Context, Action) error { return nil }

// Guess calls check.
func (NoLimits) Guess(ctx context.Context, _ Identity, _ func(context.Context) (bool, error), check func(context.Context) error) error {
	return check(ctx)
}
