package httpapi

import (
	"context"
	"net/http"
	"time"

	"muster"
)

// Inspector shows operators what there is; *muster.Backend has it.
type Inspector interface {
	InspectTicket(ctx context.Context, id muster.TicketID) (muster.AdminTicketView, error)
	InspectPlayer(ctx context.Context, id muster.PlayerID) (muster.AdminPlayerView, error)
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
	handle(s, operation{
		method: http.MethodGet, path: "/v1/admin/players/{id}", id: "adminPlayer", tag: "operate",
		summary:     "Read a player",
		description: "Account, sign-ins, ratings, what holds the player, party, documents and the latest matches. No secrets, no seats, and not what providers call the player.",
		need:        needAdmin, refusals: []int{http.StatusNotFound}, example: exampleAdminPlayer(),
	}, func(ctx context.Context, in *struct {
		ID muster.PlayerID `path:"id" minLength:"1" maxLength:"128" doc:"Id of a player" example:"0199c0de-0000-7000-8000-000000000001"`
	},
	) (*struct{ Body muster.AdminPlayerView }, error) {
		v, err := s.Inspect.InspectPlayer(ctx, in.ID)
		return &struct{ Body muster.AdminPlayerView }{v}, err
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

func exampleAdminPlayer() muster.AdminPlayerView {
	at := exampleTime()
	return muster.AdminPlayerView{
		ID: examplePlayer, Status: "active", DisplayName: "Ada", CreatedAt: &at,
		Ways:      []muster.AdminWayIn{{Provider: "guest", LinkedAt: at}},
		SignIns:   []muster.SignInView{{ID: "0199c0de-0000-7000-8000-00000000b001", OpenedAt: &at, ExpiresAt: at.Add(30 * 24 * time.Hour), Device: "Game/1.2"}},
		Ratings:   []muster.RatingView{{Mode: exampleMode, Skill: 1560, Mu: 26, Sigma: 7.1, Games: 12, Wins: 8, Losses: 4}},
		Slot:      &muster.AdminSlotView{Kind: "ticket", TicketID: exampleTicketID},
		Documents: []muster.DocumentView{{Namespace: "settings", Bytes: 13, ETag: "3-9f86d081884c", Writable: true}},
		Matches:   []muster.AdminPlayerGame{{SessionID: exampleSession, Mode: exampleMode, EndedAt: at, Outcome: muster.Win, SkillBefore: new(1500), SkillAfter: new(1532)}},
	}
}
