package gameliftlocal

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster/flexmatch"
)

// The types of matchmaking events. Source: Amazon's FlexMatch guide, "FlexMatch
// matchmaking events".
const (
	eventSearching            = "MatchmakingSearching"
	eventPotentialMatch       = "PotentialMatchCreated"
	eventAcceptMatch          = "AcceptMatch"
	eventAcceptMatchCompleted = "AcceptMatchCompleted"
	eventSucceeded            = "MatchmakingSucceeded"
	eventTimedOut             = "MatchmakingTimedOut"
	eventCancelled            = "MatchmakingCancelled"
	eventFailed               = "MatchmakingFailed"
)

// The reasons and messages of events that end a ticket. Tickets carry them as their
// StatusReason and StatusMessage, too; Amazon lists no values for those.
const (
	reasonTimedOut   = "TimedOut"
	reasonCancelled  = "Cancelled"
	reasonUnexpected = "UNEXPECTED_ERROR"
	reasonAcceptance = "AcceptanceFailed"

	messageTimedOut   = "Removed from matchmaking due to timing out."
	messageCancelled  = "Cancelled by request."
	messageUnexpected = "An unexpected error was encountered during match placing."
	messageAcceptance = "The proposed match was not accepted by all of its players."
	messageReturned   = "The proposed match was not accepted; the ticket is searching again."
)

// isoMillis is how events write instants; isoSeconds is the envelope of placement events.
const (
	isoMillis  = "2006-01-02T15:04:05.000Z"
	isoSeconds = "2006-01-02T15:04:05Z"
)

// envelope is an event as EventBridge carries it, and as SNS does in its Message.
type envelope struct {
	Version    string   `json:"version"`
	ID         string   `json:"id"`
	DetailType string   `json:"detail-type"`
	Source     string   `json:"source"`
	Account    string   `json:"account"`
	Time       string   `json:"time"`
	Region     string   `json:"region"`
	Resources  []string `json:"resources"`
	Detail     any      `json:"detail"`
}

// matchDetail is the detail of every matchmaking event; what a type does not carry
// stays nil.
type matchDetail struct {
	Type                  string        `json:"type"`
	Reason                string        `json:"reason,omitempty"`
	MatchID               string        `json:"matchId,omitempty"`
	Tickets               []eventTicket `json:"tickets"`
	EstimatedWaitMillis   any           `json:"estimatedWaitMillis,omitempty"` // whole seconds, despite its name, or "NOT_AVAILABLE"
	AcceptanceTimeout     *int32        `json:"acceptanceTimeout,omitempty"`   // seconds
	AcceptanceRequired    *bool         `json:"acceptanceRequired,omitempty"`
	Acceptance            string        `json:"acceptance,omitempty"`
	RuleEvaluationMetrics []ruleMetric  `json:"ruleEvaluationMetrics,omitzero"`
	Message               string        `json:"message,omitempty"`
	GameSessionInfo       eventSession  `json:"gameSessionInfo"`
	CustomEventData       string        `json:"customEventData,omitempty"`
}

type eventTicket struct {
	TicketID  string        `json:"ticketId"`
	StartTime string        `json:"startTime"`
	Players   []eventPlayer `json:"players"`
}

type eventPlayer struct {
	PlayerID        string `json:"playerId"`
	PlayerSessionID string `json:"playerSessionId,omitempty"`
	Team            string `json:"team,omitempty"`
	Accepted        *bool  `json:"accepted,omitempty"` // nil: no answer yet
}

type eventSession struct {
	GameSessionARN string        `json:"gameSessionArn,omitempty"`
	IPAddress      string        `json:"ipAddress,omitempty"`
	DNSName        string        `json:"dnsName,omitempty"`
	Port           int32         `json:"port,omitempty"`
	Players        []eventPlayer `json:"players"`
}

type ruleMetric struct {
	RuleName    string `json:"ruleName"`
	PassedCount int    `json:"passedCount"`
	FailedCount int    `json:"failedCount"`
}

// metricsOf is never nil: the member is present even when a rule set has no rules.
func metricsOf(list []flexmatch.RuleMetric) []ruleMetric {
	out := make([]ruleMetric, len(list))
	for i, m := range list {
		out[i] = ruleMetric{m.Rule, m.Passed, m.Failed}
	}
	return out
}

// noMetrics lists all rules, none of them evaluated.
func noMetrics(rules *flexmatch.RuleSet) []ruleMetric {
	out := []ruleMetric{}
	for _, name := range rules.RuleNames() {
		out = append(out, ruleMetric{RuleName: name})
	}
	return out
}

// publishMatch completes a matchmaking event with its tickets and sends it to the
// configuration's topic. The lists of tickets and of gameSessionInfo are the same
// players, once per ticket and once in a row.
func (s *Service) publishMatch(c types.MatchmakingConfiguration, at time.Time, tickets []*ticket, d matchDetail) {
	topic := val(c.NotificationTarget)
	if topic == "" {
		return
	}
	d.CustomEventData = val(c.CustomEventData)
	d.GameSessionInfo.Players = []eventPlayer{}
	d.Tickets = make([]eventTicket, len(tickets))
	order := d.MatchID
	for i, t := range tickets {
		players := t.eventPlayers()
		d.Tickets[i] = eventTicket{val(t.api.TicketId), val(t.api.StartTime).UTC().Format(isoMillis), players}
		d.GameSessionInfo.Players = append(d.GameSessionInfo.Players, players...)
		if order == "" {
			order = val(t.api.TicketId)
		}
	}
	if d.Type == eventSucceeded {
		// SNS promises no order, and players who wait for their seats need not wait for
		// the news that led to them.
		order += " succeeded"
	}
	s.publish(topic, order, envelope{
		DetailType: "GameLift Matchmaking Event", Time: at.UTC().Format(isoMillis),
		Resources: []string{val(c.ConfigurationArn)}, Detail: d,
	})
}

// placementDetail is the detail of a placement event. The members after PlacementID
// and the times are of PlacementFulfilled only.
type placementDetail struct {
	Type                 string         `json:"type"`
	PlacementID          string         `json:"placementId"`
	Port                 string         `json:"port,omitempty"` // a JSON string in Amazon's events
	GameSessionARN       string         `json:"gameSessionArn,omitempty"`
	IPAddress            string         `json:"ipAddress,omitempty"`
	DNSName              string         `json:"dnsName,omitempty"`
	StartTime            string         `json:"startTime"`
	EndTime              string         `json:"endTime"`
	GameSessionRegion    string         `json:"gameSessionRegion,omitempty"`
	PlacedPlayerSessions []placedPlayer `json:"placedPlayerSessions,omitempty"`
	CustomEventData      string         `json:"customEventData,omitempty"`
}

type placedPlayer struct {
	PlayerID        string `json:"playerId"`
	PlayerSessionID string `json:"playerSessionId"`
}

// placementEvents spells the end states of a placement as events do.
var placementEvents = map[types.GameSessionPlacementState]string{
	types.GameSessionPlacementStateFulfilled: "PlacementFulfilled",
	types.GameSessionPlacementStateCancelled: "PlacementCancelled",
	types.GameSessionPlacementStateTimedOut:  "PlacementTimedOut",
	types.GameSessionPlacementStateFailed:    "PlacementFailed",
}

// publishPlacement tells the queue's topic how a placement ended.
func (s *Service) publishPlacement(q types.GameSessionQueue, p types.GameSessionPlacement) {
	topic := val(q.NotificationTarget)
	if topic == "" {
		return
	}
	d := placementDetail{
		Type: placementEvents[p.Status], PlacementID: val(p.PlacementId),
		StartTime: val(p.StartTime).UTC().Format(isoMillis), EndTime: val(p.EndTime).UTC().Format(isoMillis),
		CustomEventData: val(q.CustomEventData),
	}
	if p.Status == types.GameSessionPlacementStateFulfilled {
		d.Port = strconv.Itoa(int(val(p.Port)))
		d.GameSessionARN, d.GameSessionRegion = val(p.GameSessionArn), val(p.GameSessionRegion)
		d.IPAddress, d.DNSName = val(p.IpAddress), val(p.DnsName)
		for _, placed := range p.PlacedPlayerSessions {
			d.PlacedPlayerSessions = append(d.PlacedPlayerSessions, placedPlayer{val(placed.PlayerId), val(placed.PlayerSessionId)})
		}
	}
	s.publish(topic, d.PlacementID, envelope{
		DetailType: "GameLift Queue Placement Event", Time: val(p.EndTime).UTC().Format(isoSeconds),
		Resources: []string{val(q.GameSessionQueueArn)}, Detail: d,
	})
}

// publish fills in what all events share. It does not block.
func (s *Service) publish(topic, orderKey string, e envelope) {
	e.Version, e.ID, e.Source = "0", s.newID(), "aws.gamelift"
	e.Account, e.Region = s.names.account, s.names.region
	body, err := json.Marshal(e)
	if err != nil { // only types of this file are in it
		panic("gameliftlocal: encode event: " + err.Error())
	}
	s.topics.Publish(topic, body, orderKey)
}
