package wire

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
)

// Error is an exception that Amazon's model of GameLift does not name, such as
// ThrottlingException; a handler may return one. For the named ones use the SDK's types.
type Error struct {
	Code    string // "ThrottlingException"
	Message string // for people; sent to the client

	status int // 0: by the code
}

// Error joins code and message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// The codes whose HTTP status is not 400. Source: gamelift service model, and AWS common
// errors.
const (
	codeInternal    = "InternalServiceException"
	codeUnavailable = "ServiceUnavailableException"
)

func (e *Error) httpStatus() int {
	switch {
	case e.status != 0:
		return e.status
	case e.Code == codeInternal:
		return http.StatusInternalServerError
	case e.Code == codeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// asError finds what a client may be told about err; nil: nothing.
func asError(err error) *Error {
	if own := (*Error)(nil); errors.As(err, &own) {
		return own
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return nil
	}
	e := &Error{Code: api.ErrorCode(), Message: api.ErrorMessage()}
	if api.ErrorFault() == smithy.FaultServer && e.Code != codeUnavailable {
		e.status = http.StatusInternalServerError
	}
	return e
}

func internalError() *Error {
	return &Error{Code: codeInternal, Message: "The service encountered an unrecoverable internal failure while processing the request."}
}

func serializationError(err error) *Error {
	return &Error{Code: "SerializationException", Message: err.Error()}
}

// maxReported bounds how many broken constraints one answer describes.
const maxReported = 10

// validationError words broken constraints as Amazon's services do: "1 validation error
// detected: Value 'x' at 'fleetId' failed to satisfy constraint: Member must ...".
func validationError(broken []violation) *Error {
	noun := "errors"
	if len(broken) == 1 {
		noun = "error"
	}
	texts := make([]string, 0, maxReported)
	for _, v := range broken[:min(len(broken), maxReported)] {
		texts = append(texts, v.String())
	}
	return &Error{
		Code:    "ValidationException",
		Message: fmt.Sprintf("%d validation %s detected: %s", len(broken), noun, strings.Join(texts, "; ")),
	}
}

// unknownOperation is 404 in CBOR, where the operation is part of the path, and 400 in
// JSON.
func unknownOperation(p protocol, message string) *Error {
	e := &Error{Code: "UnknownOperationException", Message: message}
	if p == cborProtocol {
		e.status = http.StatusNotFound
	}
	return e
}

// quoteShort quotes text from a client for an error message, cut to a readable length.
func quoteShort(s string) string {
	const longest = 100
	if r := []rune(s); len(r) > longest {
		s = string(r[:longest]) + "..."
	}
	return "'" + s + "'"
}
