package hosting

import "time"

// Effect is something that the caller must do (Push) or may tell: one of the types
// below. At is the instant it happened at, which may lie before the call's now.
type Effect interface{ effect() }

// Push sends a message to a process, on its newest connection. Keep it for the
// process if it has none just now. Do not send it before the answer to the request
// that caused it.
type Push struct {
	At      time.Time
	Process ProcessID
	Message Message
}

// ProcessChanged says that a process appeared, became idle or busy, lost or regained
// its connection, was told to end, or ended. State ProcessEnded is the last that is
// heard of an id: close its connection and forget it.
type ProcessChanged struct {
	At      time.Time
	Process Process
}

// SessionCreated says that a session was given to a process and is ACTIVATING.
type SessionCreated struct {
	At      time.Time
	Session Session
}

// SessionActivated says that the game server reported the session as taking players.
type SessionActivated struct {
	At      time.Time
	Session Session
}

// SessionEnded says that the session is TERMINATED. Its player sessions have been
// closed by the effects before it.
type SessionEnded struct {
	At      time.Time
	Session Session
}

// PlayerSessionChanged says that a player session is new or has another status.
type PlayerSessionChanged struct {
	At            time.Time
	PlayerSession PlayerSession
}

// PlacementEnded says that a placement left PENDING. There is exactly one per
// placement.
type PlacementEnded struct {
	At        time.Time
	Placement Placement
}

// FleetEvent is an entry of DescribeFleetEvents.
type FleetEvent struct {
	At      time.Time
	Fleet   FleetID
	Code    EventCode
	Message string
	// Process and Session are set where the event is about one.
	Process ProcessID
	Session SessionID
}

func (Push) effect()                 {}
func (ProcessChanged) effect()       {}
func (SessionCreated) effect()       {}
func (SessionActivated) effect()     {}
func (SessionEnded) effect()         {}
func (PlayerSessionChanged) effect() {}
func (PlacementEnded) effect()       {}
func (FleetEvent) effect()           {}

// EventCode is a fleet event code, as Amazon spells it.
type EventCode string

// The codes that a World emits.
const (
	EventProcessUnhealthy    EventCode = "SERVER_PROCESS_TERMINATED_UNHEALTHY"
	EventProcessCrashed      EventCode = "SERVER_PROCESS_CRASHED"
	EventProcessReadyTimeout EventCode = "SERVER_PROCESS_PROCESS_READY_TIMEOUT"
	EventProcessForceEnded   EventCode = "SERVER_PROCESS_FORCE_TERMINATED"
	EventSessionNotActivated EventCode = "GAME_SESSION_ACTIVATION_TIMEOUT"
)

// Message is what a Push carries: one of the types below. Nothing acknowledges it.
type Message interface{ message() }

// CreateGameSession tells an idle process to start a session.
type CreateGameSession struct{ Session Session }

// UpdateGameSession tells the outcome of a backfill.
type UpdateGameSession struct {
	Session          Session
	Reason           UpdateReason
	BackfillTicketID string
}

// TerminateProcess tells a process to end by an instant, after which it is dropped.
type TerminateProcess struct{ TerminationAt time.Time }

// RefreshConnection tells a process to connect anew, with this token.
type RefreshConnection struct{ AuthToken string }

func (CreateGameSession) message() {}
func (UpdateGameSession) message() {}
func (TerminateProcess) message()  {}
func (RefreshConnection) message() {}

// UpdateReason is why an UpdateGameSession is sent, as Amazon spells it.
type UpdateReason string

// The reasons.
const (
	MatchmakingDataUpdated UpdateReason = "MATCHMAKING_DATA_UPDATED"
	BackfillFailed         UpdateReason = "BACKFILL_FAILED"
	BackfillTimedOut       UpdateReason = "BACKFILL_TIMED_OUT"
	BackfillCancelled      UpdateReason = "BACKFILL_CANCELLED"
)
