package httpapi

import (
	"context"
	"net/http"
	"time"

	"muster"
)

type explanationBody struct{ Body muster.ExplanationView }

type adviceBody struct{ Body muster.Advice }

type anyTicketPath struct {
	ID muster.TicketID `path:"id" minLength:"1" maxLength:"128" doc:"Id of a ticket" example:"0199c0de-0000-7000-8000-000000000f01"`
}

// explanationRoutes say why tickets wait: to their players always, to operators where
// there are keys for them.
func (s *server) explanationRoutes() {
	handle(s, operation{
		method: http.MethodGet, path: "/v1/matchmaking/tickets/{id}/explanation", id: "explainTicket", tag: "play",
		summary:     "Why am I not matched?",
		description: "The message is one line to show. Of other tickets it tells how many wait and which rules keep them away, never their values. Ask every five seconds at most; 429 explanation.busy when too many ask.",
		need:        needPlayer, refusals: []int{http.StatusNotFound}, example: exampleExplanation(),
	}, func(ctx context.Context, in *ticketPath) (*explanationBody, error) {
		v, err := s.Play.TicketExplanation(ctx, me(ctx), in.ID)
		return &explanationBody{v}, err
	})
	if s.Admin == nil {
		return
	}
	handle(s, operation{
		method: http.MethodGet, path: "/v1/admin/tickets/{id}/explanation", id: "adminExplainTicket", tag: "operate",
		summary:     "Why is a ticket not matched?",
		description: "For operators: with the amounts by which candidates miss the rules. The lines say the same in words.",
		need:        needAdmin, refusals: []int{http.StatusNotFound}, example: exampleAdvice(),
	}, func(ctx context.Context, in *anyTicketPath) (*adviceBody, error) {
		a, err := s.Admin.ExplainTicket(ctx, in.ID)
		return &adviceBody{a}, err
	})
}

func exampleExplanation() muster.ExplanationView {
	limit, seconds, at := 250.0, 4, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return muster.ExplanationView{
		TicketID: exampleTicketID, Status: muster.Searching, AsOf: at, Message: "Waiting for 1 more player within 250 skill. More fit in 4 s.",
		Obstacles: []muster.ObstacleView{}, WaitingTickets: 2, NeededPlayers: 1,
		Rules:             []muster.ExplanationRule{{Name: "CloseSkill", Type: "distance", Tickets: 2, Property: "maxDistance", Limit: &limit, Unit: "skill"}},
		NextStepInSeconds: &seconds, ReachInSeconds: &seconds,
	}
}

func exampleAdvice() muster.Advice {
	nearest, median, limit, at := 30.0, 80.0, 250.0, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	miss := func(amount *float64) muster.AdviceMiss {
		return muster.AdviceMiss{Amount: amount, Unit: "skill", Property: "maxDistance", Limit: &limit}
	}
	reach := &muster.AdviceReach{Step: 1, AfterSeconds: 5, InSeconds: 4}
	return muster.Advice{
		TicketID: exampleTicketID, Mode: exampleMode, Status: muster.Searching, AsOf: at, AgeSeconds: 1, TimesOutInSeconds: 299, Players: 1, Steps: 2,
		NextStep: &muster.AdviceStep{AfterSeconds: 5, InSeconds: 4, Changes: []muster.AdviceChange{
			{Rule: "CloseSkill", Property: "maxDistance", From: "250", To: "500"},
		}},
		WaitingTickets: 2, ConsideredTickets: 2, NeededPlayers: 1,
		Rules: []muster.AdviceRule{{Name: "CloseSkill", Type: "distance", Tickets: 2, Nearest: miss(&nearest), Median: miss(&median), Reach: reach}},
		Reach: reach, Attempt: &muster.AdviceAttempt{Players: 1, Tickets: 1, Missing: 1, Together: 1},
		Lines: []string{"Rule CloseSkill keeps 2 tickets away: the nearest misses maxDistance 250 by 30 skill, the median by 80 skill; it lets the first in after 4 s."},
	}
}
