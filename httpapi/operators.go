package httpapi

import (
	"context"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"muster"
)

// PlayerDesk is what operators do for a player who asks for it; *muster.Backend has it.
type PlayerDesk interface {
	FindPlayers(ctx context.Context, search muster.PlayerSearch) (muster.FoundPlayers, error)
	// ExportPlayer gathers all that is kept of a player; write writes it as one JSON document.
	ExportPlayer(ctx context.Context, p muster.PlayerID) (write func(w io.Writer) error, err error)
	DeletePlayer(ctx context.Context, p muster.PlayerID) error
}

// Everyone ends all sign-ins of all players, for operators; *muster.Backend does.
type Everyone interface {
	SignOutEveryone(ctx context.Context) (muster.EveryoneView, error)
	EveryoneSignedOut(ctx context.Context) (muster.EveryoneView, error)
	// OperatorTrail is what operators did that is in no player's records.
	OperatorTrail(ctx context.Context, limit int, before string) (muster.AuditPage, error)
}

// operatorBody is the body of calls that want nothing else, and may be left out.
type operatorBody struct {
	Operator string `json:"operator,omitempty" maxLength:"100" doc:"Who says so; recorded, the player is not told" example:"kim"`
}

type operatorInput struct {
	ID   muster.PlayerID `path:"id" minLength:"1" maxLength:"128" doc:"Id of a player" example:"0199c0de-0000-7000-8000-000000000001"`
	Body *operatorBody
}

// asked is the context of the call with the operator's name.
func (in *operatorInput) asked(ctx context.Context) (context.Context, error) {
	if in.Body == nil {
		return ctx, nil
	}
	return muster.WithOperator(ctx, in.Body.Operator)
}

// operatorDeletion is a call without a body, whose operator stands in a header: URLs are kept in
// access logs.
type operatorDeletion struct {
	ID       muster.PlayerID `path:"id" minLength:"1" maxLength:"128" doc:"Id of a player" example:"0199c0de-0000-7000-8000-000000000001"`
	Operator string          `header:"Muster-Operator" maxLength:"100" doc:"Who says so; recorded" example:"kim"`
}

type searchInput struct {
	Body struct {
		Email       string          `json:"email,omitempty" maxLength:"1016" doc:"Of a way in by e-mail and password" example:"ann@example.com"`
		Provider    string          `json:"provider,omitempty" maxLength:"100" doc:"As your configuration names it; a guest's is guest" example:"steam"`
		Subject     string          `json:"subject,omitempty" maxLength:"2048" doc:"What the provider calls the player" example:"76561197960287930"`
		DisplayName string          `json:"displayName,omitempty" maxLength:"200" doc:"Where names are unique or have numbers; Ada#0042 finds one, Ada all" example:"Ada"`
		ID          muster.PlayerID `json:"id,omitempty" maxLength:"128" example:"0199c0de-0000-7000-8000-000000000001"`

		Operator string `json:"operator,omitempty" maxLength:"100" doc:"Who looks; recorded with each player found" example:"kim"`
	}
}

// playerDeskRoutes let operators find players, and do for them what the law gives them.
func (s *server) playerDeskRoutes() {
	if s.Desk == nil {
		return
	}
	handle(s, operation{
		method: http.MethodPost, path: "/v1/admin/players/search", id: "findPlayers", tag: "operate",
		summary: "Find a player",
		description: "By one of: email, provider with subject, displayName, id. Only the whole of it finds anybody, and an empty list says that nobody is found. Subjects are masked. " +
			"It is a POST so that no address is in a URL. Each look is recorded: with the player who was found, or in GET /v1/admin/audit. note names the configured providers where the one asked for is none of them. 400 search.names: names are not unique here, so nobody is found by one; ask for the id, or the match. Names that players did not choose (Player-4B6FD) find nobody.",
		need: needAdmin, bodyLimit: s.BodyLimit, strict: true, example: exampleFound(),
	}, s.findPlayers)
	handle(s, operation{
		method: http.MethodPost, path: "/v1/admin/players/{id}/export", id: "exportPlayer", tag: "operate",
		summary:     "Get all that is kept of a player",
		description: "The document of GET /v1/players/me/export, for a player who asks for it by letter. Make sure that it is theirs. It is recorded. 409 player.merged: it is part of another player, whom mergedInto names.",
		need:        needAdmin, refusals: []int{http.StatusNotFound, http.StatusConflict}, bodyLimit: s.BodyLimit, strict: true, streamed: true,
		example: map[string]any{"exportedAt": exampleTime(), "account": map[string]any{"id": examplePlayer, "createdAt": exampleTime()}, "matches": []any{}},
	}, s.exportPlayer)
	handle(s, operation{
		method: http.MethodDelete, path: "/v1/admin/players/{id}", id: "deletePlayer", tag: "operate",
		summary: "Delete a player's account",
		description: "As DELETE /v1/players/me, for a player who asks for it by letter: for good, and at once. Sign-ins, identities and name are gone with the answer, everything else within minutes. " +
			"A ban ends with the account. What stays is that it was deleted, and by which operator. 409 player.merged, as for an export.",
		need: needAdmin, status: http.StatusNoContent, refusals: []int{http.StatusNotFound, http.StatusConflict},
	}, func(ctx context.Context, in *operatorDeletion) (*struct{}, error) {
		ctx, err := muster.WithOperator(ctx, in.Operator)
		if err != nil {
			return nil, err
		}
		return nil, s.Desk.DeletePlayer(ctx, in.ID)
	})
}

func (s *server) findPlayers(ctx context.Context, in *searchInput) (*struct{ Body muster.FoundPlayers }, error) {
	b := in.Body
	ctx, err := muster.WithOperator(ctx, b.Operator)
	if err != nil {
		return nil, err
	}
	found, err := s.Desk.FindPlayers(ctx, muster.PlayerSearch{Email: b.Email, Provider: b.Provider, Subject: b.Subject, DisplayName: b.DisplayName, ID: b.ID})
	return &struct{ Body muster.FoundPlayers }{found}, err
}

func (s *server) exportPlayer(ctx context.Context, in *operatorInput) (*huma.StreamResponse, error) {
	ctx, err := in.asked(ctx)
	if err != nil {
		return nil, err
	}
	write, err := s.Desk.ExportPlayer(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.streamedExport(ctx, write), nil
}

type everyoneInput struct {
	Body struct {
		Confirm  string `json:"confirm" enum:"sign out everyone" doc:"These words, so that nobody does it by mistake" example:"sign out everyone"`
		Operator string `json:"operator,omitempty" maxLength:"100" doc:"Who says so; recorded" example:"kim"`
	}
}

type everyoneOutput struct{ Body muster.EveryoneView }

type operatorTrailInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many at most"`
	Before string `query:"before" maxLength:"200" doc:"As next of the page before"`
}

// everyoneRoutes let operators end all sign-ins of all players.
func (s *server) everyoneRoutes() {
	if s.Everyone == nil {
		return
	}
	handle(s, operation{
		method: http.MethodPost, path: "/v1/admin/sign-out-everyone", id: "signEveryoneOut", tag: "operate",
		summary: "Sign all players out everywhere",
		description: "All sign-ins of all players end at once: refresh tokens are refused (401 refresh.invalid), access tokens too (401 token.revoked), sockets close with 4011. Players may sign in again; all of them will, at about the same time. " +
			"Keys of game servers and operators stay good. The answer says since when a sign-in counts: the end of the running second, before which a sign-in answers 429 signin.too_soon.",
		need: needAdmin, bodyLimit: s.BodyLimit, strict: true, example: exampleEveryone(),
	}, func(ctx context.Context, in *everyoneInput) (*everyoneOutput, error) {
		ctx, err := muster.WithOperator(ctx, in.Body.Operator)
		if err != nil {
			return nil, err
		}
		made, err := s.Everyone.SignOutEveryone(ctx)
		return &everyoneOutput{made}, err
	})
	handle(s, operation{
		method: http.MethodGet, path: "/v1/admin/sign-out-everyone", id: "everyoneSignedOut", tag: "operate",
		summary: "When all players were signed out for the last time",
		need:    needAdmin, example: exampleEveryone(),
	}, func(ctx context.Context, _ *struct{}) (*everyoneOutput, error) {
		latest, err := s.Everyone.EveryoneSignedOut(ctx)
		return &everyoneOutput{latest}, err
	})
	handle(s, operation{
		method: http.MethodGet, path: "/v1/admin/audit", id: "operatorAudit", tag: "operate",
		summary:     "What operators did that is in no player's records",
		description: "Signing everyone out, and looking for players whom there are not; the latest first, kept for 400 days. What they did to a player is in the player's.",
		need:        needAdmin, example: muster.AuditPage{Entries: []muster.AuditView{{At: exampleTime(), Event: muster.AuditEveryoneOut, By: "operator", Actor: "c6a33eb373511a44", From: "192.0.2.9", Detail: map[string]string{"operator": "kim"}}}},
	}, func(ctx context.Context, in *operatorTrailInput) (*struct{ Body muster.AuditPage }, error) {
		page, err := s.Everyone.OperatorTrail(ctx, in.Limit, in.Before)
		return &struct{ Body muster.AuditPage }{page}, err
	})
}

func exampleEveryone() muster.EveryoneView {
	at := exampleTime()
	return muster.EveryoneView{At: &at, By: "c6a33eb373511a44", Operator: "kim"}
}

func exampleFound() muster.FoundPlayers {
	at := exampleTime()
	return muster.FoundPlayers{Players: []muster.FoundPlayerView{{
		ID: examplePlayer, Status: "active", DisplayName: "Ada", CreatedAt: &at, LastSeenAt: &at,
		WaysIn: []muster.FoundWayView{{Provider: "email", Subject: "a***@example.com", LinkedAt: at}},
	}}}
}
