package httpapi

import (
	"context"
	"net/http"
	"net/url"

	"muster"
)

type ticketRequest struct {
	Mode        muster.ModeName   `json:"mode" minLength:"1" maxLength:"128" doc:"Name of a mode" example:"duel"`
	LatencyInMs map[string]int    `json:"latencyInMs,omitempty" maxProperties:"100" doc:"Milliseconds to each location that was measured"`
	Preferences map[string]string `json:"preferences,omitempty" maxProperties:"50" doc:"Of the mode's choices; there is no way to state a skill"`
}

type startInput struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"128" doc:"The same key answers with the same ticket, however often it is sent"`
	Body           ticketRequest
}

type ticketPath struct {
	ID muster.TicketID `path:"id" minLength:"1" maxLength:"128" doc:"Id of one of my tickets" example:"0199c0de-0000-7000-8000-000000000f01"`
}

type pollInput struct {
	ID    muster.TicketID `path:"id" minLength:"1" maxLength:"128" doc:"Id of one of my tickets" example:"0199c0de-0000-7000-8000-000000000f01"`
	Wait  int             `query:"wait" minimum:"0" maximum:"30" doc:"Seconds to wait for news; 0: answer at once"`
	After int64           `query:"after" minimum:"-1" default:"-1" doc:"The version that is known; -1: the version of now"`
}

type ticketAnswer struct {
	Status   int
	Location string `header:"Location" doc:"Where the ticket is read; when it is new"`
	Body     muster.TicketView
}

type ticketBody struct{ Body muster.TicketView }

func (s *server) ticketRoutes() {
	handle(s, operation{
		method: http.MethodPost, path: "/v1/matchmaking/tickets", id: "startTicket", tag: "play",
		summary:     "Ask for a match",
		description: "409 ticket.already_queued names the live ticket in ticketId; 409 session.live has the seat to return to; 404 mode.unknown.",
		need:        needPlayer, status: http.StatusCreated,
		alsoStatus: map[int]string{http.StatusOK: "The Idempotency-Key was used before: this is its ticket"},
		refusals:   []int{http.StatusNotFound, http.StatusConflict}, bodyLimit: s.BodyLimit,
		requestExample: ticketRequest{Mode: exampleMode, LatencyInMs: map[string]int{exampleLocation: 12}, Preferences: map[string]string{"map": "harbour"}},
		example:        exampleTicket(muster.Queued),
	}, s.startTicket)
	handle(s, operation{
		method: http.MethodGet, path: "/v1/matchmaking/tickets/{id}", id: "ticket", tag: "play",
		summary:     "Read my ticket, now or when it changes",
		description: "With wait the answer comes as soon as the version exceeds after, or unchanged when the time is over.",
		need:        needPlayer, refusals: []int{http.StatusNotFound}, example: exampleTicket(muster.Completed),
	}, s.ticket)
	handle(s, operation{
		method: http.MethodDelete, path: "/v1/matchmaking/tickets/{id}", id: "cancelTicket", tag: "play",
		summary:     "Stop asking for a match",
		description: "202 while the cancellation is under way, 200 when the ticket is over. 409 ticket.placing when a session is being started already.",
		need:        needPlayer, status: http.StatusAccepted, alsoStatus: map[int]string{http.StatusOK: "The ticket is over"},
		refusals: []int{http.StatusNotFound, http.StatusConflict}, example: exampleTicket(muster.Searching),
	}, s.cancelTicket)
	for _, answer := range []struct {
		verb, summary string
		accept        bool
	}{
		{"accept", "Accept the proposed match", true},
		{"decline", "Decline the proposed match", false},
	} {
		handle(s, operation{
			method: http.MethodPost, path: "/v1/matchmaking/tickets/{id}/" + answer.verb, id: answer.verb + "Match", tag: "play",
			summary:     answer.summary,
			description: "409 match.not_open when there is no match that waits for this player's answer.",
			need:        needPlayer, refusals: []int{http.StatusNotFound, http.StatusConflict}, example: exampleTicket(muster.RequiresAcceptance),
		}, func(ctx context.Context, in *ticketPath) (*ticketBody, error) {
			t, err := s.Play.AnswerMatch(ctx, me(ctx), in.ID, answer.accept)
			return &ticketBody{t}, err
		})
	}
}

func (s *server) startTicket(ctx context.Context, in *startInput) (*ticketAnswer, error) {
	t, created, err := s.Play.StartTicket(ctx, me(ctx), muster.TicketRequest(in.Body), in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	if !created {
		return &ticketAnswer{Status: http.StatusOK, Body: t}, nil
	}
	return &ticketAnswer{
		Status:   http.StatusCreated,
		Location: "/v1/matchmaking/tickets/" + url.PathEscape(string(t.ID)),
		Body:     t,
	}, nil
}

// ticket answers at once or waits. A wait ends early when the client leaves, and when
// the server begins to stop: then with the ticket as it is.
func (s *server) ticket(ctx context.Context, in *pollInput) (*ticketBody, error) {
	player := me(ctx)
	if in.Wait == 0 {
		t, err := s.Play.Ticket(ctx, player, in.ID)
		return &ticketBody{t}, err
	}
	wait, end := context.WithCancel(ctx)
	defer end()
	if s.Stopping != nil {
		go func() {
			select {
			case <-s.Stopping:
				end()
			case <-wait.Done():
			}
		}()
	}
	t, err := s.Play.WaitTicket(wait, player, in.ID, in.After, patience(ctx, in.Wait))
	if err != nil && wait.Err() != nil && ctx.Err() == nil {
		t, err = s.Play.Ticket(ctx, player, in.ID)
	}
	return &ticketBody{t}, err
}

// cancelledBody is the answer to a cancellation, which takes effect now or later.
type cancelledBody struct {
	Status int
	Body   muster.TicketView
}

func (s *server) cancelTicket(ctx context.Context, in *ticketPath) (*cancelledBody, error) {
	t, err := s.Play.CancelTicket(ctx, me(ctx), in.ID)
	out := cancelledBody{http.StatusAccepted, t}
	if t.Status.Final() {
		out.Status = http.StatusOK
	}
	return &out, err
}
