package muster

import (
	"encoding/json"
	"time"
)

// The types here are what a player or a game server is shown. Every transport shows
// the same; field names are part of the API.

// PlayerView is a player as others see it; Locale, CreatedAt and Activity are for the
// player alone.
type PlayerView struct {
	ID          PlayerID      `json:"id"`
	DisplayName string        `json:"displayName"`
	Avatar      string        `json:"avatar,omitempty"`
	Locale      string        `json:"locale,omitempty"`
	CreatedAt   *time.Time    `json:"createdAt,omitempty"`
	Activity    *ActivityView `json:"activity,omitempty"`
	// Tag is that of the profile, for Precondition: the activity does not change it.
	Tag string `json:"-"`
}

// ActivityView is what a player is doing now.
type ActivityView struct {
	Kind        string      `json:"kind" enum:"ticket,placement,session"`
	TicketID    TicketID    `json:"ticketId,omitempty"`
	PlacementID PlacementID `json:"placementId,omitempty"`
	SessionID   SessionID   `json:"sessionId,omitempty"`
}

// RatingView is a player's standing in one mode. While Placement is set the rating is
// hidden: Skill, Mu, Sigma and Volatility are 0, and left out of its JSON.
type RatingView struct {
	Mode       ModeName       `json:"mode"`
	Season     SeasonName     `json:"season,omitempty"`
	Skill      int            `json:"skill" required:"false"` // what matchmaking uses; 1500 at the start
	Mu         float64        `json:"mu" required:"false"`
	Sigma      float64        `json:"sigma" required:"false"`
	Volatility float64        `json:"volatility,omitempty"`
	Games      int            `json:"games"`
	Wins       int            `json:"wins"`
	Losses     int            `json:"losses"`
	Draws      int            `json:"draws"`
	Placement  *PlacementView `json:"placement,omitempty"`
}

// MarshalJSON leaves hidden numbers out, so that nobody takes their zeros for a rating.
func (v RatingView) MarshalJSON() ([]byte, error) {
	type shown RatingView
	if v.Placement == nil {
		return json.Marshal(shown(v))
	}
	return json.Marshal(struct {
		shown
		Skill *int     `json:"skill,omitempty"` // these stand before those of shown
		Mu    *float64 `json:"mu,omitempty"`
		Sigma *float64 `json:"sigma,omitempty"`
	}{shown: shown(v)})
}

// PlacementView is how far a player is with the matches after which they see their
// rating.
type PlacementView struct {
	Played int `json:"played"`
	Needed int `json:"needed"`
}

// SeasonView is the season that a mode is in.
type SeasonView struct {
	Name      SeasonName `json:"name"`
	StartedAt time.Time  `json:"startedAt"`
	EndsAt    *time.Time `json:"endsAt,omitempty"` // nil: not planned
}

// SeatView is a player's own place in a session. It is never shown to anyone else.
type SeatView struct {
	SessionID          SessionID  `json:"sessionId"`
	Mode               ModeName   `json:"mode"`
	Team               string     `json:"team"`
	Role               SeatRole   `json:"role,omitempty" enum:"spectator"` // empty: a player
	IPAddress          string     `json:"ipAddress"`
	DNSName            string     `json:"dnsName,omitempty"`
	Port               int        `json:"port"`
	PlayerSessionID    SeatID     `json:"playerSessionId"`
	JoinToken          string     `json:"joinToken,omitempty"`
	JoinTokenExpiresAt *time.Time `json:"joinTokenExpiresAt,omitempty"`
}

// MatchView is the proposed or made match of a ticket, as one of its players sees it.
type MatchView struct {
	ID                 MatchID    `json:"id"`
	AcceptanceRequired bool       `json:"acceptanceRequired"`
	AcceptBy           *time.Time `json:"acceptBy,omitempty"`
	PlayerCount        int        `json:"playerCount"`
	// AcceptedCount is how many have accepted, at least: who was told of more in the same
	// match knows better. Read again, a ticket counts what was known when it last changed.
	AcceptedCount int    `json:"acceptedCount"`
	You           string `json:"you,omitempty" enum:"pending,accepted,declined"` // empty when nobody is asked
}

// ReasonView says why a ticket ended without a seat.
type ReasonView struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// TicketView is a ticket as one of its players sees it.
type TicketView struct {
	ID                   TicketID     `json:"id"`
	Mode                 ModeName     `json:"mode"`
	Status               TicketStatus `json:"status" enum:"queued,searching,requiresAcceptance,placing,completed,failed,cancelled,timedOut"`
	Version              int64        `json:"version"`
	CreatedAt            time.Time    `json:"createdAt"`
	UpdatedAt            time.Time    `json:"updatedAt"`
	Players              []PlayerID   `json:"players"`
	PartyID              PartyID      `json:"partyId,omitempty"` // whose ticket it is
	EstimatedWaitSeconds int          `json:"estimatedWaitSeconds,omitempty"`
	Match                *MatchView   `json:"match,omitempty"`
	Seat                 *SeatView    `json:"seat,omitempty"`
	Reason               *ReasonView  `json:"reason,omitempty"`
}

// ModeView is a mode as players see it.
type ModeView struct {
	Name                     ModeName            `json:"name"`
	Title                    string              `json:"title"`
	Description              string              `json:"description"`
	Acceptance               bool                `json:"acceptance"`
	AcceptanceTimeoutSeconds int                 `json:"acceptanceTimeoutSeconds,omitempty"`
	Teams                    []ModeTeam          `json:"teams"`
	Choices                  map[string][]string `json:"choices,omitempty"`
	Party                    PartyRulesView      `json:"party"`
	Season                   *SeasonView         `json:"season,omitempty"`
	Kind                     ModeKind            `json:"kind" enum:"matchmaking,queue,standalone"`
	Sessions                 *SessionOptionsView `json:"sessions,omitempty"`
}

// ModeTeam is one team of a mode.
type ModeTeam struct {
	Name       string `json:"name"`
	MinPlayers int    `json:"minPlayers"`
	MaxPlayers int    `json:"maxPlayers"`
}

// LocationView is a place where sessions can run.
type LocationView struct {
	Name string `json:"name"`
}

// TicketRequest is what a player may say when asking for a match. There is no field
// for skill: matchmaking attributes come from where the mode says.
type TicketRequest struct {
	Mode        ModeName          `json:"mode"`
	LatencyInMs map[string]int    `json:"latencyInMs,omitempty"`
	Preferences map[string]string `json:"preferences,omitempty"`
}

// ResultReport is what a game server says of a session that ended: its teams, or its
// players where each played for himself.
type ResultReport struct {
	Teams   []ResultTeam  `json:"teams,omitempty" nullable:"false"`
	Players []ResultPlace `json:"players,omitempty" nullable:"false"`
}

// ResultTeam is one team of a result. Rank 1 is best; equal ranks are a draw. A team that
// played alone has won with rank 1 and lost with 2.
type ResultTeam struct {
	Name    string         `json:"name"`
	Rank    int            `json:"rank"`
	Score   float64        `json:"score" required:"false"` // absent from a report: 0
	Players []ResultPlayer `json:"players"`
}

// ResultPlace is one player of a free for all.
type ResultPlace struct {
	ResultPlayer
	Rank  int     `json:"rank"`
	Score float64 `json:"score,omitempty"`
}

// ResultPlayer is one player of a result; Left says that the player went before the end.
type ResultPlayer struct {
	PlayerID PlayerID `json:"playerId"`
	Left     bool     `json:"left,omitempty"`
	// PlayedFraction is the part of the match that the player took part in, 0 to 1; nil:
	// all of it.
	PlayedFraction *float64 `json:"playedFraction,omitempty"`
	// Stats are numbers for the player's history.
	Stats map[string]float64 `json:"stats,omitempty"`
}

// ResultView answers a ResultReport. Repeated says that the same result was known.
type ResultView struct {
	SessionID SessionID         `json:"sessionId"`
	Repeated  bool              `json:"repeated"`
	Players   []PlayerResultRow `json:"players"`
}

// PlayerResultRow is what a result did to one player. The rating of an unrated one stays
// as it is, and both skills are 0.
type PlayerResultRow struct {
	PlayerID    PlayerID `json:"playerId"`
	Outcome     Outcome  `json:"outcome" enum:"win,loss,draw,none"`
	SkillBefore int      `json:"skillBefore"`
	SkillAfter  int      `json:"skillAfter"`
	Unrated     bool     `json:"unrated,omitempty"`
}

// MatchHistoryView is one finished match as one of its players sees it. Hidden says that
// the player began it in their placement games: SkillBefore is nil, and so is SkillAfter
// but for the match that was the last of them. In an unrated match both are nil.
type MatchHistoryView struct {
	SessionID   SessionID          `json:"sessionId"`
	Mode        ModeName           `json:"mode"`
	Season      SeasonName         `json:"season,omitempty"`
	EndedAt     time.Time          `json:"endedAt"`
	Team        string             `json:"team"`
	Outcome     Outcome            `json:"outcome" enum:"win,loss,draw,none"`
	SkillBefore *int               `json:"skillBefore,omitempty"`
	SkillAfter  *int               `json:"skillAfter,omitempty"`
	Hidden      bool               `json:"hidden,omitempty"`
	Unrated     bool               `json:"unrated,omitempty"`
	Voided      bool               `json:"voided,omitempty"`
	PlayedAs    PlayerID           `json:"playedAs,omitempty"` // the id of then, if the player had another
	Stats       map[string]float64 `json:"stats,omitempty"`
	// Teams is the scoreboard, best first. In matches of more than 12 players it names
	// no player but this one, and at most 12 teams.
	Teams []ResultTeam `json:"teams"`
}

// MatchHistoryPage is part of a player's history, newest first. Next is the cursor of
// the following page, empty at the end.
type MatchHistoryPage struct {
	Matches []MatchHistoryView `json:"matches"`
	Next    string             `json:"next,omitempty"`
}

// Snapshot is all that a player who connects must know at once.
type Snapshot struct {
	Ticket    *TicketView           `json:"ticket"`
	Placement *SessionPlacementView `json:"placement,omitempty"`
	Seat      *SeatView             `json:"seat"`
	Party     *PartyView            `json:"party"`
	Invites   []InviteView          `json:"invites"`
}
