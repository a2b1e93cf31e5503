package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"muster"
	"muster/identity"
)

// ErrUnauthorized has REST and WebSocket APIs answer 401: API Gateway knows it by this very
// text. Any other error of a function becomes a 500.
var ErrUnauthorized = errors.New("Unauthorized")

// maxEvent bounds an event, in bytes. Requests to AppSync, whose text is in the event, have
// up to 1 MB.
const maxEvent = 2 << 20

// Answers is how an HTTP API with payload format 2.0 wants to be answered: that it was
// configured so stands in no event.
type Answers string

// The ways. The zero value is SimpleAnswers.
const (
	SimpleAnswers Answers = "simple"
	PolicyAnswers Answers = "iam"
)

// AuthorizerOptions is what an Authorizer needs. Verifiers, Now and Log are required.
type AuthorizerOptions struct {
	// Verifiers are those of the HTTP interface.
	Verifiers muster.Verifiers
	// Redeem takes tickets for the realtime socket, once each; nil: they are refused.
	Redeem func(ctx context.Context, ticket string) (muster.Caller, error)
	// Scopes are who is let in; empty: everybody who is somebody.
	Scopes []muster.Scope
	// HTTPAnswers is for HTTP APIs of payload format 2.0; empty: SimpleAnswers.
	HTTPAnswers Answers
	// DeniedFields are what callers of a scope may not ask AppSync for: "Mutation.createParty",
	// or the ARN of a field.
	DeniedFields map[muster.Scope][]string
	// MaxTTL is the longest that AppSync may keep an answer, which is how long a ban can go
	// unnoticed there. Zero: it keeps none.
	MaxTTL time.Duration
	Now    func() time.Time
	Log    *slog.Logger
}

// Authorizer answers the events of Lambda authorizers: REST APIs (TOKEN and REQUEST), HTTP
// APIs (1.0 and 2.0), the $connect of WebSocket APIs, and AppSync. It is safe for concurrent
// use.
type Authorizer struct{ o AuthorizerOptions }

// NewAuthorizer makes an Authorizer.
func NewAuthorizer(o AuthorizerOptions) *Authorizer { return &Authorizer{o} }

// Invoke answers an event. It implements the Handler of aws-lambda-go. Errors say nothing of
// what was shown.
func (a *Authorizer) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	answer, err := a.answer(ctx, event)
	if err != nil {
		return nil, err
	}
	encoded, err := encode(answer)
	if err != nil {
		return nil, fmt.Errorf("encode the answer: %w", err)
	}
	return encoded, nil
}

func (a *Authorizer) answer(ctx context.Context, text []byte) (any, error) {
	e, err := readEvent(text)
	if err != nil {
		a.o.Log.ErrorContext(ctx, "refuse an event", "error", err)
		return nil, err
	}
	v, err := a.decide(muster.WithClient(ctx, e.client()), e)
	if err != nil {
		a.o.Log.ErrorContext(ctx, "authorize", "kind", string(e.kind), "error", err)
		return nil, fmt.Errorf("the caller cannot be checked now: %w", publicText(err))
	}
	if v.refusal != nil {
		level := slog.LevelInfo
		if other := (identity.OtherIssuerError{}); errors.As(v.refusal, &other) {
			level = slog.LevelWarn // ours to mend
		}
		a.o.Log.Log(ctx, level, "refused", "kind", string(e.kind), "code", v.refusal.Code, "cause", v.refusal.Err)
	}
	return a.tell(e, v)
}

// publicText is an error without its causes, which are for our log.
func publicText(err error) error {
	var e *muster.Error
	if errors.As(err, &e) {
		return errors.New(e.Code)
	}
	return errors.New("internal")
}

// verdict is what is decided of an event: a caller, or why there is none.
type verdict struct {
	caller    muster.Caller
	refusal   *muster.Error // Unauthenticated or Denied; nil: the caller is let in
	expiresAt time.Time     // of what was shown; zero: not known
}

// decide verifies what an event shows. The error is that nobody can say.
func (a *Authorizer) decide(ctx context.Context, e *event) (verdict, error) {
	caller, credential, err := a.verify(ctx, e)
	var refusal *muster.Error
	switch {
	case errors.As(err, &refusal) && (refusal.Kind == muster.Unauthenticated || refusal.Kind == muster.Denied):
		return verdict{refusal: refusal}, nil
	case err != nil:
		return verdict{}, err
	case len(a.o.Scopes) > 0 && !slices.Contains(a.o.Scopes, caller.Scope):
		return verdict{refusal: muster.Errorf(muster.Denied, "auth.wrong_scope", "this API is not for callers of this scope")}, nil
	}
	return verdict{caller: caller, expiresAt: expiryOf(credential)}, nil
}

// verify asks who shows what, as its kind of event has it; credential is that, if it is a
// token.
func (a *Authorizer) verify(ctx context.Context, e *event) (c muster.Caller, credential string, err error) {
	switch e.kind {
	case appSync:
		// Clients of AppSync send a token as it is, as often as not.
		credential = e.AuthorizationToken
		if scheme, rest, found := strings.Cut(credential, " "); found && strings.EqualFold(scheme, "Bearer") {
			credential = strings.TrimSpace(rest)
		}
		c, err = a.o.Verifiers.Credential(ctx, credential)
		return c, credential, err
	case webSocket:
		if ticket, shown := e.ticket(); shown {
			c, err = a.redeem(ctx, e, ticket)
			return c, "", err
		}
	}
	values := e.authorization()
	c, err = a.o.Verifiers.Authorization(ctx, values)
	if len(values) == 1 {
		_, credential, _ = strings.Cut(values[0], " ")
	}
	return c, strings.TrimSpace(credential), err
}

// maxTicket bounds a ticket, in bytes, as the realtime socket does.
const maxTicket = 512

func (a *Authorizer) redeem(ctx context.Context, e *event, ticket string) (muster.Caller, error) {
	switch {
	case len(e.authorization()) > 0:
		return muster.Caller{}, muster.Errorf(muster.Unauthenticated, "auth.malformed", "send a ticket or an access token, not both")
	case a.o.Redeem == nil || ticket == "" || len(ticket) > maxTicket:
		return muster.Caller{}, muster.Errorf(muster.Unauthenticated, "auth.socket_ticket", "connect with ?ticket= from POST /v1/auth/socket-ticket")
	}
	return a.o.Redeem(ctx, ticket)
}

// expiryOf reads when a token ends that was verified before; zero: it does not say, as a key
// does not.
func expiryOf(token string) time.Time {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, signed := strings.Cut(rest, ".")
	body, err := base64.RawURLEncoding.DecodeString(payload)
	var claims struct {
		ExpiresAt float64 `json:"exp"`
	}
	if !signed || err != nil || json.Unmarshal(body, &claims) != nil || claims.ExpiresAt <= 0 {
		return time.Time{}
	}
	return time.Unix(int64(claims.ExpiresAt), 0)
}
