package httpapi

import (
	"context"
	"net/http"

	"muster"
)

// Links is a player's ways in. shown is what the caller shows besides the access token;
// empty: nothing. Errors are *muster.Error.
type Links interface {
	Links(ctx context.Context, caller muster.Caller) (muster.LinksView, error)
	Link(ctx context.Context, caller muster.Caller, provider string, proof muster.Proof, shown string) (muster.LinksView, error)
	Unlink(ctx context.Context, caller muster.Caller, provider, shown string) (muster.LinksView, error)
	Merge(ctx context.Context, caller muster.Caller, other muster.OtherPlayer, shown string) (muster.LinksView, error)
}

// freshHelp explains what calls need that change the ways in.
const freshHelp = "Needs a sign-in of the last five minutes, or a guest's id and secret in the header Muster-Proof; 403 signin.not_fresh."

type mergeBody struct {
	Provider     string           `json:"provider,omitempty" maxLength:"32" doc:"Together with proof" example:"google"`
	Proof        *proofBody       `json:"proof,omitempty"`
	Guest        *guestCredential `json:"guest,omitempty"`
	RefreshToken string           `json:"refreshToken,omitempty" maxLength:"1024" doc:"The newest of a sign-in of the other player, at most five minutes old"`
}

func (m *mergeBody) other() (muster.OtherPlayer, error) {
	other := muster.OtherPlayer{Provider: m.Provider, RefreshToken: m.RefreshToken}
	ways := 0
	if m.Provider != "" && m.Proof != nil {
		other.Proof = m.Proof.proof()
		ways++
	}
	if m.Guest != nil {
		other.Guest = &muster.Guest{ID: m.Guest.ID, Secret: m.Guest.Secret}
		ways++
	}
	if m.RefreshToken != "" {
		ways++
	}
	if ways != 1 || (m.Provider == "") != (m.Proof == nil) {
		return muster.OtherPlayer{}, muster.Errorf(muster.Invalid, "merge.one_proof", "send one of: provider with proof, guest, refreshToken")
	}
	return other, nil
}

func (s *server) linkRoutes() {
	if s.Links == nil {
		return
	}
	handle(s, operation{
		method: http.MethodGet, path: "/v1/auth/links", id: "links", tag: "auth",
		summary:     "List my ways in",
		description: "In the order in which they became mine, with the players who were merged into me.",
		need:        needPlayer, refusals: []int{http.StatusNotFound}, example: exampleLinks(false),
	}, s.links)
	handle(s, operation{
		method: http.MethodPost, path: "/v1/auth/links/{provider}", id: "link", tag: "auth",
		summary: "Link another way in",
		description: "The body is a proof, as for a sign-in. An identity that is mine already is a success. 409 identity.in_use: another player signs in with it; offers says what can be done. " +
			"When a guest gains the first other way in, the guest's secret is replaced: the new one is in the answer, this once, and the old one is void. " + freshHelp,
		need: needPlayer, refusals: []int{http.StatusNotFound, http.StatusConflict}, bodyLimit: s.BodyLimit,
		requestExample: exampleProof(), example: exampleLinks(true),
	}, s.link)
	handle(s, operation{
		method: http.MethodDelete, path: "/v1/auth/links/{provider}", id: "unlink", tag: "auth",
		summary: "Unlink a way in",
		description: "One that is not linked is a success. 409 identity.last: the last way in stays. 409 identity.guest_unproven: only the guest would be left, " +
			"which takes the guest's id and secret in Muster-Proof. Sign-ins that were opened by it end, but for the one that asks. " + freshHelp,
		need: needPlayer, refusals: []int{http.StatusNotFound, http.StatusConflict}, example: exampleLinks(false),
	}, s.unlink)
	handle(s, operation{
		method: http.MethodPost, path: "/v1/auth/merge", id: "merge", tag: "auth",
		summary: "Merge another player into me",
		description: "Both are proven in one request: me by the access token, the other by the body, in one of three ways. The other's identities become mine, its guest and sign-ins end. " +
			"My name, ratings and places stay; documents that only the other has become mine where the configuration says so. It cannot be undone. " +
			"409 merge.busy: the other plays or is in a party; 409 merge.both_have: unlink one of the providers first; 404 merge.nobody: nobody signs in with this, link it. " + freshHelp,
		need: needPlayer, refusals: []int{http.StatusNotFound, http.StatusConflict}, bodyLimit: s.BodyLimit, strict: true,
		requestExample: map[string]any{"provider": "google", "proof": exampleProof()}, example: exampleLinks(true),
	}, s.merge)
}

type linksAnswer struct{ Body muster.LinksView }

func (s *server) links(ctx context.Context, _ *struct{}) (*linksAnswer, error) {
	caller, _ := muster.CallerFrom(ctx) // the route needs a player
	view, err := s.Links.Links(ctx, caller)
	return &linksAnswer{view}, err
}

type linkInput struct {
	Provider string `path:"provider" minLength:"1" maxLength:"32" doc:"As GET /v1/auth/providers lists it" example:"google"`
	Shown    string `header:"Muster-Proof" maxLength:"1024" doc:"A guest's id and secret joined by a dot" example:"0199c0de-0000-7000-8000-00000000a001.4Yk1mXn0Zb5dW3tqvR7sJ2cL9fHgPaEuTz8oKiMw6xQ"`
	Body     proofBody
}

func (s *server) link(ctx context.Context, in *linkInput) (*linksAnswer, error) {
	if err := s.refuseNoWay(ctx, in.Provider); err != nil {
		return nil, err
	}
	caller, _ := muster.CallerFrom(ctx) // the route needs a player
	view, err := s.Links.Link(ctx, caller, in.Provider, in.Body.proof(), in.Shown)
	return &linksAnswer{view}, err
}

type unlinkInput struct {
	Provider string `path:"provider" minLength:"1" maxLength:"32" doc:"As GET /v1/auth/links lists it" example:"google"`
	Shown    string `header:"Muster-Proof" maxLength:"1024" doc:"A guest's id and secret joined by a dot" example:"0199c0de-0000-7000-8000-00000000a001.4Yk1mXn0Zb5dW3tqvR7sJ2cL9fHgPaEuTz8oKiMw6xQ"`
}

func (s *server) unlink(ctx context.Context, in *unlinkInput) (*linksAnswer, error) {
	caller, _ := muster.CallerFrom(ctx) // the route needs a player
	view, err := s.Links.Unlink(ctx, caller, in.Provider, in.Shown)
	return &linksAnswer{view}, err
}

type mergeInput struct {
	Shown string `header:"Muster-Proof" maxLength:"1024" doc:"A guest's id and secret joined by a dot" example:"0199c0de-0000-7000-8000-00000000a001.4Yk1mXn0Zb5dW3tqvR7sJ2cL9fHgPaEuTz8oKiMw6xQ"`
	Body  mergeBody
}

func (s *server) merge(ctx context.Context, in *mergeInput) (*linksAnswer, error) {
	other, err := in.Body.other()
	if err != nil {
		return nil, err
	}
	caller, _ := muster.CallerFrom(ctx) // the route needs a player
	view, err := s.Links.Merge(ctx, caller, other, in.Shown)
	return &linksAnswer{view}, err
}

func exampleLinks(rotated bool) muster.LinksView {
	const guest = "0199c0de-0000-7000-8000-00000000a001"
	view := muster.LinksView{Links: []muster.LinkView{
		{Provider: "guest", Subject: guest, LinkedAt: exampleTime()}, {Provider: "google", Subject: "10769150350006150715113082367", LinkedAt: exampleTime()},
	}}
	if rotated {
		view.Guest = &muster.Guest{ID: guest, Secret: "4Yk1mXn0Zb5dW3tqvR7sJ2cL9fHgPaEuTz8oKiMw6xQ"}
	}
	return view
}
