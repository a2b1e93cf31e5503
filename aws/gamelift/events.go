package gamelift

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"muster"
)

// Limits on an event. SNS carries messages up to 256 KiB; a match has up to 200 players.
const (
	maxEventBytes   = 256 << 10
	maxEventTickets = 200
	maxEventPlayers = 200 // of one ticket
)

// autoBackfill begins the id of tickets that GameLift makes by itself for sessions with
// automatic backfill. Nobody of ours waits for them.
const autoBackfill = "auto-backfill"

const matchmakingDetail = "GameLift Matchmaking Event"

var eventTypes = map[muster.EventType]bool{
	muster.MatchmakingSearching: true, muster.PotentialMatchCreated: true,
	muster.AcceptMatch: true, muster.AcceptMatchCompleted: true,
	muster.MatchmakingSucceeded: true, muster.MatchmakingTimedOut: true,
	muster.MatchmakingCancelled: true, muster.MatchmakingFailed: true,
}

// envelope is an event as EventBridge carries it, and SNS in its Message. Source:
// Amazon's FlexMatch guide, "FlexMatch matchmaking events".
type envelope struct {
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Time       string          `json:"time"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// detail is a matchmaking event. estimatedWaitMillis holds seconds, whatever its name
// says, or "NOT_AVAILABLE".
type detail struct {
	Type               muster.EventType `json:"type"`
	MatchID            string           `json:"matchId"`
	Tickets            []detailTicket   `json:"tickets"`
	AcceptanceRequired looseBool        `json:"acceptanceRequired"`
	AcceptanceTimeout  looseInt         `json:"acceptanceTimeout"`
	Acceptance         string           `json:"acceptance"`
	EstimatedWait      looseInt         `json:"estimatedWaitMillis"`
	Reason             string           `json:"reason"`
	Message            string           `json:"message"`
	Session            detailSession    `json:"gameSessionInfo"`
}

type detailTicket struct {
	ID      string         `json:"ticketId"`
	Players []detailPlayer `json:"players"`
}

type detailPlayer struct {
	ID       string    `json:"playerId"`
	Team     string    `json:"team"`
	Seat     string    `json:"playerSessionId"`
	Accepted looseBool `json:"accepted"`
}

type detailSession struct {
	ARN       string         `json:"gameSessionArn"`
	IPAddress string         `json:"ipAddress"`
	DNSName   string         `json:"dnsName"`
	Port      looseInt       `json:"port"`
	Players   []detailPlayer `json:"players"`
}

// looseInt reads a whole number that may be written as a string, as ports are in some
// events. Anything else is absent.
type looseInt struct {
	value int
	set   bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *looseInt) UnmarshalJSON(raw []byte) error {
	f, err := strconv.ParseFloat(string(unquoted(raw)), 64)
	if err == nil && f == math.Trunc(f) && math.Abs(f) <= math.MaxInt32 {
		*n = looseInt{int(f), true}
	}
	return nil
}

// looseBool reads a truth value that may be written as a string. Anything else is
// absent.
type looseBool struct{ value *bool }

// UnmarshalJSON implements json.Unmarshaler.
func (b *looseBool) UnmarshalJSON(raw []byte) error {
	switch text := string(unquoted(raw)); text {
	case "true", "false":
		value := text == "true"
		b.value = &value
	}
	return nil
}

func unquoted(raw []byte) []byte { return bytes.Trim(raw, `"`) }

// Decode reads an event. ok is false, without an error, for what is not matchmaking of
// ours: another kind of event, a type that came after this was written, or one about
// automatic backfill only. Errors are Invalid.
func Decode(body []byte) (event muster.Event, ok bool, err error) {
	if len(body) > maxEventBytes {
		return muster.Event{}, false, muster.Errorf(muster.Invalid, "event.too_large", "an event has %d bytes, %d is the limit", len(body), maxEventBytes)
	}
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return muster.Event{}, false, malformed("the event is not JSON of the expected form", err)
	}
	if e.DetailType != matchmakingDetail || e.Source != "aws.gamelift" {
		return muster.Event{}, false, nil
	}
	var d detail
	if err := json.Unmarshal(e.Detail, &d); err != nil {
		return muster.Event{}, false, malformed("the event's detail is not JSON of the expected form", err)
	}
	if !eventTypes[d.Type] {
		return muster.Event{}, false, nil
	}
	event, err = e.event(d)
	return event, err == nil && len(event.Tickets) > 0, err
}

func malformed(message string, cause error) *muster.Error {
	return &muster.Error{Kind: muster.Invalid, Code: "event.malformed", Message: message, Err: cause}
}

// event is the event in our words.
func (e envelope) event(d detail) (muster.Event, error) {
	at, err := time.Parse(time.RFC3339, e.Time)
	if err != nil {
		return muster.Event{}, malformed("the event has no valid time", err)
	}
	if e.ID == "" {
		return muster.Event{}, malformed("the event has no id", nil)
	}
	port := d.Session.Port.value
	if port < 0 || port > math.MaxUint16 {
		return muster.Event{}, malformed("the event's port is none", nil)
	}
	tickets, err := d.tickets()
	if err != nil {
		return muster.Event{}, err
	}
	event := muster.Event{
		ID: e.ID, Type: d.Type, At: at.UTC(), MatchID: muster.MatchID(d.MatchID), Tickets: tickets,
		AcceptanceRequired:   d.AcceptanceRequired.value != nil && *d.AcceptanceRequired.value,
		AcceptanceTimeout:    time.Duration(max(d.AcceptanceTimeout.value, 0)) * time.Second,
		Acceptance:           d.Acceptance,
		EstimatedWaitSeconds: max(d.EstimatedWait.value, 0),
		Reason:               d.Reason, Message: d.Message,
		Session: muster.SessionID(d.Session.ARN), IPAddress: d.Session.IPAddress, DNSName: d.Session.DNSName, Port: port,
	}
	if len(e.Resources) > 0 {
		event.Configuration = configurationName(e.Resources[0])
	}
	return event, nil
}

// tickets are the event's tickets but those of automatic backfill. What a ticket does
// not say of a player is taken from the list in gameSessionInfo, by player id.
func (d detail) tickets() ([]muster.EventTicket, error) {
	if len(d.Tickets) > maxEventTickets || len(d.Session.Players) > maxEventTickets*maxEventPlayers {
		return nil, malformed("the event has too many tickets or players", nil)
	}
	inSession := make(map[string]detailPlayer, len(d.Session.Players))
	for _, p := range d.Session.Players {
		inSession[p.ID] = p
	}
	tickets := make([]muster.EventTicket, 0, len(d.Tickets))
	for _, t := range d.Tickets {
		if strings.HasPrefix(t.ID, autoBackfill) {
			continue
		}
		if t.ID == "" || len(t.Players) > maxEventPlayers {
			return nil, malformed("a ticket of the event has no id or too many players", nil)
		}
		ticket := muster.EventTicket{ID: muster.TicketID(t.ID), Players: make([]muster.EventPlayer, 0, len(t.Players))}
		for _, p := range t.Players {
			ticket.Players = append(ticket.Players, p.completed(inSession[p.ID]))
		}
		tickets = append(tickets, ticket)
	}
	return tickets, nil
}

func (p detailPlayer) completed(other detailPlayer) muster.EventPlayer {
	return muster.EventPlayer{
		ID:       muster.PlayerID(p.ID),
		Team:     cmp.Or(p.Team, other.Team),
		Seat:     muster.SeatID(cmp.Or(p.Seat, other.Seat)),
		Accepted: cmp.Or(p.Accepted.value, other.Accepted.value),
	}
}
