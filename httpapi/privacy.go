package httpapi

import (
	"context"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"muster"
)

// Privacy gives players what is kept of them, and takes it away; *muster.Backend has it.
type Privacy interface {
	// Export gathers all that is kept of the caller; write writes it as one JSON
	// document.
	Export(ctx context.Context, me muster.PlayerID) (write func(w io.Writer) error, err error)
	DeleteAccount(ctx context.Context, me muster.PlayerID) error
}

type deletionInput struct {
	Proof string `header:"Muster-Proof" required:"true" minLength:"1" maxLength:"1024" doc:"The newest refresh token, or a guest's id and secret joined by a dot" example:"0199c0de-0000-7000-8000-00000000a001.4Yk1mXn0Zb5dW3tqvR7sJ2cL9fHgPaEuTz8oKiMw6xQ"`
}

// privacyRoutes serve a player's export, and the deletion of an account where proofs can
// be checked.
func (s *server) privacyRoutes() {
	if s.Privacy == nil {
		return
	}
	handle(s, operation{
		method: http.MethodGet, path: "/v1/players/me/export", id: "exportMe", tag: "players",
		summary:     "Get all that is kept of me",
		description: "One JSON document: account, profile, identities, sign-ins, consents of platforms (not their secrets), a ban, documents, ratings, what I am doing, every match, and everything that was recorded, also of players who became part of me. It is streamed: if it breaks off, the connection does too.",
		need:        needPlayer, refusals: []int{http.StatusNotFound}, streamed: true,
		example: map[string]any{
			"exportedAt": exampleTime(), "account": map[string]any{"id": examplePlayer, "createdAt": exampleTime()},
			"profile":    map[string]any{"displayName": "Ada"},
			"identities": []any{map[string]any{"provider": "guest", "subject": "0199c0de-0000-7000-8000-00000000a001", "linkedAt": exampleTime()}},
			"signIns":    []any{}, "documents": map[string]any{"settings": map[string]any{"volume": 0.5}}, "ratings": map[string]any{},
			"activity": nil, "ticket": nil, "seat": nil, "party": nil, "invites": []any{}, "matches": []any{},
			"audit": []any{map[string]any{"at": exampleTime(), "event": "linked", "by": "player", "actor": examplePlayer, "from": "192.0.2.7", "device": "Game/1.2"}},
		},
	}, s.export)
	if s.Prove == nil {
		return
	}
	handle(s, operation{
		method: http.MethodDelete, path: "/v1/players/me", id: "deleteMe", tag: "players",
		summary: "Delete my account",
		description: "For good, and at once: sign-ins, identities and name are gone with the answer, everything else within minutes. " +
			"Other players' histories show somebody without a name in my place. An access token alone does not do: " +
			"the header Muster-Proof holds the newest refresh token, or a guest's id and secret joined by a dot; 403 proof.invalid.",
		need: needPlayer, status: http.StatusNoContent, refusals: []int{http.StatusNotFound},
	}, s.deleteMe)
}

func (s *server) deleteMe(ctx context.Context, in *deletionInput) (*struct{}, error) {
	caller, _ := muster.CallerFrom(ctx) // the route needs a player
	if err := s.Prove(ctx, caller, in.Proof); err != nil {
		return nil, err
	}
	return nil, s.Privacy.DeleteAccount(ctx, caller.Player)
}

func (s *server) export(ctx context.Context, _ *struct{}) (*huma.StreamResponse, error) {
	write, err := s.Privacy.Export(ctx, me(ctx))
	if err != nil {
		return nil, err
	}
	return s.streamedExport(ctx, write), nil
}

// streamedExport is the answer that an export is written to.
func (s *server) streamedExport(ctx context.Context, write func(io.Writer) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(out huma.Context) {
		out.SetHeader("Content-Type", "application/json")
		out.SetHeader("Content-Disposition", `attachment; filename="export.json"`)
		if err := write(out.BodyWriter()); err != nil {
			_ = s.fail(ctx, err)        // the answer has begun: it only logs
			panic(http.ErrAbortHandler) // half a document must not look like a whole one
		}
	}}
}
