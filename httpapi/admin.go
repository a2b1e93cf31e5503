package httpapi

import (
	"context"
	"net/http"

	"muster"
)

// Inspector shows operators what there is; *muster.Backend has it.
type Inspector interface {
	InspectTicket(ctx context.Context, id muster.TicketID) (muster.AdminTicketView, error)
}

// inspectionRoutes show operators whole tickets.
func (s *server) inspectionRoutes() {
	if s.Inspect == nil {
		return
	}
	handle(s, operation{
		method: http.MethodGet, path: "/v1/admin/tickets/{id}", id: "adminTicket", tag: "operate",
		summary:     "Read a whole ticket",
		description: "Every player, what GameLift was told of each, and where that came from. Seats and join tokens are left out: they are the players' own.",
		need:        needAdmin, refusals: []int{http.StatusNotFound}, example: exampleAdminTicket(),
	}, func(ctx context.Context, in *anyTicketPath) (*struct{ Body muster.AdminTicketView }, error) {
		v, err := s.Inspect.InspectTicket(ctx, in.ID)
		return &struct{ Body muster.AdminTicketView }{v}, err
	})
}

func exampleAdminTicket() muster.AdminTicketView {
	skill, place, games, was, level := 1560.0, "harbour", int64(12), 140.0, 100.0
	return muster.AdminTicketView{
		ID: exampleTicketID, Mode: exampleMode, Configuration: "duel", Status: muster.Searching, Version: 2, Owner: examplePlayer,
		CreatedAt: exampleTime(), UpdatedAt: exampleTime(), HeardAt: exampleTime(), EstimatedWaitSeconds: 12,
		Players: []muster.AdminTicketSeat{{
			PlayerID: examplePlayer,
			Attributes: []muster.SentAttributeView{
				{Name: "level", Value: &muster.AttributeValue{N: &level}, From: muster.FromPlayer, Field: "attributes.level", DocumentVersion: 3, Problem: "range", Was: &was, Sent: "clamp"},
				{Name: "map", Value: &muster.AttributeValue{S: &place}, From: muster.FromClient},
				{Name: "skill", Value: &muster.AttributeValue{N: &skill}, From: muster.FromRating, Games: &games},
			},
			LatencyInMs: map[string]int{exampleLocation: 12}, DroppedLatencies: map[string]string{"moon": "unknown"},
		}},
	}
}
