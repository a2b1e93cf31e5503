package httpapi

import (
	"net/http"
	"net/url"
	"regexp"
)

// bareSessionPath is the path of a session whose id, an ARN, has lost its escapes on the way:
// "arn:aws:gamelift:REGION::gamesession/FLEET/ID". Source: GameLift API reference, GameSession.
var bareSessionPath = regexp.MustCompile(`^(/v1/(?:server/|admin/)?sessions/)(arn:[^/]+/[^/]+/[^/]+)(/.*)?$`)

// WholeSessionIDs puts back the escapes of session ids in paths, where something before us
// takes them out: HTTP APIs of Amazon API Gateway do.
func WholeSessionIDs(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if parts := bareSessionPath.FindStringSubmatch(r.URL.EscapedPath()); parts != nil {
			if id, err := url.PathUnescape(parts[2]); err == nil {
				whole := *r.URL
				whole.RawPath = parts[1] + url.PathEscape(id) + parts[3]
				r = r.Clone(r.Context())
				r.URL = &whole
			}
		}
		next.ServeHTTP(w, r)
	})
}
