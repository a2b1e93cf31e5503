package muster

import (
	"context"
	"time"
)

// Advisor is the port to somebody who can tell why a ticket is not matched. GameLift
// itself does not: an Advisor judges what the backend knows of the tickets that wait by
// the rule set that GameLift matches them with.
type Advisor interface {
	// Explain explains one of the waiting tickets as of now. Unavailable means that the
	// rules of the configuration could not be read.
	Explain(ctx context.Context, q AdviceRequest) (Advice, error)
}

// AdviceRequest is what an Advisor is asked.
type AdviceRequest struct {
	Configuration string // name of the matchmaking configuration
	Ticket        TicketID
	Waiting       []WaitingTicket // the ticket among them
	Now           time.Time
}

// WaitingTicket is a ticket that searches, as GameLift was told of it.
type WaitingTicket struct {
	Ticket    TicketID
	StartedAt time.Time
	Players   []MatchmakingPlayer
}

// MatchmakerRules is what GameLift matches the tickets of a configuration by.
type MatchmakerRules struct {
	Configuration     string
	RuleSetBody       string        // JSON
	RequestTimeout    time.Duration // zero: never
	AdditionalPlayers int           // slots that a match leaves open
}

// Advice says why a ticket is not matched, for operators. It tells of other tickets by
// counts and amounts only.
type Advice struct {
	TicketID          TicketID     `json:"ticketId"`
	Mode              ModeName     `json:"mode,omitempty"`
	Status            TicketStatus `json:"status"`
	AsOf              time.Time    `json:"asOf"` // when the tickets that wait were listed
	AgeSeconds        float64      `json:"ageSeconds"`
	TimesOutInSeconds float64      `json:"timesOutInSeconds,omitempty"` // 0: without limit
	Players           int          `json:"players"`
	Backfill          bool         `json:"backfill,omitempty"`
	Possible          bool         `json:"possible"` // nothing stands in the way of a match
	Step              int          `json:"step"`     // expansion steps that its age has passed
	Steps             int          `json:"steps"`
	NextStep          *AdviceStep  `json:"nextStep,omitempty"`

	Never []AdviceObstacle `json:"never,omitempty"` // what keeps it out of every match

	WaitingTickets    int `json:"waitingTickets"`    // others
	ConsideredTickets int `json:"consideredTickets"` // of them, the nearest by age
	CompatibleTickets int `json:"compatibleTickets"` // of the considered
	CompatiblePlayers int `json:"compatiblePlayers"`
	TooLargeTickets   int `json:"tooLargeTickets,omitempty"` // parties with no room beside it
	NeededPlayers     int `json:"neededPlayers"`             // more, for the smallest match
	// Partial says that more tickets wait than were read.
	Partial bool `json:"partial,omitempty"`

	Rules   []AdviceRule   `json:"rules,omitempty"`
	Reach   *AdviceReach   `json:"reach,omitempty"` // when the next ticket becomes compatible
	Attempt *AdviceAttempt `json:"attempt,omitempty"`
	Lines   []string       `json:"lines"` // the same in plain words
}

// AdviceStep is the expansion step that comes next.
type AdviceStep struct {
	AfterSeconds float64        `json:"afterSeconds"` // age at which it comes
	InSeconds    float64        `json:"inSeconds"`
	Changes      []AdviceChange `json:"changes"`
}

// AdviceChange is one value that a step changes, as rule sets write values.
type AdviceChange struct {
	Rule     string `json:"rule,omitempty"`
	Team     string `json:"team,omitempty"`
	Property string `json:"property"`
	From     string `json:"from"`
	To       string `json:"to"`
}

// AdviceReach is when an expansion step brings something within reach.
type AdviceReach struct {
	Step         int     `json:"step"`
	AfterSeconds float64 `json:"afterSeconds"`
	InSeconds    float64 `json:"inSeconds"`
}

// AdviceMiss is by how much a rule is missed; Amount is nil where that is not a matter
// of degree, and then all else is empty but for Unit, which may name an attribute.
type AdviceMiss struct {
	Amount   *float64 `json:"amount,omitempty"` // beyond limit, in unit
	Unit     string   `json:"unit,omitempty"`
	Property string   `json:"property,omitempty"`
	Limit    *float64 `json:"limit,omitempty"`
	Location string   `json:"location,omitempty"`
}

// AdviceRule is a rule that keeps tickets away, as pairs.
type AdviceRule struct {
	Name    string       `json:"name"`
	Type    string       `json:"type"`
	Tickets int          `json:"tickets"`
	Nearest AdviceMiss   `json:"nearest"`
	Median  AdviceMiss   `json:"median"`
	Reach   *AdviceReach `json:"reach,omitempty"`
	// Personal: the rule reads player ids. Players are not told of it.
	Personal bool `json:"personal,omitempty"`
}

// ObstacleKind is why a ticket can never match.
type ObstacleKind string

// The obstacles.
const (
	MissingAttribute ObstacleKind = "missingAttribute"
	MissingLatency   ObstacleKind = "missingLatency"
	PartyTooLarge    ObstacleKind = "partyTooLarge"
	SessionFull      ObstacleKind = "sessionFull"
	NoLocation       ObstacleKind = "noLocation"
	NeverFits        ObstacleKind = "neverFits"
	Unmatchable      ObstacleKind = "unmatchable"
)

// AdviceObstacle is one thing that keeps a ticket out of every match.
type AdviceObstacle struct {
	Kind      ObstacleKind `json:"kind"`
	Message   string       `json:"message"`
	PlayerID  PlayerID     `json:"playerId,omitempty"`
	Attribute string       `json:"attribute,omitempty"`
	Rule      string       `json:"rule,omitempty"`
	Miss      *AdviceMiss  `json:"miss,omitempty"`
	Players   int          `json:"players,omitempty"`
	Limit     int          `json:"limit,omitempty"`
}

// AdviceAttempt is the best whole match that was tried.
type AdviceAttempt struct {
	Players  int              `json:"players"`
	Tickets  int              `json:"tickets"`
	Missing  int              `json:"missingPlayers"`
	Step     int              `json:"step"`
	Together int              `json:"playersTogether"` // seated before a rule had to be broken
	Failed   []AdviceRuleMiss `json:"failed,omitempty"`
}

// AdviceRuleMiss is a rule that a whole match breaks.
type AdviceRuleMiss struct {
	Name string     `json:"name"`
	Type string     `json:"type"`
	Miss AdviceMiss `json:"miss"`
}

// errNoAdvice answers where no Advisor is wired.
var errNoAdvice = Errorf(NotFound, "explanation.none", "this backend cannot explain tickets")

// ExplainTicket says why a ticket is not matched, for operators. Errors: NotFound;
// Exhausted when too many ask at once.
func (b *Backend) ExplainTicket(ctx context.Context, id TicketID) (Advice, error) {
	t, _, err := b.anyTicket(ctx, id)
	if err != nil {
		return Advice{}, err
	}
	return b.advise(ctx, &t, operatorPatience)
}

// TicketExplanation says why a ticket is not matched to one of its players; a ticket
// without the player is NotFound. What it says of others are counts and what the rules
// allow, never what anybody's values are.
func (b *Backend) TicketExplanation(ctx context.Context, p PlayerID, id TicketID) (ExplanationView, error) {
	t, _, err := b.ticketOf(ctx, p, id)
	if err != nil {
		return ExplanationView{}, err
	}
	a, err := b.advise(ctx, &t, playerPatience)
	return a.forPlayers(), err
}

// advise asks the Advisor about a ticket that searches. Of any other the status says
// enough.
func (b *Backend) advise(ctx context.Context, t *ticket, patience time.Duration) (Advice, error) {
	if b.desk.advisor == nil {
		return Advice{}, errNoAdvice
	}
	a := Advice{
		TicketID: t.ID, Mode: t.Mode, Status: t.Status, Players: len(t.Players),
		AsOf: b.instant(), AgeSeconds: b.instant().Sub(t.CreatedAt).Seconds(), Lines: []string{statusLine(t.Status)},
	}
	if t.Status != Searching && t.Status != Queued {
		return a, nil
	}
	done, err := b.desk.enter(ctx, b.now, patience)
	if err != nil {
		return Advice{}, err
	}
	defer done()
	waiting, err := b.waitingWith(ctx, t)
	if err != nil {
		return Advice{}, err
	}
	a, err = b.desk.advisor.Explain(ctx, AdviceRequest{
		Configuration: t.Configuration, Ticket: t.ID, Waiting: waiting.tickets, Now: b.instant(),
	})
	a.Mode, a.Status, a.AsOf, a.Partial = t.Mode, t.Status, waiting.at, waiting.partial
	return a, err
}

func statusLine(s TicketStatus) string {
	switch s {
	case Queued, Searching:
		return "It searches."
	case RequiresAcceptance:
		return "A match was found and waits to be accepted."
	case Placing:
		return "A match was found and its session is starting."
	case Completed:
		return "It is matched."
	}
	return "It is over without a match."
}
