package httpapi

import (
	"context"
	"net/http"
	"strings"

	"muster"
)

// signedKey is set in the context of a call that speaks for somebody by its signature.
type signedKey struct{}

// withCaller finds who a request speaks for, and says so in its context. A token or a key wins
// over a signature: it says more, and who shows a bad one hears so.
func (s *server) withCaller(ctx context.Context, r *http.Request, verifiers muster.Verifiers) (context.Context, muster.Caller, error) {
	shown := r.Header.Values("Authorization")
	if s.Signed != nil && isSignature(shown) {
		if caller, signed, err := s.Signed(ctx); signed {
			return muster.WithCaller(context.WithValue(ctx, signedKey{}, true), caller), caller, err
		}
	}
	caller, err := verifiers.Authorization(ctx, shown)
	return muster.WithCaller(ctx, caller), caller, err
}

// isSigned says that a call speaks for somebody by its signature.
func isSigned(ctx context.Context) bool { return ctx.Value(signedKey{}) != nil }

// isSignature says that an Authorization header holds AWS's signature and nothing else, or
// that there is none: the signature may be in the query.
func isSignature(shown []string) bool {
	return len(shown) == 0 || len(shown) == 1 && strings.HasPrefix(shown[0], "AWS4-")
}
