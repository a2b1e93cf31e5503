package gameliftlocal

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster/gameliftlocal/wire"
)

// The service's conditions as Amazon's exceptions. Which operation may answer which
// is in Amazon's service model; the texts are ours unless a comment says otherwise.

func notFound(format string, args ...any) error {
	return &types.NotFoundException{Message: message(format, args)}
}

func invalid(format string, args ...any) error {
	return &types.InvalidRequestException{Message: message(format, args)}
}

func conflict(format string, args ...any) error {
	return &types.ConflictException{Message: message(format, args)}
}

func limitExceeded(format string, args ...any) error {
	return &types.LimitExceededException{Message: message(format, args)}
}

func notReady(format string, args ...any) error {
	return &types.NotReadyException{Message: message(format, args)}
}

func terminalRouting(text string) error {
	return &types.TerminalRoutingStrategyException{Message: &text}
}

func invalidFleetStatus(format string, args ...any) error {
	return &types.InvalidFleetStatusException{Message: message(format, args)}
}

func fleetCapacityExceeded(format string, args ...any) error {
	return &types.FleetCapacityExceededException{Message: message(format, args)}
}

func idempotentMismatch(format string, args ...any) error {
	return &types.IdempotentParameterMismatchException{Message: message(format, args)}
}

func invalidSessionStatus(format string, args ...any) error {
	return &types.InvalidGameSessionStatusException{Message: message(format, args)}
}

func sessionFull(format string, args ...any) error {
	return &types.GameSessionFullException{Message: message(format, args)}
}

// errThrottled is not in the service model: every SDK knows it by its code and retries.
var errThrottled error = &wire.Error{Code: "ThrottlingException", Message: "Rate exceeded"}

func message(format string, args []any) *string {
	return new(fmt.Sprintf(format, args...))
}

func unauthorized(format string, args ...any) error {
	return &types.UnauthorizedException{Message: message(format, args)}
}
