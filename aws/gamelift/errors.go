package gamelift

import (
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"muster"
	"muster/aws/caller"
)

// retryAfter is what a caller is told to wait when the service is busy or away.
const retryAfter = time.Second

// condition is how an error of Amazon's is told to a player. Its own text may name
// resources, so it goes to the log only.
type condition struct {
	kind    muster.Kind
	code    string
	message string
}

var (
	refused     = condition{muster.Invalid, "gamelift.invalid_request", "GameLift refused the request"}
	unknown     = condition{muster.NotFound, "gamelift.not_found", "GameLift does not know what was asked for"}
	wrongState  = condition{muster.Conflict, "gamelift.conflict", "this is not possible in the present state"}
	full        = condition{muster.Conflict, "gamelift.session_full", "the session is full"}
	limited     = condition{muster.Exhausted, "gamelift.limit_exceeded", "a limit of GameLift is reached"}
	unavailable = condition{muster.Unavailable, "gamelift.unavailable", "GameLift cannot be reached; try again"}
	throttled   = condition{muster.Unavailable, "gamelift.throttled", "GameLift is busy; try again"}
	notAllowed  = condition{muster.Unavailable, "gamelift.not_authorized", "GameLift is not available to this service"}
	notReady    = condition{muster.Unavailable, "gamelift.not_ready", "GameLift is not ready for this yet; try again"}
)

// conditions maps Amazon's exception names; what is not here goes by its status.
// Throttling has a list of its own, kept by the AWS SDK.
var conditions = map[string]condition{
	"InvalidRequestException":              refused,
	"ValidationException":                  refused,
	"SerializationException":               refused,
	"UnsupportedRegionException":           {muster.Invalid, "gamelift.unsupported_region", "FlexMatch does not exist in this region"},
	"NotFoundException":                    unknown,
	"ConflictException":                    wrongState,
	"InvalidGameSessionStatusException":    wrongState,
	"InvalidFleetStatusException":          wrongState,
	"IdempotentParameterMismatchException": wrongState,
	"TerminalRoutingStrategyException":     wrongState,
	"GameSessionFullException":             full,
	"FleetCapacityExceededException":       {muster.Exhausted, "gamelift.no_capacity", "no game server is free; try again"},
	"OutOfCapacityException":               {muster.Exhausted, "gamelift.no_capacity", "no game server is free; try again"},
	"LimitExceededException":               limited,
	"NotReadyException":                    notReady,
	"InternalServiceException":             unavailable,

	// Ours to configure: no player can do anything about these.
	"UnauthorizedException":               notAllowed,
	"AccessDeniedException":               notAllowed,
	"UnrecognizedClientException":         notAllowed,
	"InvalidSignatureException":           notAllowed,
	"IncompleteSignatureException":        notAllowed,
	"MissingAuthenticationTokenException": notAllowed,
	"ExpiredTokenException":               notAllowed,
	"InvalidClientTokenId":                notAllowed,
}

// classify turns an error of the SDK into one of ours. Whatever is not an answer
// (a connection, a timeout, a cancelled context) leaves the outcome unknown:
// Unavailable. Err keeps the cause, so errors.Is finds context.Canceled in it.
func classify(err error) *muster.Error {
	c := conditionOf(err)
	e := &muster.Error{Kind: c.kind, Code: c.code, Message: c.message, Err: caller.Explained(err)}
	if c.kind == muster.Unavailable || c.kind == muster.Exhausted {
		e.RetryAfter = retryAfter
	}
	return e
}

func conditionOf(err error) condition {
	var params smithy.InvalidParamsError
	if errors.As(err, &params) {
		return refused // it did not leave this process
	}
	if caller.LacksCredentials(err) {
		return notAllowed
	}
	code, answered := exceptionName(err)
	if !answered {
		return unavailable
	}
	if throttles(code) {
		return throttled
	}
	if c, known := conditions[code]; known {
		return c
	}
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.HTTPStatusCode() >= 400 && answer.HTTPStatusCode() < 500 {
		return refused
	}
	return unavailable
}

// exceptionName is Amazon's name of an error that the service answered with. The SDK
// takes a namespace off only where the operation declares the error, so it is taken off
// here: "com.amazonaws.gamelift#ThrottlingException". Observed with service/gamelift
// v1.55.0.
func exceptionName(err error) (name string, answered bool) {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return "", false
	}
	name = api.ErrorCode()
	return name[strings.LastIndexByte(name, '#')+1:], true
}

// throttles says that an exception means: too fast, nothing was done. The AWS SDK's
// list is for all services; in GameLift, LimitExceededException is a quota.
func throttles(name string) bool {
	_, busy := retry.DefaultThrottleErrorCodes[name]
	_, quota := conditions[name]
	return busy && !quota
}

// retryableThrottle tells the SDK's retryer of throttling under any namespace; about
// other errors it has no opinion.
func retryableThrottle(err error) aws.Ternary {
	if name, answered := exceptionName(err); answered && throttles(name) {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}
