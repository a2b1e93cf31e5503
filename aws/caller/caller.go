// Package caller is what every caller of the AWS SDK here has in common: where the SDK's
// own words go, and what it is called that there are no credentials.
package caller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
)

// Log lets the SDK log where we do; without one, nowhere. Its own logger writes to the
// standard error output in a form of its own.
func Log(log *slog.Logger) logging.Logger {
	if log == nil {
		return logging.Nop{}
	}
	return sdkLogger{log}
}

type sdkLogger struct{ log *slog.Logger }

// Logf implements logging.Logger.
func (l sdkLogger) Logf(class logging.Classification, format string, v ...any) {
	level := slog.LevelDebug
	if class == logging.Warn {
		level = slog.LevelWarn
	}
	l.log.Log(context.Background(), level, "AWS SDK: "+fmt.Sprintf(format, v...))
}

// ErrNoCredentials is that there is nothing to sign a call with. It says what can be done.
var ErrNoCredentials = errors.New("no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile with AWS_PROFILE, or give this machine a role")

// LacksCredentials says that a call was never made, since the SDK found no credentials for
// it. The SDK has no type for that; observed with aws-sdk-go-v2 v1.47.7.
func LacksCredentials(err error) bool {
	var operation *smithy.OperationError
	return errors.As(err, &operation) && strings.HasPrefix(operation.Err.Error(), "get identity:")
}

// Explained is an error of the SDK, with ErrNoCredentials before it if that is what it
// means.
func Explained(err error) error {
	if !LacksCredentials(err) {
		return err
	}
	return noCredentials{err}
}

// noCredentials is ErrNoCredentials with what the SDK says.
type noCredentials struct{ err error }

func (e noCredentials) Error() string { return ErrNoCredentials.Error() + ": " + e.err.Error() }

// ErrorMessage is what to tell people, without the SDK's account of it.
func (noCredentials) ErrorMessage() string { return ErrNoCredentials.Error() }

func (e noCredentials) Unwrap() []error { return []error{ErrNoCredentials, e.err} }
