package flexmatch

import "time"

// AttributeKind is the type of a player attribute, as a rule set declares it.
type AttributeKind uint8

// The attribute types of the rule language ("string", "number", "string_list",
// "string_number_map"). NoAttribute is the zero Value's kind.
const (
	NoAttribute AttributeKind = iota
	StringAttribute
	NumberAttribute
	StringListAttribute
	StringNumberMapAttribute
)

// Value is one player attribute. Only the field that Kind names is used.
type Value struct {
	Kind    AttributeKind
	String  string
	Number  float64
	Strings []string
	Numbers map[string]float64
}

// Player is one player of a ticket. The Pool keeps the maps and never changes them;
// nor may the caller after the call.
type Player struct {
	ID         string
	Attributes map[string]Value
	// LatencyInMs is keyed by location; values are whole milliseconds, 1 or more.
	LatencyInMs map[string]int
	// Team is the team the player already sits in: backfill only, else "".
	Team string
}

// Ticket is one matchmaking request.
type Ticket struct {
	ID      string
	StartAt time.Time // creation; ages and the request timeout count from it
	Players []Player  // 1 to 10; up to 199 seated ones for a backfill
	// GameSessionARN is the session to fill; it makes the ticket a backfill.
	GameSessionARN string
	Backfill       bool
}

// Config is one matchmaker. RuleSet is required; zero values mean what is said.
type Config struct {
	RuleSet *RuleSet
	// RequestTimeout removes a ticket that is still searching this long after its
	// StartAt. Zero: never.
	RequestTimeout time.Duration
	// AcceptanceRequired makes every proposed match wait for its players' answers,
	// at most AcceptanceTimeout (zero: without limit).
	AcceptanceRequired bool
	AcceptanceTimeout  time.Duration
	// AdditionalPlayers is the number of slots that a match leaves open
	// (AdditionalPlayerCount of the API).
	AdditionalPlayers int
	// MaxTickets bounds the tickets that the pool holds; more are refused. Zero: 100,000.
	MaxTickets int
	// Seed makes match ids. The same seed and inputs give the same effects.
	Seed [32]byte
}

// Input is what a caller tells a Pool: Start, Stop, Answer, Placed or NotPlaced.
type Input interface{ input() }

// Start adds a ticket. A ticket id that the pool knows, a party without players and
// a value of another type than its attribute is declared with are refused.
type Start struct{ Ticket Ticket }

// Stop withdraws a ticket. It is refused once the ticket's match is being placed.
type Stop struct{ TicketID string }

// Answer accepts or rejects the proposed match of a ticket for some of its players.
// The last answer of a player counts until the match is decided.
type Answer struct {
	TicketID  string
	PlayerIDs []string
	Accept    bool
}

// Placed tells that the match found a session; its tickets leave the pool.
type Placed struct{ MatchID string }

// NotPlaced tells that no session could be had; its tickets leave the pool.
type NotPlaced struct{ MatchID string }

func (Start) input()     {}
func (Stop) input()      {}
func (Answer) input()    {}
func (Placed) input()    {}
func (NotPlaced) input() {}

// Effect is what a caller must do or may tell: one of the types below. Each carries
// the instant it happened at, which may lie before the Step's now.
type Effect interface{ effect() }

// Searching says that a ticket entered the pool, or came back after a failed proposal.
type Searching struct {
	At       time.Time
	TicketID string
	Returned bool // true after a failed proposal
}

// Proposed says that these tickets fit together. Without acceptance, Matched follows
// in the same Step. Deadline is zero when no acceptance is required.
type Proposed struct {
	At                 time.Time
	Match              Match
	AcceptanceRequired bool
	Deadline           time.Time
	Metrics            []RuleMetric
}

// Answered says that an Answer was recorded.
type Answered struct {
	At        time.Time
	MatchID   string
	TicketID  string
	PlayerIDs []string
	Accept    bool
}

// AcceptanceOutcome is how a proposal ended.
type AcceptanceOutcome uint8

// The outcomes, as the AcceptMatchCompleted event spells them.
const (
	Accepted AcceptanceOutcome = iota
	Rejected
	TimedOut
)

// AcceptanceCompleted says that a proposal is decided. Matched follows when Accepted;
// else Searching (Returned) for tickets whose players all accepted and Cancelled for
// the others follow.
type AcceptanceCompleted struct {
	At      time.Time
	MatchID string
	Outcome AcceptanceOutcome
}

// Matched says that the match stands and wants a session. The tickets stay known, in
// state Placing, until Placed or NotPlaced.
type Matched struct {
	At    time.Time
	Match Match
}

// Expired says that the request timeout passed; the ticket left the pool.
type Expired struct {
	At       time.Time
	TicketID string
	Metrics  []RuleMetric
}

// Cancelled says that the ticket left the pool, because of a Stop (ByRequest) or
// because a proposal it was in was not accepted by its players.
type Cancelled struct {
	At        time.Time
	TicketID  string
	ByRequest bool
	Metrics   []RuleMetric
}

// Refused says that an input changed nothing. Index is its position in the Step's
// inputs.
type Refused struct {
	At      time.Time
	Index   int
	Reason  RefusalReason
	Message string // for people; begins lower case, names the ticket
}

// RefusalReason says why an input was refused.
type RefusalReason uint8

// The reasons for a refusal.
const (
	UnknownTicket RefusalReason = iota + 1 // the pool does not hold this ticket or match
	DuplicateID                            // the pool knows a ticket with this id
	WrongState                             // for example: Stop while placing, Answer without proposal
	UnknownPlayer                          // the player is not in the ticket
	InvalidTicket                          // no players, or an attribute of another type than declared
	PoolFull                               // the pool holds Config.MaxTickets
)

func (Searching) effect()           {}
func (Proposed) effect()            {}
func (Answered) effect()            {}
func (AcceptanceCompleted) effect() {}
func (Matched) effect()             {}
func (Expired) effect()             {}
func (Cancelled) effect()           {}
func (Refused) effect()             {}

// Match is tickets put together. Do not modify what it points to.
type Match struct {
	ID string // a UUID made from the pool's seed
	// TicketIDs in the order they were put together, the anchor first.
	TicketIDs []string
	Teams     []Team // in the rule set's order; may be empty teams when minPlayers is 0
	// Step is how many of RuleSet.Expansions the match's age had passed: the rules in
	// force for it.
	Step int
}

// Team is one team of a match, with its players in the order of their tickets.
type Team struct {
	Name    string
	Players []SeatedPlayer
}

// SeatedPlayer is one player of a matched team.
type SeatedPlayer struct {
	ID       string
	TicketID string
	// Attributes are the declared ones with the value used, defaults included.
	Attributes map[string]Value
}

// RuleMetric counts how often a rule was evaluated while a match was searched. What an
// index ruled out counts as failed once for each ticket and search.
type RuleMetric struct {
	Rule           string
	Passed, Failed int
}
