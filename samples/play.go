package samples

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"muster"
)

// startedTicket is a matchmaking ticket in Amazon's words, as far as the clients read it.
type startedTicket struct {
	TicketID  string          `json:"TicketId"`
	Status    string          `json:"Status"`
	StartTime string          `json:"StartTime"`
	Players   []startedPlayer `json:"Players"`
}

type startedPlayer struct {
	PlayerID muster.PlayerID `json:"PlayerId"`
}

// seatTicket is the id of the ticket of somebody who has a seat already, and is told of it
// instead of getting another.
const seatTicket = "current-seat"

// latencies are milliseconds by location; some clients send fractions.
type latencies map[string]float64

// maxLatency is beyond what any mode counts, in milliseconds.
const maxLatency = 1e6

func (l latencies) whole() map[string]int {
	whole := make(map[string]int, len(l))
	for location, ms := range l {
		whole[location] = int(math.Round(max(-1, min(ms, maxLatency)))) // the rules drop what is negative
	}
	return whole
}

// requestMatchmaking starts a search, or answers with the one that goes on.
func (f *Front) requestMatchmaking(r *http.Request, me muster.PlayerID) (answer, error) {
	var want struct {
		Latency latencies `json:"latencyInMs"`
	}
	if err := readJSON(r, &want); err != nil {
		return answer{}, err
	}
	ticket, _, err := f.Play.StartTicket(r.Context(), me, muster.TicketRequest{Mode: f.Mode, LatencyInMs: want.Latency.whole()}, "")
	var refused *muster.Error
	switch {
	case errors.As(err, &refused) && refused.Code == "ticket.already_queued":
		ticket, err = f.newest(r.Context(), me)
	case errors.As(err, &refused) && refused.Code == "session.live":
		return answer{body: startedTicket{TicketID: seatTicket, Status: "COMPLETED", StartTime: timeText(f.Now()), Players: []startedPlayer{{me}}}}, nil
	}
	if err != nil {
		return answer{}, err
	}
	out := startedTicket{TicketID: string(ticket.ID), Status: amazonStatus[ticket.Status], StartTime: timeText(ticket.CreatedAt), Players: make([]startedPlayer, 0, len(ticket.Players))}
	for _, p := range ticket.Players {
		out.Players = append(out.Players, startedPlayer{p})
	}
	return answer{body: out}, nil
}

func timeText(at time.Time) string { return at.UTC().Format(time.RFC3339) }

var amazonStatus = map[muster.TicketStatus]string{
	muster.Queued: "QUEUED", muster.Searching: "SEARCHING", muster.RequiresAcceptance: "REQUIRES_ACCEPTANCE", muster.Placing: "PLACING",
	muster.Completed: "COMPLETED", muster.Failed: "FAILED", muster.Cancelled: "CANCELLED", muster.TimedOut: "TIMED_OUT",
}

// matchState is how a search stands, and where to go once it has succeeded.
type matchState struct {
	Status string `json:"MatchmakingStatus"`
	*connection
}

// connection is where a player's seat is. Port is a text, as in the samples.
type connection struct {
	IPAddress       string        `json:"IpAddress"`
	DNSName         string        `json:"DnsName"`
	Port            string        `json:"Port"`
	PlayerSessionID muster.SeatID `json:"PlayerSessionId"`
}

func connectionOf(seat muster.SeatView) *connection {
	return &connection{IPAddress: seat.IPAddress, DNSName: seat.DNSName, Port: strconv.Itoa(seat.Port), PlayerSessionID: seat.PlayerSessionID}
}

// matchStatus are the names of the events by which the clients know how a search stands.
var matchStatus = map[muster.TicketStatus]string{
	muster.Queued: "MatchmakingQueued", muster.Searching: "MatchmakingSearching",
	muster.RequiresAcceptance: "PotentialMatchCreated", muster.Placing: "PotentialMatchCreated",
	muster.Completed: "MatchmakingSucceeded", muster.Failed: "MatchmakingFailed",
	muster.Cancelled: "MatchmakingCancelled", muster.TimedOut: "MatchmakingTimedOut",
}

func (f *Front) matchStatus(r *http.Request, me muster.PlayerID) (answer, error) {
	id := muster.TicketID(r.URL.Query().Get("ticketId"))
	if id == seatTicket {
		seat, err := f.Play.Seat(r.Context(), me)
		if muster.KindOf(err) == muster.NotFound {
			return answer{body: matchState{Status: matchStatus[muster.Failed]}}, nil // it is over
		}
		return answer{body: matchState{matchStatus[muster.Completed], connectionOf(seat)}}, err
	}
	ticket, err := f.Play.Ticket(r.Context(), me, id)
	if muster.KindOf(err) == muster.NotFound {
		return answer{}, refuse(http.StatusBadRequest, "Ticket not found")
	}
	if err != nil {
		return answer{}, err
	}
	state := matchState{Status: matchStatus[ticket.Status]}
	if ticket.Status == muster.Completed && ticket.Seat != nil {
		state.connection = connectionOf(*ticket.Seat)
	}
	return answer{body: state}, nil
}

// newest is the ticket that a player waits with; without one it is NotFound.
func (f *Front) newest(ctx context.Context, me muster.PlayerID) (muster.TicketView, error) {
	view, err := f.Play.Me(ctx, me)
	if err != nil {
		return muster.TicketView{}, err
	}
	if view.Activity == nil || view.Activity.TicketID == "" {
		return muster.TicketView{}, muster.Errorf(muster.NotFound, "ticket.not_found", "nothing is being looked for")
	}
	return f.Play.Ticket(ctx, me, view.Activity.TicketID)
}

// startGame starts a search for a client of the plug-in.
func (f *Front) startGame(r *http.Request, me muster.PlayerID) (answer, error) {
	var want struct {
		Latency latencies `json:"regionToLatencyMapping"`
	}
	if r.ContentLength != 0 {
		if err := readJSON(r, &want); err != nil {
			return answer{}, err
		}
	}
	_, _, err := f.Play.StartTicket(r.Context(), me, muster.TicketRequest{Mode: f.Mode, LatencyInMs: want.Latency.whole()}, "")
	var refused *muster.Error
	if errors.As(err, &refused) && refused.Code == "session.live" {
		err = nil // gameConnection tells of the seat
	}
	return answer{status: http.StatusAccepted}, err
}

// pluginConnection is connection with what only the plug-in's clients read.
type pluginConnection struct {
	*connection
	Session muster.SessionID `json:"GameSessionArn"`
}

// gameConnection is the seat of whoever has one, nothing while it is looked for, and not
// found for who asked for none.
func (f *Front) gameConnection(r *http.Request, me muster.PlayerID) (answer, error) {
	seat, err := f.Play.Seat(r.Context(), me)
	if err == nil {
		return answer{body: pluginConnection{connectionOf(seat), seat.SessionID}}, nil
	}
	if muster.KindOf(err) == muster.NotFound {
		_, err = f.newest(r.Context(), me)
	}
	if muster.KindOf(err) == muster.NotFound {
		return answer{}, refuse(http.StatusNotFound, "No game was asked for")
	}
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}
