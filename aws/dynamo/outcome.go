package dynamo

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"muster"
	"muster/aws/caller"
)

// outcome is what is known after one try of a call.
type outcome uint8

const (
	done       outcome = iota
	refused            // a condition did not hold; nothing was changed
	contended          // another transaction had the record; nothing was changed
	throttled          // too much at once; nothing was changed
	unsent             // it did not reach the service; nothing was changed
	unsigned           // there are no credentials to sign it with; nothing was changed
	unanswered         // no answer, or one that leaves it open: it may have happened
	denied             // the service does not let us
	missing            // there is no such table
	tooLarge           // a limit on sizes; it can never succeed
	faulty             // the request makes no sense to the service
	numOutcomes
)

// outcomes maps the names of DynamoDB's exceptions and of the reasons of a cancelled
// transaction (DynamoDB API reference, "TransactWriteItems" and "Common errors"; Developer
// Guide, "Error handling with DynamoDB"). What is not here goes by its HTTP status.
var outcomes = map[string]outcome{
	"ConditionalCheckFailed":          refused,
	"ConditionalCheckFailedException": refused,

	"TransactionConflict":              contended,
	"TransactionConflictException":     contended,
	"TransactionInProgressException":   contended,
	"TransactionCanceledException":     contended, // with reasons: see reasonOutcome
	"ReplicatedWriteConflictException": contended,

	"ThrottlingError":                        throttled,
	"ProvisionedThroughputExceeded":          throttled,
	"ProvisionedThroughputExceededException": throttled,
	"RequestLimitExceeded":                   throttled,
	"KMSThrottlingException":                 throttled,

	"InternalServerError":     unanswered,
	"InternalFailure":         unanswered,
	"ServiceUnavailable":      unanswered,
	"RequestTimeout":          unanswered,
	"RequestTimeoutException": unanswered,

	"AccessDenied":                        denied,
	"AccessDeniedException":               denied,
	"ExpiredTokenException":               denied,
	"IncompleteSignature":                 denied,
	"IncompleteSignatureException":        denied,
	"InvalidClientTokenId":                denied,
	"InvalidSignatureException":           denied,
	"KMSAccessDeniedException":            denied,
	"MissingAuthenticationToken":          denied,
	"MissingAuthenticationTokenException": denied,
	"UnrecognizedClientException":         denied,

	"ResourceNotFoundException": missing,
	"TableNotFoundException":    missing,

	"ItemCollectionSizeLimitExceeded":          tooLarge,
	"ItemCollectionSizeLimitExceededException": tooLarge,
	"RequestEntityTooLargeException":           tooLarge,

	"ValidationError":                      faulty,
	"ValidationException":                  faulty,
	"SerializationException":               faulty,
	"IdempotentParameterMismatchException": faulty,
	"DuplicateItem":                        faulty,
}

// outcomeOf says what err, the error of one try, leaves known. It errs on the side of
// unanswered.
func outcomeOf(err error) outcome {
	switch {
	case err == nil:
		return done
	case errors.Is(err, errUnprocessed):
		return throttled
	}
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) && len(cancelled.CancellationReasons) > 0 {
		return reasonOutcome(cancelled.CancellationReasons)
	}
	var skewed interface{ RetryableError() bool }
	if errors.As(err, &skewed) && skewed.RetryableError() {
		return unsent // the SDK has corrected its clock: the signature was refused
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return answerOutcome(api, err)
	}
	return connectionOutcome(err)
}

// answerOutcome is that of an exception the service answered with.
func answerOutcome(api smithy.APIError, err error) outcome {
	code := exceptionName(api)
	if isSizeLimit(code, api.ErrorMessage()) {
		return tooLarge
	}
	if o, known := outcomes[code]; known {
		return o
	}
	if _, busy := retry.DefaultThrottleErrorCodes[code]; busy {
		return throttled
	}
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) {
		switch status := answer.HTTPStatusCode(); {
		case status == http.StatusTooManyRequests:
			return throttled
		case status >= 400 && status < 500:
			return faulty
		}
	}
	return unanswered
}

// exceptionName is an exception's name without the namespace that the service puts
// before it.
func exceptionName(api smithy.APIError) string {
	code := api.ErrorCode()
	return code[strings.LastIndexByte(code, '#')+1:]
}

// isSizeLimit recognises the refusals of an item or a transaction that is too large. They
// are ordinary validation errors; only their words tell them apart.
func isSizeLimit(code, message string) bool {
	return outcomes[code] == faulty &&
		(strings.Contains(message, "size has exceeded the maximum") || strings.Contains(message, "size to update has exceeded the maximum"))
}

// connectionOutcome is that of an error without an answer.
func connectionOutcome(err error) outcome {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return unsent
	}
	var params smithy.InvalidParamsError
	var encoding *smithy.SerializationError
	if errors.As(err, &params) || errors.As(err, &encoding) {
		return faulty // it did not leave this process
	}
	if caller.LacksCredentials(err) {
		return unsigned
	}
	return unanswered
}

// reasonOutcome is that of a cancelled transaction, from the reasons of its operations.
// What is decided goes before what may pass.
func reasonOutcome(reasons []types.CancellationReason) outcome {
	var seen [numOutcomes]bool
	for _, r := range reasons {
		switch code := deref(r.Code); {
		case code == "" || code == "None":
		case isSizeLimit(code, deref(r.Message)):
			seen[tooLarge] = true
		default:
			seen[outcomes[code]] = true
		}
	}
	for _, o := range [...]outcome{denied, missing, tooLarge, faulty, refused, throttled} {
		if seen[o] {
			return o
		}
	}
	return contended // or a reason that may pass as well: it is cancelled, nothing was changed
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// retryAfter is what a caller is told to wait when the store is busy or away.
const retryAfter = time.Second

// describe is what a caller learns of a call that did not succeed. Amazon's own words
// may name accounts and resources, so they go to the log only.
func (r result) describe() error {
	switch r.outcome {
	case done:
		return nil
	case refused:
		return fmt.Errorf("%w: %w", muster.ErrConflict, r.err)
	case faulty, numOutcomes:
		return r.err
	default:
		d := descriptions[r.outcome]
		e := &muster.Error{Kind: d.kind, Code: d.code, Message: d.message, Err: caller.Explained(r.err)}
		if d.kind == muster.Unavailable {
			e.RetryAfter = retryAfter
		}
		return e
	}
}

// describeWrite is describe for a write. One that gave up after a try without an answer may
// have happened, whatever the last try met: nobody is told to simply try again.
func (r result) describeWrite() error {
	if !r.uncertain || !inDoubt[r.outcome] {
		return r.describe()
	}
	cause := caller.Explained(r.err)
	if r.outcome == refused {
		cause = unknown{r.err}
	}
	return &muster.Error{
		Kind: muster.Unavailable, Code: "store.unavailable", RetryAfter: retryAfter,
		Message: "it is not known whether the change was made; look before trying again", Err: cause,
	}
}

// inDoubt are the outcomes of a try that say nothing of the tries before it.
var inDoubt = [numOutcomes]bool{refused: true, contended: true, throttled: true, unsent: true, unsigned: true, unanswered: true, denied: true}

// unknown hides what an error is, so that nobody takes it for an answer.
type unknown struct{ err error }

func (u unknown) Error() string { return u.err.Error() }

type description struct {
	kind          muster.Kind
	code, message string
}

var descriptions = [numOutcomes]description{
	contended:  {muster.Unavailable, "store.contended", "too many changes at once; try again"},
	throttled:  {muster.Unavailable, "store.throttled", "the store is busy; try again"},
	unsent:     {muster.Unavailable, "store.unavailable", "the store cannot be reached; try again"},
	unsigned:   {muster.Unavailable, "store.not_authorized", "the store is not available to this service"},
	unanswered: {muster.Unavailable, "store.unavailable", "the store does not answer; look before trying again"},
	denied:     {muster.Unavailable, "store.not_authorized", "the store is not available to this service"},
	missing:    {muster.Unavailable, "store.no_table", "the store has not been set up"},
	tooLarge:   {muster.Invalid, "store.record_too_large", "a record is too large for the store"},
}

// isUnsupported says that the service does not know the call.
func isUnsupported(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && exceptionName(api) == "UnknownOperationException"
}
