package httpapi

import (
	"context"
	"net/http"
	"strings"

	"muster"
)

// callerOf is who a request speaks for. A token or a key wins over a signature: it says more,
// and who shows a bad one hears so.
func (s *server) callerOf(ctx context.Context, r *http.Request, verifiers muster.Verifiers) (muster.Caller, error) {
	shown := r.Header.Values("Authorization")
	if s.Signed != nil && isSignature(shown) {
		if caller, signed, err := s.Signed(ctx); signed {
			return caller, err
		}
	}
	return verifiers.Authorization(ctx, shown)
}

// isSignature says that an Authorization header holds AWS's signature and nothing else, or
// that there is none: the signature may be in the query.
func isSignature(shown []string) bool {
	return len(shown) == 0 || len(shown) == 1 && strings.HasPrefix(shown[0], "AWS4-")
}
