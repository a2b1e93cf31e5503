package muster

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what a caller can do about an error. Every transport maps every kind.
type Kind uint8

// The kinds, in the order transports index their tables by.
const (
	Internal        Kind = iota // ours to fix; logged, never described to the client
	Invalid                     // can never succeed as sent
	Unauthenticated             // who are you?
	Denied                      // known, and not allowed
	NotFound                    // absent, or hidden from this caller
	Conflict                    // changed meanwhile; read again and retry
	Exhausted                   // a limit; RetryAfter says when
	Unavailable                 // a dependency is down; retry with backoff
	NumKinds                    // how many kinds there are; for tables
)

var kindNames = [NumKinds]string{"internal", "invalid", "unauthenticated", "denied", "not found", "conflict", "exhausted", "unavailable"}

// String names the kind for logs.
func (k Kind) String() string {
	if k < NumKinds {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Error is what the rules return when a request cannot be served. A transport
// looks only at Kind, Code, Message and RetryAfter; Err is for the log.
type Error struct {
	Kind       Kind
	Code       string        // stable, for programs: "ticket.not_found"
	Message    string        // for people; safe to show
	RetryAfter time.Duration // zero: unknown
	// Details are further members of the answer, safe to show to this caller:
	// "ticketId", "seat". Keys are lowerCamelCase, values encode to JSON.
	Details map[string]any
	Err     error // cause; for the log only
}

// Error joins code, message and cause. It is for logs: Err may hold detail that
// a client must not see.
func (e *Error) Error() string {
	s := e.Code + ": " + e.Message
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives errors.Is and errors.As the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf builds an *Error whose message is formatted for people.
func Errorf(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// KindOf finds the kind of err. A store's ErrNotFound and ErrConflict map to
// NotFound and Conflict; whatever nobody classified is Internal.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, ErrNotFound):
		return NotFound
	case errors.Is(err, ErrConflict):
		return Conflict
	}
	return Internal
}

// ErrNotFound and ErrConflict are what every Store driver returns, wrapped, for an
// absent record and for a write whose expected version did not hold.
var (
	ErrNotFound = errors.New("record not found")
	ErrConflict = errors.New("record changed meanwhile")
)
