package muster

import (
	"context"
	"time"
)

// PlayerID is our account id, a UUIDv7. It is also the PlayerId that GameLift sees.
type PlayerID string

// TicketID is one matchmaking request, a UUIDv7 of ours. GameLift uses the same id.
type TicketID string

// MatchID is GameLift's id of tickets put together, before or after acceptance.
type MatchID string

// SessionID is the ARN of a GameLift game session.
type SessionID string

// SeatID is a GameLift player session id ("psess-..."). Only its owner ever sees it.
type SeatID string

// ModeName names a playable queue of the configuration.
type ModeName string

// Scope says what kind of caller a token speaks for.
type Scope string

// The scopes. A guest is a player whose only way in is a guest secret; an admin is an
// operator with an admin key.
const (
	GuestScope  Scope = "guest"
	PlayerScope Scope = "player"
	ServerScope Scope = "server"
	AdminScope  Scope = "admin"
)

// Caller is whoever a request speaks for, once its token was verified.
type Caller struct {
	Player PlayerID // empty for a game server and an operator
	Scope  Scope
	Family string // the sign-in this access token descends from; empty without one
	// SignedInAt is when the player was proven, in whole seconds; zero: not known.
	SignedInAt time.Time
	Key        string // of a game server or an operator: a fingerprint of the key that was shown, or who they are where they come from
}

type callerKey struct{}

// WithCaller returns a context that carries the verified caller of a request.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerFrom returns the caller of a request; ok is false when nobody was verified.
func CallerFrom(ctx context.Context) (c Caller, ok bool) {
	c, ok = ctx.Value(callerKey{}).(Caller)
	return c, ok
}

// Identity is one way in: a subject as one provider names it.
type Identity struct {
	Provider string // "guest", "steam", ...; lower case
	Subject  string // unique within the provider
}

// GuestProvider is the provider of identities that are proven by a guest secret.
const GuestProvider = "guest"

// Guest is a guest's credential. Secret is 256 random bits as text; the store holds
// only its hash.
type Guest struct {
	ID     string `json:"id"`
	Secret string `json:"secret,omitempty"`
}

// Grant is the answer to a successful sign-in or refresh.
type Grant struct {
	Player           GrantPlayer `json:"player"`
	AccessToken      string      `json:"accessToken"`
	ExpiresInSeconds int         `json:"expiresInSeconds"`
	RefreshToken     string      `json:"refreshToken"`
	Guest            *Guest      `json:"guest,omitempty"` // the secret only when the guest is new
	Created          bool        `json:"-"`               // a new player came to be
	RefreshExpiresAt time.Time   `json:"-"`               // when the sign-in ends, however often it is renewed
}

// GrantPlayer says who was signed in.
type GrantPlayer struct {
	ID PlayerID `json:"id"`
}

// TicketStatus is where a ticket stands, in the words of the API.
type TicketStatus string

// The ticket statuses. The last four are final.
const (
	Queued             TicketStatus = "queued" // stored, perhaps not yet known to GameLift
	Searching          TicketStatus = "searching"
	RequiresAcceptance TicketStatus = "requiresAcceptance"
	Placing            TicketStatus = "placing"
	Completed          TicketStatus = "completed"
	Failed             TicketStatus = "failed"
	Cancelled          TicketStatus = "cancelled"
	TimedOut           TicketStatus = "timedOut"
)

// Final reports whether a ticket with this status can no longer change.
func (s TicketStatus) Final() bool {
	switch s {
	case Completed, Failed, Cancelled, TimedOut:
		return true
	}
	return false
}

// Outcome is how a match ended for one player.
type Outcome string

// The outcomes.
const (
	Win  Outcome = "win"
	Loss Outcome = "loss"
	Draw Outcome = "draw"
	// NoContest is for who was not there, or left where that does not count.
	NoContest Outcome = "none"
)

// AttributeValue is a matchmaking attribute as GameLift takes it: exactly one field
// is set.
type AttributeValue struct {
	S   *string            `json:"S,omitempty"`
	N   *float64           `json:"N,omitempty"`
	SL  []string           `json:"SL,omitempty"`
	SDM map[string]float64 `json:"SDM,omitempty"`
}

// MatchmakingPlayer is one player of a ticket as GameLift needs it.
type MatchmakingPlayer struct {
	ID          PlayerID
	Attributes  map[string]AttributeValue
	LatencyInMs map[string]int // keyed by location; 1 or more
}

// StartMatchmaking is what GameLift is asked for. Ticket is our id, so that a repeat
// after a lost answer cannot make a second ticket.
type StartMatchmaking struct {
	Ticket        TicketID
	Configuration string
	Players       []MatchmakingPlayer
}

// TicketSnapshot is what GameLift says of a ticket when asked. Seats and
// Session are set when Status is Completed.
type TicketSnapshot struct {
	Ticket               TicketID
	Status               TicketStatus
	Reason               string // Amazon's StatusReason
	Message              string // Amazon's StatusMessage
	EstimatedWaitSeconds int    // 0: unknown
	Session              SessionID
	IPAddress, DNSName   string
	Port                 int
	Seats                map[PlayerID]SeatID // of the whole match
	Teams                map[PlayerID]string // of the ticket's own players
}

// SessionSnapshot is what GameLift says of a session when asked.
type SessionSnapshot struct {
	ID                 SessionID
	Live               bool // activating or active
	Ending             bool // its game server was told to end it
	IPAddress, DNSName string
	Port               int
	MatchID            MatchID
	Configuration      string              // name of the matchmaking configuration, from the matchmaker data
	Teams              map[PlayerID]string // from the matchmaker data; nil for a session made without one
	CreatedAt          time.Time
}

// SeatState is what GameLift says of one seat.
type SeatState struct {
	Seat    SeatID
	Player  PlayerID
	Session SessionID
	Live    bool   // reserved or active
	Data    string // as it was reserved with: PlayerData
}

// role is what the seat was reserved for. One that came with its session has no data: it
// is a player's.
func (s SeatState) role() SeatRole {
	if s.Data == string(Spectator) {
		return Spectator
	}
	return ""
}

// GameLift is the port to Amazon's API. Errors are *Error: Invalid and NotFound are
// final refusals; Unavailable means that the outcome is unknown.
type GameLift interface {
	Hosting

	StartMatchmaking(ctx context.Context, req StartMatchmaking) error
	StopMatchmaking(ctx context.Context, id TicketID) error
	AcceptMatch(ctx context.Context, id TicketID, players []PlayerID, accept bool) error

	// Tickets describes up to 10 tickets; one that GameLift does not know is left out.
	Tickets(ctx context.Context, ids []TicketID) ([]TicketSnapshot, error)
	// Session describes one session; an unknown one is NotFound.
	Session(ctx context.Context, id SessionID) (SessionSnapshot, error)
	// Seat describes one seat; an unknown one is NotFound.
	Seat(ctx context.Context, id SeatID) (SeatState, error)
}

// EventType is the type of a matchmaking event, as Amazon spells it.
type EventType string

// The matchmaking events. Source: FlexMatch guide, "FlexMatch matchmaking events".
const (
	MatchmakingSearching  EventType = "MatchmakingSearching"
	PotentialMatchCreated EventType = "PotentialMatchCreated"
	AcceptMatch           EventType = "AcceptMatch"
	AcceptMatchCompleted  EventType = "AcceptMatchCompleted"
	MatchmakingSucceeded  EventType = "MatchmakingSucceeded"
	MatchmakingTimedOut   EventType = "MatchmakingTimedOut"
	MatchmakingCancelled  EventType = "MatchmakingCancelled"
	MatchmakingFailed     EventType = "MatchmakingFailed"
)

// Event is one matchmaking event of GameLift. It may come twice, late, in any order,
// or never.
type Event struct {
	ID                   string
	Type                 EventType
	At                   time.Time // GameLift's clock
	Configuration        string    // name of the matchmaking configuration
	MatchID              MatchID
	Tickets              []EventTicket
	AcceptanceRequired   bool
	AcceptanceTimeout    time.Duration // zero: not said
	Acceptance           string        // Accepted, Rejected, TimedOut
	EstimatedWaitSeconds int           // 0: unknown
	Reason, Message      string
	Session              SessionID
	IPAddress, DNSName   string
	Port                 int
}

// EventTicket is one ticket of an event.
type EventTicket struct {
	ID      TicketID
	Players []EventPlayer
}

// EventPlayer is one player of an event's ticket; what the event does not say is zero.
type EventPlayer struct {
	ID       PlayerID
	Team     string
	Seat     SeatID
	Accepted *bool
}

// Notice is news for one player, on every device.
type Notice struct {
	Player PlayerID
	Type   string // "ticket", "placement", "result", "party" or "invites"
	Data   any    // encodes to JSON; shared by all receivers, never changed
	// Follow is what the player knows once they were told. A notice all of which is
	// known already, in that version or a newer one, is old news. Empty: always news.
	Follow []Followed
}

// Notifier is the port to connected players. Notify never blocks on a slow
// receiver and never fails the change that is told: who misses a notice reads the
// state again.
type Notifier interface {
	Notify(ctx context.Context, notices ...Notice)
}
