package cognito

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"muster"
	"muster/identity"
)

// retryAfter is what a caller is told to wait when Cognito is busy.
const retryAfter = 5 * time.Second

// condition is how an exception of Cognito is told.
type condition struct {
	kind    muster.Kind
	code    string
	message string
}

var (
	refused       = condition{muster.Unauthenticated, string(identity.CredentialInvalid), "this proof is not valid"}
	codeRefused   = condition{muster.Unauthenticated, "cognito.code_invalid", "the code is wrong or has expired"}
	badPassword   = condition{muster.Invalid, "cognito.password_refused", "the password does not meet the rules of the user pool"}
	badRequest    = condition{muster.Invalid, "cognito.invalid_request", "the user pool does not take this"}
	busy          = condition{muster.Exhausted, string(identity.ProviderRateLimited), "the user pool asks us to wait: try again"}
	away          = condition{muster.Unavailable, string(identity.ProviderUnavailable), "the user pool cannot be asked now: try again"}
	notHere       = condition{muster.Denied, "cognito.refused", "the user pool refuses this"}
	notDelivered  = condition{muster.Unavailable, "cognito.not_delivered", "the code could not be sent: try again"}
	notConfirmed  = condition{muster.Denied, "cognito.not_confirmed", "this account is not confirmed yet"}
	resetRequired = condition{muster.Denied, "cognito.password_reset_required", "the password must be reset"}
	nameTaken     = condition{muster.Conflict, "cognito.username_taken", "this name is taken"}
	addressTaken  = condition{muster.Conflict, "cognito.address_taken", "another account has this address"}
	noFactor      = condition{muster.Denied, "cognito.no_factor", "this account has no such second factor"}
)

// conditions maps Cognito's exceptions. Source: Cognito API reference, errors of the
// operations used here. Those that are not here are ours to mend, or Cognito's.
var conditions = map[string]condition{
	"NotAuthorizedException":                   refused,
	"UserNotFoundException":                    refused,
	"CodeMismatchException":                    codeRefused,
	"ExpiredCodeException":                     codeRefused,
	"EnableSoftwareTokenMFAException":          codeRefused,
	"InvalidPasswordException":                 badPassword,
	"PasswordHistoryPolicyViolationException":  badPassword,
	"InvalidParameterException":                badRequest,
	"UserNotConfirmedException":                notConfirmed,
	"PasswordResetRequiredException":           resetRequired,
	"UsernameExistsException":                  nameTaken,
	"AliasExistsException":                     addressTaken,
	"MFAMethodNotFoundException":               noFactor,
	"SoftwareTokenMFANotFoundException":        noFactor,
	"CodeDeliveryFailureException":             notDelivered,
	"UserLambdaValidationException":            notHere,
	"ForbiddenException":                       notHere,
	"LimitExceededException":                   busy,
	"TooManyRequestsException":                 busy,
	"TooManyFailedAttemptsException":           busy,
	"RefreshTokenReuseException":               refused,
	"UnsupportedTokenTypeException":            refused,
	"UnauthorizedException":                    refused,
	"InternalErrorException":                   away,
	"ConcurrentModificationException":          away,
	"UnexpectedLambdaException":                away,
	"InvalidLambdaResponseException":           away,
	"InvalidEmailRoleAccessPolicyException":    away,
	"InvalidSmsRoleAccessPolicyException":      away,
	"InvalidSmsRoleTrustRelationshipException": away,
	"InvalidUserPoolConfigurationException":    away,
	"UserPoolAddOnNotEnabledException":         away,
	"ResourceNotFoundException":                away,
}

// telling lets an operation tell some exceptions in its own way; ok is false where it has
// none. A nil error is: tell nothing.
type telling func(exception string) (told *muster.Error, ok bool)

// hidden tells nothing of some exceptions.
func hidden(exceptions ...string) telling {
	return func(exception string) (*muster.Error, bool) { return nil, slices.Contains(exceptions, exception) }
}

// hiddenAccount is for calls that have a code sent: whatever depends on the account, its
// own limits included, is answered like success.
var hiddenAccount = hidden("UserNotFoundException", "InvalidParameterException", "NotAuthorizedException", "UserNotConfirmedException",
	"LimitExceededException", "CodeDeliveryFailureException")

// wrongCode is for calls that show a code: whatever depends on the account is a wrong one.
func wrongCode(exception string) (*muster.Error, bool) {
	switch exception {
	case "UserNotFoundException", "NotAuthorizedException", "UserNotConfirmedException", "LimitExceededException", "TooManyFailedAttemptsException":
		return errCode(errors.New("answer of Cognito: " + exception)), true
	}
	return nil, false
}

// wrongPassword is for calls that show a password that is there already, where no rule can
// be broken: stand-ins call a wrong one invalid.
func wrongPassword(exception string) (*muster.Error, bool) {
	if exception != "InvalidPasswordException" {
		return nil, false
	}
	return identity.Refusal(identity.CredentialInvalid, errors.New("answer of Cognito: "+exception)), true
}

func errCode(cause error) *muster.Error {
	return &muster.Error{Kind: codeRefused.kind, Code: codeRefused.code, Message: codeRefused.message, Err: cause}
}

// told turns an error of a call into what the client reads. Of Cognito's own text nothing
// goes on: it can hold what the player sent.
func (u *Users) told(ctx context.Context, err error, own telling) error {
	var ours *muster.Error
	if err == nil || errors.As(err, &ours) {
		return err
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return identity.Refusal(identity.ProviderUnavailable, errors.New("no answer of Cognito"))
	}
	exception := api.ErrorCode()
	cause := fmt.Errorf("answer of Cognito: %s", exception)
	if misconfigured(exception, api.ErrorMessage()) {
		u.o.Log.LogAttrs(ctx, slog.LevelError, "the app client of the user pool is not set up as the configuration says",
			slog.String("pool", string(u.o.Pool)), slog.String("exception", exception))
		return identity.Refusal(identity.ProviderUnavailable, cause)
	}
	if own != nil {
		if told, ok := own(exception); ok {
			if told == nil {
				return nil
			}
			return told
		}
	}
	c, known := conditions[exception]
	if !known {
		c = away
	}
	e := &muster.Error{Kind: c.kind, Code: c.code, Message: c.message, Err: cause}
	if c.kind == muster.Exhausted || c.kind == muster.Unavailable {
		e.RetryAfter = retryAfter
	}
	return e
}

// misconfigured tells mistakes of ours from those of players, for which Cognito uses the
// same exceptions. Source: its messages, as observed ("Unable to verify secret hash for
// client", "USER_PASSWORD_AUTH flow not enabled for this client").
func misconfigured(exception, message string) bool {
	message = strings.ToLower(message)
	switch exception {
	case "ResourceNotFoundException", "InvalidUserPoolConfigurationException", "UserPoolAddOnNotEnabledException":
		return true
	case "NotAuthorizedException", "InvalidParameterException":
		return strings.Contains(message, "secret hash") || strings.Contains(message, "flow not enabled") || strings.Contains(message, "secret_hash")
	}
	return false
}
