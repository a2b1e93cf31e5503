package hosting

import "fmt"

// Condition says what is wrong with a call. Each has one exception of Amazon's API
// and one status code on the game-server socket.
type Condition uint8

// The conditions.
const (
	NotFound            Condition = iota // the thing named does not exist
	Invalid                              // can never succeed as sent (InvalidRequest)
	Conflict                             // exists already
	NotReady                             // not yet; may be repeated
	Forbidden                            // this process may not connect
	FleetStatus                          // the fleet is not active (InvalidFleetStatus)
	NoCapacity                           // no idle process (FleetCapacityExceeded)
	WrongStatus                          // the session's status or policy does not allow it (InvalidGameSessionStatus)
	SessionFull                          // too few places (GameSessionFull)
	IdempotencyMismatch                  // a known token with other parameters
	LimitExceeded                        // a limit that time or an ending relieves
)

// Error is every error that a World returns. Message is for people and safe to show.
type Error struct {
	Condition Condition
	Message   string
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

func refuse(c Condition, format string, args ...any) error {
	return &Error{Condition: c, Message: fmt.Sprintf(format, args...)}
}
