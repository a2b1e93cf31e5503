package httpapi

import (
	"context"
	"net/http"
	"time"

	"muster"
)

// Bans keep players out, for operators; *muster.Backend has them.
type Bans interface {
	Ban(ctx context.Context, p muster.PlayerID, req muster.BanRequest) (muster.BanView, error)
	Unban(ctx context.Context, p muster.PlayerID) error
	SignPlayerOut(ctx context.Context, p muster.PlayerID) error
	AuditTrail(ctx context.Context, p muster.PlayerID, limit int, before string) (muster.AuditPage, error)
}

type banBody struct {
	Reason string     `json:"reason" minLength:"1" maxLength:"800" doc:"The player is told; up to 200 characters" example:"aimbot"`
	Until  *time.Time `json:"until,omitempty" doc:"Absent: for good" example:"2026-12-24T00:00:00Z"`

	Operator string `json:"operator,omitempty" maxLength:"100" doc:"Who says so; kept with the ban, the player is not told" example:"kim"`
}

type banInput struct {
	ID   muster.PlayerID `path:"id" minLength:"1" maxLength:"128" doc:"Id of a player" example:"0199c0de-0000-7000-8000-000000000001"`
	Body banBody
}

type auditInput struct {
	ID     muster.PlayerID `path:"id" minLength:"1" maxLength:"128" doc:"Id of a player" example:"0199c0de-0000-7000-8000-000000000001"`
	Limit  int             `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many at most"`
	Before string          `query:"before" maxLength:"200" doc:"As next of the page before"`
}

// banRoutes let operators keep players out, sign them out, and read what happened to their
// accounts.
func (s *server) banRoutes() {
	if s.Bans == nil {
		return
	}
	handle(s, operation{
		method: http.MethodPost, path: "/v1/admin/players/{id}/ban", id: "banPlayer", tag: "operate",
		summary: "Ban a player",
		description: "At once, whatever identity they come with: sign-ins end, access tokens are refused, sockets close with 4012, tickets and placements are withdrawn, the party and the seat are free. " +
			"Signing in answers 403 account.banned with until and reason. A ban takes the place of an earlier one. 409 player.merged: it is part of another player, whom mergedInto names.",
		need: needAdmin, refusals: []int{http.StatusNotFound, http.StatusConflict}, bodyLimit: s.BodyLimit, strict: true, example: exampleBan(),
	}, s.banPlayer)
	handle(s, operation{
		method: http.MethodPost, path: "/v1/admin/players/{id}/unban", id: "unbanPlayer", tag: "operate",
		summary:     "Lift a ban",
		description: "The player may sign in again. Who is not banned stays so. 409 player.merged, as for a ban.",
		need:        needAdmin, status: http.StatusNoContent, refusals: []int{http.StatusNotFound, http.StatusConflict}, bodyLimit: s.BodyLimit, strict: true,
	}, func(ctx context.Context, in *operatorInput) (*struct{}, error) {
		ctx, err := in.asked(ctx)
		if err != nil {
			return nil, err
		}
		return nil, s.Bans.Unban(ctx, in.ID)
	})
	handle(s, operation{
		method: http.MethodPost, path: "/v1/admin/players/{id}/sign-out", id: "signPlayerOut", tag: "operate",
		summary:     "Sign a player out everywhere",
		description: "All sign-ins end at once. The player may sign in again. 409 player.merged, as for a ban.",
		need:        needAdmin, status: http.StatusNoContent, refusals: []int{http.StatusNotFound, http.StatusConflict}, bodyLimit: s.BodyLimit, strict: true,
	}, func(ctx context.Context, in *operatorInput) (*struct{}, error) {
		ctx, err := in.asked(ctx)
		if err != nil {
			return nil, err
		}
		return nil, s.Bans.SignPlayerOut(ctx, in.ID)
	})
	handle(s, operation{
		method: http.MethodGet, path: "/v1/admin/players/{id}/audit", id: "playerAudit", tag: "operate",
		summary:     "What happened to a player's account",
		description: "Sign-ins from new devices, tokens used twice, links, bans and the like, the latest first; kept for 400 days. Of a deleted player only the deletion.",
		need:        needAdmin, refusals: []int{http.StatusNotFound}, example: exampleAudit(),
	}, func(ctx context.Context, in *auditInput) (*struct{ Body muster.AuditPage }, error) {
		page, err := s.Bans.AuditTrail(ctx, in.ID, in.Limit, in.Before)
		return &struct{ Body muster.AuditPage }{page}, err
	})
}

func (s *server) banPlayer(ctx context.Context, in *banInput) (*struct{ Body muster.BanView }, error) {
	req := muster.BanRequest{Reason: in.Body.Reason, Operator: in.Body.Operator}
	if in.Body.Until != nil {
		req.Until = *in.Body.Until
	}
	ctx, err := muster.WithOperator(ctx, in.Body.Operator)
	if err != nil {
		return nil, err
	}
	made, err := s.Bans.Ban(ctx, in.ID, req)
	return &struct{ Body muster.BanView }{made}, err
}

func exampleBan() muster.BanView {
	until := exampleTime().Add(30 * 24 * time.Hour)
	return muster.BanView{At: exampleTime(), Until: &until, Reason: "aimbot", By: "c6a33eb373511a44", Operator: "kim"}
}

func exampleAudit() muster.AuditPage {
	return muster.AuditPage{Entries: []muster.AuditView{{
		At: exampleTime(), Event: muster.AuditBanned, By: "operator", Actor: "c6a33eb373511a44", From: "192.0.2.9",
		Detail: map[string]string{"reason": "aimbot"},
	}}}
}
