package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"muster"
)

// Logins signs players in by what others vouch for. Errors are *muster.Error; an unknown
// provider is NotFound.
type Logins interface {
	// Providers lists what is switched on, by name.
	Providers() []muster.ProviderView
	// NewNonce gives out a value that a client has its platform put into a proof.
	NewNonce(ctx context.Context) (nonce string, ttl time.Duration, err error)
	// Login signs in whoever the proof is about, and makes the player when they are new.
	Login(ctx context.Context, provider string, proof muster.Proof) (muster.Grant, error)
}

// proofBody is a proof as clients send it.
type proofBody struct {
	Token        string            `json:"token,omitempty" maxLength:"16384" doc:"An ID token, an access token, or a ticket in hexadecimal" example:"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMDc2OSJ9.c2lnbmF0dXJl"`
	Code         string            `json:"code,omitempty" maxLength:"4096" doc:"An authorization code"`
	RedirectURI  string            `json:"redirectUri,omitempty" maxLength:"4096" doc:"The one that the code was made for"`
	CodeVerifier string            `json:"codeVerifier,omitempty" maxLength:"128" doc:"Of PKCE, RFC 7636"`
	Nonce        string            `json:"nonce,omitempty" maxLength:"128" doc:"As POST /v1/auth/nonce gave it out" example:"Zb5dW3tqvR7sJ2cL9fHgPaEu4Yk1mXn0Rw6xTz8oKiM"`
	Fields       map[string]string `json:"fields,omitempty" maxProperties:"16" doc:"What only this provider asks for"`
}

func (p *proofBody) proof() muster.Proof {
	return muster.Proof{Token: p.Token, Code: p.Code, RedirectURI: p.RedirectURI, CodeVerifier: p.CodeVerifier, Nonce: p.Nonce, Fields: p.Fields}
}

type providerList struct {
	Providers []muster.ProviderView `json:"providers"`
}

type nonceAnswer struct {
	Nonce            string `json:"nonce" doc:"Works once" example:"Zb5dW3tqvR7sJ2cL9fHgPaEu4Yk1mXn0Rw6xTz8oKiM"`
	ExpiresInSeconds int    `json:"expiresInSeconds" example:"300"`
}

// proofRefusals are the answers to a proof that does not do.
var proofRefusals = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}

func (s *server) loginRoutes() {
	if s.Logins == nil {
		return
	}
	handle(s, operation{
		method: http.MethodGet, path: "/v1/auth/providers", id: "providers", tag: "auth",
		summary:     "List the ways in",
		description: "What is switched on besides guests. Proofs lists what each takes: one of the lists of members must be sent whole.",
		example:     providerList{[]muster.ProviderView{{Name: "google", Kind: "google", Proofs: [][]string{{"token", "nonce"}}}}},
	}, s.listProviders)
	handle(s, operation{
		method: http.MethodPost, path: "/v1/auth/nonce", id: "nonce", tag: "auth",
		summary:     "Get a nonce for a proof",
		description: "For providers whose proofs take one: the platform puts it, or its SHA-256, into what it signs.",
		status:      http.StatusCreated,
		example:     nonceAnswer{Nonce: "Zb5dW3tqvR7sJ2cL9fHgPaEu4Yk1mXn0Rw6xTz8oKiM", ExpiresInSeconds: 300},
	}, s.newNonce)
	handle(s, operation{
		method: http.MethodPost, path: "/v1/auth/login/{provider}", id: "login", tag: "auth",
		summary: "Sign in with a provider",
		description: "The body is a proof of the platform, with the members that GET /v1/auth/providers lists. A player who is new is made. A proof works once: " +
			"401 credential.expired means to get another from the platform.",
		status: http.StatusCreated, alsoStatus: map[int]string{http.StatusOK: "The player was known"},
		refusals: proofRefusals, bodyLimit: s.BodyLimit,
		requestExample: exampleProof(), example: exampleGrant(false),
	}, s.login)
}

func (s *server) listProviders(context.Context, *struct{}) (*struct{ Body providerList }, error) {
	return &struct{ Body providerList }{providerList{notNil(s.Logins.Providers())}}, nil
}

func (s *server) newNonce(ctx context.Context, _ *struct{}) (*struct{ Body nonceAnswer }, error) {
	nonce, ttl, err := s.Logins.NewNonce(ctx)
	return &struct{ Body nonceAnswer }{nonceAnswer{Nonce: nonce, ExpiresInSeconds: int(ttl / time.Second)}}, err
}

type loginInput struct {
	Provider  string `path:"provider" minLength:"1" maxLength:"32" doc:"As GET /v1/auth/providers lists it" example:"google"`
	UserAgent string `header:"User-Agent" hidden:"true"`
	Body      proofBody
}

func (s *server) login(ctx context.Context, in *loginInput) (*grantAnswer, error) {
	if err := s.refuseNoWay(ctx, in.Provider); err != nil {
		return nil, err
	}
	grant, err := s.Logins.Login(muster.WithDevice(ctx, in.UserAgent), in.Provider, in.Body.proof())
	if err != nil {
		return nil, err
	}
	status := http.StatusOK
	if grant.Created {
		status = http.StatusCreated
	}
	return &grantAnswer{Status: status, Body: grant}, nil
}

// refuseNoWay refuses a provider that is not switched on, and after that members that no
// proof has: they may be right for a way in that this backend has not.
func (s *server) refuseNoWay(ctx context.Context, provider string) error {
	if s.Logins == nil {
		return refuseUnknown(ctx)
	}
	isOn := func(way muster.ProviderView) bool { return way.Name == provider }
	switch on := slices.ContainsFunc(s.Logins.Providers(), isOn); {
	case on:
		return refuseUnknown(ctx)
	case provider == muster.GuestProvider:
		return muster.Errorf(muster.NotFound, "provider.unknown", "guests sign in at POST /v1/auth/guest")
	case provider == muster.EmailProvider:
		return muster.Errorf(muster.NotFound, "provider.unknown", passwordsOff)
	}
	return muster.Errorf(muster.NotFound, "provider.unknown", "there is no way in of this name: GET /v1/auth/providers lists them")
}

func exampleProof() proofBody {
	return proofBody{Token: "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMDc2OSJ9.c2lnbmF0dXJl", Nonce: "Zb5dW3tqvR7sJ2cL9fHgPaEu4Yk1mXn0Rw6xTz8oKiM"}
}
