package wire

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"time"
)

// DefaultMaxBodyBytes limits a request body when Options names no limit.
const DefaultMaxBodyBytes = 1 << 20

// Operation is one implemented operation of the service. Op makes it.
type Operation struct {
	Name string // as on the wire: "CreateFleet"

	input  reflect.Type // the SDK's input struct, not a pointer
	output reflect.Type
	call   func(ctx context.Context, in any) (any, error) // in is *input; the result *output or nil
}

// Op adapts a typed handler. The operation's name comes from the input type, which is
// one of the SDK's: gamelift.CreateFleetInput makes "CreateFleet". Op panics on any
// other type, because only a mistake in the program can bring one.
//
// The handler gets an input whose constraints hold: required members are set, lengths,
// ranges, patterns and enumeration values are legal. It may keep the input. What it
// returns is encoded before the next call and not kept; nil members are left out of the
// answer, empty slices and maps that are not nil are sent as empty. A nil result without
// error is the empty answer.
//
// An error that is, or wraps, one of the SDK's typed exceptions (or any
// smithy.APIError) reaches the client with its code and message. Any other error is
// logged and answered as InternalServiceException without its text.
func Op[In, Out any](h func(ctx context.Context, in *In) (*Out, error)) Operation {
	input := reflect.TypeFor[In]()
	name, ok := strings.CutSuffix(input.Name(), "Input")
	if !ok || name == "" || input.Kind() != reflect.Struct {
		panic(fmt.Sprintf("wire: %v is not an operation's input struct", input))
	}
	return Operation{
		Name:   name,
		input:  input,
		output: reflect.TypeFor[Out](),
		call: func(ctx context.Context, in any) (any, error) {
			out, err := h(ctx, in.(*In))
			if err != nil || out == nil {
				return nil, err
			}
			return out, nil
		},
	}
}

// Credentials are what the service knows about an access key.
type Credentials struct {
	Secret       string
	SessionToken string    // "": the key is a long-term one and sends no token
	ExpiresAt    time.Time // zero: never
}

// Options configure NewHandler. The zero value answers every request with
// UnrecognizedClientException, since it knows no key.
type Options struct {
	// Operations are the implemented ones, each at most once. Every other operation of
	// GameLift is known and answered as not available.
	Operations []Operation

	// Credentials finds the secret of an access key; false: no such key. It is called
	// concurrently. Nil knows no key. Not used with AcceptAnyKey.
	Credentials func(accessKeyID string) (Credentials, bool)

	// AcceptAnyKey skips the verification of signatures, for a service on the same
	// machine as its only users. Requests must still be signed by somebody: the
	// Authorization header (or query) is parsed and its region checked.
	AcceptAnyKey bool

	Region  string // the region clients must sign for; "": any
	Account string // the account all callers belong to, 12 digits; only passed on

	Now          func() time.Time // nil: time.Now
	NewID        func() string    // request ids; nil: random UUIDs
	Log          *slog.Logger     // nil: nothing is logged
	MaxBodyBytes int64            // larger requests are refused; 0: DefaultMaxBodyBytes
}

// Caller says who sent the request that a handler is working on.
type Caller struct {
	AccessKeyID string
	Region      string // of the credential scope
	Account     string // Options.Account
	RequestID   string // what the client sees as x-amzn-RequestId
}

type callerKey struct{}

// CallerFrom returns the caller that NewHandler put into the context of a handler's
// call; false outside of one.
func CallerFrom(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}

// OperationNames lists every operation of GameLift that the handler knows, implemented
// or not, sorted.
func OperationNames() []string { return loadTable().operationNames() }

// NewHandler builds the service's front door. It panics if an operation is listed twice
// or is none of GameLift's, which only a mistake in the program can cause. The handler
// is safe for concurrent use and may be mounted below any path prefix.
func NewHandler(opts Options) http.Handler {
	return newHandler(opts)
}
