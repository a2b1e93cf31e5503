package httpapi

import (
	"context"
	"net/http"
)

// Heralds hear what platforms say of their accounts. Errors are *muster.Error; an unknown
// provider is NotFound.
type Heralds interface {
	Hear(ctx context.Context, provider, payload string) error
}

type heraldInput struct {
	Provider string `path:"provider" minLength:"1" maxLength:"32" doc:"As GET /v1/auth/providers lists it" example:"apple"`
	Body     struct {
		Payload string `json:"payload" minLength:"1" maxLength:"16384" doc:"What the platform signed" example:"eyJraWQiOiJBQkMxMjMiLCJhbGciOiJSUzI1NiJ9.eyJldmVudHMiOiJ7fSJ9.c2lnbmF0dXJl"`
	}
}

// heraldRoutes are what platforms call, not clients.
func (s *server) heraldRoutes() {
	if s.Heralds == nil {
		return
	}
	handle(s, operation{
		method: http.MethodPost, path: "/v1/auth/notifications/{provider}", id: "notification", tag: "auth",
		summary: "Hear from a platform",
		description: "For platforms, not for clients: the address to give to Apple for its server-to-server notifications. The payload is signed by the platform. " +
			"When an account is deleted there, or takes its consent back, all sign-ins of its player end. What was heard before is taken again and does nothing.",
		status: http.StatusNoContent, refusals: []int{http.StatusUnauthorized, http.StatusNotFound}, bodyLimit: s.BodyLimit,
	}, func(ctx context.Context, in *heraldInput) (*struct{}, error) {
		return nil, s.Heralds.Hear(ctx, in.Provider, in.Body.Payload)
	})
}
