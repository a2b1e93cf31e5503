package httpapi

import (
	"context"
	"time"

	"muster"
)

// Play is what the rules offer to players and game servers; *muster.Backend has it.
// Errors are *muster.Error; what belongs to somebody else is NotFound.
type Play interface {
	Players
	Tickets
	Sessions
	Catalogue
}

// Players answers for a player's own account, and for what others may see of it.
type Players interface {
	Me(ctx context.Context, me muster.PlayerID) (muster.PlayerView, error)
	Player(ctx context.Context, id muster.PlayerID) (muster.PlayerView, error)
	Ratings(ctx context.Context, me muster.PlayerID) ([]muster.RatingView, error)
	// Matches returns up to limit matches, newest first, older than the cursor
	// before ("": from the newest).
	Matches(ctx context.Context, me muster.PlayerID, limit int, before string) (muster.MatchHistoryPage, error)
}

// Tickets is matchmaking as one player drives it.
type Tickets interface {
	// StartTicket makes a ticket; created is false when idempotencyKey names an
	// earlier call, whose ticket is then returned.
	StartTicket(ctx context.Context, me muster.PlayerID, req muster.TicketRequest, idempotencyKey string) (t muster.TicketView, created bool, err error)
	Ticket(ctx context.Context, me muster.PlayerID, id muster.TicketID) (muster.TicketView, error)
	// WaitTicket returns as soon as the version exceeds after (negative: the version
	// at the time of the call), or with the unchanged ticket once wait is over.
	WaitTicket(ctx context.Context, me muster.PlayerID, id muster.TicketID, after int64, wait time.Duration) (muster.TicketView, error)
	CancelTicket(ctx context.Context, me muster.PlayerID, id muster.TicketID) (muster.TicketView, error)
	AnswerMatch(ctx context.Context, me muster.PlayerID, id muster.TicketID, accept bool) (muster.TicketView, error)
	// TicketExplanation says why the ticket is not matched yet.
	TicketExplanation(ctx context.Context, me muster.PlayerID, id muster.TicketID) (muster.ExplanationView, error)
}

// Sessions is about game sessions: a player's seat, and what a game server tells.
type Sessions interface {
	Seat(ctx context.Context, me muster.PlayerID) (muster.SeatView, error)
	// SetAttributes replaces the data of a player that modes may read.
	SetAttributes(ctx context.Context, id muster.PlayerID, data map[string]any) error
	ReportResult(ctx context.Context, id muster.SessionID, report muster.ResultReport) (muster.ResultView, error)
}

// Catalogue is what can be played, and where.
type Catalogue interface {
	Modes() []muster.ModeView
	Locations() []muster.LocationView
}

// Admin answers operators.
type Admin interface {
	// ExplainTicket says why any ticket is not matched yet.
	ExplainTicket(ctx context.Context, id muster.TicketID) (muster.Advice, error)
}

// Auth signs players in and out. Errors are *muster.Error.
type Auth interface {
	// Guest signs a known guest in; nil or a guest without id makes a new one.
	Guest(ctx context.Context, guest *muster.Guest) (muster.Grant, error)
	Refresh(ctx context.Context, refreshToken string) (muster.Grant, error)
	Logout(ctx context.Context, refreshToken string) error
	// SocketTicket makes a one-use ticket for the realtime socket.
	SocketTicket(ctx context.Context, caller muster.Caller) (ticket string, ttl time.Duration, err error)
}
