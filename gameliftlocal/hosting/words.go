package hosting

import (
	"slices"
	"time"
)

// FleetID names a fleet ("fleet-<uuid>").
type FleetID string

// ProcessID names one life of a server process. The process chooses it; once the
// process has ended the id is burnt and refused.
type ProcessID string

// SessionID is the ARN of a game session, which is also its id:
// arn:aws:gamelift:<region>::gamesession/<fleetId>/<location>/<idString>. It holds
// only [a-zA-Z0-9:/-], because the server SDKs refuse other characters.
type SessionID string

// PlayerSessionID names one reserved place ("psess-<uuid>").
type PlayerSessionID string

// PlacementID names a placement; the caller chooses it and never reuses it.
type PlacementID string

// Fleet is a set of computes in one or more locations.
type Fleet struct {
	ID        FleetID
	Locations []string // where computes may register
	// Active says whether the fleet takes connections and new sessions.
	Active bool
	// ActivationTimeout is how long a game session may stay ACTIVATING. Zero: 300 s,
	// our choice, for Amazon's model names no default.
	ActivationTimeout time.Duration
	// MaxConcurrentActivations caps the ACTIVATING sessions of one compute. Zero: no cap.
	MaxConcurrentActivations int
	// Cost orders fleets in a queue with the priority COST; lower first.
	Cost float64
	// Protection is the protection policy that new sessions start with: "NoProtection"
	// or "FullProtection". Empty: "NoProtection". It is only carried, see Amazon's
	// guide: it matters to scaling down, which there is none of here.
	Protection string
	// SessionsPerCreator caps the sessions that one CreatorID makes in CreatorPeriod.
	// Zero: no policy, and then a creator makes one session a second.
	SessionsPerCreator int
	CreatorPeriod      time.Duration
}

// Compute is a machine that runs server processes. A process takes its address
// from it.
type Compute struct {
	Fleet     FleetID
	Name      string // unique in the fleet
	Location  string // one of the fleet's
	IPAddress string
	DNSName   string
	// CertificatePath is what the compute's processes get for GetComputeCertificate.
	CertificatePath string
	RegisteredAt    time.Time // set by RegisterCompute
}

// ProcessState is where a server process stands in its life.
type ProcessState uint8

// The states in their order. A process with state ProcessReady is idle when its
// Session is empty, else busy.
const (
	ProcessInitialized ProcessState = iota // connected, not ready yet
	ProcessReady                           // may host
	ProcessTerminating                     // told to end; hosts nothing new
	ProcessEnded                           // gone; the id is burnt
)

var processStateNames = [...]string{"INITIALIZED", "ACTIVE", "TERMINATING", "TERMINATED"}

// String names the state for people.
func (s ProcessState) String() string { return processStateNames[s] }

// SDK is what a process tells of the library it uses. Any member may be empty.
type SDK struct {
	Version, Language, ToolName, ToolVersion string
}

// Process is a server process as callers see it.
type Process struct {
	ID       ProcessID
	Fleet    FleetID
	Compute  string
	Location string
	State    ProcessState
	// Connected says whether the process has a connection now. Without one it is
	// given nothing, and ends when its grace is over.
	Connected bool
	Session   SessionID // empty: hosts none
	Port      int
	LogPaths  []string
	SDK       SDK
	// ConnectedAt is the first connection, ReadyAt zero before readiness.
	ConnectedAt, ReadyAt time.Time
}

// SessionStatus is the status of a game session, as Amazon spells it.
type SessionStatus string

// The statuses in their order. There is no ERROR here: nothing leads to it.
const (
	SessionActivating  SessionStatus = "ACTIVATING"
	SessionActive      SessionStatus = "ACTIVE"
	SessionTerminating SessionStatus = "TERMINATING"
	SessionTerminated  SessionStatus = "TERMINATED"
)

// CreationPolicy says whether a session takes new players.
type CreationPolicy string

// The policies as Amazon spells them.
const (
	AcceptAll CreationPolicy = "ACCEPT_ALL"
	DenyAll   CreationPolicy = "DENY_ALL"
)

// TriggeredOnTerminate is the StatusReason of a session that TerminateSession ended.
const TriggeredOnTerminate = "TRIGGERED_ON_PROCESS_TERMINATE"

// Property is one game property. The order of a session's properties is kept.
type Property struct{ Key, Value string }

// Session is a game session as callers see it. Changing it changes nothing.
type Session struct {
	ID        SessionID
	Fleet     FleetID
	Location  string
	Process   ProcessID
	Compute   string
	Placement PlacementID // empty: made by CreateSession

	Name           string
	CreatorID      string
	Data           string // GameSessionData
	MatchmakerData string
	Properties     []Property
	Protection     string // "NoProtection" or "FullProtection"
	CreationPolicy CreationPolicy

	Status       SessionStatus
	StatusReason string // empty, or TriggeredOnTerminate
	// MaxPlayers is 0 to 200. Players counts the RESERVED and ACTIVE player sessions.
	MaxPlayers, Players int

	IPAddress string
	DNSName   string
	Port      int

	CreatedAt time.Time
	EndedAt   time.Time // zero until TERMINATED
}

// PlayerStatus is the status of a player session, as Amazon spells it.
type PlayerStatus string

// The statuses. RESERVED and ACTIVE take a place, the others do not.
const (
	PlayerReserved  PlayerStatus = "RESERVED"
	PlayerActive    PlayerStatus = "ACTIVE"
	PlayerCompleted PlayerStatus = "COMPLETED"
	PlayerTimedOut  PlayerStatus = "TIMEDOUT"
)

// Open says whether a player session of this status takes a place.
func (s PlayerStatus) Open() bool { return s == PlayerReserved || s == PlayerActive }

// PlayerSession is one player's place in a session as callers see it. Address and
// port are the session's.
type PlayerSession struct {
	ID        PlayerSessionID
	PlayerID  string
	Session   SessionID
	Fleet     FleetID
	Data      string // PlayerData
	Status    PlayerStatus
	IPAddress string
	DNSName   string
	Port      int
	CreatedAt time.Time
	EndedAt   time.Time // zero while open
}

// NewPlayer asks for a place for a player.
type NewPlayer struct {
	PlayerID string
	Data     string // PlayerData; may be empty
}

// PlacementStatus is the status of a placement, as Amazon spells it.
type PlacementStatus string

// The statuses. All but PENDING are final.
const (
	PlacementPending   PlacementStatus = "PENDING"
	PlacementFulfilled PlacementStatus = "FULFILLED"
	PlacementCancelled PlacementStatus = "CANCELLED"
	PlacementTimedOut  PlacementStatus = "TIMED_OUT"
	PlacementFailed    PlacementStatus = "FAILED"
)

// PlacedPlayer is a player's place in the session of a fulfilled placement.
type PlacedPlayer struct {
	PlayerID        string
	PlayerSessionID PlayerSessionID
}

// Placement is a request for a session from a queue, as callers see it.
type Placement struct {
	Request PlacementRequest
	Status  PlacementStatus
	// Session and the address are those of the current attempt. They change until
	// Status is FULFILLED and are empty between attempts.
	Session   SessionID
	Fleet     FleetID
	IPAddress string
	DNSName   string
	Port      int
	Players   []PlacedPlayer // only when FULFILLED, in the order requested
	StartedAt time.Time
	EndedAt   time.Time // zero while PENDING
}

func (p Placement) clone() Placement {
	p.Players = slices.Clone(p.Players)
	return p
}
