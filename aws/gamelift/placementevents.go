package gamelift

import (
	"encoding/json"
	"math"
	"time"

	"muster"
)

const placementDetailType = "GameLift Queue Placement Event"

// placementEnds maps the types of placement events to what became of the placement.
// Source: Amazon GameLift Servers guide, "Game session placement events".
var placementEnds = map[string]muster.PlacementStatus{
	"PlacementFulfilled": muster.PlacementFulfilled,
	"PlacementCancelled": muster.PlacementCancelled,
	"PlacementTimedOut":  muster.PlacementTimedOut,
	"PlacementFailed":    muster.PlacementFailed,
}

// placementDetail is a placement event. Its port is written as a string.
type placementDetail struct {
	Type      string         `json:"type"`
	ID        string         `json:"placementId"`
	ARN       string         `json:"gameSessionArn"`
	IPAddress string         `json:"ipAddress"`
	DNSName   string         `json:"dnsName"`
	Port      looseInt       `json:"port"`
	Players   []detailPlayer `json:"placedPlayerSessions"`
}

// DecodePlacement reads a placement event. ok is false, without an error, for another
// kind of event and for a type that came after this was written. Errors are Invalid.
func DecodePlacement(body []byte) (event muster.PlacementEvent, ok bool, err error) {
	if len(body) > maxEventBytes {
		return muster.PlacementEvent{}, false, muster.Errorf(muster.Invalid, "event.too_large", "an event has %d bytes, %d is the limit", len(body), maxEventBytes)
	}
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return muster.PlacementEvent{}, false, malformed("the event is not JSON of the expected form", err)
	}
	if e.DetailType != placementDetailType || e.Source != "aws.gamelift" {
		return muster.PlacementEvent{}, false, nil
	}
	var d placementDetail
	if err := json.Unmarshal(e.Detail, &d); err != nil {
		return muster.PlacementEvent{}, false, malformed("the event's detail is not JSON of the expected form", err)
	}
	status, known := placementEnds[d.Type]
	if !known {
		return muster.PlacementEvent{}, false, nil
	}
	event, err = e.placementEvent(d, status)
	return event, err == nil, err
}

// placementEvent is the event in our words.
func (e envelope) placementEvent(d placementDetail, status muster.PlacementStatus) (muster.PlacementEvent, error) {
	at, err := time.Parse(time.RFC3339, e.Time)
	switch port := d.Port.value; {
	case err != nil:
		return muster.PlacementEvent{}, malformed("the event has no valid time", err)
	case e.ID == "" || d.ID == "":
		return muster.PlacementEvent{}, malformed("the event or its placement has no id", nil)
	case port < 0 || port > math.MaxUint16:
		return muster.PlacementEvent{}, malformed("the event's port is none", nil)
	case len(d.Players) > maxEventPlayers:
		return muster.PlacementEvent{}, malformed("the event has too many players", nil)
	case status == muster.PlacementFulfilled && d.ARN == "":
		return muster.PlacementEvent{}, malformed("a fulfilled placement has no session", nil)
	}
	event := muster.PlacementEvent{ID: e.ID, At: at.UTC(), PlacementSnapshot: muster.PlacementSnapshot{
		Placement: muster.PlacementID(d.ID), Status: status,
	}}
	if status != muster.PlacementFulfilled {
		return event, nil
	}
	event.Session, event.IPAddress, event.DNSName, event.Port = muster.SessionID(d.ARN), d.IPAddress, d.DNSName, d.Port.value
	event.Seats = make(map[muster.PlayerID]muster.SeatID, len(d.Players))
	for _, p := range d.Players {
		event.Seats[muster.PlayerID(p.ID)] = muster.SeatID(p.Seat)
	}
	return event, nil
}
