// Package httpapi serves Muster's REST interface under /v1, with its OpenAPI 3.1
// document at /openapi.json, and is the outer middleware of everything else that is
// served on the same address: request ids, access log, panic recovery, security
// headers, limits and authentication.
//
// Call New with Options; the result is an http.Handler that owns no goroutine and no
// connection. Handlers translate: what a player may do or see is decided by Play.
// Every refusal is application/problem+json (RFC 9457) with a stable "code".
//
// A long poll is held open for up to 30 seconds, so the server's write timeout must be
// longer than that.
//
// The package does not verify tokens (Options.Verify does), does not count how often
// anybody calls (Options.Calls does) and does not terminate TLS.
package httpapi

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"muster"
)

// Default limits of a request body, in bytes.
const (
	DefaultBodyLimit = 64 << 10
	DefaultSNSLimit  = 512 << 10 // an SNS message holds up to 256 KiB, and JSON quoting can double it
)

// Options says what the interface is made of. Play, Auth, Verify and VerifyServer are
// required; the zero value of everything else is documented.
type Options struct {
	Play Play
	Auth Auth

	// Verify turns an access token into its caller. An error is a *muster.Error.
	Verify func(ctx context.Context, token string) (muster.Caller, error)
	// VerifyServer turns a game server's key ("msk_...") into its caller.
	VerifyServer func(key string) (muster.Caller, error)

	// Signed says who a call speaks for that was signed with AWS credentials, where what stands
	// before us has checked the signature; signed is false where it was not. It is asked about
	// calls without an Authorization, or with a signature in it. Nil: no signature counts.
	Signed func(ctx context.Context) (c muster.Caller, signed bool, err error)

	Links     Links     // players link and merge them; nil: not served
	Logins    Logins    // ways in besides guest secrets; nil: not served
	Passwords Passwords // e-mail and password; nil: not served
	Factors   Factors   // second factors beside passwords; nil: not served
	Heralds   Heralds   // what platforms say of their accounts; nil: not served

	UserPool      UserPool      // a user pool of Amazon Cognito; nil: not served
	AWSIdentities AWSIdentities // AWS credentials for players; nil: not served
	// LoginServer lets a game server in by its AWS role. Nil: not served.
	LoginServer func(ctx context.Context, proof string) (muster.ServerGrant, error)

	Profiles  Profiles  // players change their profiles; nil: not served
	Documents Documents // what is stored for players; nil: not served
	Privacy   Privacy   // exports, and deletions; nil: not served
	// Prove checks what a caller shows besides the access token. Nil: no account is
	// deleted here.
	Prove func(ctx context.Context, caller muster.Caller, proof string) error

	// Fresh refuses a caller who was not proven a moment ago, and shows no proof. Nil: any access
	// token ends the sign-ins of its player.
	Fresh func(ctx context.Context, caller muster.Caller, shown string) error

	// Admin answers operators, and VerifyAdmin turns an operator's key ("mak_...") into
	// its caller. Both nil: nothing is served under /v1/admin.
	Admin       Admin
	VerifyAdmin func(key string) (muster.Caller, error)
	// Inspect shows operators tickets; it needs VerifyAdmin. Nil: not served.
	Inspect Inspector

	// TakeFactorAway takes a lost second factor away, for operators. Without it, or without
	// VerifyAdmin, it is not served.
	TakeFactorAway func(ctx context.Context, p muster.PlayerID) error

	SignIns SignIns // players' devices; nil: not served
	Bans    Bans    // and audit records, for operators; it needs VerifyAdmin. Nil: not served

	// Desk is for what players ask of operators, and Everyone for what is done to all of them.
	// Both need VerifyAdmin. Nil: not served.
	Desk     PlayerDesk
	Everyone Everyone

	Parties Parties // nil: not served

	// Referee judges results for operators; it needs VerifyAdmin. Nil: not served.
	Referee Referee
	History History // nil: not served
	Boards  Boards  // nil: not served

	Rooms       Rooms       // nil: not served
	ServerRooms ServerRooms // nil: not served

	// JWKS and Configuration answer the two well-known documents; nil: not served.
	JWKS, Configuration func() []byte

	// SNS takes the body of one SNS message, verified or not; nil: not served. The
	// body is the receiver's to keep.
	SNS func(ctx context.Context, body []byte) error

	// Further routes are served behind the same middleware, by patterns of http.ServeMux. They
	// are no part of the interface: each looks after its callers and its errors itself.
	Further map[string]http.Handler

	Realtime http.Handler // GET /v1/realtime; nil: not served
	Pages    http.Handler // GET of whatever is not part of the interface; nil: 404

	// Ready says whether this replica can serve; nil: always.
	Ready func(ctx context.Context) error

	// Stopping is closed when the server begins to shut down, so that long polls
	// answer at once with what is known. Nil: they run to their end.
	Stopping <-chan struct{}

	Proxies Proxies // between clients and us; zero: none
	Calls   Calls   // limits how often anybody calls; nil: nobody is limited

	// AllowedOrigins are the other origins ("https://game.example") whose pages may
	// call; empty: none.
	AllowedOrigins []string

	BodyLimit int64 // bytes; 0: DefaultBodyLimit
	SNSLimit  int64 // bytes; 0: DefaultSNSLimit

	Version string           // shown in the OpenAPI document; "": "1"
	Log     *slog.Logger     // nil: silent
	Now     func() time.Time // nil: time.Now
	NewID   func() string    // request ids; nil: random text
}

// server is the state shared by all handlers; it does not change after New.
type server struct {
	Options
	mux     *http.ServeMux
	api     huma.API
	openAPI []byte
	origins map[string]bool

	unknownProxy onceWarned
}

// New builds the handler. It panics when a required option is missing, since that is
// a mistake in the program that wires it.
func New(o Options) http.Handler {
	if o.Play == nil || o.Auth == nil || o.Verify == nil || o.VerifyServer == nil {
		panic("httpapi: Play, Auth, Verify and VerifyServer are required")
	}
	if (o.Admin == nil) != (o.VerifyAdmin == nil) || (o.Inspect != nil || o.Referee != nil || o.Bans != nil || o.Desk != nil || o.Everyone != nil) && o.VerifyAdmin == nil {
		panic("httpapi: Admin and VerifyAdmin come together")
	}
	s := &server{Options: withDefaults(o), mux: http.NewServeMux(), origins: map[string]bool{}}
	for _, origin := range o.AllowedOrigins {
		s.origins[strings.ToLower(origin)] = true
	}
	s.api = newAPI(s.mux, s.Version)
	s.authRoutes()
	s.loginRoutes()
	s.heraldRoutes()
	s.linkRoutes()
	s.userPoolRoutes()
	s.awsRoutes()
	s.passwordRoutes()
	s.factorRoutes()
	s.profileRoutes()
	s.playerRoutes()
	s.dataRoutes()
	s.privacyRoutes()
	s.signInRoutes()
	s.banRoutes()
	s.playerDeskRoutes()
	s.everyoneRoutes()
	s.lostFactorRoutes()
	s.catalogueRoutes()
	s.ticketRoutes()
	s.explanationRoutes()
	s.partyRoutes()
	s.boardRoutes()
	s.sessionRoutes()
	s.serverSessionRoutes()
	s.inspectionRoutes()
	s.gameServerRoutes()
	s.resultRoutes()
	s.eventRoutes()
	s.systemRoutes()
	for pattern, handler := range s.Further {
		s.mux.Handle(pattern, handler)
	}
	s.openAPI = finishDocument(s.api)

	var h http.Handler = http.HandlerFunc(s.route)
	h = s.authenticate(h)
	h = s.crossOrigin(h)
	h = s.headers(h)
	h = s.recovered(h)
	return s.traced(h)
}

func withDefaults(o Options) Options {
	if o.BodyLimit == 0 {
		o.BodyLimit = DefaultBodyLimit
	}
	if o.SNSLimit == 0 {
		o.SNSLimit = DefaultSNSLimit
	}
	if o.Version == "" {
		o.Version = "1"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = rand.Text
	}
	if o.Ready == nil {
		o.Ready = func(context.Context) error { return nil }
	}
	return o
}

// route serves what the mux knows. The mux's own refusals are plain text, so an
// unknown path and a wrong method are answered here.
func (s *server) route(w http.ResponseWriter, r *http.Request) {
	h, pattern := s.mux.Handler(r)
	if pattern != "" && isClean(r.URL.EscapedPath()) {
		traceFrom(r.Context()).route = pattern
		s.mux.ServeHTTP(w, r)
		return
	}
	if pattern == "" {
		probe := probeWriter{header: http.Header{}}
		h.ServeHTTP(&probe, r)
		if probe.status == http.StatusMethodNotAllowed {
			allow := probe.header.Get("Allow")
			p := newProblem(http.StatusMethodNotAllowed, "route.method_not_allowed", "this path takes "+allow)
			p.header = http.Header{"Allow": {allow}}
			s.writeProblem(w, p)
			return
		}
	}
	isPage := !isAPIPath(r.URL.Path) && (r.Method == http.MethodGet || r.Method == http.MethodHead)
	if s.Pages != nil && isPage {
		traceFrom(r.Context()).route = "page"
		w.Header().Del("Content-Security-Policy") // pages bring their own
		w.Header().Del("Cache-Control")
		s.Pages.ServeHTTP(w, r)
		return
	}
	s.writeProblem(w, newProblem(http.StatusNotFound, "route.not_found", "there is nothing at this path"+pathHint(r.URL.EscapedPath())))
}

// pathHint tells whoever put a session's id into a path as it is, slashes included, what
// to do.
func pathHint(escaped string) string {
	for _, under := range []string{"/v1/sessions/", "/v1/server/sessions/", "/v1/admin/sessions/"} {
		if id, ok := strings.CutPrefix(escaped, under); ok && strings.HasPrefix(id, "arn:") {
			return "; percent-encode the session id: it is one segment of the path"
		}
	}
	return ""
}

// isAPIPath tells paths of the interface from paths of pages.
func isAPIPath(p string) bool {
	return p == "/v1" || strings.HasPrefix(p, "/v1/") || strings.HasPrefix(p, "/.well-known/")
}

// isClean reports whether the mux would serve an escaped path as it stands, instead
// of redirecting to one without dots and double slashes.
func isClean(escaped string) bool {
	if escaped == "" || escaped[0] != '/' {
		return false
	}
	clean := path.Clean(escaped)
	return clean == escaped || clean+"/" == escaped
}

// probeWriter learns what a handler would answer and sends nothing.
type probeWriter struct {
	header http.Header
	status int
}

func (p *probeWriter) Header() http.Header { return p.header }

func (p *probeWriter) Write(b []byte) (int, error) { return len(b), nil }

func (p *probeWriter) WriteHeader(status int) { p.status = status }
